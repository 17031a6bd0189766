//! One event, one score per case.

use super::{PrecisionRecallCurve, RocCurve};
use crate::{
    Evaluation, InputError, Share, Undefined,
    engine::{Ranks, Walk},
    evaluation::Clusters,
    validate,
};
use std::hash::Hash;

/// What is looked for among the grades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The case is of this grade; scored by the probability of the grade.
    Grade(usize),
    /// The case is of this grade or a higher one; scored by the sum of their probabilities.
    AtLeast(usize),
}

/// Cases with a score and whether the event happened: for ROC curves, operating points, decision curves.
///
/// Scores may be any finite numbers; only their order matters to what is computed here.
///
/// ```
/// use lumbar_metrics::ranking::Binary;
///
/// let cases = Binary::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!(cases.auroc(), Ok(0.75));
/// assert!((cases.average_precision().unwrap() - 5.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    pub(crate) scores: Vec<f64>,
    pub(crate) happened: Vec<bool>,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) clusters: Option<Clusters>,
}

impl Binary {
    /// Takes a score and an outcome per case.
    ///
    /// # Errors
    /// If their numbers differ or a score is not finite.
    pub fn new(scores: &[f64], happened: &[bool]) -> Result<Binary, InputError> {
        validate::length("outcomes", scores.len(), happened.len())?;
        validate::scores(scores)?;
        Ok(Binary {
            scores: scores.to_vec(),
            happened: happened.to_vec(),
            weights: None,
            clusters: None,
        })
    }

    /// Counts each case by a weight.
    ///
    /// # Errors
    /// If there is not one weight per case, or one is negative or not finite.
    pub fn with_weights(mut self, weights: &[f64]) -> Result<Binary, InputError> {
        validate::length("weights", self.n_rows(), weights.len())?;
        validate::weights("row", weights)?;
        self.weights = Some(weights.to_vec());
        Ok(self)
    }

    /// Says which cases belong to one patient: one key per case.
    ///
    /// # Errors
    /// If there is not one key per case.
    pub fn with_clusters<K: Ord + Hash>(mut self, keys: &[K]) -> Result<Binary, InputError> {
        validate::length("clusters", self.n_rows(), keys.len())?;
        self.clusters = Some(Clusters::of_keys(keys));
        Ok(self)
    }

    /// Number of cases.
    pub fn n_rows(&self) -> usize {
        self.scores.len()
    }

    /// The scores.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Whether the event happened, case by case.
    pub fn happened(&self) -> &[bool] {
        &self.happened
    }

    /// The weight of a case: 1 unless set.
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w[row])
    }

    /// Area under the ROC curve; see the [module](super) for definition, ties and undefined cases.
    pub fn auroc(&self) -> Result<f64, Undefined> {
        let ranks = self.ranks();
        ranks.area(&[0], 1)
    }

    /// Average precision; see the [module](super) for definition, ties and undefined cases.
    pub fn average_precision(&self) -> Result<f64, Undefined> {
        self.ranks().average_precision(1)
    }

    /// The area under the ROC curve up to a false-positive rate, rescaled so that 0.5 is chance and 1 perfect.
    ///
    /// # Undefined
    /// As AUROC is, and up to a rate of 0.
    /// # Reference
    /// McClish 1989. `roc_auc_score(y, s, max_fpr=rate)`.
    pub fn partial_auroc(&self, max_false_positive_rate: Share) -> Result<f64, Undefined> {
        let roc = self.roc()?;
        if max_false_positive_rate.get() > 0.0 {
            Ok(roc.partial_area(max_false_positive_rate.get()))
        } else {
            Err(Undefined::NoNegatives)
        }
    }

    /// The ROC curve.
    ///
    /// # Errors
    /// [`Undefined`] without cases of the event or without others.
    pub fn roc(&self) -> Result<RocCurve, Undefined> {
        RocCurve::of(self)
    }

    /// The precision-recall curve.
    ///
    /// # Errors
    /// [`Undefined::NoPositives`] without cases of the event.
    pub fn precision_recall(&self) -> Result<PrecisionRecallCurve, Undefined> {
        PrecisionRecallCurve::of(self)
    }

    /// The cases in order of falling score, each a unit of its own.
    pub(crate) fn walk(&self) -> Walk {
        self.walk_in(&(0..self.n_rows() as u32).collect::<Vec<_>>())
    }

    /// The cases in order of falling score, in the given units.
    pub(crate) fn walk_in(&self, units: &[u32]) -> Walk {
        let scores = self.scores.iter().copied();
        Walk::new(units, self.weights.as_deref(), scores, |row| {
            usize::from(self.happened[row])
        })
    }

    pub(crate) fn ones(&self) -> Vec<f64> {
        vec![1.0; self.n_rows()]
    }

    /// For each threshold, from the highest: (score, weight of the event, weight of others) at or above it.
    pub(crate) fn thresholds(&self) -> Vec<(f64, f64, f64)> {
        let (walk, ones) = (self.walk(), self.ones());
        let mut above = [0.0; 2];
        let mut thresholds = Vec::new();
        let mut any = false;
        for step in walk.steps(&ones) {
            above[step.class] += step.weight;
            any |= step.weight > 0.0;
            // A score of which all cases have weight zero is no threshold: the cases are as good as removed.
            if !step.tied && any {
                thresholds.push((step.score, above[1], above[0]));
                any = false;
            }
        }
        thresholds
    }

    fn ranks(&self) -> Ranks {
        let packable = self.scores.iter().all(|s| (0.0..2.0).contains(s));
        if packable && self.weights.is_none() {
            let rows = self.scores.iter().zip(&self.happened);
            return Ranks::of_rows(rows.map(|(s, h)| (*s, usize::from(*h))), 1, 2);
        }
        let mut ranks = Ranks::default();
        self.walk().ranks(1, 2, &self.ones(), &mut ranks);
        ranks
    }
}

impl Evaluation {
    /// The cases as one event and its score.
    ///
    /// A grade outside the scheme has no cases and probability 0.
    pub fn event(&self, event: Event) -> Binary {
        let n = self.n_rows();
        let k = self.n_grades();
        let (scores, happened) = match event {
            Event::Grade(g) => (
                (0..n)
                    .map(|row| self.row(row).get(g).copied().unwrap_or(0.0))
                    .collect(),
                self.truth().iter().map(|t| *t == g).collect(),
            ),
            Event::AtLeast(g) => (
                (0..n).map(|row| self.tail(row, g.min(k))).collect(),
                self.truth().iter().map(|t| *t >= g).collect(),
            ),
        };
        Binary {
            scores,
            happened,
            weights: self.weights().map(<[f64]>::to_vec),
            clusters: self.clusters().cloned(),
        }
    }
}
