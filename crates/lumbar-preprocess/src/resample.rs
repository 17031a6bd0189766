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
pub(crate) mod tests {
    use super::*;
    use crate::Polarity;
    use fast_image_resize as fir;
    use proptest::prelude::*;

    fn run<L: Level>(values: &[u16], source: [usize; 2], region: Region, how: Resampling) -> Vec<L> {
        let mut out = vec![L::default(); how.shape[0] * how.shape[1]];
        let mut scratch = Scratch::default();
        let pixels = Pixels::new(values, source).unwrap();
        resample(
            pixels,
            &ValueMap::full_range(),
            region,
            &how,
            (&mut out, &mut scratch),
        )
        .unwrap();
        out
    }

    fn how(filter: Filter, shape: [usize; 2]) -> Resampling {
        Resampling {
            filter,
            padding: Padding::Edge,
            orientation: Orientation::AS_STORED,
            shape,
        }
    }

    /// The definition of area, pixel by pixel in f64: of a slice of `[rows, columns]` with 0 around it.
    pub(crate) fn area_by_definition(
        value: impl Fn(usize) -> f64,
        [rows, columns]: [usize; 2],
        region: Region,
        shape: [usize; 2],
    ) -> Vec<f64> {
        let overlap = |a: f64, b: f64, j: i64| (b.min((j + 1) as f64) - a.max(j as f64)).max(0.0);
        let (dy, dx) = (
            (region.bottom - region.top) / shape[0] as f64,
            (region.right - region.left) / shape[1] as f64,
        );
        let mut out = Vec::new();
        for i in 0..shape[0] {
            for j in 0..shape[1] {
                let (y0, x0) = (region.top + dy * i as f64, region.left + dx * j as f64);
                let mut sum = 0.0;
                for r in 0..rows {
                    for c in 0..columns {
                        sum += value(r * columns + c)
                            * overlap(y0, y0 + dy, r as i64)
                            * overlap(x0, x0 + dx, c as i64);
                    }
                }
                out.push(sum / dy / dx);
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn area_is_the_mean_of_what_is_covered(
            rows in 1usize..14, columns in 1usize..14, out_rows in 1usize..9, out_columns in 1usize..9,
            left in -4.0f64..6.0, top in -4.0f64..6.0, width in 0.7f64..15.0, height in 0.7f64..15.0, seed in any::<u32>(),
        ) {
            let values: Vec<u16> = (0..rows * columns)
                .map(|i| (seed.wrapping_mul(2_654_435_761).wrapping_add(i as u32 * 40_503)) as u16).collect();
            let region = Region { left, top, right: left + width, bottom: top + height };
            let mut resampling = how(Filter::Area, [out_rows, out_columns]);
            resampling.padding = Padding::Zero;
            let found: Vec<u16> = run(&values, [rows, columns], region, resampling);
            let expected = area_by_definition(|at| f64::from(values[at]), [rows, columns], region, [out_rows, out_columns]);
            for (f, e) in found.iter().zip(&expected) {
                prop_assert!((f64::from(*f) - e).abs() <= 1.0, "{} {}", f, e);
            }
        }

        #[test]
        fn a_constant_stays_constant(filter in prop::sample::select(Filter::ALL.to_vec()), value in any::<u16>(),
                                     shape in prop::array::uniform2(1usize..40), source in prop::array::uniform2(1usize..40)) {
            let values = vec![value; source[0] * source[1]];
            let out: Vec<u16> = run(&values, source, Region::whole(source), how(filter, shape));
            prop_assert!(out.iter().all(|v| v.abs_diff(value) <= 1));
        }

        #[test]
        fn bytes_do_not_depend_on_the_instruction_set(
            shape in prop::array::uniform2(1usize..40), source in prop::array::uniform2(1usize..60),
            filter in prop::sample::select(Filter::ALL.to_vec()), seed in any::<u32>(), low in 0.0f64..40_000.0,
            left in -4.0f64..6.0, reach in 0.5f64..70.0, transpose in any::<bool>(), flip_columns in any::<bool>(),
        ) {
            let values: Vec<u16> = (0..source[0] * source[1])
                .map(|i| (seed.wrapping_mul(2_654_435_761).wrapping_add(((i * i) as u32).wrapping_mul(40_503))) as u16).collect();
            let map = ValueMap::between(low, low + 20_000.0, Polarity::Bright);
            let region = Region { left, top: -left, right: left + reach, bottom: reach - left };
            let mut how = how(filter, shape);
            how.orientation = Orientation { transpose, flip_columns, flip_rows: false };
            fn run<L: Level>(level: simd::Level, slice: Pixels<'_>, map: &ValueMap, how: (Region, &Resampling)) -> Vec<L> {
                let mut out = vec![L::default(); how.1.shape[0] * how.1.shape[1]];
                resample_at(level, slice, map, how, (&mut out, &mut Scratch::default())).unwrap();
                out
            }
            let (slice, how) = (Pixels::new(&values, source).unwrap(), (region, &how));
            let [plain, best] = [simd::Level::Baseline, simd::Level::best()];
            prop_assert_eq!(run::<u16>(plain, slice, &map, how), run::<u16>(best, slice, &map, how));
            prop_assert_eq!(run::<u8>(plain, slice, &map, how), run::<u8>(best, slice, &map, how));
        }

        #[test]
        fn turning_before_equals_turning_after(
            transpose in any::<bool>(), flip_columns in any::<bool>(), flip_rows in any::<bool>(),
        ) {
            let source = [7, 5];
            let values: Vec<u16> = (0..35).map(|i| i * 1800).collect();
            let orientation = Orientation { transpose, flip_columns, flip_rows };
            let stored = how(Filter::Area, [6, 4]);
            let plain: Vec<u16> = run(&values, source, Region::whole(source), stored);
            let shape = if transpose { [4, 6] } else { [6, 4] };
            let turned: Vec<u16> = run(&values, source, Region::whole(source), Resampling { orientation, shape, ..stored });
            for r in 0..shape[0] {
                for c in 0..shape[1] {
                    let (r2, c2) = (if flip_rows { shape[0] - 1 - r } else { r }, if flip_columns { shape[1] - 1 - c } else { c });
                    let (sr, sc) = if transpose { (c2, r2) } else { (r2, c2) };
                    prop_assert_eq!(turned[r * shape[1] + c], plain[sr * 4 + sc]);
                }
            }
        }
    }

    /// A second implementation of the same filters agrees to a sixteenth of an 8-bit level (it works in fixed point).
    #[test]
    fn other_filters_agree_with_fast_image_resize() {
        use fir::{FilterType, ResizeAlg};
        let source = [61, 47];
        // Away from black and white, as fast_image_resize clips overshoot between its two passes.
        let values: Vec<u16> = (0..61 * 47u32)
            .map(|i| 22_000 + (i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 18) as u16)
            .collect();
        let pairs = [
            (Filter::Nearest, ResizeAlg::Nearest),
            (
                Filter::BilinearAntialias,
                ResizeAlg::Convolution(FilterType::Bilinear),
            ),
            (
                Filter::BilinearInterpolate,
                ResizeAlg::Interpolation(FilterType::Bilinear),
            ),
            (
                Filter::BicubicAntialias,
                ResizeAlg::Convolution(FilterType::CatmullRom),
            ),
            (
                Filter::BicubicInterpolate,
                ResizeAlg::Interpolation(FilterType::CatmullRom),
            ),
            (
                Filter::Lanczos3Antialias,
                ResizeAlg::Convolution(FilterType::Lanczos3),
            ),
            (
                Filter::Lanczos3Interpolate,
                ResizeAlg::Interpolation(FilterType::Lanczos3),
            ),
        ];
        for (filter, algorithm) in pairs {
            for shape in [[20, 30], [90, 64], [61, 17]] {
                let mut pixels: Vec<fir::pixels::U16> =
                    values.iter().map(|v| fir::pixels::U16::new(*v)).collect();
                let from = fir::images::TypedImage::from_pixels_slice(47, 61, &mut pixels).unwrap();
                let mut to = fir::images::TypedImage::new(shape[1] as u32, shape[0] as u32);
                let options = fir::ResizeOptions::new().resize_alg(algorithm);
                fir::Resizer::new()
                    .resize_typed(&from, &mut to, &options)
                    .unwrap();
                // Borders differ: there fast_image_resize drops outside taps, this one repeats the edge.
                let found: Vec<u16> = run(&values, source, Region::whole(source), how(filter, shape));
                let margin = |n: usize, i: usize| i >= n / 5 && i < n - n / 5;
                for r in (0..shape[0]).filter(|r| margin(shape[0], *r)) {
                    for c in (0..shape[1]).filter(|c| margin(shape[1], *c)) {
                        let (a, b) = (found[r * shape[1] + c], to.pixels()[r * shape[1] + c].0);
                        assert!(a.abs_diff(b) <= 16, "{filter:?} {shape:?} at {r},{c}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn levels_are_the_nearest_and_clipped() {
        for (grey, level) in [
            (0.0, 0),
            (0.5, 128),
            (1.0, 255),
            (-0.3, 0),
            (1.2, 255),
            (100.4 / 255.0, 100),
            (100.6 / 255.0, 101),
        ] {
            assert_eq!(<u8 as Level>::from_grey(grey), level, "{grey}");
        }
        for level in 0..=u16::MAX {
            assert_eq!(<u16 as Level>::from_grey(f32::from(level) / 65_535.0), level);
        }
    }

    #[test]
    fn crops_outside_the_image_are_padding() {
        let far = Region {
            left: 100.0,
            top: 0.0,
            right: 110.0,
            bottom: 10.0,
        };
        let mut resampling = how(Filter::Area, [3, 3]);
        resampling.padding = Padding::Zero;
        assert_eq!(run::<u8>(&[9999; 16], [4, 4], far, resampling), vec![0; 9]);
        assert_eq!(far.share_inside([4, 4]), 0.0);
        let half = Region {
            left: -2.0,
            top: 0.0,
            right: 2.0,
            bottom: 4.0,
        };
        assert_eq!(half.share_inside([4, 4]), 0.5);
        let absurd = Region {
            right: f64::NAN,
            ..far
        };
        let pixels = Pixels::new(&[0; 16], [4, 4]).unwrap();
        let error = resample::<u8>(
            pixels,
            &ValueMap::full_range(),
            absurd,
            &resampling,
            (&mut [0; 9], &mut Scratch::default()),
        );
        assert!(matches!(
            error,
            Err(PreprocessError::BadParameter { name: "region", .. })
        ));
    }

    #[test]
    fn a_region_in_mm_follows_each_axis_own_spacing() {
        use lumbar_core::{PixelSpacing, Point, Vector};
        let plane = ImagePlane::new(
            Point::new(0.0, 0.0, 0.0),
            [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 1.0, 0.0)],
            PixelSpacing {
                row_mm: 2.0,
                column_mm: 0.5,
            },
            [100, 100],
        )
        .unwrap();
        let region = Region::around(&plane, PixelPoint::new(50.0, 40.0), 10.0);
        assert_eq!(
            region,
            Region {
                left: 40.5,
                right: 60.5,
                top: 38.0,
                bottom: 43.0
            }
        );
    }

    #[test]
    fn monochrome1_is_inverted_but_padding_stays_black() {
        let map = ValueMap::between(0.0, 100.0, Polarity::Dark);
        let pixels = Pixels::new(&[0, 0, 100, 100], [2, 2]).unwrap();
        let mut out = [0u8; 4];
        let resampling = Resampling {
            padding: Padding::Zero,
            ..how(Filter::Area, [2, 2])
        };
        let region = Region {
            left: -2.0,
            top: 0.0,
            right: 2.0,
            bottom: 2.0,
        };
        resample(
            pixels,
            &map,
            region,
            &resampling,
            (&mut out, &mut Scratch::default()),
        )
        .unwrap();
        assert_eq!(out, [0, 255, 0, 0]);
    }
}
