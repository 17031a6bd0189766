//! Pixel data: from encoded bytes to stored values.
//!
//! The order of application is fixed: fragments are joined into frames, frames decoded, samples shifted by HighBit,
//! masked to BitsStored and sign-extended where PixelRepresentation says so. Nothing else is applied here.

mod codec;
mod fragments;
mod jpeg2000;
mod jpeg_lossless;
mod jpegls;
mod rle;
mod samples;
mod stored;

pub use stored::{Frame, StoredPixels};

use crate::{
    Codec, Header, Limits, PixelFormat, ReadError, TransferSyntax,
    read::{location::PixelLocation, source::Source},
    tag,
};
use samples::Sink;
use std::ops::Range;
use stored::AsRead;

/// Decodes the frames asked for (all if `None`).
pub(crate) fn decode(
    source: &mut Source<'_>,
    header: &Header,
    frames: Option<Range<u32>>,
    limits: &Limits,
) -> Result<StoredPixels, ReadError> {
    let (Some(format), Some(location)) = (&header.pixel_format, &header.pixel_location) else {
        return Err(ReadError::NoPixelData);
    };
    let frames = frames.unwrap_or(0..format.n_frames);
    if frames.end > format.n_frames {
        return Err(ReadError::NoSuchFrame {
            found: frames.start,
            n_frames: format.n_frames,
        });
    }
    check_supported(format, location, header.transfer_syntax)?;
    let frame_bytes = frame_bytes(format);
    let wanted = frame_bytes.saturating_mul(u64::from(frames.end - frames.start));
    if wanted > limits.max_decoded_bytes {
        return Err(ReadError::DecodedTooLarge {
            found: wanted,
            limit: limits.max_decoded_bytes,
        });
    }
    if location.is_encapsulated() {
        decode_fragments(source, header.transfer_syntax, format, location, frames, limits)
    } else {
        decode_raw(source, header.transfer_syntax, format, location, frames)
    }
}

/// Whether the pixels of this header can be decoded here, as far as the header and the file's length tell.
pub(crate) fn check_decodable(header: &Header) -> Result<(), ReadError> {
    let (Some(format), Some(location)) = (&header.pixel_format, &header.pixel_location) else {
        return Err(ReadError::NoPixelData);
    };
    check_supported(format, location, header.transfer_syntax)?;
    if !location.is_encapsulated() {
        raw_bytes(header.transfer_syntax, format, location)?;
    }
    location.cut.map_or(Ok(()), |cut| Err(cut.to_error()))
}

/// Bytes that raw pixels need, if that many are there.
fn raw_bytes(
    syntax: TransferSyntax,
    format: &PixelFormat,
    location: &PixelLocation,
) -> Result<u64, ReadError> {
    if syntax.is_encapsulated() {
        return Err(ReadError::Fragments {
            what: "plain pixel data under a compressed transfer syntax",
        });
    }
    let expected = frame_bytes(format).saturating_mul(u64::from(format.n_frames));
    // What is left counts, not what is declared: some writers declare a wrong length for intact pixels.
    let found = location.left.min(u64::from(location.length).max(expected));
    if found < expected {
        return Err(ReadError::PixelDataTooShort { found, expected });
    }
    Ok(expected)
}

fn check_supported(
    format: &PixelFormat,
    location: &PixelLocation,
    syntax: TransferSyntax,
) -> Result<(), ReadError> {
    let unsupported = |what| Err(ReadError::Unsupported { syntax, what });
    if location.tag != tag::PIXEL_DATA {
        return unsupported("floating-point pixel data");
    }
    if location.is_encapsulated() && !syntax.codec().is_supported() {
        return unsupported("no decoder in this build");
    }
    match format.bits_allocated {
        8 | 16 => Ok(()),
        32 if !location.is_encapsulated() => Ok(()),
        1 => unsupported("1 bit a sample"),
        _ => unsupported("more than 16 bits a sample"),
    }
}

fn frame_bytes(format: &PixelFormat) -> u64 {
    // At most 8192 * 8192 * 4 * 8 by the limits checked before; any limits fit 64 bits.
    u64::from(format.rows)
        * u64::from(format.columns)
        * u64::from(format.samples_per_pixel)
        * u64::from(format.bits_allocated.div_ceil(8))
}

/// Plain samples up to this many bytes are read at once and kept as they are. What is larger goes through a small buffer, so that
/// it is in memory once even if its bits have to be moved.
const MOST_AT_ONCE_BYTES: u64 = 16 << 20;

fn decode_raw(
    source: &mut Source<'_>,
    syntax: TransferSyntax,
    format: &PixelFormat,
    location: &PixelLocation,
    frames: Range<u32>,
) -> Result<StoredPixels, ReadError> {
    raw_bytes(syntax, format, location)?;
    let frame_bytes = frame_bytes(format);
    let at = location.value_at + frame_bytes * u64::from(frames.start);
    let n_frames = frames.end - frames.start;
    let big_endian = location.encoding.big_endian || syntax == TransferSyntax::GePrivateBigEndianPixels;
    let plain = !big_endian && !format.signed && format.bits_allocated == 16 && format.samples_per_pixel == 1;
    if plain
        && format.high_bit + 1 == format.bits_stored
        && frame_bytes * u64::from(n_frames) <= MOST_AT_ONCE_BYTES
    {
        let bytes = source.owned_bytes(at, (frame_bytes * u64::from(n_frames)) as usize)?;
        return Ok(match AsRead::new(bytes, u16::MAX >> (16 - format.bits_stored)) {
            Ok(words) => StoredPixels::as_read(format, n_frames, words),
            Err(bytes) => {
                let mut sink = Sink::new(format, n_frames);
                bytes
                    .chunks_exact((frame_bytes as usize).max(1))
                    .for_each(|frame| sink.push_bytes(frame, false, false));
                sink.finish()
            }
        });
    }
    let mut sink = Sink::new(format, n_frames);
    for frame in 0..u64::from(n_frames) {
        let at = at + frame_bytes * frame;
        if format.planar && format.samples_per_pixel > 1 {
            sink.push_bytes(&source.tail(at, frame_bytes as usize)?, big_endian, true);
        } else {
            source.each_chunk(at, frame_bytes, |bytes| sink.push_part(bytes, big_endian))?;
            sink.end_frame();
        }
    }
    Ok(sink.finish())
}

fn decode_fragments(
    source: &mut Source<'_>,
    syntax: TransferSyntax,
    format: &PixelFormat,
    location: &PixelLocation,
    frames: Range<u32>,
    limits: &Limits,
) -> Result<StoredPixels, ReadError> {
    let deadline = source.deadline();
    let left = source.left(location.value_at);
    let bytes = source.tail(location.value_at, left as usize)?;
    let fragments = fragments::Fragments::parse(&bytes, &location.extended_offsets)?;
    let decoded = frame_bytes(format);
    let n_frames = frames.end - frames.start;
    let mut sink = Sink::new(format, 0);
    for frame in frames {
        deadline.check()?;
        let encoded = fragments.frame(frame, format.n_frames)?;
        let ratio = decoded / (encoded.len() as u64).max(1);
        if decoded > limits.expansion_floor_bytes && ratio > limits.max_expansion {
            return Err(ReadError::ExpansionTooLarge {
                encoded: encoded.len() as u64,
                decoded,
                limit: limits.max_expansion,
            });
        }
        // Only now, with the first frame's bytes seen, is room for all frames made.
        sink.reserve(n_frames);
        match syntax.codec() {
            Codec::Raw => {
                if (encoded.len() as u64) < decoded {
                    return Err(ReadError::PixelDataTooShort {
                        found: encoded.len() as u64,
                        expected: decoded,
                    });
                }
                sink.push_bytes(&encoded[..decoded as usize], false, format.planar);
            }
            Codec::Rle => rle::decode_frame(&encoded, format, &mut sink)?,
            Codec::DeflatedFrame => {
                let inflated = codec::inflate_frame(&encoded, decoded)?;
                sink.push_bytes(&inflated, false, format.planar);
            }
            _ => codec::decode_frame(&encoded, syntax, format, &mut sink)?,
        }
    }
    Ok(sink.finish())
}

/// An RLE frame alone: the number of samples it decodes to.
pub(crate) fn fuzz_rle(bytes: &[u8], format: &PixelFormat) -> Result<usize, ReadError> {
    let mut sink = Sink::new(format, 1);
    rle::decode_frame(bytes, format, &mut sink)?;
    Ok(sink.finish().frame(0)?.len())
}

/// A JPEG 2000 stream alone: the sides that it says it has, and the number of samples; `None` if our own decoder declines.
pub(crate) fn fuzz_jpeg2000(bytes: &[u8], most_side: u32) -> Option<([usize; 2], usize)> {
    let [columns, rows] =
        codec::jpeg2000_sides(bytes).filter(|sides| sides.iter().all(|side| *side <= most_side))?;
    let sides = [columns as usize, rows as usize];
    let samples = jpeg2000::decode(bytes, sides[0], sides[1])?;
    Some((sides, samples.len()))
}

/// Fragments alone: the number of bytes in all frames.
pub(crate) fn fuzz_fragments(bytes: &[u8], offsets: &[u64], n_frames: u32) -> Result<usize, ReadError> {
    let fragments = fragments::Fragments::parse(bytes, offsets)?;
    (0..n_frames)
        .map(|frame| Ok(fragments.frame(frame, n_frames)?.len()))
        .sum()
}
