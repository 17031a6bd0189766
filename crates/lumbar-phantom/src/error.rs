//! What can go wrong while writing a phantom.

use std::path::PathBuf;

/// Why a phantom could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhantomError {
    /// A configuration that cannot be met.
    #[error("`{field}` is {found}, expected {expected}")]
    BadConfig {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The folder holds something that no interrupted phantom left there.
    #[error("`{path}` is not empty: it holds `{found}`")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// The first of what it holds.
        found: PathBuf,
    },
    /// Another process is writing a phantom to the folder.
    #[error("another process is writing a phantom to `{path}`")]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be made.
    #[error("cannot write `{path}`")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A slice could not be encoded or written as DICOM.
    #[error("cannot write the DICOM file `{path}`")]
    Dicom {
        /// Where.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: lumbar_dicom::WriteError,
    },
    /// A table could not be written.
    #[error("cannot write the table `{path}`")]
    Table {
        /// Where.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: csv::Error,
    },
}
