//! The bins of a reliability diagram, as ranges of rows sorted by falling score.

use std::ops::Range;

/// Ranges of rows in [i/n, (i+1)/n), the highest bin first; a score of 1 (or a hair above) belongs to the highest.
pub(crate) fn equal_width(falling: &[f64], n_bins: u16) -> Vec<Range<usize>> {
    let n_bins = n_bins.max(1);
    let mut start = 0;
    let mut ranges = Vec::with_capacity(usize::from(n_bins));
    for bin in (0..n_bins).rev() {
        let lower = f64::from(bin) / f64::from(n_bins);
        let end = match bin {
            0 => falling.len(),
            _ => start + falling[start..].partition_point(|score| *score >= lower),
        };
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// Ranges of rows of nearly equal weight, the highest bin first. Rows are (weight, whether the next one is tied); a tie
/// goes where the middle of its weight falls, on an edge to the bin above.
pub(crate) fn equal_mass(rows: impl Iterator<Item = (f64, bool)> + Clone, n_bins: u16) -> Vec<Range<usize>> {
    let n_bins = usize::from(n_bins.max(1));
    let total: f64 = rows.clone().map(|(weight, _)| weight).sum();
    // A middle that is an edge up to rounding is on it: otherwise the order in which weights were summed would decide.
    let edge = |bins_above: usize| total * (bins_above as f64 / n_bins as f64 + 1e-10);
    let mut ranges = Vec::with_capacity(n_bins);
    let (mut start, mut tie_start, mut next) = (0, 0, 0);
    let (mut above, mut tied) = (0.0, 0.0);
    let mut leave_at = edge(1);
    for (weight, goes_on) in rows {
        next += 1;
        tied += weight;
        if goes_on {
            continue;
        }
        while above + 0.5 * tied > leave_at && ranges.len() + 1 < n_bins {
            ranges.push(start..tie_start);
            start = tie_start;
            leave_at = edge(ranges.len() + 1);
        }
        above += tied;
        tied = 0.0;
        tie_start = next;
    }
    ranges.push(start..next);
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_above_it() {
        for n in [1_u16, 3, 10, 15, 49] {
            let edges: Vec<f64> = (0..=n).rev().map(|i| f64::from(i) / f64::from(n)).collect();
            let ranges = equal_width(&edges, n);
            let lengths: Vec<usize> = ranges.iter().map(ExactSizeIterator::len).collect();
            // The highest bin holds its lower edge and 1.
            let expected: Vec<usize> = (0..n).map(|i| if i == 0 { 2 } else { 1 }).collect();
            assert_eq!(lengths, expected, "{n} bins");
        }
    }

    #[test]
    fn bins_of_equal_mass_share_rows_evenly_and_keep_ties_together() {
        let apart = equal_mass((0..12).map(|_| (1.0, false)), 4);
        assert_eq!(apart, [0..3, 3..6, 6..9, 9..12]);
        // All in one tie: its middle is the middle of all.
        let tied = equal_mass((0..12).map(|i| (1.0, i < 11)), 4);
        assert_eq!(tied, [0..0, 0..12]);
        // A tie of four from row 2 on: its middle lies at a third of the weight, in the second bin of four.
        let partly = equal_mass((0..12).map(|i| (1.0, (2..5).contains(&i))), 4);
        assert_eq!(partly, [0..2, 2..6, 6..9, 9..12]);
    }
}
