//! How predictions become an evaluation.

use crate::{EvaluateError, Part, PredictionTable};
use lumbar_metrics::Bootstrap;
use serde::{Deserialize, Serialize};

/// Settings of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluateOptions {
    /// Which part to evaluate. `None` takes out-of-fold predictions where there are some, else the test part; the
    /// validation part only on request, because the checkpoint and the calibration were chosen on it.
    pub part: Option<Part>,
    /// How several predictions of one target become one.
    pub combine: Combine,
    /// Resamples for the intervals; at least 100.
    pub n_resamples: usize,
    /// Nominal coverage of the intervals.
    pub confidence: f64,
    /// Seed of the resampling.
    pub seed: u64,
    /// Predictions of one who knows the truth behind the grades (from the phantoms), for the same targets.
    pub oracle: Option<PredictionTable>,
}

impl Default for EvaluateOptions {
    fn default() -> EvaluateOptions {
        EvaluateOptions {
            part: None,
            combine: Combine::default(),
            n_resamples: 2_000,
            confidence: 0.95,
            seed: 0,
            oracle: None,
        }
    }
}

impl EvaluateOptions {
    pub(crate) fn bootstrap(&self) -> Result<Bootstrap, EvaluateError> {
        Ok(Bootstrap::new(self.seed)
            .with_resamples(self.n_resamples)?
            .with_level(self.confidence)?)
    }
}

/// How several predictions of one target (several runs, views or series) become one.
///
/// Probabilities are averaged arithmetically: samples of one run and view first (a study may have two axial series),
/// then over runs and views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// The predictions on the view the condition is marked on in the RSNA data, where there are some; else the mean
    /// of all.
    #[default]
    ProperView,
    /// The mean of all.
    Mean,
}
