//! What can go wrong between predictions and an evaluation.

use lumbar_core::{GradingScheme, StudyId, Target};
use std::path::PathBuf;
use thiserror::Error;

/// Why predictions could not be written, read or evaluated.
///
/// A measure without a value is not an error: it is a [`lumbar_metrics::Undefined`] inside the evaluation.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A file could not be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// `read`, `write` or `rename`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is not Parquet, or is damaged.
    #[error("`{}` is not a readable Parquet file", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Columns could not be put together.
    #[error("the columns of `{}` do not form a table", path.display())]
    Arrow {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// The JSON is not an evaluation.
    #[error("`{}` is not an evaluation (metrics.json)", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// Metadata that says what a table is are missing or of another version.
    #[error("`{}`: metadata `{key}` is {found}, expected {expected}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// A column is missing or holds another type.
    #[error("`{}`: column `{column}` {problem}, expected {expected}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// `is missing` or `is of another type`.
        problem: &'static str,
        /// The type expected.
        expected: &'static str,
    },
    /// A cell that does not say what it should.
    #[error("row {row}, `{column}`: {problem}")]
    Cell {
        /// The row, from 0.
        row: usize,
        /// The column.
        column: String,
        /// What is wrong, with what was expected.
        problem: String,
    },
    /// A row whose probabilities are not a distribution over the grades of the scheme.
    #[error("sample `{sample_id}`: {what} {found}, expected {expected}")]
    Probabilities {
        /// The sample.
        sample_id: String,
        /// `probabilities` or `prior`.
        what: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A grade that the scheme of the table does not have.
    #[error("sample `{sample_id}`: grade `{grade}` is not one of {scheme:?}")]
    Grade {
        /// The sample.
        sample_id: String,
        /// The grade.
        grade: lumbar_core::Severity,
        /// The scheme of the table.
        scheme: GradingScheme,
    },
    /// Nothing was given.
    #[error("no predictions given; expected the predictions of at least one run")]
    NoTables,
    /// Tables that cannot be evaluated together.
    #[error("the predictions differ in {what}: {first} and {other}; expected one and the same")]
    Mixed {
        /// What they differ in.
        what: &'static str,
        /// Of the first table.
        first: String,
        /// Of a later one.
        other: String,
    },
    /// No row is of the part to be evaluated.
    #[error("no predictions of the part {wanted}; the tables hold {found}")]
    NoRows {
        /// What was asked for.
        wanted: String,
        /// Parts and how many rows they have.
        found: String,
    },
    /// Rows of one case disagree on what does not depend on the model.
    #[error("study `{study}`, {target}: rows disagree on the {what}: {first} and {other}")]
    Conflict {
        /// The study.
        study: StudyId,
        /// The target.
        target: Target,
        /// `grade` or `patient`.
        what: &'static str,
        /// Of the first row.
        first: String,
        /// Of a later one.
        other: String,
    },
    /// The oracle has to have an opinion on every case, or it would be measured on others than the model.
    #[error("the oracle says nothing about study `{study}`, {target}; it must cover every evaluated target")]
    OracleIncomplete {
        /// The study.
        study: StudyId,
        /// The target.
        target: Target,
    },
    /// Two evaluations that are to be compared share no case.
    #[error("the two sets of predictions share no labelled case, so there is nothing to compare")]
    NothingShared,
    /// What the metrics refused.
    #[error("the predictions cannot be measured")]
    Input(#[from] lumbar_metrics::InputError),
}
