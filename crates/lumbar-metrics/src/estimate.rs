//! Numbers with their uncertainty, as they go into `metrics.json`.

use crate::{GradesUsed, Undefined};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A measure's value or why it has none, its interval, and what it was computed from.
///
/// In JSON `value` is a number or null, and a null comes with `undefined`, the reason:
///
/// ```
/// use lumbar_metrics::{Evaluation, Measure};
/// let evaluation = Evaluation::new(2, &[0, 0], &[0.9, 0.1, 0.6, 0.4])?;
/// let estimates = evaluation.estimates(&[Measure::Accuracy, Measure::Auroc(1)]);
/// assert_eq!(
///     serde_json::to_string(&estimates[1]).unwrap(),
///     r#"{"measure":"auroc_grade_1","value":null,"undefined":{"reason":"no_positives"},"n":2}"#,
/// );
/// assert_eq!(estimates[0].to_string(), "1.000");
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "EstimateRecord", try_from = "EstimateRecord")]
pub struct Estimate {
    /// The name of the measure, such as `auroc_grade_2` (see [`Measure`](crate::Measure)).
    pub measure: String,
    /// The value, or why there is none.
    pub value: Result<f64, Undefined>,
    /// The interval, or why there is none; `None` if none was asked for.
    pub interval: Option<Result<Interval, Undefined>>,
    /// Number of rows.
    pub n: usize,
    /// Number of clusters, if rows belong to some.
    pub n_clusters: Option<usize>,
    /// Over how many grades a macro average goes.
    pub grades_used: Option<GradesUsed>,
}

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The nominal coverage, such as 0.95.
    pub level: f64,
    /// How it was made.
    pub method: IntervalMethod,
    /// Resamples drawn, if it comes from resampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resamples: Option<Resamples>,
}

/// How many resamples an interval rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resamples {
    /// Resamples drawn.
    pub drawn: usize,
    /// Those in which the measure was undefined; they are left out of the interval.
    pub undefined: usize,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Quantiles of the resamples.
    Percentile,
    /// Quantiles of the resamples, corrected for bias and skewness.
    Bca,
    /// DeLong's variance of an AUROC of independent rows.
    Delong,
    /// Obuchowski's variance of an AUROC of clustered rows.
    Obuchowski,
    /// Wilson's score interval of a share of independent rows.
    Wilson,
    /// Wilson's score interval with the clusters for its number of cases: of a share of 0 or 1, where resamples do not
    /// vary (see [`Bootstrap::estimate`](crate::Bootstrap::estimate)).
    WilsonClusters,
}

impl Interval {
    /// Whether a value lies within the interval, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

impl fmt::Display for Estimate {
    /// `0.843 (0.812 to 0.871)`, with a dash for what is undefined.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        match self.value {
            Ok(value) => write!(f, "{value:.digits$}")?,
            Err(reason) => return write!(f, "– ({reason})"),
        }
        match self.interval {
            None => Ok(()),
            Some(Ok(interval)) => {
                write!(f, " ({:.digits$} to {:.digits$})", interval.low, interval.high)
            }
            Some(Err(reason)) => write!(f, " (no interval: {reason})"),
        }
    }
}

/// What an [`Estimate`] looks like in JSON.
#[derive(Serialize, Deserialize)]
struct EstimateRecord {
    measure: String,
    value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undefined: Option<Undefined>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval_undefined: Option<Undefined>,
    n: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n_clusters: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grades_used: Option<GradesUsed>,
}

impl From<Estimate> for EstimateRecord {
    fn from(e: Estimate) -> EstimateRecord {
        EstimateRecord {
            measure: e.measure,
            value: e.value.ok(),
            undefined: e.value.err(),
            interval: e.interval.and_then(Result::ok),
            interval_undefined: e.interval.and_then(Result::err),
            n: e.n,
            n_clusters: e.n_clusters,
            grades_used: e.grades_used,
        }
    }
}

impl TryFrom<EstimateRecord> for Estimate {
    type Error = String;

    fn try_from(r: EstimateRecord) -> Result<Estimate, String> {
        let value = one_of(r.value, r.undefined)
            .ok_or_else(|| format!("measure `{}`: expected `value` or `undefined`", r.measure))?;
        Ok(Estimate {
            measure: r.measure,
            value,
            interval: one_of(r.interval, r.interval_undefined),
            n: r.n,
            n_clusters: r.n_clusters,
            grades_used: r.grades_used,
        })
    }
}

fn one_of<T>(value: Option<T>, reason: Option<Undefined>) -> Option<Result<T, Undefined>> {
    value.map(Ok).or(reason.map(Err))
}
