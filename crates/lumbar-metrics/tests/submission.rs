//! Row-level rules of `lumbar score`.

use lumbar_metrics::{
    MissingLabels, OffSum, PredictionRow, RowCoverage, RowSums, ScoreOptions, SubmissionError,
    SubmissionScore, TruthRow, Undefined, score_submission,
};
use rstest::rstest;

const CONDITIONS: [&str; 5] = [
    "spinal_canal_stenosis",
    "left_neural_foraminal_narrowing",
    "right_neural_foraminal_narrowing",
    "left_subarticular_stenosis",
    "right_subarticular_stenosis",
];
const LEVELS: [&str; 5] = ["l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1"];

fn ids(studies: &[&str]) -> Vec<String> {
    let each = studies.iter().flat_map(|s| {
        CONDITIONS
            .iter()
            .flat_map(move |c| LEVELS.iter().map(move |l| format!("{s}_{c}_{l}")))
    });
    each.collect()
}

/// Study 1 has a severe canal at L4/L5, all else is normal.
fn label(id: &str) -> &'static str {
    if id == "1_spinal_canal_stenosis_l4_l5" {
        "Severe"
    } else {
        "Normal/Mild"
    }
}

fn truth(ids: &[String]) -> Vec<TruthRow<'_>> {
    ids.iter()
        .map(|id| TruthRow {
            row_id: id,
            label: label(id),
        })
        .collect()
}

fn thirds(ids: &[String]) -> Vec<PredictionRow<'_>> {
    let third = "0.3333333333333333";
    ids.iter()
        .map(|id| PredictionRow {
            row_id: id,
            probabilities: [third; 3],
        })
        .collect()
}

fn score(truth: &[TruthRow<'_>], rows: &[PredictionRow<'_>]) -> Result<SubmissionScore, SubmissionError> {
    score_submission(truth, rows, ScoreOptions::default())
}

#[test]
fn thirds_score_the_logarithm_of_three_in_any_order() {
    let ids = ids(&["1", "2"]);
    let scored = score(&truth(&ids), &thirds(&ids)).unwrap();
    assert_eq!(
        (scored.n_rows, scored.n_missing_labels, scored.n_missing_rows),
        (50, 0, 0)
    );
    for part in [
        scored.score.spinal,
        scored.score.foraminal,
        scored.score.subarticular,
    ] {
        assert!((part.unwrap() - 3_f64.ln()).abs() < 1e-12);
    }
    // Study 1 weighs 4 and is severe, study 2 weighs 1 and is not.
    let any = (4.0 * 3_f64.ln() + 1.5_f64.ln()) / 5.0;
    assert!((scored.score.any_severe_spinal.unwrap() - any).abs() < 1e-12);
    assert!((scored.score.score.unwrap() - (3.0 * 3_f64.ln() + any) / 4.0).abs() < 1e-12);
    let mut turned = thirds(&ids);
    turned.reverse();
    assert_eq!(score(&truth(&ids), &turned).unwrap().score, scored.score);
}

#[test]
fn carriage_returns_and_spaces_do_no_harm() {
    let ids = ids(&["1"]);
    let rough: Vec<String> = ids.iter().map(|id| format!(" {id} ")).collect();
    let rows: Vec<PredictionRow<'_>> = rough
        .iter()
        .map(|id| PredictionRow {
            row_id: id,
            probabilities: [" 0.25", "0.25 ", "5e-1\r"],
        })
        .collect();
    let labels: Vec<String> = ids.iter().map(|id| format!("{}\r", label(id))).collect();
    let truth: Vec<TruthRow<'_>> = ids
        .iter()
        .zip(&labels)
        .map(|(id, label)| TruthRow { row_id: id, label })
        .collect();
    assert!((score(&truth, &rows).unwrap().score.foraminal.unwrap() - 4_f64.ln()).abs() < 1e-12);
}

#[rstest]
#[case("", "number from 0 to 1")]
#[case("nan", "number from 0 to 1")]
#[case("inf", "number from 0 to 1")]
#[case("-0.1", "number from 0 to 1")]
#[case("1.5", "number from 0 to 1")]
#[case("0,5", "number from 0 to 1")]
#[case("half", "number from 0 to 1")]
fn a_bad_number_names_its_row_and_column(#[case] text: &str, #[case] expected: &str) {
    let ids = ids(&["1"]);
    let mut rows = thirds(&ids);
    rows[7].probabilities[1] = text;
    let error = score(&truth(&ids), &rows).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains(&ids[7]) && message.contains("`moderate`") && message.contains(expected),
        "{message}"
    );
}

#[test]
fn rows_missing_doubled_or_unknown_are_errors_that_name_them() {
    let ids = ids(&["1", "2"]);
    let truth = truth(&ids);
    let rows = thirds(&ids);

    let error = score(&truth, &rows[1..48]).unwrap_err();
    // The first by row id, whatever the order of the file.
    assert!(
        matches!(&error, SubmissionError::MissingRow { n_missing: 3, .. }),
        "{error}"
    );

    let mut doubled = rows.clone();
    doubled.push(rows[3]);
    let row_id = ids[3].clone();
    assert_eq!(
        score(&truth, &doubled).unwrap_err(),
        SubmissionError::Duplicate {
            table: "predictions",
            row_id
        }
    );

    let extra = self::ids(&["3"]);
    let mut more = rows.clone();
    more.extend(thirds(&extra));
    assert!(matches!(
        score(&truth, &more).unwrap_err(),
        SubmissionError::ExtraRow { n_extra: 25, .. }
    ));

    let twice: Vec<TruthRow<'_>> = truth.iter().chain(&truth[..1]).copied().collect();
    let row_id = ids[0].clone();
    assert_eq!(
        score(&twice, &rows).unwrap_err(),
        SubmissionError::Duplicate {
            table: "truth",
            row_id
        }
    );
}

#[rstest]
#[case("1_spinal_canal_stenosis")]
#[case("1_subarticular_stenosis_l1_l2")]
#[case("_spinal_canal_stenosis_l1_l2")]
#[case("spinal_canal_stenosis_l1_l2")]
#[case("1_spinal_canal_stenosis_l1_l3")]
#[case("")]
fn a_row_id_that_names_no_target_is_an_error(#[case] row_id: &str) {
    let ids = ids(&["1"]);
    let mut rows = thirds(&ids);
    rows[0].row_id = row_id;
    let row_id = row_id.to_owned();
    assert_eq!(
        score(&truth(&ids), &rows).unwrap_err(),
        SubmissionError::RowId {
            table: "predictions",
            row_id
        }
    );
}

#[test]
fn an_unknown_label_is_an_error() {
    let ids = ids(&["1"]);
    let mut truth = truth(&ids);
    truth[4].label = "Mild";
    assert!(matches!(
        score(&truth, &thirds(&ids)).unwrap_err(),
        SubmissionError::Label { .. }
    ));
}

#[test]
fn missing_labels_are_dropped_or_normal_or_refused_as_asked() {
    let ids = ids(&["1", "2"]);
    let mut truth = truth(&ids);
    truth[5].label = "";
    truth[6].label = " ";
    let rows = thirds(&ids);
    let with = |missing_labels| {
        let options = ScoreOptions {
            missing_labels,
            ..ScoreOptions::default()
        };
        score_submission(&truth, &rows, options)
    };
    let counts = |s: SubmissionScore| (s.n_rows, s.n_missing_labels);
    assert_eq!(counts(with(MissingLabels::Drop).unwrap()), (48, 2));
    assert_eq!(counts(with(MissingLabels::Normal).unwrap()), (50, 2));
    let row_id = ids[5].clone();
    assert_eq!(
        with(MissingLabels::Refuse).unwrap_err(),
        SubmissionError::MissingLabel { row_id, n_missing: 2 }
    );
    // A cell without a grade need not be predicted either, as long as it does not count.
    let fewer: Vec<PredictionRow<'_>> = rows.iter().filter(|r| r.row_id != ids[5]).copied().collect();
    assert!(score(&truth, &fewer).is_ok());
    let normal = ScoreOptions {
        missing_labels: MissingLabels::Normal,
        ..ScoreOptions::default()
    };
    assert!(matches!(
        score_submission(&truth, &fewer, normal).unwrap_err(),
        SubmissionError::MissingRow { n_missing: 1, .. }
    ));
}

#[test]
fn a_subset_scores_what_it_holds() {
    let ids = ids(&["1", "2"]);
    let options = ScoreOptions {
        coverage: RowCoverage::Subset,
        ..ScoreOptions::default()
    };
    let scored = score_submission(&truth(&ids), &thirds(&ids[..25]), options).unwrap();
    assert_eq!((scored.n_rows, scored.n_missing_rows), (25, 25));
    assert_eq!(scored.score.any_severe_spinal, Err(Undefined::SingleClass));
}

#[test]
fn renormalising_takes_any_number_from_zero_up() {
    let ids = ids(&["1", "2"]);
    let rows: Vec<PredictionRow<'_>> = ids
        .iter()
        .map(|id| PredictionRow {
            row_id: id,
            probabilities: ["0.9", "0.9", "0.9"],
        })
        .collect();
    let renormalise = ScoreOptions {
        row_sums: RowSums::Renormalise,
        ..ScoreOptions::default()
    };
    let spinal = |options| {
        score_submission(&truth(&ids), &rows, options)
            .unwrap()
            .score
            .spinal
            .unwrap()
    };
    assert!((spinal(renormalise) - 3_f64.ln()).abs() < 1e-12);
    assert!((spinal(ScoreOptions::default()) + 0.9_f64.ln()).abs() < 1e-12);
}

#[test]
fn rows_that_do_not_sum_to_one_are_counted_and_the_first_is_named() {
    let ids = ids(&["1", "2"]);
    assert_eq!(score(&truth(&ids), &thirds(&ids)).unwrap().off_sum, None);
    let mut rows = thirds(&ids);
    for i in [40, 3, 7] {
        rows[i].probabilities = ["0.5", "0.25", "0.5"];
    }
    rows[9].probabilities = ["0.5", "0.25", "0.2500005"];
    let mut named = [ids[40].as_str(), &ids[3], &ids[7]];
    named.sort_unstable();
    let off = OffSum {
        n: 3,
        row_id: named[0].to_owned(),
        sum: 1.25,
    };
    let scored = score(&truth(&ids), &rows).unwrap();
    assert_eq!(scored.off_sum, Some(off));
    assert_eq!(serde_json::to_value(&scored).unwrap()["off_sum"], 3);
}

#[test]
fn an_undefined_part_is_null_in_json_with_its_reason() {
    let ids = ids(&["2"]);
    let scored = score(&truth(&ids), &thirds(&ids)).unwrap();
    let json: serde_json::Value = serde_json::to_value(&scored).unwrap();
    assert!(json["score"].is_null() && json["any_severe_spinal"].is_null());
    assert_eq!(json["undefined"]["any_severe_spinal"]["reason"], "single_class");
    assert_eq!(json["undefined"]["score"]["reason"], "undefined_part");
    assert_eq!((&json["n_rows"], &json["missing"]), (&25.into(), &0.into()));
    let expected: Vec<&str> = vec![
        "any_severe_spinal",
        "foraminal",
        "missing",
        "missing_rows",
        "n_rows",
        "off_sum",
        "score",
        "spinal",
        "subarticular",
        "undefined",
    ];
    let mut keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, expected);
}
