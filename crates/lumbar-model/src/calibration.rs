//! From logits to probabilities that mean one thing.

use serde::{Deserialize, Serialize};

/// How a network's logits become probabilities at natural prevalence.
///
/// A network trained with class weights w answers for a world in which grade k is w_k times as common as it is. Order
/// of application: the logarithm of the training weights is taken off the logits, they are divided by the temperature,
/// then softmax.
///
/// ```
/// use lumbar_model::Calibration;
/// // Trained with weights 1, 2, 4: equal logits mean that grade 2 was seen four times as heavily as it occurs.
/// let calibration = Calibration { training_weights: vec![1.0, 2.0, 4.0], temperature: 1.0, fitted_on: None };
/// let p = calibration.probabilities(&[0.0, 0.0, 0.0]);
/// assert!((p[0] - 4.0 / 7.0).abs() < 1e-12 && (p[2] - 1.0 / 7.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Class weights of the training loss, one a grade.
    pub training_weights: Vec<f64>,
    /// Divisor of the corrected logits; above 1 makes answers less certain.
    pub temperature: f64,
    /// What the temperature was fitted on (`validation`), `None` where it was not fitted.
    pub fitted_on: Option<String>,
}

impl Calibration {
    /// No temperature, only the weights taken back.
    pub fn from_weights(training_weights: Vec<f64>) -> Calibration {
        Calibration {
            training_weights,
            temperature: 1.0,
            fitted_on: None,
        }
    }

    /// Logits with the training weights taken back, before temperature: what a temperature is fitted on.
    pub fn natural_logits(&self, logits: &[f64]) -> Vec<f64> {
        logits
            .iter()
            .zip(&self.training_weights)
            .map(|(logit, weight)| logit - weight.ln())
            .collect()
    }

    /// Probabilities at natural prevalence from one row of logits.
    pub fn probabilities(&self, logits: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = self
            .natural_logits(logits)
            .iter()
            .map(|z| z / self.temperature)
            .collect();
        let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = scaled.iter().map(|z| (z - largest).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        exponentials.iter().map(|e| e / sum).collect()
    }
}
