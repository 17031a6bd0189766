//! RLE Lossless decoding (PS3.5 Annex G). Every segment table is checked before a byte is decoded.

use super::samples::Sink;
use crate::{PixelFormat, ReadError};
use std::hint::select_unpredictable;

const HEADER_BYTES: usize = 64;

/// Pixels decoded at a time: their planes stay in the nearest cache, and no plane is ever held whole.
const BLOCK: usize = 2048;
/// Longest run.
const RUN: usize = 128;
/// Pieces up to this length are the rule in anatomy, and take two vectors.
const SHORT: usize = 32;
static REPEATED: [[u8; SHORT]; 256] = {
    let mut all = [[0; SHORT]; 256];
    let mut byte = 0;
    while byte < 256 {
        all[byte] = [byte as u8; SHORT];
        byte += 1;
    }
    all
};

/// Decodes one frame into `sink`.
pub(super) fn decode_frame(bytes: &[u8], format: &PixelFormat, sink: &mut Sink) -> Result<(), ReadError> {
    let sample_bytes = usize::from(format.bits_allocated / 8);
    let samples = usize::from(format.samples_per_pixel);
    let n_pixels = format.rows as usize * format.columns as usize;
    let mut planes: Vec<Plane<'_>> = segments(bytes, samples * sample_bytes)?
        .into_iter()
        .map(Plane::new)
        .collect();
    let mut interleaved = vec![0u8; BLOCK * planes.len()];
    for begin in (0..n_pixels).step_by(BLOCK) {
        let n = BLOCK.min(n_pixels - begin);
        for plane in &mut planes {
            let found = plane.fill(n);
            if found < n {
                let found = begin + found;
                return Err(ReadError::Corrupt {
                    codec: "RLE",
                    what: format!("a segment of {found} bytes when decoded, expected {n_pixels}"),
                });
            }
        }
        let interleaved = &mut interleaved[..n * planes.len()];
        // Segments run sample by sample, high byte first.
        if let ([high, low], 2) = (planes.as_slice(), sample_bytes) {
            for ((word, high), low) in interleaved
                .as_chunks_mut()
                .0
                .iter_mut()
                .zip(&high.out)
                .zip(&low.out)
            {
                *word = [*low, *high];
            }
        } else {
            let n_planes = planes.len();
            for (number, plane) in planes.iter().enumerate() {
                let (sample, byte) = (number / sample_bytes, sample_bytes - 1 - number % sample_bytes);
                let places = interleaved[sample * sample_bytes + byte..]
                    .iter_mut()
                    .step_by(n_planes);
                for (place, value) in places.zip(&plane.out) {
                    *place = *value;
                }
            }
        }
        sink.push_part(interleaved, false);
        for plane in &mut planes {
            plane.drop(n);
        }
    }
    sink.end_frame();
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

/// A segment on its way out of PackBits: at most a block, and what the last run had too much.
struct Plane<'a> {
    bytes: &'a [u8],
    out: Vec<u8>,
    n_out: usize,
}

impl<'a> Plane<'a> {
    fn new(bytes: &'a [u8]) -> Plane<'a> {
        Plane {
            bytes,
            out: vec![0; BLOCK + RUN],
            n_out: 0,
        }
    }

    /// Decodes until there are `wanted` bytes, at most a block, and says how many there are, `wanted` at most. What follows
    /// (padding) is left alone.
    fn fill(&mut self, wanted: usize) -> usize {
        let (mut bytes, mut at) = (self.bytes, self.n_out);
        while at < wanted {
            let Some((&code, rest)) = bytes.split_first() else {
                break;
            };
            let Some(room) = self.out[at..].first_chunk_mut::<RUN>() else {
                break;
            };
            let is_run = code > 128;
            let n = if is_run {
                257 - usize::from(code)
            } else {
                usize::from(code) + 1
            };
            // Whether a short piece repeats or not is what no processor foresees: both are made and one is kept. What is
            // copied too much is written over by the next piece.
            if n <= SHORT
                && let Some(chunk) = rest.first_chunk::<SHORT>()
            {
                let piece = select_unpredictable(is_run, &REPEATED[usize::from(chunk[0])], chunk);
                room[..SHORT].copy_from_slice(piece);
                at += n;
                bytes = &rest[select_unpredictable(is_run, 1, n)..];
                continue;
            }
            match code {
                0..=127 => {
                    let n = n.min(rest.len());
                    match rest.first_chunk::<RUN>() {
                        // A copy of fixed length costs less than a call.
                        Some(chunk) => *room = *chunk,
                        None => room[..n].copy_from_slice(&rest[..n]),
                    }
                    at += n;
                    bytes = &rest[n..];
                }
                // Reserved: does nothing.
                128 => bytes = rest,
                129.. => {
                    let Some((&byte, rest)) = rest.split_first() else {
                        bytes = rest;
                        break;
                    };
                    *room = [byte; RUN];
                    at += n;
                    bytes = rest;
                }
            }
        }
        (self.bytes, self.n_out) = (bytes, at);
        at.min(wanted)
    }

    /// Lets go of the first `n` bytes.
    fn drop(&mut self, n: usize) {
        self.out.copy_within(n..self.n_out, 0);
        self.n_out -= n;
    }
}
