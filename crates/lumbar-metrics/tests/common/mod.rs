//! What the tests share.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use lumbar_metrics::{Evaluation, Undefined};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Cases made by `tests/golden/make_golden.py`.
#[derive(Deserialize)]
pub struct Golden<T> {
    pub cases: Vec<T>,
}

#[derive(Deserialize)]
pub struct MeasureCase {
    pub name: String,
    pub n_grades: usize,
    pub truth: Vec<usize>,
    pub probabilities: Vec<f64>,
    pub weights: Option<Vec<f64>>,
    /// Weighted counts, row by row, a row per true grade.
    pub confusion: Vec<f64>,
    pub expected: BTreeMap<String, Expected>,
    pub torchmetrics: Option<BTreeMap<String, f64>>,
    /// scikit-learn's skill score: 1 - Brier / Brier of the shares of grades.
    pub d2_brier: Option<f64>,
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
pub enum Expected {
    Value(f64),
    Undefined(String),
}

impl MeasureCase {
    pub fn evaluation(&self) -> Evaluation {
        let evaluation = Evaluation::new(self.n_grades, &self.truth, &self.probabilities).unwrap();
        match &self.weights {
            None => evaluation,
            Some(weights) => evaluation.with_weights(weights).unwrap(),
        }
    }
}

pub fn measure_cases() -> Vec<MeasureCase> {
    let golden: Golden<MeasureCase> =
        serde_json::from_str(include_str!("../golden/measures.json")).expect("made by make_golden.py");
    golden.cases
}

/// Equal within a relative 1e-12. Differences of shares (a kappa of 0) cannot be relative to themselves: 1e-14 there.
#[track_caller]
pub fn assert_close(found: f64, expected: f64, what: &str) {
    assert_within(found, expected, 1e-12, what);
}

#[track_caller]
pub fn assert_within(found: f64, expected: f64, relative: f64, what: &str) {
    let allowed = (relative * expected.abs()).max(relative * 1e-2);
    assert!(
        (found - expected).abs() <= allowed,
        "{what}: found {found:e}, expected {expected:e}, apart {:e}",
        (found - expected).abs()
    );
}

/// The same reason, or equal within a relative 1e-12.
pub fn close(a: Result<f64, Undefined>, b: Result<f64, Undefined>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-2),
        (a, b) => a == b,
    }
}
