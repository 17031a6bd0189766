//! Patient-space geometry in millimetres, in DICOM's LPS axes: +x towards patient left, +y posterior, +z head.
//!
//! Pixel coordinates are `(column, row)` with the *centre* of the first pixel at `(0, 0)`, as DICOM defines
//! ImagePositionPatient; fractional values lie between pixel centres.

use crate::{GeometryError, Plane};
use serde::{Deserialize, Serialize};
use std::ops::{Add, Mul, Neg, Sub};

/// A place in the patient, in millimetres (LPS).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Towards patient left, mm.
    pub x: f64,
    /// Towards the back, mm.
    pub y: f64,
    /// Towards the head, mm.
    pub z: f64,
}

/// A displacement or direction in the patient, in millimetres (LPS).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// Towards patient left, mm.
    pub x: f64,
    /// Towards the back, mm.
    pub y: f64,
    /// Towards the head, mm.
    pub z: f64,
}

impl Point {
    /// A place from its coordinates.
    pub const fn new(x: f64, y: f64, z: f64) -> Point {
        Point { x, y, z }
    }

    /// The displacement from the origin.
    pub fn to_vector(self) -> Vector {
        Vector::new(self.x, self.y, self.z)
    }

    /// Distance to another place, mm.
    pub fn distance(self, other: Point) -> f64 {
        (self - other).length()
    }
}

impl Vector {
    /// A displacement from its components.
    pub const fn new(x: f64, y: f64, z: f64) -> Vector {
        Vector { x, y, z }
    }

    /// Scalar product.
    pub fn dot(self, other: Vector) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    /// Vector product.
    pub fn cross(self, other: Vector) -> Vector {
        Vector::new(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    /// Length, mm.
    pub fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// The direction of length 1, `None` for a zero or non-finite vector.
    pub fn normalised(self) -> Option<Vector> {
        let length = self.length();
        (length > 0.0 && length.is_finite()).then(|| self * (1.0 / length))
    }

    fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite() && self.z.is_finite()
    }
}

impl Sub for Point {
    type Output = Vector;
    fn sub(self, other: Point) -> Vector {
        Vector::new(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}
impl Add<Vector> for Point {
    type Output = Point;
    fn add(self, by: Vector) -> Point {
        Point::new(self.x + by.x, self.y + by.y, self.z + by.z)
    }
}
impl Sub<Vector> for Point {
    type Output = Point;
    fn sub(self, by: Vector) -> Point {
        self + -by
    }
}
impl Add for Vector {
    type Output = Vector;
    fn add(self, other: Vector) -> Vector {
        Vector::new(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}
impl Sub for Vector {
    type Output = Vector;
    fn sub(self, other: Vector) -> Vector {
        self + -other
    }
}
impl Mul<f64> for Vector {
    type Output = Vector;
    fn mul(self, by: f64) -> Vector {
        Vector::new(self.x * by, self.y * by, self.z * by)
    }
}
impl Neg for Vector {
    type Output = Vector;
    fn neg(self) -> Vector {
        Vector::new(-self.x, -self.y, -self.z)
    }
}

/// Distances between pixel centres, in mm, in the order of DICOM PixelSpacing.
///
/// The first value separates *rows* (it is the step down a column), the second separates *columns*. Published code
/// often swaps them, which square pixels hide.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelSpacing {
    /// Distance between rows, mm: the step when the row index grows by one.
    pub row_mm: f64,
    /// Distance between columns, mm: the step when the column index grows by one.
    pub column_mm: f64,
}

/// A place in an image, in pixels, with the centre of the first pixel at (0, 0).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelPoint {
    /// Position along a row (RSNA's `x`).
    pub column: f64,
    /// Position down a column (RSNA's `y`).
    pub row: f64,
}

impl PixelPoint {
    /// A place from its column and row.
    pub const fn new(column: f64, row: f64) -> PixelPoint {
        PixelPoint { column, row }
    }
}

/// A patient-space point seen from an image plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    /// The foot of the perpendicular, in pixels; it may lie outside the image.
    pub pixel: PixelPoint,
    /// Signed distance from the plane along its normal, mm.
    pub off_plane_mm: f64,
}

/// Where a rectangular image lies in the patient.
///
/// ```
/// use lumbar_core::{ImagePlane, PixelPoint, PixelSpacing, Point, Vector, Plane};
///
/// // An axial slice tilted like a disc, with pixels twice as high as wide.
/// let plane = ImagePlane::new(
///     Point::new(-80.0, -60.0, 12.0),
///     [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 0.958, -0.286)],
///     PixelSpacing { row_mm: 1.25, column_mm: 0.625 },
///     [160, 256],
/// )?;
/// assert_eq!(plane.kind(), Plane::Axial);
///
/// let there = plane.pixel_to_patient(PixelPoint::new(100.0, 40.0));
/// assert!((there.x - (-80.0 + 100.0 * 0.625)).abs() < 1e-9);
/// let back = plane.patient_to_pixel(there);
/// assert!((back.pixel.row - 40.0).abs() < 1e-9 && back.off_plane_mm.abs() < 1e-9);
/// # Ok::<(), lumbar_core::GeometryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImagePlane {
    origin: Point,
    row_direction: Vector,
    column_direction: Vector,
    spacing: PixelSpacing,
    rows: u32,
    columns: u32,
}

/// Direction lengths further from 1 than this are refused; nearer ones are rounding and are normalised.
const UNIT_TOLERANCE: f64 = 1e-2;
/// Largest dot product of row and column direction taken for rounding.
const PERPENDICULAR_TOLERANCE: f64 = 1e-3;

impl ImagePlane {
    /// A plane from ImagePositionPatient, ImageOrientationPatient (`[row direction, column direction]`), PixelSpacing
    /// and `[rows, columns]`.
    ///
    /// Directions are normalised, and the column direction is made exactly perpendicular to the row direction, so
    /// that the two maps below are inverse to each other to rounding error.
    ///
    /// # Errors
    /// [`GeometryError`] for values that are not finite, directions of length other than 1 (within 1%) or not
    /// perpendicular (dot product above 1e-3), spacings that are not positive, and empty images.
    pub fn new(
        origin: Point,
        orientation: [Vector; 2],
        spacing: PixelSpacing,
        shape: [u32; 2],
    ) -> Result<ImagePlane, GeometryError> {
        let [row_direction, column_direction] = orientation;
        let [rows, columns] = shape;
        if !origin.to_vector().is_finite() {
            return Err(GeometryError::NotFinite {
                attribute: "ImagePositionPatient",
            });
        }
        if !row_direction.is_finite() || !column_direction.is_finite() {
            return Err(GeometryError::NotFinite {
                attribute: "ImageOrientationPatient",
            });
        }
        for value in [spacing.row_mm, spacing.column_mm] {
            if !value.is_finite() {
                return Err(GeometryError::NotFinite {
                    attribute: "PixelSpacing",
                });
            }
            if value <= 0.0 {
                return Err(GeometryError::BadSpacing { value });
            }
        }
        if rows == 0 || columns == 0 {
            return Err(GeometryError::Empty { rows, columns });
        }
        let unit = |direction: Vector| {
            let length = direction.length();
            if (length - 1.0).abs() > UNIT_TOLERANCE {
                return Err(GeometryError::NotUnit { length });
            }
            Ok(direction * (1.0 / length))
        };
        let (row_direction, column_direction) = (unit(row_direction)?, unit(column_direction)?);
        let dot = row_direction.dot(column_direction);
        if dot.abs() > PERPENDICULAR_TOLERANCE {
            return Err(GeometryError::NotPerpendicular { dot });
        }
        let column_direction = unit(column_direction - row_direction * dot)?;
        Ok(ImagePlane {
            origin,
            row_direction,
            column_direction,
            spacing,
            rows,
            columns,
        })
    }

    /// Centre of the first pixel (ImagePositionPatient).
    pub fn origin(&self) -> Point {
        self.origin
    }

    /// Direction in which the column index grows (first three cosines), length 1.
    pub fn row_direction(&self) -> Vector {
        self.row_direction
    }

    /// Direction in which the row index grows (last three cosines), length 1.
    pub fn column_direction(&self) -> Vector {
        self.column_direction
    }

    /// Row direction times column direction, length 1.
    pub fn normal(&self) -> Vector {
        self.row_direction.cross(self.column_direction)
    }

    /// Distances between pixel centres.
    pub fn spacing(&self) -> PixelSpacing {
        self.spacing
    }

    /// Number of rows.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// The anatomical plane nearest the normal.
    pub fn kind(&self) -> Plane {
        Plane::from_normal(self.normal())
    }

    /// Position along the normal, mm: what slices of a stack are sorted by.
    pub fn depth(&self) -> f64 {
        self.origin.to_vector().dot(self.normal())
    }

    /// The place of a pixel in the patient.
    pub fn pixel_to_patient(&self, pixel: PixelPoint) -> Point {
        self.origin
            + self.row_direction * (self.spacing.column_mm * pixel.column)
            + self.column_direction * (self.spacing.row_mm * pixel.row)
    }

    /// The pixel under a place in the patient, and how far the place lies from the plane.
    pub fn patient_to_pixel(&self, point: Point) -> Projection {
        let offset = point - self.origin;
        Projection {
            pixel: PixelPoint {
                column: offset.dot(self.row_direction) / self.spacing.column_mm,
                row: offset.dot(self.column_direction) / self.spacing.row_mm,
            },
            off_plane_mm: offset.dot(self.normal()),
        }
    }

    /// Whether a pixel position lies on the image, borders included (half a pixel beyond the outer centres).
    pub fn contains(&self, pixel: PixelPoint) -> bool {
        let inside = |value: f64, n: u32| value >= -0.5 && value <= f64::from(n) - 0.5;
        inside(pixel.column, self.columns) && inside(pixel.row, self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rotated(angles: [f64; 3]) -> [Vector; 2] {
        let rotate = |v: Vector| {
            let (s, c) = angles[0].sin_cos();
            let v = Vector::new(v.x, c * v.y - s * v.z, s * v.y + c * v.z);
            let (s, c) = angles[1].sin_cos();
            let v = Vector::new(c * v.x + s * v.z, v.y, -s * v.x + c * v.z);
            let (s, c) = angles[2].sin_cos();
            Vector::new(c * v.x - s * v.y, s * v.x + c * v.y, v.z)
        };
        [
            rotate(Vector::new(1.0, 0.0, 0.0)),
            rotate(Vector::new(0.0, 1.0, 0.0)),
        ]
    }

    proptest! {
        #[test]
        fn pixel_to_patient_and_back_is_exact(
            angles in prop::array::uniform3(-3.2f64..3.2), row_mm in 0.2f64..3.0, column_mm in 0.2f64..3.0,
            origin in prop::array::uniform3(-300.0f64..300.0), column in -50.0f64..600.0, row in -50.0f64..600.0,
        ) {
            let plane = ImagePlane::new(
                Point::new(origin[0], origin[1], origin[2]), rotated(angles),
                PixelSpacing { row_mm, column_mm }, [512, 384],
            ).unwrap();
            let back = plane.patient_to_pixel(plane.pixel_to_patient(PixelPoint::new(column, row)));
            prop_assert!((back.pixel.column - column).abs() < 1e-6);
            prop_assert!((back.pixel.row - row).abs() < 1e-6);
            prop_assert!(back.off_plane_mm.abs() < 1e-6);
        }

        #[test]
        fn off_plane_distance_is_what_was_added(angles in prop::array::uniform3(-3.2f64..3.2), d in -50.0f64..50.0) {
            let plane = ImagePlane::new(Point::new(1.0, 2.0, 3.0), rotated(angles),
                PixelSpacing { row_mm: 0.7, column_mm: 0.4 }, [10, 20]).unwrap();
            let off = plane.pixel_to_patient(PixelPoint::new(3.0, 4.0)) + plane.normal() * d;
            let seen = plane.patient_to_pixel(off);
            prop_assert!((seen.off_plane_mm - d).abs() < 1e-9);
            prop_assert!((seen.pixel.column - 3.0).abs() < 1e-9 && (seen.pixel.row - 4.0).abs() < 1e-9);
        }
    }

    #[test]
    fn row_spacing_comes_first() {
        // A standard sagittal slice: row -> posterior, column -> inferior.
        let plane = ImagePlane::new(
            Point::new(0.0, -100.0, 120.0),
            [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
            PixelSpacing {
                row_mm: 2.0,
                column_mm: 0.5,
            },
            [100, 200],
        )
        .unwrap();
        assert_eq!(plane.kind(), Plane::Sagittal);
        assert_eq!(
            plane.pixel_to_patient(PixelPoint::new(10.0, 0.0)),
            Point::new(0.0, -95.0, 120.0)
        );
        assert_eq!(
            plane.pixel_to_patient(PixelPoint::new(0.0, 10.0)),
            Point::new(0.0, -100.0, 100.0)
        );
    }

    #[test]
    fn broken_geometry_is_refused() {
        let spacing = PixelSpacing {
            row_mm: 1.0,
            column_mm: 1.0,
        };
        let axes = [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 1.0, 0.0)];
        let origin = Point::new(0.0, 0.0, 0.0);
        let new = |o, a, s, n| ImagePlane::new(o, a, s, n);
        assert!(matches!(
            new(Point::new(f64::NAN, 0.0, 0.0), axes, spacing, [1, 1]),
            Err(GeometryError::NotFinite {
                attribute: "ImagePositionPatient"
            })
        ));
        assert!(matches!(
            new(origin, [axes[0], Vector::new(0.0, 0.5, 0.0)], spacing, [1, 1]),
            Err(GeometryError::NotUnit { .. })
        ));
        assert!(matches!(
            new(origin, [axes[0], Vector::new(0.6, 0.8, 0.0)], spacing, [1, 1]),
            Err(GeometryError::NotPerpendicular { .. })
        ));
        assert!(matches!(
            new(
                origin,
                axes,
                PixelSpacing {
                    row_mm: 0.0,
                    column_mm: 1.0
                },
                [1, 1]
            ),
            Err(GeometryError::BadSpacing { .. })
        ));
        assert!(matches!(
            new(origin, axes, spacing, [0, 1]),
            Err(GeometryError::Empty { .. })
        ));
    }

    #[test]
    fn a_disc_tilted_by_40_degrees_is_still_axial() {
        let t = 40f64.to_radians();
        let plane = |orientation| {
            ImagePlane::new(
                Point::new(0.0, 0.0, 0.0),
                orientation,
                PixelSpacing {
                    row_mm: 1.0,
                    column_mm: 1.0,
                },
                [2, 2],
            )
            .unwrap()
            .kind()
        };
        assert_eq!(
            plane([Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, t.cos(), t.sin())]),
            Plane::Axial
        );
        let v = 1.0 / 3f64.sqrt();
        assert_eq!(Plane::from_normal(Vector::new(v, v, v)), Plane::Oblique);
    }
}
