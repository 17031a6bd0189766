//! Crop, turn and resample one slice in a single pass.

use crate::filter::{Axis, AxisWeights};
use crate::fixed::{Clip, FixedMemory, FixedStrips};
use crate::simd;
use crate::strips::{StripMemory, Strips};
use crate::{Filter, Orientation, Padding, PreprocessError, ValueMap};
use lumbar_core::{ImagePlane, PixelPoint};

/// One slice as stored: row-major 16-bit pixels (signed ones moved up by 32,768).
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    values: &'a [u16],
    rows: usize,
    columns: usize,
}

impl<'a> Pixels<'a> {
    /// Pixels of `[rows, columns]`.
    ///
    /// # Errors
    /// [`PreprocessError::WrongLength`] if `values` is not rows x columns long, or empty.
    pub fn new(values: &'a [u16], [rows, columns]: [usize; 2]) -> Result<Pixels<'a>, PreprocessError> {
        let expected = rows.saturating_mul(columns).max(1);
        PreprocessError::check_length("slice", expected, values.len())?;
        Ok(Pixels {
            values,
            rows,
            columns,
        })
    }

    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &'a [u16] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Row-major values.
    pub fn values(&self) -> &'a [u16] {
        self.values
    }
}

/// A rectangle on a stored image, in edge coordinates: pixel `j` covers `j..j + 1`, so the whole image is
/// `0..columns` by `0..rows`. It may reach beyond the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Left border, columns.
    pub left: f64,
    /// Upper border, rows.
    pub top: f64,
    /// Right border, columns.
    pub right: f64,
    /// Lower border, rows.
    pub bottom: f64,
}

impl Region {
    /// The whole image.
    pub fn whole([rows, columns]: [usize; 2]) -> Region {
        Region {
            left: 0.0,
            top: 0.0,
            right: columns as f64,
            bottom: rows as f64,
        }
    }

    /// A square of `size_mm` around a pixel position, by the plane's own spacing along each axis.
    pub fn around(plane: &ImagePlane, centre: PixelPoint, size_mm: f64) -> Region {
        let half_columns = size_mm / plane.spacing().column_mm / 2.0;
        let half_rows = size_mm / plane.spacing().row_mm / 2.0;
        // Pixel centres lie half a pixel inside their left and upper edges.
        let (x, y) = (centre.column + 0.5, centre.row + 0.5);
        Region {
            left: x - half_columns,
            top: y - half_rows,
            right: x + half_columns,
            bottom: y + half_rows,
        }
    }

    /// Share of the rectangle that lies on an image of `[rows, columns]`, 0 to 1.
    pub fn share_inside(&self, [rows, columns]: [usize; 2]) -> f64 {
        let overlap =
            |from: f64, to: f64, n: usize| (to.min(n as f64) - from.max(0.0)).max(0.0) / (to - from);
        overlap(self.left, self.right, columns) * overlap(self.top, self.bottom, rows)
    }

    fn check(&self) -> Result<(), PreprocessError> {
        // Far beyond any image, and small enough for exact arithmetic on pixel indices.
        const FAR: f64 = 1e6;
        let sides = [self.left, self.top, self.right, self.bottom];
        if sides.iter().all(|side| side.abs() < FAR) && self.left < self.right && self.top < self.bottom {
            return Ok(());
        }
        Err(PreprocessError::parameter(
            "region",
            format_args!("{sides:?}"),
            "left < right and top < bottom, within a million pixels",
        ))
    }
}

/// How a region becomes an image of fixed size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// Filter.
    pub filter: Filter,
    /// What lies outside the slice.
    pub padding: Padding,
    /// How the slice is turned; [`Resampling::shape`] is the shape after turning.
    pub orientation: Orientation,
    /// `[rows, columns]` of the result.
    pub shape: [usize; 2],
}

/// A grey level as it is kept: 8 or 16 bits, rounded once (halves to the even level).
pub trait Level: Copy + Default + Send + Sync + 'static {
    /// The nearest level to a grey value between 0 (black) and 1 (white); values outside are clipped.
    fn from_grey(grey: f32) -> Self;

    /// The same levels as bytes, if they are: 16-bit whole numbers are fine enough for them.
    #[doc(hidden)]
    fn as_bytes(levels: &mut [Self]) -> Option<&mut [u8]> {
        let _ = levels;
        None
    }
}

impl Level for u8 {
    #[inline(always)]
    fn from_grey(grey: f32) -> u8 {
        round_below_2_to_23((grey * 255.0).clamp(0.0, 255.0)) as u8
    }

    fn as_bytes(levels: &mut [u8]) -> Option<&mut [u8]> {
        Some(levels)
    }
}

impl Level for u16 {
    #[inline(always)]
    fn from_grey(grey: f32) -> u16 {
        round_below_2_to_23((grey * 65_535.0).clamp(0.0, 65_535.0)) as u16
    }
}

/// The nearest whole number, the even one of two. `as` compiles to one scalar instruction a value: it saturates, and
/// that keeps LLVM from using vectors. Beside 2^23 the last bit of an `f32` counts ones.
#[inline(always)]
fn round_below_2_to_23(value: f32) -> u32 {
    (value + 8_388_608.0).to_bits() & 0x7F_FFFF
}

/// Memory that is reused from slice to slice.
#[derive(Debug, Default, Clone)]
pub struct Scratch {
    horizontal: AxisWeights,
    vertical: AxisWeights,
    strips: StripMemory,
    fixed: FixedMemory,
}

/// Resamples a region of a slice.
///
/// # Order of operations
/// 1. each source pixel becomes a grey level through `map` (window, clipping, polarity);
/// 2. columns of the region are filtered down the rows, then along them, outside pixels counting as `padding`;
/// 3. the result is turned by `orientation` (transpose, then flips);
/// 4. levels are rounded, once.
///
/// Sums run over source pixels in ascending order in `f32` without fused operations, so the bytes do not depend on
/// the instruction set. Where the result has 8 bits, no weight is negative and at most eight pixels along each axis make one, sums are
/// of whole numbers instead, from 128 to 257 to a level: before rounding they lie within an eighth of a level of the exact value,
/// commonly within a fiftieth.
///
/// # Errors
/// [`PreprocessError`] if `out` does not hold `shape` values or the region is empty or absurd.
pub fn resample<L: Level>(
    slice: Pixels<'_>,
    map: &ValueMap,
    region: Region,
    how: &Resampling,
    to: (&mut [L], &mut Scratch),
) -> Result<(), PreprocessError> {
    resample_at(simd::Level::best(), slice, map, (region, how), to)
}

fn resample_at<L: Level>(
    level: simd::Level,
    slice: Pixels<'_>,
    map: &ValueMap,
    (region, how): (Region, &Resampling),
    (out, scratch): (&mut [L], &mut Scratch),
) -> Result<(), PreprocessError> {
    region.check()?;
    let [rows, columns] = how.shape;
    PreprocessError::check_length("resampled slice", rows * columns, out.len())?;
    // Shape before turning.
    let [stored_rows, stored_columns] = if how.orientation.transpose {
        [columns, rows]
    } else {
        [rows, columns]
    };
    scratch.horizontal.fill(
        Axis {
            start: region.left,
            end: region.right,
            n_source: slice.columns,
            n_output: stored_columns,
        },
        how.filter,
        how.padding,
    );
    scratch.vertical.fill(
        Axis {
            start: region.top,
            end: region.bottom,
            n_source: slice.rows,
            n_output: stored_rows,
        },
        how.filter,
        how.padding,
    );
    let Some((first, last)) = scratch.horizontal.source_range() else {
        out.fill(L::from_grey(0.0));
        return Ok(());
    };
    scratch.horizontal.pack(first);
    let placement = Placement::new(how);
    if let Some(clip) = Clip::new(map)
        && FixedStrips::<()>::can_take(&scratch.vertical, &scratch.horizontal)
        && let Some(out) = L::as_bytes(out)
    {
        level.run_words(FixedStrips {
            slice,
            clip,
            columns: first..last,
            vertical: &scratch.vertical,
            horizontal: &scratch.horizontal,
            memory: &mut scratch.fixed,
            take: |row, levels: &[u8]| placement.put(row, levels, out, |level| level),
        });
        return Ok(());
    }
    let strips = Strips {
        slice,
        map,
        columns: first..last,
        vertical: &scratch.vertical,
        horizontal: &scratch.horizontal,
        memory: &mut scratch.strips,
        take: |row, greys: &[f32]| placement.put(row, greys, out, L::from_grey),
    };
    level.run(strips);
    Ok(())
}

/// Where a pixel before turning lands after it: `start + row_step * row + column_step * column`.
struct Placement {
    start: isize,
    row_step: isize,
    column_step: isize,
}

impl Placement {
    fn new(how: &Resampling) -> Placement {
        let [rows, columns] = how.shape;
        let (mut down, mut right) = (columns as isize, 1isize);
        let mut start = 0;
        if how.orientation.flip_rows {
            start += down * (rows as isize - 1);
            down = -down;
        }
        if how.orientation.flip_columns {
            start += columns as isize - 1;
            right = -right;
        }
        if how.orientation.transpose {
            std::mem::swap(&mut down, &mut right);
        }
        Placement {
            start,
            row_step: down,
            column_step: right,
        }
    }

    #[inline(always)]
    fn put<T: Copy, L>(&self, row: usize, values: &[T], out: &mut [L], to_level: impl Fn(T) -> L) {
        let start = self.start + self.row_step * row as isize;
        if self.column_step == 1 {
            let start = start as usize;
            for (out, value) in out[start..start + values.len()].iter_mut().zip(values) {
                *out = to_level(*value);
            }
            return;
        }
        for (column, value) in values.iter().enumerate() {
            out[(start + self.column_step * column as isize) as usize] = to_level(*value);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
