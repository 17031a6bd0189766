//! A separable Gaussian, the edge repeated: down the columns, then along the row.

/// A kernel and the row it works in.
#[derive(Debug, Default, Clone)]
pub(super) struct Blur {
    /// From the centre outwards.
    kernel: Vec<f32>,
    /// A row blurred down the columns, its edges repeated on both sides.
    padded: Vec<f32>,
}

impl Blur {
    /// Makes the kernel; false where the blur would not be seen.
    pub fn prepare(&mut self, sigma_px: f64) -> bool {
        // Below this, the kernel's neighbours weigh less than a tenth of an 8-bit level.
        if sigma_px < 0.25 {
            return false;
        }
        let radius = (sigma_px * 2.5).ceil() as usize;
        let weight = |k: usize| (-((k * k) as f64) / (2.0 * sigma_px * sigma_px)).exp() as f32;
        self.kernel.clear();
        self.kernel.extend((0..=radius).map(weight));
        let sum = self.kernel[0] + 2.0 * self.kernel[1..].iter().sum::<f32>();
        self.kernel.iter_mut().for_each(|weight| *weight /= sum);
        true
    }

    /// Row `row` of the blurred slice.
    pub fn row(&mut self, slice: &[f32], row: usize, out: &mut [f32]) {
        let (columns, radius) = (out.len(), self.kernel.len() - 1);
        let last = slice.len() / columns - 1;
        let row_at = |r: usize| &slice[r * columns..(r + 1) * columns];
        self.padded.resize(columns + 2 * radius, 0.0);
        let inner = &mut self.padded[radius..radius + columns];
        weigh(inner, row_at(row), &self.kernel, |k| {
            (row_at(row.saturating_sub(k)), row_at((row + k).min(last)))
        });
        let (first, end) = (self.padded[radius], self.padded[radius + columns - 1]);
        self.padded[..radius].fill(first);
        self.padded[radius + columns..].fill(end);
        let padded = &self.padded;
        let from = |start: usize| &padded[start..start + columns];
        weigh(out, from(radius), &self.kernel, |k| {
            (from(radius - k), from(radius + k))
        });
    }
}

/// `out` = the centre and, at each distance, the pair of neighbours, weighted and summed in this order.
fn weigh<'a>(
    out: &mut [f32],
    centre: &[f32],
    kernel: &[f32],
    neighbours: impl Fn(usize) -> (&'a [f32], &'a [f32]),
) {
    for (grey, value) in out.iter_mut().zip(centre) {
        *grey = value * kernel[0];
    }
    for (k, weight) in kernel.iter().enumerate().skip(1) {
        let (before, after) = neighbours(k);
        for (grey, (a, b)) in out.iter_mut().zip(before.iter().zip(after)) {
            *grey += (a + b) * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_gaussian_and_the_sum_stays() {
        let [rows, columns] = [15, 17];
        for sigma in [0.3, 0.8, 2.0] {
            let mut slice = vec![0.0f32; rows * columns];
            slice[7 * columns + 8] = 1.0;
            let mut blur = Blur::default();
            assert!(blur.prepare(sigma));
            let mut out = vec![0.0; rows * columns];
            for (r, row) in out.chunks_exact_mut(columns).enumerate() {
                blur.row(&slice, r, row);
            }
            assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let ratio = f64::from(out[6 * columns + 8] / out[7 * columns + 8]);
            assert!((ratio - (-0.5 / (sigma * sigma)).exp()).abs() < 1e-5);
            assert_eq!(out[6 * columns + 8], out[8 * columns + 8]);
            assert!((out[6 * columns + 8] - out[7 * columns + 7]).abs() < 1e-7);
        }
        assert!(!Blur::default().prepare(0.2));
    }

    #[test]
    fn edges_are_repeated() {
        let mut blur = Blur::default();
        assert!(blur.prepare(3.0));
        let mut out = [0.0; 3];
        blur.row(&[0.7; 6], 1, &mut out);
        assert!(out.iter().all(|grey| (grey - 0.7).abs() < 1e-6), "{out:?}");
    }
}
