//! Temperature scaling.

use crate::{
    Evaluation, InputError, Undefined, evaluation::hash_rows, proper::LOG_LOSS_FLOOR, sum::Sum, validate,
};
use std::collections::BTreeSet;
use thiserror::Error;

/// One number that makes probabilities as sure as they should be.
///
/// ```
/// use lumbar_metrics::{Evaluation, Measure, calibration::{CalibrationError, Temperature}};
///
/// // Says 90% and is right 3 times in 4.
/// let sure = [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1];
/// let validation = Evaluation::new(2, &[0, 0, 0, 1], &sure)?.with_clusters(&["a", "b", "c", "d"])?;
/// let test = Evaluation::new(2, &[0, 1, 0, 0], &sure)?.with_clusters(&["e", "f", "g", "h"])?;
///
/// let temperature = Temperature::fit(&validation)?;
/// assert!((temperature.temperature() - 2.0).abs() < 1e-9); // 0.9 : 0.1 becomes 3 : 1
/// let calibrated = temperature.apply(&test)?;
/// assert!((calibrated.row(0)[0] - 0.75).abs() < 1e-9);
///
/// // Judging a calibration on what it was fitted on flatters it, so that is an error.
/// assert!(matches!(temperature.apply(&validation), Err(CalibrationError::SharedClusters { n: 4 })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Definition
/// q_k ∝ p_k^(1/T), with the T > 0 of least log loss on the validation split. The most probable grade stays the same.
/// Probabilities below 2.2e-16 count as that.
/// # Ties
/// None.
/// # Undefined
/// Without cases, or if log loss falls without end (all cases called right, or all no better than turned round):
/// [`CalibrationError::NoOptimum`].
/// # Reference
/// Guo, Pleiss, Sun and Weinberger 2017. The fit equals `scipy.optimize.brentq` on the derivative by 1/T.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    inverse: f64,
    fitted_on: FittedOn,
}

/// What something was fitted on, to refuse judging it there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FittedOn {
    clusters: BTreeSet<u64>,
    rows: u64,
}

/// Why a calibration was not fitted or not applied.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The evaluated split shares patients with the one it was fitted on.
    #[error("{n} cluster(s) of this split were fitted on: fit on validation, apply to test")]
    SharedClusters {
        /// Clusters on both sides.
        n: usize,
    },
    /// The evaluated rows are the fitted ones.
    #[error("these are the rows it was fitted on: fit on validation, apply to test")]
    SameRows,
    /// Fitted on another number of grades.
    #[error("fitted on {expected} grades, applied to {found}")]
    Grades {
        /// Grades it was fitted on.
        expected: usize,
        /// Grades found.
        found: usize,
    },
    /// Log loss has no minimum at a finite, positive temperature.
    #[error("log loss has no minimum at a temperature from {LEAST} to {MOST}")]
    NoOptimum,
    /// There is nothing to fit on.
    #[error(transparent)]
    Undefined(#[from] Undefined),
    /// The probabilities or a setting were refused.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// Temperatures looked at: beyond these, probabilities are uniform or one-hot to more digits than data can show.
const LEAST: f64 = 1e-3;
const MOST: f64 = 1e3;

impl Temperature {
    /// The temperature of least log loss on a validation split.
    ///
    /// # Errors
    /// [`CalibrationError::Undefined`] without cases, [`CalibrationError::NoOptimum`] if there is no minimum.
    pub fn fit(validation: &Evaluation) -> Result<Temperature, CalibrationError> {
        if validation.value(crate::Measure::LogLoss).is_err() {
            return Err(Undefined::NoCases.into());
        }
        Ok(Temperature {
            inverse: least_log_loss(validation)?,
            fitted_on: FittedOn::of(validation),
        })
    }

    /// The fitted temperature: above 1 makes less sure, below 1 surer.
    pub fn temperature(&self) -> f64 {
        1.0 / self.inverse
    }

    /// Another split with calibrated probabilities.
    ///
    /// # Errors
    /// If the split holds a patient (or, without clusters, exactly the rows) that the temperature was fitted on.
    pub fn apply(&self, evaluation: &Evaluation) -> Result<Evaluation, CalibrationError> {
        self.fitted_on.refuse(evaluation)?;
        let mut probabilities = evaluation.probabilities().to_vec();
        self.apply_to_rows(&mut probabilities, evaluation.n_grades())?;
        Ok(evaluation.with_probabilities(probabilities))
    }

    /// Calibrates probabilities of new cases in place: for use on patients of whom no truth is known.
    ///
    /// # Errors
    /// If the rows are no distributions over that many grades.
    pub fn apply_to_rows(&self, probabilities: &mut [f64], n_grades: usize) -> Result<(), InputError> {
        validate::grade_count(n_grades)?;
        let n_rows = probabilities.len() / n_grades;
        validate::length("probabilities", n_rows * n_grades, probabilities.len())?;
        validate::probabilities(probabilities, n_grades)?;
        for row in probabilities.chunks_exact_mut(n_grades) {
            scale(row, self.inverse);
        }
        Ok(())
    }
}

impl FittedOn {
    pub(crate) fn of(evaluation: &Evaluation) -> FittedOn {
        let clusters = evaluation.clusters().map(|c| c.fingerprints.iter().copied());
        FittedOn {
            clusters: clusters.into_iter().flatten().collect(),
            rows: hash_rows(evaluation),
        }
    }

    pub(crate) fn refuse(&self, evaluation: &Evaluation) -> Result<(), CalibrationError> {
        let fingerprints = evaluation.clusters().map(|c| c.fingerprints.as_slice());
        let shared = fingerprints
            .unwrap_or_default()
            .iter()
            .filter(|f| self.clusters.contains(f))
            .count();
        if shared > 0 {
            return Err(CalibrationError::SharedClusters { n: shared });
        }
        if evaluation.n_rows() > 0 && hash_rows(evaluation) == self.rows {
            return Err(CalibrationError::SameRows);
        }
        Ok(())
    }
}

/// p^inverse, normalised; through logarithms, the largest first taken to 0, so that nothing overflows.
fn scale(row: &mut [f64], inverse: f64) {
    row.iter_mut()
        .for_each(|p| *p = inverse * p.max(LOG_LOSS_FLOOR).ln());
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|p| *p = (*p - largest).exp());
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|p| *p /= sum);
}

/// The inverse temperature at which the derivative of log loss is zero. The loss is convex in it, so the derivative
/// rises: Newton's steps, kept within a bracket that halves when they leave it.
fn least_log_loss(evaluation: &Evaluation) -> Result<f64, CalibrationError> {
    let (mut low, mut high) = (1.0 / MOST, 1.0 / LEAST);
    let slope_at = |inverse: f64| derivatives(evaluation, inverse);
    if slope_at(low).0 >= 0.0 || slope_at(high).0 <= 0.0 {
        return Err(CalibrationError::NoOptimum);
    }
    let mut inverse = 1.0_f64;
    // Halving alone would need about 70 steps from a bracket of a million to the last bit.
    for _ in 0..200 {
        let (slope, curvature) = slope_at(inverse);
        if slope > 0.0 {
            high = inverse;
        } else {
            low = inverse;
        }
        let newton = inverse - slope / curvature;
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        if (next - inverse).abs() <= 4.0 * f64::EPSILON * inverse {
            return Ok(next);
        }
        inverse = next;
    }
    Ok(inverse)
}

/// First and second derivative of summed log loss by the inverse temperature.
fn derivatives(evaluation: &Evaluation, inverse: f64) -> (f64, f64) {
    let k = evaluation.n_grades();
    let mut logs = vec![0.0; k];
    let mut scaled = vec![0.0; k];
    let (mut slope, mut curvature) = (Sum::default(), Sum::default());
    for row in 0..evaluation.n_rows() {
        let p = evaluation.row(row);
        for (log, p) in logs.iter_mut().zip(p) {
            *log = p.max(LOG_LOSS_FLOOR).ln();
        }
        scaled.copy_from_slice(p);
        scale(&mut scaled, inverse);
        let mean: f64 = scaled.iter().zip(&logs).map(|(q, l)| q * l).sum();
        let spread: f64 = scaled
            .iter()
            .zip(&logs)
            .map(|(q, l)| q * (l - mean).powi(2))
            .sum();
        let weight = evaluation.weight(row);
        slope.add(weight * (mean - logs[evaluation.truth()[row]]));
        curvature.add(weight * spread);
    }
    (slope.value(), curvature.value())
}
