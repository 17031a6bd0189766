//! Resampling by the kernel of a Fourier reconstruction: band-limited at the acquired pixel, then interpolated.
//!
//! Cutting k-space at the acquired matrix, filtering mildly and filling with zeros equals convolving with a windowed
//! sinc as wide as the acquired pixel. Doing it in the picture keeps what readers know of it (ringing at sharp edges,
//! soft interpolated pixels, correlated noise) without a transform.

/// Half width of the kernel in acquired pixels.
const LOBES: f64 = 4.0;

/// Weights that make each output sample from a run of input samples.
pub(crate) struct Axis {
    n_in: usize,
    taps: usize,
    first: Vec<usize>,
    weights: Vec<f32>,
}

/// One axis of a grid: number of samples, their distance and the place of the first, mm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub n: usize,
    pub step_mm: f64,
    pub first_mm: f64,
}

impl Axis {
    /// From `from` to `to`, band-limited at a pixel of `acquired_mm`. `ringing` from 0 (Hann window) to 1 (Lanczos).
    pub(crate) fn new(from: Grid, to: Grid, acquired_mm: f64, ringing: f64) -> Axis {
        let reach = LOBES * acquired_mm;
        let taps = ((2.0 * reach / from.step_mm).ceil() as usize).min(from.n);
        let (mut first, mut weights) = (Vec::with_capacity(to.n), Vec::with_capacity(to.n * taps));
        for i in 0..to.n {
            let at = (to.first_mm + i as f64 * to.step_mm - from.first_mm) / from.step_mm;
            let start = ((at - 0.5 * taps as f64 + 0.5).floor().max(0.0) as usize).min(from.n - taps);
            let row: Vec<f64> = (start..start + taps)
                .map(|k| kernel((k as f64 - at) * from.step_mm / acquired_mm, ringing))
                .collect();
            let sum: f64 = row.iter().sum();
            first.push(start);
            weights.extend(row.iter().map(|w| (w / sum) as f32));
        }
        Axis {
            n_in: from.n,
            taps,
            first,
            weights,
        }
    }

    /// Factor by which the deviation of white noise changes, in the mean over the output.
    pub(crate) fn noise_gain(&self) -> f32 {
        let power: f32 = self.weights.iter().map(|w| w * w).sum();
        (power / self.n_out() as f32).sqrt()
    }

    /// Number of output samples.
    pub(crate) fn n_out(&self) -> usize {
        self.first.len()
    }

    /// Resamples along rows: `[n_rows, n_in]` to `[n_rows, n_out]`.
    pub(crate) fn along_rows(&self, data: &[f32]) -> Vec<f32> {
        let n_rows = data.len() / self.n_in;
        let mut out = Vec::with_capacity(n_rows * self.n_out());
        for row in data.chunks_exact(self.n_in) {
            for (start, weights) in self.first.iter().zip(self.weights.chunks_exact(self.taps)) {
                let run = &row[*start..start + self.taps];
                out.push(dot(run, weights));
            }
        }
        out
    }

    /// Resamples down columns: `[n_in, n_columns]` to `[n_out, n_columns]`.
    pub(crate) fn down_columns(&self, data: &[f32]) -> Vec<f32> {
        let n_columns = data.len() / self.n_in;
        let mut out = vec![0.0; self.n_out() * n_columns];
        let rows = self.first.iter().zip(self.weights.chunks_exact(self.taps));
        for ((start, weights), out) in rows.zip(out.chunks_exact_mut(n_columns)) {
            for (k, weight) in weights.iter().enumerate() {
                let from = (start + k) * n_columns;
                for (sum, value) in out.iter_mut().zip(&data[from..from + n_columns]) {
                    *sum += weight * value;
                }
            }
        }
        out
    }
}

/// Four running sums, so that the compiler may use vector registers; the order is fixed.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let (ra, rb) = (ca.remainder(), cb.remainder());
    for (x, y) in ca.zip(cb) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    let rest: f32 = ra.iter().zip(rb).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

fn kernel(x: f64, ringing: f64) -> f64 {
    let t = x / LOBES;
    if t.abs() >= 1.0 {
        return 0.0;
    }
    let hann = 0.5 + 0.5 * (std::f64::consts::PI * t).cos();
    let window = ringing * sinc(t) + (1.0 - ringing) * hann;
    sinc(x) * window
}

fn sinc(x: f64) -> f64 {
    let p = std::f64::consts::PI * x;
    if p.abs() < 1e-9 { 1.0 } else { p.sin() / p }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_where_it_is() {
        let from = Grid {
            n: 200,
            step_mm: 0.5,
            first_mm: -10.0,
        };
        let to = Grid {
            n: 90,
            step_mm: 0.7,
            first_mm: 5.0,
        };
        let axis = Axis::new(from, to, 0.9, 0.5);
        let ramp: Vec<f32> = (0..200).map(|i| -10.0 + 0.5 * i as f32).collect();
        for (i, value) in axis.along_rows(&ramp).iter().enumerate() {
            let expected = 5.0 + 0.7 * i as f32;
            assert!((value - expected).abs() < 0.01, "{i}: {value} {expected}");
        }
        for (a, b) in axis.along_rows(&ramp).iter().zip(axis.down_columns(&ramp)) {
            assert!((a - b).abs() < 1e-4);
        }
    }

    #[test]
    fn an_edge_rings_and_a_point_of_noise_spreads() {
        let grid = Grid {
            n: 64,
            step_mm: 1.0,
            first_mm: 0.0,
        };
        let fine = Grid {
            n: 128,
            step_mm: 0.5,
            first_mm: 0.0,
        };
        let axis = Axis::new(grid, fine, 1.0, 1.0);
        let edge: Vec<f32> = (0..64).map(|i| if i < 32 { 0.0 } else { 1.0 }).collect();
        let out = axis.along_rows(&edge);
        let highest = out.iter().copied().fold(0.0, f32::max);
        assert!((1.03..1.12).contains(&highest), "{highest}");
    }
}
