//! What goes through the two pipes: messages of four bytes of length, little endian, and as many bytes.

use crate::{
    Header, HeaderWarning, Image, Limits, ReadError, RejectReason, StoredPixels, TransferSyntax,
    read::{
        self,
        location::{CutItem, PixelLocation},
        record::{FileFacts, Recorded, Recording, replay},
        walk::{Encoding, Scope},
    },
    tag::Tag,
};
use std::{
    io::{self, Read, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

/// The version stands in it: parent and child must be of one build.
pub(super) const GREETING: &[u8] =
    concat!("lumbar-dicom worker ", env!("CARGO_PKG_VERSION"), " 1").as_bytes();

/// A path and some numbers.
pub(super) const MOST_REQUEST_BYTES: u64 = 1 << 20;
/// What four bytes can say; memory is taken as bytes arrive.
pub(super) const MOST_REPLY_BYTES: u64 = u32::MAX as u64;

pub(super) fn write_message(output: &mut dyn Write, message: &[u8]) -> io::Result<()> {
    write_length(output, message.len() as u64)?;
    output.write_all(message)
}

fn write_length(output: &mut dyn Write, length: u64) -> io::Result<()> {
    let length = u32::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    output.write_all(&length.to_le_bytes())
}

/// The next message; `None` where the pipe ends between two.
pub(super) fn read_message(input: &mut dyn Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut length = Vec::with_capacity(4);
    Read::take(&mut *input, 4).read_to_end(&mut length)?;
    let Ok(length) = <[u8; 4]>::try_from(length.as_slice()) else {
        let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
        return if length.is_empty() { Ok(None) } else { Err(cut) };
    };
    let length = u64::from(u32::from_le_bytes(length));
    if length > most {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut message = Vec::new();
    Read::take(&mut *input, length).read_to_end(&mut message)?;
    if message.len() as u64 != length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(Some(message))
}

/// The first request.
pub(super) struct Setup {
    pub(super) memory_bytes: u64,
}

impl Setup {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.memory_bytes.to_le_bytes().to_vec()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Setup> {
        let mut input = Input(bytes);
        Some(Setup {
            memory_bytes: input.u64()?,
        })
    }
}

/// A file to read, and how far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    what: What,
    frames: Option<Range<u32>>,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Header,
    Image,
    Check,
}

impl Job {
    pub(super) fn header(path: &Path) -> Job {
        Job::new(What::Header, path, None)
    }

    pub(super) fn image(path: &Path, frames: Option<Range<u32>>) -> Job {
        Job::new(What::Image, path, frames)
    }

    pub(super) fn check(path: &Path) -> Job {
        Job::new(What::Check, path, None)
    }

    fn new(what: What, path: &Path, frames: Option<Range<u32>>) -> Job {
        Job {
            what,
            frames,
            path: path.to_owned(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn to_bytes(&self, limits: &Limits) -> Vec<u8> {
        let mut out = Output::default();
        out.u8(self.what as u8);
        out.u8(u8::from(self.frames.is_some()));
        let frames = self.frames.clone().unwrap_or(0..0);
        out.u32(frames.start);
        out.u32(frames.end);
        for number in limits_to_numbers(limits) {
            out.u64(number);
        }
        out.bytes(self.path.as_os_str().as_encoded_bytes());
        out.0
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<(Job, Limits)> {
        let mut input = Input(bytes);
        let what = match input.u8()? {
            0 => What::Header,
            1 => What::Image,
            2 => What::Check,
            _ => return None,
        };
        let some_frames = input.u8()? == 1;
        let frames = input.u32()?..input.u32()?;
        let mut numbers = [0; N_LIMITS];
        for number in &mut numbers {
            *number = input.u64()?;
        }
        let path = path_from_bytes(input.bytes()?)?;
        let job = Job {
            what,
            frames: some_frames.then_some(frames),
            path,
        };
        Some((job, limits_from_numbers(numbers)))
    }
}

#[cfg(unix)]
fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    Some(OsStr::from_bytes(bytes).into())
}

/// Elsewhere a path that is not Unicode is refused: the bytes of one have no stable form.
#[cfg(not(unix))]
fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    Some(std::str::from_utf8(bytes).ok()?.into())
}

const N_LIMITS: usize = 10;

fn limits_to_numbers(limits: &Limits) -> [u64; N_LIMITS] {
    // Every field by name: a new one must be sent too.
    let Limits {
        max_file_bytes,
        max_depth,
        max_elements,
        max_value_bytes,
        max_rows_columns,
        max_frames,
        max_decoded_bytes,
        max_expansion,
        expansion_floor_bytes,
        max_time,
    } = limits.clone();
    [
        max_file_bytes,
        max_depth as u64,
        max_elements as u64,
        max_value_bytes as u64,
        u64::from(max_rows_columns),
        u64::from(max_frames),
        max_decoded_bytes,
        max_expansion,
        expansion_floor_bytes,
        u64::try_from(max_time.as_nanos()).unwrap_or(u64::MAX),
    ]
}

fn limits_from_numbers(numbers: [u64; N_LIMITS]) -> Limits {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Limits {
        max_file_bytes: numbers[0],
        max_depth: size(numbers[1]),
        max_elements: size(numbers[2]),
        max_value_bytes: size(numbers[3]),
        max_rows_columns: small(numbers[4]),
        max_frames: small(numbers[5]),
        max_decoded_bytes: numbers[6],
        max_expansion: numbers[7],
        expansion_floor_bytes: numbers[8],
        max_time: Duration::from_nanos(numbers[9]),
    }
}

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    Header(Recording, FileFacts),
    Image(Recording, FileFacts, StoredPixels),
    Checked,
    Refused(RejectReason, String),
}

impl Reply {
    /// Does the job.
    pub(super) fn to(job: &Job, limits: &Limits) -> Reply {
        let refused = |error: ReadError| Reply::Refused(error.reason(), error.to_string());
        let image = || read::record_image(&job.path, job.frames.clone(), limits);
        match job.what {
            What::Header => read::record_header(&job.path, limits)
                .map_or_else(refused, |(header, recording)| {
                    Reply::Header(recording, facts(header))
                }),
            What::Image => image().map_or_else(refused, |(image, recording)| {
                Reply::Image(recording, facts(image.header), image.pixels)
            }),
            What::Check => image().map_or_else(refused, |_| Reply::Checked),
        }
    }

    pub(super) fn into_header(self, limits: &Limits) -> Result<Header, ReadError> {
        match self {
            Reply::Header(recording, facts) => replay(&recording, facts, limits),
            other => Err(other.unexpected()),
        }
    }

    pub(super) fn into_image(self, limits: &Limits) -> Result<Image, ReadError> {
        match self {
            Reply::Image(recording, facts, pixels) => {
                let header = replay(&recording, facts, limits)?;
                Ok(Image { header, pixels })
            }
            other => Err(other.unexpected()),
        }
    }

    pub(super) fn into_checked(self, _: &Limits) -> Result<(), ReadError> {
        match self {
            Reply::Checked => Ok(()),
            other => Err(other.unexpected()),
        }
    }

    fn unexpected(self) -> ReadError {
        match self {
            Reply::Refused(reason, detail) => ReadError::InWorker { reason, detail },
            _ => ReadError::WorkerFailed {
                what: "answered another question".to_owned(),
            },
        }
    }

    /// Writes the message without a second copy of the pixels.
    pub(super) fn write(&self, output: &mut dyn Write) -> io::Result<()> {
        let mut head = Output::default();
        let mut pixels = None;
        match self {
            Reply::Header(recording, facts) => {
                head.u8(0);
                head.recording(recording);
                head.facts(facts);
            }
            Reply::Image(recording, facts, stored) => {
                head.u8(1);
                head.recording(recording);
                head.facts(facts);
                for number in stored.shape_numbers() {
                    head.u32(number);
                }
                pixels = Some(stored);
            }
            Reply::Checked => head.u8(2),
            Reply::Refused(reason, detail) => {
                head.u8(3);
                head.bytes(reason.code().as_bytes());
                head.bytes(detail.as_bytes());
            }
        }
        let n_pixel_bytes = pixels.map_or(0, StoredPixels::n_bytes);
        write_length(output, head.0.len() as u64 + n_pixel_bytes)?;
        output.write_all(&head.0)?;
        match pixels {
            Some(pixels) => pixels.write_le(output),
            None => Ok(()),
        }
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Reply> {
        let mut input = Input(bytes);
        match input.u8()? {
            0 => Some(Reply::Header(input.recording()?, input.facts()?)),
            1 => {
                let (recording, facts) = (input.recording()?, input.facts()?);
                let mut numbers = [0; 6];
                for number in &mut numbers {
                    *number = input.u32()?;
                }
                Some(Reply::Image(
                    recording,
                    facts,
                    StoredPixels::from_le(numbers, input.0)?,
                ))
            }
            2 => Some(Reply::Checked),
            3 => {
                let reason = std::str::from_utf8(input.bytes()?).ok()?.parse().ok()?;
                let detail = String::from_utf8_lossy(input.bytes()?);
                let printable = |c: &char| c.is_ascii_graphic() || *c == ' ';
                Some(Reply::Refused(
                    reason,
                    detail.chars().filter(printable).take(300).collect(),
                ))
            }
            _ => None,
        }
    }
}

/// What [`replay`] needs beside the values. Warnings that it finds again are left out.
fn facts(header: Header) -> FileFacts {
    let found_again = |warning: &HeaderWarning| {
        matches!(
            warning,
            HeaderWarning::HighBitIgnored
                | HeaderWarning::UnreadableNumber
                | HeaderWarning::MissingFunctionalGroups
        )
    };
    FileFacts {
        syntax: header.transfer_syntax,
        media_storage_sop_class: header.sop_class_uid,
        warnings: header
            .warnings
            .into_iter()
            .filter(|warning| !found_again(warning))
            .collect(),
        location: header.pixel_location,
    }
}

#[derive(Default)]
struct Output(Vec<u8>);

impl Output {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    fn tag(&mut self, Tag(group, element): Tag) {
        self.u32(u32::from(group) << 16 | u32::from(element));
    }

    fn encoding(&mut self, encoding: Encoding) {
        self.u8(u8::from(encoding.explicit) | u8::from(encoding.big_endian) << 1);
    }

    fn recording(&mut self, recording: &Recording) {
        self.u32(recording.len() as u32);
        for value in recording {
            match value.scope {
                Scope::Macro { frame, sequence } => {
                    self.u8(1 + u8::from(frame.is_some()));
                    self.u32(frame.unwrap_or(0));
                    self.tag(sequence);
                }
                // Values are wanted nowhere else.
                _ => self.u8(0),
            }
            self.tag(value.tag);
            self.bytes(value.vr.as_ref().map_or(&[], |vr| vr.as_slice()));
            self.encoding(value.encoding);
            self.bytes(&value.bytes);
        }
    }

    fn facts(&mut self, facts: &FileFacts) {
        self.bytes(facts.syntax.uid().as_bytes());
        self.bytes(
            facts
                .media_storage_sop_class
                .as_deref()
                .unwrap_or_default()
                .as_bytes(),
        );
        let mask = HeaderWarning::ALL
            .iter()
            .enumerate()
            .fold(0, |mask, (bit, warning)| {
                mask | u32::from(facts.warnings.contains(warning)) << bit
            });
        self.u32(mask);
        self.u8(u8::from(facts.location.is_some()));
        if let Some(location) = &facts.location {
            self.tag(location.tag);
            self.u64(location.value_at);
            self.u32(location.length);
            self.u64(location.left);
            self.encoding(location.encoding);
            self.u8(u8::from(location.cut.is_some()));
            if let Some(cut) = location.cut {
                self.u64(cut.value_at);
                self.u64(cut.declared);
                self.u64(cut.left);
            }
        }
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()?;
        self.take(n as usize)
    }

    fn tag(&mut self) -> Option<Tag> {
        let both = self.u32()?;
        Some(Tag((both >> 16) as u16, both as u16))
    }

    fn encoding(&mut self) -> Option<Encoding> {
        let bits = self.u8()?;
        Some(Encoding {
            explicit: bits & 1 != 0,
            big_endian: bits & 2 != 0,
        })
    }

    fn recording(&mut self) -> Option<Recording> {
        (0..self.u32()?)
            .map(|_| {
                let scope = match self.u8()? {
                    0 => Scope::Top,
                    kind => {
                        let (frame, sequence) = (self.u32()?, self.tag()?);
                        Scope::Macro {
                            frame: (kind == 2).then_some(frame),
                            sequence,
                        }
                    }
                };
                Some(Recorded {
                    scope,
                    tag: self.tag()?,
                    vr: self.bytes()?.try_into().ok(),
                    encoding: self.encoding()?,
                    bytes: self.bytes()?.to_vec(),
                })
            })
            .collect()
    }

    fn facts(&mut self) -> Option<FileFacts> {
        let syntax = TransferSyntax::from_uid(std::str::from_utf8(self.bytes()?).ok()?)?;
        let class = std::str::from_utf8(self.bytes()?).ok()?;
        let mask = self.u32()?;
        let warnings = HeaderWarning::ALL.iter().enumerate();
        let warnings = warnings
            .filter(|(bit, _)| mask >> bit & 1 != 0)
            .map(|(_, warning)| *warning);
        let location = match self.u8()? {
            0 => None,
            _ => Some(PixelLocation {
                tag: self.tag()?,
                value_at: self.u64()?,
                length: self.u32()?,
                left: self.u64()?,
                encoding: self.encoding()?,
                cut: match self.u8()? {
                    0 => None,
                    _ => Some(CutItem {
                        value_at: self.u64()?,
                        declared: self.u64()?,
                        left: self.u64()?,
                    }),
                },
                // Used where pixels are decoded, which is on the other side.
                extended_offsets: Vec::new(),
            }),
        };
        Some(FileFacts {
            syntax,
            media_storage_sop_class: (!class.is_empty()).then(|| class.to_owned()),
            warnings: warnings.collect(),
            location,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_job_and_its_limits_arrive_as_they_were_sent() {
        let limits = Limits {
            max_depth: 7,
            max_time: Duration::from_millis(1234),
            ..Limits::default()
        };
        let job = Job::image(Path::new("a b/\u{e9}.dcm"), Some(3..4));
        assert_eq!(Job::from_bytes(&job.to_bytes(&limits)), Some((job, limits)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Reply::from_bytes(&bytes);
            let _ = Job::from_bytes(&bytes);
            let _ = read_message(&mut bytes.as_slice(), 100);
        }
    }
}
