//! Two sets of predictions on the cases both have, paired by patient.

use crate::{
    Case, Cases, EvaluateError, EvaluateOptions, PredictionTable, Scope, beside,
    measured::{Measured, Predictor, rsna_table},
    views::shared,
};
use lumbar_core::ConditionGroup;
use lumbar_metrics::Comparison;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};

/// A against B on the same graded targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonReport {
    /// Cases both have: what is compared.
    pub n_cases: usize,
    /// Their patients: the unit intervals resample.
    pub n_patients: usize,
    /// Labelled cases only A has.
    pub n_only_a: usize,
    /// Labelled cases only B has.
    pub n_only_b: usize,
    /// The official score and its parts: A, B, and A minus B (below zero, A is better).
    pub rsna: Vec<Comparison>,
    /// Weighted log loss, macro AUROC and quadratic kappa of all cases and of each group.
    pub scopes: Vec<ScopeComparison>,
}

/// A against B on a subset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopeComparison {
    /// Which cases.
    pub scope: Scope,
    /// Number of cases.
    pub n_cases: usize,
    /// A, B, and A minus B.
    pub comparisons: Vec<Comparison>,
}

impl ComparisonReport {
    /// Writes the comparison as JSON, beside its place first.
    ///
    /// # Errors
    /// On disk errors.
    pub fn write(&self, path: &Path) -> Result<(), EvaluateError> {
        beside::write_json(self, path)
    }
}

/// Compares two sets of runs on the labelled targets both predict. Each set is combined as for [`crate::evaluate`].
///
/// # Errors
/// If a set does not belong together, the sets differ in grading scheme, a case has different grades in them, or they
/// share no case.
pub fn compare(
    a: &[PredictionTable],
    b: &[PredictionTable],
    options: &EvaluateOptions,
) -> Result<ComparisonReport, EvaluateError> {
    let bootstrap = options.bootstrap()?;
    let (cases_a, cases_b) = (Cases::combine(a, options)?, Cases::combine(b, options)?);
    let scheme = cases_a.scheme;
    if scheme != cases_b.scheme {
        return Err(EvaluateError::Mixed {
            what: "grading scheme",
            first: format!("{scheme:?}"),
            other: format!("{:?}", cases_b.scheme),
        });
    }
    let (all_a, all_b) = shared(&cases_a, &cases_b, Scope::All);
    if all_a.is_empty() {
        return Err(EvaluateError::NothingShared);
    }
    check_same_grades(&all_a, &all_b)?;
    let groups = ConditionGroup::ALL
        .into_iter()
        .map(|group| Scope::Group { group });
    let mut scopes = Vec::new();
    for scope in std::iter::once(Scope::All).chain(groups) {
        let (of_a, of_b) = shared(&cases_a, &cases_b, scope);
        if of_a.is_empty() {
            continue;
        }
        let measured_a = Measured::new(&of_a, scheme, Predictor::Model)?;
        let measured_b = Measured::new(&of_b, scheme, Predictor::Model)?;
        scopes.push(ScopeComparison {
            scope,
            n_cases: of_a.len(),
            comparisons: measured_a.compare(&measured_b, &bootstrap)?,
        });
    }
    let table_a = rsna_table(&all_a, scheme, Predictor::Model)?;
    let table_b = rsna_table(&all_b, scheme, Predictor::Model)?;
    Ok(ComparisonReport {
        n_cases: all_a.len(),
        n_patients: all_a
            .iter()
            .map(|case| &case.patient)
            .collect::<BTreeSet<_>>()
            .len(),
        n_only_a: cases_a.labelled().len() - all_a.len(),
        n_only_b: cases_b.labelled().len() - all_b.len(),
        rsna: table_a.compare(&table_b, &bootstrap)?,
        scopes,
    })
}

fn check_same_grades(a: &[&Case], b: &[&Case]) -> Result<(), EvaluateError> {
    let differ = |(a, b): &(&&Case, &&Case)| a.grade_idx != b.grade_idx;
    match a.iter().zip(b).find(differ) {
        None => Ok(()),
        Some((a, b)) => Err(EvaluateError::Conflict {
            study: a.study.clone(),
            target: a.target,
            what: "grade",
            first: format!("grade {}", a.grade_idx.unwrap_or_default()),
            other: format!("grade {}", b.grade_idx.unwrap_or_default()),
        }),
    }
}
