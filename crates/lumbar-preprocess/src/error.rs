//! Errors of preparing pixels.

/// Pixels or parameters that cannot be prepared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PreprocessError {
    /// A buffer does not have the length its shape asks for.
    #[error("{what}: {found} values, expected {expected}")]
    WrongLength {
        /// Which buffer.
        what: &'static str,
        /// Values its shape asks for.
        expected: usize,
        /// Values found.
        found: usize,
    },
    /// A parameter lies outside its range.
    #[error("`{name}` is {found}, expected {expected}")]
    BadParameter {
        /// Name of the parameter as in the configuration.
        name: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A histogram without pixels has no percentiles.
    #[error("no pixels to take percentiles of")]
    NoPixels,
    /// More pixels than the 32-bit bins of a histogram can count.
    #[error("a histogram of more than {max} pixels", max = u32::MAX)]
    TooManyPixels,
    /// No in-plane or through-plane axis lies within 45 degrees of patient x, so left and right cannot be exchanged.
    #[error("no axis of the stack lies within 45 degrees of the patient's left-right axis")]
    NoMirrorAxis,
    /// The resampling library refused the geometry.
    #[error("resampling failed: {detail}")]
    Resample {
        /// The library's message.
        detail: String,
    },
}

impl PreprocessError {
    pub(crate) fn parameter(
        name: &'static str,
        found: impl std::fmt::Display,
        expected: &'static str,
    ) -> Self {
        Self::BadParameter {
            name,
            found: format!("{found}"),
            expected,
        }
    }

    pub(crate) fn check_length(
        what: &'static str,
        expected: usize,
        found: usize,
    ) -> Result<(), PreprocessError> {
        if expected == found {
            Ok(())
        } else {
            Err(Self::WrongLength {
                what,
                expected,
                found,
            })
        }
    }
}
