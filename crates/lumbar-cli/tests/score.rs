//! `lumbar score` on good and bad submissions: what it prints, and that an error names the row.

use insta::assert_snapshot;
use std::{fs, path::Path, process::ExitCode};

const CONDITIONS: [&str; 5] = [
    "spinal_canal_stenosis",
    "left_neural_foraminal_narrowing",
    "right_neural_foraminal_narrowing",
    "left_subarticular_stenosis",
    "right_subarticular_stenosis",
];
const LEVELS: [&str; 5] = ["l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1"];
const HEADER: &str = "row_id,normal_mild,moderate,severe";

fn targets() -> Vec<String> {
    CONDITIONS
        .iter()
        .flat_map(|condition| LEVELS.map(|level| format!("{condition}_{level}")))
        .collect()
}

/// Two studies; one spinal level of the second is severe, one label of the first is missing.
fn truth() -> String {
    let mut text = format!("study_id,{}\n", targets().join(","));
    for (study, severe, missing) in [("11", 99, 24), ("22", 0, 99)] {
        let label = |i: usize| match i {
            i if i == severe => "Severe",
            i if i == missing => "",
            i if i % 4 == 1 => "Moderate",
            _ => "Normal/Mild",
        };
        let labels: Vec<&str> = (0..25).map(label).collect();
        text.push_str(&format!("{study},{}\n", labels.join(",")));
    }
    text
}

/// A line per row, without the header.
fn rows() -> Vec<String> {
    ["11", "22"]
        .iter()
        .flat_map(|study| {
            targets()
                .into_iter()
                .map(move |target| format!("{study}_{target},0.5,0.25,0.25"))
        })
        .collect()
}

fn submission(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// Exit code, stdout and stderr, with the folder left out of paths.
fn score(predictions: &str, more: &[&str]) -> String {
    score_bytes(predictions.as_bytes(), more)
}

fn score_bytes(predictions: &[u8], more: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder to write in");
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("the folder can be written in");
        path.display().to_string()
    };
    let (truth, predictions) = (
        write("train.csv", truth().as_bytes()),
        write("submission.csv", predictions),
    );
    let arguments = [
        "lumbar",
        "score",
        "--truth",
        &truth,
        "--predictions",
        &predictions,
    ];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = lumbar_cli::run(arguments.iter().chain(more), &mut out, &mut err, false);
    let code = if code == ExitCode::SUCCESS { 0 } else { 1 };
    let text = format!(
        "exit {code}\n{}{}",
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(&err)
    );
    without_folder(&text, folder.path())
}

fn without_folder(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn a_good_submission_is_scored() {
    assert_snapshot!(score(&submission(&rows()), &[]), @r"
    exit 0
    score              1.007555
    spinal             1.062826
    foraminal          1.013061
    subarticular       0.934242
    any severe spinal  1.020090
    rows scored        49
    missing labels     1
    ");
    assert_snapshot!(score(&submission(&rows()), &["--json", "--missing", "normal"]), @r#"
    exit 0
    {
      "any_severe_spinal": 1.0200902648971872,
      "foraminal": 1.0130612638953047,
      "score": 1.0050433615994172,
      "spinal": 1.0628256768585829,
      "subarticular": 0.9241962407465937,
      "n_rows": 50,
      "missing": 1,
      "missing_rows": 0,
      "off_sum": 0
    }
    "#);
}

#[test]
fn line_ends_a_byte_order_mark_and_the_order_of_rows_and_columns_do_not_matter() {
    let plain = score(&submission(&rows()), &[]);
    assert!(plain.starts_with("exit 0\n"), "{plain}");
    let mut reversed = rows();
    reversed.reverse();
    let moved: Vec<String> = rows()
        .iter()
        .map(|row| row.split(',').rev().collect::<Vec<_>>().join(","))
        .collect();
    for same in [
        submission(&rows()).replace('\n', "\r\n"),
        format!("\u{feff}{}", submission(&rows()).replace('\n', "\r\n")),
        submission(&rows()).trim_end().to_owned(),
        submission(&reversed),
        format!("severe,moderate,normal_mild,row_id\n{}\n", moved.join("\n")),
    ] {
        assert_eq!(score(&same, &[]), plain);
    }
}

#[test]
fn missing_extra_and_doubled_rows_are_named() {
    let mut missing = rows();
    missing.remove(30);
    assert_snapshot!(score(&submission(&missing), &[]), @r"
    exit 1
    error: predictions: row `22_left_neural_foraminal_narrowing_l1_l2` is missing (1 in all)
    hint: score only the submitted rows with `--subset`
    ");
    let subset = score(&submission(&missing), &["--subset"]);
    assert!(
        subset.starts_with("exit 0\n") && subset.contains("rows not submitted 1\n"),
        "{subset}"
    );
    let mut extra = rows();
    extra.push("33_spinal_canal_stenosis_l1_l2,1,0,0".to_owned());
    assert_snapshot!(score(&submission(&extra), &[]), @r"
    exit 1
    error: predictions: row `33_spinal_canal_stenosis_l1_l2` is not in the truth table (1 in all)
    hint: is `--truth` the label table of the same studies?
    ");
    let mut doubled = rows();
    doubled.push(doubled[3].clone());
    assert_snapshot!(score(&submission(&doubled), &[]), @r"
    exit 1
    error: predictions: row `11_spinal_canal_stenosis_l4_l5` stands there more than once
    ");
}

#[test]
fn a_bad_number_is_named_with_row_and_column() {
    for bad in ["", "abc", "NaN", "inf", "-0.1", "1.5", "20%", "0x1p-1"] {
        let mut rows = rows();
        rows[7] = format!("{},0.5,{bad},0.25", rows[7].split(',').next().unwrap_or_default());
        let expected = format!(
            "exit 1\nerror: predictions: row `11_left_neural_foraminal_narrowing_l3_l4`, column `moderate`: `{bad}`, \
             expected a number from 0 to 1\n"
        );
        assert_eq!(score(&submission(&rows), &[]), expected);
    }
}

#[test]
fn rows_of_another_width_or_name_are_named() {
    for (line, message) in [
        (
            "11_spinal_canal_stenosis_l1_l2,0.5,0.5",
            "row `11_spinal_canal_stenosis_l1_l2` has 3 fields, expected 4",
        ),
        (
            "11_spinal_canal_stenosis_l1_l2,1,0,0,0",
            "row `11_spinal_canal_stenosis_l1_l2` has 5 fields, expected 4",
        ),
    ] {
        let mut rows = rows();
        rows[0] = line.to_owned();
        let expected = format!("exit 1\nerror: `submission.csv`, line 2: {message}\n");
        assert_eq!(score(&submission(&rows), &[]), expected);
    }
    let mut rows = rows();
    rows[0] = "11_spinal_l1,1,0,0".to_owned();
    assert_snapshot!(score(&submission(&rows), &[]), @r"
    exit 1
    error: predictions: row id `11_spinal_l1`, expected `<study>_<condition>_<level>` (such as `4003253_spinal_canal_stenosis_l1_l2`)
    ");
    assert_snapshot!(score(&submission(&rows).replace("severe", "Severe"), &[]), @r"
    exit 1
    error: `submission.csv` has no column `severe`; its first columns are row_id, normal_mild, moderate, Severe
    ");
}

#[test]
fn what_is_no_table_of_text_ends_with_a_message() {
    for bytes in [
        &b""[..],
        &[0, 159, 146, 150],
        &[0xff; 64],
        b"row_id,normal_mild,moderate,severe\n\xff,1,0,0\n",
    ] {
        let said = score_bytes(bytes, &[]);
        assert!(
            said.starts_with("exit 1\nerror: ") && said.contains("`submission.csv`"),
            "{said}"
        );
    }
}

#[test]
fn rows_that_do_not_sum_to_one_are_scored_as_asked_and_told() {
    let off: Vec<String> = rows().iter().map(|row| row.replace(",0.5,", ",0.75,")).collect();
    assert_snapshot!(score(&submission(&off), &[]), @r"
    exit 0
    score              0.839560
    spinal             0.873609
    foraminal          0.794734
    subarticular       0.669808
    any severe spinal  1.020090
    rows scored        49
    missing labels     1
    warning: 49 of 49 rows do not sum to 1, the first is `11_left_neural_foraminal_narrowing_l1_l2` with 1.250000; used as they are; `--row-sums renormalise` divides them by their sum
    ");
    assert_snapshot!(score(&submission(&off), &["--row-sums", "renormalise"]), @r"
    exit 0
    score              1.006918
    spinal             1.096752
    foraminal          1.017877
    subarticular       0.892952
    any severe spinal  1.020090
    rows scored        49
    missing labels     1
    warning: 49 of 49 rows do not sum to 1, the first is `11_left_neural_foraminal_narrowing_l1_l2` with 1.250000; divided by their sum
    ");
}
