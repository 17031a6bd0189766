//! Curves to draw: ROC, precision-recall, reliability.

use crate::{
    Case, EvaluateError, EvaluateOptions,
    cases::{by_group, number_patients},
    level_only::LevelOnly,
    measured::{Measured, Predictor},
};
use lumbar_core::{ConditionGroup, GradingScheme, Severity};
use lumbar_metrics::{
    Binary, Binning, Bootstrap, Event, Undefined,
    calibration::{Reliability, ReliabilityBin},
    ranking::{PrecisionRecallCurve, RocCurve},
};
use serde::{Deserialize, Serialize};

/// Bins of the reliability diagrams and of the calibration error beside them.
pub const N_RELIABILITY_BINS: u16 = 10;

/// Draws behind a band: it is looked at, not read off, so fewer than for an interval.
const MOST_BAND_RESAMPLES: usize = 500;

/// Steps of the false-positive rate a band is given at.
const N_BAND_STEPS: usize = 40;

/// Points closer to the one before than this in both directions are left out of a curve: finer than a pixel of it.
const CURVE_STEP: f64 = 1.0 / 250.0;

/// The curves of one grade against all others, within a condition group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// The group; levels and sides are pooled.
    pub group: ConditionGroup,
    /// The grade.
    pub grade: Severity,
    /// Number of cases.
    pub n_cases: usize,
    /// Cases of the grade.
    pub n_of_grade: usize,
    /// Why there are no curves, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<Undefined>,
    /// (false-positive rate, true-positive rate), from (0, 0) to (1, 1).
    pub roc: Vec<[f64; 2]>,
    /// (false-positive rate, low, high): the true-positive rate over resampled patients, pointwise.
    pub roc_band: Vec<[f64; 3]>,
    /// The ROC curve of the level-only floor.
    pub roc_level_only: Vec<[f64; 2]>,
    /// (recall, precision), by rising recall.
    pub precision_recall: Vec<[f64; 2]>,
    /// Predicted against observed, in bins of equal width. Its intervals take cases as independent.
    pub reliability: Vec<ReliabilityBin>,
}

pub(crate) fn curves(
    cases: &[&Case],
    scheme: GradingScheme,
    options: &EvaluateOptions,
) -> Result<Vec<Curves>, EvaluateError> {
    let bootstrap = options
        .bootstrap()?
        .with_resamples(options.n_resamples.min(MOST_BAND_RESAMPLES))?;
    let level_only = LevelOnly::fitted(cases, scheme);
    let mut all = Vec::new();
    for (group, of_group) in by_group(cases) {
        let model = Measured::new(&of_group, scheme, Predictor::Model)?;
        let floor = Measured::new(&of_group, scheme, Predictor::LevelOnly(&level_only))?;
        let patients = number_patients(&of_group);
        let patient_idx: Vec<usize> = of_group
            .iter()
            .map(|case| patients[case.patient.as_str()])
            .collect();
        for (grade_idx, grade) in scheme.grades().iter().enumerate() {
            let event = model.natural.event(Event::Grade(grade_idx));
            let event_of_floor = floor.natural.event(Event::Grade(grade_idx));
            let roc = event.roc();
            let bins = Reliability::of(&event, Binning::EqualWidth(N_RELIABILITY_BINS))?;
            all.push(Curves {
                group,
                grade: *grade,
                n_cases: of_group.len(),
                n_of_grade: event.happened().iter().filter(|happened| **happened).count(),
                undefined: roc.as_ref().err().copied(),
                roc_band: match &roc {
                    Ok(_) => band(&event, &patient_idx, patients.len(), &bootstrap),
                    Err(_) => Vec::new(),
                },
                roc: roc.as_ref().map(roc_points).unwrap_or_default(),
                roc_level_only: event_of_floor.roc().as_ref().map(roc_points).unwrap_or_default(),
                precision_recall: event
                    .precision_recall()
                    .as_ref()
                    .map(pr_points)
                    .unwrap_or_default(),
                reliability: bins.bins,
            });
        }
    }
    Ok(all)
}

fn roc_points(curve: &RocCurve) -> Vec<[f64; 2]> {
    let points = curve.simplified().points;
    thinned(
        points
            .iter()
            .map(|p| [p.false_positive_rate, p.true_positive_rate]),
    )
}

fn pr_points(curve: &PrecisionRecallCurve) -> Vec<[f64; 2]> {
    thinned(curve.points.iter().map(|p| [p.recall, p.precision]))
}

/// Leaves out points one could not see; the last one always stays.
fn thinned(points: impl Iterator<Item = [f64; 2]>) -> Vec<[f64; 2]> {
    let mut kept: Vec<[f64; 2]> = Vec::new();
    let mut left_out = None;
    for point in points {
        let near = kept
            .last()
            .is_some_and(|last| (0..2).all(|axis| (point[axis] - last[axis]).abs() < CURVE_STEP));
        if near {
            left_out = Some(point);
        } else {
            kept.push(point);
            left_out = None;
        }
    }
    kept.extend(left_out);
    kept
}

/// Pointwise percentile band of the true-positive rate; empty if too many draws lack the grade.
fn band(event: &Binary, patient_idx: &[usize], n_patients: usize, bootstrap: &Bootstrap) -> Vec<[f64; 3]> {
    let steps = || (0..=N_BAND_STEPS).map(|step| step as f64 / N_BAND_STEPS as f64);
    let intervals = bootstrap.statistics(n_patients, |times| {
        let weights: Vec<f64> = patient_idx.iter().map(|i| times[*i]).collect();
        let weighted = event.clone().with_weights(&weights);
        let curve = weighted.expect("one finite weight of at least 0 per case").roc();
        let rate_at = |rate| {
            Ok(true_positive_rate_at(
                curve.as_ref().map_err(|reason| *reason)?,
                rate,
            ))
        };
        steps().map(rate_at).collect::<Vec<Result<f64, Undefined>>>()
    });
    let Ok(curve) = event.roc() else {
        return Vec::new();
    };
    if intervals.iter().all(Result::is_err) {
        return Vec::new();
    }
    let points = steps().zip(intervals);
    let band: Result<Vec<_>, Undefined> = points
        .map(|(rate, interval)| match interval {
            Ok(interval) => Ok([rate, interval.low, interval.high]),
            // As at its end, where every curve is 1.
            Err(Undefined::NoVariation) => Ok([
                rate,
                true_positive_rate_at(&curve, rate),
                true_positive_rate_at(&curve, rate),
            ]),
            Err(reason) => Err(reason),
        })
        .collect();
    band.unwrap_or_default()
}

/// Linear between points; at a vertical step, its upper end.
fn true_positive_rate_at(curve: &RocCurve, rate: f64) -> f64 {
    let points = &curve.points;
    let above = points.partition_point(|p| p.false_positive_rate <= rate);
    let Some(b) = points.get(above) else {
        return points.last().map_or(1.0, |p| p.true_positive_rate);
    };
    let Some(a) = above.checked_sub(1).and_then(|i| points.get(i)) else {
        return 0.0;
    };
    let share = (rate - a.false_positive_rate) / (b.false_positive_rate - a.false_positive_rate);
    a.true_positive_rate + share * (b.true_positive_rate - a.true_positive_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_ends_and_shape() {
        let line = (0..=10_000).map(|i| [f64::from(i) / 10_000.0; 2]);
        let kept = thinned(line);
        assert!(kept.len() <= 260 && kept.len() > 200, "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), ([0.0; 2], [1.0; 2]));
        assert_eq!(thinned([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]].into_iter()).len(), 3);
    }

    #[test]
    fn a_rate_between_points_is_interpolated() {
        let event = Binary::new(&[0.9, 0.8, 0.7, 0.6], &[true, false, true, false]).unwrap();
        let curve = event.roc().unwrap();
        assert_eq!(true_positive_rate_at(&curve, 0.0), 0.5);
        assert_eq!(true_positive_rate_at(&curve, 0.25), 0.5);
        assert_eq!(true_positive_rate_at(&curve, 0.5), 1.0);
        assert_eq!(true_positive_rate_at(&curve, 1.0), 1.0);
    }
}
