//! How well human readers agree, as published: without it a kappa cannot be read.

use lumbar_core::ConditionGroup;
use serde::{Deserialize, Serialize};

/// A published agreement between readers of lumbar MRI.
///
/// Scales, weighting and patients differ from study to study: these are a yardstick, not a bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HumanAgreement {
    /// What was graded.
    pub group: ConditionGroup,
    /// The lowest kappa given.
    pub kappa_low: f64,
    /// The highest kappa given.
    pub kappa_high: f64,
    /// Between whom.
    pub between: String,
    /// Where it was published.
    pub source: String,
}

pub(crate) fn published() -> Vec<HumanAgreement> {
    let entry = |group, kappa_low, kappa_high, between: &str, source: &str| HumanAgreement {
        group,
        kappa_low,
        kappa_high,
        between: between.to_owned(),
        source: source.to_owned(),
    };
    let bharadwaj = "Bharadwaj et al. 2023, PMC10566647";
    let van_der_graaf = "van der Graaf et al. 2024, doi 10.1007/s00330-024-11080-0";
    let subspecialties = "PubMed 31133459";
    let between_subspecialties = "readers of different subspecialties";
    vec![
        entry(
            ConditionGroup::SpinalCanal,
            0.74,
            0.86,
            "three readers",
            bharadwaj,
        ),
        entry(
            ConditionGroup::SpinalCanal,
            0.73,
            0.85,
            "readers (weighted kappa)",
            van_der_graaf,
        ),
        entry(
            ConditionGroup::SpinalCanal,
            0.53,
            0.54,
            between_subspecialties,
            subspecialties,
        ),
        entry(
            ConditionGroup::NeuralForaminal,
            0.53,
            0.54,
            between_subspecialties,
            subspecialties,
        ),
        entry(
            ConditionGroup::Subarticular,
            0.08,
            0.08,
            between_subspecialties,
            subspecialties,
        ),
    ]
}
