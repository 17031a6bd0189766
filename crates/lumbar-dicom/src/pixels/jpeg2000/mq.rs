//! The arithmetic decoder of tier 1 (MQ, ITU-T T.800 annex C).
//!
//! The standard's registers stand at the top of 64 bits: 16 bits that decisions are made with, and below them bits read
//! ahead. A decision is made without a branch on its outcome, since most bits of noisy planes are a coin's toss.

use std::hint::select_unpredictable;

/// A context's state: at the top the size of its interval, as it stands in the registers; below, the state's index, whose
/// lowest bit is the more probable symbol, and how far the size is shifted after an LPS.
pub(super) type Context = u64;

const SIZE: u64 = 0xFFFF << 48;
/// Where the index begins: an entry of the table it leads to has 16 bytes.
const INDEX: u32 = 4;
const SHIFT: u32 = 12;

const N_STATES: usize = 47;

/// Table C.2: size, next state after an MPS and an LPS, and whether the LPS then switches sense.
const STATES: [(u32, u8, u8, bool); N_STATES] = [
    (0x5601, 1, 1, true),
    (0x3401, 2, 6, false),
    (0x1801, 3, 9, false),
    (0x0AC1, 4, 12, false),
    (0x0521, 5, 29, false),
    (0x0221, 38, 33, false),
    (0x5601, 7, 6, true),
    (0x5401, 8, 14, false),
    (0x4801, 9, 14, false),
    (0x3801, 10, 14, false),
    (0x3001, 11, 17, false),
    (0x2401, 12, 18, false),
    (0x1C01, 13, 20, false),
    (0x1601, 29, 21, false),
    (0x5601, 15, 14, true),
    (0x5401, 16, 14, false),
    (0x5101, 17, 15, false),
    (0x4801, 18, 16, false),
    (0x3801, 19, 17, false),
    (0x3401, 20, 18, false),
    (0x3001, 21, 19, false),
    (0x2801, 22, 19, false),
    (0x2401, 23, 20, false),
    (0x2201, 24, 21, false),
    (0x1C01, 25, 22, false),
    (0x1801, 26, 23, false),
    (0x1601, 27, 24, false),
    (0x1401, 28, 25, false),
    (0x1201, 29, 26, false),
    (0x1101, 30, 27, false),
    (0x0AC1, 31, 28, false),
    (0x09C1, 32, 29, false),
    (0x08A1, 33, 30, false),
    (0x0521, 34, 31, false),
    (0x0441, 35, 32, false),
    (0x02A1, 36, 33, false),
    (0x0221, 37, 34, false),
    (0x0141, 38, 35, false),
    (0x0111, 39, 36, false),
    (0x0085, 40, 37, false),
    (0x0049, 41, 38, false),
    (0x0025, 42, 39, false),
    (0x0015, 43, 40, false),
    (0x0009, 44, 41, false),
    (0x0005, 45, 42, false),
    (0x0001, 45, 43, false),
    (0x5601, 46, 46, false),
];

const fn entry(index: usize) -> Context {
    let (size, ..) = STATES[index / 2];
    let shift = (size as u16).leading_zeros();
    (size as u64) << 48 | (shift as u64) << SHIFT | (index as u64) << INDEX
}

const N_ROOM: usize = 128;

/// What a state is followed by, after an MPS and an LPS. There is room for every index of 7 bits, so that looking up needs
/// no check.
static FOLLOWING: [[Context; 2]; N_ROOM] = {
    let mut following = [[0; 2]; N_ROOM];
    let mut index = 0;
    while index < 2 * N_STATES {
        let (_, after_mps, after_lps, switches) = STATES[index / 2];
        let mps = index % 2;
        following[index] = [
            entry(2 * after_mps as usize + mps),
            entry(2 * after_lps as usize + (mps ^ switches as usize)),
        ];
        index += 1;
    }
    following
};

/// A context in a state, with 0 as the more probable symbol.
pub(super) const fn context(state: usize) -> Context {
    entry(2 * state)
}

/// The registers. Passes keep them in variables of their own, apart from where the bytes come from: then they stay in the
/// processor's registers.
#[derive(Clone, Copy)]
pub(super) struct Mq {
    a: u64,
    c: u64,
    /// Bits read ahead.
    n_ahead: i32,
}

/// The bytes of a block.
pub(super) struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The byte before `at`.
    last: u8,
}

impl Mq {
    pub(super) fn new(source: &mut Source<'_>) -> Self {
        // The first byte's highest bit belongs below the highest of the register.
        let (c, n_ahead) = source.fill(0, -15);
        Self {
            a: ONE << 15,
            c,
            n_ahead,
        }
    }

    /// The next decision, 0 or 1.
    #[inline(always)]
    pub(super) fn decode(&mut self, source: &mut Source<'_>, context: &mut Context) -> u32 {
        let state = *context;
        let [after_mps, after_lps] = FOLLOWING[(state >> INDEX) as usize % N_ROOM];
        let size = state & SIZE;
        let rest = self.a.wrapping_sub(size);
        // The lower part of the interval is the LPS's, unless it is the larger one.
        let (is_below, is_exchanged) = (self.c < size, rest < size);
        // No size is above 0x5601: what is left of 0x8000 and more needs two shifts at most, or none.
        let is_whole = rest >= ONE << 15;
        let shift_above = u32::from(!is_whole) + u32::from(rest < ONE << 14);
        let shift = select_unpredictable(is_below, (state >> SHIFT) as u32 & 0xF, shift_above);
        let next_above = select_unpredictable(is_whole, state, after_mps);
        let next_above = select_unpredictable(is_exchanged, after_lps, next_above);
        let next_below = select_unpredictable(is_exchanged, after_mps, after_lps);
        *context = select_unpredictable(is_below, next_below, next_above);
        self.a = select_unpredictable(is_below, size, rest) << shift;
        self.c = self.c.wrapping_sub(select_unpredictable(is_below, 0, size)) << shift;
        self.n_ahead -= shift as i32;
        if self.n_ahead < 0 {
            (self.c, self.n_ahead) = source.fill(self.c, self.n_ahead);
        }
        (state >> INDEX & 1) as u32 ^ u32::from(is_below ^ is_exchanged)
    }
}

/// The lowest bit of the standard's registers.
const ONE: u64 = 1 << 48;

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            last: 0,
        }
    }
}

impl Source<'_> {
    /// Reads ahead as far as that makes no difference.
    #[inline(never)]
    fn fill(&mut self, c: u64, n_ahead: i32) -> (u64, i32) {
        if let Some(Ok(eight)) = self.bytes.get(self.at..self.at + 8).map(<[u8; 8]>::try_from) {
            const N: u32 = 6;
            let word = u64::from_be_bytes(eight) >> (64 - 8 * N);
            // A byte of ones is zero when inverted, and only then gives a carry into its highest bit here.
            const ONES: u64 = 0x0101_0101_0101;
            let inverted = !word & (ONES * 0xFF);
            let has_ones = inverted.wrapping_sub(ONES) & !inverted & (ONES << 7) != 0;
            if !has_ones && self.last != 0xFF {
                self.at += N as usize;
                self.last = word as u8;
                return (c.wrapping_add(word << -n_ahead), n_ahead + 8 * N as i32);
            }
        }
        self.fill_slowly(c, n_ahead)
    }

    /// Byte by byte. A byte after one of ones has its highest bit added to that one's lowest, which must not happen before
    /// the standard's decoder would do it: it is never read ahead.
    fn fill_slowly(&mut self, mut c: u64, mut n_ahead: i32) -> (u64, i32) {
        while n_ahead <= 40 {
            let (byte, n_bits) = match (self.last, self.bytes.get(self.at).copied()) {
                // Past the end, and at a marker, there are ones without end.
                (_, None) | (0xFF, Some(0x90..)) => (0xFF, 8),
                (0xFF, Some(0x80..)) if n_ahead >= 0 => break,
                (last, Some(byte)) => {
                    self.at += 1;
                    self.last = byte;
                    (byte, if last == 0xFF { 7 } else { 8 })
                }
            };
            c = c.wrapping_add(u64::from(byte) << (48 - n_bits - n_ahead));
            n_ahead += n_bits;
        }
        (c, n_ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The standard's decoder by the letter of its figures (C.15 to C.20), bit by bit.
    struct Letter<'a> {
        bytes: &'a [u8],
        at: usize,
        a: u32,
        c: u32,
        n: u32,
        /// State and more probable symbol of each context.
        contexts: [(usize, u32); 4],
    }

    impl<'a> Letter<'a> {
        fn new(bytes: &'a [u8]) -> Self {
            let mut letter = Self {
                bytes,
                at: 0,
                a: 0x8000,
                c: 0,
                n: 0,
                contexts: [(0, 0), (4, 0), (3, 0), (46, 0)],
            };
            letter.c = letter.byte(0) << 16;
            letter.byte_in();
            letter.c <<= 7;
            letter.n -= 7;
            letter
        }

        fn byte(&self, at: usize) -> u32 {
            self.bytes.get(at).map_or(0xFF, |byte| u32::from(*byte))
        }

        fn byte_in(&mut self) {
            let next = self.byte(self.at + 1);
            if self.byte(self.at) != 0xFF {
                self.at += 1;
                (self.c, self.n) = (self.c.wrapping_add(next << 8), 8);
            } else if next > 0x8F {
                (self.c, self.n) = (self.c.wrapping_add(0xFF00), 8);
            } else {
                self.at += 1;
                (self.c, self.n) = (self.c.wrapping_add(next << 9), 7);
            }
        }

        fn decode(&mut self, context: usize) -> u32 {
            let (state, mps) = self.contexts[context];
            let (size, after_mps, after_lps, switches) = STATES[state];
            self.a -= size;
            let is_lps = if self.c >> 16 < size {
                let is_exchanged = self.a < size;
                self.a = size;
                !is_exchanged
            } else {
                self.c -= size << 16;
                if self.a & 0x8000 != 0 {
                    return mps;
                }
                self.a < size
            };
            self.contexts[context] = if is_lps {
                (usize::from(after_lps), mps ^ u32::from(switches))
            } else {
                (usize::from(after_mps), mps)
            };
            while self.a & 0x8000 == 0 {
                if self.n == 0 {
                    self.byte_in();
                }
                self.a <<= 1;
                self.c <<= 1;
                self.n -= 1;
            }
            mps ^ u32::from(is_lps)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Also for bytes that no encoder writes.
        #[test]
        fn decides_as_the_standard_does(
            bytes in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(0xFF), 1 => 0x7Eu8..0x92], 0..80),
            contexts in prop::collection::vec(0..4usize, 900),
        ) {
            let mut letter = Letter::new(&bytes);
            let mut source = Source::new(&bytes);
            let mut mq = Mq::new(&mut source);
            let mut own = [0, 4, 3, 46].map(context);
            for context in contexts {
                prop_assert_eq!(mq.decode(&mut source, &mut own[context]), letter.decode(context));
            }
        }
    }
}
