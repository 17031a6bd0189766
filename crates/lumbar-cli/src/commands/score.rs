//! `lumbar score`: the RSNA 2024 metric of a submission.

use crate::{
    args::{MissingArg, RowSumsArg, ScoreArgs},
    config::Hinted,
    console::Console,
};
use anyhow::Context;
use lumbar_core::Target;
use lumbar_metrics::{
    MissingLabels, PredictionRow, RowCoverage, RowSums, ScoreOptions, SubmissionError, SubmissionScore,
    TruthRow, Undefined, score_submission,
};
use std::path::Path;

pub fn run(args: &ScoreArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let truth = read_truth(&args.truth)?;
    let predictions = read_predictions(&args.predictions)?;
    let truth_rows: Vec<TruthRow<'_>> = truth
        .iter()
        .map(|(row_id, label)| TruthRow { row_id, label })
        .collect();
    let prediction_rows: Vec<PredictionRow<'_>> = predictions
        .iter()
        .map(|(row_id, p)| PredictionRow {
            row_id,
            probabilities: [p[0].as_str(), p[1].as_str(), p[2].as_str()],
        })
        .collect();
    let options = ScoreOptions {
        missing_labels: match args.missing {
            MissingArg::Drop => MissingLabels::Drop,
            MissingArg::Normal => MissingLabels::Normal,
        },
        coverage: if args.subset {
            RowCoverage::Subset
        } else {
            RowCoverage::Complete
        },
        row_sums: match args.row_sums {
            RowSumsArg::AsGiven => RowSums::AsGiven,
            RowSumsArg::Renormalise => RowSums::Renormalise,
        },
    };
    let score = score_submission(&truth_rows, &prediction_rows, options).map_err(with_hint)?;
    if let Some(off) = &score.off_sum {
        let used = match args.row_sums {
            RowSumsArg::AsGiven => "used as they are; `--row-sums renormalise` divides them by their sum",
            RowSumsArg::Renormalise => "divided by their sum",
        };
        console.note(format!(
            "warning: {} of {} rows do not sum to 1, the first is `{}` with {:.6}; {used}",
            off.n, score.n_rows, off.row_id, off.sum
        ));
    }
    console.json(&score)?;
    console.result(table(&score));
    Ok(())
}

fn with_hint(error: SubmissionError) -> anyhow::Error {
    let hint = match &error {
        SubmissionError::MissingRow { .. } => "score only the submitted rows with `--subset`",
        SubmissionError::ExtraRow { .. } => "is `--truth` the label table of the same studies?",
        _ => return error.into(),
    };
    Hinted {
        message: error.to_string(),
        hint: hint.into(),
    }
    .into()
}

fn table(score: &SubmissionScore) -> String {
    let names = [
        "score",
        "spinal",
        "foraminal",
        "subarticular",
        "any severe spinal",
    ];
    let mut text = String::new();
    let mut notes = Vec::new();
    for (name, value) in names.iter().zip(score.score.values()) {
        match value {
            Ok(value) => text.push_str(&format!("{name:<18} {value:.6}\n")),
            Err(reason) => {
                text.push_str(&format!("{name:<18} -\n"));
                notes.push(note(name, reason));
            }
        }
    }
    text.push_str(&format!(
        "rows scored        {}\nmissing labels     {}",
        score.n_rows, score.n_missing_labels
    ));
    if score.n_missing_rows > 0 {
        text.push_str(&format!("\nrows not submitted {}", score.n_missing_rows));
    }
    for note in notes {
        text.push_str(&format!("\n{note}"));
    }
    text
}

fn note(name: &str, reason: Undefined) -> String {
    format!("{name} is undefined: {reason}")
}

/// Row ids and labels of a label table: one row a study, one column a target.
fn read_truth(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut reader = open(path)?;
    let headers = reader
        .headers()
        .with_context(|| format!("cannot read `{}`", path.display()))?
        .clone();
    let study_column = column(&headers, "study_id", path)?;
    let targets: Vec<(usize, Target)> = headers
        .iter()
        .enumerate()
        .filter_map(|(i, name)| name.trim().parse().ok().map(|target| (i, target)))
        .collect();
    if targets.is_empty() {
        let message = format!("`{}` has no target column", path.display());
        return Err(Hinted {
            message,
            hint: "columns are named like `spinal_canal_stenosis_l1_l2`".into(),
        }
        .into());
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("cannot read `{}`", path.display()))?;
        let study = record.get(study_column).unwrap_or_default().trim();
        check_width(&record, &headers, ("study", study), path)?;
        for (i, target) in &targets {
            let label = record.get(*i).unwrap_or_default().trim().to_owned();
            rows.push((format!("{study}_{}", target.column_name()), label));
        }
    }
    Ok(rows)
}

fn read_predictions(path: &Path) -> anyhow::Result<Vec<(String, [String; 3])>> {
    let mut reader = open(path)?;
    let headers = reader
        .headers()
        .with_context(|| format!("cannot read `{}`", path.display()))?
        .clone();
    let row_id = column(&headers, "row_id", path)?;
    let columns = [
        column(&headers, "normal_mild", path)?,
        column(&headers, "moderate", path)?,
        column(&headers, "severe", path)?,
    ];
    reader
        .records()
        .map(|record| {
            let record = record.with_context(|| format!("cannot read `{}`", path.display()))?;
            let field = |i: usize| record.get(i).unwrap_or_default().trim().to_owned();
            check_width(&record, &headers, ("row", &field(row_id)), path)?;
            Ok((field(row_id), columns.map(field)))
        })
        .collect()
}

fn open(path: &Path) -> anyhow::Result<csv::Reader<std::fs::File>> {
    csv::ReaderBuilder::new()
        // The width is checked here, where the message can name the row.
        .flexible(true)
        .from_path(path)
        .with_context(|| format!("cannot read `{}`", path.display()))
}

fn check_width(
    record: &csv::StringRecord,
    headers: &csv::StringRecord,
    (what, id): (&str, &str),
    path: &Path,
) -> anyhow::Result<()> {
    let line = record.position().map_or(0, csv::Position::line);
    anyhow::ensure!(
        record.len() == headers.len(),
        "`{}`, line {line}: {what} `{id}` has {} fields, expected {}",
        path.display(),
        record.len(),
        headers.len()
    );
    Ok(())
}

fn column(headers: &csv::StringRecord, name: &str, path: &Path) -> anyhow::Result<usize> {
    // Spreadsheets put a byte-order mark before the first header.
    let position = headers
        .iter()
        .position(|header| header.trim().trim_start_matches('\u{feff}') == name);
    position.with_context(|| {
        if headers.len() == 1 && headers[0].contains([';', '\t']) {
            return format!(
                "`{}`: cells are separated by semicolons or tabs, expected commas",
                path.display()
            );
        }
        let found: Vec<&str> = headers.iter().take(5).collect();
        format!(
            "`{}` has no column `{name}`; its first columns are {}",
            path.display(),
            found.join(", ")
        )
    })
}
