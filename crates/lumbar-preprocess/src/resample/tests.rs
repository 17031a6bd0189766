//! Resampling against its definition, another implementation, and itself turned.

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
