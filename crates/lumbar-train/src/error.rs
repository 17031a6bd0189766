//! The error of this crate.

use crate::RunConfig;
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
    /// The other data set's pixels were prepared otherwise than those the run was trained on.
    #[error("`{}` has `{found}`, the run was trained with `{expected}`", path.display())]
    OtherPreprocessing {
        /// The other data set.
        path: PathBuf,
        /// Its setting.
        found: String,
        /// The run's.
        expected: String,
    },
    /// The networks have only seen phantoms, the other data set holds patients.
    #[error("`{}` was trained on synthetic studies and does not grade patients", path.display())]
    SyntheticOnPatients {
        /// The bundle.
        path: PathBuf,
    },
    /// The same patient may go by another id in the other data set.
    #[error("whether patients were trained on in `{}` cannot be told: the data sets hash ids with different keys; build both with one identity key", path.display())]
    PatientsIncomparable {
        /// The run.
        path: PathBuf,
    },
    /// Patients of the other data set were trained on: a score on them would be no evidence.
    #[error("{n_seen} of the {n_patients} patients were trained on in `{}`", path.display())]
    PatientsSeen {
        /// The run.
        path: PathBuf,
        /// Patients the run was trained on.
        n_seen: usize,
        /// Patients to be graded.
        n_patients: usize,
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
    /// A folder that is none of a run.
    #[error(
        "`{}` is not the folder of a run: it holds no `run.json` (a demo has its runs in `runs`)",
        path.display()
    )]
    NoRun {
        /// The folder.
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
        what: String,
        /// What the run was started with.
        found: String,
        /// What this call asks for.
        expected: String,
    },
    /// The data set is not the one the run was trained on.
    #[error("`{}` was not trained on `{}`: it has the digest {found}, expected {expected}", run.display(), dataset.display())]
    OtherDataset {
        /// The run directory.
        run: PathBuf,
        /// The data set given.
        dataset: PathBuf,
        /// Its digest.
        found: String,
        /// The digest of the one trained on.
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

    pub(crate) fn no_samples(part: &'static str, config: &RunConfig, hint: &'static str) -> TrainError {
        let groups: Vec<&str> = config.data.groups.iter().map(|g| g.short_name()).collect();
        TrainError::NoSamples {
            part,
            view: config.data.view.to_string(),
            groups: groups.join(", "),
            hint,
        }
    }

    /// A fold that cannot be trained or chosen by.
    pub(crate) fn too_few(part: &'static str, config: &RunConfig) -> TrainError {
        let hint = "the data set has too few labelled studies of this kind for the batch size and the split";
        TrainError::no_samples(part, config, hint)
    }

    pub(crate) fn bad_state(path: &Path, reason: impl Into<String>) -> TrainError {
        TrainError::BadState {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
