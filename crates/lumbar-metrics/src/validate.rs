//! The checks every input passes once.

use crate::InputError;

/// The most grades a scheme may have. Sixteen is far beyond any clinical scale and keeps pairwise tables small.
pub const MAX_GRADES: usize = 16;

/// How far the probabilities of a row may be from summing to 1: what single precision softmax needs, and no more.
pub const ROW_SUM_TOLERANCE: f64 = 1e-6;

pub(crate) fn grade_count(found: usize) -> Result<(), InputError> {
    if (2..=MAX_GRADES).contains(&found) {
        Ok(())
    } else {
        Err(InputError::GradeCount { found })
    }
}

pub(crate) fn length(what: &'static str, expected: usize, found: usize) -> Result<(), InputError> {
    if expected == found {
        Ok(())
    } else {
        Err(InputError::Length {
            what,
            expected,
            found,
        })
    }
}

pub(crate) fn grades(what: &'static str, grades: &[usize], n_grades: usize) -> Result<(), InputError> {
    match grades.iter().position(|g| *g >= n_grades) {
        None => Ok(()),
        Some(row) => Err(InputError::Grade {
            row,
            what,
            grade: grades[row],
            n_grades,
        }),
    }
}

pub(crate) fn weights(what: &'static str, weights: &[f64]) -> Result<(), InputError> {
    match weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        None => Ok(()),
        Some(index) => Err(InputError::Weight {
            what,
            index,
            value: weights[index],
        }),
    }
}

pub(crate) fn probabilities(probabilities: &[f64], n_grades: usize) -> Result<(), InputError> {
    // One pass without early ends, which a compiler turns into vector instructions; who is wrong is found afterwards.
    let inside = probabilities
        .iter()
        .fold(true, |ok, p| ok & (*p >= 0.0) & (*p <= 1.0));
    let off = |p: &[f64]| (p.iter().sum::<f64>() - 1.0).abs() > ROW_SUM_TOLERANCE;
    if inside && !probabilities.chunks_exact(n_grades).any(off) {
        return Ok(());
    }
    for (row, p) in probabilities.chunks_exact(n_grades).enumerate() {
        if let Some(grade) = p.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(InputError::Probability {
                row,
                grade,
                value: p[grade],
            });
        }
        if off(p) {
            let sum = p.iter().sum();
            return Err(InputError::RowSum { row, sum });
        }
    }
    Ok(())
}

pub(crate) fn scores(scores: &[f64]) -> Result<(), InputError> {
    match scores.iter().position(|s| !s.is_finite()) {
        None => Ok(()),
        Some(row) => Err(InputError::Score {
            row,
            value: scores[row],
        }),
    }
}

/// A number strictly between 0 and 1, such as a confidence level.
pub(crate) fn open_unit(what: &'static str, found: f64) -> Result<(), InputError> {
    if found > 0.0 && found < 1.0 {
        Ok(())
    } else {
        Err(InputError::Setting {
            what,
            found,
            expected: "a number between 0 and 1",
        })
    }
}

/// Divides each row by its sum.
///
/// # Errors
/// On a value that is negative or not finite, or a row that sums to 0.
///
/// ```
/// let mut p = [2.0, 1.0, 1.0];
/// lumbar_metrics::normalise_rows(&mut p, 3)?;
/// assert_eq!(p, [0.5, 0.25, 0.25]);
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
pub fn normalise_rows(probabilities: &mut [f64], n_grades: usize) -> Result<(), InputError> {
    grade_count(n_grades)?;
    let n_rows = probabilities.len() / n_grades;
    length("probabilities", n_rows * n_grades, probabilities.len())?;
    for (row, p) in probabilities.chunks_exact_mut(n_grades).enumerate() {
        if let Some(grade) = p.iter().position(|p| !(p.is_finite() && *p >= 0.0)) {
            return Err(InputError::Probability {
                row,
                grade,
                value: p[grade],
            });
        }
        let sum: f64 = p.iter().sum();
        if sum <= 0.0 {
            return Err(InputError::RowSum { row, sum });
        }
        p.iter_mut().for_each(|p| *p /= sum);
    }
    Ok(())
}
