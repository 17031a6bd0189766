//! What can be wrong with a submission.

use thiserror::Error;

/// Why a submission was not scored; each says which row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// A row id that names no graded target.
    #[error(
        "{table}: row id `{row_id}`, expected `<study>_<condition>_<level>` (such as `4003253_spinal_canal_stenosis_l1_l2`)"
    )]
    RowId {
        /// `truth` or `predictions`.
        table: &'static str,
        /// The row id found.
        row_id: String,
    },
    /// A row that stands there twice.
    #[error("{table}: row `{row_id}` stands there more than once")]
    Duplicate {
        /// `truth` or `predictions`.
        table: &'static str,
        /// The row.
        row_id: String,
    },
    /// A grade the scheme does not have.
    #[error("truth: row `{row_id}`: grade `{found}`, expected Normal/Mild, Moderate, Severe or nothing")]
    Label {
        /// The row.
        row_id: String,
        /// The grade as written.
        found: String,
    },
    /// A grade is missing and [`MissingLabels::Refuse`](crate::MissingLabels::Refuse) was asked for.
    #[error("truth: row `{row_id}` has no grade ({n_missing} in all)")]
    MissingLabel {
        /// The first such row.
        row_id: String,
        /// How many there are.
        n_missing: usize,
    },
    /// The submission lacks rows.
    #[error("predictions: row `{row_id}` is missing ({n_missing} in all)")]
    MissingRow {
        /// The first such row.
        row_id: String,
        /// How many there are.
        n_missing: usize,
    },
    /// The submission has rows that the truth table knows nothing of.
    #[error("predictions: row `{row_id}` is not in the truth table ({n_extra} in all)")]
    ExtraRow {
        /// The first such row.
        row_id: String,
        /// How many there are.
        n_extra: usize,
    },
    /// Something that is not a finite number of at least 0 (and at most 1, unless rows are renormalised).
    #[error("predictions: row `{row_id}`, column `{column}`: `{found}`, expected {expected}")]
    Number {
        /// The row.
        row_id: String,
        /// `normal_mild`, `moderate` or `severe`.
        column: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}
