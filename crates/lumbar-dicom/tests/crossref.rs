//! Places carried from one series to another.

mod common;

use common::{axial, sagittal, slice, timed};
use lumbar_core::{PixelPoint, Plane, Point};
use lumbar_dicom::{
    Catalogue, MrImage, ScanOptions, SeriesRecord, SliceRecord, TransferSyntax,
    crossref::{FramePolicy, FramedPoint, NotCovered, locate},
    scan,
};

/// Sagittal slices 4 mm apart about x = 0, and axial stacks at z = 0 (flat) and z = -30 (tilted).
fn study(change: impl Fn(MrImage) -> MrImage) -> Catalogue {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |slice: MrImage| {
        let path = folder.path().join(format!(
            "{}-{}.dcm",
            slice.series_instance_uid, slice.instance_number
        ));
        change(slice)
            .write(&path, TransferSyntax::ExplicitVrLittleEndian)
            .expect("a slice can be written");
    };
    for i in 0..5 {
        write(timed(
            slice(1, i + 1, sagittal(4.0 * f64::from(i - 2))),
            500.0,
            10.0,
        ));
    }
    for (stack, (tilt, z)) in [(0, (0.0, 0.0)), (1, (-20.0, -30.0))] {
        for i in 0..3 {
            let plane = axial(tilt, z, 3.0 * f64::from(i - 1));
            write(timed(slice(2, stack * 3 + i + 1, plane), 4000.0, 100.0));
        }
    }
    scan(folder.path(), &ScanOptions::default(), &|_| {}).expect("a scan")
}

fn series(catalogue: &Catalogue, plane: Plane) -> (&SeriesRecord, &[SliceRecord]) {
    let series = catalogue
        .series
        .iter()
        .find(|series| series.plane == Some(plane))
        .expect("a series");
    (series, catalogue.slices_of(&series.study, &series.series))
}

#[test]
fn a_sagittal_point_is_found_on_the_nearest_axial_slice_and_back() {
    let catalogue = study(|slice| slice);
    let (sagittal, sagittal_slices) = series(&catalogue, Plane::Sagittal);
    let (axial, axial_slices) = series(&catalogue, Plane::Axial);
    assert_eq!(axial.stacks.len(), 2);
    let source = &sagittal_slices[2];
    let source_plane = source.plane.expect("geometry");
    let mut n_covered = 0;
    for row in 0..24 {
        let point = source_plane.pixel_to_patient(PixelPoint::new(9.3, f64::from(row)));
        let place = FramedPoint {
            point,
            frame_of_reference: source.frame_of_reference.as_deref(),
        };
        let Ok(found) = locate(place, axial, axial_slices, FramePolicy::Same) else {
            continue;
        };
        n_covered += 1;
        assert!(!found.frame_assumed && found.off_plane_mm.abs() <= 1.5 + 0.01);
        let foot = axial_slices[found.slice_idx]
            .plane
            .expect("geometry")
            .pixel_to_patient(found.pixel);
        assert!((foot.distance(point) - found.off_plane_mm.abs()).abs() < 1e-9);
        let back = FramedPoint { point: foot, ..place };
        let back =
            locate(back, sagittal, sagittal_slices, FramePolicy::Same).expect("the point came from here");
        assert_eq!(back.slice_idx, 2);
        // Off by no more than the off-plane distance, in pixels of 1.5 mm rows.
        assert!((back.pixel.row - f64::from(row)).abs() * 1.5 <= found.off_plane_mm.abs() + 1e-9);
    }
    // The flat stack covers z = -4.5 to 4.5 mm: seven rows 1.5 mm apart, both borders included.
    assert_eq!(n_covered, 7);
}

#[test]
fn places_beside_between_and_beyond_are_not_covered() {
    let catalogue = study(|slice| slice);
    let (axial, slices) = series(&catalogue, Plane::Axial);
    let locate_at = |point: Point| {
        let frame = slices[0].frame_of_reference.as_deref();
        locate(
            FramedPoint {
                point,
                frame_of_reference: frame,
            },
            axial,
            slices,
            FramePolicy::Same,
        )
    };
    assert_eq!(
        locate_at(Point::new(80.0, 0.0, 0.0)),
        Err(NotCovered::OutsideImages)
    );
    let between = locate_at(Point::new(0.0, 0.0, -14.0));
    assert!(
        matches!(between, Err(NotCovered::BetweenSlices { off_plane_mm }) if off_plane_mm > 9.0),
        "{between:?}"
    );
    let tilted = locate_at(Point::new(0.0, 0.0, -30.0)).expect("the centre of the tilted stack");
    assert!(tilted.off_plane_mm.abs() < 1e-6);
    assert_eq!(
        slices[tilted.slice_idx].stack_idx, 1,
        "stacks run from head to foot"
    );
}

#[test]
fn frames_of_reference_are_minded() {
    let catalogue = study(|slice| slice);
    let (axial, slices) = series(&catalogue, Plane::Axial);
    let point = Point::new(0.0, 0.0, 0.0);
    let other = FramedPoint {
        point,
        frame_of_reference: Some("another"),
    };
    assert_eq!(
        locate(other, axial, slices, FramePolicy::Same),
        Err(NotCovered::OtherFrameOfReference)
    );
    assert!(
        locate(other, axial, slices, FramePolicy::Any)
            .expect("asked for")
            .frame_assumed
    );
    let absent = FramedPoint {
        point,
        frame_of_reference: None,
    };
    assert!(
        locate(absent, axial, slices, FramePolicy::Same)
            .expect("assumed")
            .frame_assumed
    );

    let nameless = study(|slice| MrImage {
        frame_of_reference_uid: None,
        ..slice
    });
    let (axial, slices) = series(&nameless, Plane::Axial);
    assert!(
        locate(other, axial, slices, FramePolicy::Same)
            .expect("assumed")
            .frame_assumed
    );
}
