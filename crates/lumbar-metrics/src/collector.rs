//! Cases that come in batches.

use crate::{Evaluation, InputError, validate};
use std::hash::Hash;

/// Gathers cases batch by batch, as a loop over a loader sees them.
///
/// Nothing is computed before [`finish`](Collector::finish), so how cases were split into batches cannot show in any
/// digit of any measure: a mean of batch means, or a merged sum, would.
///
/// ```
/// use lumbar_metrics::{Collector, Measure};
///
/// let mut cases = Collector::new(2)?;
/// cases.push(&[0, 1], &[0.9, 0.1, 0.2, 0.8], &["anna", "anna"])?;
/// cases.push(&[1], &[0.6, 0.4], &["bert"])?;
/// let evaluation = cases.finish()?;
/// assert_eq!((evaluation.n_rows(), evaluation.n_clusters()), (3, Some(2)));
/// assert_eq!(evaluation.value(Measure::Recall(1)), Ok(0.5));
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Collector<K> {
    n_grades: usize,
    truth: Vec<usize>,
    probabilities: Vec<f64>,
    clusters: Vec<K>,
}

impl<K: Ord + Hash + Clone> Collector<K> {
    /// No cases yet.
    ///
    /// # Errors
    /// If the number of grades is below 2 or above [`MAX_GRADES`](crate::MAX_GRADES).
    pub fn new(n_grades: usize) -> Result<Collector<K>, InputError> {
        validate::grade_count(n_grades)?;
        Ok(Collector {
            n_grades,
            truth: Vec::new(),
            probabilities: Vec::new(),
            clusters: Vec::new(),
        })
    }

    /// Adds a batch: true grades, probabilities row by row, and the cluster of each row.
    ///
    /// # Errors
    /// If their lengths do not fit. Values are checked at the end.
    pub fn push(&mut self, truth: &[usize], probabilities: &[f64], clusters: &[K]) -> Result<(), InputError> {
        validate::length("probabilities", truth.len() * self.n_grades, probabilities.len())?;
        validate::length("clusters", truth.len(), clusters.len())?;
        self.truth.extend_from_slice(truth);
        self.probabilities.extend_from_slice(probabilities);
        self.clusters.extend_from_slice(clusters);
        Ok(())
    }

    /// All cases, checked.
    ///
    /// # Errors
    /// As [`Evaluation::new`]; rows count from the first one pushed.
    pub fn finish(self) -> Result<Evaluation, InputError> {
        Evaluation::new(self.n_grades, &self.truth, &self.probabilities)?.with_clusters(&self.clusters)
    }
}
