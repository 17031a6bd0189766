//! Known places of a phantom, found through the catalogue of its files on every series that covers them, and on no other.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use lumbar_core::{Point, Vector};
use lumbar_dicom::crossref::{FramePolicy, FramedPoint, NotCovered, locate};
use lumbar_dicom::{Catalogue, ScanOptions, SeriesRecord, SliceRecord, scan};
use lumbar_phantom::{PhantomConfig, Pixels, StudyTruth, generate};
use std::collections::BTreeMap;

/// Where a place lies on a slice, straight from the attributes: columns, rows, mm off the plane.
fn by_attributes(slice: &SliceRecord, point: Point) -> [f64; 3] {
    let plane = slice.plane.unwrap();
    let (along, down) = (plane.row_direction(), plane.column_direction());
    let across = Vector::new(
        along.y * down.z - along.z * down.y,
        along.z * down.x - along.x * down.z,
        along.x * down.y - along.y * down.x,
    );
    let [x, y, z] = [
        point.x - plane.origin().x,
        point.y - plane.origin().y,
        point.z - plane.origin().z,
    ];
    let onto = |v: Vector| x * v.x + y * v.y + z * v.z;
    [
        onto(along) / plane.spacing().column_mm,
        onto(down) / plane.spacing().row_mm,
        onto(across),
    ]
}

fn is_on_image(slice: &SliceRecord, [column, row, _]: [f64; 3]) -> bool {
    let within = |at: f64, n: u32| at >= -0.5 && at <= f64::from(n) - 0.5;
    within(column, slice.columns) && within(row, slice.rows)
}

/// Half the distance between the slices of a slice's stack, from their own positions.
fn half_step_mm(slices: &[SliceRecord], slice: &SliceRecord) -> f64 {
    let neighbours = slices.iter().filter(|other| other.stack_idx == slice.stack_idx);
    let off = |other: &SliceRecord| by_attributes(slice, other.plane.unwrap().origin())[2];
    let mut offs: Vec<f64> = neighbours.map(off).collect();
    offs.sort_by(f64::total_cmp);
    let mut steps: Vec<f64> = offs.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    steps[steps.len() / 2] / 2.0
}

fn named_places(truth: &StudyTruth) -> Vec<(String, Point)> {
    let targets = truth
        .targets
        .iter()
        .map(|target| (target.target.to_string(), target.point_mm));
    let landmarks = truth
        .landmarks
        .iter()
        .map(|landmark| (landmark.name.clone(), landmark.point_mm));
    targets.chain(landmarks).collect()
}

fn series_of<'a>(catalogue: &'a Catalogue, truth: &StudyTruth) -> Vec<(&'a SeriesRecord, &'a [SliceRecord])> {
    let of_study = catalogue
        .series
        .iter()
        .filter(|series| series.study.as_str() == truth.study_id);
    of_study
        .map(|series| (series, catalogue.slices_of(&series.study, &series.series)))
        .collect()
}

#[test]
fn landmarks_are_found_where_they_are_covered_and_nowhere_else() {
    let out = tempfile::tempdir().unwrap();
    let config = PhantomConfig {
        n_studies: 6,
        seed: 21,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    generate(&config, out.path(), &|_| {}).unwrap();
    let catalogue = scan(out.path(), &ScanOptions::default(), &|_| {}).unwrap();
    let truths = std::fs::read_to_string(out.path().join("phantom_truth.jsonl")).unwrap();
    let mut tally: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for truth in truths.lines() {
        let truth: StudyTruth = serde_json::from_str(truth).unwrap();
        let all = series_of(&catalogue, &truth);
        assert_eq!(all.len(), truth.series.len(), "{}", truth.study_id);
        for (series, slices) in &all {
            for (name, point) in named_places(&truth) {
                let place = FramedPoint {
                    point,
                    frame_of_reference: slices[0].frame_of_reference.as_deref(),
                };
                let found = locate(place, series, slices, FramePolicy::Same);
                let nearest = slices
                    .iter()
                    .map(|slice| (slice, by_attributes(slice, point)))
                    .filter(|(slice, seen)| is_on_image(slice, *seen))
                    .min_by(|a, b| a.1[2].abs().total_cmp(&b.1[2].abs()));
                // Where the distance is half a step to a hair, either answer is right.
                let covered = nearest.and_then(|(slice, seen)| {
                    let beyond = seen[2].abs() - half_step_mm(slices, slice);
                    (beyond.abs() > 0.02).then_some(beyond < 0.0)
                });
                let count = tally.entry(format!("{:?}", series.kind)).or_default();
                match (found, covered) {
                    (Ok(crossing), Some(true)) => {
                        let seen = by_attributes(&slices[crossing.slice_idx], point);
                        let off = (crossing.pixel.column - seen[0]).hypot(crossing.pixel.row - seen[1]);
                        assert!(off < 0.5, "{name} on {:?}: {off} pixels off", series.kind);
                        assert!(
                            (seen[2].abs() - nearest.unwrap().1[2].abs()).abs() < 1e-9,
                            "{name}: a nearer slice"
                        );
                        // And back: the pixel's place with the distance off the plane is the landmark.
                        let plane = slices[crossing.slice_idx].plane.unwrap();
                        let back =
                            plane.pixel_to_patient(crossing.pixel) + plane.normal() * crossing.off_plane_mm;
                        assert!(back.distance(point) < 1e-6, "{name}");
                        count[0] += 1;
                    }
                    (Err(NotCovered::OutsideImages), None) if nearest.is_none() => count[1] += 1,
                    (Err(NotCovered::BetweenSlices { .. }), Some(false)) => count[1] += 1,
                    (_, None) if nearest.is_some() => {}
                    other => panic!("{name} on {:?}: {other:?}", series.kind),
                }
            }
        }
    }
    println!("found, not covered: {tally:#?}");
    let total = tally
        .values()
        .fold([0, 0], |sum, n| [sum[0] + n[0], sum[1] + n[1]]);
    assert!(total[0] > 500 && total[1] > 50, "{total:?}");
}
