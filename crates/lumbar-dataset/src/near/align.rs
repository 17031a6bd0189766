//! Bringing one picture over another: shifted by parts of a pixel and stretched by a few percent.

use super::SIDE;
use super::filter::{gaussian, mean, slopes};
use std::ops::Range;

/// Where the second of two pictures shows what the first does: the pixel at `x` of the first, counted from the middle,
/// lies at `scale * x + shift` of the second. Right, then down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    pub shift: [f64; 2],
    pub scale: [f64; 2],
}

/// How far a placement may go from where it began, pixels.
const REACH: f64 = 3.0;
/// Largest stretch looked for.
const STRETCH: f64 = 0.06;
/// Steps, of which four or five mostly do.
const MAX_STEPS: usize = 8;
/// A step below these, pixels and stretch, is the last.
const ENOUGH: [f64; 2] = [0.01, 3e-4];
/// Least brightness of the second picture's band in terms of the first's, so that a step stays finite.
const MIN_GAIN: f64 = 0.05;

/// Places `b` over `a`, from a shift in whole pixels on: Gauss-Newton steps (Lucas and Kanade, IJCAI 1981) on shift, scale, gain and
/// offset, which make the squared difference of the two smallest, in a band between grain and shading.
pub(super) fn place(a: &[f32], b: &[f32], from: [i32; 2]) -> Placement {
    let (a, b) = (band(a), band(b));
    let [right, down] = slopes(&b);
    let from = from.map(f64::from);
    let mut place = Placement {
        shift: from,
        scale: [1.0; 2],
    };
    for _ in 0..MAX_STEPS {
        let moved = [&b, &right, &down].map(|picture| place.applied(picture, linear));
        let Some(step) = step(&a, &moved, place.overlap()) else {
            break;
        };
        for axis in 0..2 {
            let shift = place.shift[axis] + step[axis];
            place.shift[axis] = shift.clamp(from[axis] - REACH, from[axis] + REACH);
            place.scale[axis] = (place.scale[axis] + step[2 + axis]).clamp(1.0 - STRETCH, 1.0 + STRETCH);
        }
        let small = |i: usize| step[i].abs() < ENOUGH[i / 2];
        if (0..4).all(small) {
            break;
        }
    }
    place
}

/// Without grain, which is no help in coming nearer, and without shading, which differs between coils.
fn band(grey: &[f32]) -> Vec<f32> {
    let smooth = gaussian(grey, 1.0);
    let shading = mean(&smooth, 7);
    smooth.iter().zip(&shading).map(|(a, b)| a - b).collect()
}

const MIDDLE: f64 = (SIDE as f64 - 1.0) / 2.0;

impl Placement {
    /// Where the pixels of the first picture lie on an axis of the second.
    fn along(&self, axis: usize) -> impl Iterator<Item = f64> {
        let (scale, shift) = (self.scale[axis], self.shift[axis]);
        (0..SIDE).map(move |i| (i as f64 - MIDDLE) * scale + MIDDLE + shift)
    }

    /// Rows and columns of the first picture that lie on the second.
    pub fn overlap(&self) -> [Range<usize>; 2] {
        let inside = |at: &f64| (0.0..=SIDE as f64 - 1.0).contains(at);
        [1, 0].map(|axis| {
            let before = self.along(axis).take_while(|at| !inside(at) && *at < 0.0).count();
            let within = self.along(axis).filter(inside).count();
            before..before + within
        })
    }

    /// The second picture as it lies over the first, by cubic interpolation.
    pub fn apply(&self, picture: &[f32]) -> Vec<f32> {
        self.applied(picture, cubic)
    }

    fn applied(&self, picture: &[f32], weights: fn(f32) -> [f32; 4]) -> Vec<f32> {
        let last = SIDE as isize - 1;
        let taps = |axis: usize| -> Vec<([usize; 4], [f32; 4])> {
            self.along(axis)
                .map(|at| {
                    let whole = at.floor();
                    let near = |k: isize| (whole as isize + k - 1).clamp(0, last) as usize;
                    ([0, 1, 2, 3].map(near), weights((at - whole) as f32))
                })
                .collect()
        };
        let (columns, rows) = (taps(0), taps(1));
        let mut along = vec![0.0f32; SIDE * SIDE];
        for (row, out) in picture.chunks_exact(SIDE).zip(along.chunks_exact_mut(SIDE)) {
            for (out, (at, weight)) in out.iter_mut().zip(&columns) {
                *out = (0..4).map(|k| weight[k] * row[at[k]]).sum();
            }
        }
        let mut out = vec![0.0f32; SIDE * SIDE];
        for (out, (at, weight)) in out.chunks_exact_mut(SIDE).zip(&rows) {
            for (at, weight) in at.iter().zip(weight).filter(|(_, weight)| **weight != 0.0) {
                let row = &along[at * SIDE..(at + 1) * SIDE];
                out.iter_mut()
                    .zip(row)
                    .for_each(|(out, value)| *out += weight * value);
            }
        }
        out
    }
}

/// Weights of the pixels before, at, after and beyond, at a fraction of the way.
fn linear(t: f32) -> [f32; 4] {
    [0.0, 1.0 - t, t, 0.0]
}

/// Catmull and Rom's cubic (Keys 1981 with a = -1/2).
fn cubic(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t + t2 - 0.5 * t3,
        1.0 - 2.5 * t2 + 1.5 * t3,
        0.5 * t + 2.0 * t2 - 1.5 * t3,
        -0.5 * t2 + 0.5 * t3,
    ]
}

const N: usize = 6;

/// The least-squares step in shift (2), scale (2), gain and offset; `None` where nothing holds the pictures in place.
fn step(a: &[f32], moved: &[Vec<f32>; 3], [rows, columns]: [Range<usize>; 2]) -> Option<[f64; N]> {
    let [b, right, down] = moved;
    let places = || {
        rows.clone()
            .flat_map(|row| columns.clone().map(move |column| (row, column)))
    };
    let n = (rows.len() * columns.len()) as f64;
    let mut sums = [0.0f64; 4];
    for (row, column) in places() {
        let (a, b) = (
            f64::from(a[row * SIDE + column]),
            f64::from(b[row * SIDE + column]),
        );
        for (sum, term) in sums.iter_mut().zip([a, b, b * b, a * b]) {
            *sum += term;
        }
    }
    let [sa, sb, sbb, sab] = sums;
    let variance = sbb - sb * sb / n;
    if variance.is_nan() || variance <= 1e-6 {
        return None;
    }
    let gain = ((sab - sa * sb / n) / variance).max(MIN_GAIN);
    let (mut normal, mut side) = ([[0.0f64; N]; N], [0.0f64; N]);
    for (row, column) in places() {
        let i = row * SIDE + column;
        let (right, down) = (gain * f64::from(right[i]), gain * f64::from(down[i]));
        let (x, y) = (column as f64 - MIDDLE, row as f64 - MIDDLE);
        let terms = [right, down, right * x, down * y, f64::from(b[i]), 1.0];
        let rest = f64::from(a[i]) - gain * f64::from(b[i]);
        for (j, term) in terms.iter().enumerate() {
            side[j] += term * rest;
            for (k, other) in terms.iter().enumerate().take(j + 1) {
                normal[j][k] += term * other;
            }
        }
    }
    solved(normal, side)
}

/// Solves a symmetric positive definite system, given below its diagonal, by Cholesky's method; `None` if it is not.
fn solved(mut a: [[f64; N]; N], mut x: [f64; N]) -> Option<[f64; N]> {
    for j in 0..N {
        // So little that it moves nothing, and enough where a picture is flat along an axis.
        a[j][j] += 1e-3;
        for k in 0..j {
            let sum: f64 = (0..k).map(|i| a[j][i] * a[k][i]).sum();
            a[j][k] = (a[j][k] - sum) / a[k][k];
        }
        let sum: f64 = (0..j).map(|i| a[j][i] * a[j][i]).sum();
        let pivot = a[j][j] - sum;
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        a[j][j] = pivot.sqrt();
    }
    for j in 0..N {
        let sum: f64 = (0..j).map(|k| a[j][k] * x[k]).sum();
        x[j] = (x[j] - sum) / a[j][j];
    }
    for j in (0..N).rev() {
        let sum: f64 = (j + 1..N).map(|k| a[k][j] * x[k]).sum();
        x[j] = (x[j] - sum) / a[j][j];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::super::hash::tests::blobs;
    use super::*;

    #[test]
    fn shift_and_stretch_are_found_whatever_the_brightness() {
        let a = blobs(5000, [0.0, 0.0]);
        let wanted = Placement {
            shift: [-2.3, 1.4],
            scale: [1.02, 0.985],
        };
        // Such that `wanted` brings it back over the first.
        let back = Placement {
            shift: [0, 1].map(|axis| -wanted.shift[axis] / wanted.scale[axis]),
            scale: wanted.scale.map(|scale| 1.0 / scale),
        };
        let b: Vec<f32> = back.apply(&a).iter().map(|v| v * 1.1 + 20.0).collect();
        let found = place(&a, &b, [-3, 2]);
        // A fifth of a pixel at the border: the shading that is taken off is not quite the same of both.
        for axis in 0..2 {
            assert!((found.shift[axis] - wanted.shift[axis]).abs() < 0.15, "{found:?}");
            assert!(
                (found.scale[axis] - wanted.scale[axis]).abs() < 0.006,
                "{found:?}"
            );
        }
    }

    #[test]
    fn the_overlap_is_what_both_show() {
        let place = Placement {
            shift: [3.0, -2.0],
            scale: [1.0; 2],
        };
        assert_eq!(place.overlap(), [2..SIDE, 0..SIDE - 3]);
        let whole = Placement {
            shift: [0.0; 2],
            scale: [1.0; 2],
        };
        let picture = blobs(1, [0.0, 0.0]);
        assert_eq!(whole.overlap(), [0..SIDE, 0..SIDE]);
        assert_eq!(whole.apply(&picture), picture);
    }

    #[test]
    fn a_flat_picture_stays_where_it_is() {
        let flat = vec![9.0; SIDE * SIDE];
        let found = place(&blobs(1, [0.0, 0.0]), &flat, [1, 2]);
        assert_eq!((found.shift, found.scale), ([1.0, 2.0], [1.0; 2]));
    }
}
