//! `data-spec/metrics-json.md` names every key of `metrics.json`, and no other.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod made_up;

use lumbar_core::{SeriesKind, Severity};
use lumbar_evaluate::{EvaluateOptions, Part, evaluate};
use made_up::{on_proper_views, run};
use serde_json::Value;
use std::collections::BTreeSet;

const SPEC: &str = include_str!("../../../data-spec/metrics-json.md");

/// A report with everything there can be: oracle, several views, numbers and intervals that do not exist.
fn report() -> Value {
    let mut oracle = run(12, 2.0, 5, &SeriesKind::ALL);
    oracle.rows.iter_mut().for_each(|row| row.sample_id.push('o'));
    let options = EvaluateOptions {
        n_resamples: 100,
        oracle: Some(oracle),
        ..EvaluateOptions::default()
    };
    let mut table = run(12, 0.6, 5, &SeriesKind::ALL);
    table.n_graded = [(Part::OutOfFold, 300), (Part::Test, 300)].into();
    // One severe foramen is too few for an interval; no canal is severe.
    let mut n_severe = 0;
    table.rows.retain(|row| {
        let is_severe = row.severity == Some(Severity::Severe);
        n_severe += usize::from(is_severe && row.target.condition.side().is_some());
        !is_severe || (row.target.condition.side().is_some() && n_severe <= 1)
    });
    serde_json::to_value(evaluate(&[table], &options).unwrap()).unwrap()
}

/// What the first column of the table under a heading names.
fn described(heading: &str) -> BTreeSet<String> {
    let (_, section) = SPEC
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no section `{heading}`"));
    let section = section.split("\n## ").next().unwrap_or(section);
    let names = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn keys<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let objects = objects.into_iter().filter_map(Value::as_object);
    objects.flat_map(|object| object.keys().cloned()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Every object in it that is a number with its measure.
fn estimates<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            if object.contains_key("measure") {
                found.push(value);
            }
            object.values().for_each(|value| estimates(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| estimates(value, found)),
        _ => {}
    }
}

#[test]
fn every_key_is_described_and_every_description_has_its_key() {
    let report = report();
    assert_eq!(described("The whole"), keys([&report]));
    assert_eq!(described("Settings"), keys([&report["settings"]]));
    assert_eq!(described("Counts"), keys([&report["counts"]]));
    assert_eq!(described("Official score"), keys([&report["rsna"]]));
    assert_eq!(described("Group mean"), keys(list(&report["group_mean_auroc"])));
    assert_eq!(described("A subset"), keys(list(&report["subsets"])));
    assert_eq!(described("Views"), keys(list(&report["views"])));
    assert_eq!(described("Curves"), keys(list(&report["curves"])));
    assert_eq!(
        described("Human agreement"),
        keys(list(&report["human_agreement"]))
    );
    let mut numbers = Vec::new();
    estimates(&report, &mut numbers);
    assert_eq!(described("A number"), keys(numbers));
}

#[test]
fn every_kind_of_scope_is_described_with_its_keys() {
    let report = report();
    let scopes = || list(&report["subsets"]).iter().map(|subset| &subset["scope"]);
    let kinds: BTreeSet<String> = scopes()
        .filter_map(|scope| Some(scope["kind"].as_str()?.to_owned()))
        .collect();
    assert_eq!(described("Scopes"), kinds);
    for scope in scopes() {
        let kind = scope["kind"].as_str().unwrap();
        let line = SPEC
            .lines()
            .find(|line| line.starts_with(&format!("| `{kind}` |")))
            .unwrap();
        for key in keys([scope]).iter().filter(|key| *key != "kind") {
            assert!(line.contains(&format!("`{key}`")), "{kind}: {key}");
            let value = scope[key].as_str().unwrap();
            let is_condition_or_level = key == "condition" || key == "level";
            assert!(
                is_condition_or_level || SPEC.contains(&format!("`{value}`")),
                "{value}"
            );
        }
    }
}

/// What lies deeper is named somewhere on the page or on the page of measures it refers to.
#[test]
fn keys_within_are_named() {
    fn collect(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| {
                names.insert(key.clone());
                collect(value, names);
            }),
            Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    collect(&report(), &mut names);
    let measures = include_str!("../../../data-spec/metrics.md");
    for name in names {
        let named = |page: &str| page.contains(&format!("`{name}`")) || page.contains(&format!("\"{name}\""));
        assert!(named(SPEC) || named(measures), "`{name}` is not named");
    }
}

#[test]
fn a_number_has_a_value_or_a_reason_and_counts() {
    let mut all = Vec::new();
    let report = report();
    estimates(&report, &mut all);
    assert!(all.len() > 2_000);
    let mut n_undefined = 0;
    for number in all {
        let has = |key: &str| number.get(key).is_some_and(|value| !value.is_null());
        assert!(has("value") != has("undefined"), "{number}");
        assert!(!(has("interval") && has("interval_undefined")), "{number}");
        assert!(has("n") && has("n_clusters"), "{number}");
        n_undefined += usize::from(has("undefined"));
        if let Some(reason) = number.get("undefined").or(number.get("interval_undefined")) {
            let code = reason["reason"].as_str().expect("a reason has a code");
            assert!(SPEC.contains(&format!("`{code}`")), "{code}");
        }
    }
    assert!(n_undefined > 20, "{n_undefined}");
}

#[test]
fn a_report_without_an_oracle_leaves_its_key_out() {
    let options = EvaluateOptions {
        n_resamples: 100,
        ..EvaluateOptions::default()
    };
    let report = evaluate(&[on_proper_views(5, 0.5, 1)], &options).unwrap();
    let report = serde_json::to_value(report).unwrap();
    assert!(report["rsna"].get("oracle").is_none());
    assert!(
        list(&report["subsets"])
            .iter()
            .all(|subset| subset.get("oracle").is_none())
    );
}
