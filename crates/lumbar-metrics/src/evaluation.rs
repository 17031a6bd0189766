//! Truth and predictions, checked once.

use crate::{Absent, Confusion, Estimate, GradesUsed, InputError, Measure, Undefined, engine, validate};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Graded cases with their predicted probabilities: what every measure is computed from.
///
/// A row is one graded case. Optional columns: a weight per row, and the cluster it belongs to (the patient, who has
/// up to 25 correlated grades); intervals resample clusters. A prediction is the most probable grade, the lower one
/// when two are equally probable, unless [`with_predicted`](Evaluation::with_predicted) says otherwise.
///
/// ```
/// use lumbar_metrics::{Evaluation, Measure};
///
/// let truth = [0, 0, 1, 2];
/// let probabilities = [
///     0.8, 0.1, 0.1, //
///     0.4, 0.5, 0.1,
///     0.3, 0.6, 0.1,
///     0.1, 0.2, 0.7,
/// ];
/// let evaluation = Evaluation::new(3, &truth, &probabilities)?
///     .with_clusters(&["anna", "anna", "bert", "cleo"])?;
/// assert_eq!(evaluation.value(Measure::Accuracy), Ok(0.75));
/// assert_eq!(evaluation.value(Measure::Auroc(2)), Ok(1.0));
/// assert_eq!(evaluation.n_clusters(), Some(3));
///
/// // A row that is no distribution is refused, never repaired in silence.
/// assert!(Evaluation::new(3, &[0], &[0.5, 0.5, 0.5]).is_err());
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
///
/// An evaluation without rows is allowed (a subgroup may be empty): every measure is then
/// [`Undefined::NoCases`].
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    n_grades: usize,
    truth: Vec<usize>,
    /// Row-major, `n_rows * n_grades`.
    probabilities: Vec<f64>,
    predicted: Vec<usize>,
    weights: Option<Vec<f64>>,
    clusters: Option<Clusters>,
    grade_weights: Vec<f64>,
    absent: Absent,
}

/// Which rows belong together. Clusters are numbered in the order of their keys, so that the order of rows never shows
/// in a resample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clusters {
    pub(crate) of_row: Vec<u32>,
    pub(crate) n: usize,
    /// A hash of each cluster's key, to see whether two evaluations share a patient.
    pub(crate) fingerprints: Vec<u64>,
}

impl Evaluation {
    /// Checks and takes the true grades and the probabilities (row-major, `truth.len() * n_grades` of them).
    ///
    /// # Errors
    /// If there are fewer than 2 or more than [`MAX_GRADES`](crate::MAX_GRADES) grades, lengths differ, a grade is
    /// outside the scheme, a probability is not within [0, 1], or a row does not sum to 1 within 1e-6.
    pub fn new(n_grades: usize, truth: &[usize], probabilities: &[f64]) -> Result<Evaluation, InputError> {
        validate::grade_count(n_grades)?;
        validate::length("probabilities", truth.len() * n_grades, probabilities.len())?;
        validate::grades("true", truth, n_grades)?;
        validate::probabilities(probabilities, n_grades)?;
        Ok(Evaluation {
            n_grades,
            truth: truth.to_vec(),
            predicted: probabilities.chunks_exact(n_grades).map(most_probable).collect(),
            probabilities: probabilities.to_vec(),
            weights: None,
            clusters: None,
            grade_weights: (0..n_grades).map(|g| f64::powi(2.0, g as i32)).collect(),
            absent: Absent::default(),
        })
    }

    /// Counts each row by a weight. Weight 1 is none, an integer weight is a repeated row, weight 0 a removed one.
    ///
    /// # Errors
    /// If there is not one weight per row, or one is negative or not finite.
    pub fn with_weights(mut self, weights: &[f64]) -> Result<Evaluation, InputError> {
        validate::length("weights", self.n_rows(), weights.len())?;
        validate::weights("row", weights)?;
        self.weights = Some(weights.to_vec());
        Ok(self)
    }

    /// Says which rows belong to one patient (or whatever is independent of the others): one key per row.
    ///
    /// # Errors
    /// If there is not one key per row.
    pub fn with_clusters<K: Ord + Hash>(mut self, keys: &[K]) -> Result<Evaluation, InputError> {
        validate::length("clusters", self.n_rows(), keys.len())?;
        self.clusters = Some(Clusters::of_keys(keys));
        Ok(self)
    }

    /// Replaces the predicted grades, which are otherwise the most probable ones.
    ///
    /// # Errors
    /// If there is not one grade per row, or one is outside the scheme.
    pub fn with_predicted(mut self, predicted: &[usize]) -> Result<Evaluation, InputError> {
        validate::length("predicted grades", self.n_rows(), predicted.len())?;
        validate::grades("predicted", predicted, self.n_grades)?;
        self.predicted = predicted.to_vec();
        Ok(self)
    }

    /// Sets the weight of each true grade in [`Measure::GradeWeightedLogLoss`]; 1, 2, 4, ... unless set.
    ///
    /// # Errors
    /// If there is not one weight per grade, or one is negative or not finite.
    pub fn with_grade_weights(mut self, weights: &[f64]) -> Result<Evaluation, InputError> {
        validate::length("grade weights", self.n_grades, weights.len())?;
        validate::weights("grade", weights)?;
        self.grade_weights = weights.to_vec();
        Ok(self)
    }

    /// Sets what a grade without a value does to a mean over grades; [`Absent::Skip`] unless set.
    pub fn with_absent(mut self, absent: Absent) -> Evaluation {
        self.absent = absent;
        self
    }

    /// The value of a measure, or why there is none.
    ///
    /// Several at once are cheaper through [`estimates`](Evaluation::estimates), which sorts only once.
    pub fn value(&self, measure: Measure) -> Result<f64, Undefined> {
        engine::point(self, &[measure])[0].map(|computed| computed.value)
    }

    /// Several measures, without intervals. With intervals: [`Bootstrap::estimate`](crate::Bootstrap::estimate).
    pub fn estimates(&self, measures: &[Measure]) -> Vec<Estimate> {
        let values = engine::point(self, measures);
        let with_measure = measures.iter().zip(values);
        with_measure
            .map(|(measure, computed)| Estimate {
                measure: measure.to_string(),
                value: computed.map(|c| c.value),
                interval: None,
                n: self.n_rows(),
                n_clusters: self.n_clusters(),
                grades_used: computed.ok().and_then(|c| c.over),
            })
            .collect()
    }

    /// Over how many grades the mean of a macro-averaged measure goes; `None` for other measures.
    pub fn grades_used(&self, measure: Measure) -> Option<GradesUsed> {
        engine::point(self, &[measure])[0].ok().and_then(|c| c.over)
    }

    /// The confusion matrix of true and predicted grades.
    pub fn confusion(&self) -> Confusion {
        let mut confusion = Confusion::zeros(self.n_grades);
        for row in 0..self.n_rows() {
            confusion.add(self.truth[row], self.predicted[row], self.weight(row));
        }
        confusion
    }

    /// The rows at the given positions, in that order; a position may come up more than once.
    ///
    /// # Panics
    /// If a position is not below [`n_rows`](Evaluation::n_rows).
    pub fn select(&self, rows: &[usize]) -> Evaluation {
        let k = self.n_grades;
        Evaluation {
            n_grades: k,
            truth: rows.iter().map(|r| self.truth[*r]).collect(),
            probabilities: rows.iter().flat_map(|r| self.row(*r).to_vec()).collect(),
            predicted: rows.iter().map(|r| self.predicted[*r]).collect(),
            weights: self
                .weights
                .as_ref()
                .map(|w| rows.iter().map(|r| w[*r]).collect()),
            clusters: self.clusters.as_ref().map(|c| c.select(rows)),
            grade_weights: self.grade_weights.clone(),
            absent: self.absent,
        }
    }

    /// Number of grades of the scheme.
    pub fn n_grades(&self) -> usize {
        self.n_grades
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.truth.len()
    }

    /// Number of clusters, if rows were told to belong to some.
    pub fn n_clusters(&self) -> Option<usize> {
        self.clusters.as_ref().map(|c| c.n)
    }

    /// The true grades.
    pub fn truth(&self) -> &[usize] {
        &self.truth
    }

    /// The predicted grades.
    pub fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    /// The probabilities, row by row.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The probabilities of a row, one per grade.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.probabilities[row * self.n_grades..(row + 1) * self.n_grades]
    }

    /// The weight of a row: 1 unless set.
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w[row])
    }

    /// The weights of the rows, if set.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The weight of each grade in [`Measure::GradeWeightedLogLoss`].
    pub fn grade_weights(&self) -> &[f64] {
        &self.grade_weights
    }

    /// What a grade without a value does to a mean over grades.
    pub fn absent(&self) -> Absent {
        self.absent
    }

    /// How many rows give their true grade a probability so small (below 2.2e-16) that log loss clips it.
    pub fn n_clipped(&self) -> usize {
        let clipped = |row: &usize| self.row(*row)[self.truth[*row]] < f64::EPSILON;
        (0..self.n_rows()).filter(clipped).count()
    }

    /// The probability that a case is at least of `grade`: the sum from the highest grade down.
    pub(crate) fn tail(&self, row: usize, grade: usize) -> f64 {
        self.row(row)[grade..].iter().rev().sum()
    }

    pub(crate) fn clusters(&self) -> Option<&Clusters> {
        self.clusters.as_ref()
    }

    /// The same rows with other probabilities, of which the caller knows that they are valid.
    pub(crate) fn with_probabilities(&self, probabilities: Vec<f64>) -> Evaluation {
        let rows = probabilities.chunks_exact(self.n_grades);
        Evaluation {
            predicted: rows.map(most_probable).collect(),
            probabilities,
            ..self.clone()
        }
    }

    /// Whether both hold the same cases, so that a difference between them is one between models.
    pub(crate) fn check_paired(&self, other: &Evaluation) -> Result<(), InputError> {
        let differs = |what| Err(InputError::Unpaired { what });
        if self.n_grades != other.n_grades {
            return differs("numbers of grades");
        }
        if self.truth != other.truth {
            return differs("true grades");
        }
        if self.weights != other.weights {
            return differs("weights");
        }
        if self.clusters != other.clusters {
            return differs("clusters");
        }
        Ok(())
    }
}

impl Clusters {
    pub(crate) fn of_keys<K: Ord + Hash>(keys: &[K]) -> Clusters {
        let mut number: BTreeMap<&K, u32> = keys.iter().map(|key| (key, 0)).collect();
        for (i, idx) in number.values_mut().enumerate() {
            *idx = i as u32;
        }
        Clusters {
            of_row: keys.iter().map(|key| number[key]).collect(),
            n: number.len(),
            fingerprints: number.keys().map(fingerprint).collect(),
        }
    }

    fn select(&self, rows: &[usize]) -> Clusters {
        let mut number: BTreeMap<u32, u32> = rows.iter().map(|r| (self.of_row[*r], 0)).collect();
        for (i, idx) in number.values_mut().enumerate() {
            *idx = i as u32;
        }
        Clusters {
            of_row: rows.iter().map(|r| number[&self.of_row[*r]]).collect(),
            n: number.len(),
            fingerprints: number.keys().map(|c| self.fingerprints[*c as usize]).collect(),
        }
    }
}

/// The first of the largest entries. Without branches on the values, which nothing can foresee.
#[inline]
pub(crate) fn most_probable(p: &[f64]) -> usize {
    let (mut best, mut highest) = (0, p[0]);
    for (i, p) in p.iter().enumerate().skip(1) {
        let higher = *p > highest;
        best = if higher { i } else { best };
        highest = if higher { *p } else { highest };
    }
    best
}

fn fingerprint(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// A hash of truth and probabilities, to see whether two evaluations are of the very same rows.
pub(crate) fn hash_rows(evaluation: &Evaluation) -> u64 {
    let mut hasher = DefaultHasher::new();
    evaluation.truth.hash(&mut hasher);
    evaluation
        .probabilities
        .iter()
        .for_each(|p| p.to_bits().hash(&mut hasher));
    hasher.finish()
}
