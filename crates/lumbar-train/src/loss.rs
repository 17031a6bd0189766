//! The training loss.

use burn::tensor::{Int, Tensor, TensorData, activation};
use lumbar_core::{GradingScheme, Severity};

/// What a crop's target is graded, `None` where the label is missing.
pub type Label = Option<Severity>;

/// Class-weighted cross-entropy over the crops that have a label: sum(w * -ln p) / sum(w), as scikit-learn's log loss
/// with sample weights and PyTorch's cross-entropy with class weights.
///
/// A missing label contributes nothing; a batch without any label gives 0, with zero gradients, not NaN.
///
/// # Shapes
/// `logits` `[batch, n_grades]`, `batch` labels, `n_grades` weights -> `[1]`
///
/// # Panics
/// If there are not as many labels as rows, or a label is not of the scheme.
pub fn weighted_cross_entropy(
    logits: Tensor<2>,
    labels: &[Label],
    scheme: GradingScheme,
    class_weights: &[f64],
) -> Tensor<1> {
    let [batch, n_grades] = logits.dims();
    assert_eq!(batch, labels.len(), "one label a crop");
    assert_eq!(n_grades, class_weights.len(), "one weight a grade");
    let device = logits.device();
    // A missing label has weight 0 and, so that gather stays in bounds, class 0.
    let (classes, weights): (Vec<i64>, Vec<f32>) = labels
        .iter()
        .map(|label| match label {
            Some(severity) => {
                let class = scheme
                    .index_of(*severity)
                    .expect("labels were read under this scheme");
                (class as i64, class_weights[class] as f32)
            }
            None => (0, 0.0),
        })
        .unzip();
    let total: f32 = weights.iter().sum();
    let classes = Tensor::<2, Int>::from_data(TensorData::new(classes, [batch, 1]), &device);
    let weights = Tensor::<1>::from_data(TensorData::new(weights, [batch]), &device);
    let log_p = activation::log_softmax(logits, 1)
        .gather(1, classes)
        .reshape([batch]);
    (log_p.neg() * weights).sum() / total.max(f32::MIN_POSITIVE)
}

// `allow-unwrap-in-tests` does not see a test module behind a second condition.
#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;
    use burn::tensor::Device;

    const LOGITS: [[f32; 3]; 3] = [[1.0, 0.0, -1.0], [0.2, 0.4, 0.6], [0.0, 2.0, 0.0]];

    fn by_hand(labels: &[Label], weights: [f64; 3]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, label) in LOGITS.iter().zip(labels) {
            let Some(severity) = label else { continue };
            let class = GradingScheme::ThreeGrades.index_of(*severity).unwrap();
            let norm: f64 = row.iter().map(|z| f64::from(*z).exp()).sum();
            sum -= weights[class] * (f64::from(row[class]).exp() / norm).ln();
            total += weights[class];
        }
        sum / total
    }

    fn loss(labels: &[Label], weights: [f64; 3]) -> f64 {
        let logits = Tensor::<2>::from_floats(LOGITS, &Device::flex());
        let value = weighted_cross_entropy(logits, labels, GradingScheme::ThreeGrades, &weights);
        f64::from(value.into_scalar::<f32>())
    }

    #[test]
    fn agrees_with_the_formula() {
        let labels = [
            Some(Severity::NormalMild),
            Some(Severity::Severe),
            Some(Severity::Moderate),
        ];
        for weights in [[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]] {
            assert!((loss(&labels, weights) - by_hand(&labels, weights)).abs() < 1e-6);
        }
    }

    #[test]
    fn a_missing_label_counts_for_nothing() {
        let labels = [Some(Severity::NormalMild), None, Some(Severity::Moderate)];
        assert!((loss(&labels, [1.0, 2.0, 4.0]) - by_hand(&labels, [1.0, 2.0, 4.0])).abs() < 1e-6);
        assert_eq!(loss(&[None, None, None], [1.0, 2.0, 4.0]), 0.0);
    }

    #[test]
    fn the_gradient_of_a_missing_label_is_zero() {
        let device = Device::flex().autodiff();
        let logits = Tensor::<2>::from_floats(LOGITS, &device).require_grad();
        let labels = [None, Some(Severity::Severe), None];
        let loss = weighted_cross_entropy(
            logits.clone(),
            &labels,
            GradingScheme::ThreeGrades,
            &[1.0, 2.0, 4.0],
        );
        let gradient: Vec<f32> = logits
            .grad(&loss.backward())
            .unwrap()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        assert!(gradient[..3].iter().chain(&gradient[6..]).all(|g| *g == 0.0));
        assert!(gradient[3..6].iter().all(|g| *g != 0.0));
    }
}
