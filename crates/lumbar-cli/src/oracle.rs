//! What one who knows the phantoms' anatomy would say: the predictions of an oracle.

use anyhow::Context;
use lumbar_core::{GradingScheme, SeriesKind, StudyId};
use lumbar_evaluate::{Domain, Localisation, Part, Prediction, PredictionTable};
use lumbar_phantom::StudyTruth;
use std::path::Path;

/// Reads `phantom_truth.jsonl` into predictions: the probability of each grade of the labelling reader given the true
/// narrowing.
pub fn read(path: &Path) -> anyhow::Result<PredictionTable> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let truth: StudyTruth = serde_json::from_str(line).with_context(|| {
            format!(
                "`{}` line {} is not a phantom's truth",
                path.display(),
                number + 1
            )
        })?;
        let study = StudyId::new(&truth.study_id)?;
        for target in &truth.targets {
            rows.push(Prediction {
                sample_id: format!("{study}_{}", target.target.column_name()),
                study: study.clone(),
                patient: study.to_string(),
                target: target.target,
                view: SeriesKind::proper_for(target.target.condition.group()),
                severity: target.labelled.then_some(target.reader_a),
                part: Part::OutOfFold,
                fold: None,
                probabilities: target.oracle.to_vec(),
                prior: target.oracle.to_vec(),
            });
        }
    }
    Ok(PredictionTable {
        scheme: GradingScheme::ThreeGrades,
        domain: Domain::Synthetic,
        localisation: Localisation::Given,
        n_graded: Default::default(),
        rows,
    })
}
