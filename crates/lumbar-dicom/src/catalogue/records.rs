//! The rows of a catalogue.

use crate::{NoPlane, Photometric, Pseudonyms, RejectReason, TransferSyntax};
use lumbar_core::{ImagePlane, PatientKey, Plane, SeriesId, SeriesKind, StudyId, Weighting};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a folder of files holds. All three lists are sorted, and the same files give the same lists.
///
/// The distinct sources of `slices` and `rejects` are disjoint and together exactly the files found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Catalogue {
    /// Files found, links included.
    pub n_files: usize,
    /// Series with at least one slice, by study and series.
    pub series: Vec<SeriesRecord>,
    /// Slices by study, series, stack and position in the stack.
    pub slices: Vec<SliceRecord>,
    /// Files not taken, by source.
    pub rejects: Vec<Reject>,
    /// How ids and names were made. No part of the records.
    #[serde(skip)]
    pub pseudonyms: Pseudonyms,
    /// Files whose pixels do not decode are among the rejects. No part of the records.
    #[serde(skip)]
    pub pixels_checked: bool,
}

/// Some series of a catalogue and all their slices, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CataloguePart {
    /// Series, by study and series.
    pub series: Vec<SeriesRecord>,
    /// Their slices, in the same order.
    pub slices: Vec<SliceRecord>,
}

impl Catalogue {
    /// The slices of a series, in the order of its stacks; `&[]` if there is no such series.
    pub fn slices_of(&self, study: &StudyId, series: &SeriesId) -> &[SliceRecord] {
        let key = |slice: &SliceRecord| (slice.study.cmp(study)).then_with(|| slice.series.cmp(series));
        let start = self.slices.partition_point(|slice| key(slice).is_lt());
        let end = self.slices.partition_point(|slice| key(slice).is_le());
        &self.slices[start..end]
    }

    /// The series of a study.
    pub fn series_of(&self, study: &StudyId) -> &[SeriesRecord] {
        let start = self.series.partition_point(|series| series.study < *study);
        let end = self.series.partition_point(|series| series.study <= *study);
        &self.series[start..end]
    }
}

/// One slice: a file, or one frame of a multi-frame file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceRecord {
    /// The file's name in manifests: its path below the root with `/` between folders, or a keyed hash of it.
    pub source: String,
    /// The file's path below the root, for reading its pixels; not for manifests.
    #[serde(skip)]
    pub path: PathBuf,
    /// Frame in the file, from 0.
    pub frame: u32,
    /// The study.
    pub study: StudyId,
    /// The series.
    pub series: SeriesId,
    /// The patient as a keyed hash, if the file names one.
    pub patient_key: Option<PatientKey>,
    /// SOPInstanceUID, or a keyed hash of it.
    pub sop_instance: String,
    /// InstanceNumber; in the RSNA layout the file's name.
    pub instance_number: Option<i32>,
    /// Where the slice lies.
    pub plane: Option<ImagePlane>,
    /// Why `plane` is absent.
    pub no_plane: Option<NoPlane>,
    /// Stack within the series, from 0; stacks are ordered from head to foot.
    pub stack_idx: u32,
    /// Position within the stack, from 0, along the stack's normal.
    pub position_in_stack: u32,
    /// The slice lies where the slice before it lies.
    pub same_position_as_previous: bool,
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Bits of a stored sample that count.
    pub bits_stored: u8,
    /// Whether samples are signed.
    pub signed: bool,
    /// Whether small values are bright.
    pub photometric: Photometric,
    /// Encoding of the file.
    pub transfer_syntax: TransferSyntax,
    /// RescaleSlope and RescaleIntercept.
    pub rescale: Option<Rescale>,
    /// WindowCenter and WindowWidth, the first if there are several.
    pub window: Option<Window>,
    /// FrameOfReferenceUID as a keyed hash: equal values may be related in space.
    pub frame_of_reference: Option<String>,
}

/// Stored value to modality value: `slope * stored + intercept`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rescale {
    /// RescaleSlope.
    pub slope: f64,
    /// RescaleIntercept.
    pub intercept: f64,
}

/// The range of modality values meant to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// WindowCenter.
    pub center: f64,
    /// WindowWidth.
    pub width: f64,
}

/// One series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesRecord {
    /// The study.
    pub study: StudyId,
    /// The series.
    pub series: SeriesId,
    /// The patient as a keyed hash, if the files name one.
    pub patient_key: Option<PatientKey>,
    /// The known words of SeriesDescription and ProtocolName (`t2 tse sag`); other words do not leave the reader.
    pub description: Option<String>,
    /// Anatomical plane of the largest stack.
    pub plane: Option<Plane>,
    /// Contrast weighting.
    pub weighting: Weighting,
    /// What the series serves as, if anything.
    pub kind: Option<SeriesKind>,
    /// Which rule decided on the kind, in words.
    pub evidence: String,
    /// How far the evidence goes.
    pub confidence: Confidence,
    /// Slices.
    pub n_slices: u32,
    /// The stacks, ordered from head to foot.
    pub stacks: Vec<StackRecord>,
    /// Median distance between neighbouring slices over all stacks, measured from their positions, mm.
    pub spacing_mm: Option<f64>,
    /// SliceThickness as stated, mm.
    pub slice_thickness_mm: Option<f64>,
    /// FrameOfReferenceUID as a keyed hash, if all slices share one.
    pub frame_of_reference: Option<String>,
    /// Manufacturer, if it is one of the known.
    pub manufacturer: Option<String>,
    /// RepetitionTime, ms.
    pub repetition_time_ms: Option<f64>,
    /// EchoTime, ms.
    pub echo_time_ms: Option<f64>,
    /// InversionTime, ms.
    pub inversion_time_ms: Option<f64>,
    /// MagneticFieldStrength, tesla.
    pub field_strength_t: Option<f64>,
    /// The files declare themselves synthetic.
    pub synthetic: bool,
    /// What is unusual, as stable codes.
    pub warnings: Vec<SeriesWarning>,
}

/// One stack: parallel slices of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackRecord {
    /// Slices.
    pub n_slices: u32,
    /// Anatomical plane; `None` without geometry.
    pub plane: Option<Plane>,
    /// Median distance between neighbouring slices, mm.
    pub spacing_mm: Option<f64>,
    /// Places where at least one slice seems to be missing.
    pub n_gaps: u32,
    /// Slices that lie where another lies.
    pub n_duplicates: u32,
}

/// How far the evidence for a series' kind goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// No evidence.
    None,
    /// Image contrast only.
    Low,
    /// A description, or timing that allows a second reading.
    Medium,
    /// Timing that allows one reading, or timing and description agreeing, or the caller's table.
    High,
}

/// What is unusual about a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SeriesWarning {
    /// Some slices have no usable geometry.
    MissingGeometry,
    /// More than one stack.
    SeveralStacks,
    /// Stacks in different anatomical planes: a localiser.
    MixedPlanes,
    /// Slices of different rows or columns.
    MixedShapes,
    /// Slices of different pixel spacing.
    MixedPixelSpacing,
    /// Slices seem to be missing.
    Gaps,
    /// Several slices at one position.
    DuplicatePositions,
    /// Distances between slices vary.
    UnevenSpacing,
    /// Positions shift across the normal: a sheared stack.
    ShearedStack,
    /// InstanceNumber is missing or not unique.
    InstanceNumbers,
    /// No FrameOfReferenceUID, or several.
    FrameOfReference,
    /// Modality is missing; taken for MR.
    MissingModality,
    /// The plane found is not the one the description names.
    PlaneContradictsDescription,
    /// The contrast found is not the one the description names.
    WeightingContradictsDescription,
    /// The folder holds files of several SeriesInstanceUIDs.
    SeveralSeriesUids,
    /// Files of one series name several patients.
    SeveralPatients,
}

/// One file not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reject {
    /// The file's name in manifests, as in [`SliceRecord::source`].
    pub source: String,
    /// The study, if known.
    pub study: Option<StudyId>,
    /// The series, if known.
    pub series: Option<SeriesId>,
    /// The stable reason.
    pub reason: RejectReason,
    /// More about it, without values of attributes.
    pub detail: String,
}
