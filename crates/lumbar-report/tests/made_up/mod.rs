//! A made-up report: no image, no model and no patient behind any of its numbers.

use lumbar_core::{ConditionGroup, GradingScheme, SeriesKind, Severity, StudyId, Target};
use lumbar_evaluate::{
    Domain, EvaluateOptions, EvaluationReport, Localisation, Part, Prediction, PredictionTable, evaluate,
};
use lumbar_report::{
    Control, EpochRecord, ExampleCrop, Exclusion, FlowStage, LearningCurve, ReportInput, RunFacts, SplitSize,
    StageTime,
};

/// Numbers from 0 to 1 that look random (SplitMix64) and are the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal: a sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// A whole report on so many made-up studies.
pub fn input(n_studies: usize, n_resamples: usize) -> ReportInput {
    let options = |oracle| EvaluateOptions {
        n_resamples,
        oracle,
        ..EvaluateOptions::default()
    };
    let measured = |tables: &[PredictionTable], oracle: Option<PredictionTable>| -> EvaluationReport {
        evaluate(tables, &options(oracle)).expect("made-up predictions can be measured")
    };
    let evaluation = measured(
        &[predictions(n_studies, 1.6, 1)],
        Some(predictions(n_studies, 4.0, 2)),
    );
    ReportInput {
        title: "Lumbar demo (made-up example)".into(),
        flow: flow(n_studies as u64),
        splits: splits(n_studies as u64),
        examples: examples(),
        runs: ["sagittal_t2", "sagittal_t1", "axial_t2"]
            .into_iter()
            .enumerate()
            .map(run)
            .collect(),
        evaluation,
        controls: vec![
            Control {
                name: "Shuffled training labels".into(),
                expectation: "the score should fall back to the prior".into(),
                evaluation: measured(&[predictions(n_studies, 0.0, 3)], None),
            },
            Control {
                name: "Central 20 mm blanked".into(),
                expectation: "AUROC should fall to what the level alone gives".into(),
                evaluation: measured(&[predictions(n_studies, 0.02, 4)], None),
            },
        ],
        stages: stages(),
        notes: vec!["All numbers on this page are made up to show its layout.".into()],
        provenance: [
            ("lumbar", "0.1.0"),
            ("Command", "cargo run -p lumbar-report --example made_up_report"),
            (
                "Data set digest",
                "9f2c41d07e6be1b2c4f7a8d0b5a3e6f19f2c41d07e6be1b2c4f7a8d0b5a3e6f1",
            ),
            ("Seed", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    }
}

/// The same with almost nothing in it: two patients, no severe case, one view.
pub fn bare_input() -> ReportInput {
    let mut table = predictions(2, 1.6, 1);
    table.domain = Domain::Clinical;
    table
        .rows
        .retain(|row| row.severity != Some(Severity::Severe) && row.view == SeriesKind::SagittalT2);
    let options = EvaluateOptions {
        n_resamples: 100,
        ..EvaluateOptions::default()
    };
    ReportInput {
        title: "Run <7> & more".into(),
        flow: Vec::new(),
        splits: Vec::new(),
        examples: Vec::new(),
        runs: Vec::new(),
        evaluation: evaluate(&[table], &options).expect("made-up predictions can be measured"),
        controls: Vec::new(),
        stages: Vec::new(),
        notes: Vec::new(),
        provenance: Vec::new(),
    }
}

fn views_of(group: ConditionGroup) -> [SeriesKind; 2] {
    match group {
        ConditionGroup::SpinalCanal => [SeriesKind::SagittalT2, SeriesKind::AxialT2],
        ConditionGroup::NeuralForaminal => [SeriesKind::SagittalT1, SeriesKind::AxialT2],
        ConditionGroup::Subarticular => [SeriesKind::SagittalT2, SeriesKind::AxialT2],
    }
}

fn predictions(n_studies: usize, skill: f64, seed: u64) -> PredictionTable {
    let mut noise = Numbers(seed);
    let mut rows = Vec::new();
    for study_idx in 0..n_studies {
        let mut truth = Numbers(77_000 + study_idx as u64);
        let wear = truth.normal();
        for target in Target::all() {
            let by_level = [-0.9, -0.4, 0.1, 0.7, 0.0][target.level.index()];
            let narrowing = 0.6 * wear + 0.7 * truth.normal() + by_level;
            let grade_idx = usize::from(narrowing > 0.75) + usize::from(narrowing > 1.6);
            let group = target.condition.group();
            for view in views_of(group) {
                // Sees the narrowing through noise, and weighs what it sees as one who knows how noisy it is.
                let worse = if view == SeriesKind::proper_for(group) {
                    1.0
                } else {
                    1.7
                };
                let noise_sd = worse / skill.max(0.01);
                let trust = SPREAD / (SPREAD + noise_sd * noise_sd);
                let seen = by_level + trust * (narrowing - by_level + noise_sd * noise.normal());
                let unsure = (SPREAD * (1.0 - trust)).sqrt();
                rows.push(Prediction {
                    sample_id: format!("{study_idx}-{target}-{view}"),
                    study: StudyId::new((4_000_000 + study_idx).to_string()).expect("digits are an id"),
                    patient: format!("patient-{study_idx}"),
                    target,
                    view,
                    severity: GradingScheme::ThreeGrades.grade(grade_idx),
                    part: Part::OutOfFold,
                    fold: Some((study_idx % 3) as u32),
                    probabilities: probabilities(seen, unsure),
                    prior: probabilities(by_level, SPREAD.sqrt()),
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

/// Variance of the narrowing about the mean of its level: 0.6² + 0.7².
const SPREAD: f64 = 0.85;

/// Of a narrowing known up to a standard deviation; the logistic with scale 0.588 is within 0.01 of the normal.
fn probabilities(narrowing: f64, unsure: f64) -> Vec<f64> {
    let at_least = |threshold: f64| 1.0 / (1.0 + ((threshold - narrowing) / (0.588 * unsure)).exp());
    let (moderate, severe) = (at_least(0.75), at_least(1.6));
    vec![1.0 - moderate, moderate - severe, severe]
}

fn exclusion(count: u64, reason: &str, meaning: &str) -> Exclusion {
    Exclusion {
        reason: reason.into(),
        meaning: meaning.into(),
        count,
    }
}

fn flow(n: u64) -> Vec<FlowStage> {
    vec![
        FlowStage {
            what: "files".into(),
            came_in: 76 * n + 5,
            went_on: 76 * n,
            as_what: "slices in 186 series".into(),
            excluded: vec![
                exclusion(4, "NotDicom", "no DICOM file: README and label tables"),
                exclusion(1, "Truncated", "the pixel data end early"),
            ],
        },
        FlowStage {
            what: "targets and views".into(),
            came_in: 50 * n,
            went_on: 50 * n - 37,
            as_what: "samples".into(),
            excluded: vec![
                exclusion(24, "LevelNotCovered", "the axial stacks do not reach the disc"),
                exclusion(10, "NoSeries", "the study has no series of this kind"),
                exclusion(3, "NoLabel", "no grade given"),
            ],
        },
    ]
}

fn splits(n: u64) -> Vec<SplitSize> {
    (0..3)
        .map(|fold| SplitSize {
            name: format!("fold {fold}"),
            n_patients: n / 3,
            n_studies: n / 3,
            n_samples: 50 * n / 3 - 12,
            n_of_grade: vec![36 * n / 3, 9 * n / 3, 5 * n / 3, 1],
        })
        .collect()
}

/// Ellipses that get narrower: pictures to lay out, nothing more.
fn examples() -> Vec<ExampleCrop> {
    let mut crops = Vec::new();
    let mut noise = Numbers(5);
    for group in ConditionGroup::ALL {
        for view in views_of(group) {
            for (grade_idx, severity) in GradingScheme::ThreeGrades.grades().iter().enumerate() {
                for (i, level) in ["L2/L3", "L4/L5"].into_iter().enumerate() {
                    let half_height = 20.0 - 7.0 * grade_idx as f64 - i as f64;
                    let mut pixel = |x: f64, y: f64| {
                        let inside = ((x - 32.0) / 22.0).powi(2) + ((y - 32.0) / half_height).powi(2) < 1.0;
                        let grey = if inside {
                            190.0
                        } else {
                            70.0 + 20.0 * (y / 9.0).sin()
                        };
                        (grey + 14.0 * noise.normal()).clamp(0.0, 255.0) as u8
                    };
                    let pixels = (0..64 * 64)
                        .map(|i| pixel(f64::from(i % 64), f64::from(i / 64)))
                        .collect();
                    crops.push(ExampleCrop {
                        group,
                        view,
                        severity: *severity,
                        caption: format!("{level}, study 40000{i}{grade_idx}"),
                        width: 64,
                        height: 64,
                        pixels,
                        directions: match view {
                            SeriesKind::AxialT2 => ["R", "L", "A", "P"],
                            _ => ["A", "P", "H", "F"],
                        }
                        .map(str::to_owned),
                        mm_per_pixel: 1.25,
                    });
                }
            }
        }
    }
    // One row keeps a gap: there is not always an example of a grade.
    crops.retain(|crop| {
        !(crop.group == ConditionGroup::Subarticular
            && crop.view == SeriesKind::SagittalT2
            && crop.severity == Severity::Severe)
    });
    crops
}

fn run((idx, name): (usize, &str)) -> RunFacts {
    let mut noise = Numbers(40 + idx as u64);
    let curve = |fold: usize, noise: &mut Numbers| LearningCurve {
        name: format!("fold {fold}"),
        epochs: (0..12)
            .map(|epoch| {
                let t = epoch as f64;
                EpochRecord {
                    epoch,
                    step: 40 * (epoch + 1),
                    learning_rate: 1e-3 * (1.0 - t / 12.0),
                    train_loss: 0.25 + 0.7 * (-t / 3.0).exp() + 0.01 * noise.normal(),
                    valid_loss: 0.5 + 0.45 * (-t / 2.5).exp() + 0.006 * t + 0.015 * noise.normal(),
                    seconds: 3.1,
                    samples_per_second: 420.0,
                }
            })
            .collect(),
    };
    RunFacts {
        calibrated: Some(idx == 0),
        mirrors_right: true,
        name: name.into(),
        facts: [
            ("Network", "custom_cnn, 64 px, 3 slices"),
            ("Device", "flex"),
            ("Time", "1 min 52 s"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        curves: (0..3).map(|fold| curve(fold, &mut noise)).collect(),
    }
}

fn stages() -> Vec<StageTime> {
    [
        ("Phantoms", 41.2),
        ("Ingest", 2.3),
        ("Data set", 9.8),
        ("Train sagittal_t2", 71.0),
        ("Train sagittal_t1", 64.5),
        ("Train axial_t2", 83.4),
        ("Evaluate", 4.9),
    ]
    .map(|(name, seconds)| StageTime {
        name: name.to_owned(),
        seconds,
    })
    .to_vec()
}
