//! AUROC pooled over levels and sides within a group, averaged over groups.

use crate::{
    Case, EvaluateError, EvaluateOptions,
    measured::{Measured, Predictor},
    resample,
};
use lumbar_core::{ConditionGroup, GradingScheme};
use lumbar_metrics::{Estimate, GradesUsed, Interval, Measure, Undefined};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The macro one-vs-rest AUROC of each condition group, and their plain mean.
///
/// Levels and sides are pooled within a group: a single column may hold two severe cases, too few to rank. Because
/// pooling mixes levels, someone who knows only the level scores well above 0.5; the prior's value is that floor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupMeanAuroc {
    /// Which predictions it is of.
    pub basis: Basis,
    /// The groups with cases, over which the mean goes.
    pub groups: Vec<ConditionGroup>,
    /// Of the model.
    pub model: Estimate,
    /// Of the no-image prior: what knowing the level alone gives.
    pub prior: Estimate,
    /// Of the oracle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<Estimate>,
    /// Model minus prior.
    pub minus_prior: Estimate,
}

/// Which predictions a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// One per target, combined as the options say.
    Combined,
    /// Those on the view each condition is marked on in the RSNA data.
    ProperView,
}

/// Name of the measure in `metrics.json`.
pub const GROUP_MEAN_AUROC: &str = "auroc_macro_mean_over_groups";

type Value = Result<f64, Undefined>;

pub(crate) fn group_mean_auroc(
    cases: &[&Case],
    scheme: GradingScheme,
    basis: Basis,
    options: &EvaluateOptions,
) -> Result<GroupMeanAuroc, EvaluateError> {
    let patients = number_patients(cases);
    let has_oracle = cases.first().is_some_and(|case| case.oracle.is_some());
    let mut predictors = vec![Predictor::Model, Predictor::Prior];
    predictors.extend(has_oracle.then_some(Predictor::Oracle));
    let mut groups = Vec::new();
    let mut blocks = Vec::new();
    for group in ConditionGroup::ALL {
        let of_group: Vec<&Case> = cases
            .iter()
            .copied()
            .filter(|case| case.target.condition.group() == group)
            .collect();
        if of_group.is_empty() {
            continue;
        }
        groups.push(group);
        blocks.push(Block {
            patient_idx: of_group
                .iter()
                .map(|case| patients[case.patient.as_str()])
                .collect(),
            measured: predictors
                .iter()
                .map(|predictor| Measured::new(&of_group, scheme, *predictor))
                .collect::<Result<_, _>>()?,
        });
    }
    let n_patients = patients.len();
    let point = values(&blocks, predictors.len(), &vec![1.0; n_patients], None);
    let grades_used: Vec<Vec<Option<GradesUsed>>> = blocks.iter().map(Block::grades_used).collect();
    let draws = match n_patients {
        0 | 1 => None,
        n => Some(resample::draws(n, options.n_resamples, options.seed, |times| {
            values(&blocks, predictors.len(), times, Some(&grades_used))
        })),
    };
    let interval = |of: &dyn Fn(&Vec<Value>) -> Value| -> Result<Interval, Undefined> {
        match &draws {
            None => Err(Undefined::TooFewClusters { found: n_patients }),
            Some(draws) => resample::percentile(draws.iter().map(of), options),
        }
    };
    let estimate = |of: &dyn Fn(&Vec<Value>) -> Value| {
        let value = of(&point);
        Estimate {
            measure: GROUP_MEAN_AUROC.to_owned(),
            interval: Some(value.and_then(|_| interval(of))),
            value,
            n: cases.len(),
            n_clusters: Some(n_patients),
            grades_used: None,
        }
    };
    Ok(GroupMeanAuroc {
        basis,
        groups,
        model: estimate(&|v| v[0]),
        prior: estimate(&|v| v[1]),
        oracle: has_oracle.then(|| estimate(&|v| v[2])),
        minus_prior: estimate(&|v| Ok(v[0]? - v[1]?)),
    })
}

/// Patients numbered by key, so that the order of cases does not show in a draw.
pub(crate) fn number_patients<'a>(cases: &[&'a Case]) -> BTreeMap<&'a str, usize> {
    let mut numbers: BTreeMap<&str, usize> = cases.iter().map(|case| (case.patient.as_str(), 0)).collect();
    numbers
        .values_mut()
        .enumerate()
        .for_each(|(i, number)| *number = i);
    numbers
}

/// The cases of a group.
struct Block {
    patient_idx: Vec<usize>,
    /// One per predictor.
    measured: Vec<Measured>,
}

impl Block {
    fn grades_used(&self) -> Vec<Option<GradesUsed>> {
        let of = |measured: &Measured| measured.natural.grades_used(Measure::MacroAuroc);
        self.measured.iter().map(of).collect()
    }
}

/// The mean over groups for each predictor, with each patient counted so many times.
fn values(
    blocks: &[Block],
    n_predictors: usize,
    times: &[f64],
    expected: Option<&Vec<Vec<Option<GradesUsed>>>>,
) -> Vec<Value> {
    let mean = |predictor: usize| -> Value {
        if blocks.is_empty() {
            return Err(Undefined::NoCases);
        }
        let mut sum = 0.0;
        for (block_idx, block) in blocks.iter().enumerate() {
            let weights: Vec<f64> = block.patient_idx.iter().map(|i| times[*i]).collect();
            let weighted = block.measured[predictor].natural.clone().with_weights(&weights);
            let weighted = weighted.expect("one finite weight of at least 0 per case");
            let estimate = &weighted.estimates(&[Measure::MacroAuroc])[0];
            sum += estimate.value?;
            // A mean over fewer grades than on the data is the mean of something else.
            if let (Some(expected), Some(used)) = (expected, estimate.grades_used)
                && expected[block_idx][predictor] != Some(used)
            {
                return Err(Undefined::AbsentGrades {
                    used: used.used,
                    of: used.of,
                });
            }
        }
        Ok(sum / blocks.len() as f64)
    };
    (0..n_predictors).map(mean).collect()
}
