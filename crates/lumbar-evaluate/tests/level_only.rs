//! The floor of one who knows the condition and the level alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod made_up;

use lumbar_core::{ConditionGroup, GradingScheme, Level, SeriesKind, StudyId, Target};
use lumbar_evaluate::{
    Basis, Domain, EvaluateOptions, EvaluationReport, Localisation, Part, Prediction, PredictionTable, Scope,
    evaluate,
};
use lumbar_metrics::{Estimate, Measure, Undefined};
use made_up::on_proper_views;
use std::collections::BTreeMap;

const CANAL: Scope = Scope::Group {
    group: ConditionGroup::SpinalCanal,
};
const FORAMINAL: Scope = Scope::Group {
    group: ConditionGroup::NeuralForaminal,
};

fn report(table: &PredictionTable) -> EvaluationReport {
    let options = EvaluateOptions {
        n_resamples: 200,
        ..EvaluateOptions::default()
    };
    evaluate(std::slice::from_ref(table), &options).unwrap()
}

fn value(estimate: Option<&Estimate>) -> f64 {
    estimate.expect("measured").value.expect("defined")
}

/// One row per (target, grade), each of a patient of its own, predicted by `p`.
fn table(graded: &[(&str, usize)], p: impl Fn(usize) -> Vec<f64>) -> PredictionTable {
    let row = |(i, (target, grade)): (usize, &(&str, usize))| Prediction {
        sample_id: format!("sample-{i}"),
        study: StudyId::new(i.to_string()).unwrap(),
        patient: format!("patient-{i}"),
        target: target.parse().unwrap(),
        view: SeriesKind::proper_for(target.parse::<Target>().unwrap().condition.group()),
        severity: GradingScheme::ThreeGrades.grade(*grade),
        part: Part::Test,
        fold: None,
        probabilities: p(i),
        prior: vec![0.6, 0.2, 0.2],
    };
    PredictionTable {
        scheme: GradingScheme::ThreeGrades,
        domain: Domain::Synthetic,
        localisation: Localisation::Given,
        n_graded: Default::default(),
        rows: graded.iter().enumerate().map(row).collect(),
    }
}

#[test]
fn it_says_how_common_each_grade_is_at_the_level() {
    let (upper, lower) = ("spinal_canal_stenosis_l1_l2", "spinal_canal_stenosis_l4_l5");
    let graded = [
        (upper, 0),
        (upper, 0),
        (upper, 0),
        (upper, 2),
        (lower, 0),
        (lower, 2),
        (lower, 2),
        (lower, 2),
    ];
    let report = report(&table(&graded, |_| vec![0.6, 0.2, 0.2]));
    let canal = report.subset(CANAL).unwrap();
    // Severe gets 1/4 above and 3/4 below: of 16 pairs 9 are in order, 6 tied, 1 the wrong way round.
    assert_eq!(value(canal.level_only(Measure::Auroc(2))), 12.0 / 16.0);
    let expected = -(0.75_f64.ln() * 6.0 + 0.25_f64.ln() * 2.0) / 8.0;
    assert!((value(canal.level_only(Measure::LogLoss)) - expected).abs() < 1e-15);
    // The prior of this table says the same everywhere.
    assert_eq!(value(canal.prior(Measure::Auroc(2))), 0.5);
    let difference = canal.minus_level_only(Measure::MacroAuroc).unwrap();
    assert_eq!(difference.value, Ok(0.5 - 0.75));
}

#[test]
fn it_does_not_tell_the_sides_apart() {
    let (left, right) = (
        "left_neural_foraminal_narrowing_l4_l5",
        "right_neural_foraminal_narrowing_l4_l5",
    );
    let graded = [
        (left, 0),
        (left, 0),
        (left, 2),
        (right, 0),
        (right, 2),
        (right, 2),
    ];
    let report = report(&table(&graded, |_| vec![0.6, 0.2, 0.2]));
    assert_eq!(
        value(report.subset(FORAMINAL).unwrap().level_only(Measure::Auroc(2))),
        0.5
    );
}

#[test]
fn a_model_that_knows_only_the_level_does_not_differ_from_it() {
    let mut table = on_proper_views(30, 0.0, 3);
    let mut counts: BTreeMap<(ConditionGroup, Level), Vec<f64>> = BTreeMap::new();
    let place = |row: &Prediction| (row.target.condition.group(), row.target.level);
    for row in &table.rows {
        let grade = table.scheme.index_of(row.severity.unwrap()).unwrap();
        counts.entry(place(row)).or_insert_with(|| vec![0.0; 3])[grade] += 1.0;
    }
    for row in &mut table.rows {
        let counts = &counts[&place(row)];
        let n: f64 = counts.iter().sum();
        row.probabilities = counts.iter().map(|count| count / n).collect();
    }
    let report = report(&table);
    for subset in &report.subsets {
        for difference in &subset.minus_level_only {
            if let Ok(value) = difference.value {
                assert_eq!(value, 0.0, "{}: {difference}", subset.scope);
            }
        }
    }
    for mean in &report.group_mean_auroc {
        assert_eq!(mean.minus_level_only.value, Ok(0.0));
        assert_eq!(mean.minus_level_only.interval, Some(Err(Undefined::NoVariation)));
        assert!(mean.level_only.value.unwrap() > 0.55);
    }
    assert!(
        report
            .rsna
            .minus_level_only
            .iter()
            .all(|difference| difference.value == Ok(0.0))
    );
}

/// Why there is a floor beside the prior: no level is worse than another here, and nothing is known without the image.
#[test]
fn folds_push_the_prior_below_a_half_but_not_the_floor() {
    let targets: Vec<&str> = vec!["spinal_canal_stenosis_l4_l5"; 90];
    // Folds differ in how many are severe: 4, 10 and 16 of 30.
    let severe_in = [4, 10, 16];
    let grade = |i: usize| if i / 3 < severe_in[i % 3] { 2 } else { 0 };
    let graded: Vec<(&str, usize)> = targets
        .iter()
        .enumerate()
        .map(|(i, target)| (*target, grade(i)))
        .collect();
    let mut table = table(&graded, |_| vec![0.6, 0.2, 0.2]);
    for (i, row) in table.rows.iter_mut().enumerate() {
        let severe = (30 - severe_in[i % 3]) as f64 / 60.0;
        row.prior = vec![1.0 - severe, 0.0, severe];
        row.fold = Some((i % 3) as u32);
        row.part = Part::OutOfFold;
    }
    let canal = report(&table);
    let canal = canal.subset(CANAL).unwrap();
    assert!(value(canal.prior(Measure::Auroc(2))) < 0.35);
    assert_eq!(value(canal.level_only(Measure::Auroc(2))), 0.5);
}

#[test]
fn a_model_that_sees_more_lies_above_it_with_its_interval() {
    let report = report(&on_proper_views(40, 0.8, 1));
    for group in ConditionGroup::ALL {
        let view = SeriesKind::proper_for(group);
        let subset = report.subset(Scope::GroupView { group, view }).unwrap();
        let floor = subset.level_only(Measure::MacroAuroc).unwrap();
        assert!(floor.interval.unwrap().is_ok() && value(Some(floor)) > 0.5);
        let difference = subset.minus_level_only(Measure::MacroAuroc).unwrap();
        assert!(
            difference.interval.unwrap().unwrap().low > 0.0,
            "{group}: {difference}"
        );
    }
    let bases: Vec<Basis> = report.group_mean_auroc.iter().map(|mean| mean.basis).collect();
    assert_eq!(bases, [Basis::Combined, Basis::ProperView]);
    let lies_above = |difference: &Estimate| difference.interval.unwrap().unwrap().low > 0.0;
    assert!(
        report
            .group_mean_auroc
            .iter()
            .all(|mean| lies_above(&mean.minus_level_only))
    );
    let canal = report
        .curves
        .iter()
        .find(|curves| curves.group == ConditionGroup::SpinalCanal);
    // Five levels: at most five steps.
    assert!((3..=6).contains(&canal.unwrap().roc_level_only.len()));
}
