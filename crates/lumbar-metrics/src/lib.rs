//! Evaluation of ordinal severity grading: measures, the RSNA 2024 score, patient-clustered intervals.
//!
//! Grades have an order (normal, moderate, severe), patients have many grades each, and some grades are rare. A number
//! that ignores any of the three misleads. This crate takes true grades and predicted probabilities as plain numbers
//! and answers with typed results: a value with its interval, or the reason why there is none.
//!
//! ```
//! use lumbar_metrics::{Bootstrap, Evaluation, Measure, Undefined};
//!
//! // Four patients, two graded discs each; three grades.
//! let patients = ["a", "a", "b", "b", "c", "c", "d", "d"];
//! let truth = [0, 0, 0, 1, 1, 1, 0, 0];
//! let probabilities = [
//!     0.8, 0.1, 0.1,  0.7, 0.2, 0.1,
//!     0.6, 0.3, 0.1,  0.4, 0.5, 0.1,
//!     0.3, 0.6, 0.1,  0.5, 0.4, 0.1,
//!     0.9, 0.1, 0.0,  0.6, 0.2, 0.2,
//! ];
//! let evaluation = Evaluation::new(3, &truth, &probabilities)?.with_clusters(&patients)?;
//!
//! assert_eq!(evaluation.value(Measure::Accuracy), Ok(0.875));
//! assert_eq!(evaluation.value(Measure::AurocAtLeast(1)), Ok(1.0));
//! // Nobody is severe: "how well is severe told apart" has no answer, and 0.5 would be a lie.
//! assert_eq!(evaluation.value(Measure::Auroc(2)), Err(Undefined::NoPositives));
//!
//! // Intervals draw patients, not discs.
//! let estimate = &Bootstrap::new(1).estimate(&evaluation, &[Measure::Accuracy])[0];
//! assert_eq!(format!("{estimate:.2}"), "0.88 (0.62 to 1.00)");
//! # Ok::<(), lumbar_metrics::InputError>(())
//! ```

pub mod calibration;
pub mod clinic;
pub mod delong;
pub mod proper;
pub mod ranking;
pub mod rsna;

mod bootstrap;
mod collector;
mod confusion;
mod engine;
mod error;
mod estimate;
mod evaluation;
mod mean;
mod measure;
mod normal;
mod share;
mod sum;
mod undefined;
mod validate;
mod wilson;

pub use bootstrap::{Bootstrap, BootstrapMethod, Comparison, MOST_UNDEFINED};
pub use collector::Collector;
pub use confusion::{Confusion, KappaWeights};
pub use error::InputError;
pub use estimate::{Estimate, Interval, IntervalMethod, Resamples};
pub use evaluation::Evaluation;
pub use mean::{Absent, GradesUsed};
pub use measure::{Binning, Ece, EceOf, Measure, UnknownMeasure};
pub use ranking::{Binary, Event};
pub use rsna::{
    MissingLabels, PredictionRow, RSNA_PARTS, RSNA_WEIGHTS, RowCoverage, RowSums, RsnaGroup, RsnaRow,
    RsnaScore, RsnaTable, ScoreOptions, SubmissionError, SubmissionScore, TruthRow, score_submission,
};
pub use share::Share;
pub use undefined::{Footnotes, Undefined};
pub use validate::{MAX_GRADES, ROW_SUM_TOLERANCE, normalise_rows};
pub use wilson::wilson;
