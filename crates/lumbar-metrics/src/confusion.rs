//! The confusion matrix, and every measure that follows from it.

use crate::{Absent, InputError, Undefined, mean::macro_mean, sum::Sum};
use serde::{Deserialize, Serialize};

/// How often each true grade (row) was called each grade (column), as a sum of weights.
///
/// The number of grades is fixed by the scheme, not by which grades happen to occur: for truth 0, 0, 1, 3 called
/// 0, 1, 1, 3 on a scale of four, linear kappa is 0.8; scikit-learn without `labels=` sees three grades and says 0.71.
///
/// ```
/// use lumbar_metrics::Confusion;
///
/// let confusion = Confusion::from_grades(3, &[0, 0, 1, 2], &[0, 1, 1, 1], None)?;
/// assert_eq!(confusion.count(0, 1), 1.0);
/// assert_eq!(confusion.accuracy(), Ok(0.5));
/// assert_eq!(confusion.recall(2), Ok(0.0));
/// assert!(confusion.precision(2).is_err()); // grade 2 was never predicted
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    n_grades: usize,
    /// Row-major: `counts[truth * n_grades + predicted]`.
    counts: Vec<f64>,
}

/// How a disagreement of so many grades counts in kappa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KappaWeights {
    /// Any disagreement counts 1 (Cohen 1960).
    Unweighted,
    /// By the number of grades apart.
    Linear,
    /// By its square (the "QWK" of competitions).
    Quadratic,
}

impl Confusion {
    /// An empty matrix.
    pub(crate) fn zeros(n_grades: usize) -> Confusion {
        Confusion {
            n_grades,
            counts: vec![0.0; n_grades * n_grades],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.counts.fill(0.0);
    }

    /// Counts a case. `truth` and `predicted` are known to be below the number of grades.
    #[inline]
    pub(crate) fn add(&mut self, truth: usize, predicted: usize, weight: f64) {
        self.counts[truth * self.n_grades + predicted] += weight;
    }

    /// The matrix of a list of true and a list of predicted grades, each case counted by its weight.
    ///
    /// # Errors
    /// On lists of differing length, a grade outside the scheme, or a weight below zero.
    pub fn from_grades(
        n_grades: usize,
        truth: &[usize],
        predicted: &[usize],
        weights: Option<&[f64]>,
    ) -> Result<Confusion, InputError> {
        crate::validate::grade_count(n_grades)?;
        crate::validate::length("predicted grades", truth.len(), predicted.len())?;
        crate::validate::grades("true", truth, n_grades)?;
        crate::validate::grades("predicted", predicted, n_grades)?;
        if let Some(weights) = weights {
            crate::validate::length("weights", truth.len(), weights.len())?;
            crate::validate::weights("row", weights)?;
        }
        let mut confusion = Confusion::zeros(n_grades);
        for (i, (t, p)) in truth.iter().zip(predicted).enumerate() {
            confusion.add(*t, *p, weights.map_or(1.0, |w| w[i]));
        }
        Ok(confusion)
    }

    /// Number of grades of the scheme.
    pub fn n_grades(&self) -> usize {
        self.n_grades
    }

    /// The weight of cases of grade `truth` that were called `predicted`.
    ///
    /// # Panics
    /// If a grade is outside the scheme.
    pub fn count(&self, truth: usize, predicted: usize) -> f64 {
        assert!(
            truth < self.n_grades && predicted < self.n_grades,
            "a grade of the scheme"
        );
        self.counts[truth * self.n_grades + predicted]
    }

    /// The rows of the matrix, one per true grade.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.counts.chunks_exact(self.n_grades)
    }

    /// The total weight of the cases.
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// The weight of cases whose true grade is `grade`.
    pub fn support(&self, grade: usize) -> f64 {
        self.counts[grade * self.n_grades..(grade + 1) * self.n_grades]
            .iter()
            .sum()
    }

    /// The weight of cases that were called `grade`.
    pub fn n_predicted(&self, grade: usize) -> f64 {
        self.rows().map(|row| row[grade]).sum()
    }

    /// Each row as shares of its true grade; the row of a grade that has no cases is undefined, not zeros.
    pub fn row_shares(&self) -> Vec<Result<Vec<f64>, Undefined>> {
        let share = |row: &[f64]| {
            let total: f64 = row.iter().sum();
            if total > 0.0 {
                Ok(row.iter().map(|count| count / total).collect())
            } else {
                Err(Undefined::NoPositives)
            }
        };
        self.rows().map(share).collect()
    }

    /// The share of cases called by their true grade.
    ///
    /// # Definition
    /// Σ diagonal / Σ all.
    /// # Undefined
    /// Without cases.
    /// # Reference
    /// `sklearn.metrics.accuracy_score(y, yhat, sample_weight=w)`. Equal to micro-averaged F1.
    pub fn accuracy(&self) -> Result<f64, Undefined> {
        let correct: f64 = (0..self.n_grades).map(|g| self.count(g, g)).sum();
        ratio(correct, self.total(), Undefined::NoCases)
    }

    /// The share of cases called at most one grade off.
    ///
    /// # Definition
    /// Σ of cells with |truth - predicted| <= 1, over all.
    /// # Undefined
    /// Without cases.
    /// # Reference
    /// `np.average(abs(y - yhat) <= 1, weights=w)`.
    pub fn adjacent_accuracy(&self) -> Result<f64, Undefined> {
        let near = self.sum_over(|t, p| if t.abs_diff(p) <= 1 { 1.0 } else { 0.0 });
        ratio(near, self.total(), Undefined::NoCases)
    }

    /// By how many grades the call is off, on average.
    ///
    /// # Definition
    /// Σ |truth - predicted| / Σ all. Takes neighbouring grades as equally far apart.
    /// # Undefined
    /// Without cases.
    /// # Reference
    /// `sklearn.metrics.mean_absolute_error(y, yhat, sample_weight=w)` on grade indices.
    pub fn mean_absolute_error(&self) -> Result<f64, Undefined> {
        ratio(
            self.sum_over(|t, p| t.abs_diff(p) as f64),
            self.total(),
            Undefined::NoCases,
        )
    }

    /// Of the cases called `grade`, the share that are (positive predictive value).
    ///
    /// # Undefined
    /// If the grade was never predicted; scikit-learn says 0 there by default (`zero_division`).
    /// # Reference
    /// `precision_score(y, yhat, labels=range(K), average=None)[grade]`.
    pub fn precision(&self, grade: usize) -> Result<f64, Undefined> {
        ratio(
            self.count(grade, grade),
            self.n_predicted(grade),
            Undefined::NeverPredicted,
        )
    }

    /// Of the cases of `grade`, the share called so (sensitivity).
    ///
    /// # Undefined
    /// If no case is of the grade; scikit-learn says 0 there by default.
    /// # Reference
    /// `recall_score(y, yhat, labels=range(K), average=None)[grade]`.
    pub fn recall(&self, grade: usize) -> Result<f64, Undefined> {
        ratio(
            self.count(grade, grade),
            self.support(grade),
            Undefined::NoPositives,
        )
    }

    /// Of the cases not of `grade`, the share not called so.
    ///
    /// # Undefined
    /// If every case is of the grade.
    /// # Reference
    /// `recall_score(y != grade, yhat != grade)`.
    pub fn specificity(&self, grade: usize) -> Result<f64, Undefined> {
        let others = self.sum_over(|t, _| if t == grade { 0.0 } else { 1.0 });
        let rejected = self.sum_over(|t, p| if t == grade || p == grade { 0.0 } else { 1.0 });
        ratio(rejected, others, Undefined::NoNegatives)
    }

    /// The harmonic mean of precision and recall of a grade.
    ///
    /// # Definition
    /// 2 TP / (2 TP + FP + FN).
    /// # Undefined
    /// If the grade occurs neither in truth nor among the predictions. A grade that occurs in one of the two has
    /// F1 = 0, although its precision or recall may be undefined.
    /// # Reference
    /// `f1_score(y, yhat, labels=range(K), average=None, zero_division=nan)[grade]`.
    pub fn f1(&self, grade: usize) -> Result<f64, Undefined> {
        ratio(
            2.0 * self.count(grade, grade),
            self.support(grade) + self.n_predicted(grade),
            Undefined::GradeAbsent,
        )
    }

    /// The plain mean of recall over grades.
    ///
    /// # Undefined
    /// As `absent` says; with [`Absent::Skip`] only without cases. A grade that is predicted but has no cases is left
    /// out, as in scikit-learn.
    /// # Reference
    /// `balanced_accuracy_score(y, yhat)` ([`Absent::Skip`]); `recall_score(average="macro", labels=range(K))`
    /// ([`Absent::Zero`]).
    pub fn balanced_accuracy(&self, absent: Absent) -> Result<f64, Undefined> {
        macro_mean(self.n_grades, absent, |g| self.recall(g)).map(|mean| mean.value)
    }

    /// The plain mean of F1 over grades.
    ///
    /// # Undefined
    /// As `absent` says. With a grade that occurs nowhere scikit-learn gives four different numbers: see [`Absent`].
    /// # Reference
    /// `f1_score(y, yhat, labels=range(K), average="macro", zero_division=nan)` ([`Absent::Skip`]), `zero_division=0`
    /// ([`Absent::Zero`]), `zero_division=1` ([`Absent::One`]).
    pub fn macro_f1(&self, absent: Absent) -> Result<f64, Undefined> {
        macro_mean(self.n_grades, absent, |g| self.f1(g)).map(|mean| mean.value)
    }

    /// The mean of F1 over grades, each weighted by its cases.
    ///
    /// # Undefined
    /// Without cases. A grade without cases has weight 0, so it never matters.
    /// # Reference
    /// `f1_score(y, yhat, average="weighted")`.
    pub fn weighted_f1(&self) -> Result<f64, Undefined> {
        let mut sum = Sum::default();
        for grade in 0..self.n_grades {
            let support = self.support(grade);
            if support > 0.0 {
                sum.add(support * self.f1(grade)?);
            }
        }
        ratio(sum.value(), self.total(), Undefined::NoCases)
    }

    /// F1 of all grades' decisions together; with one grade per case this is [`accuracy`](Confusion::accuracy).
    ///
    /// # Reference
    /// `f1_score(y, yhat, labels=range(K), average="micro")`.
    pub fn micro_f1(&self) -> Result<f64, Undefined> {
        self.accuracy()
    }

    /// Agreement beyond chance (Cohen's kappa).
    ///
    /// # Definition
    /// 1 - Σ d O / Σ d E with d the disagreement of two grades, O the observed shares and E the product of the
    /// margins. Linear d = |i - j|, quadratic d = (i - j)².
    /// # Undefined
    /// If truth and prediction are one and the same grade throughout ([`Undefined::SingleClass`]; scikit-learn: NaN).
    /// A constant prediction of varied truth has kappa 0, by the formula.
    /// # Reference
    /// Cohen 1960 and 1968. `cohen_kappa_score(y, yhat, labels=range(K), weights=..., sample_weight=w)`; mind
    /// `labels`: without it the grades that occur are numbered anew.
    pub fn kappa(&self, weights: KappaWeights) -> Result<f64, Undefined> {
        let total = self.total();
        if total <= 0.0 {
            return Err(Undefined::NoCases);
        }
        let disagreement = |t: usize, p: usize| match weights {
            KappaWeights::Unweighted => f64::from(u8::from(t != p)),
            KappaWeights::Linear => t.abs_diff(p) as f64,
            KappaWeights::Quadratic => (t.abs_diff(p) as f64).powi(2),
        };
        let supports: Vec<f64> = (0..self.n_grades).map(|g| self.support(g)).collect();
        let predicted: Vec<f64> = (0..self.n_grades).map(|g| self.n_predicted(g)).collect();
        let observed = self.sum_over(disagreement);
        let expected = sum_cells(self.n_grades, |t, p| {
            disagreement(t, p) * supports[t] * predicted[p]
        });
        ratio(observed * total, expected, Undefined::SingleClass).map(|r| 1.0 - r)
    }

    /// Matthews' correlation of truth and prediction, for any number of grades.
    ///
    /// # Definition
    /// The correlation of the two indicator matrices (Gorodkin's R_K).
    /// # Undefined
    /// If truth or prediction is constant: the formula is 0 / 0. scikit-learn and torchmetrics say 0.
    /// # Reference
    /// Gorodkin 2004; Jurman, Riccadonna and Furlanello 2012. `matthews_corrcoef(y, yhat, sample_weight=w)`.
    pub fn mcc(&self) -> Result<f64, Undefined> {
        let total = self.total();
        if total <= 0.0 {
            return Err(Undefined::NoCases);
        }
        // In shares: squared totals of millions of cases would otherwise lose digits.
        let share = |x: f64| x / total;
        let sum = |f: &dyn Fn(usize) -> f64| (0..self.n_grades).map(f).collect::<Sum>().value();
        let constant = |f: &dyn Fn(usize) -> f64| (0..self.n_grades).filter(|g| f(*g) > 0.0).count() < 2;
        if constant(&|g| self.support(g)) || constant(&|g| self.n_predicted(g)) {
            return Err(Undefined::Constant);
        }
        let correct = sum(&|g| share(self.count(g, g)));
        let chance = sum(&|g| share(self.support(g)) * share(self.n_predicted(g)));
        // 1 - Σ s² as Σ s (1 - s), which keeps its digits when nearly all cases have one grade.
        let spread_truth = sum(&|g| share(self.support(g)) * share(total - self.support(g)));
        let spread_predicted = sum(&|g| share(self.n_predicted(g)) * share(total - self.n_predicted(g)));
        Ok((correct - chance) / (spread_truth.sqrt() * spread_predicted.sqrt()))
    }

    fn sum_over(&self, f: impl Fn(usize, usize) -> f64) -> f64 {
        sum_cells(self.n_grades, |t, p| f(t, p) * self.counts[t * self.n_grades + p])
    }
}

fn sum_cells(n_grades: usize, f: impl Fn(usize, usize) -> f64) -> f64 {
    let mut sum = Sum::default();
    for truth in 0..n_grades {
        for predicted in 0..n_grades {
            sum.add(f(truth, predicted));
        }
    }
    sum.value()
}

pub(crate) fn ratio(numerator: f64, denominator: f64, otherwise: Undefined) -> Result<f64, Undefined> {
    if denominator > 0.0 {
        Ok(numerator / denominator)
    } else {
        Err(otherwise)
    }
}
