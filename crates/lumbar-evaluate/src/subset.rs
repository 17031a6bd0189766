//! The measures of a subset of the cases, with the reference predictors beside them.

use crate::{
    Case, EvaluateError, Scope,
    level_only::LevelOnly,
    measured::{Measured, Predictor},
};
use lumbar_core::GradingScheme;
use lumbar_metrics::{Bootstrap, Comparison, Estimate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The measures of a subset of the cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subset {
    /// Which cases.
    pub scope: Scope,
    /// Number of cases.
    pub n_cases: usize,
    /// Number of patients.
    pub n_patients: usize,
    /// Cases of each grade.
    pub n_of_grade: Vec<usize>,
    /// `confusion[true][predicted]`; predicted is the most probable grade at natural prevalence.
    pub confusion: Vec<Vec<usize>>,
    /// Of the model.
    pub model: Vec<Estimate>,
    /// Of the no-image prior; with intervals for all cases, for groups, and for groups on a view.
    pub prior: Vec<Estimate>,
    /// Of the level-only floor: always says how common each grade is at that level in that condition, both sides
    /// together, among the very cases of this evaluation (of this view, where the scope has one). With intervals where
    /// the prior has them; they hold these shares fixed.
    pub level_only: Vec<Estimate>,
    /// Of the oracle, as for the prior.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<Vec<Estimate>>,
    /// Model minus prior: weighted log loss, macro AUROC, quadratic kappa.
    pub minus_prior: Vec<Estimate>,
    /// Model minus level-only floor, the same measures.
    pub minus_level_only: Vec<Estimate>,
}

impl Subset {
    /// The estimate of a measure of the model: a [`Measure`](lumbar_metrics::Measure) or its name in `metrics.json`.
    pub fn model(&self, measure: impl Into<String>) -> Option<&Estimate> {
        find(&self.model, measure)
    }

    /// The estimate of a measure of the prior.
    pub fn prior(&self, measure: impl Into<String>) -> Option<&Estimate> {
        find(&self.prior, measure)
    }

    /// The estimate of a measure of the level-only floor.
    pub fn level_only(&self, measure: impl Into<String>) -> Option<&Estimate> {
        find(&self.level_only, measure)
    }

    /// The estimate of a measure of the oracle, if there is one.
    pub fn oracle(&self, measure: impl Into<String>) -> Option<&Estimate> {
        self.oracle.as_ref().and_then(|oracle| find(oracle, measure))
    }

    /// Model minus prior, with the interval of the difference.
    pub fn minus_prior(&self, measure: impl Into<String>) -> Option<&Estimate> {
        find(&self.minus_prior, measure)
    }

    /// Model minus level-only floor, with the interval of the difference.
    pub fn minus_level_only(&self, measure: impl Into<String>) -> Option<&Estimate> {
        find(&self.minus_level_only, measure)
    }
}

fn find(estimates: &[Estimate], measure: impl Into<String>) -> Option<&Estimate> {
    let name = measure.into();
    estimates.iter().find(|estimate| estimate.measure == name)
}

/// Measures each scope that has cases. The level-only floor is fitted on all the cases, whatever the scope.
pub(crate) fn measure_scopes(
    cases: &[&Case],
    scopes: &[Scope],
    scheme: GradingScheme,
    bootstrap: &Bootstrap,
) -> Result<Vec<Subset>, EvaluateError> {
    let level_only = LevelOnly::fitted(cases, scheme);
    let yardstick = Yardstick {
        scheme,
        level_only: &level_only,
        bootstrap,
    };
    let mut subsets = Vec::new();
    for scope in scopes {
        let held: Vec<&Case> = cases.iter().copied().filter(|case| scope.holds(case)).collect();
        if !held.is_empty() {
            subsets.push(yardstick.measure(*scope, &held)?);
        }
    }
    Ok(subsets)
}

/// What all subsets of a set of cases are measured by.
struct Yardstick<'a> {
    scheme: GradingScheme,
    level_only: &'a LevelOnly,
    bootstrap: &'a Bootstrap,
}

impl Yardstick<'_> {
    fn measure(&self, scope: Scope, cases: &[&Case]) -> Result<Subset, EvaluateError> {
        let of = |predictor| Measured::new(cases, self.scheme, predictor);
        let model = of(Predictor::Model)?;
        let prior = of(Predictor::Prior)?;
        let level_only = of(Predictor::LevelOnly(self.level_only))?;
        let oracle = has_oracle(cases).then(|| of(Predictor::Oracle)).transpose()?;
        // The uncertainty of a reference predictor is read for the whole and for groups; elsewhere it would only cost
        // time.
        let with_intervals = matches!(scope, Scope::All | Scope::Group { .. } | Scope::GroupView { .. });
        let reference = |measured: &Measured| measured.estimates(with_intervals.then_some(self.bootstrap));
        let confusion = model.natural.confusion();
        let count = |x: f64| x as usize; // a sum of ones
        Ok(Subset {
            scope,
            n_cases: cases.len(),
            n_patients: n_patients(cases),
            n_of_grade: (0..self.scheme.n_grades())
                .map(|grade| count(confusion.support(grade)))
                .collect(),
            confusion: confusion
                .rows()
                .map(|row| row.iter().map(|n| count(*n)).collect())
                .collect(),
            model: model.estimates(Some(self.bootstrap)),
            prior: reference(&prior),
            level_only: reference(&level_only),
            oracle: oracle.as_ref().map(reference),
            minus_prior: differences(model.compare(&prior, self.bootstrap)?),
            minus_level_only: differences(model.compare(&level_only, self.bootstrap)?),
        })
    }
}

pub(crate) fn n_patients(cases: &[&Case]) -> usize {
    cases
        .iter()
        .map(|case| &case.patient)
        .collect::<BTreeSet<_>>()
        .len()
}

pub(crate) fn has_oracle(cases: &[&Case]) -> bool {
    cases.first().is_some_and(|case| case.oracle.is_some())
}

pub(crate) fn differences(comparisons: Vec<Comparison>) -> Vec<Estimate> {
    comparisons
        .into_iter()
        .map(|comparison| comparison.difference)
        .collect()
}
