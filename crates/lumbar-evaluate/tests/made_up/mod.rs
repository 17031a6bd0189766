//! Made-up predictions: no model, no image, no patient behind them.

use lumbar_core::{ConditionGroup, GradingScheme, SeriesKind, StudyId, Target};
use lumbar_evaluate::{Domain, Localisation, Part, Prediction, PredictionTable};

/// Numbers from 0 to 1 that look random (SplitMix64, Steele et al. 2014) and are the same on every machine.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The shares of grades of a target: worse towards the lower levels, as in RSNA 2024.
pub fn shares(target: Target) -> [f64; 3] {
    let severe = [0.02, 0.04, 0.08, 0.16, 0.06][target.level.index()];
    let moderate = [0.05, 0.1, 0.16, 0.22, 0.14][target.level.index()];
    [1.0 - moderate - severe, moderate, severe]
}

/// Predictions of all targets of so many studies on some views. The grades depend on the study and target alone, so
/// several runs agree on them; `skill` from 0 (knows nothing) to 1 (knows the grade).
pub fn run(n_studies: usize, skill: f64, seed: u64, views: &[SeriesKind]) -> PredictionTable {
    let mut noise = Numbers(seed);
    let mut rows = Vec::new();
    for study_idx in 0..n_studies {
        let mut grades = Numbers(1_000 + study_idx as u64);
        let severity_of_study = grades.next();
        for target in Target::all() {
            let u = 0.5 * (severity_of_study + grades.next());
            let shares = shares(target);
            let grade_idx = match u {
                u if u > 1.0 - 0.6 * shares[2] - 0.1 => 2,
                u if u > 0.75 - 0.6 * shares[1] => 1,
                _ => 0,
            };
            for view in views {
                let mut p: Vec<f64> = (0..3)
                    .map(|grade| {
                        let hit = if grade == grade_idx { 1.0 } else { 0.0 };
                        shares[grade] * (3.0 * skill * hit + 1.5 * noise.next()).exp()
                    })
                    .collect();
                let sum: f64 = p.iter().sum();
                p.iter_mut().for_each(|p| *p /= sum);
                rows.push(Prediction {
                    sample_id: format!("{study_idx}-{target}-{view}"),
                    study: StudyId::new(format!("{}", 4_000_000 + study_idx)).expect("an id of digits"),
                    patient: format!("patient-{study_idx}"),
                    target,
                    view: *view,
                    severity: GradingScheme::ThreeGrades.grade(grade_idx),
                    part: Part::OutOfFold,
                    fold: Some((study_idx % 3) as u32),
                    probabilities: p,
                    prior: shares.to_vec(),
                });
            }
        }
    }
    PredictionTable {
        scheme: GradingScheme::ThreeGrades,
        domain: Domain::Synthetic,
        localisation: Localisation::Given,
        n_graded: Default::default(),
        rows,
    }
}

/// The view each group is graded from in the RSNA data, and nothing else.
pub fn on_proper_views(n_studies: usize, skill: f64, seed: u64) -> PredictionTable {
    let mut table = run(n_studies, skill, seed, &SeriesKind::ALL);
    table
        .rows
        .retain(|row| row.view == SeriesKind::proper_for(row.target.condition.group()));
    table
}

/// Rows of one group.
#[allow(dead_code, reason = "each test file uses its part of this module")]
pub fn only(mut table: PredictionTable, group: ConditionGroup) -> PredictionTable {
    table.rows.retain(|row| row.target.condition.group() == group);
    table
}
