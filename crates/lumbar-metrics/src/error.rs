//! What can be wrong with the input. An undefined *result* is not an error: see [`Undefined`](crate::Undefined).

use thiserror::Error;

/// Why truth and probabilities were refused.
///
/// Rows and grades count from 0. Nothing is repaired on the way in: a row that does not sum to 1 is an error, and
/// [`normalise_rows`](crate::normalise_rows) is there to be called by name.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum InputError {
    /// A grading scheme has at least two grades.
    #[error("{found} grade(s); a grading scheme has at least 2 and at most {most}", most = crate::MAX_GRADES)]
    GradeCount {
        /// The number of grades given.
        found: usize,
    },
    /// A column does not have one entry per row.
    #[error("{what}: {found} entries, expected {expected}")]
    Length {
        /// Which column.
        what: &'static str,
        /// Entries expected.
        expected: usize,
        /// Entries found.
        found: usize,
    },
    /// A grade outside the scheme.
    #[error("row {row}: {what} grade {grade}, expected 0 to {}", n_grades - 1)]
    Grade {
        /// The row.
        row: usize,
        /// `true` or `predicted`.
        what: &'static str,
        /// The grade found.
        grade: usize,
        /// Grades in the scheme.
        n_grades: usize,
    },
    /// A probability that is not a number between 0 and 1.
    #[error("row {row}, grade {grade}: probability {value}, expected a number from 0 to 1")]
    Probability {
        /// The row.
        row: usize,
        /// The grade.
        grade: usize,
        /// The value found.
        value: f64,
    },
    /// The probabilities of a row do not sum to 1 within 1e-6.
    #[error(
        "row {row}: probabilities sum to {sum}, expected 1 (call `normalise_rows` if that is what you want)"
    )]
    RowSum {
        /// The row.
        row: usize,
        /// The sum found.
        sum: f64,
    },
    /// A weight that is negative, infinite or not a number.
    #[error("{what} {index}: weight {value}, expected a finite number of at least 0")]
    Weight {
        /// `row` or `grade`.
        what: &'static str,
        /// Which row or grade.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// A score that is not a finite number.
    #[error("row {row}: score {value}, expected a finite number")]
    Score {
        /// The row.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// Two evaluations that should hold the same rows do not.
    #[error("the two evaluations are not of the same rows: their {what} differ")]
    Unpaired {
        /// What differs: number of grades, rows, truth, weights or clusters.
        what: &'static str,
    },
    /// A setting outside its range.
    #[error("{what} is {found}, expected {expected}")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// The value found.
        found: f64,
        /// The values it may take.
        expected: &'static str,
    },
    /// A measure that names a grade the scheme does not have.
    #[error("measure `{measure}`: the scheme has grades 0 to {}", n_grades - 1)]
    MeasureGrade {
        /// The measure asked for.
        measure: String,
        /// Grades in the scheme.
        n_grades: usize,
    },
}
