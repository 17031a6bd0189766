//! Resampling to 8 bits in 16-bit whole numbers: twice the lanes of `f32`, and clipping takes two instructions.
//!
//! A grey level is a number of steps, of which there are over 32,767 from black to white: over 128 to one of the levels that
//! a picture keeps. Weights are 65,536ths. Each product loses less than one step, half of one on average, which is added
//! before rounding. So a picture is off by at most [`MOST_TAPS`] steps along each axis, an eighth of a level, before it is
//! rounded, and in practice by a fiftieth of one.

use crate::filter::AxisWeights;
use crate::simd::{Block, WORDS, WordKernel, Words};
use crate::{Pixels, ValueMap};
use std::ops::Range;

/// Most source pixels along an axis that one output pixel may be made of.
const MOST_TAPS: usize = 8;
/// Levels of the picture, less one, in 256ths.
const WHITE_256: u32 = 255 << 8;

/// A [`ValueMap`] in whole numbers: a pixel becomes `min(pixel - below, reach) * gain`, cut off at both ends by what the bounds have of
/// fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clip {
    /// The lower bound, rounded down.
    below: u16,
    /// From there to the upper bound, rounded up.
    reach: u16,
    gain: u16,
    /// The lower bound's fraction, in steps.
    dark: u16,
    /// The upper bound, in steps.
    bright: u16,
}

impl Clip {
    /// `None` for maps that whole numbers of 16 bits hold too coarsely or not at all: bounds outside 0 to 65,535, nearly
    /// equal bounds, inverted grey levels.
    pub(crate) fn new(map: &ValueMap) -> Option<Clip> {
        let [low, high] = map.bounds()?;
        if low < 0.0 || high > f64::from(u16::MAX) {
            return None;
        }
        let below = low.floor();
        let reach = (high.ceil() - below).max(1.0);
        let gain = (f64::from(u16::MAX) / reach).floor();
        let steps = |value: f64| ((value - below) * gain).round() as u16;
        let clip = Clip {
            below: below as u16,
            reach: reach as u16,
            gain: gain as u16,
            dark: steps(low),
            bright: steps(high),
        };
        (clip.white() > u16::MAX / 2).then_some(clip)
    }

    /// Steps from black to white.
    fn white(self) -> u16 {
        self.bright.saturating_sub(self.dark)
    }

    /// Whether both bounds are whole numbers.
    fn is_whole(self) -> bool {
        self.dark == 0 && self.bright == self.reach * self.gain
    }
}

/// Weights of one axis in 65,536ths, where all of them can be told so.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shares {
    values: Vec<u16>,
    are_whole: bool,
}

impl Shares {
    /// Takes the weights of all output positions, each up to its end.
    pub(crate) fn fill(&mut self, taps: &[(u32, f32)], ends: &[usize]) {
        self.values.clear();
        self.are_whole = true;
        let mut begin = 0;
        for end in ends {
            let taps = &taps[begin..*end];
            begin = *end;
            if taps.len() > MOST_TAPS || taps.iter().any(|(_, weight)| *weight < 0.0) {
                self.values.clear();
                self.are_whole = false;
                return;
            }
            // Sums are rounded, not weights, so that the shares add up as the weights do.
            let (mut sum, mut told) = (0.0, 0);
            for (_, weight) in taps {
                sum += weight;
                let now = ((sum * 65_536.0 + 0.5) as u32).min(65_536);
                // One tap alone may have all of them, which are one too many.
                self.values.push((now - told).min(0xFFFF) as u16);
                told = now;
            }
        }
    }

    /// Whether every weight could be told.
    pub(crate) fn are_whole(&self) -> bool {
        self.are_whole
    }

    /// Shares of a range of the weights; none if they could not be told.
    #[inline(always)]
    pub(crate) fn get(&self, range: Range<usize>) -> &[u16] {
        self.values.get(range).unwrap_or_default()
    }
}

/// Memory of one strip of [`WORDS`] output rows.
#[derive(Debug, Default, Clone)]
pub(crate) struct FixedMemory {
    /// Output rows before they are filtered along, in squares from left to right.
    summed: Vec<Block>,
    /// The same, turned.
    columns: Vec<[u16; WORDS]>,
    /// Levels of the output rows.
    levels: Vec<u8>,
}

/// One slice on its way; `take` receives each output row's number and levels.
pub(crate) struct FixedStrips<'a, F> {
    pub slice: Pixels<'a>,
    pub clip: Clip,
    /// Columns of the source that count.
    pub columns: Range<usize>,
    pub vertical: &'a AxisWeights,
    pub horizontal: &'a AxisWeights,
    pub memory: &'a mut FixedMemory,
    pub take: F,
}

impl FixedStrips<'_, ()> {
    /// Whether both axes can be filtered in whole numbers.
    pub(crate) fn can_take(vertical: &AxisWeights, horizontal: &AxisWeights) -> bool {
        vertical.has_shares() && horizontal.has_shares() && horizontal.widest_span() <= MOST_TAPS
    }
}

impl<F: FnMut(usize, &[u8])> WordKernel for FixedStrips<'_, F> {
    #[inline(always)]
    fn run<W: Words>(mut self) {
        let n_blocks = self.columns.len().div_ceil(WORDS);
        let (n_rows, n_columns) = (self.vertical.n_output(), self.horizontal.n_output());
        let out_stride = n_columns.next_multiple_of(WORDS);
        let n_taps = self.horizontal.packed().n_taps;
        let memory = &mut *self.memory;
        memory.summed.resize(n_blocks, [[0; WORDS]; WORDS]);
        // Runs of weights may reach beyond the last column, with weight zero.
        memory.columns.resize(n_blocks * WORDS + n_taps, [0; WORDS]);
        memory.levels.resize(WORDS * out_stride, 0);
        let to_levels = ToLevels::<W>::new(self.clip, n_taps + self.vertical.widest_span());
        // From below: whoever looked at the slice before has come to its last rows, which are still near.
        for first in (0..n_rows).step_by(WORDS).rev() {
            let rows = first..(first + WORDS).min(n_rows);
            for row in rows.clone() {
                if self.clip.is_whole() {
                    self.sum_row::<W, true>(row, row - first);
                } else {
                    self.sum_row::<W, false>(row, row - first);
                }
            }
            let memory = &mut *self.memory;
            for (block, columns) in memory.summed.iter().zip(memory.columns.as_chunks_mut().0) {
                W::turn(block, columns);
            }
            filter_columns(self.horizontal, &memory.columns, to_levels, &mut memory.levels);
            for row in rows {
                let at = (row - first) * out_stride;
                (self.take)(row, &memory.levels[at..at + n_columns]);
            }
        }
    }
}

impl<F> FixedStrips<'_, F> {
    /// Weighted sum of the source rows of output row `row`, to row `at` of the strip.
    #[inline(always)]
    fn sum_row<W: Words, const WHOLE: bool>(&mut self, row: usize, at: usize) {
        let (slice, columns) = (self.slice, self.columns.clone());
        let clip = ClipWords::<W, WHOLE>::new(self.clip);
        let out = &mut self.memory.summed;
        let (taps, shares) = (self.vertical.taps(row), self.vertical.shares(row));
        let source = |tap: usize| &slice.row(taps[tap].0 as usize)[columns.clone()];
        match taps.len() {
            0 => out.iter_mut().for_each(|block| block[at].fill(0)),
            1 => weigh([source(0)], [shares[0]], clip, (out, at)),
            2 => weigh([source(0), source(1)], [shares[0], shares[1]], clip, (out, at)),
            3 => {
                let rows = [source(0), source(1), source(2)];
                weigh(rows, [shares[0], shares[1], shares[2]], clip, (out, at));
            }
            4 => {
                let rows = [source(0), source(1), source(2), source(3)];
                weigh(
                    rows,
                    [shares[0], shares[1], shares[2], shares[3]],
                    clip,
                    (out, at),
                );
            }
            n => {
                // Rows without a share change nothing.
                let (mut rows, mut all) = ([source(0); MOST_TAPS], [0; MOST_TAPS]);
                all[..n].copy_from_slice(shares);
                for (tap, row) in rows[..n].iter_mut().enumerate() {
                    *row = source(tap);
                }
                weigh(rows, all, clip, (out, at));
            }
        }
    }
}

/// A [`Clip`] in vectors.
#[derive(Clone, Copy)]
struct ClipWords<W, const WHOLE: bool> {
    below: W,
    reach: W,
    gain: W,
    dark: W,
    bright: W,
}

impl<W: Words, const WHOLE: bool> ClipWords<W, WHOLE> {
    #[inline(always)]
    fn new(clip: Clip) -> Self {
        ClipWords {
            below: W::splat(clip.below),
            reach: W::splat(clip.reach),
            gain: W::splat(clip.gain),
            dark: W::splat(clip.dark),
            bright: W::splat(clip.bright),
        }
    }

    #[inline(always)]
    fn apply(self, pixels: W) -> W {
        let steps = pixels
            .saturating_sub(self.below)
            .min(self.reach)
            .mul_low(self.gain);
        if WHOLE {
            steps
        } else {
            steps.min(self.bright).saturating_sub(self.dark)
        }
    }
}

/// Sums the shares of `N` rows, to row `at` of each square; what is left of the last one counts for nothing.
#[inline(always)]
fn weigh<const N: usize, W: Words, const WHOLE: bool>(
    rows: [&[u16]; N],
    shares: [u16; N],
    clip: ClipWords<W, WHOLE>,
    (out, at): (&mut [Block], usize),
) {
    let mut words = [W::splat(0); N];
    for tap in 0..N {
        words[tap] = W::splat(shares[tap]);
    }
    let shares = words;
    let width = rows[0].len();
    let (n_whole, rest) = (width / WORDS, width % WORDS);
    let parts = rows.map(|row| &row.as_chunks::<WORDS>().0[..n_whole]);
    let (out, end) = out.split_at_mut(n_whole);
    for (part, out) in out.iter_mut().enumerate() {
        let mut total = clip.apply(W::load(&parts[0][part])).mul_high(shares[0]);
        for tap in 1..N {
            total = total.add(clip.apply(W::load(&parts[tap][part])).mul_high(shares[tap]));
        }
        total.store(&mut out[at]);
    }
    if let [out, ..] = end {
        let mut total = W::splat(0);
        for tap in 0..N {
            let mut words = [0; WORDS];
            words[..rest].copy_from_slice(&rows[tap][width - rest..width]);
            total = total.add(clip.apply(W::load(&words)).mul_high(shares[tap]));
        }
        total.store(&mut out[at]);
    }
}

/// From steps to levels of a picture.
#[derive(Clone, Copy)]
struct ToLevels<W> {
    /// What the products lost on average, in steps.
    lost: W,
    white: W,
    /// 256ths of a level in a step: whole ones, and 65,536ths of one.
    factor: [W; 2],
    /// Half a level, in 256ths.
    half: W,
}

impl<W: Words> ToLevels<W> {
    /// For sums of `n_taps` products, those of both axes counted.
    #[inline(always)]
    fn new(clip: Clip, n_taps: usize) -> Self {
        let white = u32::from(clip.white());
        let factor = ((WHITE_256 << 16) + white / 2) / white;
        ToLevels {
            lost: W::splat((n_taps / 2) as u16),
            white: W::splat(clip.white()),
            factor: [W::splat((factor >> 16) as u16), W::splat(factor as u16)],
            half: W::splat(128),
        }
    }

    #[inline(always)]
    fn apply(self, steps: W) -> W {
        let steps = steps.saturating_add(self.lost).min(self.white);
        let level_256 = steps.mul_low(self.factor[0]).add(steps.mul_high(self.factor[1]));
        level_256.saturating_add(self.half).upper_byte()
    }
}

/// Filters the columns of a strip, all rows of it side by side, and turns them back.
#[inline(always)]
fn filter_columns<W: Words>(
    weights: &AxisWeights,
    columns: &[[u16; WORDS]],
    to: ToLevels<W>,
    levels: &mut [u8],
) {
    match weights.packed().n_taps {
        1 => dot::<1, W>(weights, columns, to, levels),
        2 => dot::<2, W>(weights, columns, to, levels),
        3 => dot::<3, W>(weights, columns, to, levels),
        4 => dot::<4, W>(weights, columns, to, levels),
        5 => dot::<5, W>(weights, columns, to, levels),
        6 => dot::<6, W>(weights, columns, to, levels),
        7 => dot::<7, W>(weights, columns, to, levels),
        _ => dot::<MOST_TAPS, W>(weights, columns, to, levels),
    }
}

#[inline(always)]
fn dot<const N: usize, W: Words>(
    weights: &AxisWeights,
    columns: &[[u16; WORDS]],
    to: ToLevels<W>,
    levels: &mut [u8],
) {
    let packed = weights.packed();
    let (shares, _) = packed.shares.as_chunks::<N>();
    let stride = levels.len() / WORDS;
    let mut turned = [[0; WORDS]; WORDS];
    let blocks = packed.starts.chunks(WORDS).zip(shares.chunks(WORDS));
    for (block, (starts, shares)) in blocks.enumerate() {
        let mut filtered = [W::splat(0); WORDS];
        for ((start, shares), filtered) in starts.iter().zip(shares).zip(&mut filtered) {
            let run = &columns[*start as usize..*start as usize + N];
            let mut total = W::load(&run[0]).mul_high(W::splat(shares[0]));
            for tap in 1..N {
                total = total.add(W::load(&run[tap]).mul_high(W::splat(shares[tap])));
            }
            *filtered = to.apply(total);
        }
        W::turn_bytes(&filtered, &mut turned);
        for (row, bytes) in turned.iter().enumerate() {
            let at = row * stride + block * WORDS;
            levels[at..at + WORDS].copy_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::tests::area_by_definition;
    use crate::{Filter, Orientation, Padding, Polarity, Region, Resampling, Scratch, resample};
    use proptest::prelude::*;

    /// The level of a pixel before rounding.
    fn level(value: u16, [low, high]: [f64; 2]) -> f64 {
        (f64::from(value).clamp(low, high) - low) / (high - low) * 255.0
    }

    fn picture(
        source: [usize; 2],
        values: &[u16],
        map: [f64; 2],
        region: Region,
        shape: [usize; 2],
    ) -> Vec<u8> {
        let mut out = vec![0; shape[0] * shape[1]];
        let how = Resampling {
            filter: Filter::Area,
            padding: Padding::Zero,
            orientation: Orientation::AS_STORED,
            shape,
        };
        let map = ValueMap::between(map[0], map[1], Polarity::Bright);
        assert!(Clip::new(&map).is_some(), "{map:?} is left to the other way");
        let slice = Pixels::new(values, source).unwrap();
        resample(slice, &map, region, &how, (&mut out, &mut Scratch::default())).unwrap();
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn levels_are_the_nearest_to_an_eighth(
            source in prop::array::uniform2(1usize..50), shape in prop::array::uniform2(1usize..20),
            left in -4.0f64..6.0, top in -4.0f64..6.0, width in 0.7f64..60.0, height in 0.7f64..60.0, seed in any::<u32>(),
            low in prop_oneof![(0u16..300).prop_map(f64::from), 0.0f64..300.0],
            reach in prop_oneof![(20u16..65_000).prop_map(f64::from), 20.0f64..5000.0], top_value in 1u32..65_536,
        ) {
            let values: Vec<u16> = (0..source[0] * source[1])
                .map(|i| (seed.wrapping_add((i * i) as u32).wrapping_mul(2_654_435_761) % top_value) as u16).collect();
            let (map, region) = ([low, low + reach], Region { left, top, right: left + width, bottom: top + height });
            let expected = area_by_definition(|at| level(values[at], map), source, region, shape);
            for (found, expected) in picture(source, &values, map, region, shape).iter().zip(&expected) {
                prop_assert!((f64::from(*found) - expected).abs() <= 0.625, "{} {}", found, expected);
            }
        }
    }

    #[test]
    fn on_the_commonest_matrices_a_fiftieth_of_a_level_is_lost() {
        for size in [320u32, 448, 640] {
            let values: Vec<u16> = (0..size * size)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as u16)
                .collect();
            let (source, region) = ([size as usize; 2], Region::whole([size as usize; 2]));
            let map = [3.25, 4000.0];
            let expected = area_of_squares(size as usize, &values, map);
            let found = picture(source, &values, map, region, [64, 64]);
            let furthest = found
                .iter()
                .zip(&expected)
                .map(|(found, expected)| (f64::from(*found) - expected).abs());
            assert!(furthest.fold(0.0, f64::max) < 0.52, "{size}");
        }
    }

    /// As [`area_by_definition`], to 64 x 64, of which every size here is a multiple.
    fn area_of_squares(size: usize, values: &[u16], map: [f64; 2]) -> Vec<f64> {
        let side = size / 64;
        (0..64 * 64)
            .map(|at| {
                let (row, column) = (at / 64 * side, at % 64 * side);
                let pixels = (0..side * side).map(|i| values[(row + i / side) * size + column + i % side]);
                pixels.map(|value| level(value, map)).sum::<f64>() / (side * side) as f64
            })
            .collect()
    }

    #[test]
    fn bytes_stay_what_they_are() {
        let values: Vec<u16> = (0..=255).collect();
        let found = picture([16, 16], &values, [0.0, 255.0], Region::whole([16, 16]), [16, 16]);
        assert!(
            found
                .iter()
                .zip(&values)
                .all(|(found, value)| u16::from(*found) == *value)
        );
    }

    #[test]
    fn what_is_too_coarse_or_inverted_is_left_to_the_other_way() {
        for (low, high, polarity) in [
            (-3.0, 500.0, Polarity::Bright),
            (10.0, 70_000.0, Polarity::Bright),
            (10.9, 11.1, Polarity::Bright),
            (10.0, 10.0, Polarity::Bright),
            (0.0, 500.0, Polarity::Dark),
        ] {
            assert_eq!(
                Clip::new(&ValueMap::between(low, high, polarity)),
                None,
                "{low} {high}"
            );
        }
    }
}
