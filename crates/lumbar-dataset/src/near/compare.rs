//! Whether two pictures are the same: correlation of their detail once one lies over the other.

use super::align::{Placement, place};
use super::filter::{gaussian, mean};
use super::{Picture, SIDE};
use std::ops::Range;

/// Smoothing before detail is taken, standard deviation in pixels: what interpolation does to grain that was moved by
/// half a pixel then matters little.
const SMOOTHING: f32 = 0.7;
/// Spread below which detail is rounding, grey levels of 255.
const QUIET: f32 = 0.5;

/// The finest band that outlives interpolation: what a 5 x 5 mean does not keep, over its own spread in the 7 x 7 pixels
/// around. So an edge that all patients have weighs no more than the grain of a tissue, which no two share.
pub(super) fn detail(grey: &[f32]) -> Vec<f32> {
    let smooth = gaussian(grey, SMOOTHING);
    let coarse = mean(&smooth, 2);
    let band: Vec<f32> = smooth.iter().zip(&coarse).map(|(a, b)| a - b).collect();
    let squares: Vec<f32> = band.iter().map(|v| v * v).collect();
    let power = mean(&squares, 3);
    let normal = |(value, power): (&f32, &f32)| value / (power + QUIET * QUIET).sqrt();
    band.iter().zip(&power).map(normal).collect()
}

/// How alike two pictures are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Likeness {
    /// Correlation of the pictures.
    pub whole: f32,
    /// Correlation of their detail.
    pub detail: f32,
    /// Where the second lies.
    pub place: Placement,
}

/// Compares two pictures where the second lies best over the first, looked for from a shift on.
pub(super) fn likeness(a: &Picture, b: &Picture, from: [i32; 2]) -> Likeness {
    let (a, b) = (a.grey(), b.grey());
    let place = place(&a, &b, from);
    let b = place.apply(&b);
    let overlap = place.overlap();
    Likeness {
        whole: correlation(&a, &b, &overlap),
        detail: correlation(&detail(&a), &detail(&b), &overlap),
        place,
    }
}

/// Pearson's correlation over some rows and columns.
fn correlation(a: &[f32], b: &[f32], [rows, columns]: &[Range<usize>; 2]) -> f32 {
    let pairs = || {
        rows.clone().flat_map(|row| {
            let part = row * SIDE + columns.start..row * SIDE + columns.end;
            let wide = |(a, b): (&f32, &f32)| (f64::from(*a), f64::from(*b));
            a[part.clone()].iter().zip(&b[part]).map(wide)
        })
    };
    let n = (rows.len() * columns.len()) as f64;
    let (sum_a, sum_b) = pairs().fold((0.0, 0.0), |(sa, sb), (a, b)| (sa + a, sb + b));
    let (mean_a, mean_b) = (sum_a / n, sum_b / n);
    let [mut aa, mut bb, mut ab] = [0.0f64; 3];
    for (a, b) in pairs() {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    if aa <= 1e-6 || bb <= 1e-6 {
        return 0.0;
    }
    (ab / (aa * bb).sqrt()) as f32
}

/// Standard deviation.
pub(super) fn spread(grey: &[f32]) -> f32 {
    let n = grey.len() as f32;
    let mean = grey.iter().sum::<f32>() / n;
    (grey.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn noise(seed: u64) -> Vec<f32> {
        (0..SIDE * SIDE)
            .map(|i| {
                let mut z = (seed << 32 | i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                ((z ^ (z >> 27)) >> 40) as f32 / 131_072.0
            })
            .collect()
    }

    fn picture(grey: &[f32]) -> Picture {
        Picture::of(grey.iter().map(|v| (v * 257.0) as u16).collect())
    }

    #[test]
    fn a_copy_moved_by_parts_of_a_pixel_and_stretched_is_alike_and_other_grain_is_not() {
        // Grain as coarse as a scanner leaves it, on an edge to hold on to.
        let texture = |seed: u64| -> Vec<f32> {
            let edge = |i: usize| if i % SIDE + i / SIDE > SIDE { 60.0 } else { 0.0 };
            gaussian(&noise(seed), 0.8)
                .iter()
                .enumerate()
                .map(|(i, v)| v / 2.0 + edge(i))
                .collect()
        };
        let original = texture(1);
        let moved = Placement {
            shift: [0.5, -1.5],
            scale: [1.02, 1.02],
        };
        let copy: Vec<f32> = moved.apply(&original).iter().map(|v| v * 1.1 + 20.0).collect();
        let found = likeness(&picture(&original), &picture(&copy), [-1, 2]);
        assert!(found.detail > 0.9 && found.whole > 0.97, "{found:?}");
        let other = likeness(&picture(&original), &picture(&texture(2)), [0, 0]);
        assert!(other.detail < 0.4, "{other:?}");
    }

    #[test]
    fn a_flat_picture_is_like_nothing() {
        let flat = picture(&vec![9.0; SIDE * SIDE]);
        assert_eq!(likeness(&flat, &picture(&noise(3)), [0, 0]).detail, 0.0);
    }
}
