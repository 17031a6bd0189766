//! One pass over the rows in order of a score, from the highest down.

use super::{bins::Bins, order};
use crate::{Undefined, confusion::ratio};

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

/// Weights and wins of one pass, for the event "the row is of class `event`".
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranks {
    /// For each other class: weight of (event row, other row) pairs in which the event row ranks higher; half of ties.
    pub(crate) wins: Vec<f64>,
    /// Σ over rows of the event of precision at their score, by weight.
    pub(crate) precision: f64,
    /// Total weight of each class.
    pub(crate) class_weight: Vec<f64>,
}

impl Ranks {
    /// AUROC of the event against the classes `others`.
    pub(crate) fn area(&self, others: &[usize], event: usize) -> Result<f64, Undefined> {
        let of_others = |values: &[f64]| -> f64 { others.iter().map(|class| values[*class]).sum() };
        let positive = self.class_weight[event];
        let negative = of_others(&self.class_weight);
        if positive <= 0.0 {
            Err(Undefined::NoPositives)
        } else if negative <= 0.0 {
            Err(Undefined::NoNegatives)
        } else {
            // Weights that are not whole numbers may round a perfect ranking to a hair above 1.
            Ok((of_others(&self.wins) / (positive * negative)).min(1.0))
        }
    }

    pub(crate) fn average_precision(&self, event: usize) -> Result<f64, Undefined> {
        ratio(self.precision, self.class_weight[event], Undefined::NoPositives)
    }
}

impl Walk {
    pub(crate) fn new(
        units: &[u32],
        weights: Option<&[f64]>,
        scores: impl ExactSizeIterator<Item = f64>,
        class_of: impl Fn(usize) -> usize,
    ) -> Walk {
        let sorted = order::descending(scores);
        let rows = || sorted.iter().map(|(_, row)| *row as usize);
        Walk {
            class: rows().map(|row| class_of(row) as u8).collect(),
            unit: rows().map(|row| units[row]).collect(),
            weight: weights.map_or_else(Vec::new, |w| rows().map(|row| w[row]).collect()),
            tied: (0..sorted.len())
                .map(|i| sorted.get(i + 1).is_some_and(|next| next.0 == sorted[i].0))
                .collect(),
            score: sorted.iter().map(|(key, _)| order::score_of(!key)).collect(),
        }
    }

    pub(crate) fn ranks(&self, event: usize, n_classes: usize, multiplicity: &[f64], ranks: &mut Ranks) {
        ranks.wins.clear();
        ranks.wins.resize(n_classes, 0.0);
        ranks.class_weight.clear();
        ranks.class_weight.resize(n_classes, 0.0);
        ranks.precision = 0.0;
        let mut above = 0.0; // weight of the event above the present score
        let mut above_all = 0.0;
        let mut i = 0;
        while i < self.class.len() {
            if !self.tied[i] {
                let weight = self.weight_at(i, multiplicity);
                if weight != 0.0 {
                    let class = self.class[i] as usize;
                    above_all += weight;
                    ranks.class_weight[class] += weight;
                    if class == event {
                        above += weight;
                        ranks.precision += weight * (above / above_all);
                    } else {
                        ranks.wins[class] += weight * above;
                    }
                }
                i += 1;
                continue;
            }
            let (tied_event, end) = self.tied_event(i, event, multiplicity);
            for j in i..end {
                let weight = self.weight_at(j, multiplicity);
                let class = self.class[j] as usize;
                above_all += weight;
                ranks.class_weight[class] += weight;
                if class != event {
                    ranks.wins[class] += weight * (above + 0.5 * tied_event);
                }
            }
            above += tied_event;
            if tied_event > 0.0 {
                ranks.precision += tied_event * (above / above_all);
            }
            i = end;
        }
    }

    /// The weight of the event among the rows tied with row `start`, and the end of the tie.
    fn tied_event(&self, start: usize, event: usize, multiplicity: &[f64]) -> (f64, usize) {
        let mut weight = 0.0;
        let mut end = start;
        loop {
            if self.class[end] as usize == event {
                weight += self.weight_at(end, multiplicity);
            }
            end += 1;
            if !self.tied[end - 1] {
                return (weight, end);
            }
        }
    }

    /// Sorts the weight into the bins of a reliability diagram for the event.
    pub(crate) fn bin(&self, event: usize, multiplicity: &[f64], bins: &mut Bins) {
        let total = if bins.needs_total() {
            (0..self.class.len())
                .map(|i| self.weight_at(i, multiplicity))
                .sum()
        } else {
            0.0
        };
        let mut above = 0.0;
        let mut i = 0;
        while i < self.class.len() {
            let mut end = i + 1;
            let mut weight = self.weight_at(i, multiplicity);
            let mut happened = if self.class[i] as usize == event {
                weight
            } else {
                0.0
            };
            while self.tied[end - 1] {
                let more = self.weight_at(end, multiplicity);
                weight += more;
                if self.class[end] as usize == event {
                    happened += more;
                }
                end += 1;
            }
            if weight > 0.0 {
                // Share of the weight at or below the middle of the tie, for bins of equal mass.
                let below = 1.0 - (above + 0.5 * weight) / total;
                bins.add(self.score[i], below, weight, happened);
                above += weight;
            }
            i = end;
        }
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

    /// The rows, from the highest score down.
    pub(crate) fn steps<'w>(&'w self, multiplicity: &'w [f64]) -> impl Iterator<Item = Step> + 'w {
        (0..self.class.len()).map(move |i| Step {
            score: self.score[i],
            class: self.class[i] as usize,
            weight: self.weight_at(i, multiplicity),
            tied: self.tied[i],
        })
    }
}

/// A row of a walk.
pub(crate) struct Step {
    pub(crate) score: f64,
    pub(crate) class: usize,
    pub(crate) weight: f64,
    /// Whether the next row has the same score.
    pub(crate) tied: bool,
}
