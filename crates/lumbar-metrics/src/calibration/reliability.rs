//! Reliability diagrams and calibration error.

use crate::{
    Binary, Binning, Ece, EceOf, Evaluation, InputError, Interval, Measure, Share, Undefined, engine::Step,
    evaluation::most_probable, sum::Sum, wilson,
};
use serde::{Deserialize, Serialize};

/// The data of a reliability diagram: what was predicted against what happened, bin by bin.
///
/// ```
/// use lumbar_metrics::{Binary, Binning, calibration::Reliability};
///
/// // "20%" five times, of which one happened; "90%" twice, of which one did.
/// let cases = Binary::new(
///     &[0.2, 0.2, 0.2, 0.2, 0.2, 0.9, 0.9],
///     &[true, false, false, false, false, true, false],
/// )?;
/// let reliability = Reliability::of(&cases, Binning::EqualWidth(10))?;
/// assert_eq!(reliability.bins.len(), 2);
/// assert_eq!(reliability.bins[1].observed, 0.5);
/// assert!((reliability.expected_error()? - 2.0 / 7.0 * 0.4).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Definition
/// Expected calibration error is Σ over bins of weight share × |observed - mean predicted|; the maximum and the root
/// mean square go over the same gaps. Bins of equal width are [i/n, (i+1)/n), the last closed.
/// # Ties
/// Equal probabilities are in one bin: with bins of equal mass a tie goes where its middle falls.
/// # Undefined
/// Without cases. A bin nothing falls into is left out.
/// # Reference
/// Naeini, Cooper and Hauskrecht 2015; Nixon et al. 2019 (class-wise, equal mass). torchmetrics
/// `multiclass_calibration_error(p, y, K, n_bins=15, norm="l1" | "max" | "l2")` for the top label, except that it gives
/// a probability of exactly 1 a bin of its own. Wilson intervals take cases as independent and weights as repeated
/// cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// The bins that hold cases, by rising probability.
    pub bins: Vec<ReliabilityBin>,
    /// How probabilities were cut.
    pub binning: Binning,
}

/// A bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The lowest probability in the bin.
    pub lowest: f64,
    /// The highest probability in the bin.
    pub highest: f64,
    /// Number of cases, or their weight.
    pub weight: f64,
    /// The mean predicted probability.
    pub predicted: f64,
    /// The share of cases whose event happened.
    pub observed: f64,
    /// Wilson's 95% interval of that share, for independent cases.
    pub interval: Interval,
}

impl Reliability {
    /// Cuts the cases into bins of their score, which must be a probability.
    ///
    /// # Errors
    /// If a score is not from 0 to 1 (within rounding).
    pub fn of(cases: &Binary, binning: Binning) -> Result<Reliability, InputError> {
        let outside = |p: &f64| !(-1e-6..=1.0 + 1e-6).contains(p);
        if let Some(row) = cases.scores().iter().position(outside) {
            return Err(InputError::Probability {
                row,
                grade: 1,
                value: cases.scores()[row],
            });
        }
        let (walk, ones) = (cases.walk(), cases.ones());
        let ranges = walk.bin_ranges(binning, &ones).into_iter().rev();
        let bin = |rows| ReliabilityBin::of(walk.steps_in(rows, &ones));
        Ok(Reliability {
            bins: ranges.filter_map(bin).collect(),
            binning,
        })
    }

    /// The mean gap between predicted and observed, by weight (L1).
    pub fn expected_error(&self) -> Result<f64, Undefined> {
        self.mean_of(|gap| gap)
    }

    /// The root of the mean squared gap (L2).
    pub fn root_mean_square_error(&self) -> Result<f64, Undefined> {
        self.mean_of(|gap| gap * gap).map(f64::sqrt)
    }

    /// The largest gap.
    pub fn maximum_error(&self) -> Result<f64, Undefined> {
        let gaps = self.bins.iter().map(ReliabilityBin::gap);
        gaps.reduce(f64::max).ok_or(Undefined::NoCases)
    }

    fn mean_of(&self, f: impl Fn(f64) -> f64) -> Result<f64, Undefined> {
        let weight: Sum = self.bins.iter().map(|bin| bin.weight).collect();
        let sum: Sum = self.bins.iter().map(|bin| bin.weight * f(bin.gap())).collect();
        crate::confusion::ratio(sum.value(), weight.value(), Undefined::NoCases)
    }
}

impl ReliabilityBin {
    /// The bin of some rows by falling score; none if they weigh nothing.
    fn of(rows: impl Iterator<Item = Step>) -> Option<ReliabilityBin> {
        let [mut weight, mut happened, mut predicted] = [Sum::default(); 3];
        let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in rows.filter(|row| row.weight > 0.0) {
            weight.add(row.weight);
            happened.add(row.weight * row.class as f64);
            predicted.add(row.weight * row.score);
            lowest = lowest.min(row.score);
            highest = highest.max(row.score);
        }
        let (weight, happened) = (weight.value(), happened.value());
        let level = Share::new(0.95).expect("within 0 and 1");
        Some(ReliabilityBin {
            lowest,
            highest,
            weight,
            predicted: predicted.value() / weight,
            observed: happened / weight,
            interval: wilson(happened, weight, level).ok()?,
        })
    }

    /// How far observed and predicted are apart.
    pub fn gap(&self) -> f64 {
        (self.observed - self.predicted).abs()
    }
}

impl Evaluation {
    /// The most probable grade of each case: its probability, and whether it is the true one.
    pub fn top_label(&self) -> Binary {
        let top: Vec<usize> = (0..self.n_rows())
            .map(|row| most_probable(self.row(row)))
            .collect();
        Binary {
            scores: top.iter().enumerate().map(|(row, g)| self.row(row)[*g]).collect(),
            happened: top.iter().zip(self.truth()).map(|(g, t)| g == t).collect(),
            weights: self.weights().map(<[f64]>::to_vec),
            clusters: self.clusters().cloned(),
        }
    }

    /// The expected calibration error of a kind; the same as asking for [`Measure::Ece`].
    pub fn ece(&self, of: EceOf, binning: Binning) -> Result<f64, Undefined> {
        self.value(Measure::Ece(Ece { of, binning }))
    }
}
