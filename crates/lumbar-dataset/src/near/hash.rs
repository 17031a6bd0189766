//! The perceptual hash that names candidates.

use super::SIDE;
use std::f32::consts::PI;

/// Side of the middle part that is hashed; the rest is room for shifts.
const WINDOW: usize = 48;
/// The part is halved before its frequencies are taken.
const HALF: usize = WINDOW / 2;
/// Shifts that are tried, pixels. With every other pixel, altered copies of phantoms differ by 13 bits at most; with every
/// fourth by 20, where a fifth of all strangers are.
const SHIFTS: [i32; 5] = [-4, -2, 0, 2, 4];
/// Lowest frequencies along an axis; 8 x 8 of them without the mean, and one more.
const N_FREQUENCIES: usize = 8;
const N_BITS: usize = 64;

/// Turns pictures into hashes.
pub(super) struct Hasher {
    /// Cosines of frequency `k` at pixel `i`, `[k][i]`.
    cosines: [[f32; HALF]; N_FREQUENCIES + 1],
    /// Median of each coefficient over the pictures.
    medians: [f32; N_BITS],
}

/// The hashes of a picture: unshifted, and at each shift.
pub(super) struct Probes {
    centre: u64,
    shifted: [u64; SHIFTS.len() * SHIFTS.len()],
}

/// Where two pictures come nearest.
pub(super) struct Nearest {
    pub distance: u32,
    /// How far the second lies right and down of the first.
    pub shift: [i32; 2],
}

impl Hasher {
    /// A hasher for these pictures of 64 x 64 grey levels.
    pub fn fitted(pictures: impl Iterator<Item = impl AsRef<[f32]>>) -> Hasher {
        let mut hasher = Hasher {
            cosines: std::array::from_fn(|k| {
                std::array::from_fn(|i| (PI * k as f32 * (i as f32 + 0.5) / HALF as f32).cos())
            }),
            medians: [0.0; N_BITS],
        };
        let coefficients: Vec<[f32; N_BITS]> = pictures
            .map(|picture| hasher.coefficients(picture.as_ref(), [0, 0]))
            .collect();
        for (bit, median) in hasher.medians.iter_mut().enumerate() {
            let mut values: Vec<f32> = coefficients.iter().map(|of_picture| of_picture[bit]).collect();
            values.sort_by(f32::total_cmp);
            *median = values.get(values.len() / 2).copied().unwrap_or(0.0);
        }
        hasher
    }

    /// The hashes of a picture.
    pub fn probes(&self, picture: &[f32]) -> Probes {
        Probes {
            centre: self.hash(picture, [0, 0]),
            shifted: std::array::from_fn(|i| self.hash(picture, shift_of(i))),
        }
    }

    fn hash(&self, picture: &[f32], shift: [i32; 2]) -> u64 {
        let coefficients = self.coefficients(picture, shift);
        coefficients
            .iter()
            .zip(&self.medians)
            .enumerate()
            .fold(0, |hash, (bit, (value, median))| {
                hash | u64::from(value > median) << bit
            })
    }

    /// Low frequencies of the shifted middle, over its standard deviation, so that brightness and contrast do not count.
    fn coefficients(&self, picture: &[f32], shift: [i32; 2]) -> [f32; N_BITS] {
        let small = halved_window(picture, shift);
        let mean = small.iter().flatten().sum::<f32>() / (HALF * HALF) as f32;
        let variance = small.iter().flatten().map(|v| (v - mean).powi(2)).sum::<f32>();
        let scale = 1.0 / variance.sqrt().max(1e-3);
        // Along rows, then along columns.
        let along: [[f32; N_FREQUENCIES + 1]; HALF] =
            std::array::from_fn(|row| std::array::from_fn(|k| dot(&small[row], &self.cosines[k]) * scale));
        let coefficient = |down: usize, right: usize| -> f32 {
            (0..HALF)
                .map(|row| along[row][right] * self.cosines[down][row])
                .sum()
        };
        std::array::from_fn(|bit| match bit {
            // In the place of the mean.
            0 => coefficient(0, N_FREQUENCIES),
            _ => coefficient(bit / N_FREQUENCIES, bit % N_FREQUENCIES),
        })
    }
}

impl Probes {
    /// Where the other picture comes nearest to this one.
    pub fn nearest(&self, other: &Probes) -> Nearest {
        let mut best = (u32::MAX, 0);
        for (i, hash) in other.shifted.iter().enumerate() {
            best = best.min(((self.centre ^ hash).count_ones(), i));
        }
        Nearest {
            distance: best.0,
            shift: shift_of(best.1),
        }
    }
}

fn shift_of(i: usize) -> [i32; 2] {
    [SHIFTS[i % SHIFTS.len()], SHIFTS[i / SHIFTS.len()]]
}

fn halved_window(picture: &[f32], [right, down]: [i32; 2]) -> [[f32; HALF]; HALF] {
    let margin = ((SIDE - WINDOW) / 2) as i32;
    let (top, left) = ((margin + down) as usize, (margin + right) as usize);
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            let at = (top + 2 * row) * SIDE + left + 2 * column;
            picture[at] + picture[at + 1] + picture[at + SIDE] + picture[at + SIDE + 1]
        })
    })
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Blobs drawn from a seed, seen at an offset.
    pub(in super::super) fn blobs(seed: u64, [dx, dy]: [f32; 2]) -> Vec<f32> {
        let draw = |i: u64| {
            let mut z = seed.wrapping_add(i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
        };
        let blobs: Vec<[f32; 4]> = (0..40)
            .map(|i| {
                [
                    draw(4 * i) * 80.0 - 8.0,
                    draw(4 * i + 1) * 80.0 - 8.0,
                    3.0 + 6.0 * draw(4 * i + 2),
                    200.0 * draw(4 * i + 3),
                ]
            })
            .collect();
        (0..SIDE * SIDE)
            .map(|i| {
                let (x, y) = ((i % SIDE) as f32 + dx, (i / SIDE) as f32 + dy);
                blobs
                    .iter()
                    .map(|[cx, cy, r, v]| v * (-((x - cx).powi(2) + (y - cy).powi(2)) / (r * r)).exp())
                    .sum()
            })
            .collect()
    }

    #[test]
    fn shifted_and_brighter_pictures_stay_near_and_others_do_not() {
        let pictures: Vec<Vec<f32>> = (0..40).map(|seed| blobs(seed * 1000, [0.0, 0.0])).collect();
        let hasher = Hasher::fitted(pictures.iter());
        let probes: Vec<Probes> = pictures.iter().map(|picture| hasher.probes(picture)).collect();
        let brighter: Vec<f32> = blobs(7000, [4.0, -3.0]).iter().map(|v| v * 1.1 + 20.0).collect();
        let brighter = hasher.probes(&brighter);
        let near = brighter.nearest(&probes[7]);
        assert!(
            near.distance <= super::super::MAX_HASH_DISTANCE,
            "{}",
            near.distance
        );
        assert_eq!(near.shift[0], 4);
        assert!([-4, -2].contains(&near.shift[1]), "{:?}", near.shift);
        for (i, other) in probes.iter().enumerate().filter(|(i, _)| *i != 7) {
            assert!(
                brighter.nearest(other).distance > super::super::MAX_HASH_DISTANCE,
                "{i}"
            );
        }
    }
}
