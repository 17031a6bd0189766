//! From resampled values to an interval.

use super::MOST_UNDEFINED;
use crate::{Interval, IntervalMethod, Resamples, Undefined, normal, sum::Sum};

/// The defined values of a measure over all resamples, in rising order.
pub(crate) struct Draws {
    sorted: Vec<f64>,
    resamples: Resamples,
}

impl Draws {
    pub(crate) fn of(values: impl Iterator<Item = Result<f64, Undefined>>) -> Result<Draws, Undefined> {
        let mut sorted = Vec::new();
        let mut resamples = Resamples {
            drawn: 0,
            undefined: 0,
        };
        for value in values {
            resamples.drawn += 1;
            match value {
                Ok(value) => sorted.push(value),
                Err(_) => resamples.undefined += 1,
            }
        }
        if resamples.undefined as f64 > MOST_UNDEFINED * resamples.drawn as f64 {
            return Err(Undefined::TooFewEvents {
                undefined: resamples.undefined,
                resamples: resamples.drawn,
            });
        }
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Draws { sorted, resamples })
    }

    /// Whether the values differ by more than rounding does.
    pub(crate) fn vary(&self) -> bool {
        let (Some(least), Some(most)) = (self.sorted.first(), self.sorted.last()) else {
            return false;
        };
        most - least > 1e-14 + 1e-12 * least.abs().max(most.abs())
    }

    pub(crate) fn percentile(&self, level: f64) -> Interval {
        let tail = 0.5 * (1.0 - level);
        self.between(tail, 1.0 - tail, level, IntervalMethod::Percentile)
    }

    pub(crate) fn bca(&self, level: f64, estimate: f64, left_out: &[f64]) -> Result<Interval, Undefined> {
        let below = self.sorted.partition_point(|v| *v < estimate) as f64;
        let up_to = self.sorted.partition_point(|v| *v <= estimate) as f64;
        let share_below = 0.5 * (below + up_to) / self.sorted.len() as f64;
        if share_below <= 0.0 || share_below >= 1.0 {
            return Err(Undefined::NoCorrection);
        }
        let bias = normal::quantile(share_below);
        let acceleration = acceleration(left_out);
        let shifted = |p: f64| {
            let z = bias + normal::quantile(p);
            normal::cdf(bias + z / (1.0 - acceleration * z))
        };
        let tail = 0.5 * (1.0 - level);
        Ok(self.between(shifted(tail), shifted(1.0 - tail), level, IntervalMethod::Bca))
    }

    fn between(&self, low: f64, high: f64, level: f64, method: IntervalMethod) -> Interval {
        Interval {
            low: quantile(&self.sorted, low),
            high: quantile(&self.sorted, high),
            level,
            method,
            resamples: Some(self.resamples),
        }
    }
}

/// Efron's acceleration: a sixth of the skewness of the leave-one-out values; 0 if they are all alike.
fn acceleration(left_out: &[f64]) -> f64 {
    let mean = left_out.iter().copied().collect::<Sum>().value() / left_out.len() as f64;
    let moment = |power: i32| {
        let terms = left_out.iter().map(|v| (mean - v).powi(power));
        terms.collect::<Sum>().value()
    };
    let spread = moment(2);
    if spread > 0.0 {
        moment(3) / (6.0 * spread.powf(1.5))
    } else {
        0.0
    }
}

/// The quantile of sorted values, linear between order statistics.
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let share = position - below as f64;
    sorted[below] + share * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.975, 1])
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (p, expected) in [(0.0, 1.0), (0.1, 1.3), (0.5, 3.0), (0.975, 7.7), (1.0, 8.0)] {
            assert!((quantile(&sorted, p) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn more_than_one_undefined_resample_in_twenty_leaves_no_interval() {
        let draws = |undefined: usize| {
            let values = (0..200).map(move |i| {
                if i < undefined {
                    Err(Undefined::NoPositives)
                } else {
                    Ok(i as f64)
                }
            });
            Draws::of(values).map(|d| d.resamples.undefined)
        };
        assert_eq!(draws(10), Ok(10));
        let reason = Undefined::TooFewEvents {
            undefined: 11,
            resamples: 200,
        };
        assert_eq!(draws(11), Err(reason));
    }

    #[test]
    fn bca_equals_the_formula_in_scipy() {
        // d = (np.arange(1001) / 1000) ** 2; z0 and a by hand with scipy.stats.norm, ends by np.quantile(d, ...).
        let draws = Draws::of((0..=1000).map(|i| Ok((f64::from(i) / 1000.0).powi(2)))).unwrap();
        let bca = draws.bca(0.95, 0.3, &[1.0, 2.0, 4.0, 8.0, 16.0]).unwrap();
        assert!(
            (bca.low - 0.000_576_384_327_851_750_5).abs() < 1e-14,
            "{}",
            bca.low
        );
        assert!((bca.high - 0.949_087_346_237_486_1).abs() < 1e-13, "{}", bca.high);
    }

    #[test]
    fn without_bias_and_skewness_bca_is_percentile() {
        let draws = Draws::of((0..=1000).map(|i| Ok(f64::from(i)))).unwrap();
        let bca = draws.bca(0.95, 500.0, &[1.0, 2.0, 3.0]).unwrap();
        let percentile = draws.percentile(0.95);
        assert!((bca.low - percentile.low).abs() < 1e-9 && (bca.high - percentile.high).abs() < 1e-9);
        assert_eq!(draws.bca(0.95, -1.0, &[1.0, 2.0]), Err(Undefined::NoCorrection));
    }
}
