//! What a run is: the configuration, as read from `run.toml` and written resolved beside the run.

use crate::TrainError;
use lumbar_core::{ConditionGroup, GradingScheme, SeriesKind};
use lumbar_model::Architecture;
use serde::{Deserialize, Serialize};

/// The configuration of a training run.
///
/// Every field has a default, so an empty file is a valid configuration; unknown fields are refused.
///
/// ```
/// use lumbar_train::RunConfig;
/// let config: RunConfig = toml::from_str("seed = 3\n[data]\nview = \"axial_t2\"\ngroups = [\"subarticular\"]")?;
/// assert_eq!(config.training.epochs, RunConfig::default().training.epochs);
/// assert!(toml::from_str::<RunConfig>("sede = 3").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// The one seed of the run: initial weights, order of samples, augmentation, dropout.
    pub seed: u64,
    /// Which samples, and how they are fed.
    pub data: DataConfig,
    /// The network.
    pub model: ModelConfig,
    /// The optimiser and its schedule.
    pub optimiser: OptimiserConfig,
    /// The loop.
    pub training: TrainingConfig,
    /// Experiments that should fail; off unless asked for.
    pub controls: ControlsConfig,
}

/// Which samples, and how they are fed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// The kind of series the crops are cut from.
    pub view: SeriesKind,
    /// What is graded; each group gets its own head.
    pub groups: Vec<ConditionGroup>,
    /// Show right-sided targets mirrored to the left, so that one head serves both sides.
    pub mirror_right_to_left: bool,
    /// Random changes of training samples: `none` or `standard`.
    pub augmentation: Augmentation,
    /// Share of training patients set aside to choose the checkpoint and the temperature where the run makes its own
    /// folds.
    pub validation_share: f64,
}

impl Default for DataConfig {
    fn default() -> DataConfig {
        DataConfig {
            view: SeriesKind::SagittalT2,
            groups: vec![ConditionGroup::SpinalCanal],
            mirror_right_to_left: true,
            augmentation: Augmentation::Standard,
            validation_share: 0.15,
        }
    }
}

/// Random changes of training samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Augmentation {
    /// Samples as they are.
    None,
    /// The default mixture of shift, rotation, scale, intensity, noise and slice dropout.
    Standard,
}

/// The network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// The trunk.
    pub architecture: Architecture,
    /// Share of features dropped before the head while training.
    pub dropout: f64,
}

/// The optimiser (AdamW) and its schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserConfig {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Warm-up, in epochs.
    pub warmup_epochs: f64,
    /// Largest joint norm of the gradients.
    pub clip_norm: f64,
}

impl Default for OptimiserConfig {
    fn default() -> OptimiserConfig {
        OptimiserConfig {
            learning_rate: 1e-3,
            weight_decay: 1e-2,
            warmup_epochs: 1.0,
            clip_norm: 1.0,
        }
    }
}

/// The loop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Times each training sample is seen.
    pub epochs: usize,
    /// Samples a step.
    pub batch_size: usize,
    /// Weights of the grades in the loss.
    pub class_weights: ClassWeights,
    /// Threads that prepare batches.
    pub workers: usize,
    /// Stop after this many epochs without a better validation loss; 0 never stops early.
    pub patience: usize,
}

impl Default for TrainingConfig {
    fn default() -> TrainingConfig {
        TrainingConfig {
            epochs: 12,
            batch_size: 32,
            class_weights: ClassWeights::Rsna,
            workers: 1,
            patience: 0,
        }
    }
}

/// Weights of the grades in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All the same.
    None,
    /// Those of the RSNA score: 1, 2, 4.
    Rsna,
}

impl ClassWeights {
    /// One weight a grade.
    pub fn values(self, scheme: GradingScheme) -> Vec<f64> {
        match self {
            ClassWeights::None => vec![1.0; scheme.n_grades()],
            ClassWeights::Rsna => scheme.rsna_weights().to_vec(),
        }
    }
}

/// Experiments that should fail: if they do not, the scores mean something else than they seem to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ControlsConfig {
    /// Permute the training labels within each column: the score must fall back to the prior.
    pub shuffle_labels: bool,
    /// Blank a square of this side around the target, in training and in grading, mm; 0 blanks nothing. What is left
    /// must not be worth more than knowing the level.
    pub blank_centre_mm: f64,
}

impl ControlsConfig {
    /// The side of the blanked square, mm, if there is one.
    pub fn blank_centre(&self) -> Option<f64> {
        (self.blank_centre_mm > 0.0).then_some(self.blank_centre_mm)
    }
}

impl RunConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`TrainError::Config`] for the first value out of its range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let check = |key: &'static str, ok: bool, found: String, expected: &str| {
            if ok {
                Ok(())
            } else {
                Err(TrainError::Config {
                    key,
                    found,
                    expected: expected.into(),
                })
            }
        };
        let o = &self.optimiser;
        let t = &self.training;
        check(
            "data.groups",
            !self.data.groups.is_empty(),
            "empty".into(),
            "at least one condition group",
        )?;
        let share = self.data.validation_share;
        check(
            "data.validation_share",
            share > 0.0 && share < 1.0,
            share.to_string(),
            "between 0 and 1",
        )?;
        let rate = o.learning_rate;
        check(
            "optimiser.learning_rate",
            rate > 0.0 && rate <= 1.0,
            rate.to_string(),
            "above 0, at most 1",
        )?;
        let decay = o.weight_decay;
        check(
            "optimiser.weight_decay",
            (0.0..1.0).contains(&decay),
            decay.to_string(),
            "0 to 1",
        )?;
        check(
            "optimiser.clip_norm",
            o.clip_norm > 0.0,
            o.clip_norm.to_string(),
            "above 0",
        )?;
        let warmup = o.warmup_epochs;
        check(
            "optimiser.warmup_epochs",
            warmup >= 0.0 && warmup.is_finite(),
            warmup.to_string(),
            "at least 0",
        )?;
        check(
            "training.epochs",
            t.epochs > 0,
            t.epochs.to_string(),
            "at least 1",
        )?;
        check(
            "training.batch_size",
            t.batch_size > 0,
            t.batch_size.to_string(),
            "at least 1",
        )?;
        check(
            "training.workers",
            t.workers > 0,
            t.workers.to_string(),
            "at least 1",
        )?;
        let blank = self.controls.blank_centre_mm;
        check(
            "controls.blank_centre_mm",
            blank >= 0.0 && blank.is_finite(),
            blank.to_string(),
            "at least 0",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_with_its_default() {
        let page = include_str!("../../../data-spec/configuration.md");
        let (_, section) = page.split_once("## `run.toml`").unwrap();
        let described: Vec<(&str, &str)> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| {
                let cells: Vec<&str> = line
                    .split('|')
                    .map(|cell| cell.trim().trim_matches('`'))
                    .collect();
                (cells[1], cells[3])
            })
            .collect();
        let mut defaults = std::collections::BTreeMap::new();
        let config = toml::Value::try_from(RunConfig::default()).unwrap();
        crate::run::flatten("", &config, &mut defaults);
        let mut described_in_order = described.clone();
        described_in_order.sort_unstable();
        let defaults: Vec<(&str, &str)> = defaults
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(described_in_order, defaults);
    }
}
