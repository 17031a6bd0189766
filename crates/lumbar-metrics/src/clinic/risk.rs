//! Risk and coverage: a model that may pass.

use crate::{Evaluation, InputError, Undefined, engine::descending, validate};
use serde::{Deserialize, Serialize};

/// What counts as harm in a case the model keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// 1 if the call is wrong.
    Error,
    /// By how many grades it is off.
    GradeError,
    /// 1 if it is off by two grades or more.
    FarError,
}

/// Share of cases kept, and the mean risk among them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// Cases at least this confident are kept.
    pub confidence: f64,
    /// The share of cases kept, by weight.
    pub coverage: f64,
    /// The mean risk among them.
    pub risk: f64,
}

/// How wrong the model is on the cases it is surest of, as a function of how many it keeps.
///
/// ```
/// use lumbar_metrics::{Evaluation, clinic::{Risk, RiskCoverage}};
///
/// let evaluation = Evaluation::new(2, &[0, 0, 1, 1], &[0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.6, 0.4])?;
/// let curve = RiskCoverage::of_evaluation(&evaluation, Risk::Error)?;
/// assert_eq!(curve.risk_at(0.75), Some(0.0)); // keeping three of four, it is never wrong
/// assert_eq!(curve.risk_at(1.0), Some(0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Definition
/// Cases are kept from the most confident down; risk is the mean loss of those kept. The area under the curve is the
/// mean risk over coverage, Σ Δcoverage × risk.
/// # Ties
/// Equally confident cases are kept together.
/// # Undefined
/// Without cases.
/// # Reference
/// El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017. Without ties the area is
/// `np.mean(np.cumsum(loss[order]) / np.arange(1, n + 1))`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// The points, by rising coverage.
    pub points: Vec<RiskPoint>,
}

impl RiskCoverage {
    /// The curve of predicted grades, with the highest probability as confidence.
    ///
    /// # Errors
    /// [`Undefined::NoCases`] without cases.
    pub fn of_evaluation(evaluation: &Evaluation, risk: Risk) -> Result<RiskCoverage, Undefined> {
        let rows = 0..evaluation.n_rows();
        let highest = |row| evaluation.row(row).iter().copied().fold(0.0, f64::max);
        let off = |row: usize| evaluation.truth()[row].abs_diff(evaluation.predicted()[row]);
        let loss = |row| match risk {
            Risk::Error => f64::from(u8::from(off(row) > 0)),
            Risk::GradeError => off(row) as f64,
            Risk::FarError => f64::from(u8::from(off(row) > 1)),
        };
        let confidence: Vec<f64> = rows.clone().map(highest).collect();
        let losses: Vec<f64> = rows.map(loss).collect();
        curve(&confidence, &losses, evaluation.weights())
    }

    /// The curve of any confidence and loss per case.
    ///
    /// # Errors
    /// If numbers of entries differ or one is not finite. The inner result is undefined without cases.
    pub fn of(confidence: &[f64], loss: &[f64]) -> Result<Result<RiskCoverage, Undefined>, InputError> {
        validate::length("losses", confidence.len(), loss.len())?;
        validate::scores(confidence)?;
        validate::scores(loss)?;
        Ok(curve(confidence, loss, None))
    }

    /// The risk at the smallest coverage of at least this much; `None` above 1.
    pub fn risk_at(&self, coverage: f64) -> Option<f64> {
        // Coverage is a sum of shares: 3 of 4 must reach 0.75 whatever the rounding.
        let idx = self.points.partition_point(|p| p.coverage < coverage - 1e-12);
        self.points.get(idx).map(|p| p.risk)
    }

    /// The area under the curve: mean risk over coverage.
    pub fn area(&self) -> f64 {
        let mut last = 0.0;
        let steps = self.points.iter().map(|p| {
            let step = (p.coverage - last) * p.risk;
            last = p.coverage;
            step
        });
        steps.collect::<crate::sum::Sum>().value()
    }
}

fn curve(confidence: &[f64], loss: &[f64], weights: Option<&[f64]>) -> Result<RiskCoverage, Undefined> {
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let total: f64 = (0..confidence.len()).map(weight).sum();
    if total <= 0.0 {
        return Err(Undefined::NoCases);
    }
    let order = descending(confidence.iter().copied());
    let (mut kept, mut harm) = (0.0, 0.0);
    let mut points = Vec::new();
    for tie in order.chunk_by(|a, b| a.0 == b.0) {
        let before = kept;
        for (_, row) in tie {
            kept += weight(*row as usize);
            harm += weight(*row as usize) * loss[*row as usize];
        }
        if kept > before {
            points.push(RiskPoint {
                confidence: confidence[tie[0].1 as usize],
                coverage: kept / total,
                risk: harm / kept,
            });
        }
    }
    Ok(RiskCoverage { points })
}
