//! What of the input came to nothing, and why: for whoever has just built a dataset.

use crate::labels::tables::{read_findings, read_labels};
use crate::labels::{Finding, FindingCode};
use crate::reject::read_rejects;
use crate::stats::Tally;
use crate::{DatasetError, SampleRejectReason};
use lumbar_core::{GradingScheme, StudyId};
use lumbar_dicom::RejectReason;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Rejects, findings and grades of a dataset, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Files not taken, by reason.
    pub file_rejects: Tally,
    /// Samples not made, by reason.
    pub sample_rejects: Tally,
    /// Findings by code.
    pub findings: Tally,
    /// The first finding of each code that is about a line of a table.
    pub first: BTreeMap<String, String>,
    /// Cells of the label table by grade of the scheme, from best to worst, with those that nobody has.
    pub grades: Vec<(&'static str, u64)>,
    /// What most likely kept every sample from being made, if that is known.
    pub cause: Option<String>,
}

impl Outcome {
    /// Reads the tables of a dataset.
    ///
    /// # Errors
    /// [`DatasetError`] if one cannot be read.
    pub fn read(dataset: &Path, scheme: GradingScheme) -> Result<Outcome, DatasetError> {
        let labels = read_labels(&dataset.join("labels.parquet"))?;
        let mut counts = vec![0; scheme.n_grades()];
        for index in labels.iter().filter_map(|row| scheme.index_of(row.grade?)) {
            counts[index] += 1;
        }
        let names = scheme.grades().iter().map(|grade| grade.display_name());
        let mut outcome = Outcome {
            grades: names.zip(counts).collect(),
            ..Outcome::default()
        };
        for row in read_rejects(&dataset.join("rejects.parquet"))? {
            let tally = match row.scope.as_str() {
                "file" => &mut outcome.file_rejects,
                "sample" => &mut outcome.sample_rejects,
                // Series and studies that serve no purpose: the catalogue counts them.
                _ => continue,
            };
            *tally.entry(row.reason).or_default() += 1;
        }
        let findings = read_findings(&dataset.join("findings.parquet"))?;
        for finding in &findings {
            *outcome
                .findings
                .entry(finding.code.code().to_owned())
                .or_default() += 1;
            if let Some(words) = finding.place() {
                outcome
                    .first
                    .entry(finding.code.code().to_owned())
                    .or_insert(words);
            }
        }
        let studies: BTreeSet<&StudyId> = labels.iter().map(|row| &row.study).collect();
        outcome.cause = strangers(&studies, &findings).or_else(|| outcome.commonest());
        Ok(outcome)
    }

    /// Grades of the scheme that no target has.
    pub fn missing_grades(&self) -> impl Iterator<Item = &'static str> + '_ {
        let missing = self.grades.iter().filter(|(_, n)| *n == 0);
        missing.map(|(name, _)| *name)
    }

    /// The commonest reason against a sample, or against a file where no target has a sample to lose.
    fn commonest(&self) -> Option<String> {
        let most = |tally: &Tally| {
            let (code, n) = tally.iter().max_by_key(|(_, n)| **n)?;
            Some((code.clone(), *n))
        };
        if let Some((code, n)) = most(&self.sample_rejects) {
            let reason = *SampleRejectReason::ALL
                .iter()
                .find(|reason| reason.code() == code)?;
            let why = match (reason, self.first.get(FindingCode::UnknownGrade.code())) {
                (SampleRejectReason::NoGrade, Some(first)) => format!("; {first}"),
                _ => String::new(),
            };
            return Some(format!(
                "`{code}` of {n} targets and views: {}{why}",
                sentence(reason.meaning())
            ));
        }
        let (code, n) = most(&self.file_rejects)?;
        let reason = code.parse::<RejectReason>().ok()?;
        Some(format!("`{code}` of {n} files: {}", sentence(reason.meaning())))
    }
}

/// Whether no study of the table has images, though there are some of other studies, or none at all.
fn strangers(studies: &BTreeSet<&StudyId>, findings: &[Finding]) -> Option<String> {
    let of = |code| findings.iter().filter(move |finding| finding.code == code);
    let absent = of(FindingCode::StudyNotOnDisk).count();
    if studies.is_empty() || absent < studies.len() {
        return None;
    }
    let on_disk = of(FindingCode::StudyWithoutLabels).find_map(|finding| finding.study.as_ref());
    let table = studies.iter().next().map(|study| start(study))?;
    Some(match on_disk {
        Some(study) => format!(
            "none of {} study ids of the table is on disk: table `{table}`, disk `{}`",
            studies.len(),
            start(study)
        ),
        None => format!(
            "none of {} studies of the table is on disk, nor any other",
            studies.len()
        ),
    })
}

/// The start of an id: enough to see that two are of different kinds, too little to name a person.
fn start(id: &StudyId) -> String {
    let text: String = id.as_str().chars().take(4).collect();
    if text.len() < id.as_str().len() {
        text + "..."
    } else {
        text
    }
}

/// A meaning within a sentence: no capital, no full stop.
fn sentence(meaning: &str) -> String {
    let mut letters = meaning.trim_end_matches('.').chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
