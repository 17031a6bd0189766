//! What an evaluation says of made-up predictions whose answers are known.

mod made_up;

use lumbar_core::{ConditionGroup, GradingScheme, Level, SeriesKind, Severity};
use lumbar_evaluate::{
    Basis, Cases, Combine, Domain, EvaluateError, EvaluateOptions, EvaluationReport, Part, PredictionTable,
    Scope, compare, evaluate,
};
use lumbar_metrics::{Estimate, Undefined};
use made_up::{on_proper_views, only, run};

fn options() -> EvaluateOptions {
    EvaluateOptions {
        n_resamples: 120,
        ..EvaluateOptions::default()
    }
}

fn value(estimate: Option<&Estimate>) -> f64 {
    estimate.expect("measured").value.expect("defined")
}

#[test]
fn a_model_that_sees_something_beats_the_prior_and_an_oracle_beats_both() {
    let oracle = on_proper_views(40, 3.0, 9);
    let with_oracle = EvaluateOptions {
        oracle: Some(oracle),
        ..options()
    };
    let report = evaluate(&[on_proper_views(40, 0.8, 1)], &with_oracle).unwrap();
    assert_eq!((report.counts.n_cases, report.counts.n_patients), (1_000, 40));
    for group in ConditionGroup::ALL {
        let view = SeriesKind::proper_for(group);
        let subset = report.subset(Scope::GroupView { group, view }).unwrap();
        let difference = subset.minus_prior("log_loss_grade_weighted").unwrap();
        assert!(
            difference.interval.unwrap().unwrap().high < 0.0,
            "{group}: {difference}"
        );
        let loss = "log_loss_grade_weighted";
        assert!(value(subset.oracle(loss)) < value(subset.model(loss)));
        assert!(value(subset.model(loss)) < value(subset.prior(loss)));
    }
    let mean = report
        .group_mean_auroc
        .iter()
        .find(|m| m.basis == Basis::ProperView)
        .unwrap();
    assert_eq!(mean.groups.len(), 3);
    let interval = mean.model.interval.unwrap().unwrap();
    assert!(interval.contains(mean.model.value.unwrap()));
    // Levels differ in how often they are narrowed: knowing the level alone is worth more than a coin.
    assert!(mean.prior.value.unwrap() > 0.55 && mean.prior.value.unwrap() < interval.low);
    assert!(mean.minus_prior.interval.unwrap().unwrap().low > 0.0);
}

#[test]
fn the_mean_over_groups_is_the_mean_of_the_groups() {
    let report = evaluate(&[on_proper_views(30, 0.5, 2)], &options()).unwrap();
    let of_groups: f64 = ConditionGroup::ALL
        .iter()
        .map(|group| {
            value(
                report
                    .subset(Scope::Group { group: *group })
                    .unwrap()
                    .model("auroc_macro"),
            )
        })
        .sum();
    assert!((report.group_mean_auroc[0].model.value.unwrap() - of_groups / 3.0).abs() < 1e-12);
}

#[test]
fn a_model_that_knows_only_the_prior_differs_from_it_by_nothing() {
    let mut table = on_proper_views(30, 0.0, 3);
    for row in &mut table.rows {
        row.probabilities.clone_from(&row.prior);
    }
    let report = evaluate(&[table], &options()).unwrap();
    let all = report.subset(Scope::All).unwrap();
    let difference = all.minus_prior("log_loss_grade_weighted").unwrap();
    assert_eq!(difference.value, Ok(0.0));
    assert_eq!(difference.interval, Some(Err(Undefined::NoVariation)));
    // Within one column the prior is constant: it ranks nothing.
    let group = ConditionGroup::SpinalCanal;
    let column = report
        .subset(Scope::GroupLevel {
            group,
            level: Level::L4L5,
        })
        .unwrap();
    assert_eq!(value(column.model("auroc_grade_1")), 0.5);
}

#[test]
fn the_order_of_rows_and_tables_of_one_run_does_not_show() {
    let table = run(20, 0.6, 4, &SeriesKind::ALL);
    let mut reversed = table.clone();
    reversed.rows.reverse();
    assert_eq!(
        evaluate(&[table], &options()).unwrap(),
        evaluate(&[reversed], &options()).unwrap()
    );
}

#[test]
fn metrics_json_comes_back_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.json");
    let report = evaluate(&[run(12, 0.6, 5, &SeriesKind::ALL)], &options()).unwrap();
    report.write(&path).unwrap();
    let read = EvaluationReport::read(&path).unwrap();
    assert!(read == report, "a number or a reason changed on the way");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("NaN") && text.contains("\"schema_version\": 1"));
    let left_over: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left_over.len(), 1);
}

#[test]
fn without_a_severe_case_its_auroc_is_undefined_with_the_reason() {
    let mut table = on_proper_views(20, 0.6, 6);
    table.rows.retain(|row| row.severity != Some(Severity::Severe));
    let report = evaluate(&[table], &options()).unwrap();
    let all = report.subset(Scope::All).unwrap();
    assert_eq!(
        all.model("auroc_grade_2").unwrap().value,
        Err(Undefined::NoPositives)
    );
    let macro_auroc = all.model("auroc_macro").unwrap();
    assert_eq!(macro_auroc.grades_used.map(|g| (g.used, g.of)), Some((2, 3)));
    let any_severe = report
        .rsna
        .model
        .iter()
        .find(|e| e.measure == "rsna_any_severe_spinal")
        .unwrap();
    assert_eq!(any_severe.value, Err(Undefined::SingleClass));
    let curves = report
        .curves
        .iter()
        .find(|c| c.grade == Severity::Severe)
        .unwrap();
    assert_eq!(
        (curves.undefined, curves.roc.len()),
        (Some(Undefined::NoPositives), 0)
    );
    let canal = report
        .curves
        .iter()
        .find(|c| c.grade == Severity::Moderate)
        .unwrap();
    assert_eq!(canal.roc.last(), Some(&[1.0, 1.0]));
    // Where no resample ranks a target wrongly there is no band of zero width.
    let separates = canal.roc.contains(&[0.0, 1.0]);
    assert_eq!(canal.roc_band.len() <= 10, separates, "{:?}", canal.roc);
}

#[test]
fn views_are_compared_on_the_targets_graded_from_both() {
    let mut table = run(25, 0.6, 7, &[SeriesKind::SagittalT2, SeriesKind::AxialT2]);
    // The axial slab does not reach L1/L2.
    table
        .rows
        .retain(|row| row.view != SeriesKind::AxialT2 || row.target.level != Level::L1L2);
    let report = evaluate(&[table], &options()).unwrap();
    let scope = Scope::Group {
        group: ConditionGroup::SpinalCanal,
    };
    let canal = report.views.iter().find(|v| v.scope == scope).unwrap();
    assert_eq!((canal.n_cases, canal.n_patients), (25 * 4, 25));
    let names: Vec<&str> = canal.comparisons.iter().map(|c| c.a.measure.as_str()).collect();
    assert_eq!(
        names,
        ["log_loss_grade_weighted", "auroc_macro", "kappa_quadratic"]
    );
    let [a, b] = [&canal.comparisons[1].a, &canal.comparisons[1].b].map(|e| e.value.unwrap());
    assert!((canal.comparisons[1].difference.value.unwrap() - (a - b)).abs() < 1e-15);
    // Groups and conditions: 3 + 5.
    assert_eq!(report.views.len(), 8);
}

#[test]
fn runs_are_combined_as_asked_for() {
    let table = only(run(1, 0.5, 8, &SeriesKind::ALL), ConditionGroup::SpinalCanal);
    let rows_of = |target, view: Option<SeriesKind>| {
        let rows = table.rows.iter().filter(move |row| row.target == target);
        let of_view: Vec<f64> = rows
            .filter(|row| view.is_none_or(|view| row.view == view))
            .map(|row| row.probabilities[2])
            .collect();
        of_view.iter().sum::<f64>() / of_view.len() as f64
    };
    let combined = |combine| {
        let options = EvaluateOptions { combine, ..options() };
        Cases::combine(&[table.clone(), table.clone()], &options)
            .unwrap()
            .cases
            .swap_remove(2)
    };
    let proper = combined(Combine::ProperView);
    assert_eq!(
        proper.views.iter().copied().collect::<Vec<_>>(),
        [SeriesKind::SagittalT2]
    );
    assert_eq!(proper.n_rows, 2);
    assert!((proper.probabilities[2] - rows_of(proper.target, Some(SeriesKind::SagittalT2))).abs() < 1e-12);
    let mean = combined(Combine::Mean);
    assert_eq!((mean.views.len(), mean.n_rows), (3, 6));
    assert!((mean.probabilities[2] - rows_of(mean.target, None)).abs() < 1e-12);
}

#[test]
fn two_series_of_a_run_count_as_one_view() {
    let one = only(
        run(1, 0.5, 8, &[SeriesKind::AxialT2, SeriesKind::SagittalT1]),
        ConditionGroup::SpinalCanal,
    );
    let mut with_copy = one.clone();
    let mut copy = one.rows[0].clone();
    copy.sample_id.push_str("-second-series");
    with_copy.rows.push(copy);
    let first = |table: PredictionTable| Cases::combine(&[table], &options()).unwrap().cases.swap_remove(0);
    let (plain, doubled) = (first(one), first(with_copy));
    assert_eq!((plain.n_rows, doubled.n_rows), (2, 3));
    assert_eq!(plain.probabilities, doubled.probabilities);
}

#[test]
fn a_run_compared_with_itself_differs_by_nothing() {
    let (a, b) = (on_proper_views(20, 0.8, 1), on_proper_views(18, 0.2, 2));
    let same = compare(std::slice::from_ref(&a), std::slice::from_ref(&a), &options()).unwrap();
    assert!(same.rsna.iter().all(|c| c.difference.value == Ok(0.0)));
    let report = compare(&[a], &[b], &options()).unwrap();
    assert_eq!((report.n_cases, report.n_only_a, report.n_only_b), (450, 50, 0));
    assert!(report.rsna[0].difference.value.unwrap() < 0.0);
}

#[test]
fn the_validation_part_is_evaluated_only_on_request() {
    let mut table = on_proper_views(5, 0.5, 1);
    table.rows.iter_mut().for_each(|row| row.part = Part::Valid);
    let error = evaluate(std::slice::from_ref(&table), &options())
        .unwrap_err()
        .to_string();
    let expected = "no predictions of the part `out_of_fold` or `test`; the tables hold 125 of `valid`";
    assert_eq!(error, expected);
    let asked = EvaluateOptions {
        part: Some(Part::Valid),
        ..options()
    };
    assert_eq!(evaluate(&[table], &asked).unwrap().settings.part, Part::Valid);
}

#[test]
fn tables_that_do_not_belong_together_are_refused() {
    let a = on_proper_views(3, 0.5, 1);
    assert!(matches!(evaluate(&[], &options()), Err(EvaluateError::NoTables)));
    let clinical = PredictionTable {
        domain: Domain::Clinical,
        ..a.clone()
    };
    let error = evaluate(&[a.clone(), clinical], &options())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the predictions differ in domain: synthetic and clinical; expected one and the same"
    );
    let mut regraded = a.clone();
    regraded.rows[0].severity = Some(Severity::Severe);
    let mut normal = a.clone();
    normal.rows[0].severity = Some(Severity::NormalMild);
    assert!(matches!(
        evaluate(&[normal, regraded], &options()),
        Err(EvaluateError::Conflict { what: "grade", .. })
    ));
    let short_oracle = EvaluateOptions {
        oracle: Some(on_proper_views(2, 1.0, 1)),
        ..options()
    };
    assert!(matches!(
        evaluate(&[a], &short_oracle),
        Err(EvaluateError::OracleIncomplete { .. })
    ));
}

#[test]
fn four_grades_are_scored_as_three() {
    let mut table = on_proper_views(15, 0.7, 1);
    table.scheme = GradingScheme::FourGrades;
    for row in &mut table.rows {
        let halve = |p: &[f64]| vec![0.5 * p[0], 0.5 * p[0], p[1], p[2]];
        row.probabilities = halve(&row.probabilities);
        row.prior = halve(&row.prior);
        row.severity = row.severity.map(|s| {
            if s == Severity::NormalMild {
                Severity::Mild
            } else {
                s
            }
        });
    }
    let four = evaluate(&[table], &options()).unwrap();
    let three = evaluate(&[on_proper_views(15, 0.7, 1)], &options()).unwrap();
    for (four, three) in four.rsna.model.iter().zip(&three.rsna.model) {
        assert!((four.value.unwrap() - three.value.unwrap()).abs() < 1e-12);
    }
}

#[test]
fn a_score_of_part_of_the_graded_targets_says_so() {
    let mut whole = on_proper_views(12, 0.5, 1);
    let counts = |table: &PredictionTable| evaluate(std::slice::from_ref(table), &options()).unwrap().counts;
    let n_cases = counts(&whole).n_cases;
    assert_eq!(counts(&whole).n_graded, None);
    assert!(!counts(&whole).is_partial(), "not known is not partial");
    whole.n_graded = [(Part::OutOfFold, n_cases), (Part::Test, n_cases)].into();
    assert_eq!(counts(&whole).n_graded, Some(n_cases));
    assert!(!counts(&whole).is_partial());
    let canal = only(whole.clone(), ConditionGroup::SpinalCanal);
    assert!(counts(&canal).n_cases < n_cases && counts(&canal).is_partial());
}

#[test]
fn an_evaluation_knows_the_predictions_it_was_made_from() {
    let tables = [on_proper_views(6, 0.5, 1), run(6, 0.5, 1, &[SeriesKind::AxialT2])];
    let report = evaluate(&tables, &options()).unwrap();
    assert!(report.is_of(&tables));
    let [a, b] = tables;
    assert!(report.is_of(&[b, a.clone()]), "in any order");
    assert!(!report.is_of(&[a]));
    let other = [on_proper_views(6, 0.5, 2), run(6, 0.5, 1, &[SeriesKind::AxialT2])];
    assert!(!report.is_of(&other));
}
