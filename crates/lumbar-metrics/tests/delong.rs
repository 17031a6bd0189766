//! Against R's pROC 1.18.0 (`golden/make_delong.R`) and the definitions of Obuchowski 1997 pair by pair
//! (`golden/make_obuchowski.py`).

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::{Golden, assert_close};
use lumbar_metrics::{
    Binary, IntervalMethod, Share, Undefined,
    delong::{DelongError, Rows, auroc_difference, auroc_interval, auroc_variance},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct ProcCase {
    name: String,
    happened: Vec<u8>,
    a: Vec<f64>,
    b: Vec<f64>,
    auroc_a: f64,
    auroc_b: f64,
    variance_a: f64,
    covariance: f64,
    ci95: [f64; 2],
    ci80: [f64; 2],
    z: f64,
    p_value: f64,
}

fn binary(scores: &[f64], happened: &[u8]) -> Binary {
    let happened: Vec<bool> = happened.iter().map(|h| *h == 1).collect();
    Binary::new(scores, &happened).unwrap()
}

fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

#[test]
fn plain_delong_equals_proc() {
    let golden: Golden<ProcCase> = serde_json::from_str(include_str!("golden/delong.json")).unwrap();
    assert!(golden.cases.len() >= 16);
    for case in golden.cases {
        let (a, b) = (binary(&case.a, &case.happened), binary(&case.b, &case.happened));
        assert_close(a.auroc().unwrap(), case.auroc_a, &case.name);
        let variance = |cases: &Binary| auroc_variance(cases, Rows::Independent).unwrap();
        assert_close(variance(&a), case.variance_a, &case.name);
        for (level, [low, high]) in [(0.95, case.ci95), (0.8, case.ci80)] {
            let estimate = auroc_interval(&a, share(level), Rows::Independent).unwrap();
            let interval = estimate.interval.unwrap().unwrap();
            assert_eq!(interval.method, IntervalMethod::Delong);
            assert_close(interval.low, low, &case.name);
            assert_close(interval.high, high, &case.name);
        }
        let test = auroc_difference(&a, &b, share(0.95), Rows::Independent).unwrap();
        assert_close(test.b, case.auroc_b, &case.name);
        let covariance = 0.5 * (variance(&a) + variance(&b) - test.standard_error.powi(2));
        // A difference of variances, so the digits it keeps are those of the larger ones.
        assert!(
            (covariance - case.covariance).abs() < 1e-12 * case.variance_a.max(1e-3),
            "{}",
            case.name
        );
        assert_close(test.z, case.z, &case.name);
        assert_close(test.p_value, case.p_value, &case.name);
    }
}

#[derive(Deserialize)]
struct ClusteredCase {
    name: String,
    happened: Vec<u8>,
    clusters: Vec<u32>,
    a: Vec<f64>,
    b: Vec<f64>,
    auroc_a: f64,
    variance_a: f64,
    variance_difference: f64,
}

#[test]
fn clustered_form_equals_its_definition_pair_by_pair() {
    let golden: Golden<ClusteredCase> = serde_json::from_str(include_str!("golden/obuchowski.json")).unwrap();
    assert!(golden.cases.len() >= 12);
    for case in golden.cases {
        let of = |scores: &[f64]| {
            binary(scores, &case.happened)
                .with_clusters(&case.clusters)
                .unwrap()
        };
        let (a, b) = (of(&case.a), of(&case.b));
        assert_close(a.auroc().unwrap(), case.auroc_a, &case.name);
        assert_close(
            auroc_variance(&a, Rows::Clustered).unwrap(),
            case.variance_a,
            &case.name,
        );
        let difference = auroc_difference(&a, &b, share(0.95), Rows::Clustered).unwrap();
        assert_close(
            difference.standard_error.powi(2),
            case.variance_difference,
            &case.name,
        );
    }
}

#[test]
fn with_one_row_per_cluster_both_forms_agree() {
    let scores = [0.9, 0.7, 0.7, 0.4, 0.3, 0.35, 0.1];
    let happened = [1, 1, 0, 1, 0, 0, 0];
    let plain = auroc_variance(&binary(&scores, &happened), Rows::Independent).unwrap();
    let single = binary(&scores, &happened)
        .with_clusters(&[6, 3, 1, 0, 2, 5, 4])
        .unwrap();
    assert_close(
        auroc_variance(&single, Rows::Clustered).unwrap(),
        plain,
        "Obuchowski",
    );
    assert_close(
        auroc_variance(&single, Rows::Independent).unwrap(),
        plain,
        "DeLong",
    );
}

#[test]
fn what_the_formula_cannot_do_is_an_error() {
    let cases = || binary(&[0.9, 0.7, 0.4, 0.2], &[1, 0, 1, 0]);
    let clustered = cases().with_clusters(&["a", "a", "b", "b"]).unwrap();
    let n = DelongError::SharedClusters {
        n_rows: 4,
        n_clusters: 2,
    };
    assert_eq!(auroc_variance(&clustered, Rows::Independent), Err(n));
    assert!(auroc_variance(&clustered, Rows::IndependentDespiteClusters).is_ok());
    assert_eq!(
        auroc_variance(&cases(), Rows::Clustered),
        Err(DelongError::NoClusters)
    );
    let weighted = cases().with_weights(&[1.0, 2.0, 1.0, 1.0]).unwrap();
    assert_eq!(
        auroc_variance(&weighted, Rows::Independent),
        Err(DelongError::Weighted)
    );
    assert_eq!(
        auroc_variance(&binary(&[0.1, 0.2, 0.3], &[1, 0, 0]), Rows::Independent),
        Err(Undefined::TooFewClusters { found: 1 }.into())
    );
    assert_eq!(
        auroc_variance(&binary(&[0.1, 0.2], &[0, 0]), Rows::Independent),
        Err(Undefined::NoPositives.into())
    );
    let other = binary(&[0.9, 0.7, 0.4, 0.2], &[1, 1, 0, 0]);
    assert!(matches!(
        auroc_difference(&cases(), &other, share(0.95), Rows::Independent),
        Err(DelongError::Input(_))
    ));
    assert_eq!(
        auroc_difference(&cases(), &cases(), share(0.95), Rows::Independent),
        Err(Undefined::Constant.into())
    );
}
