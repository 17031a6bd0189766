//! What the benchmarks share: slices to work on, and the road from a file to a normalised picture.

use anyhow::Context;
use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use lumbar_dicom::{Limits, MrImage, read_frame};
use lumbar_preprocess::{
    Filter, Histogram, Orientation, Padding, Pixels, Polarity, Region, Resampling, Scratch, ValueMap,
    resample, slice_percentiles,
};
use std::path::Path;

/// Rows and columns of the slices measured: the commonest matrices of lumbar MRI.
pub const SIZES: [usize; 5] = [320, 384, 448, 512, 640];

/// Rows and columns of the normalised picture.
pub const OUTPUT: usize = 256;

/// From a file to a picture of [`OUTPUT`] rows and columns, with the memory it reuses.
///
/// Percentiles 1 to 99 of the slice become black and white, values outside are clipped, the `area` filter shrinks what
/// is left, and levels are rounded to 8 bits once.
#[derive(Debug, Default)]
pub struct Road {
    limits: Limits,
    histogram: Histogram,
    scratch: Scratch,
}

impl Road {
    /// Reads frame 0 of the file at `path` into `out`.
    ///
    /// # Errors
    /// What reading and preparing give; slices that are not 16 bits unsigned are refused.
    pub fn picture(&mut self, path: &Path, out: &mut [u8]) -> anyhow::Result<()> {
        let image = read_frame(path, 0, &self.limits)?;
        let values = image
            .pixels
            .frame(0)?
            .as_u16()
            .context("expected unsigned 16-bit pixels")?;
        let shape = [image.pixels.rows() as usize, image.pixels.columns() as usize];
        let map = self.map(values)?;
        self.resize(values, shape, &map, out)
    }

    /// The map from percentiles of a slice.
    ///
    /// # Errors
    /// As [`slice_percentiles`].
    pub fn map(&mut self, values: &[u16]) -> anyhow::Result<ValueMap> {
        let [low, high] = slice_percentiles(values, [1.0, 99.0], &mut self.histogram)?;
        Ok(ValueMap::between(low, high, Polarity::Bright))
    }

    /// Clips, shrinks and rounds a slice.
    ///
    /// # Errors
    /// As [`resample`](fn@resample).
    pub fn resize(
        &mut self,
        values: &[u16],
        shape: [usize; 2],
        map: &ValueMap,
        out: &mut [u8],
    ) -> anyhow::Result<()> {
        let how = Resampling {
            filter: Filter::Area,
            padding: Padding::Zero,
            orientation: Orientation::AS_STORED,
            shape: [OUTPUT, OUTPUT],
        };
        let pixels = Pixels::new(values, shape)?;
        Ok(resample(
            pixels,
            map,
            Region::whole(shape),
            &how,
            (out, &mut self.scratch),
        )?)
    }
}

/// Pixels like those of a sagittal slice: a third air with its noise, the rest smooth with noise, 12 bits.
pub fn pixels(size: usize) -> Vec<u16> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Four bytes summed: nearly a bell, mean 0, deviation 148.
        let sum: i64 = (0..4).map(|i| (state >> (8 * i) & 0xFF) as i64).sum();
        sum as f64 - 510.0
    };
    let body =
        |x: f64, y: f64| 900.0 + 500.0 * (x * 21.0).sin() * (y * 34.0).cos() + 300.0 * (y * 90.0).sin();
    let mut out = Vec::with_capacity(size * size);
    for row in 0..size {
        for column in 0..size {
            let (x, y) = (column as f64 / size as f64, row as f64 / size as f64);
            let value = if x < 0.3 {
                (noise() * 0.05).abs()
            } else {
                body(x, y) + noise() * 0.12
            };
            out.push(value.clamp(0.0, 4095.0) as u16);
        }
    }
    out
}

/// A slice of `size` rows and columns, 12 bits in 16.
///
/// # Errors
/// None in fact: the plane is valid.
pub fn slice(size: usize, instance_number: i32) -> anyhow::Result<MrImage> {
    let spacing_mm = 280.0 / size as f64;
    let plane = ImagePlane::new(
        Point::new(4.0 * f64::from(instance_number), -140.0, 140.0),
        [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
        PixelSpacing {
            row_mm: spacing_mm,
            column_mm: spacing_mm,
        },
        [size as u32, size as u32],
    )?;
    let uids = ["2.25.7", "2.25.7.1", &format!("2.25.7.1.{instance_number}")];
    Ok(MrImage {
        frame_of_reference_uid: Some("2.25.7.9".to_owned()),
        instance_number,
        bits_stored: 12,
        ..MrImage::new(uids, plane, pixels(size))
    })
}
