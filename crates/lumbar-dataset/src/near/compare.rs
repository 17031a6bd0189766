//! Whether two pictures are the same: correlation of their fine detail at the best shift.

use super::{Picture, SIDE};

/// Shifts around that of the hashes that are tried, pixels.
const REACH: i32 = 4;

/// The finest band of a picture, in which texture and noise lie: what a 5 x 5 mean does not keep, over its own spread in
/// the neighbourhood. So an edge that all patients have weighs no more than the grain of a tissue, which no two share.
pub(super) struct Detail(Vec<f32>);

/// Spread below which detail is rounding, grey levels of 255.
const QUIET: f32 = 0.5;

impl Detail {
    /// Of 64 x 64 grey levels.
    pub fn of(grey: &[f32]) -> Detail {
        let coarse = mean_filter(grey, 2);
        let band: Vec<f32> = grey.iter().zip(&coarse).map(|(a, b)| a - b).collect();
        let squares: Vec<f32> = band.iter().map(|v| v * v).collect();
        let power = mean_filter(&squares, 3);
        let normal = |(value, power): (&f32, &f32)| value / (power + QUIET * QUIET).sqrt();
        Detail(band.iter().zip(&power).map(normal).collect())
    }
}

/// How alike two pictures are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Likeness {
    /// Correlation of the pictures.
    pub whole: f32,
    /// Correlation of their detail.
    pub detail: f32,
    /// How far the second lies right and down of the first, pixels.
    pub shift: [i32; 2],
}

/// Compares two pictures at all shifts near one.
pub(super) fn likeness(a: &Picture, b: &Picture, near: [i32; 2]) -> Likeness {
    let mut best = Likeness {
        whole: 0.0,
        detail: f32::NEG_INFINITY,
        shift: near,
    };
    for down in near[1] - REACH..=near[1] + REACH {
        for right in near[0] - REACH..=near[0] + REACH {
            let detail = correlation(&a.detail.0, &b.detail.0, [right, down]);
            if detail > best.detail {
                best = Likeness {
                    detail,
                    shift: [right, down],
                    ..best
                };
            }
        }
    }
    best.whole = correlation(&a.grey, &b.grey, best.shift);
    best
}

/// Pearson's correlation over where both pictures are, `b` seen `shift` further right and down.
fn correlation(a: &[f32], b: &[f32], [right, down]: [i32; 2]) -> f32 {
    let overlap = |shift: i32| (0.max(-shift) as usize)..(SIDE as i32 - 0.max(shift)) as usize;
    let (rows, columns) = (overlap(down), overlap(right));
    let [mut sa, mut sb, mut saa, mut sbb, mut sab] = [0.0f64; 5];
    for row in rows.clone() {
        let other_row = (row as i32 + down) as usize * SIDE;
        let from = (columns.start as i32 + right) as usize;
        let a = &a[row * SIDE + columns.start..row * SIDE + columns.end];
        let b = &b[other_row + from..other_row + from + columns.len()];
        let [mut ra, mut rb, mut raa, mut rbb, mut rab] = [0.0f32; 5];
        for (a, b) in a.iter().zip(b) {
            ra += a;
            rb += b;
            raa += a * a;
            rbb += b * b;
            rab += a * b;
        }
        for (sum, of_row) in [
            (&mut sa, ra),
            (&mut sb, rb),
            (&mut saa, raa),
            (&mut sbb, rbb),
            (&mut sab, rab),
        ] {
            *sum += f64::from(of_row);
        }
    }
    let n = (rows.len() * columns.len()) as f64;
    let (va, vb) = (saa - sa * sa / n, sbb - sb * sb / n);
    if va <= 1e-6 || vb <= 1e-6 {
        return 0.0;
    }
    ((sab - sa * sb / n) / (va * vb).sqrt()) as f32
}

/// Standard deviation.
pub(super) fn spread(grey: &[f32]) -> f32 {
    let n = grey.len() as f32;
    let mean = grey.iter().sum::<f32>() / n;
    (grey.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt()
}

/// Mean over squares of `2 radius + 1` pixels, the edge repeated.
fn mean_filter(grey: &[f32], radius: i32) -> Vec<f32> {
    let last = SIDE as i32 - 1;
    let weight = 1.0 / (2 * radius + 1) as f32;
    let along = |get: &dyn Fn(i32) -> f32, at: i32| -> f32 {
        (at - radius..=at + radius)
            .map(|i| get(i.clamp(0, last)))
            .sum::<f32>()
            * weight
    };
    let mut rows = vec![0.0; SIDE * SIDE];
    for (i, out) in rows.iter_mut().enumerate() {
        let row = i / SIDE * SIDE;
        *out = along(&|x| grey[row + x as usize], (i % SIDE) as i32);
    }
    let mut out = vec![0.0; SIDE * SIDE];
    for (i, value) in out.iter_mut().enumerate() {
        let column = i % SIDE;
        *value = along(&|y| rows[y as usize * SIDE + column], (i / SIDE) as i32);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64) -> Vec<f32> {
        (0..SIDE * SIDE)
            .map(|i| {
                let mut z = (seed << 32 | i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                ((z ^ (z >> 27)) >> 40) as f32 / 65_536.0
            })
            .collect()
    }

    fn picture(grey: Vec<f32>) -> Picture {
        Picture {
            detail: Detail::of(&grey),
            grey,
        }
    }

    #[test]
    fn a_shift_is_found_and_other_noise_is_not_alike() {
        let original = noise(1);
        let shifted: Vec<f32> = (0..SIDE * SIDE)
            .map(|i| {
                let (row, column) = ((i / SIDE).saturating_sub(2), (i % SIDE + 3).min(SIDE - 1));
                original[row * SIDE + column] * 1.1 + 20.0
            })
            .collect();
        let found = likeness(&picture(original.clone()), &picture(shifted), [-4, 0]);
        assert_eq!(found.shift, [-3, 2]);
        assert!(found.detail > 0.98 && found.whole > 0.99, "{found:?}");
        let other = likeness(&picture(original), &picture(noise(2)), [0, 0]);
        assert!(other.detail < 0.2, "{other:?}");
    }

    #[test]
    fn a_flat_picture_is_like_nothing() {
        let flat = picture(vec![9.0; SIDE * SIDE]);
        assert_eq!(likeness(&flat, &picture(noise(3)), [0, 0]).detail, 0.0);
    }
}
