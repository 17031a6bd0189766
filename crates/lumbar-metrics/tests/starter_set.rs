//! Ten cases of three grades whose values scikit-learn 1.9.1 gives to six digits.

use lumbar_metrics::{Evaluation, Measure};
use rstest::rstest;

const TRUTH: [usize; 10] = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2];
const PROBABILITIES: [f64; 30] = [
    0.7, 0.2, 0.1, 0.6, 0.3, 0.1, 0.5, 0.3, 0.2, 0.4, 0.5, 0.1, 0.8, 0.1, 0.1, //
    0.3, 0.5, 0.2, 0.5, 0.3, 0.2, 0.2, 0.4, 0.4, 0.1, 0.3, 0.6, 0.2, 0.5, 0.3,
];

#[rstest]
#[case(Measure::Accuracy, 0.7)]
#[case(Measure::BalancedAccuracy, 0.655556)]
#[case(Measure::MacroF1, 0.679365)]
#[case(Measure::WeightedF1, 0.704762)]
#[case(Measure::Kappa, 0.508197)]
#[case(Measure::LinearKappa, 0.605263)]
#[case(Measure::QuadraticKappa, 0.716981)]
#[case(Measure::Mcc, 0.516954)]
#[case(Measure::Auroc(0), 0.94)]
#[case(Measure::Auroc(1), 0.690476)]
#[case(Measure::Auroc(2), 0.9375)]
#[case(Measure::MacroAuroc, 0.855992)]
#[case(Measure::WeightedAuroc, 0.864643)]
#[case(Measure::OvoAuroc, 0.833333)]
#[case(Measure::AveragePrecision(0), 0.926667)]
#[case(Measure::AveragePrecision(1), 0.402778)]
#[case(Measure::AveragePrecision(2), 0.833333)]
#[case(Measure::MacroAveragePrecision, 0.720926)]
#[case(Measure::LogLoss, 0.722829)]
#[case(Measure::GradeWeightedLogLoss, 0.799268)]
#[case(Measure::Brier, 0.422)]
#[case(Measure::RankedProbability, 0.23)]
fn starter_set_has_known_values(#[case] measure: Measure, #[case] expected: f64) {
    let evaluation = Evaluation::new(3, &TRUTH, &PROBABILITIES).unwrap();
    let value = evaluation.value(measure).unwrap();
    assert!(
        (value - expected).abs() < 6e-7,
        "{measure}: {value}, expected {expected}"
    );
}
