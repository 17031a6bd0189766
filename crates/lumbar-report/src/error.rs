//! What can go wrong in making a report.

use std::{io, path::PathBuf};
use thiserror::Error;

/// Why a report could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A line of `metrics.jsonl` that is no record of an epoch.
    #[error("line {line} of the learning curve is not a record of an epoch")]
    LearningCurve {
        /// The line, from 1.
        line: usize,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A crop whose pixels do not fill it.
    #[error("crop `{caption}` has {found} pixels, expected {width} x {height}")]
    Crop {
        /// Its caption.
        caption: String,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Pixels found.
        found: usize,
    },
    /// A picture could not be encoded.
    #[error("cannot encode a picture as PNG")]
    Png(#[source] image::ImageError),
    /// The page could not be put together.
    #[error("cannot fill in the page")]
    Template(#[from] askama::Error),
    /// The file could not be written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// `write` or `rename`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
