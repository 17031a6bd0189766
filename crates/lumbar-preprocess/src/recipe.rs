//! A sample's pixels: from the slices of a stack to a `[depth, rows, columns]` block of grey levels.

use crate::resample::{Level, Pixels, Region, Resampling, Scratch, resample};
use crate::{Filter, MirrorOp, Orientation, Padding, PreprocessError, ValueMap};
use lumbar_core::{ImagePlane, PixelPoint, Point};
use serde::{Deserialize, Serialize};

/// What part of a slice a sample shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// A square of this many mm around the target.
    CropMm(f64),
    /// The whole slice, squeezed to the output shape whatever its spacing: the baseline's way, for comparison. One
    /// image then carries the conflicting labels of all targets marked on it.
    WholeSlice,
}

/// How the pixels of a sample are made.
///
/// # Order of operations
/// 1. slices are picked around the target's slice ([`mini_stack`](crate::stack::mini_stack));
/// 2. each picked slice is cropped around the foot of the perpendicular from the *same patient point*, so that slices
///    of another matrix, spacing or origin still show the same tissue;
/// 3. pixels become grey levels through the slice's [`ValueMap`] (window, clipping, polarity);
/// 4. the crop is resampled by `filter`, outside the slice counting as `padding`;
/// 5. it is turned canonically: sagittal anterior left and head up, axial patient right at image left and anterior up;
/// 6. levels are rounded, once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Part of the slice shown.
    pub extent: Extent,
    /// `[rows, columns]` of each slice of the sample.
    pub shape: [usize; 2],
    /// Resampling filter.
    pub filter: Filter,
    /// What lies outside a slice.
    pub padding: Padding,
}

/// A slice and how its values become grey levels.
#[derive(Debug, Clone, Copy)]
pub struct SliceView<'a> {
    /// Where the slice lies.
    pub plane: &'a ImagePlane,
    /// Its pixels, in the plane's rows and columns.
    pub pixels: Pixels<'a>,
    /// From pixel values to grey levels.
    pub map: ValueMap,
}

/// Where a sample came to lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// The target's place on the stored central slice.
    pub pixel: PixelPoint,
    /// Distance of the target from the central slice along its normal, mm.
    pub off_plane_mm: f64,
    /// Share of the central crop that lies on the slice, 0 to 1.
    pub share_inside: f64,
    /// mm per output pixel, `[down, right]`.
    pub spacing_mm: [f64; 2],
    /// What a left-right mirror does to the sample; `None` for stacks too oblique to mirror.
    pub mirror: Option<MirrorOp>,
}

impl Recipe {
    /// Makes the pixels of one sample: `stack` holds the picked slices in order, `target` is the patient point.
    ///
    /// `out` holds `[stack.len(), rows, columns]` levels.
    ///
    /// # Errors
    /// [`PreprocessError`] if lengths disagree or the crop is absurd.
    pub fn render<L: Level>(
        &self,
        stack: &[SliceView<'_>],
        target: Point,
        (out, scratch): (&mut [L], &mut Scratch),
    ) -> Result<(), PreprocessError> {
        let slice_len = self.shape[0] * self.shape[1];
        PreprocessError::check_length("sample", stack.len() * slice_len, out.len())?;
        let mut done: Option<(*const u16, usize)> = None;
        for (k, view) in stack.iter().enumerate() {
            // A repeated slice (end or gap) is copied, not made again.
            let key = view.pixels.values().as_ptr();
            if let Some((_, at)) = done.filter(|(pointer, _)| std::ptr::eq(*pointer, key)) {
                out.copy_within(at * slice_len..(at + 1) * slice_len, k * slice_len);
                continue;
            }
            let how = Resampling {
                filter: self.filter,
                padding: self.padding,
                orientation: Orientation::canonical(view.plane),
                shape: self.shape,
            };
            let region = self.region(view.plane, target);
            let slot = &mut out[k * slice_len..(k + 1) * slice_len];
            resample(view.pixels, &view.map, region, &how, (slot, scratch))?;
            done = Some((key, k));
        }
        Ok(())
    }

    /// Where a sample around `target` lies on its central slice.
    pub fn place(&self, plane: &ImagePlane, target: Point) -> Placed {
        let seen = plane.patient_to_pixel(target);
        let region = self.region(plane, target);
        let orientation = Orientation::canonical(plane);
        let [rows, columns] = self.shape;
        let (stored_rows, stored_columns) = if orientation.transpose {
            (columns, rows)
        } else {
            (rows, columns)
        };
        let down = (region.bottom - region.top) * plane.spacing().row_mm / stored_rows as f64;
        let right = (region.right - region.left) * plane.spacing().column_mm / stored_columns as f64;
        Placed {
            pixel: seen.pixel,
            off_plane_mm: seen.off_plane_mm,
            share_inside: region.share_inside(shape_of(plane)),
            spacing_mm: if orientation.transpose {
                [right, down]
            } else {
                [down, right]
            },
            mirror: MirrorOp::of(plane, orientation).ok(),
        }
    }

    fn region(&self, plane: &ImagePlane, target: Point) -> Region {
        match self.extent {
            Extent::CropMm(size_mm) => Region::around(plane, plane.patient_to_pixel(target).pixel, size_mm),
            Extent::WholeSlice => Region::whole(shape_of(plane)),
        }
    }
}

fn shape_of(plane: &ImagePlane) -> [usize; 2] {
    [plane.rows() as usize, plane.columns() as usize]
}

/// Blanks the central square of each slice (a control: what can be graded from the surroundings alone?).
///
/// `centre_mm` is the side of the square, `spacing_mm` the mm per pixel `[down, right]` of the stack.
///
/// # Errors
/// [`PreprocessError::WrongLength`] if the stack does not have its shape.
pub fn blank_centre<T: Copy>(
    stack: &mut [T],
    shape: [usize; 3],
    (centre_mm, spacing_mm): (f64, [f64; 2]),
    fill: T,
) -> Result<(), PreprocessError> {
    let [depth, rows, columns] = shape;
    PreprocessError::check_length("stack", depth * rows * columns, stack.len())?;
    let span = |n: usize, pixel_mm: f64| {
        let half = centre_mm / pixel_mm / 2.0;
        let middle = n as f64 / 2.0;
        let begin = (middle - half).floor().max(0.0) as usize;
        let end = ((middle + half).ceil().max(0.0) as usize).min(n);
        begin.min(end)..end
    };
    let (down, right) = (span(rows, spacing_mm[0]), span(columns, spacing_mm[1]));
    if rows * columns == 0 {
        return Ok(());
    }
    for slice in stack.chunks_exact_mut(rows * columns) {
        for row in down.clone() {
            slice[row * columns + right.start..row * columns + right.end].fill(fill);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_core::{PixelSpacing, Vector};

    fn plane(
        origin: Point,
        axes: [[f64; 3]; 2],
        [row_mm, column_mm]: [f64; 2],
        shape: [u32; 2],
    ) -> ImagePlane {
        let vector = |v: [f64; 3]| Vector::new(v[0], v[1], v[2]);
        ImagePlane::new(
            origin,
            [vector(axes[0]), vector(axes[1])],
            PixelSpacing { row_mm, column_mm },
            shape,
        )
        .unwrap()
    }

    /// A smooth picture fixed in the patient, seen by any plane.
    fn paint(plane: &ImagePlane) -> Vec<u16> {
        let mut pixels = Vec::new();
        for row in 0..plane.rows() {
            for column in 0..plane.columns() {
                let p = plane.pixel_to_patient(PixelPoint::new(f64::from(column), f64::from(row)));
                let value =
                    0.5 + 0.2 * (p.y / 9.0).sin() + 0.15 * (p.z / 7.0).cos() + 0.1 * (p.x / 11.0 + 0.3).sin();
                pixels.push((value * 60_000.0) as u16);
            }
        }
        pixels
    }

    fn render(plane: &ImagePlane, target: Point) -> Vec<u8> {
        let pixels = paint(plane);
        let shape = [plane.rows() as usize, plane.columns() as usize];
        let view = SliceView {
            plane,
            pixels: Pixels::new(&pixels, shape).unwrap(),
            map: ValueMap::full_range(),
        };
        let recipe = Recipe {
            extent: Extent::CropMm(40.0),
            shape: [32, 32],
            filter: Filter::Area,
            padding: Padding::Zero,
        };
        let mut out = vec![0u8; 32 * 32];
        recipe
            .render(&[view], target, (&mut out, &mut Scratch::default()))
            .unwrap();
        out
    }

    /// The same patient seen through matrices of other spacing, direction and origin gives the same crop.
    #[test]
    fn a_crop_shows_the_patient_not_the_matrix() {
        let target = Point::new(2.0, 5.3, -11.7);
        let head_up = plane(
            Point::new(2.0, -60.0, 60.0),
            [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]],
            [0.5, 0.5],
            [280, 280],
        );
        let others = [
            // Rows and columns of different spacing, both running backwards.
            plane(
                Point::new(2.0, 70.0, -80.0),
                [[0.0, -1.0, 0.0], [0.0, 0.0, 1.0]],
                [0.4, 0.7],
                [350, 190],
            ),
            // Transposed.
            plane(
                Point::new(2.0, -60.0, 60.0),
                [[0.0, 0.0, -1.0], [0.0, 1.0, 0.0]],
                [0.6, 0.45],
                [220, 300],
            ),
        ];
        let expected = render(&head_up, target);
        for other in others {
            let found = render(&other, target);
            let worst = expected.iter().zip(&found).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(2), "{worst:?}");
        }
    }

    /// Rendering the mirrored patient equals mirroring the rendered crop, for row cosines of either sign.
    #[test]
    fn mirroring_the_patient_equals_mirroring_the_crop() {
        for sign in [1.0, -1.0] {
            let axial = plane(
                Point::new(-45.0 * sign, -50.0, 3.0),
                [[sign, 0.0, 0.0], [0.0, 0.96, -0.28]],
                [0.5, 0.5],
                [180, 181],
            );
            let left = axial.pixel_to_patient(PixelPoint::new(110.25, 77.5));
            let pixels = paint(&axial);
            // The mirrored patient: x -> -x, so each row of this symmetric field of view runs backwards.
            let mirrored: Vec<u16> = pixels
                .chunks(181)
                .flat_map(|row| row.iter().rev().copied())
                .collect();
            let right = Point::new(-left.x, left.y, left.z);
            let recipe = Recipe {
                extent: Extent::CropMm(30.0),
                shape: [24, 24],
                filter: Filter::Area,
                padding: Padding::Zero,
            };
            let crop = |values: &[u16], target: Point| {
                let view = SliceView {
                    plane: &axial,
                    pixels: Pixels::new(values, [180, 181]).unwrap(),
                    map: ValueMap::full_range(),
                };
                let mut out = vec![0u16; 24 * 24];
                recipe
                    .render(&[view], target, (&mut out, &mut Scratch::default()))
                    .unwrap();
                out
            };
            let mut flipped = crop(&pixels, left);
            recipe
                .place(&axial, left)
                .mirror
                .unwrap()
                .apply(&mut flipped, [1, 24, 24])
                .unwrap();
            let expected = crop(&mirrored, right);
            let worst = flipped.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(1), "{worst:?}");
        }
    }

    #[test]
    fn placement_says_where_and_how_coarse() {
        let sagittal = plane(
            Point::new(3.0, -40.0, 50.0),
            [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]],
            [0.5, 0.25],
            [200, 320],
        );
        let recipe = Recipe {
            extent: Extent::CropMm(45.0),
            shape: [64, 96],
            filter: Filter::Area,
            padding: Padding::Zero,
        };
        let placed = recipe.place(&sagittal, Point::new(5.0, -40.0, 0.0));
        assert_eq!((placed.pixel.column, placed.pixel.row), (0.0, 100.0));
        assert!((placed.off_plane_mm.abs() - 2.0).abs() < 1e-9);
        assert!((placed.share_inside - 0.5).abs() < 0.01);
        assert!(
            (placed.spacing_mm[0] - 45.0 / 64.0).abs() < 1e-12
                && (placed.spacing_mm[1] - 45.0 / 96.0).abs() < 1e-12
        );
        assert_eq!(placed.mirror, Some(MirrorOp::ReverseDepth));
        let whole = Recipe {
            extent: Extent::WholeSlice,
            ..recipe
        }
        .place(&sagittal, Point::new(3.0, 0.0, 0.0));
        assert_eq!(
            (whole.share_inside, whole.spacing_mm),
            (1.0, [100.0 / 64.0, 80.0 / 96.0])
        );
    }

    #[test]
    fn the_centre_is_blanked_and_nothing_else() {
        let mut stack = vec![1u8; 2 * 10 * 10];
        blank_centre(&mut stack, [2, 10, 10], (4.0, [1.0, 2.0]), 0).unwrap();
        assert_eq!(stack.iter().filter(|v| **v == 0).count(), 2 * 4 * 2);
        assert_eq!(stack[4 * 10 + 4], 0);
        blank_centre(&mut stack, [2, 10, 10], (1e9, [1.0, 1.0]), 7).unwrap();
        assert!(stack.iter().all(|v| *v == 7));
    }
}
