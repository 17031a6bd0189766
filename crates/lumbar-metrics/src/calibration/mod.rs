//! Calibration: does "30%" happen in 30 of 100 cases?
//!
//! - [`Reliability`] shows it, bin by bin, and its summary is expected calibration error (also as
//!   [`Measure::Ece`](crate::Measure::Ece), with an interval from the bootstrap).
//! - [`Temperature`] repairs it with one number, fitted on one split and applied to another.
//! - [`ScoreMap`] goes between probabilities at natural prevalence, which people read, and those a weighted score
//!   rewards.

mod reliability;
mod score_map;
mod temperature;

pub use reliability::{Reliability, ReliabilityBin};
pub use score_map::ScoreMap;
pub(crate) use temperature::FittedOn;
pub use temperature::{CalibrationError, Temperature};
