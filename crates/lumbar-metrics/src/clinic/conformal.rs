//! Split-conformal prediction sets.

use crate::{
    Evaluation, Share, Undefined,
    calibration::{CalibrationError, FittedOn},
};
use serde::{Deserialize, Serialize};

/// How strange a grade is for a row: sets hold the grades that are not too strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conformity {
    /// 1 - p of the grade: the smallest sets on average ("LAC").
    Probability,
    /// The probability gathered when grades are taken up from the most probable outwards, always the more probable
    /// neighbour first, until the grade is in: the sets have no holes ("normal or severe, but not moderate" cannot
    /// happen). The grade taken up last is always at 1, so where a promise can only be kept with it, sets cover more
    /// than promised.
    Ordinal,
}

/// Sets of grades that hold the true one with a promised probability, fitted on a calibration split.
///
/// ```
/// use lumbar_metrics::{Evaluation, Share, clinic::{Conformal, Conformity}};
///
/// let p: Vec<f64> = (0..20).flat_map(|i| { let p = 0.5 + f64::from(i) / 40.0; [p, 1.0 - p] }).collect();
/// let truth: Vec<usize> = (0..20).map(|i| usize::from(i < 4)).collect();
/// let keys: Vec<usize> = (0..20).collect();
/// let calibration = Evaluation::new(2, &truth, &p)?.with_clusters(&keys)?;
/// let conformal = Conformal::fit(&calibration, Share::new(0.9)?, Conformity::Probability)?;
///
/// let test = Evaluation::new(2, &[0, 1], &[0.95, 0.05, 0.5, 0.5])?.with_clusters(&[100, 101])?;
/// let sets = conformal.sets(&test)?;
/// assert_eq!(sets.grades(0), [0]);
/// assert_eq!(sets.grades(1), [0, 1]);
/// assert_eq!(sets.coverage()?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Definition
/// With n calibration rows the bound is the ⌈(n + 1)(promise)⌉-th smallest strangeness of the true grades, or no bound
/// if that exceeds n. A set holds the grades no stranger than the bound.
/// # Ties
/// A grade exactly as strange as the bound is in the set. Equally probable neighbours: the lower grade first.
/// # Undefined
/// Without cases. Weights are not used: the promise is about exchangeable rows.
/// # Reference
/// Vovk, Gammerman and Shafer 2005; Sadinle, Lei and Wasserman 2019 (LAC); Lu et al. 2022 (ordinal). MAPIE
/// `SplitConformalClassifier(conformity_score="lac")` for the first.
///
/// The promise holds for rows that are exchangeable with the calibration rows. Rows of one patient are not independent
/// of each other, so over few patients the realised coverage scatters more than that of as many independent rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Conformal {
    n_grades: usize,
    conformity: Conformity,
    /// `None`: every grade is in every set.
    bound: Option<f64>,
    fitted_on: FittedOn,
}

impl Conformal {
    /// Finds the bound on a calibration split.
    ///
    /// # Errors
    /// [`CalibrationError::Undefined`] without cases.
    pub fn fit(
        calibration: &Evaluation,
        promise: Share,
        conformity: Conformity,
    ) -> Result<Conformal, CalibrationError> {
        let n = calibration.n_rows();
        if n == 0 {
            return Err(Undefined::NoCases.into());
        }
        let of_truth = |row: usize| strangeness(calibration.row(row), conformity)[calibration.truth()[row]];
        let mut scores: Vec<f64> = (0..n).map(of_truth).collect();
        scores.sort_unstable_by(f64::total_cmp);
        // 0.9 × 20 must be 18, not 18.000000000000004 rounded up to 19.
        let rank = ((n + 1) as f64 * promise.get() - 1e-9).ceil().max(1.0) as usize;
        Ok(Conformal {
            n_grades: calibration.n_grades(),
            conformity,
            bound: scores.get(rank - 1).copied(),
            fitted_on: FittedOn::of(calibration),
        })
    }

    /// The bound on strangeness; `None` if there were too few rows for the promise, so that sets hold all grades.
    pub fn bound(&self) -> Option<f64> {
        self.bound
    }

    /// The sets of another split.
    ///
    /// # Errors
    /// If the split has another number of grades, or holds what the bound was fitted on.
    pub fn sets(&self, evaluation: &Evaluation) -> Result<PredictionSets, CalibrationError> {
        self.fitted_on.refuse(evaluation)?;
        if evaluation.n_grades() != self.n_grades {
            return Err(CalibrationError::Grades {
                expected: self.n_grades,
                found: evaluation.n_grades(),
            });
        }
        let rows = 0..evaluation.n_rows();
        Ok(PredictionSets {
            holds: rows.map(|row| self.set(evaluation.row(row))).collect(),
            truth: evaluation.truth().to_vec(),
        })
    }

    /// Which grades the set of a row of probabilities holds.
    pub fn set(&self, probabilities: &[f64]) -> Vec<bool> {
        let scores = strangeness(probabilities, self.conformity);
        let inside = |score: &f64| self.bound.is_none_or(|bound| *score <= bound);
        scores.iter().map(inside).collect()
    }
}

/// The sets of a split whose truth is known.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionSets {
    holds: Vec<Vec<bool>>,
    truth: Vec<usize>,
}

impl PredictionSets {
    /// The grades in the set of a row, in order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn grades(&self, row: usize) -> Vec<usize> {
        let holds = &self.holds[row];
        (0..holds.len()).filter(|g| holds[*g]).collect()
    }

    /// The share of sets that hold the true grade.
    ///
    /// # Errors
    /// [`Undefined::NoCases`] without rows.
    pub fn coverage(&self) -> Result<f64, Undefined> {
        self.share_of(|_| true, Undefined::NoCases)
    }

    /// The same among cases of one grade: what a promise on average can hide.
    ///
    /// # Errors
    /// [`Undefined::NoPositives`] without cases of the grade.
    pub fn coverage_of(&self, grade: usize) -> Result<f64, Undefined> {
        self.share_of(|truth| truth == grade, Undefined::NoPositives)
    }

    /// The mean number of grades in a set.
    ///
    /// # Errors
    /// [`Undefined::NoCases`] without rows.
    pub fn mean_size(&self) -> Result<f64, Undefined> {
        let held: usize = self.holds.iter().flatten().filter(|h| **h).count();
        crate::confusion::ratio(held as f64, self.holds.len() as f64, Undefined::NoCases)
    }

    fn share_of(&self, counts: impl Fn(usize) -> bool, otherwise: Undefined) -> Result<f64, Undefined> {
        let counted = || {
            self.holds
                .iter()
                .zip(&self.truth)
                .filter(|(_, truth)| counts(**truth))
        };
        let covered = counted().filter(|(holds, truth)| holds[**truth]).count();
        crate::confusion::ratio(covered as f64, counted().count() as f64, otherwise)
    }
}

fn strangeness(p: &[f64], conformity: Conformity) -> Vec<f64> {
    match conformity {
        Conformity::Probability => p.iter().map(|p| 1.0 - p).collect(),
        Conformity::Ordinal => {
            let start = crate::evaluation::most_probable(p);
            let (mut low, mut high) = (start, start);
            let mut gathered = p[start];
            let mut scores = vec![gathered; p.len()];
            while low > 0 || high + 1 < p.len() {
                let down = low > 0 && (high + 1 == p.len() || p[low - 1] >= p[high + 1]);
                let next = if down { low - 1 } else { high + 1 };
                (low, high) = (low.min(next), high.max(next));
                // All grades together gather 1, not what rounding makes of it.
                let last = low == 0 && high + 1 == p.len();
                gathered = if last { 1.0 } else { gathered + p[next] };
                scores[next] = gathered;
            }
            scores
        }
    }
}
