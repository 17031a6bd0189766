//! Stored values in memory, as the number type their header names.

use super::samples::Samples;
use crate::{PixelFormat, ReadError};
use std::ops::Range;

/// Stored values of an image's frames, in the smallest number type that holds BitsAllocated and the sign.
///
/// Samples of one pixel lie together, pixels row by row, frames one after the other.
#[derive(Debug, Clone)]
pub struct StoredPixels {
    rows: u32,
    columns: u32,
    samples_per_pixel: u16,
    n_frames: u32,
    bits_stored: u16,
    samples: Held,
}

#[derive(Debug, Clone)]
enum Held {
    Decoded(Samples),
    AsRead(AsRead),
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

/// Unsigned 16-bit samples as the file has them, every bit of which counts as it stands: kept without a copy.
#[derive(Debug, Clone)]
pub(super) struct AsRead(Vec<u8>);

impl AsRead {
    /// Takes little-endian bytes of which only those under `mask` may be set; gives them back if there are others, or if
    /// they do not lie in memory as this machine's words do.
    pub(super) fn new(bytes: Vec<u8>, mask: u16) -> Result<AsRead, Vec<u8>> {
        let as_words = cfg!(target_endian = "little")
            .then(|| bytemuck::try_cast_slice::<u8, u16>(&bytes).ok())
            .flatten();
        // Some at a time, as one foreign bit settles it, and from the end, which was read last and is still near.
        let within = |part: &[u16]| part.iter().fold(0, |all, word| all | word) & !mask == 0;
        match as_words {
            Some(words) if mask == u16::MAX || words.chunks(1 << 13).rev().all(within) => Ok(AsRead(bytes)),
            _ => Err(bytes),
        }
    }

    fn words(&self) -> &[u16] {
        bytemuck::try_cast_slice(&self.0).unwrap_or_default()
    }
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

impl PartialEq for StoredPixels {
    fn eq(&self, other: &StoredPixels) -> bool {
        self.shape_numbers() == other.shape_numbers() && self.all() == other.all()
    }
}

impl StoredPixels {
    pub(super) fn decoded(format: &PixelFormat, n_frames: u32, samples: Samples) -> StoredPixels {
        StoredPixels::new(format, n_frames, Held::Decoded(samples))
    }

    pub(super) fn as_read(format: &PixelFormat, n_frames: u32, samples: AsRead) -> StoredPixels {
        StoredPixels::new(format, n_frames, Held::AsRead(samples))
    }

    fn new(format: &PixelFormat, n_frames: u32, samples: Held) -> StoredPixels {
        let stored = StoredPixels {
            rows: format.rows,
            columns: format.columns,
            samples_per_pixel: format.samples_per_pixel,
            n_frames,
            bits_stored: format.bits_stored,
            samples,
        };
        debug_assert!(
            stored.all().len()
                == n_frames as usize
                    * format.rows as usize
                    * format.columns as usize
                    * usize::from(format.samples_per_pixel)
        );
        stored
    }

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
        Ok(self.all().part(len * frame as usize..len * (frame as usize + 1)))
    }

    /// All frames as one.
    fn all(&self) -> Frame<'_> {
        match &self.samples {
            Held::Decoded(Samples::U8(samples)) => Frame::U8(samples),
            Held::Decoded(Samples::I8(samples)) => Frame::I8(samples),
            Held::Decoded(Samples::U16(samples)) => Frame::U16(samples),
            Held::Decoded(Samples::I16(samples)) => Frame::I16(samples),
            Held::Decoded(Samples::U32(samples)) => Frame::U32(samples),
            Held::Decoded(Samples::I32(samples)) => Frame::I32(samples),
            Held::AsRead(samples) => Frame::U16(samples.words()),
        }
    }

    /// All samples as little-endian bytes of their number type: what other tools' arrays are compared by.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        each!(self.all(), Frame, samples => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect())
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

    fn part(self, range: Range<usize>) -> Frame<'a> {
        match self {
            Frame::U8(samples) => Frame::U8(&samples[range]),
            Frame::I8(samples) => Frame::I8(&samples[range]),
            Frame::U16(samples) => Frame::U16(&samples[range]),
            Frame::I16(samples) => Frame::I16(&samples[range]),
            Frame::U32(samples) => Frame::U32(&samples[range]),
            Frame::I32(samples) => Frame::I32(&samples[range]),
        }
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

// Through a pipe, from a worker process.

impl StoredPixels {
    pub(crate) fn shape_numbers(&self) -> [u32; 6] {
        let kind = match self.all() {
            Frame::U8(_) => 0,
            Frame::I8(_) => 1,
            Frame::U16(_) => 2,
            Frame::I16(_) => 3,
            Frame::U32(_) => 4,
            Frame::I32(_) => 5,
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
        each!(self.all(), Frame, samples => size_of_val(samples) as u64)
    }

    /// All samples, little endian, some at a time.
    pub(crate) fn write_le(&self, output: &mut dyn std::io::Write) -> std::io::Result<()> {
        each!(self.all(), Frame, samples => {
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
            samples: Held::Decoded(samples),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_kept_as_read_only_if_every_bit_counts() {
        let bytes: Vec<u8> = [0x0FFFu16, 7, 0]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        assert!(AsRead::new(bytes.clone(), 0x0FFF).is_ok_and(|kept| kept.words() == [0x0FFF, 7, 0]));
        assert_eq!(AsRead::new(bytes.clone(), 0x07FF).unwrap_err(), bytes);
        assert_eq!(AsRead::new(vec![1, 2, 3], 0xFFFF).unwrap_err(), [1, 2, 3]);
    }

    #[test]
    fn equality_is_of_values_however_they_are_kept() {
        let shape = [2, 1, 2, 1, 1, 12];
        let decoded = StoredPixels::from_le(shape, &[1, 0, 2, 0]).unwrap();
        let read = StoredPixels {
            samples: Held::AsRead(AsRead::new(vec![1, 0, 2, 0], 0x0FFF).unwrap()),
            ..decoded.clone()
        };
        assert_eq!(read, decoded);
        assert_ne!(read, StoredPixels::from_le(shape, &[1, 0, 3, 0]).unwrap());
        assert_eq!(read.to_le_bytes(), [1, 0, 2, 0]);
    }
}
