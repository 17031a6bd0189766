//! Identifiers, kept as text.
//!
//! RSNA ids are decimal numbers beyond 32 bits, and other archives use UIDs; neither is ever an operand, so both stay
//! text. An id is 1 to 64 characters out of `A-Z a-z 0-9 . _ -` and does not start with a dot, so that it may become
//! part of a path or a URL without more ado. Copies share their text: a catalogue names one study thousands of times.

use crate::ParseError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

const EXPECTED: &str = "an id (1 to 64 letters, digits, `.`, `_` or `-`, not starting with `.`)";

fn check(text: &str) -> Result<&str, ParseError> {
    let valid = (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if valid {
        Ok(text)
    } else {
        Err(ParseError::new(text, EXPECTED))
    }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes an id as found.
            ///
            /// # Errors
            /// [`ParseError`] if the text is empty, longer than 64 characters or holds other characters than
            /// letters, digits, `.`, `_` and `-`.
            pub fn new(text: impl AsRef<str>) -> Result<Self, ParseError> {
                check(text.as_ref().trim()).map(|text| Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;
            fn from_str(text: &str) -> Result<Self, ParseError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseError;
            fn try_from(text: String) -> Result<Self, ParseError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}

id_type! {
    /// A study: the RSNA study number, or a StudyInstanceUID (or its keyed hash).
    StudyId
}
id_type! {
    /// A series: the RSNA series number, or a SeriesInstanceUID (or its keyed hash).
    SeriesId
}
id_type! {
    /// A patient, as a keyed hash of PatientID and issuer: the only thing of the patient that leaves the reader.
    PatientKey
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_digits() {
        assert_eq!(StudyId::new("4290000001").unwrap().as_str(), "4290000001");
        assert_eq!(StudyId::new("007").unwrap().as_str(), "007");
        assert_eq!(StudyId::new(" 42\r").unwrap().as_str(), "42");
    }

    #[test]
    fn ids_cannot_walk_out_of_a_folder() {
        for bad in [
            "",
            "..",
            "../x",
            "a/b",
            "a\\b",
            ".hidden",
            "a b",
            "\u{e9}",
            &"9".repeat(65),
        ] {
            assert!(SeriesId::new(bad).is_err(), "{bad:?}");
        }
    }
}
