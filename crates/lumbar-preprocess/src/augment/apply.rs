//! Applying drawn changes.

use super::{AugmentScratch, Changes, noise};
use crate::PreprocessError;

impl Changes {
    /// Makes the changed sample: 8-bit levels `[depth, rows, columns]` in, grey levels 0..=1 of the same shape out.
    ///
    /// # Errors
    /// [`PreprocessError`] if lengths disagree or the changes were drawn for another depth.
    pub fn apply(
        &self,
        pixels: &[u8],
        shape: [usize; 3],
        (out, scratch): (&mut [f32], &mut AugmentScratch),
    ) -> Result<(), PreprocessError> {
        let [depth, rows, columns] = shape;
        let slice_len = rows * columns;
        PreprocessError::check_length("sample", depth * slice_len, pixels.len())?;
        PreprocessError::check_length("augmented sample", depth * slice_len, out.len())?;
        PreprocessError::check_length("drawn slices", self.places.len(), depth)?;
        if slice_len == 0 {
            return Ok(());
        }
        let table = self.grey_table();
        scratch.grey.resize(depth * slice_len, 0.0);
        let still = self.warp.is_identity();
        let target = if still { &mut *out } else { &mut scratch.grey[..] };
        for (place, grey) in self.places.iter().zip(target.chunks_exact_mut(slice_len)) {
            match place {
                Some(slice) => curve(&pixels[slice * slice_len..(slice + 1) * slice_len], &table, grey),
                None => grey.fill(0.0),
            }
        }
        if !still {
            self.warp.apply(&scratch.grey, shape, out);
        }
        for slice in out.chunks_exact_mut(slice_len) {
            blur(slice, columns, self.blur_px, &mut scratch.row);
            self.shade(slice, [rows, columns]);
        }
        if self.noise > 0.0 {
            noise::add(out, self.noise, self.noise_seed);
        }
        for grey in out.iter_mut() {
            *grey = grey.clamp(0.0, 1.0);
        }
        Ok(())
    }

    fn grey_table(&self) -> [f32; 256] {
        let [gamma, contrast, brightness] = self.curve;
        let identity = gamma == 1.0 && contrast == 1.0 && brightness == 0.0;
        std::array::from_fn(|level| {
            if identity {
                return level as f32 / 255.0;
            }
            let grey = (level as f64 / 255.0).powf(gamma);
            (((grey - 0.5) * contrast + 0.5 + brightness) as f32).clamp(0.0, 1.0)
        })
    }

    fn shade(&self, slice: &mut [f32], [rows, columns]: [usize; 2]) {
        let [bx, by, bxy, bxx, byy] = self.bias;
        if self.bias == [0.0; 5] {
            return;
        }
        let (step_x, step_y) = (2.0 / columns as f32, 2.0 / rows as f32);
        for (r, row) in slice.chunks_exact_mut(columns).enumerate() {
            let y = (r as f32 + 0.5) * step_y - 1.0;
            let (constant, slope) = (1.0 + by * y + byy * (y * y - 1.0 / 3.0) - bxx / 3.0, bx + bxy * y);
            for (c, grey) in row.iter_mut().enumerate() {
                let x = (c as f32 + 0.5) * step_x - 1.0;
                *grey *= constant + (slope + bxx * x) * x;
            }
        }
    }
}

fn curve(pixels: &[u8], table: &[f32; 256], out: &mut [f32]) {
    for (pixel, grey) in pixels.iter().zip(out) {
        *grey = table[usize::from(*pixel)];
    }
}

/// Rotation and zoom about the centre, then a shift: where each output pixel looks in the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Warp {
    /// Columns and rows of the source per output column and row.
    matrix: [f64; 4],
    /// Shift, as a share of the side.
    shift: [f64; 2],
}

impl Warp {
    pub(super) fn new(rotation: f64, zoom: f64, shift: [f64; 2]) -> Warp {
        let (sin, cos) = rotation.sin_cos();
        Warp {
            matrix: [cos / zoom, sin / zoom, -sin / zoom, cos / zoom],
            shift,
        }
    }

    fn is_identity(&self) -> bool {
        self.matrix == [1.0, 0.0, -0.0, 1.0] && self.shift == [0.0, 0.0]
    }

    /// Bilinear sampling; beyond the border the edge is repeated. All slices look at the same place.
    fn apply(&self, source: &[f32], [_, rows, columns]: [usize; 3], out: &mut [f32]) {
        let slice_len = rows * columns;
        let (middle_x, middle_y) = ((columns as f32 - 1.0) / 2.0, (rows as f32 - 1.0) / 2.0);
        let [xx, xy, yx, yy] = self.matrix.map(|value| value as f32);
        let (shift_x, shift_y) = (
            (self.shift[0] * columns as f64) as f32,
            (self.shift[1] * rows as f64) as f32,
        );
        let (last_x, last_y) = (columns as f32 - 1.0, rows as f32 - 1.0);
        // The sampling plan of a row is made once and used for every slice.
        let mut plan: Vec<([u32; 4], [f32; 2])> = Vec::with_capacity(columns);
        for row in 0..rows {
            plan.clear();
            let dy = row as f32 - middle_y - shift_y;
            for column in 0..columns {
                let dx = column as f32 - middle_x - shift_x;
                let x = (xx * dx + xy * dy + middle_x).clamp(0.0, last_x);
                let y = (yx * dx + yy * dy + middle_y).clamp(0.0, last_y);
                // Not negative, so cutting off is rounding down.
                let (x0, y0) = (x as u32, y as u32);
                let (x1, y1) = ((x0 + 1).min(columns as u32 - 1), (y0 + 1).min(rows as u32 - 1));
                let (upper, lower) = (y0 * columns as u32, y1 * columns as u32);
                plan.push((
                    [upper + x0, upper + x1, lower + x0, lower + x1],
                    [x - x0 as f32, y - y0 as f32],
                ));
            }
            let slices = source
                .chunks_exact(slice_len)
                .zip(out.chunks_exact_mut(slice_len));
            for (from, to) in slices {
                let to = &mut to[row * columns..(row + 1) * columns];
                for (grey, (at, [fx, fy])) in to.iter_mut().zip(&plan) {
                    let [a, b, c, d] = at.map(|i| from[i as usize]);
                    let (upper, lower) = (a + (b - a) * fx, c + (d - c) * fx);
                    *grey = upper + (lower - upper) * fy;
                }
            }
        }
    }
}

/// Separable Gaussian in place, the edge repeated.
fn blur(slice: &mut [f32], columns: usize, sigma_px: f64, scratch: &mut Vec<f32>) {
    // Below this, the kernel's neighbours weigh less than a tenth of an 8-bit level.
    if sigma_px < 0.25 {
        return;
    }
    let radius = (sigma_px * 2.5).ceil() as usize;
    let mut kernel: Vec<f32> = (0..=radius)
        .map(|k| (-((k * k) as f64) / (2.0 * sigma_px * sigma_px)).exp() as f32)
        .collect();
    let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f32>();
    kernel.iter_mut().for_each(|weight| *weight /= sum);

    for row in slice.chunks_exact_mut(columns) {
        scratch.clear();
        scratch.extend(std::iter::repeat_n(row[0], radius));
        scratch.extend_from_slice(row);
        scratch.extend(std::iter::repeat_n(row[columns - 1], radius));
        filter_rows(row, scratch, 1, &kernel);
    }
    let (first, last) = (slice[..columns].to_vec(), slice[slice.len() - columns..].to_vec());
    scratch.clear();
    (0..radius).for_each(|_| scratch.extend_from_slice(&first));
    scratch.extend_from_slice(slice);
    (0..radius).for_each(|_| scratch.extend_from_slice(&last));
    filter_rows(slice, scratch, columns, &kernel);
}

/// `out[i]` = symmetric kernel over `padded` around `i + radius * stride`, in steps of `stride`.
fn filter_rows(out: &mut [f32], padded: &[f32], stride: usize, kernel: &[f32]) {
    let centre = (kernel.len() - 1) * stride;
    let n = out.len();
    for (grey, value) in out.iter_mut().zip(&padded[centre..centre + n]) {
        *grey = value * kernel[0];
    }
    for (k, weight) in kernel.iter().enumerate().skip(1) {
        let (before, after) = (centre - k * stride, centre + k * stride);
        let pairs = padded[before..before + n].iter().zip(&padded[after..after + n]);
        for (grey, (a, b)) in out.iter_mut().zip(pairs) {
            *grey += (a + b) * weight;
        }
    }
}
