//! `data-spec/metrics.md` names every measure, reason and method there is, and no other reason.

use lumbar_metrics::{Binning, Ece, EceOf, IntervalMethod, Measure, Undefined};
use std::collections::BTreeSet;

const SPEC: &str = include_str!("../../../data-spec/metrics.md");

#[test]
fn every_measure_is_described() {
    let mut measures = Measure::full_set(2);
    for of in [EceOf::ClassWise, EceOf::Cumulative] {
        measures.push(Measure::Ece(Ece {
            of,
            binning: Binning::EqualWidth(7),
        }));
    }
    for measure in measures {
        let name = measure.to_string();
        // A number at the end is a grade (g) or of bins (n).
        let general = match name.rsplit_once('_') {
            Some((head, number)) if number.parse::<u16>().is_ok() => {
                format!("{head}_{}", if head.starts_with("ece") { 'n' } else { 'g' })
            }
            _ => name.clone(),
        };
        assert!(
            SPEC.contains(&format!("| `{general}` |")),
            "{name} is not described"
        );
    }
}

#[test]
fn exactly_the_reasons_there_are_are_described() {
    let all = [
        Undefined::NoCases,
        Undefined::SingleClass,
        Undefined::NoPositives,
        Undefined::NoNegatives,
        Undefined::NeverPredicted,
        Undefined::GradeAbsent,
        Undefined::Constant,
        Undefined::AbsentGrades { used: 2, of: 3 },
        Undefined::TooFewEvents {
            undefined: 1,
            resamples: 2,
        },
        Undefined::TooFewClusters { found: 1 },
        Undefined::NoCorrection,
        Undefined::NoVariation,
        Undefined::Suppressed { n: 1, minimum: 2 },
        Undefined::UndefinedPart,
    ];
    let codes: BTreeSet<&str> = all.iter().map(|reason| reason.code()).collect();
    let (_, reasons) = SPEC.split_once("## Reasons").expect("the heading stands there");
    let (reasons, _) = reasons.split_once("\n## ").expect("another heading follows");
    let described: BTreeSet<&str> = reasons
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(described, codes);
    for reason in all {
        // The code in JSON is the code in the table, and comes back as the reason.
        let json = serde_json::to_value(reason).unwrap();
        assert_eq!(json["reason"], reason.code());
        assert_eq!(serde_json::from_value::<Undefined>(json).unwrap(), reason);
        assert!(!reason.to_string().is_empty());
    }
}

#[test]
fn every_interval_method_is_described() {
    use IntervalMethod::*;
    for method in [Percentile, Bca, Delong, Obuchowski, Wilson, WilsonClusters] {
        let code = serde_json::to_value(method).unwrap();
        assert!(
            SPEC.contains(&format!("`{}`", code.as_str().unwrap())),
            "{method:?}"
        );
    }
}
