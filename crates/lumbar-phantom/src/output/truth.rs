//! The truth beside a phantom, which only tests and evaluation read.

use super::StudyRecord;
use crate::alter::Alteration;
use crate::config::Site;
use crate::error::PhantomError;
use lumbar_core::{Level, Point, SeriesKind, Severity, Target};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// What is true of a study: one line of `phantom_truth.jsonl`.
///
/// Places are in patient space; in a mirrored study they are the mirrored ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyTruth {
    /// Name of the study's folder.
    pub study_id: String,
    /// Where it was made.
    pub site: Site,
    /// Seed of the phantom.
    pub seed: u64,
    /// Position of the study in the phantom.
    pub study_idx: u64,
    /// Whether it is a mirror image.
    pub mirrored: bool,
    /// The study this is a copy of, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<String>,
    /// How the copy differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alteration: Option<Alteration>,
    /// Age, years.
    pub age_years: f64,
    /// `F` or `M`.
    pub sex: String,
    /// Series in the order they were taken.
    pub series: Vec<SeriesTruth>,
    /// The 25 targets in the order of the label table.
    pub targets: Vec<TargetTruth>,
    /// Named places.
    pub landmarks: Vec<Landmark>,
    /// What a ruler would find at each disc.
    pub levels: Vec<LevelMeasures>,
}

/// A series of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesTruth {
    /// Name of the series' folder.
    pub series_id: String,
    /// Its kind.
    pub kind: SeriesKind,
    /// Number of files.
    pub n_slices: usize,
}

/// A target: how narrow, what the readers said, what an oracle would say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetTruth {
    /// Which target.
    pub target: Target,
    /// Narrowing on the readers' scale: Moderate from 0, Severe from 1.
    pub score: f64,
    /// Share of the normal space that is lost.
    pub fraction: f64,
    /// First reader's grade: the label, if the label is there.
    pub reader_a: Severity,
    /// Second reader's grade.
    pub reader_b: Severity,
    /// Probabilities of the first reader's grade given the narrowing.
    pub oracle: [f64; 3],
    /// Whether the label stands in `train.csv`.
    pub labelled: bool,
    /// Where it is.
    pub point_mm: Point,
}

/// A named place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Landmark {
    /// Such as `L3 body` or `left foramen L4/L5`.
    pub name: String,
    /// Where it is.
    pub point_mm: Point,
}

/// Sizes at a disc; sides are left, right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelMeasures {
    /// Which disc.
    pub level: Level,
    /// Cross-section of the dural sac, square mm.
    pub sac_area_mm2: f64,
    /// Front to back, mm.
    pub sac_depth_mm: f64,
    /// Left to right, mm.
    pub sac_width_mm: f64,
    /// Front-to-back size of each recess, mm.
    pub recess_mm: [f64; 2],
    /// Front-to-back size of each foramen at the root, mm.
    pub foramen_mm: [f64; 2],
}

/// Writes one line per study.
pub(crate) fn write_truth(out_dir: &Path, studies: &[StudyRecord]) -> Result<(), PhantomError> {
    let path = out_dir.join("phantom_truth.jsonl");
    let io = |source| PhantomError::Io {
        path: path.clone(),
        source,
    };
    let mut text = Vec::new();
    for study in studies {
        serde_json::to_writer(&mut text, &study.truth).map_err(|error| io(error.into()))?;
        text.write_all(b"\n").map_err(io)?;
    }
    super::files::replace(&path, &text)
}
