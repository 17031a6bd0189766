//! Errors of parsing the vocabulary.

/// Text that does not name what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not {expected}")]
#[non_exhaustive]
pub struct ParseError {
    /// The text as it was found, cut to 80 characters.
    pub value: String,
    /// What was expected, as a phrase such as "a disc level (L1/L2 .. L5/S1)".
    pub expected: &'static str,
}

impl ParseError {
    /// An error for a text and what was expected of it, for types of other crates that parse like these.
    pub fn new(value: &str, expected: &'static str) -> Self {
        Self {
            value: value.chars().take(80).collect(),
            expected,
        }
    }
}

/// An image plane that cannot be one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// A coordinate, cosine or spacing is NaN or infinite.
    #[error("{attribute} holds a value that is not finite")]
    NotFinite {
        /// The DICOM keyword of the attribute.
        attribute: &'static str,
    },
    /// The direction cosines are zero, or their lengths are further from 1 than rounding explains.
    #[error("ImageOrientationPatient: a direction has length {length}, expected 1 within 1%")]
    NotUnit {
        /// Length found.
        length: f64,
    },
    /// Row and column direction are not perpendicular.
    #[error(
        "ImageOrientationPatient: row and column direction have dot product {dot}, expected 0 within 1e-3"
    )]
    NotPerpendicular {
        /// Dot product of the normalised directions.
        dot: f64,
    },
    /// A pixel spacing is zero or negative.
    #[error("PixelSpacing {value} mm, expected a positive length")]
    BadSpacing {
        /// The value found, in millimetres.
        value: f64,
    },
    /// The image has no rows or no columns.
    #[error("image of {rows} x {columns} pixels")]
    Empty {
        /// Rows found.
        rows: u32,
        /// Columns found.
        columns: u32,
    },
}
