//! `submission.csv` and `truth.csv`, in the exact layout of the challenge.

use crate::{
    Case, Cases, EvaluateError, beside,
    measured::{submission_row, three_grade_index},
};
use lumbar_core::{GradingScheme, RowId, StudyId, Target};
use std::{collections::BTreeMap, io, path::Path};

/// What a submission holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionSummary {
    /// Rows written: 25 per study.
    pub n_rows: usize,
    /// Of these, rows without a prediction (no image of the target), which say the prior.
    pub n_from_prior: usize,
}

/// What one says of a target without any prediction in the whole set.
const KNOWING_NOTHING: [f64; 3] = [1.0 / 3.0; 3];

impl Cases {
    /// Writes `submission.csv`: `row_id,normal_mild,moderate,severe`, 25 rows per study, sorted by row id.
    ///
    /// The numbers are the score-mapped probabilities q (see [`score_mapped`](crate::score_mapped)), of four grades
    /// after adding up normal and mild. A target without a prediction says the mean prior of that target over the
    /// other studies: the challenge takes no gaps.
    ///
    /// # Errors
    /// On disk errors.
    pub fn write_submission(&self, path: &Path) -> Result<SubmissionSummary, EvaluateError> {
        let mut summary = SubmissionSummary {
            n_rows: 0,
            n_from_prior: 0,
        };
        let priors = mean_priors(self);
        let mut rows: Vec<(String, [f64; 3])> = Vec::new();
        for (study, cases) in by_study(&self.cases) {
            for target in Target::all() {
                let row_id = RowId {
                    study: study.clone(),
                    target,
                };
                let values = match cases.get(&target) {
                    Some(case) => submission_row(&case.probabilities, self.scheme),
                    None => {
                        summary.n_from_prior += 1;
                        priors.get(&target).copied().unwrap_or(KNOWING_NOTHING)
                    }
                };
                rows.push((row_id.to_string(), values));
            }
        }
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        summary.n_rows = rows.len();
        write_csv(path, |writer| {
            writer.write_record(["row_id", "normal_mild", "moderate", "severe"])?;
            for (row_id, values) in &rows {
                let [normal_mild, moderate, severe] = values.map(|value| value.to_string());
                writer.write_record([row_id, &normal_mild, &moderate, &severe])?;
            }
            Ok(())
        })?;
        Ok(summary)
    }

    /// Writes `truth.csv`: the challenge's `train.csv` for the studies of this set, with their grades; a target
    /// without a prediction or a grade stays empty, as a missing label does there. Returns the number of studies.
    ///
    /// Scoring `submission.csv` against it gives the score of the evaluation.
    ///
    /// # Errors
    /// On disk errors.
    pub fn write_truth(&self, path: &Path) -> Result<usize, EvaluateError> {
        let studies = by_study(&self.cases);
        write_csv(path, |writer| {
            let targets = Target::all().map(|target| target.column_name());
            writer.write_record(std::iter::once("study_id".to_owned()).chain(targets))?;
            for (study, cases) in &studies {
                let label = |target: Target| {
                    let grade_idx = cases.get(&target)?.grade_idx?;
                    GradingScheme::ThreeGrades.grade(three_grade_index(grade_idx, self.scheme))
                };
                let labels =
                    Target::all().map(|target| label(target).map_or("", |grade| grade.display_name()));
                writer.write_record(std::iter::once(study.as_str()).chain(labels))?;
            }
            Ok(())
        })?;
        Ok(studies.len())
    }
}

fn by_study(cases: &[Case]) -> BTreeMap<&StudyId, BTreeMap<Target, &Case>> {
    let mut studies: BTreeMap<&StudyId, BTreeMap<Target, &Case>> = BTreeMap::new();
    for case in cases {
        studies.entry(&case.study).or_default().insert(case.target, case);
    }
    studies
}

fn mean_priors(cases: &Cases) -> BTreeMap<Target, [f64; 3]> {
    let mut sums: BTreeMap<Target, ([f64; 3], f64)> = BTreeMap::new();
    for case in &cases.cases {
        let (sum, n) = sums.entry(case.target).or_default();
        for (sum, q) in sum.iter_mut().zip(submission_row(&case.prior, cases.scheme)) {
            *sum += q;
        }
        *n += 1.0;
    }
    sums.into_iter()
        .map(|(target, (sum, n))| (target, sum.map(|sum| sum / n)))
        .collect()
}

fn write_csv(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<&mut (dyn io::Write + Send)>) -> Result<(), csv::Error>,
) -> Result<(), EvaluateError> {
    beside::write(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        fill(&mut writer).map_err(io::Error::other)?;
        writer.flush()
    })
}
