//! Writing MR slices as DICOM files: what phantoms and tests are made of.
//!
//! The writer makes valid MR Image Storage objects, and on request objects that lack what real files lack: an optional
//! attribute that is `None` is left out.

mod elements;
mod rle;

use crate::{TransferSyntax, tag, tag::Tag};
use elements::{Element, Value, decimal};
use lumbar_core::ImagePlane;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// MR Image Storage.
pub(crate) const MR_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.4";
/// Names this writer in the meta group; a UUID-derived UID (PS3.5 B.2), drawn once.
const IMPLEMENTATION_CLASS_UID: &str = "2.25.301285339709736984258252471169082307191";

/// How stored values are meant to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "UPPERCASE")]
pub enum Photometric {
    /// Small values are bright.
    Monochrome1,
    /// Small values are dark.
    #[default]
    Monochrome2,
}

impl Photometric {
    /// The value of PhotometricInterpretation.
    pub fn keyword(self) -> &'static str {
        match self {
            Photometric::Monochrome1 => "MONOCHROME1",
            Photometric::Monochrome2 => "MONOCHROME2",
        }
    }
}

/// One MR slice, to be written as one file.
///
/// An optional field that is `None` is left out of the file, as scanners and de-identification tools leave it out.
/// Attributes that the standard wants present but lets be empty (dates, names, accession number) are written empty.
///
/// ```
/// use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
/// use lumbar_dicom::{Limits, MrImage, TransferSyntax, read_image_bytes};
///
/// let plane = ImagePlane::new(
///     Point::new(-80.0, -60.0, 12.0),
///     [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 1.0, 0.0)],
///     PixelSpacing { row_mm: 0.5, column_mm: 0.5 },
///     [2, 3],
/// )?;
/// let slice = MrImage { instance_number: 7, ..MrImage::new(["1.2.1", "1.2.1.1", "1.2.1.1.7"], plane, vec![0, 1, 2, 300, 4, 5]) };
/// let bytes = slice.to_bytes(TransferSyntax::RleLossless)?;
///
/// let image = read_image_bytes(&bytes, &Limits::default())?;
/// assert_eq!(image.header.instance_number, Some(7));
/// assert_eq!(image.pixels.frame(0)?.to_i32(), [0, 1, 2, 300, 4, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MrImage {
    /// StudyInstanceUID.
    pub study_instance_uid: String,
    /// SeriesInstanceUID.
    pub series_instance_uid: String,
    /// SOPInstanceUID.
    pub sop_instance_uid: String,
    /// FrameOfReferenceUID; slices of one study that may be related in space share it.
    pub frame_of_reference_uid: Option<String>,
    /// PatientID.
    pub patient_id: String,
    /// PatientName.
    pub patient_name: String,
    /// PatientSex: `M`, `F` or `O`.
    pub patient_sex: Option<String>,
    /// PatientAge, such as `057Y`.
    pub patient_age: Option<String>,
    /// Manufacturer.
    pub manufacturer: String,
    /// ManufacturerModelName.
    pub model_name: Option<String>,
    /// ImageType, such as `["DERIVED", "PRIMARY", "OTHER"]`; MR wants a third value.
    pub image_type: Vec<String>,
    /// SyntheticData (0008,001C).
    pub synthetic: Option<bool>,
    /// Modality, `MR` unless left out.
    pub modality: Option<String>,
    /// StudyDescription.
    pub study_description: Option<String>,
    /// SeriesDescription.
    pub series_description: Option<String>,
    /// ProtocolName.
    pub protocol_name: Option<String>,
    /// BodyPartExamined, such as `LSPINE`; without it a validator asks for Laterality.
    pub body_part: Option<String>,
    /// SeriesNumber.
    pub series_number: Option<i32>,
    /// InstanceNumber.
    pub instance_number: i32,
    /// Gives ImagePositionPatient, ImageOrientationPatient, PixelSpacing, Rows and Columns.
    pub plane: ImagePlane,
    /// SliceThickness, mm.
    pub slice_thickness_mm: Option<f64>,
    /// SpacingBetweenSlices, mm.
    pub spacing_between_slices_mm: Option<f64>,
    /// RepetitionTime, ms.
    pub repetition_time_ms: Option<f64>,
    /// EchoTime, ms.
    pub echo_time_ms: Option<f64>,
    /// InversionTime, ms.
    pub inversion_time_ms: Option<f64>,
    /// FlipAngle, degrees.
    pub flip_angle_deg: Option<f64>,
    /// EchoTrainLength.
    pub echo_train_length: Option<i32>,
    /// MagneticFieldStrength, tesla.
    pub magnetic_field_strength_t: Option<f64>,
    /// ScanningSequence, such as `SE` or `SE\IR`.
    pub scanning_sequence: Option<String>,
    /// SequenceVariant, such as `SK`.
    pub sequence_variant: Option<String>,
    /// ScanOptions.
    pub scan_options: Option<String>,
    /// SequenceName.
    pub sequence_name: Option<String>,
    /// PatientPosition, such as `HFS`.
    pub patient_position: Option<String>,
    /// Bits used of each 16-bit sample, 1 to 16; HighBit is one less.
    pub bits_stored: u8,
    /// Whether samples are two's complement in `bits_stored` bits.
    pub signed: bool,
    /// Samples row by row; a signed sample as its `i16` bit pattern.
    pub pixels: Vec<u16>,
    /// WindowCenter and WindowWidth.
    pub window: Option<(f64, f64)>,
    /// RescaleSlope and RescaleIntercept.
    pub rescale: Option<(f64, f64)>,
    /// PhotometricInterpretation.
    pub photometric: Photometric,
}

impl MrImage {
    /// A plain slice: 16 bits unsigned, MONOCHROME2, modality MR, spin echo, everything optional left out.
    /// `uids` are those of study, series and instance; `pixels` lie row by row.
    pub fn new(uids: [&str; 3], plane: ImagePlane, pixels: Vec<u16>) -> MrImage {
        let [study, series, instance] = uids.map(str::to_owned);
        MrImage {
            study_instance_uid: study,
            series_instance_uid: series,
            sop_instance_uid: instance,
            frame_of_reference_uid: None,
            patient_id: String::new(),
            patient_name: String::new(),
            patient_sex: None,
            patient_age: None,
            manufacturer: String::new(),
            model_name: None,
            image_type: ["ORIGINAL", "PRIMARY", "OTHER"].map(str::to_owned).to_vec(),
            synthetic: None,
            modality: Some("MR".to_owned()),
            study_description: None,
            series_description: None,
            protocol_name: None,
            body_part: None,
            series_number: None,
            instance_number: 1,
            plane,
            slice_thickness_mm: None,
            spacing_between_slices_mm: None,
            repetition_time_ms: None,
            echo_time_ms: None,
            inversion_time_ms: None,
            flip_angle_deg: None,
            echo_train_length: None,
            magnetic_field_strength_t: None,
            scanning_sequence: Some("SE".to_owned()),
            sequence_variant: Some("NONE".to_owned()),
            scan_options: None,
            sequence_name: None,
            patient_position: None,
            bits_stored: 16,
            signed: false,
            pixels,
            window: None,
            rescale: None,
            photometric: Photometric::Monochrome2,
        }
    }

    /// The file as bytes.
    ///
    /// # Errors
    /// [`WriteError`] for a syntax this writer has no encoder for, pixels that do not fill the plane or do not fit
    /// `bits_stored`, text that is too long or not ASCII, and numbers that are not finite.
    pub fn to_bytes(&self, syntax: TransferSyntax) -> Result<Vec<u8>, WriteError> {
        let pixel_data = self.pixel_data(syntax)?;
        let mut elements = self.header_elements()?;
        elements.push(pixel_data);
        let meta = vec![
            Element {
                tag: tag::META_VERSION,
                vr: b"OB",
                value: Value::Bytes(vec![0, 1]),
            },
            uid(tag::MEDIA_STORAGE_SOP_CLASS_UID, MR_IMAGE_STORAGE)?,
            uid(tag::MEDIA_STORAGE_SOP_INSTANCE_UID, &self.sop_instance_uid)?,
            uid(tag::TRANSFER_SYNTAX_UID, syntax.uid())?,
            uid(tag::IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_CLASS_UID)?,
            Element::text(tag::IMPLEMENTATION_VERSION_NAME, b"SH", "LUMBAR_DICOM_1")?,
        ];
        elements::encode_file(meta, elements, syntax)
    }

    /// Writes the file at `path`.
    ///
    /// # Errors
    /// As [`MrImage::to_bytes`], and [`WriteError::Io`].
    pub fn write(&self, path: &Path, syntax: TransferSyntax) -> Result<(), WriteError> {
        std::fs::write(path, self.to_bytes(syntax)?).map_err(WriteError::Io)
    }

    fn header_elements(&self) -> Result<Vec<Element>, WriteError> {
        let plane = &self.plane;
        let (origin, row, column) = (plane.origin(), plane.row_direction(), plane.column_direction());
        let shape = |n: u32| u16::try_from(n).map_err(|_| WriteError::ImageTooLarge { found: n });
        let mut out = vec![
            Element::text(tag::IMAGE_TYPE, b"CS", self.image_type.join("\\"))?,
            uid(tag::SOP_CLASS_UID, MR_IMAGE_STORAGE)?,
            uid(tag::SOP_INSTANCE_UID, &self.sop_instance_uid)?,
            Element::text(tag::MANUFACTURER, b"LO", &self.manufacturer)?,
            Element::text(tag::PATIENT_NAME, b"PN", &self.patient_name)?,
            Element::text(tag::PATIENT_ID, b"LO", &self.patient_id)?,
            Element::text(
                tag::PATIENT_SEX,
                b"CS",
                self.patient_sex.clone().unwrap_or_default(),
            )?,
            uid(tag::STUDY_INSTANCE_UID, &self.study_instance_uid)?,
            uid(tag::SERIES_INSTANCE_UID, &self.series_instance_uid)?,
            Element::text(
                tag::SERIES_NUMBER,
                b"IS",
                self.series_number.map(|n| n.to_string()).unwrap_or_default(),
            )?,
            Element::text(tag::INSTANCE_NUMBER, b"IS", self.instance_number.to_string())?,
            decimals(tag::IMAGE_POSITION_PATIENT, &[origin.x, origin.y, origin.z])?,
            decimals(
                tag::IMAGE_ORIENTATION_PATIENT,
                &[row.x, row.y, row.z, column.x, column.y, column.z],
            )?,
            decimals(
                tag::PIXEL_SPACING,
                &[plane.spacing().row_mm, plane.spacing().column_mm],
            )?,
            Element::u16(tag::SAMPLES_PER_PIXEL, 1),
            Element::text(tag::PHOTOMETRIC_INTERPRETATION, b"CS", self.photometric.keyword())?,
            Element::u16(tag::ROWS, shape(plane.rows())?),
            Element::u16(tag::COLUMNS, shape(plane.columns())?),
            Element::u16(tag::BITS_ALLOCATED, 16),
            Element::u16(tag::BITS_STORED, u16::from(self.bits_stored)),
            Element::u16(tag::HIGH_BIT, u16::from(self.bits_stored) - 1),
            Element::u16(tag::PIXEL_REPRESENTATION, u16::from(self.signed)),
        ];
        // Present but empty: type 2 of the modules that MR Image Storage is made of.
        for (tag, vr) in [
            (tag::STUDY_DATE, b"DA"),
            (tag::STUDY_TIME, b"TM"),
            (tag::ACCESSION_NUMBER, b"SH"),
            (tag::REFERRING_PHYSICIAN_NAME, b"PN"),
            (tag::PATIENT_BIRTH_DATE, b"DA"),
            (tag::STUDY_ID, b"SH"),
            (tag::MR_ACQUISITION_TYPE, b"CS"),
        ] {
            let value = if tag == tag::MR_ACQUISITION_TYPE { "2D" } else { "" };
            out.push(Element::text(tag, vr, value)?);
        }
        if self.frame_of_reference_uid.is_some() {
            out.push(Element::text(tag::POSITION_REFERENCE_INDICATOR, b"LO", "")?);
        }
        let texts: [(Tag, &'static [u8; 2], &Option<String>); 13] = [
            (tag::MODALITY, b"CS", &self.modality),
            (tag::MODEL_NAME, b"LO", &self.model_name),
            (tag::STUDY_DESCRIPTION, b"LO", &self.study_description),
            (tag::SERIES_DESCRIPTION, b"LO", &self.series_description),
            (tag::PATIENT_AGE, b"AS", &self.patient_age),
            (tag::BODY_PART_EXAMINED, b"CS", &self.body_part),
            (tag::PROTOCOL_NAME, b"LO", &self.protocol_name),
            (tag::SCANNING_SEQUENCE, b"CS", &self.scanning_sequence),
            (tag::SEQUENCE_VARIANT, b"CS", &self.sequence_variant),
            (
                tag::SCAN_OPTIONS,
                b"CS",
                &Some(self.scan_options.clone().unwrap_or_default()),
            ),
            (tag::SEQUENCE_NAME, b"SH", &self.sequence_name),
            (tag::PATIENT_POSITION, b"CS", &self.patient_position),
            (tag::FRAME_OF_REFERENCE_UID, b"UI", &self.frame_of_reference_uid),
        ];
        for (tag, vr, text) in texts {
            if let Some(text) = text {
                out.push(Element::text(tag, vr, text.as_str())?);
            }
        }
        for (tag, value) in [
            (tag::SLICE_THICKNESS, self.slice_thickness_mm),
            (tag::SPACING_BETWEEN_SLICES, self.spacing_between_slices_mm),
            (tag::REPETITION_TIME, self.repetition_time_ms),
            (tag::ECHO_TIME, self.echo_time_ms),
            (tag::INVERSION_TIME, self.inversion_time_ms),
            (tag::FLIP_ANGLE, self.flip_angle_deg),
            (tag::MAGNETIC_FIELD_STRENGTH, self.magnetic_field_strength_t),
            (tag::WINDOW_CENTER, self.window.map(|window| window.0)),
            (tag::WINDOW_WIDTH, self.window.map(|window| window.1)),
            (tag::RESCALE_SLOPE, self.rescale.map(|rescale| rescale.0)),
            (tag::RESCALE_INTERCEPT, self.rescale.map(|rescale| rescale.1)),
        ] {
            if let Some(value) = value {
                out.push(decimals(tag, &[value])?);
            }
        }
        if let Some(length) = self.echo_train_length {
            out.push(Element::text(tag::ECHO_TRAIN_LENGTH, b"IS", length.to_string())?);
        }
        if let Some(synthetic) = self.synthetic {
            out.push(Element::text(
                tag::SYNTHETIC_DATA,
                b"CS",
                if synthetic { "YES" } else { "NO" },
            )?);
        }
        Ok(out)
    }

    fn pixel_data(&self, syntax: TransferSyntax) -> Result<Element, WriteError> {
        let (rows, columns) = (self.plane.rows() as usize, self.plane.columns() as usize);
        if self.pixels.len() != rows * columns {
            return Err(WriteError::PixelCount {
                found: self.pixels.len(),
                expected: rows * columns,
            });
        }
        if !(1..=16).contains(&self.bits_stored) {
            return Err(WriteError::BitsStored {
                found: self.bits_stored,
            });
        }
        let words = self.masked_pixels()?;
        let value = match syntax {
            TransferSyntax::ImplicitVrLittleEndian
            | TransferSyntax::ExplicitVrLittleEndian
            | TransferSyntax::ExplicitVrBigEndian
            | TransferSyntax::DeflatedExplicitVrLittleEndian => Value::Words(words),
            TransferSyntax::RleLossless => {
                let fragment = rle::encode_frame(&words, columns);
                return Ok(Element {
                    tag: tag::PIXEL_DATA,
                    vr: b"OB",
                    value: Value::Fragment(fragment),
                });
            }
            other => return Err(WriteError::NoEncoder { syntax: other }),
        };
        Ok(Element {
            tag: tag::PIXEL_DATA,
            vr: b"OW",
            value,
        })
    }

    /// The samples in `bits_stored` bits, unused high bits zero.
    fn masked_pixels(&self) -> Result<Vec<u16>, WriteError> {
        let unused = 16 - u32::from(self.bits_stored);
        let mask = u16::MAX >> unused;
        let fits = |pixel: u16| match self.signed {
            false => pixel & mask == pixel,
            true => ((pixel << unused) as i16) >> unused == pixel as i16,
        };
        match self.pixels.iter().position(|pixel| !fits(*pixel)) {
            Some(index) => Err(WriteError::PixelTooLarge {
                index,
                bits_stored: self.bits_stored,
            }),
            None => Ok(self.pixels.iter().map(|pixel| pixel & mask).collect()),
        }
    }
}

fn uid(tag: Tag, uid: &str) -> Result<Element, WriteError> {
    if uid.is_empty() || !uid.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(WriteError::BadUid { tag });
    }
    Element::text(tag, b"UI", uid)
}

fn decimals(tag: Tag, values: &[f64]) -> Result<Element, WriteError> {
    let texts = values
        .iter()
        .map(|value| decimal(tag, *value))
        .collect::<Result<Vec<_>, _>>()?;
    Element::text(tag, b"DS", texts.join("\\"))
}

/// Why a slice could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// There is no encoder for this transfer syntax here.
    #[error("no encoder for {syntax}, expected an uncompressed syntax or RLE Lossless")]
    NoEncoder {
        /// The syntax asked for.
        syntax: TransferSyntax,
    },
    /// The pixels do not fill the image.
    #[error("{found} pixels, expected rows times columns = {expected}")]
    PixelCount {
        /// Pixels given.
        found: usize,
        /// Rows times columns.
        expected: usize,
    },
    /// A pixel needs more bits than are stored.
    #[error("pixel {index} does not fit {bits_stored} bits")]
    PixelTooLarge {
        /// Index in row order.
        index: usize,
        /// Bits stored.
        bits_stored: u8,
    },
    /// Bits stored out of range.
    #[error("{found} bits stored, expected 1 to 16")]
    BitsStored {
        /// Bits asked for.
        found: u8,
    },
    /// Rows or columns beyond what the format holds.
    #[error("{found} rows or columns, expected at most 65535")]
    ImageTooLarge {
        /// Rows or columns found.
        found: u32,
    },
    /// A text is longer than its representation allows.
    #[error("{tag}: text of {found} characters, expected at most {limit}")]
    ValueTooLong {
        /// The element.
        tag: Tag,
        /// Characters found.
        found: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// A text holds control or non-ASCII characters.
    #[error("{tag}: text is not printable ASCII")]
    NotAscii {
        /// The element.
        tag: Tag,
    },
    /// An identifier is empty or holds other characters than digits and dots.
    #[error("{tag}: not a unique identifier (digits and dots)")]
    BadUid {
        /// The element.
        tag: Tag,
    },
    /// A number is NaN or infinite.
    #[error("{tag}: number is not finite")]
    NotFinite {
        /// The element.
        tag: Tag,
    },
    /// Compression failed.
    #[error("deflate failed")]
    Deflate(#[source] std::io::Error),
    /// The file could not be written.
    #[error("file could not be written")]
    Io(#[source] std::io::Error),
}
