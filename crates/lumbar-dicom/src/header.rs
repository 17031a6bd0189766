//! What is kept of a file's header: an allow-list of typed attributes.

use crate::{
    Photometric, Rescale, TransferSyntax, Window, identity::Identity, read::location::PixelLocation,
    words::Words,
};
use lumbar_core::{GeometryError, ImagePlane};
use serde::{Deserialize, Serialize};

/// The header of an image: the attributes this crate allows out of a file, typed, and nothing else.
///
/// The identity of the patient and free text are held back: [`Identity`] gives only a keyed hash, descriptions only
/// their known words.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Header {
    /// How the file is encoded.
    pub transfer_syntax: TransferSyntax,
    /// SOPClassUID.
    pub sop_class_uid: Option<String>,
    /// SOPInstanceUID.
    pub sop_instance_uid: Option<String>,
    /// StudyInstanceUID.
    pub study_instance_uid: Option<String>,
    /// SeriesInstanceUID.
    pub series_instance_uid: Option<String>,
    /// FrameOfReferenceUID.
    pub frame_of_reference_uid: Option<String>,
    /// Who was imaged, as far as it may be told.
    pub identity: Identity,
    /// Modality.
    pub modality: Option<String>,
    /// ImageType.
    pub image_type: Vec<String>,
    /// Manufacturer, if it is one of the known.
    pub manufacturer: Option<String>,
    /// SeriesNumber.
    pub series_number: Option<i32>,
    /// InstanceNumber.
    pub instance_number: Option<i32>,
    /// Known words of SeriesDescription, ProtocolName and SequenceName.
    pub words: Words,
    /// Timing and sequence.
    pub acquisition: Acquisition,
    /// PatientPosition, such as `HFS`. Geometry does not need it: positions are those of the patient already.
    pub patient_position: Option<String>,
    /// SliceThickness, mm: never the distance between slices.
    pub slice_thickness_mm: Option<f64>,
    /// SpacingBetweenSlices as stated, mm.
    pub spacing_between_slices_mm: Option<f64>,
    /// BurnedInAnnotation.
    pub burned_in_annotation: Option<bool>,
    /// SyntheticData.
    pub synthetic: Option<bool>,
    /// The layout of stored samples; `None` for an object that is no image.
    pub pixel_format: Option<PixelFormat>,
    /// One entry per frame.
    pub frames: Vec<FrameHeader>,
    /// What was read around.
    pub warnings: Vec<HeaderWarning>,
    pub(crate) pixel_location: Option<PixelLocation>,
}

impl Header {
    /// Every tag whose value may be read of a data set, of which a few come twice: the allow-list, which
    /// `data-spec/dicom-attributes.md` documents.
    pub fn tags_read() -> impl Iterator<Item = crate::tag::Tag> {
        crate::read::collect::tags_read()
    }
}

/// Timing and sequence of an MR acquisition.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Acquisition {
    /// RepetitionTime, ms.
    pub repetition_time_ms: Option<f64>,
    /// EchoTime (or EffectiveEchoTime), ms.
    pub echo_time_ms: Option<f64>,
    /// InversionTime, ms.
    pub inversion_time_ms: Option<f64>,
    /// FlipAngle, degrees.
    pub flip_angle_deg: Option<f64>,
    /// EchoTrainLength.
    pub echo_train_length: Option<i32>,
    /// MagneticFieldStrength, tesla.
    pub field_strength_t: Option<f64>,
    /// ScanningSequence: `SE`, `IR`, `GR`, `EP`, `RM`.
    pub scanning_sequence: Vec<String>,
    /// SequenceVariant.
    pub sequence_variant: Vec<String>,
    /// ScanOptions, such as `FS` for fat saturation.
    pub scan_options: Vec<String>,
    /// A contrast agent is named.
    pub contrast_agent: bool,
}

/// How stored samples lie in the pixel data.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PixelFormat {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// SamplesPerPixel.
    pub samples_per_pixel: u16,
    /// NumberOfFrames, 1 if not given.
    pub n_frames: u32,
    /// BitsAllocated: 8, 16 or 32 (1 is known and not decoded).
    pub bits_allocated: u16,
    /// BitsStored.
    pub bits_stored: u16,
    /// HighBit.
    pub high_bit: u16,
    /// PixelRepresentation.
    pub signed: bool,
    /// PhotometricInterpretation, for grayscale images.
    pub photometric: Option<Photometric>,
    /// PlanarConfiguration is 1: samples of one kind lie together.
    pub planar: bool,
    /// PixelPaddingValue, as the signed or unsigned number it is.
    pub padding: Option<i32>,
}

/// What differs between frames. A single-frame file has one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FrameHeader {
    /// Where the frame lies in the patient, or why that is not known.
    pub plane: Result<ImagePlane, NoPlane>,
    /// RescaleSlope and RescaleIntercept.
    pub rescale: Option<Rescale>,
    /// The first WindowCenter and WindowWidth.
    pub window: Option<Window>,
    /// Echo time of this frame, ms.
    pub echo_time_ms: Option<f64>,
    /// DimensionIndexValues.
    pub dimension_index: Vec<u32>,
    /// InStackPositionNumber.
    pub in_stack_position: Option<u32>,
}

/// Why the place of an image in the patient is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoPlane {
    /// ImagePositionPatient is missing.
    PositionMissing,
    /// ImageOrientationPatient is missing.
    OrientationMissing,
    /// PixelSpacing is missing.
    SpacingMissing,
    /// A value is not a finite number, or there are too few.
    NotFinite,
    /// Direction cosines are not of length 1 or not perpendicular.
    BadOrientation,
    /// Pixel spacing is not positive.
    BadSpacing,
    /// The image has no rows or columns.
    Empty,
}

impl From<GeometryError> for NoPlane {
    fn from(error: GeometryError) -> NoPlane {
        match error {
            GeometryError::NotFinite { .. } => NoPlane::NotFinite,
            GeometryError::BadSpacing { .. } => NoPlane::BadSpacing,
            GeometryError::Empty { .. } => NoPlane::Empty,
            _ => NoPlane::BadOrientation,
        }
    }
}

macro_rules! warnings {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        /// What a reader had to read around.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum HeaderWarning { $($(#[doc = $doc])* $name,)* }

        impl HeaderWarning {
            /// Every warning.
            pub const ALL: &'static [HeaderWarning] = &[$(HeaderWarning::$name,)*];
        }
    };
}

warnings! {
    /// The file is compressed with gzip.
    Gzip;
    /// The magic stands at byte 0.
    NoPreamble;
    /// There is no magic.
    NoMagic;
    /// There is no meta group.
    NoMetaGroup;
    /// No transfer syntax is named.
    GuessedTransferSyntax;
    /// Elements are written otherwise than the transfer syntax says.
    EncodingContradictsTransferSyntax;
    /// HighBit cannot be; BitsStored - 1 is taken.
    HighBitIgnored;
    /// A number could not be read.
    UnreadableNumber;
    /// Fewer functional groups than frames.
    MissingFunctionalGroups;
}
