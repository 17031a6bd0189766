//! A number between 0 and 1.

use crate::InputError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A share, rate or level: a number from 0 to 1, checked once.
///
/// ```
/// use lumbar_metrics::Share;
/// assert_eq!(Share::new(0.9)?.get(), 0.9);
/// assert!(Share::new(90.0).is_err());
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Share(f64);

impl Share {
    /// Checks and takes a number.
    ///
    /// # Errors
    /// If it is not from 0 to 1.
    pub fn new(value: f64) -> Result<Share, InputError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Share(value))
        } else {
            Err(InputError::Setting {
                what: "share",
                found: value,
                expected: "a number from 0 to 1",
            })
        }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> f64 {
        share.0
    }
}

impl TryFrom<f64> for Share {
    type Error = InputError;

    fn try_from(value: f64) -> Result<Share, InputError> {
        Share::new(value)
    }
}
