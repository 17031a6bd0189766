//! Rows in order of a score, found once and reused by every resample.

use super::radix;

/// A `u64` that sorts as the score does, with -0 and 0 alike. The score is finite.
#[inline]
pub(crate) fn sort_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    // IEEE 754 numbers sort as integers once negative ones are turned round.
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Row numbers by falling score, equal scores by rising row number; beside each a key that is equal for equal scores.
pub(crate) fn descending(scores: impl ExactSizeIterator<Item = f64>) -> Vec<(u64, u32)> {
    let keyed = scores.enumerate();
    let keyed = keyed.map(|(row, score)| (!sort_key(score), row as u32)).collect();
    radix::sort_by_key(keyed, |(key, _)| *key)
}

/// Classes that fit beside a probability in [`classes_descending`].
pub(crate) const PACKED_CLASSES: usize = 4;

/// The classes of the rows by falling probability, each with whether the next row is tied with it.
///
/// The two highest bits of a number in [0, 2) are zero: shifted out, they make room for the class, and eight bytes to
/// sort instead of sixteen.
pub(crate) fn classes_descending(rows: impl ExactSizeIterator<Item = (f64, usize)>) -> Vec<u64> {
    let packed = rows.map(|(p, class)| (p + 0.0).to_bits() << 2 | class as u64);
    radix::sort_by_key(packed.collect(), |packed| !*packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_fall_and_ties_keep_row_order() {
        let scores = [0.5, -0.0, 1e-310, 0.5, 0.0, -3.0, 1.0, f64::MAX];
        let rows: Vec<u32> = descending(scores.into_iter())
            .into_iter()
            .map(|(_, r)| r)
            .collect();
        assert_eq!(rows, [7, 6, 0, 3, 2, 1, 4, 5]);
        assert_eq!(sort_key(-0.0), sort_key(0.0));
    }

    #[test]
    fn packed_rows_fall_by_probability() {
        let rows = [(0.25, 3), (1.0, 0), (0.0, 2), (-0.0, 1), (0.25, 1)];
        let packed = classes_descending(rows.into_iter());
        let classes: Vec<u64> = packed.iter().map(|p| p & 3).collect();
        assert_eq!(classes, [0, 3, 1, 2, 1]);
        assert_eq!(packed[1] >> 2, packed[2] >> 2);
    }
}
