//! Which sorted orders and sums a list of measures needs, so that nothing else is computed.

use crate::{EceOf, Measure};

#[derive(Debug, Clone)]
pub(crate) struct Needs {
    /// The confusion matrix.
    pub(crate) calls: bool,
    /// Proper scores of each row.
    pub(crate) losses: bool,
    /// Rows in order of the probability of a grade.
    pub(crate) grades: Vec<bool>,
    /// Rows in order of the probability of at least a grade.
    pub(crate) tails: Vec<bool>,
    /// Rows in order of their highest probability.
    pub(crate) top_label: bool,
    /// Whether orders are walked for ranks, or for bins only.
    pub(crate) grade_ranks: bool,
    pub(crate) tail_ranks: bool,
}

impl Needs {
    pub(crate) fn of(measures: &[Measure], n_grades: usize) -> Needs {
        let mut needs = Needs {
            calls: false,
            losses: false,
            grades: vec![false; n_grades],
            tails: vec![false; n_grades],
            top_label: false,
            grade_ranks: false,
            tail_ranks: false,
        };
        for measure in measures {
            needs.add(*measure);
        }
        needs
    }

    fn add(&mut self, measure: Measure) {
        use Measure::*;
        match measure {
            LogLoss | GradeWeightedLogLoss | Brier | HalfBrier | RankedProbability => self.losses = true,
            Auroc(grade) | AveragePrecision(grade) => {
                self.grade_ranks = true;
                // A grade outside the scheme is undefined, not a reason to fail.
                if let Some(needed) = self.grades.get_mut(grade) {
                    *needed = true;
                }
            }
            MacroAuroc | WeightedAuroc | OvoAuroc | MacroAveragePrecision => {
                self.grade_ranks = true;
                self.grades.fill(true);
                // Weighted by the cases of each grade.
                self.calls |= measure == WeightedAuroc;
            }
            AurocAtLeast(grade) | AveragePrecisionAtLeast(grade) => {
                self.tail_ranks = true;
                if let Some(needed) = self.tails.get_mut(grade) {
                    *needed = true;
                }
            }
            Ece(ece) => match ece.of {
                EceOf::TopLabel => self.top_label = true,
                EceOf::ClassWise => self.grades.fill(true),
                EceOf::Cumulative => self.tails[1..].fill(true),
            },
            _ => self.calls = true,
        }
    }
}
