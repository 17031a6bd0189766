//! The bins of a reliability diagram.

use crate::{Binning, Undefined, sum::Sum};

/// What falls into one bin.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bin {
    pub(crate) weight: f64,
    /// Σ weight of rows whose event happened.
    pub(crate) happened: f64,
    /// Σ weight times predicted probability.
    pub(crate) predicted: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

pub(crate) struct Bins {
    binning: Binning,
    pub(crate) bins: Vec<Bin>,
}

impl Bins {
    pub(crate) fn new(binning: Binning) -> Bins {
        let (Binning::EqualWidth(n) | Binning::EqualMass(n)) = binning;
        Bins {
            binning,
            bins: vec![Bin::default(); usize::from(n.max(1))],
        }
    }

    pub(crate) fn needs_total(&self) -> bool {
        matches!(self.binning, Binning::EqualMass(_))
    }

    /// `below`: the share of all weight below the middle of the rows tied at this score.
    pub(crate) fn add(&mut self, score: f64, below: f64, weight: f64, happened: f64) {
        let n_bins = self.bins.len();
        let idx = match self.binning {
            Binning::EqualWidth(_) => bin_of(score, n_bins),
            Binning::EqualMass(_) => bin_of(snapped(below, n_bins), n_bins),
        };
        let bin = &mut self.bins[idx];
        if bin.weight == 0.0 {
            (bin.lowest, bin.highest) = (score, score);
        }
        bin.lowest = bin.lowest.min(score);
        bin.highest = bin.highest.max(score);
        bin.weight += weight;
        bin.happened += happened;
        bin.predicted += weight * score;
    }

    /// Σ weight |observed - predicted| / Σ weight.
    pub(crate) fn expected_error(&self) -> Result<f64, Undefined> {
        let total: Sum = self.bins.iter().map(|bin| bin.weight).collect();
        let error: Sum = self
            .bins
            .iter()
            .map(|bin| (bin.happened - bin.predicted).abs())
            .collect();
        crate::confusion::ratio(error.value(), total.value(), Undefined::NoCases)
    }
}

/// A share of weight that is an edge up to rounding is that edge: otherwise the order in which weights were summed
/// would decide about the bin of a tie whose middle lies on it.
fn snapped(position: f64, n_bins: usize) -> f64 {
    let edge = (position * n_bins as f64).round() / n_bins as f64;
    if (position - edge).abs() < 1e-10 {
        edge
    } else {
        position
    }
}

/// The bin [i/n, (i+1)/n) of a position in [0, 1]; 1 belongs to the last.
fn bin_of(position: f64, n_bins: usize) -> usize {
    let mut idx = ((position * n_bins as f64) as usize).min(n_bins - 1);
    // The product may round over an edge that the quotient `i / n`, which is what people read, does not.
    while idx > 0 && position < idx as f64 / n_bins as f64 {
        idx -= 1;
    }
    while idx + 1 < n_bins && position >= (idx + 1) as f64 / n_bins as f64 {
        idx += 1;
    }
    idx
}

#[cfg(test)]
mod tests {
    use super::bin_of;

    #[test]
    fn an_edge_belongs_to_the_bin_above_it() {
        for n in [1, 3, 10, 15, 49] {
            for i in 0..n {
                assert_eq!(bin_of(i as f64 / n as f64, n), i, "edge {i} of {n}");
            }
            assert_eq!(bin_of(1.0, n), n - 1);
            assert_eq!(bin_of(0.0, n), 0);
        }
    }
}
