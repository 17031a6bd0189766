//! AUROC pooled over levels and sides within a group, averaged over groups.

use crate::{
    Case, EvaluateError, EvaluateOptions,
    cases::{by_group, number_patients},
    level_only::LevelOnly,
    measured::{Measured, Predictor},
    subset::has_oracle,
};
use lumbar_core::{ConditionGroup, GradingScheme};
use lumbar_metrics::{Estimate, GradesUsed, Measure, Undefined};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The macro one-vs-rest AUROC of each condition group, and their plain mean.
///
/// Levels and sides are pooled within a group: a single column may hold two severe cases, too few to rank. Because
/// pooling mixes levels, someone who knows only the level scores well above 0.5: the level-only floor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupMeanAuroc {
    /// Which predictions it is of.
    pub basis: Basis,
    /// The groups with cases, over which the mean goes.
    pub groups: Vec<ConditionGroup>,
    /// Of the model.
    pub model: Estimate,
    /// Of the no-image prior.
    pub prior: Estimate,
    /// Of the level-only floor.
    pub level_only: Estimate,
    /// Of the oracle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<Estimate>,
    /// Model minus prior.
    pub minus_prior: Estimate,
    /// Model minus level-only floor.
    pub minus_level_only: Estimate,
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
    let level_only = LevelOnly::fitted(cases, scheme);
    let mut predictors = vec![
        Predictor::Model,
        Predictor::Prior,
        Predictor::LevelOnly(&level_only),
    ];
    let has_oracle = has_oracle(cases);
    predictors.extend(has_oracle.then_some(Predictor::Oracle));
    let patients = number_patients(cases);
    let mut groups = Vec::new();
    let mut blocks = Vec::new();
    for (group, of_group) in by_group(cases) {
        groups.push(group);
        blocks.push(Block::new(&of_group, &patients, scheme, &predictors)?);
    }
    let of_predictors = |times: &[f64]| -> Vec<Value> {
        let mut means: Vec<Value> = (0..predictors.len())
            .map(|predictor| mean_over_groups(&blocks, predictor, times))
            .collect();
        for reference in [PRIOR, LEVEL_ONLY] {
            means.push(means[MODEL].and_then(|model| Ok(model - means[reference]?)));
        }
        means
    };
    let point = of_predictors(&vec![1.0; patients.len()]);
    let intervals = options.bootstrap()?.statistics(patients.len(), of_predictors);
    let estimate = |i: usize| Estimate {
        measure: GROUP_MEAN_AUROC.to_owned(),
        value: point[i],
        interval: Some(intervals[i]),
        n: cases.len(),
        n_clusters: Some(patients.len()),
        grades_used: None,
    };
    let differences = predictors.len();
    Ok(GroupMeanAuroc {
        basis,
        groups,
        model: estimate(MODEL),
        prior: estimate(PRIOR),
        level_only: estimate(LEVEL_ONLY),
        oracle: has_oracle.then(|| estimate(ORACLE)),
        minus_prior: estimate(differences),
        minus_level_only: estimate(differences + 1),
    })
}

/// Places of the predictors.
const MODEL: usize = 0;
const PRIOR: usize = 1;
const LEVEL_ONLY: usize = 2;
const ORACLE: usize = 3;

/// The cases of a group.
struct Block {
    patient_idx: Vec<usize>,
    /// One per predictor, with the grades its mean goes over.
    measured: Vec<(Measured, Option<GradesUsed>)>,
}

impl Block {
    fn new(
        cases: &[&Case],
        patients: &BTreeMap<&str, usize>,
        scheme: GradingScheme,
        predictors: &[Predictor<'_>],
    ) -> Result<Block, EvaluateError> {
        let measured = |predictor: &Predictor<'_>| {
            let measured = Measured::new(cases, scheme, *predictor)?;
            let used = measured.natural.grades_used(Measure::MacroAuroc);
            Ok((measured, used))
        };
        Ok(Block {
            patient_idx: cases.iter().map(|case| patients[case.patient.as_str()]).collect(),
            measured: predictors
                .iter()
                .map(measured)
                .collect::<Result<_, EvaluateError>>()?,
        })
    }
}

/// The mean over groups of what a predictor scores, with each patient counted so many times.
fn mean_over_groups(blocks: &[Block], predictor: usize, times: &[f64]) -> Value {
    if blocks.is_empty() {
        return Err(Undefined::NoCases);
    }
    let mut sum = 0.0;
    for block in blocks {
        let (measured, on_the_data) = &block.measured[predictor];
        let weights: Vec<f64> = block.patient_idx.iter().map(|i| times[*i]).collect();
        let weighted = measured.natural.clone().with_weights(&weights);
        let weighted = weighted.expect("one finite weight of at least 0 per case");
        let estimate = &weighted.estimates(&[Measure::MacroAuroc])[0];
        sum += estimate.value?;
        // A mean over fewer grades than on the data is the mean of something else.
        if let Some(used) = estimate.grades_used
            && *on_the_data != Some(used)
        {
            return Err(Undefined::AbsentGrades {
                used: used.used,
                of: used.of,
            });
        }
    }
    Ok(sum / blocks.len() as f64)
}
