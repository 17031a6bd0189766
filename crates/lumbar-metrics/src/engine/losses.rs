//! Proper scores, added up by unit: a resample then costs a sum over patients, not over their rows.

use crate::{Evaluation, proper, sum::Sum};

/// Σ weight × score over the rows of each unit.
pub(crate) struct Losses {
    of_unit: Vec<Totals<f64>>,
}

/// One number for each score.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals<T> {
    pub(crate) log: T,
    /// Log loss, weighted by true grade as well, and the sum of those weights.
    pub(crate) graded_log: T,
    pub(crate) graded_weight: T,
    pub(crate) brier: T,
    pub(crate) ranked: T,
}

impl Losses {
    pub(crate) fn of(e: &Evaluation, units: &[u32], n_units: usize) -> Losses {
        let mut sums = vec![Totals::<Sum>::default(); n_units];
        for row in 0..e.n_rows() {
            let (p, truth, weight) = (e.row(row), e.truth()[row], e.weight(row));
            let log = proper::row_log_loss(p, truth);
            let graded = weight * e.grade_weights()[truth];
            let totals = &mut sums[units[row] as usize];
            totals.log.add(weight * log);
            totals.graded_log.add(graded * log);
            totals.graded_weight.add(graded);
            totals.brier.add(weight * proper::row_brier(p, truth));
            totals
                .ranked
                .add(weight * proper::row_ranked_probability(p, truth));
        }
        Losses {
            of_unit: sums.iter().map(Totals::values).collect(),
        }
    }

    /// The totals with each unit counted so many times.
    pub(crate) fn total(&self, multiplicity: &[f64]) -> Totals<f64> {
        let mut sums = Totals::<Sum>::default();
        for (unit, times) in self.of_unit.iter().zip(multiplicity) {
            sums.log.add(times * unit.log);
            sums.graded_log.add(times * unit.graded_log);
            sums.graded_weight.add(times * unit.graded_weight);
            sums.brier.add(times * unit.brier);
            sums.ranked.add(times * unit.ranked);
        }
        sums.values()
    }
}

impl Totals<Sum> {
    fn values(&self) -> Totals<f64> {
        Totals {
            log: self.log.value(),
            graded_log: self.graded_log.value(),
            graded_weight: self.graded_weight.value(),
            brier: self.brier.value(),
            ranked: self.ranked.value(),
        }
    }
}
