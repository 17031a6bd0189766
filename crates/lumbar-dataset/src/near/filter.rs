//! Filters on square pictures, the edge repeated.

use super::SIDE;

/// Mean over squares of `2 radius + 1` pixels.
pub(super) fn mean(grey: &[f32], radius: usize) -> Vec<f32> {
    let n = 2 * radius + 1;
    separable(grey, &vec![1.0 / n as f32; n])
}

/// Gaussian of standard deviation `sigma` pixels, out to three of them.
pub(super) fn gaussian(grey: &[f32], sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil();
    let weights: Vec<f32> = (0..=2 * reach as usize)
        .map(|i| (-((i as f32 - reach) / sigma).powi(2) / 2.0).exp())
        .collect();
    let sum: f32 = weights.iter().sum();
    separable(grey, &Vec::from_iter(weights.iter().map(|weight| weight / sum)))
}

/// The same odd number of weights along rows, then along columns.
fn separable(grey: &[f32], weights: &[f32]) -> Vec<f32> {
    let reach = weights.len() / 2;
    let clamped = |at: usize| at.saturating_sub(reach).min(SIDE - 1);
    let mut along = vec![0.0f32; SIDE * SIDE];
    let mut padded = vec![0.0f32; SIDE + 2 * reach];
    for (row, out) in grey.chunks_exact(SIDE).zip(along.chunks_exact_mut(SIDE)) {
        for (i, value) in padded.iter_mut().enumerate() {
            *value = row[clamped(i)];
        }
        for (k, weight) in weights.iter().enumerate() {
            add(out, &padded[k..k + SIDE], *weight);
        }
    }
    let mut out = vec![0.0f32; SIDE * SIDE];
    for (down, out) in out.chunks_exact_mut(SIDE).enumerate() {
        for (k, weight) in weights.iter().enumerate() {
            let row = clamped(down + k);
            add(out, &along[row * SIDE..(row + 1) * SIDE], *weight);
        }
    }
    out
}

fn add(out: &mut [f32], values: &[f32], weight: f32) {
    for (out, value) in out.iter_mut().zip(values) {
        *out += weight * value;
    }
}

/// How fast the picture grows to the right and downwards, per pixel: half the difference of the neighbours.
pub(super) fn slopes(grey: &[f32]) -> [Vec<f32>; 2] {
    let last = SIDE - 1;
    let at = |row: usize, column: usize| grey[row * SIDE + column];
    let of = |i: usize| (i / SIDE, i % SIDE);
    let right = |i| {
        let (row, column) = of(i);
        (at(row, (column + 1).min(last)) - at(row, column.saturating_sub(1))) / 2.0
    };
    let down = |i| {
        let (row, column) = of(i);
        (at((row + 1).min(last), column) - at(row.saturating_sub(1), column)) / 2.0
    };
    [
        (0..SIDE * SIDE).map(right).collect(),
        (0..SIDE * SIDE).map(down).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_keep_what_is_flat_and_means_are_means() {
        let flat = vec![7.0f32; SIDE * SIDE];
        for filtered in [mean(&flat, 2), gaussian(&flat, 0.7)] {
            assert!(filtered.iter().all(|value| (value - 7.0).abs() < 1e-4));
        }
        let mut point = vec![0.0f32; SIDE * SIDE];
        point[10 * SIDE + 20] = 25.0;
        let spread = mean(&point, 2);
        let inside = |row: usize, column: usize| row.abs_diff(10) <= 2 && column.abs_diff(20) <= 2;
        for (i, value) in spread.iter().enumerate() {
            let expected = if inside(i / SIDE, i % SIDE) { 1.0 } else { 0.0 };
            assert!((value - expected).abs() < 1e-5, "{i}: {value}");
        }
    }

    #[test]
    fn slopes_of_a_ramp() {
        let ramp: Vec<f32> = (0..SIDE * SIDE)
            .map(|i| 3.0 * (i % SIDE) as f32 - 2.0 * (i / SIDE) as f32)
            .collect();
        let [right, down] = slopes(&ramp);
        let middle = 30 * SIDE + 30;
        assert_eq!((right[middle], down[middle]), (3.0, -2.0));
    }
}
