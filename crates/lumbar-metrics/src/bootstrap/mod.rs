//! Intervals by drawing patients again.
//!
//! A study has 25 grades of one patient, and they are alike: whoever reads one level well reads the others well. A
//! bootstrap of rows takes them for independent and its intervals come out too narrow. Here the unit that is drawn is
//! the cluster, with all its rows.
//!
//! # Definition
//! Each of B resamples draws as many clusters as there are, with replacement; a cluster drawn twice counts twice.
//! *Percentile*: the α/2 and 1 - α/2 quantiles of the resampled values. *BCa* (bias-corrected and accelerated): the
//! same at shifted quantiles, with the bias z₀ from the share of resamples below the estimate and the acceleration
//! from leaving out one cluster at a time.
//! # Ties
//! Quantiles interpolate linearly between order statistics (numpy's default, Hyndman and Fan's type 7). Resamples
//! equal to the estimate count half towards z₀.
//! # Undefined
//! A resample in which the measure is undefined is counted, left out and reported ([`Resamples`](crate::Resamples)).
//! If more than 5% are, the interval is [`Undefined::TooFewEvents`](crate::Undefined::TooFewEvents). If the interval
//! would have no width, as all resamples give one value, it is [`Undefined::NoVariation`](crate::Undefined::NoVariation):
//! fourteen severe cases of which none was found do not show that none ever will be.
//!
//! A share of rows (accuracy, precision, sensitivity, specificity) that is 0 or 1 then has Wilson's score interval of as
//! many cases as there are clusters with a row in its denominator
//! ([`WilsonClusters`](crate::IntervalMethod::WilsonClusters)). Rows of one patient may be all alike, so patients are the
//! fewest independent cases there can be and the interval the widest.
//! # Reference
//! Efron and Tibshirani 1993, chapters 13 and 14; Davison and Hinkley 1997, section 3.8 for clusters. The percentile
//! interval of one measure equals `scipy.stats.bootstrap(..., method="percentile")` over clusters, up to the draws.
//! Wilson 1927 for shares of 0 and 1; the effective number of cases of a clustered share lies between clusters and rows
//! (Kish 1965, section 8.2).
//!
//! # Determinism
//! Resample number b draws from its own stream of the seed, and results are gathered in order: the interval is a
//! function of data, settings and seed, at any number of threads. Clusters are numbered by their keys, so the order
//! of rows does not show either.

mod compare;
mod custom;
mod draw;
mod interval;
mod shares;

pub use compare::Comparison;

use crate::{
    Estimate, Evaluation, InputError, Interval, IntervalMethod, Measure, Undefined,
    engine::{Computed, Engine, Resampled},
    validate,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Settings of the bootstrap; 2,000 resamples, 95%, percentile, unless said otherwise.
///
/// ```
/// use lumbar_metrics::{Bootstrap, Evaluation, Measure};
///
/// let truth = [0, 1, 0, 1, 0, 1, 0, 1];
/// let p: Vec<f64> = [0.1, 0.9, 0.4, 0.3, 0.2, 0.8, 0.6, 0.7].iter().flat_map(|p| [1.0 - p, *p]).collect();
/// let evaluation = Evaluation::new(2, &truth, &p)?.with_clusters(&[1, 1, 2, 2, 3, 3, 4, 4])?;
///
/// let estimates = Bootstrap::new(7).estimate(&evaluation, &[Measure::Accuracy]);
/// assert_eq!(format!("{:.2}", estimates[0]), "0.75 (0.50 to 1.00)");
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    seed: u64,
    n_resamples: usize,
    level: f64,
    method: BootstrapMethod,
    unit: Unit,
}

/// How resamples become an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BootstrapMethod {
    /// Their quantiles.
    #[default]
    Percentile,
    /// Their quantiles, corrected for bias and skewness; costs one more evaluation per cluster.
    Bca,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Clusters,
    Rows,
}

/// Above this share of undefined resamples there is no interval.
pub const MOST_UNDEFINED: f64 = 0.05;

impl Bootstrap {
    /// The default settings with a seed; the same seed gives the same interval.
    pub fn new(seed: u64) -> Bootstrap {
        Bootstrap {
            seed,
            n_resamples: 2_000,
            level: 0.95,
            method: BootstrapMethod::default(),
            unit: Unit::Clusters,
        }
    }

    /// Sets the number of resamples.
    ///
    /// # Errors
    /// If it is below 100: the quantiles of fewer mean nothing.
    pub fn with_resamples(self, n_resamples: usize) -> Result<Bootstrap, InputError> {
        if n_resamples < 100 {
            return Err(InputError::Setting {
                what: "number of resamples",
                found: n_resamples as f64,
                expected: "at least 100",
            });
        }
        Ok(Bootstrap { n_resamples, ..self })
    }

    /// Sets the nominal coverage, such as 0.95.
    ///
    /// # Errors
    /// If it is not between 0 and 1.
    pub fn with_level(self, level: f64) -> Result<Bootstrap, InputError> {
        validate::open_unit("confidence level", level)?;
        Ok(Bootstrap { level, ..self })
    }

    /// Sets how resamples become an interval.
    pub fn with_method(self, method: BootstrapMethod) -> Bootstrap {
        Bootstrap { method, ..self }
    }

    /// The seed of the draws.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of resamples.
    pub fn n_resamples(&self) -> usize {
        self.n_resamples
    }

    /// Draws rows although they belong to clusters: intervals too narrow for anything but showing that they are.
    pub fn ignoring_clusters(self) -> Bootstrap {
        Bootstrap {
            unit: Unit::Rows,
            ..self
        }
    }

    /// The measures with their intervals. Draws clusters if the evaluation has them, else rows.
    ///
    /// ```
    /// use lumbar_metrics::{Bootstrap, Evaluation, IntervalMethod, Measure, Undefined};
    ///
    /// // Ten patients of two cases each; no case of grade 1 is found.
    /// let truth: Vec<usize> = (0..20).map(|i| i % 2).collect();
    /// let patients: Vec<usize> = (0..20).map(|i| i / 2).collect();
    /// let evaluation = Evaluation::new(2, &truth, &[0.9, 0.1].repeat(20))?.with_clusters(&patients)?;
    ///
    /// let measures = [Measure::Recall(1), Measure::LinearKappa];
    /// let estimates = Bootstrap::new(7).estimate(&evaluation, &measures);
    /// let interval = estimates[0].interval.unwrap().unwrap();
    /// assert_eq!(interval.method, IntervalMethod::WilsonClusters);
    /// assert_eq!(format!("{:.2}", estimates[0]), "0.00 (0.00 to 0.28)"); // 0 of 10
    /// assert_eq!(estimates[1].interval, Some(Err(Undefined::NoVariation)));
    /// # Ok::<(), lumbar_metrics::InputError>(())
    /// ```
    pub fn estimate(&self, evaluation: &Evaluation, measures: &[Measure]) -> Vec<Estimate> {
        let engine = self.engine(evaluation, measures);
        let intervals = self.intervals(&engine);
        let mut estimates = evaluation.estimates(measures);
        for ((estimate, interval), measure) in estimates.iter_mut().zip(intervals).zip(measures) {
            estimate.interval = Some(match (interval, estimate.value) {
                (Err(Undefined::NoVariation), Ok(value)) => self
                    .whole_share(evaluation, *measure, value)
                    .ok_or(Undefined::NoVariation),
                (interval, _) => interval,
            });
        }
        estimates
    }

    /// The difference `a - b` of two models on the same cases, with the interval of the difference: both are computed
    /// on the same draws, so what is hard about a patient cancels.
    ///
    /// # Errors
    /// If the two do not have the same true grades, weights and clusters, row by row.
    pub fn compare(
        &self,
        a: &Evaluation,
        b: &Evaluation,
        measures: &[Measure],
    ) -> Result<Vec<Comparison>, InputError> {
        a.check_paired(b)?;
        let pair = compare::Pair {
            a: self.engine(a, measures),
            b: self.engine(b, measures),
        };
        Ok(compare::comparisons(measures, a, &pair, self.intervals(&pair)))
    }

    /// Intervals of any statistic: `values` computes one or more with cluster `i` counted `multiplicity[i]` times.
    ///
    /// It must give the same number of values each time; they come back with their intervals. A value that is not
    /// finite is a bug of the caller's and makes the interval meaningless: answer [`Undefined`] instead.
    ///
    /// ```
    /// use lumbar_metrics::{Bootstrap, Undefined};
    /// let hours = [3.0, 5.0, 4.0, 8.0, 6.0, 4.0]; // one per patient
    /// let intervals = Bootstrap::new(1).statistics(hours.len(), |multiplicity| {
    ///     let sum: f64 = hours.iter().zip(multiplicity).map(|(h, m)| h * m).sum();
    ///     vec![Ok::<f64, Undefined>(sum / multiplicity.iter().sum::<f64>())]
    /// });
    /// assert!(intervals[0]?.contains(5.0));
    /// # Ok::<(), Undefined>(())
    /// ```
    pub fn statistics<F>(&self, n_clusters: usize, values: F) -> Vec<Result<Interval, Undefined>>
    where
        F: Fn(&[f64]) -> Vec<Result<f64, Undefined>> + Sync,
    {
        self.intervals(&custom::Custom { n_clusters, values })
    }

    /// Wilson's interval of a share of 0 or 1, over units with a row in its denominator; `None` of any other measure.
    fn whole_share(&self, evaluation: &Evaluation, measure: Measure, value: f64) -> Option<Interval> {
        let n_units = shares::n_units(evaluation, measure, self.unit == Unit::Clusters)? as f64;
        let events = match value {
            0.0 => 0.0,
            1.0 => n_units,
            _ => return None,
        };
        let interval = crate::wilson(events, n_units, crate::Share::new(self.level).ok()?).ok()?;
        Some(Interval {
            method: IntervalMethod::WilsonClusters,
            ..interval
        })
    }

    fn engine<'a>(&self, evaluation: &'a Evaluation, measures: &[Measure]) -> Engine<'a> {
        match self.unit {
            Unit::Clusters => Engine::new(evaluation, measures),
            Unit::Rows => Engine::by_row(evaluation, measures),
        }
        .for_resamples()
    }

    /// The interval of each value of whatever can be resampled.
    pub(crate) fn intervals<R: Resampled>(&self, resampled: &R) -> Vec<Result<Interval, Undefined>> {
        let n_units = resampled.n_units();
        let point = resampled.values(&vec![1.0; n_units], &mut resampled.scratch());
        if n_units < 2 {
            let reason = Undefined::TooFewClusters { found: n_units };
            return vec![Err(reason); point.len()];
        }
        let draws = self.draws(resampled, &point);
        let jackknife = match self.method {
            BootstrapMethod::Percentile => None,
            BootstrapMethod::Bca => Some(leave_one_out(resampled, &point)),
        };
        (0..point.len())
            .map(|i| {
                let estimate = point[i]?.value;
                let values = interval::Draws::of(draws.iter().map(|draw| draw[i]))?;
                if !values.vary() {
                    return Err(Undefined::NoVariation);
                }
                let interval = match &jackknife {
                    None => values.percentile(self.level),
                    Some(jackknife) => {
                        let left_out: Result<Vec<f64>, Undefined> = jackknife.iter().map(|j| j[i]).collect();
                        let left_out = left_out.map_err(|_| Undefined::NoCorrection)?;
                        values.bca(self.level, estimate, &left_out)?
                    }
                };
                Ok(interval)
            })
            .collect()
    }

    /// The values of each resample, in order.
    fn draws<R: Resampled>(
        &self,
        resampled: &R,
        point: &[Result<Computed, Undefined>],
    ) -> Vec<Vec<Result<f64, Undefined>>> {
        let n_units = resampled.n_units();
        (0..self.n_resamples as u64)
            .into_par_iter()
            .map_init(
                || (vec![0.0; n_units], resampled.scratch()),
                |(multiplicity, scratch), number| {
                    draw::with_replacement(self.seed, number, multiplicity);
                    comparable(resampled.values(multiplicity, scratch), point)
                },
            )
            .collect()
    }
}

fn leave_one_out<R: Resampled>(
    resampled: &R,
    point: &[Result<Computed, Undefined>],
) -> Vec<Vec<Result<f64, Undefined>>> {
    let n_units = resampled.n_units();
    (0..n_units)
        .into_par_iter()
        .map_init(
            || (vec![1.0; n_units], resampled.scratch()),
            |(multiplicity, scratch), left_out| {
                multiplicity[left_out] = 0.0;
                let values = comparable(resampled.values(multiplicity, scratch), point);
                multiplicity[left_out] = 1.0;
                values
            },
        )
        .collect()
}

/// A mean over fewer grades than on the data is the mean of something else: undefined in this resample.
fn comparable(
    values: Vec<Result<Computed, Undefined>>,
    point: &[Result<Computed, Undefined>],
) -> Vec<Result<f64, Undefined>> {
    let one = |(value, point): (Result<Computed, Undefined>, &Result<Computed, Undefined>)| {
        let value = value?;
        match (value.over, point) {
            (Some(over), Ok(point)) if point.over.is_some_and(|p| p.used != over.used) => {
                Err(Undefined::AbsentGrades {
                    used: over.used,
                    of: over.of,
                })
            }
            _ => Ok(value.value),
        }
    };
    values.into_iter().zip(point).map(one).collect()
}
