//! Exchange of left and right, as one operation in patient space.

use crate::{Orientation, PreprocessError};
use lumbar_core::ImagePlane;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What exchanging patient left and right (x to -x about the mid-sagittal plane) does to a stack of crops
/// `[depth, rows, columns]`.
///
/// On a sagittal stack it reverses the slices and leaves each image alone; on axial slices it flips the in-plane axis
/// nearest patient x. Whoever applies it also takes [`Target::mirrored`](lumbar_core::Target::mirrored) and moves the
/// point: no other flip exchanges sides, and this one always does. Applied twice it is the identity.
///
/// ```
/// use lumbar_preprocess::MirrorOp;
/// let mut stack = [1u8, 2, 3, 4, 5, 6, 7, 8]; // two slices of 2 x 2
/// MirrorOp::ReverseDepth.apply(&mut stack, [2, 2, 2])?;
/// assert_eq!(stack, [5, 6, 7, 8, 1, 2, 3, 4]);
/// MirrorOp::FlipColumns.apply(&mut stack, [2, 2, 2])?;
/// assert_eq!(stack, [6, 5, 8, 7, 2, 1, 4, 3]);
/// # Ok::<(), lumbar_preprocess::PreprocessError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirrorOp {
    /// Slices in reverse order.
    ReverseDepth,
    /// Each row backwards.
    FlipColumns,
    /// Rows in reverse order.
    FlipRows,
}

impl MirrorOp {
    /// The operation for slices of a plane, once turned by `orientation`.
    ///
    /// # Errors
    /// [`PreprocessError::NoMirrorAxis`] if no axis lies within 45 degrees of patient x.
    pub fn of(plane: &ImagePlane, orientation: Orientation) -> Result<MirrorOp, PreprocessError> {
        let [right, down] = orientation.axes(plane);
        [
            (plane.normal(), MirrorOp::ReverseDepth),
            (right, MirrorOp::FlipColumns),
            (down, MirrorOp::FlipRows),
        ]
        .into_iter()
        .find(|(axis, _)| axis.x.abs() > std::f64::consts::FRAC_1_SQRT_2)
        .map(|(_, operation)| operation)
        .ok_or(PreprocessError::NoMirrorAxis)
    }

    /// Mirrors a stack in place.
    ///
    /// # Errors
    /// [`PreprocessError::WrongLength`] if the stack does not have its shape.
    pub fn apply<T>(self, stack: &mut [T], shape: [usize; 3]) -> Result<(), PreprocessError> {
        let [depth, rows, columns] = shape;
        let slice_len = rows * columns;
        PreprocessError::check_length("stack", depth * slice_len, stack.len())?;
        if slice_len == 0 {
            return Ok(());
        }
        match self {
            MirrorOp::ReverseDepth => reverse_blocks(stack, slice_len),
            MirrorOp::FlipRows => stack
                .chunks_exact_mut(slice_len)
                .for_each(|slice| reverse_blocks(slice, columns)),
            MirrorOp::FlipColumns => stack.chunks_exact_mut(columns).for_each(<[T]>::reverse),
        }
        Ok(())
    }

    /// Where a point of the stack, in pixels `[slice, row, column]`, lies after mirroring.
    pub fn apply_to_point(self, [slice, row, column]: [f64; 3], shape: [usize; 3]) -> [f64; 3] {
        let last = |n: usize| n as f64 - 1.0;
        match self {
            MirrorOp::ReverseDepth => [last(shape[0]) - slice, row, column],
            MirrorOp::FlipRows => [slice, last(shape[1]) - row, column],
            MirrorOp::FlipColumns => [slice, row, last(shape[2]) - column],
        }
    }

    /// `reverse_depth`, `flip_columns` or `flip_rows`: for columns.
    pub fn name(self) -> &'static str {
        ["reverse_depth", "flip_columns", "flip_rows"][self as usize]
    }
}

fn reverse_blocks<T>(values: &mut [T], block: usize) {
    let n_blocks = values.len() / block;
    let (front, back) = values.split_at_mut(n_blocks / 2 * block);
    for (a, b) in front.chunks_exact_mut(block).zip(back.rchunks_exact_mut(block)) {
        a.swap_with_slice(b);
    }
}

impl fmt::Display for MirrorOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for MirrorOp {
    type Err = PreprocessError;

    fn from_str(text: &str) -> Result<Self, PreprocessError> {
        [MirrorOp::ReverseDepth, MirrorOp::FlipColumns, MirrorOp::FlipRows]
            .into_iter()
            .find(|operation| operation.name() == text)
            .ok_or_else(|| {
                PreprocessError::parameter("mirror", text, "reverse_depth, flip_columns or flip_rows")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_core::{PixelSpacing, Point, Vector};
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::sagittal([0.0, 1.0, 0.0], [0.0, 0.0, -1.0], MirrorOp::ReverseDepth)]
    #[case::sagittal_backwards([0.0, -1.0, 0.0], [0.0, 0.0, -1.0], MirrorOp::ReverseDepth)]
    #[case::axial([1.0, 0.0, 0.0], [0.0, 0.958, -0.286], MirrorOp::FlipColumns)]
    #[case::axial_backwards([-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], MirrorOp::FlipColumns)]
    #[case::axial_transposed([0.0, 1.0, 0.0], [1.0, 0.0, 0.0], MirrorOp::FlipRows)]
    fn the_axis_nearest_patient_x_is_exchanged(
        #[case] row: [f64; 3],
        #[case] column: [f64; 3],
        #[case] as_stored: MirrorOp,
    ) {
        let vector = |v: [f64; 3]| Vector::new(v[0], v[1], v[2]);
        let plane = ImagePlane::new(
            Point::new(0.0, 0.0, 0.0),
            [vector(row), vector(column)],
            PixelSpacing {
                row_mm: 1.0,
                column_mm: 1.0,
            },
            [4, 4],
        )
        .unwrap();
        assert_eq!(MirrorOp::of(&plane, Orientation::AS_STORED), Ok(as_stored));
        let canonical = MirrorOp::of(&plane, Orientation::canonical(&plane)).unwrap();
        assert_eq!(
            canonical == MirrorOp::ReverseDepth,
            as_stored == MirrorOp::ReverseDepth
        );
        assert_ne!(
            canonical,
            MirrorOp::FlipRows,
            "canonical axial slices have x along their rows"
        );
    }

    #[test]
    fn a_diagonal_stack_cannot_be_mirrored() {
        // All three axes have cosine 0.577 with patient x.
        let (a, b, c) = (1.0 / 3f64.sqrt(), 1.0 / 2f64.sqrt(), 1.0 / 6f64.sqrt());
        let plane = ImagePlane::new(
            Point::new(0.0, 0.0, 0.0),
            [Vector::new(a, b, c), Vector::new(a, -b, c)],
            PixelSpacing {
                row_mm: 1.0,
                column_mm: 1.0,
            },
            [4, 4],
        )
        .unwrap();
        assert_eq!(
            MirrorOp::of(&plane, Orientation::AS_STORED),
            Err(PreprocessError::NoMirrorAxis)
        );
    }

    proptest! {
        #[test]
        fn twice_is_identity_and_points_follow_pixels(
            shape in prop::array::uniform3(1usize..6),
            operation in prop::sample::select(vec![MirrorOp::ReverseDepth, MirrorOp::FlipColumns, MirrorOp::FlipRows]),
        ) {
            let n = shape.iter().product::<usize>();
            let original: Vec<usize> = (0..n).collect();
            let mut stack = original.clone();
            operation.apply(&mut stack, shape).unwrap();
            for (i, value) in original.iter().enumerate() {
                let at = [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]].map(|k| k as f64);
                let [s, r, c] = operation.apply_to_point(at, shape).map(|k| k as usize);
                prop_assert_eq!(stack[(s * shape[1] + r) * shape[2] + c], *value);
            }
            operation.apply(&mut stack, shape).unwrap();
            prop_assert_eq!(stack, original);
        }
    }
}
