//! The error of this crate.

use std::path::PathBuf;

/// What can go wrong with networks and bundles.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The device is not to be had.
    #[error(transparent)]
    Device(#[from] crate::DeviceError),
    /// A network configuration that describes no network.
    #[error("network configuration: {what} is {found}, expected {expected}")]
    Config {
        /// The field.
        what: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A file of a bundle or checkpoint cannot be read or written.
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
    /// A bundle description that is not one.
    #[error("`{}` is not a bundle description: {reason}", path.display())]
    BadBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Weights that do not belong to the network described beside them.
    #[error("weights in `{}` do not fit the network: {reason}", path.display())]
    BadWeights {
        /// The weights file.
        path: PathBuf,
        /// Which tensors are missing, unused or of another shape.
        reason: String,
    },
    /// The weights file is not the one the bundle was written with.
    #[error("`{}` has SHA-256 {found}, the bundle was written with {expected}", path.display())]
    Checksum {
        /// The weights file.
        path: PathBuf,
        /// SHA-256 in the bundle description.
        expected: String,
        /// SHA-256 of the file.
        found: String,
    },
}

impl ModelError {
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> ModelError {
        move |source| ModelError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<lumbar_core::ParseError> for ModelError {
    fn from(error: lumbar_core::ParseError) -> ModelError {
        ModelError::Config {
            what: "value",
            found: error.value,
            expected: error.expected,
        }
    }
}
