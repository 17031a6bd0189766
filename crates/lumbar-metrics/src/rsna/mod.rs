//! The score of the RSNA 2024 Lumbar Spine Degenerative Classification challenge.
//!
//! # Definition
//! Cases weigh 1, 2, 4 by their true grade. *Spinal*, *foraminal* and *subarticular*: weighted log loss over all cases
//! of the group, both sides together. *Any severe spinal*, one case per study: whether any of its five spinal levels
//! is severe; predicted by the *maximum* of the five severe probabilities (not 1 - Π(1 - p)), weighted by the maximum
//! of the five weights; binary log loss. The score is the plain mean of the four. Lower is better.
//! # Ties
//! None.
//! # Undefined
//! A group without cases is [`Undefined::NoCases`]. If every study, or none, has a severe spinal level, the last part is
//! [`Undefined::SingleClass`]: scikit-learn raises an error there, so the challenge's own code has no value either. An
//! undefined part leaves the score [`Undefined::UndefinedPart`].
//! # Reference
//! The challenge's metric notebook: `sklearn.metrics.log_loss(onehot, p, sample_weight=w)` per group. Its value depends
//! on the scikit-learn of the day for rows that do not sum to 1: see [`RowSums`].
//!
//! On the challenge's training labels (missing ones dropped) always saying 1/3 scores 0.9994, and the weighted prior
//! of each of the 25 columns 0.7897: what a model must beat to have looked at an image.

mod error;
mod submission;
mod table;

pub use error::SubmissionError;
pub use submission::{
    MissingLabels, OffSum, PredictionRow, RowCoverage, ScoreOptions, SubmissionScore, TruthRow,
    score_submission,
};
pub use table::{RsnaRow, RsnaTable};

use crate::{Estimate, Undefined};
use serde::{Deserialize, Serialize};

/// The three groups of conditions of the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RsnaGroup {
    /// Spinal canal stenosis.
    Spinal,
    /// Left and right neural foraminal narrowing.
    Foraminal,
    /// Left and right subarticular stenosis.
    Subarticular,
}

impl RsnaGroup {
    /// All groups, in the order of the score's parts.
    pub const ALL: [RsnaGroup; 3] = [RsnaGroup::Spinal, RsnaGroup::Foraminal, RsnaGroup::Subarticular];
}

/// What happens to a row of probabilities that does not sum to 1.
///
/// scikit-learn changed it between the challenge and today, so one submission has two scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowSums {
    /// Used as they are, clipped to [2.2e-16, 1 - 2.2e-16]: scikit-learn 1.5 and later (it only warns). A value above
    /// 1 is an error, as it is there.
    #[default]
    AsGiven,
    /// Clipped, then divided by the sum of the row: scikit-learn before 1.5 (checked against 1.2.2), which was
    /// current during the challenge.
    Renormalise,
}

/// The weight of a case by its true grade.
pub const RSNA_WEIGHTS: [f64; 3] = [1.0, 2.0, 4.0];

/// The score and its parts; lower is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RsnaScore {
    /// The mean of the four parts.
    pub score: Result<f64, Undefined>,
    /// Weighted log loss of spinal canal stenosis.
    pub spinal: Result<f64, Undefined>,
    /// Weighted log loss of neural foraminal narrowing.
    pub foraminal: Result<f64, Undefined>,
    /// Weighted log loss of subarticular stenosis.
    pub subarticular: Result<f64, Undefined>,
    /// Weighted log loss of "any level of the spinal canal is severe", per study.
    pub any_severe_spinal: Result<f64, Undefined>,
}

/// Names of the score and its parts, in the order of [`RsnaScore::values`].
pub const RSNA_PARTS: [&str; 5] = [
    "score",
    "spinal",
    "foraminal",
    "subarticular",
    "any_severe_spinal",
];

impl RsnaScore {
    fn of_parts(parts: [Result<f64, Undefined>; 4]) -> RsnaScore {
        let [spinal, foraminal, subarticular, any_severe_spinal] = parts;
        let sum: Result<f64, Undefined> = parts.into_iter().sum();
        RsnaScore {
            score: sum.map(|sum| sum / 4.0).map_err(|_| Undefined::UndefinedPart),
            spinal,
            foraminal,
            subarticular,
            any_severe_spinal,
        }
    }

    /// The score and its four parts, in the order of [`RSNA_PARTS`].
    pub fn values(&self) -> [Result<f64, Undefined>; 5] {
        [
            self.score,
            self.spinal,
            self.foraminal,
            self.subarticular,
            self.any_severe_spinal,
        ]
    }

    /// The score and its parts as estimates named `rsna_score`, `rsna_spinal` and so on.
    fn estimates(&self, n: usize, n_studies: usize) -> Vec<Estimate> {
        let named = RSNA_PARTS.iter().zip(self.values());
        named
            .map(|(name, value)| Estimate {
                measure: format!("rsna_{name}"),
                value,
                interval: None,
                n,
                n_clusters: Some(n_studies),
                grades_used: None,
            })
            .collect()
    }
}
