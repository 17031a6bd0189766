//! Rows in order of a score, found once and reused by every resample.

/// A `u64` that sorts as the score does, with -0 and 0 alike. The score is finite.
#[inline]
pub(crate) fn sort_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    // IEEE 754 numbers sort as integers once negative ones are turned round.
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The score a key was made of.
#[inline]
pub(crate) fn score_of(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Row numbers by falling score, equal scores by rising row number.
pub(crate) fn descending(scores: impl ExactSizeIterator<Item = f64>) -> Vec<(u64, u32)> {
    let mut keyed: Vec<(u64, u32)> = scores
        .enumerate()
        .map(|(row, score)| (!sort_key(score), row as u32))
        .collect();
    keyed.sort_unstable();
    keyed
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
        for score in scores {
            assert_eq!(score_of(sort_key(score)), score);
        }
    }
}
