//! The error of this crate.

use std::path::{Path, PathBuf};

/// What can go wrong in training and in reading a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The data set cannot be read.
    #[error(transparent)]
    Dataset(#[from] lumbar_dataset::DatasetError),
    /// The network or its bundle.
    #[error(transparent)]
    Model(#[from] lumbar_model::ModelError),
    /// The table of predictions cannot be written.
    #[error(transparent)]
    Evaluate(#[from] lumbar_evaluate::EvaluateError),
    /// A configuration that cannot be run.
    #[error("configuration: `{key}` is {found}, expected {expected}")]
    Config {
        /// Dotted key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// No sample is left to train on or to choose a checkpoint by.
    #[error("no {part} samples for {view} and {groups}: {hint}")]
    NoSamples {
        /// `training`, `validation` or `test`.
        part: &'static str,
        /// The view asked for.
        view: String,
        /// The condition groups asked for.
        groups: String,
        /// What would help.
        hint: &'static str,
    },
    /// The loss is no longer a number.
    #[error("the training loss became {loss} in epoch {epoch}; a smaller `optimiser.learning_rate` may help")]
    Diverged {
        /// Epoch, from 0.
        epoch: usize,
        /// The loss.
        loss: f64,
    },
    /// The run directory holds another run.
    #[error("`{}` holds a run already; resume it with --resume or choose another folder", path.display())]
    RunExists {
        /// The run directory.
        path: PathBuf,
    },
    /// There is no run to resume.
    #[error("`{}` holds no run to resume; start it without --resume", path.display())]
    NothingToResume {
        /// The run directory.
        path: PathBuf,
    },
    /// The run to resume was started with another configuration or data set.
    #[error("cannot resume `{}`: {what} differs (the run has {found}, this call {expected})", path.display())]
    OtherRun {
        /// The run directory.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the run was started with.
        found: String,
        /// What this call asks for.
        expected: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file of a run is not what it should be.
    #[error("`{}`: {reason}", path.display())]
    BadState {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl TrainError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
        move |source| TrainError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn bad_state(path: &Path, reason: impl Into<String>) -> TrainError {
        TrainError::BadState {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
