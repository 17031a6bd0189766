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
//!
//! # Read in this order
//!
//! 1. **[`Evaluation`]** takes truth, probabilities, and optionally weights and clusters (patients), and checks them
//!    once; [`Collector`] gathers batches. **[`Measure`]** names what to ask for.
//! 2. **Calls**: [`Confusion`] has accuracy, precision, recall, F1, kappa and the rest of what follows from counts.
//! 3. **Ranking**: [`ranking`] has AUROC (one-vs-rest, one-vs-one, "at least"), average precision and curves.
//! 4. **Probabilities**: [`proper`] has log loss, Brier and ranked probability score; [`calibration`] asks whether 30%
//!    happens in 30 of 100 cases, and repairs it on another split.
//! 5. **The challenge**: [`rsna`] has the RSNA 2024 score, to the last digit of both scikit-learns it ran on.
//! 6. **Uncertainty**: [`Bootstrap`] draws patients, for one model or for the difference of two; [`delong`] has
//!    formulas for AUROC.
//! 7. **The reading desk**: [`clinic`] has operating points, subgroups, risk and coverage, decision curves and
//!    conformal sets.
//!
//! # Which measure for which question
//!
//! | question | measure | mind |
//! |---|---|---|
//! | Are bad grades ranked above good ones? | [`AurocAtLeast`](Measure::AurocAtLeast) | says nothing of whether 30% means 30% |
//! | How far off are calls? | [`QuadraticKappa`](Measure::QuadraticKappa), [`MeanAbsoluteError`](Measure::MeanAbsoluteError) | kappa depends on prevalence: set it beside that of human readers |
//! | Are rare grades found at all? | [`Recall`](Measure::Recall), [`MacroF1`](Measure::MacroF1) | accuracy is high for "always normal" |
//! | Are the probabilities right? | [`LogLoss`](Measure::LogLoss), [`RankedProbability`](Measure::RankedProbability), [`Ece`](Measure::Ece) | compare with the prior of the training labels |
//! | Is one model better than another? | [`Bootstrap::compare`] | on the same patients, by the interval of the difference |
//!
//! # Rules that hold everywhere
//!
//! - **Undefined is a type.** Where the definition divides by nothing the answer is an [`Undefined`] reason; it prints
//!   as a dash with a footnote ([`Footnotes`]) and is written to JSON as null with the reason. Never 0, 0.5 or NaN.
//! - **Nothing is repaired in silence.** A row that does not sum to 1, a NaN, a weight below zero is an [`InputError`]
//!   that names the row. [`normalise_rows`] is there to be called by name.
//! - **The scheme fixes the grades**, not the data: a grade nobody has is still a grade ([`Absent`]).
//! - **Weights**: 1 is none, a whole number is a repeated row, 0 is a removed one.
//! - **Ties** are one threshold; a tied pair counts half; of two equally probable grades the lower one is called.
//! - **Deterministic**: the order of rows and the split into batches change nothing but, for the order, the last bits;
//!   the number of threads changes no bit. Randomness comes from the seed given to [`Bootstrap::new`].
//!
//! # An interval, and what it means
//!
//! ```
//! use lumbar_metrics::{Bootstrap, BootstrapMethod, Evaluation, Footnotes, Measure};
//!
//! // 30 patients with 4 grades each; no patient is severe.
//! let (mut truth, mut p, mut patients) = (vec![], vec![], vec![]);
//! for i in 0..120_u32 {
//!     truth.push(usize::from(i % 5 == 0));
//!     p.extend(if i % 5 == 0 || i % 7 == 0 { [0.3, 0.6, 0.1] } else { [0.8, 0.1, 0.1] });
//!     patients.push(i / 4);
//! }
//! let evaluation = Evaluation::new(3, &truth, &p)?.with_clusters(&patients)?;
//! let bootstrap = Bootstrap::new(1).with_resamples(500)?.with_method(BootstrapMethod::Bca);
//!
//! let mut notes = Footnotes::default();
//! for estimate in bootstrap.estimate(&evaluation, &[Measure::QuadraticKappa, Measure::Recall(2)]) {
//!     let cell = notes.cell(estimate.value, 3);
//!     match estimate.measure.as_str() {
//!         "kappa_quadratic" => assert!(estimate.interval.unwrap()?.contains(estimate.value?)),
//!         _ => assert_eq!(cell, "–[1]"),
//!     }
//! }
//! assert_eq!(notes.lines(), ["[1] no case of the grade asked about"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A 95% interval is made so that, over many repetitions of the study with other patients, 95 in 100 such intervals
//! hold the true value. `examples/coverage.rs` checks that they do, by simulation, and that a bootstrap of rows, which
//! takes a patient's 25 grades for independent, does not.
//!
//! # Checked against
//!
//! 232 cases of measures and 35 of curves from scikit-learn 1.9.1 and torchmetrics 1.9.0 (ties, absent grades, constant
//! predictions, weights, one sample, extreme probabilities), R's pROC 1.18.0 for DeLong, statsmodels, dcurves and scipy:
//! `tests/golden/` has the scripts and what they gave. `tests/catalogue.rs` says where each case of scikit-learn's own
//! tests is held, `tests/differences.rs` has each place where this crate answers otherwise, with the reason.
//!
//! # What is left to others
//!
//! Reading files, drawing figures, and everything that knows what a lumbar level is.

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
    MissingLabels, OffSum, PredictionRow, RSNA_PARTS, RSNA_WEIGHTS, RowCoverage, RowSums, RsnaGroup, RsnaRow,
    RsnaScore, RsnaTable, ScoreOptions, SubmissionError, SubmissionScore, TruthRow, score_submission,
};
pub use share::Share;
pub use undefined::{Footnotes, Undefined, WILSON_CLUSTERS};
pub use validate::{MAX_GRADES, ROW_SUM_TOLERANCE, normalise_rows};
pub use wilson::wilson;
