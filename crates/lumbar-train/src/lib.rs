//! The training loop.
//!
//! A run is a pure function of a data set, a [`RunConfig`] and a device: interrupted and resumed, it gives the same
//! weights and the same predictions to the last bit (on the CPU backends, with the same number of threads).
//!
//! ```no_run
//! use lumbar_dataset::Dataset;
//! use lumbar_model::DeviceSpec;
//! use lumbar_train::{RunConfig, Silent, TrainJob};
//! use std::path::Path;
//!
//! let dataset = Dataset::open(Path::new("dataset"))?;
//! let config: RunConfig = toml::from_str("[data]\nview = \"axial_t2\"\ngroups = [\"subarticular\"]")?;
//! let job = TrainJob { dataset: &dataset, config: &config, device: DeviceSpec::Auto, folds: Some(3), resume: false };
//! let summary = job.run(Path::new("run"), &mut Silent)?;
//! println!("validation loss {:.3}", summary.best_loss);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a run leaves
//!
//! `config.resolved.toml`, `run.json`, `metrics.jsonl`, `checkpoints/`, `model/` (the bundle of the best checkpoint) and
//! `predictions.parquet`; with folds, one such folder each (`fold-0`, ...) and all out-of-fold predictions above them.
//!
//! # Features
//!
//! `flex`, `ndarray` and `cuda` are forwarded to `lumbar-model`; none is on by default.
//!
//! # What is left to others
//!
//! Measures are `lumbar-metrics` and `lumbar-evaluate`; pixels and their augmentation come from `lumbar-dataset`.

pub mod adamw;
pub mod checkpoint;
pub mod config;
pub mod loss;
pub mod predict;
pub mod prior;
pub mod run;
pub mod schedule;

mod calibrate;
mod cases;
mod error;
mod external;
mod fit;
mod folds;

pub use config::RunConfig;
pub use error::TrainError;
pub use external::predict_external;
pub use fit::{EpochReport, Observer, Silent};
pub use run::{RunSummary, TrainJob};
