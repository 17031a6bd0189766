//! A quick look at candidates: detail of every other pixel, at shifts in whole pixels.

use super::{SIDE, compare};

/// Pixels of a phase along an axis.
const HALF: usize = SIDE / 2;
/// Where detail, which has a spread of 1, ends: beyond four spreads it counts as four.
const STEPS: f32 = 127.0 / 4.0;
/// Shifts around that of the hashes, pixels: first the even ones, then those beside the best.
const EVEN: [i32; 3] = [-2, 0, 2];

/// Detail of a picture in 8 bits, its four phases of every other row and column one after the other.
pub(super) struct Sieve(Vec<i8>);

impl Sieve {
    /// Of 64 x 64 grey levels.
    pub fn of(grey: &[f32]) -> Sieve {
        let detail = compare::detail(grey);
        let phases = (0..4).flat_map(|phase| (0..HALF * HALF).map(move |i| (phase, i)));
        let place = |(phase, i): (usize, usize)| {
            let (row, column) = (2 * (i / HALF) + phase / 2, 2 * (i % HALF) + phase % 2);
            (detail[row * SIDE + column] * STEPS).round().clamp(-127.0, 127.0) as i8
        };
        Sieve(phases.map(place).collect())
    }

    fn phase(&self, down: i32, right: i32) -> &[i8] {
        let phase = (2 * down.rem_euclid(2) + right.rem_euclid(2)) as usize;
        &self.0[phase * HALF * HALF..(phase + 1) * HALF * HALF]
    }

    /// The best correlation with `other` near a shift, and where: how far right and down `other` is seen.
    pub fn best(&self, other: &Sieve, [right, down]: [i32; 2]) -> (f32, [i32; 2]) {
        let mut best = (f32::NEG_INFINITY, [right, down]);
        let mut look = |shift: [i32; 2]| {
            let found = self.correlation(other, shift);
            if found > best.0 {
                best = (found, shift);
            }
            best.1
        };
        let mut at = [right, down];
        for y in EVEN {
            for x in EVEN {
                at = look([right + x, down + y]);
            }
        }
        let [right, down] = at;
        for y in -1..=1 {
            for x in -1..=1 {
                if (x, y) != (0, 0) {
                    look([right + x, down + y]);
                }
            }
        }
        best
    }

    /// Of detail, whose mean is all but 0.
    fn correlation(&self, other: &Sieve, [right, down]: [i32; 2]) -> f32 {
        let (mine, theirs) = (self.phase(0, 0), other.phase(down, right));
        let (right, down) = (right.div_euclid(2), down.div_euclid(2));
        let part = |shift: i32| {
            let from = 0.max(-shift) as usize;
            (from, HALF - from - 0.max(shift) as usize)
        };
        let ((row, n_rows), (column, n_columns)) = (part(down), part(right));
        let mut sums = [0i32; 3];
        for row in row..row + n_rows {
            let start = row * HALF + column;
            let there = (row as i32 + down) as usize * HALF + (column as i32 + right) as usize;
            let a = &mine[start..start + n_columns];
            let b = &theirs[there..there + n_columns];
            for (a, b) in a.iter().zip(b) {
                let (a, b) = (i32::from(*a), i32::from(*b));
                sums[0] += a * b;
                sums[1] += a * a;
                sums[2] += b * b;
            }
        }
        let [ab, aa, bb] = sums.map(|sum| sum as f32);
        if aa <= 0.0 || bb <= 0.0 {
            return 0.0;
        }
        ab / (aa * bb).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::noise;
    use super::*;

    #[test]
    fn shifts_of_either_parity_are_found() {
        let original = noise(1);
        for [right, down] in [[3, -2], [-5, 4], [0, 1], [-2, -2]] {
            let shifted: Vec<f32> = (0..SIDE * SIDE)
                .map(|i| {
                    let at = |i: usize, by: i32| (i as i32 - by).clamp(0, SIDE as i32 - 1) as usize;
                    original[at(i / SIDE, down) * SIDE + at(i % SIDE, right)]
                })
                .collect();
            let nearest = |v: i32| v / 2 * 2;
            let (a, b) = (Sieve::of(&original), Sieve::of(&shifted));
            let (found, shift) = a.best(&b, [nearest(right), nearest(down)]);
            assert_eq!(shift, [right, down]);
            assert!(found > 0.95, "{found}");
            assert!(a.best(&Sieve::of(&noise(2)), [0, 0]).0 < 0.3);
        }
    }
}
