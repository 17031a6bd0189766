//! Each place where we answer otherwise than scikit-learn 1.9.1 or torchmetrics 1.9.0, with the reason.
//!
//! What they answer was recorded by `golden/make_golden.py`, so a test fails if it describes them wrongly.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::{Golden, assert_close};
use lumbar_metrics::{
    Absent, Binary, Binning, Confusion, EceOf, Evaluation, InputError, KappaWeights, Measure, RowSums,
    RsnaGroup, RsnaRow, RsnaTable, Undefined,
};
use std::collections::BTreeMap;

#[derive(serde::Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Answer {
    Value(f64),
    Text(String),
}

fn peer(name: &str) -> Answer {
    let golden: Golden<BTreeMap<String, Answer>> =
        serde_json::from_str(include_str!("golden/differences.json")).unwrap();
    let mut answers = golden.cases.into_iter().next().unwrap();
    answers
        .remove(name)
        .unwrap_or_else(|| panic!("no answer recorded for {name}"))
}

fn peer_value(name: &str) -> f64 {
    match peer(name) {
        Answer::Value(value) => value,
        Answer::Text(text) => panic!("{name} is {text}"),
    }
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

/// Three grades, of which grade 2 never occurs and is never called.
fn grade_two_nowhere() -> Evaluation {
    let p = [
        0.8, 0.2, 0.0, 0.7, 0.3, 0.0, 0.4, 0.6, 0.0, 0.3, 0.7, 0.0, 0.2, 0.8, 0.0,
    ];
    Evaluation::new(3, &[0, 0, 0, 1, 1], &p).unwrap()
}

/// scikit-learn says NaN, torchmetrics counts the absent grade as 0. We say which grade has no value, average the
/// others, and state over how many the mean goes.
#[test]
fn macro_auroc_with_an_absent_grade_is_the_mean_of_the_others_and_says_so() {
    assert_eq!(peer("auroc_macro_absent_sklearn"), text("nan"));
    assert_close(
        peer_value("auroc_macro_absent_torchmetrics"),
        2.0 / 3.0,
        "torchmetrics",
    );
    let evaluation = grade_two_nowhere();
    let estimate = &evaluation.estimates(&[Measure::MacroAuroc])[0];
    assert_eq!(estimate.value, Ok(1.0));
    let used = estimate.grades_used.unwrap();
    assert_eq!((used.used, used.of), (2, 3));
    let value = |absent| evaluation.clone().with_absent(absent).value(Measure::MacroAuroc);
    assert_eq!(value(Absent::Zero), Ok(2.0 / 3.0));
    assert_eq!(
        value(Absent::Undefined),
        Err(Undefined::AbsentGrades { used: 2, of: 3 })
    );
}

/// NaN travels; a reason does not.
#[test]
fn auroc_without_positives_is_undefined_not_nan() {
    assert_eq!(peer("auroc_grade_absent_sklearn"), text("nan"));
    assert_eq!(
        grade_two_nowhere().value(Measure::Auroc(2)),
        Err(Undefined::NoPositives)
    );
}

/// scikit-learn warns and fills one axis of the curve with NaN, which plots as nothing.
#[test]
fn a_roc_curve_of_one_kind_of_case_is_undefined_not_nan() {
    assert_eq!(peer("roc_one_label_sklearn"), text("nan"));
    let cases = Binary::new(&[0.2, 0.5, 0.9], &[true; 3]).unwrap();
    assert_eq!(cases.roc(), Err(Undefined::NoNegatives));
    let cases = Binary::new(&[0.2, 0.5, 0.9], &[false; 3]).unwrap();
    assert_eq!(cases.roc(), Err(Undefined::NoPositives));
}

/// scikit-learn takes the grades from the data and then finds a column too many; here the scheme says how many there are.
#[test]
fn a_grade_nobody_has_is_no_error() {
    assert_eq!(
        peer("auroc_columns_without_labels_sklearn"),
        text("raises ValueError")
    );
    assert_eq!(grade_two_nowhere().value(Measure::MacroAuroc), Ok(1.0));
}

/// scikit-learn averages over the pairs that occur and does not say over how many.
#[test]
fn one_vs_one_with_an_absent_grade_says_over_how_many_pairs_it_goes() {
    assert_eq!(peer_value("auroc_ovo_absent_sklearn"), 1.0);
    let estimate = &grade_two_nowhere().estimates(&[Measure::OvoAuroc])[0];
    assert_eq!(estimate.value, Ok(1.0));
    let used = estimate.grades_used.unwrap();
    assert_eq!((used.used, used.of), (1, 3));
}

/// scikit-learn says 0, the value of the worst ranking, where nothing was ranked.
#[test]
fn average_precision_without_positives_is_undefined_not_zero() {
    assert_eq!(peer_value("average_precision_absent_sklearn"), 0.0);
    assert_eq!(
        grade_two_nowhere().value(Measure::AveragePrecision(2)),
        Err(Undefined::NoPositives)
    );
}

/// scikit-learn says 0 by default: as bad as calling the grade and always being wrong.
#[test]
fn precision_of_a_grade_never_called_is_undefined_not_zero() {
    assert_eq!(peer_value("precision_never_called_sklearn"), 0.0);
    assert_eq!(
        grade_two_nowhere().value(Measure::Precision(2)),
        Err(Undefined::NeverPredicted)
    );
}

/// scikit-learn says 0: as if all cases of the grade had been missed, when there were none.
#[test]
fn recall_of_an_absent_grade_is_undefined_not_zero() {
    assert_eq!(peer_value("recall_absent_sklearn"), 0.0);
    assert_eq!(
        grade_two_nowhere().value(Measure::Recall(2)),
        Err(Undefined::NoPositives)
    );
}

/// Four peers' numbers for one case; each is a named choice here, and the default is the one that invents nothing.
#[test]
fn macro_f1_with_a_grade_nowhere_has_four_named_answers() {
    let value = |absent| grade_two_nowhere().with_absent(absent).value(Measure::MacroF1);
    assert_close(value(Absent::Skip).unwrap(), peer_value("f1_macro_nan"), "Skip");
    assert_close(
        value(Absent::Skip).unwrap(),
        peer_value("f1_macro_torchmetrics"),
        "Skip",
    );
    assert_close(value(Absent::Zero).unwrap(), peer_value("f1_macro_zero"), "Zero");
    assert_close(value(Absent::One).unwrap(), peer_value("f1_macro_one"), "One");
    assert_eq!(
        value(Absent::Undefined),
        Err(Undefined::AbsentGrades { used: 2, of: 3 })
    );
    assert_eq!(grade_two_nowhere().absent(), Absent::Skip);
}

/// Chance explains everything: 0 / 0. scikit-learn says NaN.
#[test]
fn kappa_of_one_and_the_same_grade_is_undefined_not_nan() {
    assert_eq!(peer("kappa_constant_sklearn"), text("nan"));
    let confusion = Confusion::from_grades(3, &[0; 4], &[0; 4], None).unwrap();
    assert_eq!(
        confusion.kappa(KappaWeights::Unweighted),
        Err(Undefined::SingleClass)
    );
}

/// Without `labels=` scikit-learn numbers the grades that occur, so 1 and 3 become neighbours.
#[test]
fn kappa_knows_grades_that_do_not_occur() {
    let confusion = Confusion::from_grades(4, &[0, 0, 1, 3], &[0, 1, 1, 3], None).unwrap();
    let kappa = confusion.kappa(KappaWeights::Linear).unwrap();
    assert_close(
        kappa,
        peer_value("kappa_linear_gap_sklearn_labelled"),
        "with labels",
    );
    assert!(peer_value("kappa_linear_gap_sklearn_unlabelled") < kappa - 0.05);
}

/// 0 / 0 again; both peers say 0, which is also what a useless but varied prediction gets.
#[test]
fn mcc_of_a_constant_prediction_is_undefined_not_zero() {
    assert_eq!(peer_value("mcc_constant_sklearn"), 0.0);
    assert_eq!(peer_value("mcc_constant_torchmetrics"), 0.0);
    let confusion = Confusion::from_grades(3, &[0, 0, 0, 1, 1], &[0; 5], None).unwrap();
    assert_eq!(confusion.mcc(), Err(Undefined::Constant));
}

/// scikit-learn warns and takes the numbers as they are (before 1.5 it divided by the sum).
#[test]
fn rows_that_do_not_sum_to_one_are_an_error() {
    assert_close(
        peer_value("log_loss_row_sums_sklearn"),
        2_f64.ln(),
        "scikit-learn",
    );
    let refused = Evaluation::new(3, &[0, 1], &[0.5, 0.3, 0.1, 0.2, 0.5, 0.1]);
    assert!(matches!(refused, Err(InputError::RowSum { row: 0, .. })));
}

/// torchmetrics silently applies softmax when a value is above 1.
#[test]
fn values_beyond_one_are_an_error_not_logits() {
    assert_eq!(peer_value("auroc_beyond_one_torchmetrics"), 0.5);
    let refused = Evaluation::new(3, &[0], &[2.0, 0.0, -1.0]);
    let error = InputError::Probability {
        row: 0,
        grade: 0,
        value: 2.0,
    };
    assert_eq!(refused, Err(error));
}

/// scikit-learn raises an error, so a subgroup that happens to be empty ends the run.
#[test]
fn no_cases_are_an_answer_not_an_error() {
    assert_eq!(peer("accuracy_empty_sklearn"), text("raises ValueError"));
    let nothing = Evaluation::new(3, &[], &[]).unwrap();
    for estimate in nothing.estimates(&Measure::full_set(3)) {
        assert_eq!(estimate.value, Err(Undefined::NoCases), "{}", estimate.measure);
    }
}

/// scikit-learn raises an error, so a fold in which no study is severe has no score in the challenge's own code; here
/// the part is undefined and the others stand.
#[test]
fn any_severe_of_one_kind_of_study_is_undefined_not_an_error() {
    assert_eq!(peer("log_loss_one_label_sklearn"), text("raises ValueError"));
    let groups = RsnaGroup::ALL.into_iter();
    let rows: Vec<RsnaRow<'_>> = groups
        .map(|group| RsnaRow {
            study: "1",
            group,
            truth: 1,
            probabilities: [0.25, 0.5, 0.25],
        })
        .collect();
    let score = RsnaTable::new(&rows, RowSums::AsGiven).unwrap().score();
    assert_eq!(score.any_severe_spinal, Err(Undefined::SingleClass));
    assert_eq!(score.score, Err(Undefined::UndefinedPart));
    assert_eq!(score.spinal, Ok(2_f64.ln()));
}

/// torchmetrics puts a probability of exactly 1 into a bin of its own beyond the last; [14/15, 1] is one bin here.
#[test]
fn a_probability_of_one_belongs_to_the_last_bin() {
    let evaluation = Evaluation::new(2, &[0, 0, 0, 0], &[1.0, 0.0, 0.97, 0.03, 0.0, 1.0, 0.6, 0.4]).unwrap();
    let ours = evaluation.ece(EceOf::TopLabel, Binning::EqualWidth(15)).unwrap();
    // One bin holds 1 (right), 0.97 (right) and 1 (wrong); the other 0.6 (right).
    assert_close(ours, ((2.97 - 2.0) + 0.4) / 4.0, "ours");
    // There 1 and 1 (one right) are apart from 0.97 (right), and gaps of opposite sign do not cancel.
    assert_close(
        peer_value("ece_of_one_torchmetrics"),
        (1.0 + 0.03 + 0.4) / 4.0,
        "torchmetrics",
    );
}

/// scikit-learn fills the row of an absent grade with zeros: shares that do not sum to 1.
#[test]
fn the_confusion_row_of_an_absent_grade_is_undefined_not_zeros() {
    assert_eq!(peer_value("confusion_empty_row_sklearn"), 0.0);
    assert_eq!(
        grade_two_nowhere().confusion().row_shares()[2],
        Err(Undefined::NoPositives)
    );
}

/// scikit-learn appends precision 1 at recall 0, where nothing is called positive.
#[test]
fn a_precision_recall_curve_holds_only_points_some_threshold_gives() {
    let cases = Binary::new(&[0.9, 0.1], &[false, true]).unwrap();
    let curve = cases.precision_recall().unwrap();
    assert_eq!(curve.points.len(), 2);
    assert_eq!((curve.points[0].precision, curve.points[0].recall), (0.0, 0.0));
}

/// scikit-learn's first threshold is infinity, which JSON cannot hold; torchmetrics says 1, which a score can reach.
#[test]
fn the_first_point_of_a_roc_curve_has_no_threshold() {
    let curve = Binary::new(&[1.0, 0.1], &[true, false]).unwrap().roc().unwrap();
    assert_eq!(curve.points[0].threshold, None);
    assert_eq!(curve.points[0].true_positive_rate, 0.0);
}
