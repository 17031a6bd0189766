//! Decoded samples on their way into memory.

use super::stored::StoredPixels;
use crate::PixelFormat;

/// Samples of all frames, in the order of the frames.
#[derive(Debug, Clone)]
pub(super) enum Samples {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
}

/// Takes decoded samples of any origin, applies HighBit, BitsStored and the sign, and keeps them.
#[derive(Debug)]
pub(super) struct Sink {
    format: PixelFormat,
    n_frames: u32,
    samples: Samples,
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
    fn of(format: &PixelFormat) -> Bits {
        Bits {
            shift: u32::from(format.high_bit + 1 - format.bits_stored),
            stored: u32::from(format.bits_stored),
        }
    }

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
            bits: Bits::of(format),
            format: format.clone(),
            n_frames: 0,
            samples,
        };
        sink.reserve(n_frames);
        sink
    }

    /// Makes room for `n_frames` in all.
    pub(super) fn reserve(&mut self, n_frames: u32) {
        let wanted = self.frame_samples * n_frames as usize;
        fn room<T>(samples: &mut Vec<T>, wanted: usize) {
            samples.reserve_exact(wanted.saturating_sub(samples.len()));
        }
        match &mut self.samples {
            Samples::U8(samples) => room(samples, wanted),
            Samples::I8(samples) => room(samples, wanted),
            Samples::U16(samples) => room(samples, wanted),
            Samples::I16(samples) => room(samples, wanted),
            Samples::U32(samples) => room(samples, wanted),
            Samples::I32(samples) => room(samples, wanted),
        }
    }

    /// One frame of whole samples as bytes.
    pub(super) fn push_bytes(&mut self, bytes: &[u8], big_endian: bool, planar: bool) {
        let samples_per_pixel = usize::from(self.format.samples_per_pixel);
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
        match &mut self.samples {
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

    /// As [`Sink::push_part`], for samples of 16 bits whose high and low bytes lie apart.
    pub(super) fn push_halves(&mut self, high: &[u8], low: &[u8]) {
        let bits = self.bits;
        match &mut self.samples {
            Samples::U16(out) => {
                let (shift, mask) = (bits.shift, bits.mask() as u16);
                take_halves(out, high, low, |word| word >> shift & mask);
            }
            Samples::I16(out) => {
                let (up, down) = (16 - bits.stored - bits.shift, 16 - bits.stored);
                take_halves(out, high, low, |word| (word << up) as i16 >> down);
            }
            _ => debug_assert!(false, "samples of 16 bits"),
        }
    }

    /// A frame's samples are all there.
    pub(super) fn end_frame(&mut self) {
        self.n_frames += 1;
    }

    /// One frame of samples as a decoder gives them: the bits that count stand at the bottom.
    pub(super) fn push_decoded(&mut self, decoded: impl Iterator<Item = i32>) {
        let bits = Bits {
            shift: 0,
            ..self.bits
        };
        let unsigned = move |value: i32| bits.unsigned(value as u32);
        let signed = move |value: i32| bits.signed(value as u32);
        match &mut self.samples {
            Samples::U8(out) => out.extend(decoded.map(|value| unsigned(value) as u8)),
            Samples::I8(out) => out.extend(decoded.map(|value| signed(value) as i8)),
            Samples::U16(out) => out.extend(decoded.map(|value| unsigned(value) as u16)),
            Samples::I16(out) => out.extend(decoded.map(|value| signed(value) as i16)),
            Samples::U32(out) => out.extend(decoded.map(unsigned)),
            Samples::I32(out) => out.extend(decoded.map(signed)),
        }
        self.n_frames += 1;
    }

    /// As [`Sink::push_decoded`], for what lies in memory in the order of the frame.
    pub(super) fn push_decoded_slice<S: Copy>(&mut self, decoded: &[S], to_i32: impl Fn(S) -> i32) {
        let bits = Bits {
            shift: 0,
            ..self.bits
        };
        let unsigned = |value: S| bits.unsigned(to_i32(value) as u32);
        let signed = |value: S| bits.signed(to_i32(value) as u32);
        match &mut self.samples {
            Samples::U8(out) => take(out, decoded, |value| unsigned(value) as u8),
            Samples::I8(out) => take(out, decoded, |value| signed(value) as i8),
            Samples::U16(out) => take(out, decoded, |value| unsigned(value) as u16),
            Samples::I16(out) => take(out, decoded, |value| signed(value) as i16),
            Samples::U32(out) => take(out, decoded, unsigned),
            Samples::I32(out) => take(out, decoded, signed),
        }
        self.n_frames += 1;
    }

    pub(super) fn finish(self) -> StoredPixels {
        StoredPixels::decoded(&self.format, self.n_frames, self.samples)
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

/// As [`take`], from words in two halves.
fn take_halves<T: Copy>(out: &mut Vec<T>, high: &[u8], low: &[u8], convert: impl Fn(u16) -> T) {
    let word = |(high, low): (&u8, &u8)| convert(u16::from_be_bytes([*high, *low]));
    let (high, high_rest) = high.as_chunks::<32>();
    let (low, low_rest) = low.as_chunks::<32>();
    for (high, low) in high.iter().zip(low) {
        out.extend_from_slice(&std::array::from_fn::<T, 32, _>(|i| word((&high[i], &low[i]))));
    }
    out.extend(high_rest.iter().zip(low_rest).map(word));
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
