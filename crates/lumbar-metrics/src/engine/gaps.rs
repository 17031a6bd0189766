//! Calibration gaps of bins of equal width, added up by unit.
//!
//! Which bin a row falls into does not depend on the draw, so a resample needs one sum per bin and unit, not one term per
//! row: a patient's 25 rows fall into far fewer bins.

use super::{bins, walk::Walk};
use crate::sum::Sum;
use std::ops::Range;

/// Σ weight × (happened - score) by bin and unit.
pub(crate) struct Gaps {
    /// The entries of each bin.
    bins: Vec<Range<usize>>,
    unit: Vec<u32>,
    gap: Vec<f64>,
}

impl Gaps {
    pub(crate) fn of(walk: &Walk, event: usize, n_bins: u16) -> Gaps {
        let mut gaps = Gaps {
            bins: Vec::new(),
            unit: Vec::new(),
            gap: Vec::new(),
        };
        for rows in bins::equal_width(walk.scores(), n_bins) {
            let mut terms: Vec<(u32, f64)> = rows.map(|i| walk.gap_of_row(i, event)).collect();
            // Stable, so that the terms of a unit are added in order of score.
            terms.sort_by_key(|(unit, _)| *unit);
            let start = gaps.unit.len();
            for of_unit in terms.chunk_by(|a, b| a.0 == b.0) {
                gaps.unit.push(of_unit[0].0);
                gaps.gap
                    .push(of_unit.iter().map(|(_, gap)| *gap).collect::<Sum>().value());
            }
            gaps.bins.push(start..gaps.unit.len());
        }
        gaps
    }

    /// Σ over bins of |gap|, with each unit counted so many times.
    pub(crate) fn total(&self, multiplicity: &[f64]) -> f64 {
        let of_bin = |entries: &Range<usize>| {
            let units = &self.unit[entries.clone()];
            let each = units.iter().zip(&self.gap[entries.clone()]);
            each.map(|(unit, gap)| multiplicity[*unit as usize] * gap)
                .sum::<f64>()
                .abs()
        };
        self.bins.iter().map(of_bin).collect::<Sum>().value()
    }
}
