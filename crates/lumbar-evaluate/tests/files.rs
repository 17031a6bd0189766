//! Files written and read back.

mod made_up;

use lumbar_core::{GradingScheme, SeriesKind, StudyId};
use lumbar_evaluate::{
    Cases, Domain, EvaluateError, EvaluateOptions, Localisation, Part, PredictionTable, evaluate,
};
use lumbar_metrics::{PredictionRow, ScoreOptions, TruthRow, score_submission};
use made_up::{on_proper_views, run};
use std::fs;

#[test]
fn predictions_come_back_to_the_bit_and_the_same_table_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = run(8, 0.5, 1, &SeriesKind::ALL);
    table.domain = Domain::Clinical;
    table.localisation = Localisation::Predicted;
    table.rows[3].severity = None;
    table.rows[4].fold = None;
    table.rows[5].part = Part::Valid;
    table.n_graded = [(Part::Valid, 40), (Part::OutOfFold, 200)].into();
    let (first, second) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    table.write(&first).unwrap();
    table.write(&second).unwrap();
    assert_eq!(PredictionTable::read(&first).unwrap(), table);
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn four_grades_and_an_empty_table_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    let mut table = run(1, 0.5, 1, &[SeriesKind::AxialT2]);
    table.scheme = GradingScheme::FourGrades;
    for row in &mut table.rows {
        row.severity = None;
        row.probabilities = vec![0.4, 0.3, 0.2, 0.1];
        row.prior = vec![0.25; 4];
    }
    table.write(&path).unwrap();
    assert_eq!(PredictionTable::read(&path).unwrap(), table);
    table.rows.clear();
    table.write(&path).unwrap();
    assert_eq!(PredictionTable::read(&path).unwrap(), table);
}

#[test]
fn a_refused_table_leaves_the_old_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    let table = run(1, 0.5, 1, &[SeriesKind::AxialT2]);
    table.write(&path).unwrap();
    let mut bad = table.clone();
    bad.rows[7].probabilities[0] = 2.0;
    assert!(matches!(
        bad.write(&path),
        Err(EvaluateError::Probabilities { .. })
    ));
    assert_eq!(PredictionTable::read(&path).unwrap(), table);
}

#[test]
fn what_is_not_such_a_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    assert!(matches!(
        PredictionTable::read(&path),
        Err(EvaluateError::Io { action: "read", .. })
    ));
    let table = run(1, 0.5, 1, &[SeriesKind::AxialT2]);
    table.write(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in [0, 7, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(
            matches!(PredictionTable::read(&path), Err(EvaluateError::Parquet { .. })),
            "{length} bytes"
        );
    }
}

/// The files of a submission, scored by the challenge's rules, say what the evaluation says.
#[test]
fn submission_against_truth_gives_the_score_of_the_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    let (submission, truth) = (
        folder.path().join("submission.csv"),
        folder.path().join("truth.csv"),
    );
    let mut table = on_proper_views(30, 0.5, 1);
    table.rows[10].severity = None;
    table.rows.remove(30);
    let options = EvaluateOptions {
        n_resamples: 100,
        ..EvaluateOptions::default()
    };
    let cases = Cases::combine(std::slice::from_ref(&table), &options).unwrap();
    let summary = cases.write_submission(&submission).unwrap();
    assert_eq!((summary.n_rows, summary.n_from_prior), (30 * 25, 1));
    assert_eq!(cases.write_truth(&truth).unwrap(), 30);

    let truth = fs::read_to_string(truth).unwrap();
    assert!(truth.starts_with("study_id,spinal_canal_stenosis_l1_l2,"));
    let header: Vec<&str> = truth.lines().next().unwrap().split(',').skip(1).collect();
    let cells: Vec<(String, String)> = truth
        .lines()
        .skip(1)
        .flat_map(|line| {
            let (study, labels) = line.split_once(',').unwrap();
            let named = header.iter().zip(labels.split(','));
            named
                .map(|(target, label)| (format!("{study}_{target}"), label.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(cells.iter().filter(|(_, label)| label.is_empty()).count(), 2);
    let submission = fs::read_to_string(submission).unwrap();
    let rows: Vec<Vec<&str>> = submission
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    assert!(rows.is_sorted_by_key(|row| row[0]));
    let truth_rows: Vec<TruthRow<'_>> = cells
        .iter()
        .map(|(row_id, label)| TruthRow { row_id, label })
        .collect();
    let prediction_rows: Vec<PredictionRow<'_>> = rows
        .iter()
        .map(|row| PredictionRow {
            row_id: row[0],
            probabilities: [row[1], row[2], row[3]],
        })
        .collect();
    let score = score_submission(&truth_rows, &prediction_rows, ScoreOptions::default()).unwrap();
    let report = evaluate(&[table], &options).unwrap();
    assert_eq!(report.counts.n_cases, score.n_rows);
    for (from_files, estimate) in score.score.values().iter().zip(&report.rsna.model) {
        assert!(
            (from_files.unwrap() - estimate.value.unwrap()).abs() < 1e-12,
            "{estimate}"
        );
    }
}

#[test]
fn a_study_id_in_a_submission_keeps_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submission.csv");
    let mut table = on_proper_views(1, 0.5, 1);
    table
        .rows
        .iter_mut()
        .for_each(|row| row.study = StudyId::new("007_b").unwrap());
    let cases = Cases::combine(&[table], &EvaluateOptions::default()).unwrap();
    cases.write_submission(&path).unwrap();
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("\n007_b_spinal_canal_stenosis_l5_s1,"));
}
