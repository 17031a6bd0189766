//! Two percentiles of one slice without counting every value: a sample tells near which values they lie, and one pass of
//! vector comparisons settles them.

use crate::{
    Histogram, PreprocessError,
    histogram::{N_BINS, interpolate},
    simd::{self, Kernel},
};

/// A low and a high percentile of a slice: to the bit what [`Histogram::percentile`] gives once it has counted `values`
/// and nothing else.
///
/// One store a pixel is what counting costs. Here two comparisons show that most blocks of pixels hold nothing near either
/// percentile, and only in the others pixels are counted: bright ones in the bins of `histogram`, dark ones by comparing them
/// with the few values (air) that come into question. Where these are many, or the sample misleads, all pixels are counted.
/// What `histogram` held before is lost.
///
/// ```
/// use lumbar_preprocess::{Histogram, slice_percentiles};
/// let values: Vec<u16> = (0..=1000).collect();
/// assert_eq!(slice_percentiles(&values, [1.0, 99.0], &mut Histogram::new())?, [10.0, 990.0]);
/// # Ok::<(), lumbar_preprocess::PreprocessError>(())
/// ```
///
/// # Errors
/// As [`Histogram::add`] and [`Histogram::percentile`].
pub fn slice_percentiles(
    values: &[u16],
    [low, high]: [f64; 2],
    histogram: &mut Histogram,
) -> Result<[f64; 2], PreprocessError> {
    histogram.clear();
    if let Some(bins) = histogram.spare_bins()
        && let Some(found) = by_comparison(simd::Level::best(), values, [low, high], bins)
    {
        return Ok(found);
    }
    histogram.add(values)?;
    Ok([histogram.percentile(low)?, histogram.percentile(high)?])
}

/// Fewer pixels are counted about as fast.
const LEAST_PIXELS: usize = 1 << 14;
const N_SAMPLES: usize = 2048;
/// So many standard deviations of its rank a percentile may lie from its place in the sample.
const N_DEVIATIONS: f64 = 4.0;
/// At most this part of the sample, an eighth, may be bright: many pixels of one value are counted faster in several tables.
const BRIGHT_PART: usize = 8;
/// At most so many values near the low percentile are told apart.
const MOST_NEAR: usize = 32;
/// Of these, as many are looked for together.
const GROUP: usize = 4;
/// Pixels that lie in the nearest cache while they are looked at again.
const PART: usize = 4096;
/// Pixels looked at together; those that are alike lie together.
const BLOCK: usize = 64;
/// Pixels in a vector of AVX2, or in two of SSE2; and what takes eight bits.
const LANES: usize = 16;
const SMALL_LANES: usize = 32;
/// Dark pixels that wait to be counted: no more than the lanes count in eight bits.
const ROOM: usize = u8::MAX as usize * SMALL_LANES / BLOCK * BLOCK;
/// Bins summed at a time.
const STRIDE: usize = 32;

/// `None` where counting is the better way, or the sample misled. `bins` are zero, before and after.
fn by_comparison(
    level: simd::Level,
    values: &[u16],
    [low, high]: [f64; 2],
    bins: &mut [u32; N_BINS],
) -> Option<[f64; 2]> {
    // Among the darkest tenth and the brightest twentieth a sample tells enough.
    if !(LEAST_PIXELS..=u32::MAX as usize).contains(&values.len())
        || !(0.0..=10.0).contains(&low)
        || !(95.0..=100.0).contains(&high)
    {
        return None;
    }
    let bounds = Bounds::of(values, [low, high], bins)?;
    let mut pass = Pass::new(values, &bounds, bins);
    level.run(&mut pass);
    let found = pass.percentiles([low, high]);
    let most = usize::from(pass.most_binned);
    bins[..=most].fill(0);
    found
}

/// What a sample says about where the percentiles lie.
struct Bounds {
    /// The last value that the low percentile may have.
    dark: u16,
    /// Values it may have, and one more for those below.
    n_near: usize,
    /// The first value that the high percentile may have.
    bright: u16,
}

impl Bounds {
    fn of(values: &[u16], [low, high]: [f64; 2], bins: &mut [u32; N_BINS]) -> Option<Bounds> {
        let (mut n, mut most) = (0, 0);
        // An odd step: columns of one multiple would say little about the others.
        for value in values.iter().step_by((values.len() / N_SAMPLES) | 1) {
            bins[usize::from(*value)] += 1;
            most = most.max(*value);
            n += 1;
        }
        let bins = &mut bins[..=usize::from(most)];
        let bounds = Bounds::of_sample(bins, n, [low, high]);
        bins.fill(0);
        bounds
    }

    /// From the counts of `n` pixels. `None` if more pixels would have to be counted than is worth while.
    fn of_sample(bins: &[u32], n: usize, [low, high]: [f64; 2]) -> Option<Bounds> {
        let place = |q: f64| {
            let share = q / 100.0;
            let spread = N_DEVIATIONS * (n as f64 * share * (1.0 - share)).sqrt();
            (((n - 1) as f64 * share) as usize, spread as usize + 2)
        };
        let (low_rank, low_spread) = place(low);
        let (high_rank, high_spread) = place(high);
        let dark = from_below(bins, low_rank + low_spread)?;
        let bright = from_above(bins, n - 1 - high_rank.saturating_sub(high_spread))?;
        // The darkest pixel need not be in the sample.
        let least = match low_rank.checked_sub(low_spread) {
            Some(rank) => from_below(bins, rank)?,
            None => 0,
        };
        let bounds = Bounds {
            dark,
            n_near: usize::from(dark - least.saturating_sub(1)) + 1,
            bright,
        };
        let n_bright = bins[usize::from(bright)..].iter().sum::<u32>() as usize;
        let worth_while = bounds.n_near <= MOST_NEAR && n_bright < n / BRIGHT_PART;
        (worth_while && dark < bright).then_some(bounds)
    }
}

/// One pass over the pixels.
struct Pass<'a> {
    values: &'a [u16],
    /// First of the values told apart, with which all below are counted.
    near: u16,
    n_near: usize,
    /// The value behind the last of them; pixels below are dark.
    dark_end: u16,
    /// Pixels of each of them.
    near_counts: [[u32; SMALL_LANES]; MOST_NEAR],
    /// Blocks with dark pixels, all less `near`, that are not counted yet.
    waiting: [u8; ROOM],
    n_waiting: usize,
    /// First of the values that are bright.
    bright: u16,
    /// Pixels of each bright value, and some others.
    bins: &'a mut [u32; N_BINS],
    /// Largest value in the bins.
    most_binned: u16,
}

impl<'a> Pass<'a> {
    fn new(values: &'a [u16], bounds: &Bounds, bins: &'a mut [u32; N_BINS]) -> Pass<'a> {
        // Whatever room is left is of use below the values in question.
        let n_near = bounds.n_near.next_multiple_of(GROUP).min(MOST_NEAR);
        let near = (usize::from(bounds.dark) + 1).saturating_sub(n_near);
        Pass {
            values,
            near: near as u16,
            n_near,
            // As the last dark value is less than a bright one, there is a next.
            dark_end: (near + n_near) as u16,
            near_counts: [[0; SMALL_LANES]; MOST_NEAR],
            waiting: [0; ROOM],
            n_waiting: 0,
            bright: bounds.bright,
            bins,
            most_binned: 0,
        }
    }

    fn percentiles(&self, [low, high]: [f64; 2]) -> Option<[f64; 2]> {
        let n = self.values.len() as u64;
        let low = interpolate(n, low, |rank| {
            Some([self.dark_value(rank)?, self.dark_value(rank + 1)?])
        })?;
        let high = interpolate(n, high, |rank| {
            let rank = (n - 1 - rank) as usize;
            Some([
                self.bright_value(rank)?,
                self.bright_value(rank.saturating_sub(1))?,
            ])
        })?;
        Some([low, high])
    }

    /// The value of a rank, if it is a dark one.
    fn dark_value(&self, rank: u64) -> Option<u16> {
        let mut n_seen = 0;
        let at = self.near_counts[..self.n_near].iter().position(|lanes| {
            n_seen += lanes.iter().map(|n| u64::from(*n)).sum::<u64>();
            n_seen > rank
        })?;
        (at > 0 || self.near == 0).then_some(self.near + at as u16)
    }

    /// The value of a rank counted from the largest, if it is a bright one.
    fn bright_value(&self, rank: usize) -> Option<u16> {
        let bins = self
            .bins
            .get(usize::from(self.bright)..=usize::from(self.most_binned))?;
        Some(self.bright + from_above(bins, rank)?)
    }

    /// The blocks that hold dark pixels, and those that hold bright ones.
    #[inline(always)]
    fn look(&self, blocks: &[[u16; BLOCK]], dark: &mut Places, bright: &mut Places) {
        let (dark_end, first_bright) = (self.dark_end, self.bright);
        for (i, block) in blocks.iter().enumerate() {
            // Lane by lane: one comparison a block for either end, and nothing moves across lanes.
            let (mut least, mut most) = ([u16::MAX; LANES], [0; LANES]);
            for values in block.as_chunks::<LANES>().0 {
                for ((least, most), value) in least.iter_mut().zip(&mut most).zip(values) {
                    *least = (*least).min(*value);
                    *most = (*most).max(*value);
                }
            }
            dark.push_if(i, holds_in(&least, |value| value < dark_end));
            bright.push_if(i, holds_in(&most, |value| value >= first_bright));
        }
    }

    /// Puts dark blocks in eight bits where they wait; many are counted at once.
    #[inline(always)]
    fn hand_over(&mut self, blocks: &[[u16; BLOCK]], places: &[u16]) {
        let near = self.near;
        let (room, _) = self.waiting[self.n_waiting..].as_chunks_mut::<BLOCK>();
        for (at, out) in places.iter().zip(room) {
            if let Some(block) = blocks.get(usize::from(*at)) {
                for (small, value) in out.iter_mut().zip(block) {
                    *small = value.saturating_sub(near).min(0xFF) as u8;
                }
            }
        }
        self.n_waiting += places.len() * BLOCK;
    }

    /// Counts what waits, with few values compared at a time: the sums stay in registers.
    #[inline(always)]
    fn count_near(&mut self) {
        let (waiting, _) = self.waiting[..self.n_waiting].as_chunks::<SMALL_LANES>();
        let (groups, _) = self.near_counts[..self.n_near].as_chunks_mut::<GROUP>();
        for (group, totals) in groups.iter_mut().enumerate() {
            let first = (group * GROUP) as u8;
            let mut lanes = [[0u8; SMALL_LANES]; GROUP];
            for small in waiting {
                for (i, lanes) in lanes.iter_mut().enumerate() {
                    for (n, small) in lanes.iter_mut().zip(small) {
                        *n += u8::from(*small == first + i as u8);
                    }
                }
            }
            for (total, n) in totals.as_flattened_mut().iter_mut().zip(lanes.as_flattened()) {
                *total += u32::from(*n);
            }
        }
        self.n_waiting = 0;
    }

    /// Puts the bright parts of blocks into the bins.
    #[inline(always)]
    fn count_bright(&mut self, blocks: &[[u16; BLOCK]], places: &[u16], bright: &mut Places) {
        let first_bright = self.bright;
        for at in places {
            if let Some(block) = blocks.get(usize::from(*at)) {
                let first = usize::from(*at) * (BLOCK / LANES);
                for (i, part) in block.as_chunks::<LANES>().0.iter().enumerate() {
                    bright.push_if(first + i, holds_in(part, |value| value >= first_bright));
                }
            }
        }
        let (parts, _) = blocks.as_flattened().as_chunks::<LANES>();
        for at in bright.items() {
            if let Some(part) = parts.get(usize::from(*at)) {
                for value in part {
                    self.bins[usize::from(*value)] += 1;
                }
                self.most_binned = self
                    .most_binned
                    .max(part.iter().fold(0, |most, value| most.max(*value)));
            }
        }
    }

    /// Counts what is less than a block.
    #[inline(always)]
    fn count_rest(&mut self, rest: &[u16]) {
        for value in rest {
            self.bins[usize::from(*value)] += 1;
            self.most_binned = self.most_binned.max(*value);
            if let Some([n, ..]) = self
                .near_counts
                .get_mut(usize::from(value.saturating_sub(self.near)))
            {
                *n += 1;
            }
        }
    }
}

impl Kernel for &mut Pass<'_> {
    #[inline(always)]
    fn run(self) {
        let (mut dark, mut bright, mut bright_parts) = (Places::new(), Places::new(), Places::new());
        for part in self.values.chunks(PART) {
            let (blocks, rest) = part.as_chunks::<BLOCK>();
            (dark.n, bright.n, bright_parts.n) = (0, 0, 0);
            self.look(blocks, &mut dark, &mut bright);
            if dark.n * BLOCK > ROOM - self.n_waiting {
                self.count_near();
            }
            self.hand_over(blocks, dark.items());
            self.count_bright(blocks, bright.items(), &mut bright_parts);
            self.count_rest(rest);
        }
        self.count_near();
    }
}

/// Places of blocks, or of vectors, within a part.
struct Places {
    places: [u16; PART / LANES],
    n: usize,
}

impl Places {
    #[inline(always)]
    fn new() -> Places {
        Places {
            places: [0; PART / LANES],
            n: 0,
        }
    }

    /// Without a branch: where dark and bright meet, none would be foreseen.
    #[inline(always)]
    fn push_if(&mut self, place: usize, wanted: bool) {
        self.places[self.n % (PART / LANES)] = place as u16;
        self.n += usize::from(wanted);
    }

    #[inline(always)]
    fn items(&self) -> &[u16] {
        &self.places[..self.n]
    }
}

#[inline(always)]
fn holds_in(lanes: &[u16; LANES], holds: impl Fn(u16) -> bool) -> bool {
    lanes.iter().fold(false, |found, value| found | holds(*value))
}

/// The bin that holds a rank.
fn from_below(bins: &[u32], rank: usize) -> Option<u16> {
    let (stride, rank) = walk(bins.chunks(STRIDE).map(|bins| bins.iter().sum()), rank)?;
    let bins = bins.get(stride * STRIDE..)?;
    let (at, _) = walk(bins.iter().copied(), rank)?;
    u16::try_from(stride * STRIDE + at).ok()
}

/// The bin that holds a rank counted from the largest value.
fn from_above(bins: &[u32], rank: usize) -> Option<u16> {
    let (stride, rank) = walk(bins.rchunks(STRIDE).map(|bins| bins.iter().sum()), rank)?;
    let bins = bins.get(..bins.len() - stride * STRIDE)?;
    let (back, _) = walk(bins.iter().rev().copied(), rank)?;
    u16::try_from(bins.len() - 1 - back).ok()
}

/// Which of the counts holds a rank, and the rank within it.
fn walk(mut counts: impl Iterator<Item = u32>, mut rank: usize) -> Option<(usize, usize)> {
    let at = counts.position(|n| match rank.checked_sub(n as usize) {
        Some(rest) => {
            rank = rest;
            false
        }
        None => true,
    })?;
    Some((at, rank))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_counting(values: &[u16], [low, high]: [f64; 2]) -> [f64; 2] {
        let mut histogram = Histogram::new();
        histogram.add(values).unwrap();
        [low, high].map(|q| histogram.percentile(q).unwrap())
    }

    /// Air of few values, tissue of many, in the given shares: like a slice of MR, and unlike one.
    fn slice(n: usize, air_share: f64, (air, tissue): (u16, u16), seed: u64) -> Vec<u16> {
        let mut state = seed | 1;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        (0..n)
            .map(|_| {
                let in_air = (random() % 1000) as f64 / 1000.0 < air_share;
                let top = u64::from(if in_air { air } else { tissue }) + 1;
                // The smaller of two: fewer bright values than dark ones.
                (random() % top).min(random() % top) as u16
            })
            .collect()
    }

    /// What comparisons find, the same on both levels and with the bins left as they were.
    fn compared(values: &[u16], qs: [f64; 2]) -> Option<[f64; 2]> {
        let mut bins = vec![0; N_BINS];
        let bins = bins.first_chunk_mut().unwrap();
        let [plain, best] = [simd::Level::Baseline, simd::Level::best()].map(|level| {
            let found = by_comparison(level, values, qs, bins);
            assert!(bins.iter().all(|n| *n == 0));
            found
        });
        assert_eq!(plain, best);
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn equals_counting(n in prop_oneof![LEAST_PIXELS - 3..LEAST_PIXELS + 3 * PART, 100_000usize..200_000], air_share in 0.0..1.0f64,
                           air in prop_oneof![Just(0u16), 0u16..40, 0u16..400, any::<u16>()],
                           tissue in prop_oneof![Just(u16::MAX), 0u16..4096, 0u16..30], offset in prop_oneof![Just(0u16), any::<u16>()],
                           low in prop_oneof![Just(0.0), Just(1.0), 0.0..12.0f64], high in prop_oneof![Just(99.0), Just(100.0), 94.0..100.0f64],
                           seed in any::<u64>()) {
            let mut values = slice(n, air_share, (air, tissue), seed);
            values.iter_mut().for_each(|value| *value = value.saturating_add(offset));
            let expected = by_counting(&values, [low, high]);
            prop_assert_eq!(slice_percentiles(&values, [low, high], &mut Histogram::new()).unwrap(), expected);
            prop_assert!(compared(&values, [low, high]).is_none_or(|found| found == expected));
        }
    }

    /// Air, tissue and what is added to both; whether comparisons are to settle it.
    #[test]
    fn slices_are_settled_by_comparison() {
        for (air, tissue, offset, settled) in [
            (20, 3000, 0, true),
            (0, 3000, 0, true),
            (0, 3000, 1000, true),
            (20, 60_000, 0, true),
            (200, 60_000, 5000, true),
            (60, 3000, 62_000, true),
            // Too many values in question, too many bright pixels of one value, or nothing between dark and bright.
            (60_000, 60_000, 0, false),
            (0, 1, 0, false),
            (0, 0, 7, false),
            (0, 0, u16::MAX, false),
        ] {
            for n in [LEAST_PIXELS, 320 * 320, 448 * 448 + 63] {
                let mut values = slice(n, 0.3, (air, tissue), 7);
                values.iter_mut().for_each(|value| *value += offset);
                let expected = settled.then(|| by_counting(&values, [1.0, 99.0]));
                assert_eq!(
                    compared(&values, [1.0, 99.0]),
                    expected,
                    "{air} {tissue} {offset} {n}"
                );
            }
        }
    }

    /// More dark blocks than wait at a time, and every lane as often as it can be.
    #[test]
    fn air_of_one_value_does_not_overflow() {
        for dark in [0, 5] {
            let mut values = vec![dark; 1 << 18];
            values[200_000..].fill(900);
            values[250_000..]
                .iter_mut()
                .zip(901..)
                .for_each(|(value, tissue)| *value = tissue);
            assert_eq!(
                compared(&values, [1.0, 99.0]),
                Some(by_counting(&values, [1.0, 99.0]))
            );
        }
    }

    #[test]
    fn a_misleading_sample_is_found_out() {
        let n = 448 * 448;
        // Whatever the sample looks at is tissue; all else is air, or brighter than all of it.
        for other in [5, 5000] {
            let mut values = vec![other; n];
            let sampled = values.iter_mut().step_by((n / N_SAMPLES) | 1);
            sampled
                .zip((900..).flat_map(|value| [value; 3]))
                .for_each(|(value, tissue)| *value = tissue);
            assert_eq!(compared(&values, [1.0, 99.0]), None);
            let found = slice_percentiles(&values, [1.0, 99.0], &mut Histogram::new()).unwrap();
            assert_eq!(found, by_counting(&values, [1.0, 99.0]));
        }
    }

    #[test]
    fn what_was_counted_before_does_not_matter() {
        let mut histogram = Histogram::new();
        histogram.add(&[60_000; 9]).unwrap();
        assert_eq!(
            slice_percentiles(&[1, 2, 3], [0.0, 100.0], &mut histogram),
            Ok([1.0, 3.0])
        );
        assert_eq!(
            slice_percentiles(&[], [1.0, 99.0], &mut histogram),
            Err(PreprocessError::NoPixels)
        );
    }
}
