//! Fitting the temperature on the validation split.

use crate::loss::Label;
use lumbar_core::GradingScheme;
use lumbar_model::Calibration;

/// Fewer labelled cases than this say too little about confidence: the temperature then stays 1.
const MIN_CASES: usize = 30;
/// Search range of the temperature.
const RANGE: (f64, f64) = (0.25, 4.0);
const ITERATIONS: usize = 60;

/// The calibration whose temperature gives the smallest unweighted log loss on validation logits.
///
/// The loss is convex in 1/T (Guo et al. 2017, arXiv 1706.04599), so a golden-section search over ln T finds its
/// minimum.
pub(crate) fn fit(
    logits: &[Vec<f64>],
    labels: &[Label],
    scheme: GradingScheme,
    training_weights: Vec<f64>,
) -> Calibration {
    let mut calibration = Calibration::from_weights(training_weights);
    let cases: Vec<(&[f64], usize)> = logits
        .iter()
        .zip(labels)
        .filter_map(|(row, label)| Some((row.as_slice(), scheme.index_of((*label)?)?)))
        .collect();
    if cases.len() < MIN_CASES {
        return calibration;
    }
    let loss = |log_temperature: f64| -> f64 {
        let trial = Calibration {
            temperature: log_temperature.exp(),
            ..calibration.clone()
        };
        cases
            .iter()
            .map(|(row, grade)| -trial.probabilities(row)[*grade].max(f64::MIN_POSITIVE).ln())
            .sum()
    };
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (RANGE.0.ln(), RANGE.1.ln());
    for _ in 0..ITERATIONS {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(a) < loss(b) {
            high = b;
        } else {
            low = a;
        }
    }
    calibration.temperature = f64::midpoint(low, high).exp();
    calibration.fitted_on = Some("validation".into());
    calibration
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_core::Severity;

    /// Cases whose true probabilities are softmax(z), shown as logits 2 z: the temperature is 2.
    #[test]
    fn finds_an_overconfidence_of_two() {
        let scheme = GradingScheme::ThreeGrades;
        let (mut logits, mut labels) = (Vec::new(), Vec::new());
        let base = [1.2f64, 0.0, -0.7];
        let norm: f64 = base.iter().map(|z| z.exp()).sum();
        let n = 3000;
        for (grade, z) in base.iter().enumerate() {
            let times = (f64::from(n) * z.exp() / norm).round() as usize;
            for _ in 0..times {
                logits.push(base.iter().map(|z| 2.0 * z).collect());
                labels.push(scheme.grade(grade));
            }
        }
        let fitted = fit(&logits, &labels, scheme, vec![1.0; 3]);
        assert!((fitted.temperature - 2.0).abs() < 0.01, "{}", fitted.temperature);
        assert_eq!(fitted.fitted_on.as_deref(), Some("validation"));
    }

    #[test]
    fn too_few_cases_change_nothing() {
        let labels = vec![Some(Severity::Severe); 10];
        let fitted = fit(
            &vec![vec![0.0; 3]; 10],
            &labels,
            GradingScheme::ThreeGrades,
            vec![1.0, 2.0, 4.0],
        );
        assert_eq!(fitted, Calibration::from_weights(vec![1.0, 2.0, 4.0]));
    }
}
