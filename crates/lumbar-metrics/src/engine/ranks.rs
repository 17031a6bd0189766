//! Wins and precision, summed while scores fall.

use super::order;
use crate::{MAX_GRADES, Undefined, confusion::ratio};

/// Weights and wins of one pass, for the event "the row is of class `event`".
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranks {
    /// For each other class: weight of (event row, other row) pairs in which the event row ranks higher; half of ties.
    wins: Vec<f64>,
    /// Σ over rows of the event of precision at their score, by weight.
    precision: f64,
    /// Total weight of each class.
    class_weight: Vec<f64>,
}

impl Ranks {
    /// The ranks of unweighted rows, without anything kept for resampling: (probability, class), at most
    /// [`PACKED_CLASSES`](order::PACKED_CLASSES) classes.
    pub(crate) fn of_rows(
        rows: impl ExactSizeIterator<Item = (f64, usize)>,
        event: usize,
        n_classes: usize,
    ) -> Ranks {
        let packed = order::classes_descending(rows);
        let class = |packed: &u64| (*packed & 3) as u8;
        let mut running = Running::new(event);
        for tie in packed.chunk_by(|a, b| a >> 2 == b >> 2) {
            match tie {
                [one] => running.single(class(one), 1.0),
                several => running.tie(several.iter().map(|packed| (class(packed), 1.0))),
            }
        }
        let mut ranks = Ranks::default();
        running.finish(n_classes, &mut ranks);
        ranks
    }

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

/// The sums at one point of a pass. Without branches on class or weight: which is drawn next cannot be foreseen.
pub(crate) struct Running {
    event: u8,
    /// Weight of the event, and of all rows, above the present score.
    above: f64,
    above_all: f64,
    precision: f64,
    wins: [f64; MAX_GRADES],
    class_weight: [f64; MAX_GRADES],
}

impl Running {
    pub(crate) fn new(event: usize) -> Running {
        Running {
            event: event as u8,
            above: 0.0,
            // Not 0, so that 0 / 0 cannot come up; the first weight swallows it.
            above_all: f64::MIN_POSITIVE,
            precision: 0.0,
            wins: [0.0; MAX_GRADES],
            class_weight: [0.0; MAX_GRADES],
        }
    }

    /// A row whose score no other has.
    #[inline(always)]
    pub(crate) fn single(&mut self, class: u8, weight: f64) {
        let idx = usize::from(class) % MAX_GRADES;
        let of_event = if class == self.event { weight } else { 0.0 };
        self.wins[idx] += weight * self.above;
        self.class_weight[idx] += weight;
        self.above += of_event;
        self.above_all += weight;
        self.precision += of_event * (self.above / self.above_all);
    }

    /// Rows of one score.
    pub(crate) fn tie(&mut self, rows: impl Iterator<Item = (u8, f64)> + Clone) {
        let tied: f64 = rows
            .clone()
            .filter(|(class, _)| *class == self.event)
            .map(|(_, w)| w)
            .sum();
        for (class, weight) in rows {
            let idx = usize::from(class) % MAX_GRADES;
            self.wins[idx] += weight * (self.above + 0.5 * tied);
            self.class_weight[idx] += weight;
            self.above_all += weight;
        }
        self.above += tied;
        self.precision += tied * (self.above / self.above_all);
    }

    pub(crate) fn finish(mut self, n_classes: usize, ranks: &mut Ranks) {
        // Against itself the event has no wins; they were summed to do without a branch.
        self.wins[usize::from(self.event)] = 0.0;
        ranks.wins.clear();
        ranks.wins.extend_from_slice(&self.wins[..n_classes]);
        ranks.class_weight.clear();
        ranks
            .class_weight
            .extend_from_slice(&self.class_weight[..n_classes]);
        ranks.precision = self.precision;
    }
}
