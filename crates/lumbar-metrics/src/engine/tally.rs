//! The sums of one pass over the rows, and the measures that follow from them.

use super::{Computed, Ranks, losses::Totals};
use crate::{
    Absent, Confusion, KappaWeights, Measure, Undefined,
    confusion::ratio,
    mean::{MacroMean, macro_mean},
    sum::Sum,
};

pub(crate) struct Tally {
    /// The weight of all rows.
    pub(crate) total: f64,
    /// Empty if no measure asks for it.
    pub(crate) confusion: Confusion,
    pub(crate) losses: Totals<f64>,
    /// By grade: rows ranked by its probability.
    pub(crate) grades: Vec<Ranks>,
    /// By grade: rows ranked by the probability of at least it.
    pub(crate) tails: Vec<Ranks>,
}

impl Tally {
    pub(crate) fn new(n_grades: usize) -> Tally {
        Tally {
            total: 0.0,
            confusion: Confusion::zeros(n_grades),
            losses: Totals::default(),
            grades: vec![Ranks::default(); n_grades],
            tails: vec![Ranks::default(); n_grades],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.confusion.clear();
    }

    pub(crate) fn value(&self, measure: Measure, absent: Absent) -> Result<Computed, Undefined> {
        use Measure::*;
        let c = &self.confusion;
        let k = c.n_grades();
        if self.total <= 0.0 {
            return Err(Undefined::NoCases);
        }
        if let Precision(g) | Recall(g) | Specificity(g) | F1(g) = measure
            && g >= k
        {
            return Err(Undefined::GradeAbsent);
        }
        let per_case = |sum: f64| ratio(sum, self.total, Undefined::NoCases);
        let plain = match measure {
            Accuracy => c.accuracy(),
            AdjacentAccuracy => c.adjacent_accuracy(),
            MeanAbsoluteError => c.mean_absolute_error(),
            Precision(g) => c.precision(g),
            Recall(g) => c.recall(g),
            Specificity(g) => c.specificity(g),
            F1(g) => c.f1(g),
            WeightedF1 => c.weighted_f1(),
            MicroF1 => c.micro_f1(),
            Kappa => c.kappa(KappaWeights::Unweighted),
            LinearKappa => c.kappa(KappaWeights::Linear),
            QuadraticKappa => c.kappa(KappaWeights::Quadratic),
            Mcc => c.mcc(),
            Auroc(g) => self.auroc(g),
            WeightedAuroc => self.weighted_auroc(),
            AurocAtLeast(g) => self.tail_auroc(g),
            AveragePrecision(g) => average_precision(self.grades.get(g), g),
            AveragePrecisionAtLeast(g) => self.tail_average_precision(g),
            LogLoss => per_case(self.losses.log),
            GradeWeightedLogLoss => ratio(
                self.losses.graded_log,
                self.losses.graded_weight,
                Undefined::NoCases,
            ),
            Brier => per_case(self.losses.brier),
            HalfBrier => per_case(self.losses.brier).map(|b| 0.5 * b),
            RankedProbability => per_case(self.losses.ranked),
            BalancedAccuracy => return mean_of(macro_mean(k, absent, |g| c.recall(g))),
            MacroF1 => return mean_of(macro_mean(k, absent, |g| c.f1(g))),
            MacroAuroc => return mean_of(macro_mean(k, absent, |g| self.auroc(g))),
            MacroAveragePrecision => {
                return mean_of(macro_mean(k, absent, |g| {
                    average_precision(self.grades.get(g), g)
                }));
            }
            OvoAuroc => return mean_of(macro_mean(k * (k - 1) / 2, absent, |pair| self.pair_auroc(pair))),
            Ece(_) => unreachable!("computed from bins by the engine"),
        };
        plain.map(|value| Computed { value, over: None })
    }

    fn auroc(&self, grade: usize) -> Result<f64, Undefined> {
        let ranks = self.grades.get(grade).ok_or(Undefined::NoPositives)?;
        let others: Vec<usize> = (0..self.confusion.n_grades()).filter(|g| *g != grade).collect();
        ranks.area(&others, grade)
    }

    fn weighted_auroc(&self) -> Result<f64, Undefined> {
        let mut sum = Sum::default();
        for grade in 0..self.confusion.n_grades() {
            let support = self.confusion.support(grade);
            if support > 0.0 {
                sum.add(support * self.auroc(grade)?);
            }
        }
        ratio(sum.value(), self.total, Undefined::NoCases)
    }

    /// The mean of both directions of a pair of grades, pairs counted as (0, 1), (0, 2), ..., (1, 2), ...
    fn pair_auroc(&self, pair: usize) -> Result<f64, Undefined> {
        let k = self.confusion.n_grades();
        let (a, b) = (0..k)
            .flat_map(|a| (a + 1..k).map(move |b| (a, b)))
            .nth(pair)
            .expect("there are k (k - 1) / 2 pairs");
        let one_way = |from: usize, to: usize| self.grades[from].area(&[to], from);
        Ok(0.5 * (one_way(a, b)? + one_way(b, a)?))
    }

    fn tail_auroc(&self, grade: usize) -> Result<f64, Undefined> {
        let ranks = self.tails.get(grade).ok_or(Undefined::NoPositives)?;
        ranks.area(&[0], 1)
    }

    fn tail_average_precision(&self, grade: usize) -> Result<f64, Undefined> {
        average_precision(self.tails.get(grade), 1)
    }
}

fn mean_of(mean: Result<MacroMean, Undefined>) -> Result<Computed, Undefined> {
    mean.map(|mean| Computed {
        value: mean.value,
        over: Some(mean.over),
    })
}

fn average_precision(ranks: Option<&Ranks>, event: usize) -> Result<f64, Undefined> {
    ranks.ok_or(Undefined::NoPositives)?.average_precision(event)
}
