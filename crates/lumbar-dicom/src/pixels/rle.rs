//! RLE Lossless decoding (PS3.5 Annex G). Every segment table is checked before a byte is decoded.
//!
//! A piece of PackBits is a code and what it says to repeat or to copy. Whether it repeats is what no processor foresees in
//! anatomy, and where the next piece begins depends on it. So the quick road has no branch on that: a short piece is made
//! both ways, and one is kept. It leaves what is rare, and all near a segment's end, to a road that looks at each byte.

use super::samples::Sink;
use crate::{PixelFormat, ReadError};
use std::{hint::select_unpredictable, ops::Range};

const HEADER_BYTES: usize = 64;

/// Pixels decoded at a time: their planes stay in the nearest cache, and no plane is ever held whole.
const BLOCK: usize = 2048;
/// Longest run and longest literal.
const RUN: usize = 128;
/// Pieces up to this length are the rule in planes of high bytes, and take two vectors.
const SHORT: usize = 32;
/// A vector. Stores cost the least where their place is a multiple of it.
const VECTOR: usize = 16;
/// The code that does nothing.
const RESERVED: u8 = 128;
/// From [`RESERVED`] to this code runs are longer than a vector.
const LAST_LONG_RUN: u8 = (256 - VECTOR) as u8;

/// Bytes looked at by a step of the quick road: [`SHORT`] before the code, the code, the longest literal, and as much behind
/// it as an aligned copy reads too much.
const WINDOW: usize = SHORT + 1 + RUN + VECTOR;
const _: () = assert!(
    SHORT <= HEADER_BYTES,
    "what lies before the first code is in the frame"
);

/// Room for a block, for the run that ends behind it, and for what an aligned copy writes too much.
const ROOM: usize = BLOCK + RUN + VECTOR;

/// Bytes that a code stands for.
const fn length(code: u8) -> usize {
    match code {
        0..RESERVED => code as usize + 1,
        RESERVED => 0,
        _ => 257 - code as usize,
    }
}

/// Whether a code other than [`RESERVED`] repeats a byte.
const fn is_run(code: u8) -> bool {
    code >= RESERVED
}

static LENGTHS: [u8; 256] = {
    let mut all = [0; 256];
    let mut code = 0;
    while code < 256 {
        all[code] = length(code as u8) as u8;
        code += 1;
    }
    all
};

/// A piece by its code.
#[derive(Clone, Copy)]
struct Piece {
    /// Bytes it takes, its code included.
    n_in: u32,
    /// What it leaves of [`SHORT`] bytes; [`SHORT`] for what is no short piece.
    spare: u32,
}

static PIECES: [Piece; 256] = {
    let mut all = [Piece {
        n_in: 2,
        spare: SHORT as u32,
    }; 256];
    let mut code = 0;
    while code < 256 {
        let n = length(code as u8);
        if !is_run(code as u8) {
            all[code].n_in = n as u32 + 1;
        }
        if n > 0 && n <= SHORT {
            all[code].spare = (SHORT - n) as u32;
        }
        code += 1;
    }
    all
};

/// A piece that shares the [`SHORT`] bytes of a step with the one before, by its code; nothing if it is too long.
#[derive(Clone, Copy)]
struct Second {
    n_in: u32,
    n_out: u32,
}

static SECONDS: [Second; 256] = {
    let mut all = [Second { n_in: 0, n_out: 0 }; 256];
    let mut code = 0;
    while code < 256 {
        let n = length(code as u8);
        if n > 0 && n <= SHORT / 2 {
            all[code] = Second {
                n_in: PIECES[code].n_in,
                n_out: n as u32,
            };
        }
        code += 1;
    }
    all
};

/// Whether a second piece can follow: this one takes two bytes, as runs and single bytes do, and at most half of [`SHORT`].
fn leaves_half(code: u8) -> bool {
    // 0, or 257 less a length of at most half: in one comparison.
    code.wrapping_sub(1) >= 0_u8.wrapping_sub(SHORT as u8 / 2)
}

static REPEATED: [[u8; SHORT]; 256] = {
    let mut all = [[0; SHORT]; 256];
    let mut byte = 0;
    while byte < 256 {
        all[byte] = [byte as u8; SHORT];
        byte += 1;
    }
    all
};

/// From the place `SHORT - n` on: all bits of `n` bytes, then none.
static MASK: [u8; 2 * SHORT] = {
    let mut all = [0; 2 * SHORT];
    let mut at = 0;
    while at < SHORT {
        all[at] = u8::MAX;
        at += 1;
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
        .map(|segment| Plane::new(bytes, segment, n_pixels))
        .collect();
    let mut interleaved = Vec::new();
    for begin in (0..n_pixels).step_by(BLOCK) {
        let n = BLOCK.min(n_pixels - begin);
        if let [one, other] = planes.as_mut_slice() {
            fill_side_by_side(one, other, n);
        }
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
        // Segments run sample by sample, high byte first.
        if let ([high, low], 2) = (planes.as_slice(), sample_bytes) {
            sink.push_halves(&high.out.0[..n], &low.out.0[..n]);
        } else {
            interleave(&planes, sample_bytes, n, &mut interleaved);
            sink.push_part(&interleaved, false);
        }
        for plane in &mut planes {
            plane.drop(n);
        }
    }
    sink.end_frame();
    Ok(())
}

/// The segments, each up to the next one's offset.
fn segments(bytes: &[u8], expected: usize) -> Result<Vec<Range<usize>>, ReadError> {
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
    Ok(offsets.windows(2).map(|pair| pair[0]..pair[1]).collect())
}

/// The first `n` pixels of all planes, little endian.
fn interleave(planes: &[Plane<'_>], sample_bytes: usize, n: usize, interleaved: &mut Vec<u8>) {
    interleaved.resize(n * planes.len(), 0);
    for (number, plane) in planes.iter().enumerate() {
        let (sample, byte) = (number / sample_bytes, sample_bytes - 1 - number % sample_bytes);
        let places = interleaved[sample * sample_bytes + byte..]
            .iter_mut()
            .step_by(planes.len());
        for (place, value) in places.zip(&plane.out.0) {
            *place = *value;
        }
    }
}

#[repr(align(64))]
struct Room([u8; ROOM]);

/// A segment on its way out of PackBits: at most a block, and what the last pieces had too much.
struct Plane<'a> {
    /// The frame up to the segment's end.
    bytes: &'a [u8],
    /// Place of the next code.
    at: usize,
    /// Few runs, as in most planes of low bytes.
    is_dense: bool,
    out: Room,
    n_out: usize,
}

impl<'a> Plane<'a> {
    fn new(frame: &'a [u8], segment: Range<usize>, n_pixels: usize) -> Plane<'a> {
        Plane {
            bytes: &frame[..segment.end],
            at: segment.start,
            is_dense: segment.len() > n_pixels / 2,
            out: Room([0; ROOM]),
            n_out: 0,
        }
    }

    /// Decodes until there are `wanted` bytes, at most a block, and says how many there are, `wanted` at most. What follows
    /// (padding) is left alone.
    fn fill(&mut self, wanted: usize) -> usize {
        while self.n_out < wanted {
            self.fill_quickly(wanted);
            if self.n_out < wanted && !self.fill_one() {
                break;
            }
        }
        self.n_out.min(wanted)
    }

    /// Decodes until there are `wanted` bytes or a piece needs care.
    #[inline(never)]
    fn fill_quickly(&mut self, wanted: usize) {
        let is_dense = self.is_dense;
        let mut quick = Quick::new(self, wanted);
        if is_dense {
            while quick.one() {}
        } else {
            while quick.two() {}
        }
        let reached = quick.reached();
        self.go_on(reached);
    }

    fn go_on(&mut self, (n_in, n_out): (usize, usize)) {
        self.at += n_in;
        self.n_out = n_out;
    }

    /// Decodes one piece; `false` if there is none.
    fn fill_one(&mut self) -> bool {
        let Some((&code, rest)) = self.bytes[self.at..].split_first() else {
            return false;
        };
        let n = length(code);
        let room = &mut self.out.0[self.n_out..];
        self.at += 1;
        if !is_run(code) {
            let n = n.min(rest.len());
            room[..n].copy_from_slice(&rest[..n]);
            self.at += n;
            self.n_out += n;
        } else if code != RESERVED
            && let Some(&byte) = rest.first()
        {
            room[..n].fill(byte);
            self.at += 1;
            self.n_out += n;
        }
        true
    }

    /// Lets go of the first `n` bytes.
    fn drop(&mut self, n: usize) {
        self.out.0.copy_within(n..n + RUN, 0);
        self.n_out -= n;
    }
}

/// Fills a plane with many runs and one with few by turns, as far as the quick road leads: while one waits, the other
/// works. Planes of other kinds are left to [`Plane::fill`].
#[inline(never)]
fn fill_side_by_side(one: &mut Plane<'_>, other: &mut Plane<'_>, wanted: usize) {
    if one.is_dense || !other.is_dense {
        return;
    }
    let (mut sparse, mut dense) = (Quick::new(one, wanted), Quick::new(other, wanted));
    // A plane with many runs has several times as many pieces.
    while dense.one() && sparse.two() && sparse.two() {}
    let (sparse, dense) = (sparse.reached(), dense.reached());
    one.go_on(sparse);
    other.go_on(dense);
}

/// How far the quick road has led in a plane.
struct Quick<'a> {
    /// From [`SHORT`] bytes before the first code on.
    bytes: &'a [u8],
    room: &'a mut [u8; ROOM],
    wanted: usize,
    /// Bytes taken. 32 bits, so that a sum with the length of a window does not overflow.
    n_in: u32,
    n_out: usize,
}

impl<'a> Quick<'a> {
    #[inline(always)]
    fn new(plane: &'a mut Plane<'_>, wanted: usize) -> Quick<'a> {
        Quick {
            bytes: &plane.bytes[plane.at - SHORT..],
            room: &mut plane.out.0,
            wanted: wanted.min(BLOCK),
            n_in: 0,
            n_out: plane.n_out,
        }
    }

    fn reached(self) -> (usize, usize) {
        (self.n_in as usize, self.n_out)
    }

    /// What the next step looks at; none if there are enough bytes or the segment ends.
    #[inline(always)]
    fn window(&self) -> Option<&'a [u8; WINDOW]> {
        if self.n_out >= self.wanted {
            return None;
        }
        let begin = self.n_in as usize;
        self.bytes.get(begin..begin + WINDOW)?.first_chunk()
    }

    /// Decodes a piece, if the quick road leads on. All literals and the shortest runs go without a branch between them.
    #[inline(always)]
    fn one(&mut self) -> bool {
        let Some(window) = self.window() else {
            return false;
        };
        let code = window[SHORT];
        if (RESERVED..=LAST_LONG_RUN).contains(&code) {
            if code == RESERVED {
                return false;
            }
            self.repeat(window[SHORT + 1]);
        } else {
            self.copy_behind_vector(window);
            let repeated = part(&REPEATED[usize::from(window[SHORT + 1])], 0);
            let start: &[u8; VECTOR] = select_unpredictable(is_run(code), repeated, part(window, SHORT + 1));
            *part_mut(self.room, self.n_out) = *start;
        }
        self.n_in += select_unpredictable(is_run(code), 0, u32::from(code)) + 2;
        self.n_out += usize::from(LENGTHS[usize::from(code)]);
        true
    }

    /// Decodes a piece, and the next one if both are short, if the quick road leads on.
    ///
    /// Where the next code stands is known late, but mostly it is two bytes on: the piece that would begin there is made at
    /// the same time. Both are put together in two vectors and stored once; what belongs to no piece is written over later.
    #[inline(always)]
    fn two(&mut self) -> bool {
        let Some(window) = self.window() else {
            return false;
        };
        let code = window[SHORT];
        let Piece { n_in, spare } = PIECES[usize::from(code)];
        let spare = spare as usize;
        if spare >= SHORT {
            if code == RESERVED {
                return false;
            }
            if is_run(code) {
                self.repeat(window[SHORT + 1]);
            } else {
                *part_mut::<VECTOR>(self.room, self.n_out) = *part(window, SHORT + 1);
                self.copy_behind_vector(window);
            }
            self.n_in += n_in;
            self.n_out += usize::from(LENGTHS[usize::from(code)]);
            return true;
        }
        let repeated = &REPEATED[usize::from(window[SHORT + 1])];
        let first = select_unpredictable(is_run(code), repeated, part(window, SHORT + 1));

        let code = window[SHORT + 2];
        let second = SECONDS[usize::from(code)];
        let repeated = &REPEATED[usize::from(window[SHORT + 3])];
        // Taken from so far before its place that it stands behind the first one.
        let literal: &[u8; SHORT] = part(window, spare + 3);
        let following = select_unpredictable(is_run(code), repeated, literal);
        let mask: &[u8; SHORT] = part(&MASK, spare);
        let mut both = [0; SHORT];
        for (i, byte) in both.iter_mut().enumerate() {
            *byte = first[i] & mask[i] | following[i] & !mask[i];
        }
        *part_mut(self.room, self.n_out) = both;

        let follows = leaves_half(window[SHORT]);
        self.n_in += n_in + select_unpredictable(follows, second.n_in, 0);
        self.n_out += SHORT - spare + select_unpredictable(follows, second.n_out, 0) as usize;
        true
    }

    /// The longest run of a byte.
    #[inline(always)]
    fn repeat(&mut self, byte: u8) {
        *part_mut(self.room, self.n_out) = [byte; VECTOR];
        *part_mut(self.room, self.n_out / VECTOR * VECTOR + VECTOR) = [byte; RUN];
    }

    /// What follows the first vector of the longest literal, and some of that vector, so that all stores are aligned.
    #[inline(always)]
    fn copy_behind_vector(&mut self, window: &[u8; WINDOW]) {
        let skipped = VECTOR - self.n_out % VECTOR;
        *part_mut::<RUN>(self.room, self.n_out + skipped) = *part(window, SHORT + 1 + skipped);
    }
}

/// `N` bytes from `at` on, which must be there.
#[inline(always)]
fn part<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    bytes[at..].first_chunk().expect("a place inside")
}

/// [`part`], to write to.
#[inline(always)]
fn part_mut<const N: usize>(bytes: &mut [u8], at: usize) -> &mut [u8; N] {
    bytes[at..].first_chunk_mut().expect("a place inside")
}

#[cfg(test)]
mod tests;
