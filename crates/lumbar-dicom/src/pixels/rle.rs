//! RLE Lossless decoding (PS3.5 Annex G). Every segment table is checked before a byte is decoded.

use super::samples::Sink;
use crate::{PixelFormat, ReadError};

const HEADER_BYTES: usize = 64;

/// Decodes one frame into `sink`.
pub(super) fn decode_frame(bytes: &[u8], format: &PixelFormat, sink: &mut Sink) -> Result<(), ReadError> {
    let sample_bytes = usize::from(format.bits_allocated / 8);
    let samples = usize::from(format.samples_per_pixel);
    let n_pixels = format.rows as usize * format.columns as usize;
    let segments = segments(bytes, samples * sample_bytes)?;
    let mut planes = vec![0u8; n_pixels * segments.len()];
    for (plane, segment) in planes.chunks_exact_mut(n_pixels).zip(&segments) {
        unpack(segment, plane)?;
    }
    // Segments run sample by sample, high byte first.
    match (samples, sample_bytes) {
        (1, 1) => sink.push_bytes(&planes, false, false),
        (1, 2) => {
            let (high, low) = planes.split_at(n_pixels);
            let mut words = vec![0u8; 2 * n_pixels];
            for ((word, high), low) in words.chunks_exact_mut(2).zip(high).zip(low) {
                word[0] = *low;
                word[1] = *high;
            }
            sink.push_bytes(&words, false, false);
        }
        _ => {
            let mut out = Vec::with_capacity(planes.len());
            for pixel in 0..n_pixels {
                for sample in 0..samples {
                    for byte in (0..sample_bytes).rev() {
                        out.push(planes[(sample * sample_bytes + byte) * n_pixels + pixel]);
                    }
                }
            }
            sink.push_bytes(&out, false, false);
        }
    }
    Ok(())
}

/// The segments, each up to the next one's offset.
fn segments(bytes: &[u8], expected: usize) -> Result<Vec<&[u8]>, ReadError> {
    let corrupt = |what: String| Err(ReadError::Corrupt { codec: "RLE", what });
    let Some(header) = bytes.get(..HEADER_BYTES) else {
        return corrupt(format!(
            "{} bytes, expected a header of {HEADER_BYTES}",
            bytes.len()
        ));
    };
    let mut words = header
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    let found = words.next().unwrap_or(0);
    if found as usize != expected {
        return corrupt(format!("{found} segments, expected {expected}"));
    }
    let mut offsets: Vec<usize> = words.take(expected).map(|offset| offset as usize).collect();
    offsets.push(bytes.len());
    if offsets[0] < HEADER_BYTES || !offsets.is_sorted() || offsets.len() != expected + 1 {
        return corrupt("segment offsets outside the frame or not in order".to_owned());
    }
    Ok(offsets.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect())
}

/// PackBits until `out` is full. What follows (padding) is ignored; too little is an error.
fn unpack(mut bytes: &[u8], out: &mut [u8]) -> Result<(), ReadError> {
    let expected = out.len();
    let mut at = 0;
    while at < expected {
        let Some((&code, rest)) = bytes.split_first() else {
            break;
        };
        match code {
            0..=127 => {
                let wanted = usize::from(code) + 1;
                let n = wanted.min(expected - at).min(rest.len());
                out[at..at + n].copy_from_slice(&rest[..n]);
                at += n;
                bytes = &rest[wanted.min(rest.len())..];
            }
            // Reserved: does nothing.
            128 => bytes = rest,
            129.. => {
                let Some((&byte, rest)) = rest.split_first() else {
                    break;
                };
                let n = (257 - usize::from(code)).min(expected - at);
                out[at..at + n].fill(byte);
                at += n;
                bytes = rest;
            }
        }
    }
    if at < expected {
        return Err(ReadError::Corrupt {
            codec: "RLE",
            what: format!("a segment of {at} bytes when decoded, expected {expected}"),
        });
    }
    Ok(())
}
