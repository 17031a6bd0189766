//! Why a number does not exist.

use crate::{Interval, IntervalMethod};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The reason a measure has no value on the cases it was asked about.
///
/// A classifier that never saw a severe case has no AUROC for "severe". Libraries answer 0, 0.5 or NaN there, and the
/// number then travels: into a mean, into a table, into a decision. Here the answer is one of these reasons, which
/// prints as a dash with a footnote (see [`Footnotes`]) and is written to `metrics.json` in place of the value.
///
/// ```
/// use lumbar_metrics::{Evaluation, Measure, Undefined};
///
/// // Two cases, both of grade 0: nothing to rank against.
/// let evaluation = Evaluation::new(2, &[0, 0], &[0.9, 0.1, 0.6, 0.4])?;
/// assert_eq!(evaluation.value(Measure::Auroc(1)), Err(Undefined::NoPositives));
/// assert_eq!(Undefined::NoPositives.to_string(), "no case of the grade asked about");
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Undefined {
    /// There are no cases, or all of them have weight zero.
    NoCases,
    /// All cases have one grade (for agreement: truth and prediction are one and the same grade throughout).
    SingleClass,
    /// No case has the grade, or reaches the threshold, asked about.
    NoPositives,
    /// Every case has the grade, or reaches the threshold, asked about.
    NoNegatives,
    /// The grade was never predicted, so there is nothing its precision could be a share of.
    NeverPredicted,
    /// The grade occurs neither in truth nor among the predictions.
    GradeAbsent,
    /// The predictions, or the truth, are one grade throughout, and the measure divides by their variation.
    Constant,
    /// A mean over grades was asked for with [`Absent::Undefined`](crate::Absent::Undefined) and some grade has none.
    AbsentGrades {
        /// Grades for which the measure is defined.
        used: usize,
        /// All grades.
        of: usize,
    },
    /// So many resamples left the measure undefined that the others say little: there are too few events.
    TooFewEvents {
        /// Resamples in which the measure was undefined.
        undefined: usize,
        /// All resamples.
        resamples: usize,
    },
    /// There are fewer than two patients (or rows, where rows are the unit), so nothing can be resampled.
    TooFewClusters {
        /// Units found.
        found: usize,
    },
    /// The resamples do not allow the correction: all lie on one side of the estimate, or leaving out one patient
    /// leaves the measure undefined.
    NoCorrection,
    /// All resamples give one and the same value. They say nothing of how far off it may be: no interval of zero width.
    NoVariation,
    /// Left out because fewer cases than the stated minimum remain.
    Suppressed {
        /// Cases in the group.
        n: usize,
        /// The stated minimum.
        minimum: usize,
    },
    /// A part the value is made of is undefined.
    UndefinedPart,
}

impl Undefined {
    /// The stable code of the reason, as in `metrics.json`: `no_positives` and so on.
    pub fn code(self) -> &'static str {
        match self {
            Undefined::NoCases => "no_cases",
            Undefined::SingleClass => "single_class",
            Undefined::NoPositives => "no_positives",
            Undefined::NoNegatives => "no_negatives",
            Undefined::NeverPredicted => "never_predicted",
            Undefined::GradeAbsent => "grade_absent",
            Undefined::Constant => "constant",
            Undefined::AbsentGrades { .. } => "absent_grades",
            Undefined::TooFewEvents { .. } => "too_few_events",
            Undefined::TooFewClusters { .. } => "too_few_clusters",
            Undefined::NoCorrection => "no_correction",
            Undefined::NoVariation => "no_variation",
            Undefined::Suppressed { .. } => "suppressed",
            Undefined::UndefinedPart => "undefined_part",
        }
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undefined::NoCases => f.write_str("no cases"),
            Undefined::SingleClass => f.write_str("all cases have one and the same grade"),
            Undefined::NoPositives => f.write_str("no case of the grade asked about"),
            Undefined::NoNegatives => f.write_str("every case is of the grade asked about"),
            Undefined::NeverPredicted => f.write_str("the grade was never predicted"),
            Undefined::GradeAbsent => {
                f.write_str("the grade occurs neither in truth nor among the predictions")
            }
            Undefined::Constant => f.write_str("truth or predictions are one grade throughout"),
            Undefined::AbsentGrades { used, of } => write!(f, "defined for {used} of {of} grades only"),
            Undefined::TooFewEvents { undefined, resamples } => {
                write!(
                    f,
                    "too few events: undefined in {undefined} of {resamples} resamples"
                )
            }
            Undefined::TooFewClusters { found } => {
                write!(f, "{found} independent unit(s), at least 2 are needed")
            }
            Undefined::NoCorrection => f.write_str("the resamples allow no bias correction"),
            Undefined::NoVariation => {
                f.write_str("no interval: all resamples give one value, so how far off it may be is unknown")
            }
            Undefined::Suppressed { n, minimum } => {
                write!(f, "suppressed: {n} cases, fewer than {minimum}")
            }
            Undefined::UndefinedPart => f.write_str("a part of it is undefined"),
        }
    }
}

impl std::error::Error for Undefined {}

/// Collects the reasons of a table: each undefined cell is a dash with a number, each reason is explained once below.
///
/// ```
/// use lumbar_metrics::{Footnotes, Undefined};
///
/// let mut notes = Footnotes::default();
/// assert_eq!(notes.cell(Ok(0.8431), 3), "0.843");
/// assert_eq!(notes.cell(Err(Undefined::NoPositives), 3), "–[1]");
/// assert_eq!(notes.cell(Err(Undefined::NoCases), 3), "–[2]");
/// assert_eq!(notes.cell(Err(Undefined::NoPositives), 3), "–[1]");
/// assert_eq!(notes.lines()[0], "[1] no case of the grade asked about");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Footnotes {
    texts: Vec<String>,
}

impl Footnotes {
    /// The text of a cell: the value with so many decimals, or a dash with the number of its footnote.
    pub fn cell(&mut self, value: Result<f64, Undefined>, decimals: usize) -> String {
        match value {
            Ok(value) => format!("{value:.decimals$}"),
            Err(reason) => format!("–{}", self.mark(&reason.to_string())),
        }
    }

    /// The text of an interval: ` (0.812 to 0.871)`, ` (–[1])` with the reason, or nothing if none was asked for. One that
    /// is no bootstrap's has a footnote that names it.
    ///
    /// ```
    /// use lumbar_metrics::{Footnotes, Undefined};
    /// let mut notes = Footnotes::default();
    /// assert_eq!(notes.interval(Some(Err(Undefined::NoVariation)), 3), " (–[1])");
    /// assert_eq!(notes.interval(None, 3), "");
    /// ```
    pub fn interval(&mut self, interval: Option<Result<Interval, Undefined>>, decimals: usize) -> String {
        match interval {
            None => String::new(),
            Some(Err(reason)) => format!(" (–{})", self.mark(&reason.to_string())),
            Some(Ok(Interval {
                low, high, method, ..
            })) => {
                let mark = match method {
                    IntervalMethod::WilsonClusters => self.mark(WILSON_CLUSTERS),
                    _ => String::new(),
                };
                format!(" ({low:.decimals$} to {high:.decimals$}){mark}")
            }
        }
    }

    /// The footnotes, in the order in which their cells were first printed.
    pub fn lines(&self) -> Vec<String> {
        let numbered = self.texts.iter().enumerate();
        numbered.map(|(i, text)| format!("[{}] {text}", i + 1)).collect()
    }

    fn mark(&mut self, text: &str) -> String {
        let known = self.texts.iter().position(|known| known == text);
        let idx = known.unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        format!("[{}]", idx + 1)
    }
}

/// What [`IntervalMethod::WilsonClusters`] is, for people.
pub const WILSON_CLUSTERS: &str = "Wilson's interval with the patients for its number of cases: the share is 0 or 1, so \
                                   resampled patients do not vary";
