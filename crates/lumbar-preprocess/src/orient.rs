//! One way up for every slice, whatever the signs of its cosines.

use lumbar_core::{ImagePlane, Plane, Vector};

/// How a stored image is turned so that it looks as radiologists hang it.
///
/// Sagittal: anterior at image left, head up. Axial: patient right at image left, anterior up. Coronal: patient right
/// at image left, head up. An oblique slice is hung by the plane its normal is nearest to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Orientation {
    /// Rows and columns change places first.
    pub transpose: bool,
    /// Then the columns run the other way.
    pub flip_columns: bool,
    /// And the rows run the other way.
    pub flip_rows: bool,
}

impl Orientation {
    /// The image as stored.
    pub const AS_STORED: Orientation = Orientation {
        transpose: false,
        flip_columns: false,
        flip_rows: false,
    };

    /// The turn that hangs a slice canonically.
    ///
    /// ```
    /// use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
    /// use lumbar_preprocess::Orientation;
    /// // A sagittal slice stored with rows running to the head: it hangs upside down until its rows are reversed.
    /// let plane = ImagePlane::new(Point::new(0.0, -80.0, -100.0),
    ///     [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, 1.0)],
    ///     PixelSpacing { row_mm: 0.5, column_mm: 0.5 }, [400, 320])?;
    /// let turn = Orientation::canonical(&plane);
    /// assert!(turn.flip_rows && !turn.flip_columns && !turn.transpose);
    /// # Ok::<(), lumbar_core::GeometryError>(())
    /// ```
    pub fn canonical(plane: &ImagePlane) -> Orientation {
        let (right, down) = hanging(plane);
        let (along_row, along_column) = (plane.row_direction(), plane.column_direction());
        let straight = along_row.dot(right).abs() + along_column.dot(down).abs();
        let crossed = along_row.dot(down).abs() + along_column.dot(right).abs();
        let transpose = crossed > straight;
        let (to_right, to_down) = if transpose {
            (along_column, along_row)
        } else {
            (along_row, along_column)
        };
        Orientation {
            transpose,
            flip_columns: to_right.dot(right) < 0.0,
            flip_rows: to_down.dot(down) < 0.0,
        }
    }

    /// Directions in the patient of the turned image: to its right, and down.
    pub fn axes(&self, plane: &ImagePlane) -> [Vector; 2] {
        let (mut right, mut down) = (plane.row_direction(), plane.column_direction());
        if self.transpose {
            std::mem::swap(&mut right, &mut down);
        }
        [
            if self.flip_columns { -right } else { right },
            if self.flip_rows { -down } else { down },
        ]
    }
}

/// Where the image's right and its lower border shall point.
fn hanging(plane: &ImagePlane) -> (Vector, Vector) {
    const LEFT: Vector = Vector::new(1.0, 0.0, 0.0);
    const BACK: Vector = Vector::new(0.0, 1.0, 0.0);
    const FOOT: Vector = Vector::new(0.0, 0.0, -1.0);
    match nearest_plane(plane) {
        Plane::Sagittal => (BACK, FOOT),
        Plane::Coronal => (LEFT, FOOT),
        Plane::Axial | Plane::Oblique => (LEFT, BACK),
    }
}

/// The anatomical plane nearest the normal, obliques included.
fn nearest_plane(plane: &ImagePlane) -> Plane {
    let normal = plane.normal();
    let (x, y, z) = (normal.x.abs(), normal.y.abs(), normal.z.abs());
    if x >= y && x >= z {
        Plane::Sagittal
    } else if z >= y {
        Plane::Axial
    } else {
        Plane::Coronal
    }
}

/// Position of a slice along the canonical depth of its plane, mm: sagittal from patient right to left, axial from
/// head to foot, coronal from front to back.
pub fn depth_position_mm(plane: &ImagePlane) -> f64 {
    let normal = plane.normal();
    let along = match nearest_plane(plane) {
        Plane::Sagittal => normal.x,
        Plane::Coronal => normal.y,
        Plane::Axial | Plane::Oblique => -normal.z,
    };
    if along < 0.0 {
        -plane.depth()
    } else {
        plane.depth()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_core::{PixelSpacing, Point};
    use rstest::rstest;

    fn plane(row: [f64; 3], column: [f64; 3]) -> ImagePlane {
        let vector = |v: [f64; 3]| Vector::new(v[0], v[1], v[2]);
        let spacing = PixelSpacing {
            row_mm: 1.0,
            column_mm: 1.0,
        };
        ImagePlane::new(
            Point::new(3.0, 4.0, 5.0),
            [vector(row), vector(column)],
            spacing,
            [4, 4],
        )
        .unwrap()
    }

    #[rstest]
    #[case::sagittal([0.0, 1.0, 0.0], [0.0, 0.0, -1.0])]
    #[case::sagittal_transposed([0.0, 0.0, 1.0], [0.0, 1.0, 0.0])]
    #[case::sagittal_backwards([0.0, -1.0, 0.0], [0.0, 0.0, 1.0])]
    #[case::sagittal_tilted([0.0, 0.958, 0.286], [0.0, 0.286, -0.958])]
    fn sagittal_hangs_anterior_left_head_up(#[case] row: [f64; 3], #[case] column: [f64; 3]) {
        let plane = plane(row, column);
        let [right, down] = Orientation::canonical(&plane).axes(&plane);
        assert!(right.y > 0.9 && down.z < -0.9, "{right:?} {down:?}");
    }

    #[rstest]
    #[case::axial([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])]
    #[case::axial_mirrored_rows([-1.0, 0.0, 0.0], [0.0, 1.0, 0.0])]
    #[case::axial_tilted([1.0, 0.0, 0.0], [0.0, 0.958, -0.286])]
    #[case::axial_transposed([0.0, -1.0, 0.0], [1.0, 0.0, 0.0])]
    fn axial_hangs_patient_right_at_image_left(#[case] row: [f64; 3], #[case] column: [f64; 3]) {
        let plane = plane(row, column);
        let [right, down] = Orientation::canonical(&plane).axes(&plane);
        assert!(right.x > 0.9 && down.y > 0.9, "{right:?} {down:?}");
    }

    #[test]
    fn depth_runs_right_to_left_and_head_to_foot() {
        for (row, column) in [
            ([0.0, 1.0, 0.0], [0.0, 0.0, -1.0]),
            ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]),
        ] {
            assert!((depth_position_mm(&plane(row, column)) - 3.0).abs() < 1e-12);
        }
        for row in [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]] {
            assert!((depth_position_mm(&plane(row, [0.0, 1.0, 0.0])) + 5.0).abs() < 1e-12);
        }
    }
}
