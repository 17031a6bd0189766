//! Two percentiles of one slice without counting every value: a sample tells near which values they lie, and one pass of
//! vector comparisons settles them.

use crate::{
    Histogram, PreprocessError,
    histogram::interpolate,
    simd::{self, Kernel},
};

/// A low and a high percentile of a slice: to the bit what [`Histogram::percentile`] gives once it has counted `values`
/// and nothing else.
///
/// One store a pixel is what counting costs. Here a pixel is compared with four values around the low percentile, of which
/// MR has few (air), and kept if it is among the brightest. Where the sample misleads, or the darkest values are many,
/// `histogram` counts after all; what it held before is lost.
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
    if let Some(found) = by_comparison(simd::Level::best(), values, [low, high]) {
        return Ok(found);
    }
    histogram.clear();
    histogram.add(values)?;
    Ok([histogram.percentile(low)?, histogram.percentile(high)?])
}

/// Fewer pixels are counted faster than sampled.
const LEAST_PIXELS: usize = 1 << 17;
const N_SAMPLES: usize = 2048;
/// Values near the low percentile that are told apart; those below the first and above the last only counted.
const N_NEAR: usize = 4;
/// Pixels compared with one value after the other, while they lie in the nearest cache.
const PART: usize = 4096;
/// Pixels looked at together for bright ones among them, and again in parts if there are: those of anatomy lie together.
const BLOCK: usize = 64;
const BLOCK_PART: usize = 16;
/// Small values compared at a time.
const WIDE: usize = 32;
/// At most this share of the pixels is kept.
const MOST_KEPT: usize = 16;

/// `None` where counting is the better way, or the sample misled.
fn by_comparison(level: simd::Level, values: &[u16], [low, high]: [f64; 2]) -> Option<[f64; 2]> {
    let n = values.len();
    // Among the darkest tenth and the brightest twentieth a sample tells enough.
    if !(LEAST_PIXELS..=u32::MAX as usize).contains(&n)
        || !(0.0..=10.0).contains(&low)
        || !(95.0..=100.0).contains(&high)
    {
        return None;
    }
    // An odd step: columns of one multiple would say little about the others.
    let mut sample: Vec<u16> = values.iter().step_by((n / N_SAMPLES) | 1).copied().collect();
    let m = sample.len();
    // Four standard deviations of a rank.
    let spread = (4.0 * (m as f64 * (high / 100.0) * (1.0 - high / 100.0)).sqrt()) as usize + 2;
    let low_rank = ((m - 1) as f64 * low / 100.0) as usize;
    let high_rank = ((m - 1) as f64 * high / 100.0) as usize;
    let first_bright = high_rank.saturating_sub(spread);
    if low_rank >= first_bright {
        return None;
    }
    let (darker, bright, _) = sample.select_nth_unstable(first_bright);
    let bright = *bright;
    let near = darker
        .select_nth_unstable(low_rank)
        .1
        .saturating_sub(N_NEAR as u16 / 2 - 1);
    let mut pass = Pass {
        values,
        near,
        bright,
        below: [0; N_NEAR + 1],
        kept: vec![0; n / MOST_KEPT + BLOCK],
        n_kept: 0,
    };
    level.run(&mut pass);
    let low = interpolate(n as u64, low, |rank| {
        Some([pass.near_value(rank)?, pass.near_value(rank + 1)?])
    })?;
    let kept = pass.kept.get_mut(..pass.n_kept)?;
    let n_below = n - kept.len();
    let high = interpolate(n as u64, high, |rank| {
        let rank = (rank as usize).checked_sub(n_below)?;
        let (_, value, above) = (rank < kept.len()).then(|| kept.select_nth_unstable(rank))?;
        Some([*value, above.iter().min().copied().unwrap_or(*value)])
    })?;
    Some([low, high])
}

/// One pass over the pixels.
struct Pass<'a> {
    values: &'a [u16],
    /// First of the values told apart.
    near: u16,
    /// Pixels of at least this value are kept.
    bright: u16,
    /// Pixels below each of the values told apart, and below the one behind them.
    below: [u64; N_NEAR + 1],
    kept: Vec<u16>,
    /// More than `kept` has room for, if there are too many.
    n_kept: usize,
}

impl Pass<'_> {
    /// The value of a rank, if it is one of those told apart.
    fn near_value(&self, rank: u64) -> Option<u16> {
        let holds = |pair: &[u64]| (pair[0]..pair[1]).contains(&rank);
        let at = self.below.windows(2).position(holds)?;
        self.near.checked_add(at as u16)
    }
}

impl Kernel for &mut Pass<'_> {
    #[inline(always)]
    fn run(self) {
        let bounds: [u16; N_NEAR + 1] = std::array::from_fn(|i| self.near.saturating_add(i as u16));
        for part in self.values.chunks(PART) {
            for (total, n) in self.below.iter_mut().zip(count_below(part, bounds)) {
                *total += n;
            }
            let (blocks, rest) = part.as_chunks::<BLOCK>();
            for block in blocks {
                if brightest(block) >= self.bright {
                    for block in block.as_chunks::<BLOCK_PART>().0 {
                        if brightest(block) >= self.bright {
                            keep(block, self.bright, &mut self.kept, &mut self.n_kept);
                        }
                    }
                }
            }
            keep(rest, self.bright, &mut self.kept, &mut self.n_kept);
        }
    }
}

#[inline(always)]
fn brightest<const N: usize>(block: &[u16; N]) -> u16 {
    block.iter().fold(0, |most, value| most.max(*value))
}

/// Values below each bound, all bounds in one pass.
#[inline(always)]
fn count_below(part: &[u16], bounds: [u16; N_NEAR + 1]) -> [u64; N_NEAR + 1] {
    let mut total = [0u64; N_NEAR + 1];
    let [.., most] = bounds;
    let count = |total: &mut [u64; N_NEAR + 1], values: &[u16]| {
        for (total, bound) in total.iter_mut().zip(bounds) {
            *total += values.iter().filter(|value| **value < bound).count() as u64;
        }
    };
    if most > u16::from(u8::MAX) {
        count(&mut total, part);
        return total;
    }
    // Air has few values: in eight bits there are twice as many lanes, which a part cannot overflow.
    let bounds = bounds.map(|bound| bound as u8);
    let (blocks, rest) = part.as_chunks::<WIDE>();
    let mut lanes = [[0u8; WIDE]; N_NEAR + 1];
    for block in blocks {
        let mut small = [0u8; WIDE];
        for (small, value) in small.iter_mut().zip(block) {
            *small = (*value).min(0xFF) as u8;
        }
        for (lanes, bound) in lanes.iter_mut().zip(bounds) {
            for (n, value) in lanes.iter_mut().zip(&small) {
                *n += u8::from(*value < bound);
            }
        }
    }
    for (total, lanes) in total.iter_mut().zip(&lanes) {
        *total = lanes.iter().map(|n| u64::from(*n)).sum();
    }
    count(&mut total, rest);
    total
}

#[inline(always)]
fn keep(values: &[u16], bright: u16, kept: &mut [u16], n_kept: &mut usize) {
    for value in values {
        // Without a branch: where bright and dark pixels meet, none would be foreseen.
        if let Some(place) = kept.get_mut(*n_kept) {
            *place = *value;
        }
        *n_kept += usize::from(*value >= bright);
    }
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_counting(n in LEAST_PIXELS - 3..LEAST_PIXELS + 70_000, air_share in 0.0..1.0f64,
                           air in prop_oneof![Just(0u16), 0u16..40, any::<u16>()], tissue in prop_oneof![Just(u16::MAX), 0u16..4096],
                           low in prop_oneof![Just(0.0), Just(1.0), 0.0..12.0f64], high in prop_oneof![Just(99.0), Just(100.0), 94.0..100.0f64],
                           seed in any::<u64>()) {
            let values = slice(n, air_share, (air, tissue), seed);
            let expected = by_counting(&values, [low, high]);
            prop_assert_eq!(slice_percentiles(&values, [low, high], &mut Histogram::new()).unwrap(), expected);
            let plain = by_comparison(simd::Level::Baseline, &values, [low, high]);
            prop_assert!(plain.is_none_or(|found| found == expected));
            prop_assert_eq!(plain, by_comparison(simd::Level::best(), &values, [low, high]));
        }
    }

    #[test]
    fn a_slice_with_air_is_settled_by_comparison() {
        let values = slice(448 * 448, 0.3, (20, 3000), 7);
        assert_eq!(
            by_comparison(simd::Level::best(), &values, [1.0, 99.0]),
            Some(by_counting(&values, [1.0, 99.0]))
        );
    }

    #[test]
    fn a_misleading_sample_is_found_out() {
        // Whatever the sample looks at is bright; all else is dark.
        let n = 448 * 448;
        let mut values = vec![5u16; n];
        values
            .iter_mut()
            .step_by((n / N_SAMPLES) | 1)
            .for_each(|value| *value = 900);
        assert_eq!(by_comparison(simd::Level::best(), &values, [1.0, 99.0]), None);
        let found = slice_percentiles(&values, [1.0, 99.0], &mut Histogram::new()).unwrap();
        assert_eq!(found, by_counting(&values, [1.0, 99.0]));
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
