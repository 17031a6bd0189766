//! Against scikit-learn 1.9.1, torchmetrics 1.9.0, statsmodels, dcurves and scipy: see `golden/make_golden.py`.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::{Expected, Golden, assert_close, assert_within, measure_cases};
use lumbar_metrics::{
    Binary, Binning, Evaluation, Measure, RowSums, RsnaGroup, RsnaRow, RsnaTable, Share, calibration,
    clinic::{DecisionCurve, RiskCoverage},
    wilson,
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[test]
fn there_are_enough_cases_of_every_kind() {
    let cases = measure_cases();
    assert!(cases.len() >= 150, "{}", cases.len());
    for kind in [
        "ties",
        "absent",
        "nowhere",
        "never_called",
        "constant",
        "weights",
        "zero_weights",
        "one_sample",
        "tiny",
    ] {
        assert!(
            cases.iter().any(|c| c.name.contains(kind)),
            "no case of kind {kind}"
        );
    }
}

#[test]
fn every_measure_equals_scikit_learn_or_is_undefined_for_the_same_reason() {
    let mut n_values = 0;
    for case in measure_cases() {
        let evaluation = case.evaluation();
        for (name, expected) in &case.expected {
            let measure: Measure = name.parse().unwrap();
            let what = format!("{} of {}", name, case.name);
            match (evaluation.value(measure), expected) {
                (Ok(value), Expected::Value(expected)) => assert_close(value, *expected, &what),
                (Err(reason), Expected::Undefined(code)) => assert_eq!(reason.code(), code, "{what}"),
                (found, expected) => panic!("{what}: found {found:?}, expected {expected:?}"),
            }
            n_values += 1;
        }
    }
    assert!(n_values > 8_000, "{n_values} values compared");
}

#[test]
fn the_confusion_matrix_equals_that_of_scikit_learn() {
    for case in measure_cases() {
        let confusion = case.evaluation().confusion();
        for (row, expected) in confusion.rows().zip(case.confusion.chunks(case.n_grades)) {
            for (found, expected) in row.iter().zip(expected) {
                assert_close(*found, *expected, &case.name);
            }
        }
        for (grade, shares) in confusion.row_shares().into_iter().enumerate() {
            match shares {
                Ok(shares) => assert_close(shares.iter().sum(), 1.0, &case.name),
                Err(_) => assert_eq!(confusion.support(grade), 0.0),
            }
        }
    }
}

#[test]
fn the_brier_skill_score_of_scikit_learn_follows_from_two_brier_scores() {
    let cases = measure_cases();
    let case = cases
        .iter()
        .find(|case| case.d2_brier.is_some())
        .expect("a case has it");
    let model = case.evaluation();
    let confusion = model.confusion();
    let shares: Vec<f64> = (0..case.n_grades)
        .map(|grade| confusion.support(grade) / confusion.total())
        .collect();
    let always_the_shares =
        Evaluation::new(case.n_grades, &case.truth, &shares.repeat(case.truth.len())).unwrap();
    let [brier, of_shares] = [&model, &always_the_shares].map(|e| e.value(Measure::Brier).unwrap());
    assert_close(1.0 - brier / of_shares, case.d2_brier.unwrap(), &case.name);
}

#[test]
fn the_whole_set_at_once_gives_the_same_bits_as_one_by_one() {
    for case in measure_cases().iter().step_by(7) {
        let evaluation = case.evaluation();
        let measures = Measure::full_set(case.n_grades);
        for (measure, estimate) in measures.iter().zip(evaluation.estimates(&measures)) {
            let alone = evaluation.value(*measure);
            assert_eq!(
                estimate.value.map(f64::to_bits),
                alone.map(f64::to_bits),
                "{measure} of {}",
                case.name
            );
        }
    }
}

#[test]
fn torchmetrics_agrees() {
    let mut n_values = 0;
    for case in measure_cases() {
        let evaluation = case.evaluation();
        let reliability =
            calibration::Reliability::of(&evaluation.top_label(), Binning::EqualWidth(15)).unwrap();
        for (name, expected) in case.torchmetrics.iter().flatten() {
            let value = match name.as_str() {
                "ece_l1" => reliability.expected_error(),
                "ece_l2" => reliability.root_mean_square_error(),
                "ece_max" => reliability.maximum_error(),
                measure => evaluation.value(measure.parse().unwrap()),
            };
            let what = format!("{name} of {}", case.name);
            // Its kappa casts counts to single precision, so seven digits are all it can show.
            let relative = if name.starts_with("kappa") { 1e-4 } else { 1e-12 };
            assert_within(value.unwrap(), *expected, relative, &what);
            n_values += 1;
        }
    }
    assert!(n_values > 1_500, "{n_values} values compared");
}

#[derive(Deserialize)]
struct CurveCase {
    name: String,
    happened: Vec<u8>,
    scores: Vec<f64>,
    weights: Option<Vec<f64>>,
    roc: Roc,
    roc_simplified: Roc,
    pr: PrecisionRecall,
    auroc: f64,
    average_precision: f64,
    partial: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Roc {
    fpr: Vec<f64>,
    tpr: Vec<f64>,
    #[serde(default)]
    thresholds: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct PrecisionRecall {
    precision: Vec<f64>,
    recall: Vec<f64>,
    thresholds: Vec<f64>,
}

fn binary(scores: &[f64], happened: &[u8], weights: Option<&[f64]>) -> Binary {
    let happened: Vec<bool> = happened.iter().map(|h| *h == 1).collect();
    let cases = Binary::new(scores, &happened).unwrap();
    match weights {
        None => cases,
        Some(weights) => cases.with_weights(weights).unwrap(),
    }
}

#[test]
fn curves_equal_scikit_learn_point_by_point() {
    let golden: Golden<CurveCase> = serde_json::from_str(include_str!("golden/curves.json")).unwrap();
    assert!(golden.cases.len() >= 11);
    for case in golden.cases {
        let cases = binary(&case.scores, &case.happened, case.weights.as_deref());
        assert_close(cases.auroc().unwrap(), case.auroc, &case.name);
        assert_close(
            cases.average_precision().unwrap(),
            case.average_precision,
            &case.name,
        );
        let roc = cases.roc().unwrap();
        assert_close(roc.area(), case.auroc, &case.name);
        assert_eq!(roc.points.len(), case.roc.fpr.len(), "{}", case.name);
        for (i, point) in roc.points.iter().enumerate() {
            assert_eq!(point.threshold, case.roc.thresholds[i]);
            assert_close(point.false_positive_rate, case.roc.fpr[i], &case.name);
            assert_close(point.true_positive_rate, case.roc.tpr[i], &case.name);
        }
        let simple = roc.simplified();
        assert_close(simple.area(), case.auroc, &case.name);
        assert!(simple.points.len() <= case.roc_simplified.fpr.len());
        for point in &simple.points {
            let known = case.roc_simplified.fpr.iter().zip(&case.roc_simplified.tpr);
            let mut near = known.filter(|(f, t)| {
                (*f - point.false_positive_rate).abs() < 1e-12
                    && (*t - point.true_positive_rate).abs() < 1e-12
            });
            assert!(near.next().is_some(), "{}: {point:?} is no corner", case.name);
        }
        for (most, expected) in &case.partial {
            let most = Share::new(most.parse().unwrap()).unwrap();
            assert_close(cases.partial_auroc(most).unwrap(), *expected, &case.name);
        }
        let curve = cases.precision_recall().unwrap();
        // scikit-learn lists from the lowest threshold, and appends a point that no threshold gives.
        assert_eq!(curve.points.len(), case.pr.thresholds.len(), "{}", case.name);
        for (i, point) in curve.points.iter().rev().enumerate() {
            assert_eq!(point.threshold, case.pr.thresholds[i]);
            assert_close(point.precision, case.pr.precision[i], &case.name);
            assert_close(point.recall, case.pr.recall[i], &case.name);
        }
    }
}

#[derive(Deserialize)]
struct RsnaCase {
    name: String,
    rows: Vec<(String, RsnaGroup, usize, [f64; 3])>,
    as_given: [f64; 5],
    #[serde(default)]
    renormalised: Option<[f64; 5]>,
}

fn assert_rsna(json: &str, row_sums: RowSums) {
    let golden: Golden<RsnaCase> = serde_json::from_str(json).unwrap();
    assert!(golden.cases.len() >= 10);
    for case in golden.cases {
        let rows: Vec<RsnaRow<'_>> = case
            .rows
            .iter()
            .map(|(study, group, truth, p)| RsnaRow {
                study,
                group: *group,
                truth: *truth,
                probabilities: *p,
            })
            .collect();
        let score = RsnaTable::new(&rows, row_sums).unwrap().score();
        let expected = match row_sums {
            RowSums::AsGiven => case.as_given,
            RowSums::Renormalise => case.renormalised.unwrap(),
        };
        for (value, expected) in score.values().into_iter().zip(expected) {
            assert_close(value.unwrap(), expected, &case.name);
        }
    }
}

#[test]
fn rsna_score_equals_the_metric_on_todays_scikit_learn() {
    assert_rsna(include_str!("golden/rsna.json"), RowSums::AsGiven);
}

#[test]
fn rsna_score_equals_the_metric_on_the_scikit_learn_of_the_challenge() {
    assert_rsna(include_str!("golden/rsna_old.json"), RowSums::Renormalise);
}

#[derive(Deserialize)]
struct ClinicCase {
    name: String,
    happened: Vec<u8>,
    scores: Vec<f64>,
    decision: Decision,
    temperature: f64,
    risk: RiskCase,
    wilson: Vec<(f64, f64, f64, f64, f64)>,
}

#[derive(Deserialize)]
struct Decision {
    thresholds: Vec<f64>,
    model: Vec<f64>,
    all: Vec<f64>,
}

#[derive(Deserialize)]
struct RiskCase {
    confidence: Vec<f64>,
    loss: Vec<f64>,
    area: f64,
}

#[test]
fn decision_curves_temperature_risk_and_wilson_equal_their_references() {
    let golden: Golden<ClinicCase> = serde_json::from_str(include_str!("golden/clinic.json")).unwrap();
    assert!(golden.cases.len() >= 6);
    for case in golden.cases {
        let cases = binary(&case.scores, &case.happened, None);
        let thresholds: Vec<Share> = case
            .decision
            .thresholds
            .iter()
            .map(|t| Share::new(*t).unwrap())
            .collect();
        let curve = DecisionCurve::of(&cases, &thresholds).unwrap();
        for (i, point) in curve.points.iter().enumerate() {
            assert_close(point.model, case.decision.model[i], &case.name);
            assert_close(point.all, case.decision.all[i], &case.name);
        }
        let p: Vec<f64> = case.scores.iter().flat_map(|p| [1.0 - p, *p]).collect();
        let truth: Vec<usize> = case.happened.iter().map(|h| usize::from(*h)).collect();
        let evaluation = Evaluation::new(2, &truth, &p).unwrap();
        let temperature = calibration::Temperature::fit(&evaluation).unwrap().temperature();
        // A root is found to rounding of the derivative, not of the loss.
        assert_within(temperature, case.temperature, 1e-11, &case.name);
        let risk = RiskCoverage::of(&case.risk.confidence, &case.risk.loss)
            .unwrap()
            .unwrap();
        assert_close(risk.area(), case.risk.area, &case.name);
        for (events, total, level, low, high) in case.wilson {
            let interval = wilson(events, total, Share::new(level).unwrap()).unwrap();
            assert_close(interval.low, low, &case.name);
            assert_close(interval.high, high, &case.name);
        }
    }
}
