//! The catalogue of conformance cases: what scikit-learn tests its metrics on, and where each case is held here.
//!
//! Names are those of scikit-learn 1.9.1's tests; the cases are expressed anew, with numbers of our own.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::{Golden, measure_cases};
use lumbar_metrics::{Evaluation, InputError, Measure, ranking::Binary};
use rstest::rstest;

/// Cases in `golden/measures.json` or `golden/curves.json`: a name there begins so.
const GOLDEN: [&str; 30] = [
    // Curves and binary ranking.
    "roc_curve_toydata",
    "roc_curve_end_points",
    "roc_curve_drop_intermediate",
    "roc_curve_fpr_tpr_increasing",
    "partial_roc_auc_score",
    "average_precision_constant_values",
    "average_precision_score_tied_values",
    "precision_recall_curve_toydata",
    "score_scale_invariance",
    "confusion_matrix_at_thresholds_zero_sample_weight",
    "micro_averaged_ovr_roc_auc",
    // Ranking of several grades.
    "multiclass_ovo_roc_auc_toydata",
    "multiclass_ovr_roc_auc_toydata",
    "perfect_multiclass_roc_auc",
    "imperfect_multiclass_roc_auc",
    "chance_multiclass_roc_auc",
    // Calls.
    "cohen_kappa",
    "matthews_corrcoef_against_jurman",
    "matthews_corrcoef_multiclass",
    "matthews_corrcoef_overflow",
    "precision_recall_f_extra_labels",
    "precision_recall_f_ignored_labels",
    "zero_precision_recall",
    "confusion_matrix_normalize",
    "confusion_matrix_normalize_single_class",
    "balanced_accuracy_score",
    "balanced_accuracy_score_unseen",
    // Probabilities.
    "log_loss",
    "brier_score_loss_multiclass",
    "d2_brier_score_with_labels",
];

/// Cases where the answer here is another one on purpose: (name there, test here).
const DIFFERENCES: [(&str, &str); 6] = [
    (
        "roc_curve_one_label",
        "a_roc_curve_of_one_kind_of_case_is_undefined_not_nan",
    ),
    (
        "roc_auc_score_multiclass_labels_error",
        "a_grade_nobody_has_is_no_error",
    ),
    (
        "cohen_kappa_undefined",
        "kappa_of_one_and_the_same_grade_is_undefined_not_nan",
    ),
    (
        "prf_warnings",
        "precision_of_a_grade_never_called_is_undefined_not_zero",
    ),
    (
        "log_loss_not_probabilities_warning",
        "rows_that_do_not_sum_to_one_are_an_error",
    ),
    ("empty_input", "no_cases_are_an_answer_not_an_error"),
];

/// Cases that hold for any data: (name there, test here).
const PROPERTIES: [(&str, &str); 7] = [
    ("sample_order_invariance", "the_order_of_rows_does_not_matter"),
    (
        "label_permutation_invariance",
        "nominal_measures_do_not_know_the_order_of_grades",
    ),
    ("unit_sample_weight", "weight_one_is_no_weight"),
    (
        "sample_weight_repeats_and_removes",
        "a_whole_weight_is_a_repeated_row_and_zero_a_removed_one",
    ),
    (
        "symmetric_metrics",
        "agreement_does_not_know_which_of_the_two_is_the_truth",
    ),
    (
        "monotone_transforms",
        "rising_transforms_leave_auroc_and_average_precision",
    ),
    ("batches", "feeding_cases_in_batches_changes_no_bit"),
];

#[test]
fn every_case_of_the_catalogue_is_held_somewhere() {
    let curves: Golden<serde_json::Value> = serde_json::from_str(include_str!("golden/curves.json")).unwrap();
    let mut names: Vec<String> = measure_cases().into_iter().map(|case| case.name).collect();
    names.extend(
        curves
            .cases
            .iter()
            .filter_map(|case| Some(case["name"].as_str()?.to_owned())),
    );
    for name in GOLDEN {
        assert!(
            names.iter().any(|known| known.starts_with(name)),
            "no golden case `{name}`"
        );
    }
    let held = |text: &str, test: &str| text.contains(&format!("fn {test}("));
    for (name, test) in DIFFERENCES {
        assert!(
            held(include_str!("differences.rs"), test),
            "`{name}`: no test `{test}`"
        );
    }
    for (name, test) in PROPERTIES {
        assert!(
            held(include_str!("properties.rs"), test),
            "`{name}`: no test `{test}`"
        );
    }
}

#[rstest]
#[case(f64::NAN)]
#[case(f64::INFINITY)]
#[case(f64::NEG_INFINITY)]
fn what_is_no_number_is_refused_wherever_it_stands(#[case] bad: f64) {
    let truth = [0, 1];
    let p = [0.5, 0.5, 0.5, 0.5];
    for place in 0..4 {
        let mut p = p;
        p[place] = bad;
        let refused = Evaluation::new(2, &truth, &p);
        assert!(
            matches!(refused, Err(InputError::Probability { row, grade, .. }) if (row, grade) == (place / 2, place % 2))
        );
    }
    let weights = |weight: f64| {
        Evaluation::new(2, &truth, &p)
            .unwrap()
            .with_weights(&[1.0, weight])
    };
    assert!(matches!(weights(bad), Err(InputError::Weight { index: 1, .. })));
    assert!(matches!(weights(-1.0), Err(InputError::Weight { index: 1, .. })));
    let scores = Binary::new(&[0.1, bad], &[true, false]);
    assert!(matches!(scores, Err(InputError::Score { row: 1, .. })));
}

#[rstest]
#[case(&[0, 1, 2], &[0.5; 6], "row 2: true grade 2, expected 0 to 1")]
#[case(&[0, 1], &[0.5; 6], "probabilities: 6 entries, expected 4")]
#[case(&[0, 1], &[0.5, 0.5, 0.5, 0.4], "row 1: probabilities sum to 0.9, expected 1 (call `normalise_rows` if that is what you want)")]
fn a_refusal_says_where_and_what(#[case] truth: &[usize], #[case] p: &[f64], #[case] message: &str) {
    assert_eq!(Evaluation::new(2, truth, p).unwrap_err().to_string(), message);
}

#[test]
fn one_case_has_what_one_case_can_have() {
    let one = Evaluation::new(3, &[1], &[0.25, 0.5, 0.25]).unwrap();
    assert_eq!(one.value(Measure::Accuracy), Ok(1.0));
    assert_eq!(one.value(Measure::LogLoss), Ok(2_f64.ln()));
    let reasons = [
        Measure::Auroc(1),
        Measure::QuadraticKappa,
        Measure::Mcc,
        Measure::Recall(0),
    ];
    let codes = reasons.map(|measure| one.value(measure).unwrap_err().code());
    assert_eq!(
        codes,
        ["no_negatives", "single_class", "constant", "no_positives"]
    );
}
