//! Decision curves.

use crate::{Binary, Share, Undefined};
use serde::{Deserialize, Serialize};

/// Net benefit of acting on a model, by the probability from which one would act.
///
/// Whoever acts from a probability of 20% up holds one missed case as bad as four needless actions. At that trade the
/// net benefit is the share of cases acted on rightly, less a quarter of the share acted on needlessly. A model earns
/// its place where it beats acting on all and acting on none (0).
///
/// ```
/// use lumbar_metrics::{Binary, Share, clinic::DecisionCurve};
///
/// let cases = Binary::new(&[0.9, 0.6, 0.3, 0.1], &[true, false, false, false])?;
/// let curve = DecisionCurve::of(&cases, &[Share::new(0.5)?])?;
/// let point = curve.points[0];
/// assert_eq!((point.model, point.all), (0.0, -0.5)); // 1/4 - 1/4 × 1, and 1/4 - 3/4 × 1
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Definition
/// TP/n - FP/n × t/(1 - t), acting on scores of at least t.
/// # Ties
/// A score equal to t is acted on.
/// # Undefined
/// Without cases. A threshold of 1 has infinite odds and is left out.
/// # Reference
/// Vickers and Elkin 2006. The Python and R packages `dcurves`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionCurve {
    /// One point per threshold, as given.
    pub points: Vec<DecisionPoint>,
}

/// Net benefit at a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DecisionPoint {
    /// The probability from which one acts.
    pub threshold: f64,
    /// Net benefit of acting on the model.
    pub model: f64,
    /// Net benefit of acting on all cases; acting on none has 0.
    pub all: f64,
}

impl DecisionCurve {
    /// The curve at the given thresholds. Scores must be probabilities for it to mean anything.
    ///
    /// # Errors
    /// [`Undefined::NoCases`] without cases.
    pub fn of(cases: &Binary, thresholds: &[Share]) -> Result<DecisionCurve, Undefined> {
        let curve = cases.thresholds();
        let (_, event, others) = *curve.last().ok_or(Undefined::NoCases)?;
        let total = event + others;
        let points = thresholds.iter().map(|t| t.get()).filter(|t| *t < 1.0);
        let benefit = |threshold: f64| {
            let odds = threshold / (1.0 - threshold);
            let n_reached = curve.partition_point(|(score, ..)| *score >= threshold);
            let (right, needless) = match n_reached.checked_sub(1) {
                None => (0.0, 0.0),
                Some(last) => (curve[last].1, curve[last].2),
            };
            DecisionPoint {
                threshold,
                model: right / total - needless / total * odds,
                all: event / total - others / total * odds,
            }
        };
        Ok(DecisionCurve {
            points: points.map(benefit).collect(),
        })
    }
}
