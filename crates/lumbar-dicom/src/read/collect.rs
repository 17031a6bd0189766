//! Picks the allow-listed attributes out of a walk and makes a [`Header`] of them.

mod assemble;

use super::{
    location::{CutItem, PixelLocation},
    preface::Opened,
    record::{FileFacts, Recording, Tee},
    walk::{self, Scope, Value, Visitor, WalkEnd},
};
use crate::{Acquisition, Header, Limits, ReadError, identity::Identity, tag, tag::Tag, words::Words};
use sha2::{Digest, Sha256};

/// Reads the header of an opened file.
pub(crate) fn read(opened: &mut Opened<'_>, limits: &Limits) -> Result<Header, ReadError> {
    read_recorded(opened, limits, None)
}

/// As [`read`], and keeps what it read.
pub(super) fn read_recorded(
    opened: &mut Opened<'_>,
    limits: &Limits,
    recording: Option<&mut Recording>,
) -> Result<Header, ReadError> {
    let mut tee = Tee::new(Collector::new(limits), recording);
    let walked = walk::walk(
        &mut opened.source,
        opened.data_set_at,
        opened.encoding,
        limits,
        &mut tee,
    );
    let mut collector = tee.into_collector()?;
    let end = match walked {
        // Without the magic, what cannot be walked was never DICOM.
        Err(ReadError::Io(error)) => return Err(ReadError::Io(error)),
        Err(_) if !opened.has_magic => return Err(ReadError::NotDicom),
        other => other?,
    };
    if !opened.has_magic && collector.sop_class_uid.is_none() && collector.rows.is_none() {
        return Err(ReadError::NotDicom);
    }
    let location = match end {
        WalkEnd::PixelData(head) => Some(PixelLocation {
            tag: head.tag,
            value_at: head.value_at,
            length: head.length,
            left: opened.source.left(head.value_at),
            encoding: opened.encoding,
            extended_offsets: std::mem::take(&mut collector.extended_offsets),
            cut: (head.length == walk::UNDEFINED)
                .then(|| CutItem::find(&mut opened.source, head.value_at))
                .flatten(),
        }),
        WalkEnd::End => None,
    };
    let file = FileFacts {
        syntax: opened.syntax,
        media_storage_sop_class: opened.media_storage_sop_class.take(),
        warnings: std::mem::take(&mut opened.warnings),
        location,
    };
    collector.finish(file, limits)
}

/// Values as found.
#[derive(Default)]
pub(super) struct Collector {
    max_frames: u32,
    sop_class_uid: Option<String>,
    sop_instance_uid: Option<String>,
    study_instance_uid: Option<String>,
    series_instance_uid: Option<String>,
    frame_of_reference_uid: Option<String>,
    identity: Identity,
    identity_hash: Sha256,
    modality: Option<String>,
    image_type: Vec<String>,
    manufacturer: Option<String>,
    series_number: Option<i32>,
    instance_number: Option<i32>,
    words: Words,
    acquisition: Acquisition,
    patient_position: Option<String>,
    spacing_between_slices_mm: Option<f64>,
    burned_in_annotation: Option<bool>,
    synthetic: Option<bool>,
    rows: Option<u16>,
    columns: Option<u16>,
    samples_per_pixel: Option<u16>,
    n_frames: Option<i32>,
    bits_allocated: Option<u16>,
    bits_stored: Option<u16>,
    high_bit: Option<u16>,
    signed: bool,
    photometric: Option<String>,
    planar: bool,
    padding: Option<u16>,
    extended_offsets: Vec<u64>,
    unreadable_number: bool,
    top: Group,
    shared: Group,
    per_frame: Vec<Group>,
}

/// What may stand in the data set, in the shared or in a frame's functional groups.
#[derive(Debug, Default, Clone)]
struct Group {
    position: Option<Vec<f64>>,
    orientation: Option<Vec<f64>>,
    spacing: Option<Vec<f64>>,
    thickness_mm: Option<f64>,
    slope: Option<f64>,
    intercept: Option<f64>,
    window_center: Option<f64>,
    window_width: Option<f64>,
    echo_time_ms: Option<f64>,
    dimension_index: Vec<u32>,
    in_stack_position: Option<u32>,
}

/// Every tag whose value may be read of a data set.
pub(crate) fn tags_read() -> impl Iterator<Item = Tag> {
    TOP_TAGS.into_iter().chain(GROUP_TAGS).chain([tag::PIXEL_DATA])
}

/// Tags wanted at the top of the data set. This list and [`GROUP_TAGS`] are the allow-list.
const TOP_TAGS: [Tag; 55] = [
    tag::IMAGE_TYPE,
    tag::SOP_CLASS_UID,
    tag::SOP_INSTANCE_UID,
    tag::SYNTHETIC_DATA,
    tag::STUDY_DATE,
    tag::CONTENT_DATE,
    tag::STUDY_TIME,
    tag::CONTENT_TIME,
    tag::ACCESSION_NUMBER,
    tag::MODALITY,
    tag::MANUFACTURER,
    tag::SERIES_DESCRIPTION,
    tag::PATIENT_NAME,
    tag::PATIENT_ID,
    tag::ISSUER_OF_PATIENT_ID,
    tag::PATIENT_BIRTH_DATE,
    tag::CONTRAST_BOLUS_AGENT,
    tag::SCANNING_SEQUENCE,
    tag::SEQUENCE_VARIANT,
    tag::SCAN_OPTIONS,
    tag::SEQUENCE_NAME,
    tag::SLICE_THICKNESS,
    tag::REPETITION_TIME,
    tag::ECHO_TIME,
    tag::INVERSION_TIME,
    tag::MAGNETIC_FIELD_STRENGTH,
    tag::SPACING_BETWEEN_SLICES,
    tag::ECHO_TRAIN_LENGTH,
    tag::PROTOCOL_NAME,
    tag::FLIP_ANGLE,
    tag::PATIENT_POSITION,
    tag::ECHO_PULSE_SEQUENCE,
    tag::ECHO_PLANAR_PULSE_SEQUENCE,
    tag::STUDY_INSTANCE_UID,
    tag::SERIES_INSTANCE_UID,
    tag::SERIES_NUMBER,
    tag::INSTANCE_NUMBER,
    tag::IMAGE_POSITION_PATIENT,
    tag::IMAGE_ORIENTATION_PATIENT,
    tag::FRAME_OF_REFERENCE_UID,
    tag::SAMPLES_PER_PIXEL,
    tag::PHOTOMETRIC_INTERPRETATION,
    tag::PLANAR_CONFIGURATION,
    tag::NUMBER_OF_FRAMES,
    tag::ROWS,
    tag::COLUMNS,
    tag::PIXEL_SPACING,
    tag::BITS_ALLOCATED,
    tag::BITS_STORED,
    tag::HIGH_BIT,
    tag::PIXEL_REPRESENTATION,
    tag::PIXEL_PADDING_VALUE,
    tag::BURNED_IN_ANNOTATION,
    tag::WINDOW_CENTER,
    tag::WINDOW_WIDTH,
];

/// Tags wanted at the top and in functional groups.
const GROUP_TAGS: [Tag; 17] = [
    tag::IMAGE_POSITION_PATIENT,
    tag::IMAGE_ORIENTATION_PATIENT,
    tag::PIXEL_SPACING,
    tag::SLICE_THICKNESS,
    tag::SPACING_BETWEEN_SLICES,
    tag::RESCALE_SLOPE,
    tag::RESCALE_INTERCEPT,
    tag::WINDOW_CENTER,
    tag::WINDOW_WIDTH,
    tag::EFFECTIVE_ECHO_TIME,
    tag::REPETITION_TIME,
    tag::FLIP_ANGLE,
    tag::RF_ECHO_TRAIN_LENGTH,
    tag::INVERSION_TIMES,
    tag::DIMENSION_INDEX_VALUES,
    tag::IN_STACK_POSITION_NUMBER,
    tag::EXTENDED_OFFSET_TABLE,
];

impl Visitor for Collector {
    fn wants(&self, scope: Scope, tag: Tag) -> bool {
        match scope {
            Scope::Top => TOP_TAGS.contains(&tag) || GROUP_TAGS.contains(&tag),
            Scope::Macro { .. } => GROUP_TAGS.contains(&tag),
            _ => false,
        }
    }

    fn value(&mut self, scope: Scope, tag: Tag, value: Value<'_>) {
        match scope {
            Scope::Top => self.top_value(tag, value),
            Scope::Macro { frame, .. } => self.macro_value(frame, tag, value),
            _ => {}
        }
    }
}

impl Collector {
    pub(super) fn new(limits: &Limits) -> Collector {
        Collector {
            max_frames: limits.max_frames,
            ..Collector::default()
        }
    }

    fn top_value(&mut self, tag: Tag, value: Value<'_>) {
        let code = |value: Value<'_>| value.codes().into_iter().next();
        match tag {
            tag::IMAGE_TYPE => self.image_type = value.codes(),
            tag::SOP_CLASS_UID => self.sop_class_uid = value.uid(),
            tag::SOP_INSTANCE_UID => self.sop_instance_uid = value.uid(),
            tag::STUDY_INSTANCE_UID => self.study_instance_uid = value.uid(),
            tag::SERIES_INSTANCE_UID => self.series_instance_uid = value.uid(),
            tag::FRAME_OF_REFERENCE_UID => self.frame_of_reference_uid = value.uid(),
            tag::SYNTHETIC_DATA => self.synthetic = yes_or_no(value),
            tag::BURNED_IN_ANNOTATION => self.burned_in_annotation = yes_or_no(value),
            tag::MODALITY => self.modality = code(value),
            tag::MANUFACTURER => self.manufacturer = known_manufacturer(value.trimmed()),
            tag::SERIES_DESCRIPTION | tag::PROTOCOL_NAME | tag::SEQUENCE_NAME => self.words.add(value.bytes),
            tag::PATIENT_ID => self.identity.patient_id = value.trimmed().to_vec(),
            tag::ISSUER_OF_PATIENT_ID => self.identity.issuer = value.trimmed().to_vec(),
            tag::CONTRAST_BOLUS_AGENT => self.acquisition.contrast_agent = !value.trimmed().is_empty(),
            tag::SCANNING_SEQUENCE => self.acquisition.scanning_sequence = value.codes(),
            // Enhanced MR spells out what ScanningSequence codes.
            tag::ECHO_PULSE_SEQUENCE => {
                let code = match value.text() {
                    Some("SPIN") => Some("SE"),
                    Some("GRADIENT" | "BOTH") => Some("GR"),
                    _ => None,
                };
                self.acquisition.scanning_sequence.extend(code.map(str::to_owned));
            }
            tag::ECHO_PLANAR_PULSE_SEQUENCE => {
                if yes_or_no(value) == Some(true) {
                    self.acquisition.scanning_sequence.push("EP".to_owned());
                }
            }
            tag::SEQUENCE_VARIANT => self.acquisition.sequence_variant = value.codes(),
            tag::SCAN_OPTIONS => self.acquisition.scan_options = value.codes(),
            tag::PATIENT_POSITION => self.patient_position = code(value),
            tag::PHOTOMETRIC_INTERPRETATION => self.photometric = code(value),
            tag::SERIES_NUMBER => self.series_number = value.integer(),
            tag::INSTANCE_NUMBER => self.instance_number = value.integer(),
            tag::NUMBER_OF_FRAMES => {
                // Unreadable is not the same as absent: one frame must not be made up.
                self.n_frames =
                    Some(
                        value
                            .integer()
                            .unwrap_or(if value.trimmed().is_empty() { 1 } else { -1 }),
                    );
            }
            tag::ECHO_TRAIN_LENGTH => self.acquisition.echo_train_length = value.integer(),
            tag::ECHO_TIME => self.acquisition.echo_time_ms = value.decimal(),
            tag::INVERSION_TIME => self.acquisition.inversion_time_ms = value.decimal(),
            tag::MAGNETIC_FIELD_STRENGTH => self.acquisition.field_strength_t = value.decimal(),
            tag::ROWS => self.rows = value.u16(),
            tag::COLUMNS => self.columns = value.u16(),
            tag::SAMPLES_PER_PIXEL => self.samples_per_pixel = value.u16(),
            tag::PLANAR_CONFIGURATION => self.planar = value.u16() == Some(1),
            tag::BITS_ALLOCATED => self.bits_allocated = value.u16(),
            tag::BITS_STORED => self.bits_stored = value.u16(),
            tag::HIGH_BIT => self.high_bit = value.u16(),
            tag::PIXEL_REPRESENTATION => self.signed = value.u16() == Some(1),
            tag::PIXEL_PADDING_VALUE => self.padding = value.u16(),
            tag::EXTENDED_OFFSET_TABLE => self.extended_offsets = value.u64s(),
            _ => self.group_value(None, true, tag, value),
        }
        if is_identifying(tag) {
            self.identity_hash
                .update([tag.0.to_le_bytes(), tag.1.to_le_bytes()].as_flattened());
            self.identity_hash
                .update((value.bytes.len() as u64).to_le_bytes());
            self.identity_hash.update(value.bytes);
        }
    }

    fn macro_value(&mut self, frame: Option<u32>, tag: Tag, value: Value<'_>) {
        if frame.is_none_or(|frame| frame < self.max_frames) {
            self.group_value(frame, false, tag, value);
        }
    }

    fn group_value(&mut self, frame: Option<u32>, top: bool, tag: Tag, value: Value<'_>) {
        // What is the same for all frames of an acquisition.
        match tag {
            tag::REPETITION_TIME => return self.acquisition.repetition_time_ms = value.decimal(),
            tag::FLIP_ANGLE => return self.acquisition.flip_angle_deg = value.decimal(),
            tag::RF_ECHO_TRAIN_LENGTH => {
                return self.acquisition.echo_train_length = value.u16().map(i32::from);
            }
            tag::INVERSION_TIMES => return self.acquisition.inversion_time_ms = value.double(),
            tag::SPACING_BETWEEN_SLICES => return self.spacing_between_slices_mm = value.decimal(),
            _ => {}
        }
        let group = match frame {
            None if top => &mut self.top,
            None => &mut self.shared,
            Some(frame) => {
                let frame = frame as usize;
                if self.per_frame.len() <= frame {
                    self.per_frame.resize_with(frame + 1, Group::default);
                }
                &mut self.per_frame[frame]
            }
        };
        let mut unreadable = false;
        let mut list = |value: Value<'_>| {
            let read = value.decimals();
            unreadable |= read.is_none() && !value.trimmed().is_empty();
            read
        };
        match tag {
            tag::IMAGE_POSITION_PATIENT => group.position = list(value),
            tag::IMAGE_ORIENTATION_PATIENT => group.orientation = list(value),
            tag::PIXEL_SPACING => group.spacing = list(value),
            tag::SLICE_THICKNESS => group.thickness_mm = value.decimal(),
            tag::RESCALE_SLOPE => group.slope = value.decimal(),
            tag::RESCALE_INTERCEPT => group.intercept = value.decimal(),
            tag::WINDOW_CENTER => group.window_center = value.decimal(),
            tag::WINDOW_WIDTH => group.window_width = value.decimal(),
            tag::EFFECTIVE_ECHO_TIME => group.echo_time_ms = value.double(),
            tag::DIMENSION_INDEX_VALUES => group.dimension_index = value.u32s(),
            tag::IN_STACK_POSITION_NUMBER => group.in_stack_position = value.u32s().first().copied(),
            _ => {}
        }
        self.unreadable_number |= unreadable;
    }
}

fn yes_or_no(value: Value<'_>) -> Option<bool> {
    match value.text()? {
        "YES" => Some(true),
        "NO" => Some(false),
        _ => None,
    }
}

/// Values that tell one file, patient or moment from another. They go into a digest and nowhere else.
fn is_identifying(tag: Tag) -> bool {
    matches!(
        tag,
        tag::SOP_INSTANCE_UID
            | tag::STUDY_INSTANCE_UID
            | tag::PATIENT_NAME
            | tag::PATIENT_ID
            | tag::ISSUER_OF_PATIENT_ID
            | tag::PATIENT_BIRTH_DATE
            | tag::ACCESSION_NUMBER
            | tag::STUDY_DATE
            | tag::STUDY_TIME
            | tag::CONTENT_DATE
            | tag::CONTENT_TIME
    )
}

/// The maker's name, if it is one of these: free text otherwise.
fn known_manufacturer(text: &[u8]) -> Option<String> {
    const KNOWN: [(&str, &str); 11] = [
        ("siemens", "Siemens"),
        ("ge medical", "GE"),
        ("ge healthcare", "GE"),
        ("philips", "Philips"),
        ("toshiba", "Canon"),
        ("canon", "Canon"),
        ("hitachi", "Hitachi"),
        ("fujifilm", "Hitachi"),
        ("uih", "United Imaging"),
        ("esaote", "Esaote"),
        ("lumbar-phantom", "lumbar-phantom"),
    ];
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    KNOWN
        .iter()
        .find(|(start, _)| text.starts_with(start))
        .map(|(_, name)| (*name).to_owned())
}
