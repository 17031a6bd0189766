//! The vocabulary of lumbar-spine grading.
//!
//! Every other crate speaks in these types: a grade is a [`Severity`], never a bare integer; left and right are a
//! [`Side`], never a `bool`; a place in the patient is a [`Point`] in millimetres, never three loose numbers.
//! Text from outside (column names, display names, row ids, DICOM geometry) is parsed here, once, and refused with a
//! [`ParseError`] that says what was expected.
//!
//! ```
//! use lumbar_core::{Condition, Level, Severity, Target, RowId};
//!
//! let target: Target = "left_neural_foraminal_narrowing_l4_l5".parse()?;
//! assert_eq!(target.condition, Condition::LeftNeuralForaminalNarrowing);
//! assert_eq!(target.level, Level::L4L5);
//! // What a reader sees on the other side of the patient:
//! assert_eq!(target.mirrored().column_name(), "right_neural_foraminal_narrowing_l4_l5");
//!
//! let row: RowId = "4003253_spinal_canal_stenosis_l1_l2".parse()?;
//! assert_eq!(row.study.as_str(), "4003253");
//! assert_eq!("Normal/Mild".parse::<Severity>()?, Severity::NormalMild);
//! # Ok::<(), lumbar_core::ParseError>(())
//! ```
//!
//! # What is here
//!
//! | module | types |
//! |---|---|
//! | [`anatomy`] | [`Level`], [`Side`] |
//! | [`condition`] | [`Condition`], [`ConditionGroup`], [`Target`], [`RowId`] |
//! | [`severity`] | [`Severity`], [`GradingScheme`] |
//! | [`series`] | [`Plane`], [`Weighting`], [`SeriesKind`] |
//! | [`ids`] | [`StudyId`], [`SeriesId`], [`PatientKey`] |
//! | [`geometry`] | [`Point`], [`Vector`], [`ImagePlane`], [`PixelSpacing`], [`PixelPoint`] |
//!
//! # What is left to others
//!
//! No I/O and no pixels: reading DICOM is `lumbar-dicom`, tables are `lumbar-dataset`.

pub mod anatomy;
pub mod condition;
pub mod geometry;
pub mod ids;
pub mod series;
pub mod severity;

mod codes;
mod error;

pub use anatomy::{Level, Side};
pub use condition::{Condition, ConditionGroup, RowId, Target};
pub use error::{GeometryError, ParseError};
pub use geometry::{ImagePlane, PixelPoint, PixelSpacing, Point, Projection, Vector};
pub use ids::{PatientKey, SeriesId, StudyId};
pub use series::{Plane, SeriesKind, Weighting};
pub use severity::{GradingScheme, Severity};
