//! Writing a phantom: DICOM files, the three RSNA tables, and the truth beside them.

mod files;
mod place;
mod study;
mod tables;
mod truth;

pub(crate) use files::replace;
pub(crate) use place::Place;
pub(crate) use study::{CopyOf, StudyRecord, write_study};
pub(crate) use tables::Tables;
pub(crate) use truth::write_truth;
pub use truth::{Landmark, LevelMeasures, SeriesTruth, StudyTruth, TargetTruth};
