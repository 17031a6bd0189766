//! ROC and precision-recall curves.

use super::Binary;
use crate::Undefined;
use serde::{Deserialize, Serialize};

/// A threshold and the rates when everything scoring at least as high is called positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// The threshold; `None` for the first point, where nothing is called positive (scikit-learn: infinity).
    pub threshold: Option<f64>,
    /// 1 - specificity.
    pub false_positive_rate: f64,
    /// Sensitivity.
    pub true_positive_rate: f64,
}

/// A ROC curve: one point per distinct score, from the highest, after a first point (0, 0).
///
/// # Definition
/// At each distinct score, the share of cases of the event and of others that score at least as high.
/// # Ties
/// Tied cases enter together: the curve then goes straight, not in a staircase.
/// # Undefined
/// Without cases of the event, or with nothing but them.
/// # Reference
/// `roc_curve(y, s, sample_weight=w, drop_intermediate=False)`; [`simplified`](RocCurve::simplified) drops what
/// `drop_intermediate=True` drops, and points in straight lines with unequal steps besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// The points, from (0, 0) to (1, 1).
    pub points: Vec<RocPoint>,
}

impl RocCurve {
    pub(crate) fn of(cases: &Binary) -> Result<RocCurve, Undefined> {
        let thresholds = cases.thresholds();
        let (_, positive, negative) = *thresholds.last().ok_or(Undefined::NoCases)?;
        if positive <= 0.0 {
            return Err(Undefined::NoPositives);
        }
        if negative <= 0.0 {
            return Err(Undefined::NoNegatives);
        }
        let first = RocPoint {
            threshold: None,
            false_positive_rate: 0.0,
            true_positive_rate: 0.0,
        };
        let points = thresholds.iter().map(|(score, event, other)| RocPoint {
            threshold: Some(*score),
            false_positive_rate: other / negative,
            true_positive_rate: event / positive,
        });
        Ok(RocCurve {
            points: std::iter::once(first).chain(points).collect(),
        })
    }

    /// The same curve without the points in the middle of a straight line.
    pub fn simplified(&self) -> RocCurve {
        let p = &self.points;
        let bends = |i: usize| {
            i == 0 || i + 1 == p.len() || {
                let (a, b, c) = (p[i - 1], p[i], p[i + 1]);
                let run = |x: RocPoint, y: RocPoint| y.false_positive_rate - x.false_positive_rate;
                let rise = |x: RocPoint, y: RocPoint| y.true_positive_rate - x.true_positive_rate;
                let (left, right) = (run(a, b) * rise(b, c), run(b, c) * rise(a, b));
                // Rates are quotients: points of one line are on it up to rounding.
                (left - right).abs() > 1e-12 * (left.abs() + right.abs())
            }
        };
        RocCurve {
            points: (0..p.len()).filter(|i| bends(*i)).map(|i| p[i]).collect(),
        }
    }

    /// The area under the curve by trapezoids: equal to [`Binary::auroc`] up to rounding.
    pub fn area(&self) -> f64 {
        area(&self.points)
    }

    pub(crate) fn partial_area(&self, most: f64) -> f64 {
        let stop = self.points.partition_point(|p| p.false_positive_rate <= most);
        let mut points = self.points[..stop].to_vec();
        if let (Some(a), Some(b)) = (points.last().copied(), self.points.get(stop)) {
            let share = (most - a.false_positive_rate) / (b.false_positive_rate - a.false_positive_rate);
            points.push(RocPoint {
                threshold: None,
                false_positive_rate: most,
                true_positive_rate: a.true_positive_rate
                    + share * (b.true_positive_rate - a.true_positive_rate),
            });
        }
        let chance = 0.5 * most * most;
        0.5 * (1.0 + (area(&points) - chance) / (most - chance))
    }
}

fn area(points: &[RocPoint]) -> f64 {
    let trapezoid = |pair: &[RocPoint]| {
        (pair[1].false_positive_rate - pair[0].false_positive_rate)
            * 0.5
            * (pair[0].true_positive_rate + pair[1].true_positive_rate)
    };
    points
        .windows(2)
        .map(trapezoid)
        .collect::<crate::sum::Sum>()
        .value()
}

/// A threshold, and precision and recall when everything scoring at least as high is called positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// The threshold.
    pub threshold: f64,
    /// Of the cases called positive, the share that are.
    pub precision: f64,
    /// Of the cases of the event, the share called positive.
    pub recall: f64,
}

/// A precision-recall curve: one point per distinct score, from the highest.
///
/// # Definition
/// As in [`PrecisionRecallPoint`]. There is no point at recall 0: nothing is called positive there, so precision has
/// no value; scikit-learn appends (1, 0) by convention.
/// # Ties
/// Tied cases enter together.
/// # Undefined
/// Without cases of the event; scikit-learn sets recall to 1 there and warns.
/// # Reference
/// `precision_recall_curve(y, s, sample_weight=w)`, reversed and without its last point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallCurve {
    /// The points, by rising recall.
    pub points: Vec<PrecisionRecallPoint>,
}

impl PrecisionRecallCurve {
    pub(crate) fn of(cases: &Binary) -> Result<PrecisionRecallCurve, Undefined> {
        let thresholds = cases.thresholds();
        let (_, positive, _) = *thresholds.last().ok_or(Undefined::NoCases)?;
        if positive <= 0.0 {
            return Err(Undefined::NoPositives);
        }
        let points = thresholds
            .iter()
            .map(|(score, event, other)| PrecisionRecallPoint {
                threshold: *score,
                precision: event / (event + other),
                recall: event / positive,
            });
        Ok(PrecisionRecallCurve {
            points: points.collect(),
        })
    }
}
