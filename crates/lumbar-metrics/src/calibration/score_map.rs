//! Between probabilities at natural prevalence and what a weighted score rewards.

use crate::{InputError, RSNA_WEIGHTS, validate};

/// The map q_k = w_k p_k / Σ_j w_j p_j and its inverse.
///
/// Log loss with weights w_k by true grade is least when one predicts q, not p: if a case is severe with probability
/// p_2, a weight of 4 makes the loss look as if it were so four times as often. A model trained with those weights
/// puts out q. People should read p; a submission wants q. The map between the two is exact, needs no fitting and is
/// applied row by row.
///
/// ```
/// use lumbar_metrics::calibration::ScoreMap;
///
/// let map = ScoreMap::rsna();
/// let mut row = [0.7, 0.2, 0.1];
/// map.to_score(&mut row)?; // weights 1, 2, 4: 0.7, 0.4, 0.4 of 1.5
/// assert!((row[2] - 0.4 / 1.5).abs() < 1e-15);
/// map.to_natural(&mut row)?;
/// assert!((row[2] - 0.1).abs() < 1e-15);
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
///
/// # Definition
/// As above; the inverse divides by w_k instead.
/// # Undefined
/// Never, for weights above 0 and rows that are distributions.
/// # Reference
/// Elkan 2001 (prior shift); Saerens, Latinne and Decaestecker 2002.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreMap {
    weights: Vec<f64>,
}

impl ScoreMap {
    /// The map of the RSNA 2024 score: weights 1, 2, 4.
    pub fn rsna() -> ScoreMap {
        ScoreMap {
            weights: RSNA_WEIGHTS.to_vec(),
        }
    }

    /// The map of other weights, one per grade.
    ///
    /// # Errors
    /// If there are too few or too many, or one is not a finite number above 0 (the map would have no inverse).
    pub fn new(weights: &[f64]) -> Result<ScoreMap, InputError> {
        validate::grade_count(weights.len())?;
        match weights.iter().position(|w| !(w.is_finite() && *w > 0.0)) {
            None => Ok(ScoreMap {
                weights: weights.to_vec(),
            }),
            Some(index) => Err(InputError::Weight {
                what: "grade",
                index,
                value: weights[index],
            }),
        }
    }

    /// From natural prevalence to what the score rewards, in place; any number of rows one after the other.
    ///
    /// # Errors
    /// If the rows are no distributions over as many grades as there are weights.
    pub fn to_score(&self, probabilities: &mut [f64]) -> Result<(), InputError> {
        self.scale(probabilities, |weight| weight)
    }

    /// From what the score rewards to natural prevalence, in place; any number of rows one after the other.
    ///
    /// # Errors
    /// If the rows are no distributions over as many grades as there are weights.
    pub fn to_natural(&self, probabilities: &mut [f64]) -> Result<(), InputError> {
        self.scale(probabilities, f64::recip)
    }

    fn scale(&self, probabilities: &mut [f64], factor: impl Fn(f64) -> f64) -> Result<(), InputError> {
        let k = self.weights.len();
        let n_rows = probabilities.len() / k;
        validate::length("probabilities", n_rows * k, probabilities.len())?;
        validate::probabilities(probabilities, k)?;
        for row in probabilities.chunks_exact_mut(k) {
            row.iter_mut()
                .zip(&self.weights)
                .for_each(|(p, w)| *p *= factor(*w));
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
        }
        Ok(())
    }
}
