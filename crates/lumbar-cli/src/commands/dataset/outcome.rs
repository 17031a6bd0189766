//! What a build tells of what it could not use, and when that makes it a failure.

use crate::{commands::ingest::explained, config::Hinted, console::Console};
use lumbar_dataset::{DatasetError, DatasetInfo, Outcome, SampleRejectReason, labels::FindingCode};
use lumbar_dicom::RejectReason;
use std::path::Path;

/// Reasons and codes with their counts, a line each; empty where everything was used.
pub fn text(outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut block = |name: &str, lines: String| {
        if !lines.is_empty() {
            text.push_str(&format!("\n{name}{lines}"));
        }
    };
    let files = RejectReason::ALL.iter().map(|code| (code.code(), code.meaning()));
    block("files left out", explained(&outcome.file_rejects, files));
    let samples = SampleRejectReason::ALL
        .iter()
        .map(|code| (code.code(), code.meaning()));
    block(
        "targets and views left out",
        explained(&outcome.sample_rejects, samples),
    );
    let findings = FindingCode::ALL.iter().map(|code| (code.code(), code.meaning()));
    block("label findings", explained(&outcome.findings, findings));
    text
}

/// Warnings of what is likely a mistake in the tables.
pub fn warnings(outcome: &Outcome) -> Vec<String> {
    let mut warnings: Vec<String> = [FindingCode::UnknownGrade, FindingCode::UnknownColumn]
        .into_iter()
        .filter_map(|code| {
            let (n, first) = (
                outcome.findings.get(code.code())?,
                outcome.first.get(code.code())?,
            );
            Some(format!("{n} times `{}`, first in {first}", code.code()))
        })
        .collect();
    warnings.extend(
        outcome
            .missing_grades()
            .map(|grade| format!("no target is graded `{grade}`")),
    );
    warnings
}

/// Fails where a build has no sample, naming what most likely kept them from being made.
pub fn need_samples(info: &DatasetInfo, outcome: &Outcome, out: &Path) -> anyhow::Result<()> {
    if info.counts.samples > 0 {
        return Ok(());
    }
    let hint = format!(
        "`rejects.parquet` and `findings.parquet` in `{}` have a row for each",
        out.display()
    );
    Err(failure(outcome, hint))
}

/// A build that failed for want of samples, told in full; any other error as it is.
pub fn explain(error: DatasetError, console: &Console<'_>) -> anyhow::Error {
    let DatasetError::NothingUsable {
        path,
        outcome: Some(outcome),
        ..
    } = error
    else {
        return error.into();
    };
    console.result(text(&outcome).trim_start());
    let hint = format!("`{}` keeps the dataset it holds", path.display());
    failure(&outcome, hint)
}

fn failure(outcome: &Outcome, hint: String) -> anyhow::Error {
    let message = match &outcome.cause {
        Some(cause) => format!("no sample: {cause}"),
        None => "no sample".to_owned(),
    };
    Hinted { message, hint }.into()
}
