//! Where in the spine: disc levels and sides of the patient.

use crate::ParseError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One of the five graded discs, named by the vertebrae above and below.
///
/// ```
/// use lumbar_core::Level;
/// assert_eq!("L5/S1".parse::<Level>()?, Level::L5S1);   // display name, as in the coordinates table
/// assert_eq!("l5_s1".parse::<Level>()?, Level::L5S1);   // column name, as in the label table
/// assert_eq!(Level::L5S1.to_string(), "L5/S1");
/// assert!(Level::L1L2 < Level::L5S1);                   // ordered from head to foot
/// # Ok::<(), lumbar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Disc between L1 and L2.
    #[serde(rename = "L1/L2")]
    L1L2,
    /// Disc between L2 and L3.
    #[serde(rename = "L2/L3")]
    L2L3,
    /// Disc between L3 and L4.
    #[serde(rename = "L3/L4")]
    L3L4,
    /// Disc between L4 and L5.
    #[serde(rename = "L4/L5")]
    L4L5,
    /// Disc between L5 and S1.
    #[serde(rename = "L5/S1")]
    L5S1,
}

impl Level {
    /// All levels from head to foot.
    pub const ALL: [Level; 5] = [Level::L1L2, Level::L2L3, Level::L3L4, Level::L4L5, Level::L5S1];

    /// Position from head to foot, 0 to 4.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The name used in column names and row ids: `l4_l5`.
    pub fn column_name(self) -> &'static str {
        ["l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1"][self.index()]
    }

    /// The name used in tables for people: `L4/L5`.
    pub fn display_name(self) -> &'static str {
        ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"][self.index()]
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.display_name())
    }
}

impl FromStr for Level {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text_trimmed = text.trim();
        Level::ALL
            .into_iter()
            .find(|level| {
                text_trimmed.eq_ignore_ascii_case(level.column_name())
                    || text_trimmed.eq_ignore_ascii_case(level.display_name())
            })
            .ok_or_else(|| ParseError::new(text, "a disc level (L1/L2, L2/L3, L3/L4, L4/L5 or L5/S1)"))
    }
}

/// A side of the patient (not of the image: patient left is at image right on an axial slice).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Patient left, +x in DICOM patient coordinates.
    Left,
    /// Patient right, -x.
    Right,
}

impl Side {
    /// Both sides, left first as in the RSNA tables.
    pub const ALL: [Side; 2] = [Side::Left, Side::Right];

    /// The other side.
    pub fn opposite(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }

    /// Sign of the patient x axis on this side: +1 for left, -1 for right.
    pub fn x_sign(self) -> f64 {
        match self {
            Side::Left => 1.0,
            Side::Right => -1.0,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Side::Left => "left",
            Side::Right => "right",
        })
    }
}

impl FromStr for Side {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "left" | "l" => Ok(Side::Left),
            "right" | "r" => Ok(Side::Right),
            _ => Err(ParseError::new(text, "a side (left or right)")),
        }
    }
}
