//! Synthetic lumbar MRI studies with known truth, written as real DICOM in the RSNA 2024 layout.
//!
//! Each study is a parametric person in millimetres (vertebrae, discs, thecal sac and roots, ligaments, facets,
//! muscles, fat) whose 25 targets are narrowed by a known amount, seen through a simulated scanner (spin-echo
//! contrast, slice thickness, coil, Rician noise) and read by two simulated readers of fixed agreement. So the best
//! possible score is known: [`oracle_probabilities`].
//!
//! ```
//! use lumbar_phantom::{PhantomConfig, Pixels, generate};
//!
//! let out = tempfile::tempdir()?;
//! let config = PhantomConfig { n_studies: 2, seed: 1, pixels: Pixels::Tiny, ..PhantomConfig::default() };
//! let summary = generate(&config, out.path(), &|progress| assert!(progress.studies_done <= 2))?;
//!
//! assert_eq!(summary.n_studies, 2);
//! for table in ["train.csv", "train_label_coordinates.csv", "train_series_descriptions.csv"] {
//!     assert!(out.path().join(table).is_file());
//! }
//! assert!(out.path().join("phantom_truth.jsonl").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is here
//!
//! | item | what |
//! |---|---|
//! | [`generate`], [`PhantomConfig`], [`Quirks`], [`Site`], [`Pixels`], [`Alteration`] | writing a phantom |
//! | [`StudyTruth`], [`TargetTruth`], [`Landmark`] | a line of `phantom_truth.jsonl` |
//! | [`PlantedDefect`] | a line of `phantom_defects.jsonl` |
//! | [`draw_narrowings`], [`draw_readings`], [`oracle_probabilities`] | labels without pictures, for large samples |
//!
//! # What it is not
//!
//! Evidence about patients. Files name themselves synthetic (Manufacturer `lumbar-phantom`, ImageType
//! `DERIVED\SECONDARY\OTHER\SYNTHETIC`, PatientID `PHANTOM-...`), and a score on them says how a method handles this phantom.

mod acquire;
mod alter;
mod anatomy;
mod config;
mod defects;
mod error;
mod generate;
mod labels;
mod math;
mod output;
mod rng;

pub use alter::Alteration;
pub use config::{PhantomConfig, Pixels, Quirks, Site};
pub use defects::PlantedDefect;
pub use error::PhantomError;
pub use generate::{PhantomProgress, PhantomSummary, generate};
pub use labels::{Narrowing, Readings, draw_narrowings, draw_readings, oracle_probabilities, reader_sd};
pub use output::{Landmark, LevelMeasures, SeriesTruth, StudyTruth, TargetTruth};
