//! One pass over the rows in order of a score, from the highest down.

use super::{
    bins, order,
    ranks::{Ranks, Running},
};
use crate::{Binning, sum::Sum};
use std::ops::Range;

/// The rows in order of a score, with what a pass needs beside them so that it reads memory in sequence.
pub(crate) struct Walk {
    /// What each row is to this score: the true grade, or 1 / 0 for an event that did or did not happen.
    class: Vec<u8>,
    /// The resampled unit of each row.
    unit: Vec<u32>,
    /// Sample weights, empty if all are 1.
    weight: Vec<f64>,
    /// Whether the next row has the same score.
    tied: Vec<bool>,
    score: Vec<f64>,
}

/// A row of a walk.
pub(crate) struct Step {
    pub(crate) score: f64,
    pub(crate) class: usize,
    pub(crate) weight: f64,
    /// Whether the next row has the same score.
    pub(crate) tied: bool,
}

impl Walk {
    pub(crate) fn new(
        units: &[u32],
        weights: Option<&[f64]>,
        scores: impl ExactSizeIterator<Item = f64> + Clone,
        class_of: impl Fn(usize) -> usize,
    ) -> Walk {
        let unsorted: Vec<f64> = scores.clone().collect();
        let sorted = order::descending(scores);
        let rows = || sorted.iter().map(|(_, row)| *row as usize);
        Walk {
            class: rows().map(|row| class_of(row) as u8).collect(),
            unit: rows().map(|row| units[row]).collect(),
            weight: weights.map_or_else(Vec::new, |w| rows().map(|row| w[row]).collect()),
            tied: (0..sorted.len())
                .map(|i| sorted.get(i + 1).is_some_and(|next| next.0 == sorted[i].0))
                .collect(),
            score: rows().map(|row| unsorted[row]).collect(),
        }
    }

    pub(crate) fn ranks(&self, event: usize, n_classes: usize, multiplicity: &[f64], ranks: &mut Ranks) {
        let mut running = Running::new(event);
        let mut i = 0;
        while i < self.class.len() {
            if !self.tied[i] {
                running.single(self.class[i], self.weight_at(i, multiplicity));
                i += 1;
                continue;
            }
            let end = self.end_of_tie(i);
            let weights = (i..end).map(|j| (self.class[j], self.weight_at(j, multiplicity)));
            running.tie(weights);
            i = end;
        }
        running.finish(n_classes, ranks);
    }

    /// The rows of each bin, the bin of the highest scores first. They lie together, as the rows are sorted.
    pub(crate) fn bin_ranges(&self, binning: Binning, multiplicity: &[f64]) -> Vec<Range<usize>> {
        match binning {
            Binning::EqualWidth(n) => bins::equal_width(&self.score, n),
            Binning::EqualMass(n) => {
                let rows = (0..self.class.len()).map(|i| (self.weight_at(i, multiplicity), self.tied[i]));
                bins::equal_mass(rows, n)
            }
        }
    }

    /// Σ over bins of |Σ over rows of weight × (happened - score)|: calibration error before it is divided.
    pub(crate) fn calibration_gap(&self, event: usize, binning: Binning, multiplicity: &[f64]) -> f64 {
        let gap = |rows: Range<usize>| {
            let signed = rows.map(|i| {
                let (unit, gap) = self.gap_of_row(i, event);
                multiplicity[unit as usize] * gap
            });
            signed.sum::<f64>().abs()
        };
        let ranges = self.bin_ranges(binning, multiplicity).into_iter();
        ranges.map(gap).collect::<Sum>().value()
    }

    /// The unit of a row, and its weight × (happened - score).
    #[inline]
    pub(crate) fn gap_of_row(&self, i: usize, event: usize) -> (u32, f64) {
        let happened = f64::from(u8::from(usize::from(self.class[i]) == event));
        let weight = self.weight.get(i).copied().unwrap_or(1.0);
        (self.unit[i], weight * (happened - self.score[i]))
    }

    /// The scores, falling.
    pub(crate) fn scores(&self) -> &[f64] {
        &self.score
    }

    /// The rows, from the highest score down.
    pub(crate) fn steps<'w>(&'w self, multiplicity: &'w [f64]) -> impl Iterator<Item = Step> + 'w {
        self.steps_in(0..self.class.len(), multiplicity)
    }

    /// Some of the rows.
    pub(crate) fn steps_in<'w>(
        &'w self,
        rows: Range<usize>,
        multiplicity: &'w [f64],
    ) -> impl Iterator<Item = Step> + 'w {
        rows.map(move |i| Step {
            score: self.score[i],
            class: usize::from(self.class[i]),
            weight: self.weight_at(i, multiplicity),
            tied: self.tied[i],
        })
    }

    fn end_of_tie(&self, start: usize) -> usize {
        let more = self.tied[start..].iter().take_while(|tied| **tied).count();
        start + more + 1
    }

    #[inline(always)]
    fn weight_at(&self, i: usize, multiplicity: &[f64]) -> f64 {
        let times = multiplicity[self.unit[i] as usize];
        if self.weight.is_empty() {
            times
        } else {
            times * self.weight[i]
        }
    }
}
