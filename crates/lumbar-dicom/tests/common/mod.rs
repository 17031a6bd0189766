//! Small studies written at test time.

#![allow(dead_code, reason = "each test file uses its part")]

use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use lumbar_dicom::MrImage;

/// A sagittal plane at patient `x`, 24 x 20 pixels of 1.5 x 1.25 mm.
pub fn sagittal(x_mm: f64) -> ImagePlane {
    ImagePlane::new(
        Point::new(x_mm, -12.0, 18.0),
        [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
        PixelSpacing {
            row_mm: 1.5,
            column_mm: 1.25,
        },
        [24, 20],
    )
    .expect("a valid plane")
}

/// An axial plane tilted about x, `along_mm` along its normal from a centre at height `z_mm`.
pub fn axial(tilt_deg: f64, z_mm: f64, along_mm: f64) -> ImagePlane {
    let (s, c) = tilt_deg.to_radians().sin_cos();
    let directions = [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, c, s)];
    let normal = directions[0].cross(directions[1]);
    let corner = Point::new(0.0, 0.0, z_mm) - directions[0] * 12.5 - directions[1] * 11.5 + normal * along_mm;
    ImagePlane::new(
        corner,
        directions,
        PixelSpacing {
            row_mm: 1.0,
            column_mm: 1.25,
        },
        [24, 20],
    )
    .expect("a valid plane")
}

/// A slice with pixels that tell slices and places apart.
pub fn slice(series: u32, instance: i32, plane: ImagePlane) -> MrImage {
    let n = plane.rows() * plane.columns();
    let pixels = (0..n)
        .map(|i| ((i * 7 + instance as u32 * 31) % 4096) as u16)
        .collect();
    let uids = [
        "2.25.9",
        &format!("2.25.9.{series}"),
        &format!("2.25.9.{series}.{instance}"),
    ];
    MrImage {
        frame_of_reference_uid: Some("2.25.9.9".to_owned()),
        patient_id: "PHANTOM-1".to_owned(),
        patient_name: "PHANTOM^ONE".to_owned(),
        manufacturer: "lumbar-phantom".to_owned(),
        series_number: Some(series as i32),
        instance_number: instance,
        bits_stored: 12,
        ..MrImage::new(uids, plane, pixels)
    }
}

/// Sets the timing that makes a series recognisable.
pub fn timed(slice: MrImage, tr_ms: f64, te_ms: f64) -> MrImage {
    MrImage {
        repetition_time_ms: Some(tr_ms),
        echo_time_ms: Some(te_ms),
        ..slice
    }
}
