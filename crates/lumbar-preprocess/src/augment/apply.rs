//! Applying drawn changes in two passes: geometry and grey curve, then blur, bias field, noise and clipping row by row.

use super::blur::Blur;
use super::finish::Finish;
use super::noise::Noise;
use super::warp::{RowPlan, UNIT};
use super::{Changes, curve};
use crate::PreprocessError;

/// Memory reused from sample to sample.
#[derive(Debug, Default, Clone)]
pub struct AugmentScratch {
    /// Each slice as [`curve::pairs`] lays it out.
    pairs: Vec<u32>,
    plan: RowPlan,
    /// The sample between geometry and blur.
    sharp: Vec<f32>,
    blur: Blur,
    finish: Finish,
}

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
        PreprocessError::check_length("sample", depth * rows * columns, pixels.len())?;
        PreprocessError::check_length("augmented sample", depth * rows * columns, out.len())?;
        PreprocessError::check_length("drawn slices", self.places.depth, depth)?;
        if out.is_empty() {
            return Ok(());
        }
        let blurs = scratch.blur.prepare(self.blur_px);
        let sharp = if blurs {
            scratch.sharp.resize(out.len(), 0.0);
            &mut scratch.sharp[..]
        } else {
            &mut *out
        };
        let unit = if self.warp.is_identity() {
            self.redraw(pixels, shape, sharp);
            1.0
        } else {
            self.warp(pixels, shape, (&mut scratch.pairs, &mut scratch.plan, sharp));
            UNIT
        };
        scratch.finish.prepare([rows, columns], (self.bias, unit));
        let mut noise = Noise::new(self.noise, self.noise_seed);
        for (place, slice) in out.chunks_exact_mut(rows * columns).enumerate() {
            let start = place * rows * columns;
            for (r, row) in slice.chunks_exact_mut(columns).enumerate() {
                if blurs {
                    let sharp = &scratch.sharp[start..start + rows * columns];
                    scratch.blur.row(sharp, r, row);
                }
                scratch.finish.row(r, &mut noise, row);
            }
        }
        Ok(())
    }

    /// The grey curve alone.
    fn redraw(&self, pixels: &[u8], [_, rows, columns]: [usize; 3], out: &mut [f32]) {
        let table = self.curve.table();
        for (place, grey) in out.chunks_exact_mut(rows * columns).enumerate() {
            match self.places.slice(place) {
                Some(slice) => {
                    let levels = &pixels[slice * rows * columns..(slice + 1) * rows * columns];
                    for (level, grey) in levels.iter().zip(grey) {
                        *grey = table[usize::from(*level)];
                    }
                }
                None => grey.fill(0.0),
            }
        }
    }

    /// The grey curve and the geometry. Grey levels come out as multiples of [`UNIT`].
    fn warp(
        &self,
        pixels: &[u8],
        [depth, rows, columns]: [usize; 3],
        (pairs, plan, out): (&mut Vec<u32>, &mut RowPlan, &mut [f32]),
    ) {
        let table = self.curve.wide_table();
        let (slice_len, pairs_len) = (rows * columns, (rows + 1) * columns);
        pairs.resize(depth * pairs_len, 0);
        for (place, pairs) in pairs.chunks_exact_mut(pairs_len).enumerate() {
            match self.places.slice(place) {
                Some(slice) => {
                    let levels = &pixels[slice * slice_len..(slice + 1) * slice_len];
                    curve::pairs(levels, columns, &table, pairs);
                }
                None => pairs.fill(0),
            }
        }
        for row in 0..rows {
            // Where a row looks is worked out once for all slices.
            plan.prepare(&self.warp, [rows, columns], row);
            for place in 0..depth {
                let start = place * slice_len + row * columns;
                let source = &pairs[place * pairs_len..(place + 1) * pairs_len];
                plan.sample(source, &mut out[start..start + columns]);
            }
        }
    }
}
