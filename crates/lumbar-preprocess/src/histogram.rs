//! Exact percentiles of 16-bit pixels in one pass.

use crate::PreprocessError;

/// Number of values a 16-bit pixel can take.
pub(crate) const N_BINS: usize = 1 << 16;
const N_TABLES: usize = 4;

/// Counts of every 16-bit value, from which any percentile follows exactly.
///
/// Sorting a series to find two percentiles costs more than all other preparation together; counting is linear and
/// gives the same numbers as `numpy.percentile(..., method="linear")`, bit for bit.
///
/// ```
/// use lumbar_preprocess::Histogram;
/// let mut histogram = Histogram::new();
/// histogram.add(&[10, 20, 30, 40])?;
/// assert_eq!(histogram.percentile(50.0)?, 25.0);
/// assert_eq!(histogram.percentile(75.0)?, 32.5);
/// # Ok::<(), lumbar_preprocess::PreprocessError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Histogram {
    // Four tables, fed in turn: runs of one value (air) would otherwise wait on their own last store.
    tables: [Vec<u32>; N_TABLES],
    /// All counts beyond are zero: 12-bit pixels use a sixteenth of the tables.
    n_bins: usize,
    n_pixels: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Histogram {
        Histogram {
            tables: std::array::from_fn(|_| vec![0; N_BINS]),
            n_bins: 0,
            n_pixels: 0,
        }
    }

    /// Forgets all pixels and keeps the memory.
    pub fn clear(&mut self) {
        for table in &mut self.tables {
            table[..self.n_bins].fill(0);
        }
        (self.n_bins, self.n_pixels) = (0, 0);
    }

    /// Bins for counts of another kind, all zero while no pixels are counted; whoever uses them leaves them zero.
    pub(crate) fn spare_bins(&mut self) -> Option<&mut [u32; N_BINS]> {
        let [bins, ..] = &mut self.tables;
        bins.first_chunk_mut()
    }

    /// Number of pixels counted.
    pub fn n_pixels(&self) -> u64 {
        self.n_pixels
    }

    /// Counts pixels.
    ///
    /// # Errors
    /// [`PreprocessError::TooManyPixels`] beyond what 32-bit bins hold.
    pub fn add(&mut self, pixels: &[u16]) -> Result<(), PreprocessError> {
        self.reserve(pixels)?;
        let [a, b, c, d] = &mut self.tables;
        let (fours, rest) = pixels.as_chunks::<N_TABLES>();
        for [first, second, third, fourth] in fours {
            a[usize::from(*first)] += 1;
            b[usize::from(*second)] += 1;
            c[usize::from(*third)] += 1;
            d[usize::from(*fourth)] += 1;
        }
        for value in rest {
            a[usize::from(*value)] += 1;
        }
        Ok(())
    }

    /// Counts the pixels for which `keep` holds, such as all but the padding value.
    ///
    /// # Errors
    /// As [`Histogram::add`].
    pub fn add_where(&mut self, pixels: &[u16], keep: impl Fn(u16) -> bool) -> Result<(), PreprocessError> {
        let before = self.n_pixels;
        self.reserve(pixels)?;
        let mut n_kept = 0;
        for value in pixels.iter().filter(|value| keep(**value)) {
            self.tables[0][usize::from(*value)] += 1;
            n_kept += 1;
        }
        self.n_pixels = before + n_kept;
        Ok(())
    }

    /// Pixels of each value.
    fn bins(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
        let [a, b, c, d] = self.tables.each_ref().map(|table| table[..self.n_bins].iter());
        let sum = |(((a, b), c), d): (((&u32, &u32), &u32), &u32)| {
            [a, b, c, d].into_iter().copied().map(u64::from).sum()
        };
        a.zip(b).zip(c).zip(d).map(sum)
    }

    fn reserve(&mut self, pixels: &[u16]) -> Result<(), PreprocessError> {
        // The bits in use bound the values, and are found faster than their maximum.
        let bits = pixels.iter().fold(0, |bits, value| bits | value);
        let n_bins = 1 << (u16::BITS - bits.leading_zeros());
        self.n_bins = self.n_bins.max(n_bins);
        let total = self.n_pixels.saturating_add(pixels.len() as u64);
        if total > u64::from(u32::MAX) {
            return Err(PreprocessError::TooManyPixels);
        }
        self.n_pixels = total;
        Ok(())
    }

    /// The `q`-th percentile (0 to 100), interpolated linearly between neighbouring order statistics as
    /// `numpy.percentile` does by default.
    ///
    /// # Errors
    /// [`PreprocessError::NoPixels`] for an empty histogram, [`PreprocessError::BadParameter`] for `q` outside 0..=100.
    pub fn percentile(&self, q: f64) -> Result<f64, PreprocessError> {
        if !(0.0..=100.0).contains(&q) {
            return Err(PreprocessError::parameter("percentile", q, "0 to 100"));
        }
        if self.n_pixels == 0 {
            return Err(PreprocessError::NoPixels);
        }
        interpolate(self.n_pixels, q, |rank| Some(self.order_statistics(rank)))
            .ok_or(PreprocessError::NoPixels)
    }

    /// Smallest and largest value, `None` without pixels.
    pub fn range(&self) -> Option<(u16, u16)> {
        let used = |n: u64| n > 0;
        let first = self.bins().position(used)?;
        let last = self.bins().rposition(used)?;
        Some((first as u16, last as u16))
    }

    /// How many pixels have a value.
    pub fn count(&self, value: u16) -> u64 {
        self.tables
            .iter()
            .map(|table| u64::from(table[usize::from(value)]))
            .sum()
    }

    /// The values of rank `rank` and `rank + 1` (the last one twice at the end).
    fn order_statistics(&self, rank: u64) -> [u16; 2] {
        let mut n_seen = 0u64;
        let mut at_rank = None;
        let mut last = 0u16;
        for (value, n) in self.bins().enumerate() {
            if n == 0 {
                continue;
            }
            n_seen += n;
            last = value as u16;
            if n_seen > rank && at_rank.is_none() {
                at_rank = Some(last);
            }
            if n_seen > rank + 1 {
                return [at_rank.unwrap_or(last), last];
            }
        }
        [at_rank.unwrap_or(last), last]
    }
}

/// The `q`-th percentile of `n` values, interpolated as `numpy.percentile` does. `values` gives those of a rank and of the
/// next one (the last one twice at the end); `None` without values, or where it does not know them.
pub(crate) fn interpolate(n: u64, q: f64, values: impl FnOnce(u64) -> Option<[u16; 2]>) -> Option<f64> {
    let position = n.checked_sub(1)? as f64 * (q / 100.0);
    let below = position.floor();
    let fraction = position - below;
    let [low, high] = values(below as u64)?.map(f64::from);
    // numpy's `_lerp`: anchored at the nearer end, so that both ends are hit exactly.
    Some(if fraction >= 0.5 {
        high - (high - low) * (1.0 - fraction)
    } else {
        low + (high - low) * fraction
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// numpy's definition on a sorted copy.
    fn by_sorting(mut values: Vec<u16>, q: f64) -> f64 {
        values.sort_unstable();
        let position = (values.len() - 1) as f64 * (q / 100.0);
        let i = position.floor() as usize;
        let (a, b) = (
            f64::from(values[i]),
            f64::from(values[(i + 1).min(values.len() - 1)]),
        );
        let t = position - i as f64;
        if t >= 0.5 {
            b - (b - a) * (1.0 - t)
        } else {
            a + (b - a) * t
        }
    }

    proptest! {
        #[test]
        fn equals_sorting(values in prop::collection::vec(prop_oneof![Just(0u16), 0u16..200, any::<u16>()], 1..300),
                          q in prop_oneof![Just(0.0), Just(1.0), Just(50.0), Just(99.0), Just(100.0), 0.0f64..100.0]) {
            let mut histogram = Histogram::new();
            let half = values.len() / 2;
            histogram.add(&values[..half]).unwrap();
            histogram.add(&values[half..]).unwrap();
            prop_assert_eq!(histogram.percentile(q).unwrap(), by_sorting(values.clone(), q));
            prop_assert_eq!(histogram.range(), Some((*values.iter().min().unwrap(), *values.iter().max().unwrap())));
        }
    }

    /// `numpy.percentile([0, 3, 3, 7, 65535], [1, 33, 99])`, numpy 2.
    #[test]
    fn known_numpy_values() {
        let mut histogram = Histogram::new();
        histogram.add(&[65535, 3, 0, 7, 3]).unwrap();
        assert_eq!(histogram.percentile(1.0), Ok(0.12));
        assert_eq!(histogram.percentile(33.0), Ok(3.0));
        assert_eq!(histogram.percentile(99.0), Ok(62913.88));
    }

    #[test]
    fn padding_is_left_out_and_emptiness_is_an_error() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.percentile(50.0), Err(PreprocessError::NoPixels));
        histogram.add_where(&[0, 0, 0, 5, 9], |value| value != 0).unwrap();
        assert_eq!(histogram.n_pixels(), 2);
        assert_eq!(histogram.percentile(0.0), Ok(5.0));
        assert!(histogram.percentile(f64::NAN).is_err());
        histogram.clear();
        assert_eq!(histogram.range(), None);
    }
}
