//! What a series shows: anatomical plane, contrast weighting, and the three kinds the RSNA data set names.

use crate::{ConditionGroup, ParseError, Vector};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Anatomical plane of a slice or stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// Normal along patient x (left-right).
    Sagittal,
    /// Normal along patient y (front-back).
    Coronal,
    /// Normal along patient z (head-foot); lumbar axial stacks are tilted by up to about 40 degrees.
    Axial,
    /// No axis lies within 45 degrees of the normal.
    Oblique,
}

impl Plane {
    /// The plane whose axis lies nearest the slice normal, if that is within 45 degrees.
    pub fn from_normal(normal: Vector) -> Plane {
        let (x, y, z) = (normal.x.abs(), normal.y.abs(), normal.z.abs());
        let largest = x.max(y).max(z);
        if largest < std::f64::consts::FRAC_1_SQRT_2 * normal.length() {
            Plane::Oblique
        } else if largest == x {
            Plane::Sagittal
        } else if largest == z {
            Plane::Axial
        } else {
            Plane::Coronal
        }
    }

    /// `sagittal`, `coronal`, `axial` or `oblique`.
    pub fn name(self) -> &'static str {
        ["sagittal", "coronal", "axial", "oblique"][self as usize]
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Plane {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Plane::Sagittal, Plane::Coronal, Plane::Axial, Plane::Oblique]
            .into_iter()
            .find(|plane| plane.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| ParseError::new(text, "a plane (sagittal, coronal, axial or oblique)"))
    }
}

/// Contrast weighting of an MR series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Fat bright, fluid dark.
    T1,
    /// Fluid and (in turbo spin echo) fat bright.
    T2,
    /// Fluid bright, fat suppressed by inversion or saturation.
    Stir,
    /// Neither: long TR, short TE.
    ProtonDensity,
    /// Not known; whoever says so gives the reason.
    Unknown,
}

impl Weighting {
    /// `t1`, `t2`, `stir`, `proton_density` or `unknown`.
    pub fn name(self) -> &'static str {
        ["t1", "t2", "stir", "proton_density", "unknown"][self as usize]
    }
}

impl fmt::Display for Weighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Weighting {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [
            Weighting::T1,
            Weighting::T2,
            Weighting::Stir,
            Weighting::ProtonDensity,
            Weighting::Unknown,
        ]
        .into_iter()
        .find(|weighting| weighting.name().eq_ignore_ascii_case(text.trim()))
        .ok_or_else(|| ParseError::new(text, "a weighting (t1, t2, stir, proton_density or unknown)"))
    }
}

/// The kinds of series a study is graded from. A model's *view* is one of these.
///
/// ```
/// use lumbar_core::{SeriesKind, Plane, Weighting, ConditionGroup};
/// assert_eq!("Sagittal T2/STIR".parse::<SeriesKind>()?, SeriesKind::SagittalT2);
/// assert_eq!(SeriesKind::of(Plane::Sagittal, Weighting::Stir), Some(SeriesKind::SagittalT2));
/// // In the RSNA data every foraminal point lies on a sagittal T1 slice.
/// assert_eq!(SeriesKind::proper_for(ConditionGroup::NeuralForaminal), SeriesKind::SagittalT1);
/// # Ok::<(), lumbar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesKind {
    /// Sagittal T1: foraminal fat against the root.
    SagittalT1,
    /// Sagittal T2 or STIR: the canal.
    SagittalT2,
    /// Axial T2: canal and recesses.
    AxialT2,
}

impl SeriesKind {
    /// All kinds.
    pub const ALL: [SeriesKind; 3] = [
        SeriesKind::SagittalT1,
        SeriesKind::SagittalT2,
        SeriesKind::AxialT2,
    ];

    /// The kind of a plane and weighting, `None` where the study is not graded from such a series.
    pub fn of(plane: Plane, weighting: Weighting) -> Option<SeriesKind> {
        match (plane, weighting) {
            (Plane::Sagittal, Weighting::T1) => Some(SeriesKind::SagittalT1),
            (Plane::Sagittal, Weighting::T2 | Weighting::Stir) => Some(SeriesKind::SagittalT2),
            (Plane::Axial, Weighting::T2) => Some(SeriesKind::AxialT2),
            _ => None,
        }
    }

    /// The kind a condition group is marked on in the RSNA data.
    pub fn proper_for(group: ConditionGroup) -> SeriesKind {
        match group {
            ConditionGroup::SpinalCanal => SeriesKind::SagittalT2,
            ConditionGroup::NeuralForaminal => SeriesKind::SagittalT1,
            ConditionGroup::Subarticular => SeriesKind::AxialT2,
        }
    }

    /// The plane.
    pub fn plane(self) -> Plane {
        match self {
            SeriesKind::SagittalT1 | SeriesKind::SagittalT2 => Plane::Sagittal,
            SeriesKind::AxialT2 => Plane::Axial,
        }
    }

    /// `Sagittal T1`, `Sagittal T2/STIR`, `Axial T2`: the spelling of the RSNA series table.
    pub fn description(self) -> &'static str {
        ["Sagittal T1", "Sagittal T2/STIR", "Axial T2"][self as usize]
    }

    /// `sagittal_t1`, `sagittal_t2`, `axial_t2`: for configuration and columns.
    pub fn name(self) -> &'static str {
        ["sagittal_t1", "sagittal_t2", "axial_t2"][self as usize]
    }
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SeriesKind {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        SeriesKind::ALL
            .into_iter()
            .find(|kind| {
                kind.description().eq_ignore_ascii_case(text.trim())
                    || kind.name().eq_ignore_ascii_case(text.trim())
            })
            .ok_or_else(|| ParseError::new(text, "a series kind (Sagittal T1, Sagittal T2/STIR or Axial T2)"))
    }
}
