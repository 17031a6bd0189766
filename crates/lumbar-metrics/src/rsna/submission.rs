//! Scoring a submission: which rows count, and what is wrong with those that do not.

use super::{RowSums, RsnaGroup, RsnaRow, RsnaScore, RsnaTable, SubmissionError};
use crate::{ROW_SUM_TOLERANCE, Undefined};
use serde::Serialize;
use std::collections::BTreeMap;

/// A cell of the truth table: what was graded, and the grade as written (`Normal/Mild`, `Moderate`, `Severe`, or
/// nothing if it is missing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruthRow<'a> {
    /// `<study>_<condition>_<level>`.
    pub row_id: &'a str,
    /// The grade as written.
    pub label: &'a str,
}

/// A row of a submission, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredictionRow<'a> {
    /// `<study>_<condition>_<level>`.
    pub row_id: &'a str,
    /// The columns `normal_mild`, `moderate` and `severe`.
    pub probabilities: [&'a str; 3],
}

/// What a missing grade in the truth table means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingLabels {
    /// The cell does not count (what the challenge did).
    #[default]
    Drop,
    /// It counts as normal or mild (what the fourth-placed solution trained and validated with).
    Normal,
    /// It is an error.
    Refuse,
}

/// Which cells of the truth table the submission must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RowCoverage {
    /// All of them.
    #[default]
    Complete,
    /// Any of them: those it does not hold do not count. For a fold of cross-validation.
    Subset,
}

/// How a submission is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScoreOptions {
    /// What a missing grade in the truth table means.
    pub missing_labels: MissingLabels,
    /// Which cells the submission must hold.
    pub coverage: RowCoverage,
    /// What happens to a row that does not sum to 1.
    pub row_sums: RowSums,
}

/// Rows whose probabilities do not sum to 1, scored as [`RowSums`] says.
#[derive(Debug, Clone, PartialEq)]
pub struct OffSum {
    /// How many rows.
    pub n: usize,
    /// The first of them, by row id.
    pub row_id: String,
    /// What its probabilities sum to.
    pub sum: f64,
}

/// A scored submission.
///
/// In JSON the parts stand flat, `null` where undefined, and `undefined` then holds the reasons:
/// `{"score": null, "spinal": 0.41, ..., "n_rows": 25, "missing": 0, "missing_rows": 0, "off_sum": 0, "undefined":
/// {"score": ...}}`.
#[derive(Debug, Clone, Serialize)]
#[serde(into = "SubmissionRecord")]
pub struct SubmissionScore {
    /// The score and its parts.
    pub score: RsnaScore,
    /// Rows scored.
    pub n_rows: usize,
    /// Cells of the truth table without a grade (dropped or taken as normal, as asked).
    pub n_missing_labels: usize,
    /// Graded cells the submission does not hold (0 unless a subset was allowed).
    pub n_missing_rows: usize,
    /// The scored rows that do not sum to 1 within 1e-6, if there are any.
    pub off_sum: Option<OffSum>,
    /// The rows behind the score, to resample or compare.
    pub table: RsnaTable,
}

/// What a [`SubmissionScore`] looks like in JSON.
#[derive(Serialize)]
struct SubmissionRecord {
    #[serde(flatten)]
    parts: BTreeMap<&'static str, Option<f64>>,
    n_rows: usize,
    missing: usize,
    missing_rows: usize,
    off_sum: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    undefined: BTreeMap<&'static str, Undefined>,
}

impl From<SubmissionScore> for SubmissionRecord {
    fn from(s: SubmissionScore) -> SubmissionRecord {
        let named = || super::RSNA_PARTS.into_iter().zip(s.score.values());
        SubmissionRecord {
            parts: named().map(|(name, value)| (name, value.ok())).collect(),
            n_rows: s.n_rows,
            missing: s.n_missing_labels,
            missing_rows: s.n_missing_rows,
            off_sum: s.off_sum.as_ref().map_or(0, |off| off.n),
            undefined: named()
                .filter_map(|(name, value)| Some((name, value.err()?)))
                .collect(),
        }
    }
}

/// Scores a submission against the truth table, or says which row is wrong.
///
/// Text is trimmed (so a carriage return left at a line's end does no harm) and nothing else is repaired. The order of
/// rows does not matter.
///
/// # Errors
/// On a row id that names no target, a row that stands twice in a table, a grade outside the scheme, a prediction row
/// the truth table does not have, a graded cell the submission does not hold (unless a subset is allowed), and
/// anything that is not a finite number of at least 0.
///
/// ```
/// use lumbar_metrics::{PredictionRow, ScoreOptions, SubmissionError, TruthRow, score_submission};
///
/// let truth = [TruthRow { row_id: "7_spinal_canal_stenosis_l1_l2", label: "Moderate" }];
/// let row = |row_id, severe| PredictionRow { row_id, probabilities: ["0.5", "0.25", severe] };
///
/// let good = score_submission(&truth, &[row("7_spinal_canal_stenosis_l1_l2", "0.25\r")], ScoreOptions::default())?;
/// assert_eq!(good.score.spinal, Ok(4_f64.ln()));
/// assert!(good.score.score.is_err()); // the other groups have no cases
///
/// let bad = score_submission(&truth, &[row("7_spinal_canal_stenosis_l1_l2", "nan")], ScoreOptions::default());
/// assert!(matches!(bad, Err(SubmissionError::Number { .. })));
/// # Ok::<(), SubmissionError>(())
/// ```
pub fn score_submission(
    truth: &[TruthRow<'_>],
    predictions: &[PredictionRow<'_>],
    options: ScoreOptions,
) -> Result<SubmissionScore, SubmissionError> {
    let cells = read_truth(truth, options.missing_labels)?;
    let predicted = read_predictions(predictions, options.row_sums)?;

    let extra: Vec<_> = predicted.keys().filter(|id| !cells.contains_key(*id)).collect();
    if let Some(first) = extra.first() {
        return Err(SubmissionError::ExtraRow {
            row_id: (**first).to_owned(),
            n_extra: extra.len(),
        });
    }
    let graded = || {
        cells
            .iter()
            .filter_map(|(id, cell)| Some((*id, cell, cell.grade?)))
    };
    let missing: Vec<&str> = graded()
        .map(|(id, ..)| id)
        .filter(|id| !predicted.contains_key(id))
        .collect();
    if let (RowCoverage::Complete, Some(first)) = (options.coverage, missing.first()) {
        return Err(SubmissionError::MissingRow {
            row_id: (*first).to_owned(),
            n_missing: missing.len(),
        });
    }
    let mut off_sum: Option<OffSum> = None;
    let mut rows: Vec<RsnaRow<'_>> = Vec::new();
    for (id, cell, truth) in graded() {
        let Some(probabilities) = predicted.get(id) else {
            continue;
        };
        let sum: f64 = probabilities.iter().sum();
        if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
            let first = || OffSum {
                n: 0,
                row_id: id.to_owned(),
                sum,
            };
            off_sum.get_or_insert_with(first).n += 1;
        }
        rows.push(RsnaRow {
            study: cell.study,
            group: cell.group,
            truth,
            probabilities: *probabilities,
        });
    }
    let table = RsnaTable::new(&rows, options.row_sums).expect("grades and numbers were checked row by row");
    Ok(SubmissionScore {
        score: table.score(),
        n_rows: rows.len(),
        n_missing_labels: cells.values().filter(|cell| cell.was_missing).count(),
        n_missing_rows: missing.len(),
        off_sum,
        table,
    })
}

struct Cell<'a> {
    study: &'a str,
    group: RsnaGroup,
    /// `None` if it does not count.
    grade: Option<usize>,
    was_missing: bool,
}

fn read_truth<'a>(
    truth: &[TruthRow<'a>],
    missing_labels: MissingLabels,
) -> Result<BTreeMap<&'a str, Cell<'a>>, SubmissionError> {
    let mut cells = BTreeMap::new();
    for row in truth {
        let (row_id, study, group) = parse_row_id("truth", row.row_id)?;
        let label = row.label.trim();
        let grade = parse_label(label).map_err(|()| SubmissionError::Label {
            row_id: row_id.to_owned(),
            found: label.to_owned(),
        })?;
        let cell = Cell {
            study,
            group,
            grade: match missing_labels {
                MissingLabels::Normal => grade.or(Some(0)),
                MissingLabels::Drop | MissingLabels::Refuse => grade,
            },
            was_missing: grade.is_none(),
        };
        if cells.insert(row_id, cell).is_some() {
            return Err(duplicate("truth", row_id));
        }
    }
    let mut missing = cells
        .iter()
        .filter(|(_, cell)| cell.was_missing)
        .map(|(id, _)| *id);
    if let (MissingLabels::Refuse, Some(first)) = (missing_labels, missing.next()) {
        return Err(SubmissionError::MissingLabel {
            row_id: first.to_owned(),
            n_missing: 1 + missing.count(),
        });
    }
    Ok(cells)
}

fn read_predictions<'a>(
    predictions: &[PredictionRow<'a>],
    row_sums: RowSums,
) -> Result<BTreeMap<&'a str, [f64; 3]>, SubmissionError> {
    let mut rows = BTreeMap::new();
    for row in predictions {
        let (row_id, ..) = parse_row_id("predictions", row.row_id)?;
        let mut probabilities = [0.0; 3];
        for (grade, text) in row.probabilities.iter().enumerate() {
            probabilities[grade] =
                parse_number(text, row_sums).map_err(|expected| SubmissionError::Number {
                    row_id: row_id.to_owned(),
                    column: COLUMNS[grade],
                    found: text.trim().to_owned(),
                    expected,
                })?;
        }
        if rows.insert(row_id, probabilities).is_some() {
            return Err(duplicate("predictions", row_id));
        }
    }
    Ok(rows)
}

fn duplicate(table: &'static str, row_id: &str) -> SubmissionError {
    SubmissionError::Duplicate {
        table,
        row_id: row_id.to_owned(),
    }
}

const COLUMNS: [&str; 3] = ["normal_mild", "moderate", "severe"];

const CONDITIONS: [(&str, RsnaGroup); 5] = [
    ("spinal_canal_stenosis", RsnaGroup::Spinal),
    ("left_neural_foraminal_narrowing", RsnaGroup::Foraminal),
    ("right_neural_foraminal_narrowing", RsnaGroup::Foraminal),
    ("left_subarticular_stenosis", RsnaGroup::Subarticular),
    ("right_subarticular_stenosis", RsnaGroup::Subarticular),
];

const LEVELS: [&str; 5] = ["l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1"];

/// The trimmed id, its study and its group. Matched from the end: outside the challenge a study id may itself hold
/// underscores.
fn parse_row_id<'a>(
    table: &'static str,
    row_id: &'a str,
) -> Result<(&'a str, &'a str, RsnaGroup), SubmissionError> {
    let row_id = row_id.trim();
    let parsed = LEVELS.iter().find_map(|level| {
        let head = row_id.strip_suffix(level)?.strip_suffix('_')?;
        CONDITIONS.iter().find_map(|(condition, group)| {
            let study = head.strip_suffix(condition)?.strip_suffix('_')?;
            (!study.is_empty()).then_some((row_id, study, *group))
        })
    });
    parsed.ok_or_else(|| SubmissionError::RowId {
        table,
        row_id: row_id.to_owned(),
    })
}

fn parse_label(label: &str) -> Result<Option<usize>, ()> {
    match label {
        "" => Ok(None),
        "Normal/Mild" => Ok(Some(0)),
        "Moderate" => Ok(Some(1)),
        "Severe" => Ok(Some(2)),
        _ => Err(()),
    }
}

fn parse_number(text: &str, row_sums: RowSums) -> Result<f64, &'static str> {
    let (most, expected) = match row_sums {
        RowSums::AsGiven => (1.0, "a number from 0 to 1"),
        RowSums::Renormalise => (f64::MAX, "a finite number of at least 0"),
    };
    match text.trim().parse::<f64>() {
        Ok(number) if (0.0..=most).contains(&number) => Ok(number),
        _ => Err(expected),
    }
}
