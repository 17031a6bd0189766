//! Stored values in memory, as the number type their header names.

use crate::{PixelFormat, ReadError};

/// Stored values of an image's frames, in the smallest number type that holds BitsAllocated and the sign.
///
/// Samples of one pixel lie together, pixels row by row, frames one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPixels {
    rows: u32,
    columns: u32,
    samples_per_pixel: u16,
    n_frames: u32,
    bits_stored: u16,
    samples: Samples,
}

#[derive(Debug, Clone, PartialEq)]
enum Samples {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
}

/// The samples of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// 8 bits, unsigned.
    U8(&'a [u8]),
    /// 8 bits, signed.
    I8(&'a [i8]),
    /// 16 bits, unsigned: nearly all MR.
    U16(&'a [u16]),
    /// 16 bits, signed.
    I16(&'a [i16]),
    /// 32 bits, unsigned.
    U32(&'a [u32]),
    /// 32 bits, signed.
    I32(&'a [i32]),
}

macro_rules! each {
    ($value:expr, $kind:ident, $samples:ident => $body:expr) => {
        match $value {
            $kind::U8($samples) => $body,
            $kind::I8($samples) => $body,
            $kind::U16($samples) => $body,
            $kind::I16($samples) => $body,
            $kind::U32($samples) => $body,
            $kind::I32($samples) => $body,
        }
    };
}

impl StoredPixels {
    /// Rows.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// Samples of a pixel: 1, or 3 in a colour image.
    pub fn samples_per_pixel(&self) -> u16 {
        self.samples_per_pixel
    }

    /// Frames held.
    pub fn n_frames(&self) -> u32 {
        self.n_frames
    }

    /// Bits that count of each sample.
    pub fn bits_stored(&self) -> u16 {
        self.bits_stored
    }

    /// A frame, counted from 0 among those held.
    ///
    /// # Errors
    /// [`ReadError::NoSuchFrame`].
    pub fn frame(&self, frame: u32) -> Result<Frame<'_>, ReadError> {
        let error = ReadError::NoSuchFrame {
            found: frame,
            n_frames: self.n_frames,
        };
        if frame >= self.n_frames {
            return Err(error);
        }
        let len = self.rows as usize * self.columns as usize * usize::from(self.samples_per_pixel);
        let range = len * frame as usize..len * (frame as usize + 1);
        Ok(match &self.samples {
            Samples::U8(samples) => Frame::U8(&samples[range]),
            Samples::I8(samples) => Frame::I8(&samples[range]),
            Samples::U16(samples) => Frame::U16(&samples[range]),
            Samples::I16(samples) => Frame::I16(&samples[range]),
            Samples::U32(samples) => Frame::U32(&samples[range]),
            Samples::I32(samples) => Frame::I32(&samples[range]),
        })
    }

    /// All samples as little-endian bytes of their number type: what other tools' arrays are compared by.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        each!(&self.samples, Samples, samples => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect())
    }
}

impl<'a> Frame<'a> {
    /// Number of samples.
    pub fn len(self) -> usize {
        each!(self, Frame, samples => samples.len())
    }

    /// Whether there are no samples.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The samples without a copy, if they are unsigned 16-bit numbers.
    pub fn as_u16(self) -> Option<&'a [u16]> {
        match self {
            Frame::U16(samples) => Some(samples),
            _ => None,
        }
    }

    /// The samples as `i32`; the few unsigned 32-bit values beyond it become `i32::MAX`.
    pub fn to_i32(self) -> Vec<i32> {
        match self {
            Frame::U32(samples) => samples
                .iter()
                .map(|v| i32::try_from(*v).unwrap_or(i32::MAX))
                .collect(),
            Frame::U8(samples) => samples.iter().map(|v| i32::from(*v)).collect(),
            Frame::I8(samples) => samples.iter().map(|v| i32::from(*v)).collect(),
            Frame::U16(samples) => samples.iter().map(|v| i32::from(*v)).collect(),
            Frame::I16(samples) => samples.iter().map(|v| i32::from(*v)).collect(),
            Frame::I32(samples) => samples.to_vec(),
        }
    }

    /// The samples as `f32`: exact up to 24 bits, so for all MR.
    pub fn to_f32(self) -> Vec<f32> {
        match self {
            Frame::U8(samples) => samples.iter().map(|v| f32::from(*v)).collect(),
            Frame::I8(samples) => samples.iter().map(|v| f32::from(*v)).collect(),
            Frame::U16(samples) => samples.iter().map(|v| f32::from(*v)).collect(),
            Frame::I16(samples) => samples.iter().map(|v| f32::from(*v)).collect(),
            Frame::U32(samples) => samples.iter().map(|v| *v as f32).collect(),
            Frame::I32(samples) => samples.iter().map(|v| *v as f32).collect(),
        }
    }

    /// Smallest and largest sample; `None` for an empty frame.
    pub fn range(self) -> Option<(i64, i64)> {
        each!(self, Frame, samples => {
            Some((i64::from(*samples.iter().min()?), i64::from(*samples.iter().max()?)))
        })
    }
}

/// Takes decoded samples of any origin, applies HighBit, BitsStored and the sign, and keeps them.
#[derive(Debug)]
pub(super) struct Sink {
    pixels: StoredPixels,
    bits: Bits,
    frame_samples: usize,
}

/// Where the bits that count stand in a sample.
#[derive(Debug, Clone, Copy)]
struct Bits {
    shift: u32,
    stored: u32,
}

impl Bits {
    fn mask(self) -> u32 {
        u32::MAX >> (32 - self.stored)
    }

    fn unsigned(self, raw: u32) -> u32 {
        (raw >> self.shift) & self.mask()
    }

    fn signed(self, raw: u32) -> i32 {
        let unused = 32 - self.stored;
        ((self.unsigned(raw) << unused) as i32) >> unused
    }
}

impl Sink {
    pub(super) fn new(format: &PixelFormat, n_frames: u32) -> Sink {
        let samples = match (format.bits_allocated, format.signed) {
            (8, false) => Samples::U8(Vec::new()),
            (8, true) => Samples::I8(Vec::new()),
            (16, false) => Samples::U16(Vec::new()),
            (16, true) => Samples::I16(Vec::new()),
            (_, false) => Samples::U32(Vec::new()),
            (_, true) => Samples::I32(Vec::new()),
        };
        let mut sink = Sink {
            frame_samples: format.rows as usize
                * format.columns as usize
                * usize::from(format.samples_per_pixel),
            bits: Bits {
                shift: u32::from(format.high_bit + 1 - format.bits_stored),
                stored: u32::from(format.bits_stored),
            },
            pixels: StoredPixels {
                rows: format.rows,
                columns: format.columns,
                samples_per_pixel: format.samples_per_pixel,
                n_frames: 0,
                bits_stored: format.bits_stored,
                samples,
            },
        };
        sink.reserve(n_frames);
        sink
    }

    /// Makes room for `n_frames` in all.
    pub(super) fn reserve(&mut self, n_frames: u32) {
        let wanted = self.frame_samples * n_frames as usize;
        each!(&mut self.pixels.samples, Samples, samples => {
            samples.reserve_exact(wanted.saturating_sub(samples.len()));
        });
    }

    /// One frame of whole samples as bytes.
    pub(super) fn push_bytes(&mut self, bytes: &[u8], big_endian: bool, planar: bool) {
        let samples_per_pixel = usize::from(self.pixels.samples_per_pixel);
        if planar && samples_per_pixel > 1 {
            let sample_bytes = bytes.len() / self.frame_samples;
            return self.push_bytes(
                &interleave(bytes, samples_per_pixel, sample_bytes),
                big_endian,
                false,
            );
        }
        self.push_part(bytes, big_endian);
        self.end_frame();
    }

    /// Part of a frame: whole samples as bytes, in the order of the frame. [`Sink::end_frame`] follows the last.
    pub(super) fn push_part(&mut self, bytes: &[u8], big_endian: bool) {
        let bits = self.bits;
        match &mut self.pixels.samples {
            Samples::U8(out) => take(out, bytes.as_chunks().0, |[byte]| {
                bits.unsigned(u32::from(byte)) as u8
            }),
            Samples::I8(out) => take(out, bytes.as_chunks().0, |[byte]| {
                bits.signed(u32::from(byte)) as i8
            }),
            Samples::U16(out) => {
                let (pairs, shift, mask) = (bytes.as_chunks().0, bits.shift, bits.mask() as u16);
                if big_endian {
                    take(out, pairs, |pair| u16::from_be_bytes(pair) >> shift & mask);
                } else {
                    take(out, pairs, |pair| u16::from_le_bytes(pair) >> shift & mask);
                }
            }
            Samples::I16(out) => {
                // Left until the sign bit stands at the top, then back: the sign fills the unused bits.
                let (up, down) = (16 - bits.stored - bits.shift, 16 - bits.stored);
                take(out, bytes.as_chunks().0, |pair| {
                    let word = if big_endian {
                        u16::from_be_bytes(pair)
                    } else {
                        u16::from_le_bytes(pair)
                    };
                    (word << up) as i16 >> down
                });
            }
            Samples::U32(out) => take(out, bytes.as_chunks().0, |four| {
                bits.unsigned(long(four, big_endian))
            }),
            Samples::I32(out) => take(out, bytes.as_chunks().0, |four| {
                bits.signed(long(four, big_endian))
            }),
        }
    }

    /// A frame's samples are all there.
    pub(super) fn end_frame(&mut self) {
        self.pixels.n_frames += 1;
    }

    /// One frame of samples as a decoder gives them: the bits that count stand at the bottom.
    pub(super) fn push_decoded(&mut self, decoded: impl Iterator<Item = i32>) {
        let bits = Bits {
            shift: 0,
            ..self.bits
        };
        let unsigned = move |value: i32| bits.unsigned(value as u32);
        let signed = move |value: i32| bits.signed(value as u32);
        match &mut self.pixels.samples {
            Samples::U8(out) => out.extend(decoded.map(|value| unsigned(value) as u8)),
            Samples::I8(out) => out.extend(decoded.map(|value| signed(value) as i8)),
            Samples::U16(out) => out.extend(decoded.map(|value| unsigned(value) as u16)),
            Samples::I16(out) => out.extend(decoded.map(|value| signed(value) as i16)),
            Samples::U32(out) => out.extend(decoded.map(unsigned)),
            Samples::I32(out) => out.extend(decoded.map(signed)),
        }
        self.pixels.n_frames += 1;
    }

    /// As [`Sink::push_decoded`], for what lies in memory in the order of the frame.
    pub(super) fn push_decoded_slice<S: Copy>(&mut self, decoded: &[S], to_i32: impl Fn(S) -> i32) {
        let bits = Bits {
            shift: 0,
            ..self.bits
        };
        let unsigned = |value: S| bits.unsigned(to_i32(value) as u32);
        let signed = |value: S| bits.signed(to_i32(value) as u32);
        match &mut self.pixels.samples {
            Samples::U8(out) => take(out, decoded, |value| unsigned(value) as u8),
            Samples::I8(out) => take(out, decoded, |value| signed(value) as i8),
            Samples::U16(out) => take(out, decoded, |value| unsigned(value) as u16),
            Samples::I16(out) => take(out, decoded, |value| signed(value) as i16),
            Samples::U32(out) => take(out, decoded, unsigned),
            Samples::I32(out) => take(out, decoded, signed),
        }
        self.pixels.n_frames += 1;
    }

    pub(super) fn finish(self) -> StoredPixels {
        debug_assert!(
            each!(&self.pixels.samples, Samples, samples => samples.len())
                == self.frame_samples * self.pixels.n_frames as usize
        );
        self.pixels
    }
}

/// Appends what `convert` makes of each value, in whole blocks: `extend` keeps LLVM from using vectors, and zeros to write
/// over are a second pass.
fn take<S: Copy, T: Copy>(out: &mut Vec<T>, values: &[S], convert: impl Fn(S) -> T) {
    let (blocks, rest) = values.as_chunks::<64>();
    for block in blocks {
        out.extend_from_slice(&block.map(&convert));
    }
    out.extend(rest.iter().map(|value| convert(*value)));
}

fn long(four: [u8; 4], big_endian: bool) -> u32 {
    if big_endian {
        u32::from_be_bytes(four)
    } else {
        u32::from_le_bytes(four)
    }
}

/// Planes of one sample each to pixels of all samples.
fn interleave(bytes: &[u8], samples_per_pixel: usize, sample_bytes: usize) -> Vec<u8> {
    let n_pixels = bytes.len() / (samples_per_pixel * sample_bytes);
    let mut out = Vec::with_capacity(bytes.len());
    for pixel in 0..n_pixels {
        for sample in 0..samples_per_pixel {
            let at = (sample * n_pixels + pixel) * sample_bytes;
            out.extend_from_slice(&bytes[at..at + sample_bytes]);
        }
    }
    out
}

// Through a pipe, from a worker process.

impl StoredPixels {
    pub(crate) fn shape_numbers(&self) -> [u32; 6] {
        let kind = match &self.samples {
            Samples::U8(_) => 0,
            Samples::I8(_) => 1,
            Samples::U16(_) => 2,
            Samples::I16(_) => 3,
            Samples::U32(_) => 4,
            Samples::I32(_) => 5,
        };
        [
            kind,
            self.rows,
            self.columns,
            u32::from(self.samples_per_pixel),
            self.n_frames,
            u32::from(self.bits_stored),
        ]
    }

    /// Bytes of all samples.
    pub(crate) fn n_bytes(&self) -> u64 {
        each!(&self.samples, Samples, samples => size_of_val(samples.as_slice()) as u64)
    }

    /// All samples, little endian, some at a time.
    pub(crate) fn write_le(&self, output: &mut dyn std::io::Write) -> std::io::Result<()> {
        each!(&self.samples, Samples, samples => {
            for some in samples.chunks(16 << 10) {
                let bytes: Vec<u8> = some.iter().flat_map(|sample| sample.to_le_bytes()).collect();
                output.write_all(&bytes)?;
            }
        });
        Ok(())
    }

    /// The inverse; `None` if the bytes are not as many as the shape needs.
    pub(crate) fn from_le(numbers: [u32; 6], bytes: &[u8]) -> Option<StoredPixels> {
        let [kind, rows, columns, samples_per_pixel, n_frames, bits_stored] = numbers;
        let factors = [rows, columns, samples_per_pixel, n_frames, 1 << (kind / 2).min(2)];
        let expected = factors
            .into_iter()
            .try_fold(1u64, |product, factor| product.checked_mul(u64::from(factor)))?;
        if expected != bytes.len() as u64 {
            return None;
        }
        let pairs = || bytes.chunks_exact(2).map(|two| [two[0], two[1]]);
        let fours = || {
            bytes
                .chunks_exact(4)
                .map(|four| [four[0], four[1], four[2], four[3]])
        };
        let samples = match kind {
            0 => Samples::U8(bytes.to_vec()),
            1 => Samples::I8(bytes.iter().map(|byte| *byte as i8).collect()),
            2 => Samples::U16(pairs().map(u16::from_le_bytes).collect()),
            3 => Samples::I16(pairs().map(i16::from_le_bytes).collect()),
            4 => Samples::U32(fours().map(u32::from_le_bytes).collect()),
            5 => Samples::I32(fours().map(i32::from_le_bytes).collect()),
            _ => return None,
        };
        Some(StoredPixels {
            rows,
            columns,
            samples_per_pixel: u16::try_from(samples_per_pixel).ok()?,
            n_frames,
            bits_stored: u16::try_from(bits_stored).ok()?,
            samples,
        })
    }
}
