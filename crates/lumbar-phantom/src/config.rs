//! What to make: how many studies, of which site, how complete and how odd.

use crate::alter::Alteration;
use lumbar_core::ParseError;
use lumbar_dicom::TransferSyntax;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What [`generate`](crate::generate) makes.
///
/// ```
/// use lumbar_phantom::{PhantomConfig, Pixels, Site};
/// let config = PhantomConfig { n_studies: 3, seed: 1, ..PhantomConfig::default() };
/// assert_eq!((config.site, config.pixels), (Site::Main, Pixels::Full));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PhantomConfig {
    /// Number of studies.
    pub n_studies: usize,
    /// Seed: the same seed gives the same bytes, at any thread count.
    pub seed: u64,
    /// Whose scanners and patients. Sites never share a study, whatever the seeds.
    pub site: Site,
    /// Whole pictures, or full headers on 32 x 32 pixels.
    pub pixels: Pixels,
    /// How files are encoded.
    pub transfer_syntax: TransferSyntax,
    /// Oddities of real archives.
    pub quirks: Quirks,
    /// Gives every target of a group (canal, foraminal, subarticular) this score instead of drawing it, for pictures
    /// and tests; see [`Narrowing::score`](crate::Narrowing).
    pub fixed_scores: Option<[f64; 3]>,
    /// Makes each study's mirror image instead: x becomes -x, and left and right change places in anatomy, labels
    /// and coordinates. Study and series keep their ids.
    pub mirror: bool,
    /// Plants every defect a label table may have, each once in a study of its own (40 studies or more), and writes
    /// what a linter must find to `phantom_defects.jsonl`. The truth stays that of the study as it was made.
    pub label_defects: bool,
    /// Adds altered copies of the first studies under ids and patients of their own, one for each alteration: what a
    /// search for near-duplicates must find.
    pub copies: Vec<Alteration>,
}

impl Default for PhantomConfig {
    fn default() -> Self {
        PhantomConfig {
            n_studies: 1,
            seed: 0,
            site: Site::Main,
            pixels: Pixels::Full,
            transfer_syntax: TransferSyntax::RleLossless,
            quirks: Quirks::default(),
            fixed_scores: None,
            mirror: false,
            label_defects: false,
            copies: Vec::new(),
        }
    }
}

/// How much of each picture is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pixels {
    /// The anatomy at the series' native matrix.
    Full,
    /// 32 x 32 pixels of noise under complete headers that cover the same field of view, with as many slices a study as
    /// RSNA's have on average: for tests of scale.
    Tiny,
}

impl FromStr for Pixels {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "full" => Ok(Pixels::Full),
            "tiny" => Ok(Pixels::Tiny),
            _ => Err(ParseError::new(text, "a size of pixels (full or tiny)")),
        }
    }
}

/// A hospital: its scanners, its protocols and its patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// Mixed scanners, the patients of the RSNA set.
    Main,
    /// Mostly 3 T, larger and heavier patients, flatter spines, thinner slices.
    North,
    /// Mostly older 1.5 T, smaller and older patients, noisier pictures, thicker slices.
    South,
}

/// How a site's patients differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    pub age_years: f64,
    pub scale: f64,
    pub lordosis: f64,
    pub fat: f64,
}

impl Site {
    /// All sites.
    pub const ALL: [Site; 3] = [Site::Main, Site::North, Site::South];

    /// `main`, `north` or `south`.
    pub fn name(self) -> &'static str {
        ["main", "north", "south"][self as usize]
    }

    pub(crate) fn population(self) -> Population {
        match self {
            Site::Main => Population {
                age_years: 57.0,
                scale: 1.0,
                lordosis: 1.0,
                fat: 1.0,
            },
            Site::North => Population {
                age_years: 54.0,
                scale: 1.04,
                lordosis: 0.85,
                fat: 1.35,
            },
            Site::South => Population {
                age_years: 64.0,
                scale: 0.96,
                lordosis: 1.15,
                fat: 0.8,
            },
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Site {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Site::ALL
            .into_iter()
            .find(|site| site.name() == text)
            .ok_or_else(|| ParseError::new(text, "a site (main, north or south)"))
    }
}

/// Oddities of real archives, each at the rate it has in the RSNA set (rsna.md section 1) when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quirks {
    /// Instance numbers run right to left, or from the feet up, in some series.
    pub either_direction: bool,
    /// A few series have gaps in their instance numbers, or start elsewhere than at 1.
    pub number_gaps: bool,
    /// A few studies lack a sagittal series.
    pub missing_series: bool,
    /// One study in six has more than one axial series.
    pub several_axial: bool,
    /// Labels and points are missing, mostly recesses at the upper levels.
    pub missing_labels: bool,
    /// Matrices differ between series and are not always square.
    pub varied_matrices: bool,
    /// Pixels of some series are not square.
    pub anisotropic_spacing: bool,
    /// Some series lack optional tags.
    pub absent_tags: bool,
}

impl Quirks {
    /// No oddities: every series complete, head to foot or right to left, square and fully labelled.
    pub const NONE: Quirks = Quirks {
        either_direction: false,
        number_gaps: false,
        missing_series: false,
        several_axial: false,
        missing_labels: false,
        varied_matrices: false,
        anisotropic_spacing: false,
        absent_tags: false,
    };
}

impl Default for Quirks {
    fn default() -> Self {
        Quirks {
            either_direction: true,
            number_gaps: true,
            missing_series: true,
            several_axial: true,
            missing_labels: true,
            varied_matrices: true,
            anisotropic_spacing: true,
            absent_tags: true,
        }
    }
}
