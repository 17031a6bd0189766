//! What a reader must see: narrowing darkens the place of its target, and nothing far from it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use lumbar_core::{ConditionGroup, ImagePlane, PixelPoint, SeriesKind, Target};
use lumbar_phantom::{PhantomConfig, Quirks, StudyTruth, generate};
use std::path::Path;

struct Slice {
    plane: ImagePlane,
    values: Vec<f32>,
}

fn phantom(score: f64) -> (tempfile::TempDir, StudyTruth) {
    let out = tempfile::tempdir().unwrap();
    let config = PhantomConfig {
        seed: 9,
        fixed_scores: Some([score; 3]),
        quirks: Quirks::NONE,
        ..PhantomConfig::default()
    };
    generate(&config, out.path(), &|_| {}).unwrap();
    let text = std::fs::read_to_string(out.path().join("phantom_truth.jsonl")).unwrap();
    (out, serde_json::from_str(text.trim()).unwrap())
}

fn slices(root: &Path, truth: &StudyTruth, kind: SeriesKind) -> Vec<Slice> {
    let series = truth.series.iter().find(|series| series.kind == kind).unwrap();
    let folder = root
        .join("train_images")
        .join(&truth.study_id)
        .join(&series.series_id);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let image =
                lumbar_dicom::read_image(&entry.unwrap().path(), &lumbar_dicom::Limits::default()).unwrap();
            Slice {
                plane: image.header.frames[0].plane.unwrap(),
                values: image.pixels.frame(0).unwrap().to_f32(),
            }
        })
        .collect()
}

/// Mean differences of two pictures within 6 mm of a target and between 12 and 20 mm of it, relative to the mean.
fn changes(a: &Slice, b: &Slice, place: lumbar_core::Point) -> (f64, f64) {
    let (columns, rows) = (a.plane.columns(), a.plane.rows());
    let centre = a.plane.patient_to_pixel(place).pixel;
    let spacing = a.plane.spacing();
    let (mut near, mut far, mut all) = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0));
    for row in 0..rows {
        for column in 0..columns {
            let pixel = PixelPoint::new(f64::from(column), f64::from(row));
            let dx = (pixel.column - centre.column).abs() * spacing.column_mm;
            let dy = (pixel.row - centre.row).abs() * spacing.row_mm;
            let at = (row * columns + column) as usize;
            let change = f64::from((a.values[at] - b.values[at]).abs());
            let off = dx.max(dy);
            if off < 22.0 {
                all = (all.0 + f64::from(a.values[at]), all.1 + 1.0);
            }
            if off < 6.0 {
                near = (near.0 + change, near.1 + 1.0);
            } else if (13.0..22.0).contains(&off) {
                far = (far.0 + change, far.1 + 1.0);
            }
        }
    }
    let mean = all.0 / all.1;
    (near.0 / near.1 / mean, far.0 / far.1 / mean)
}

#[test]
fn narrowing_shows_at_its_target_on_the_proper_view() {
    let ((normal_dir, normal), (severe_dir, severe)) = (phantom(-4.0), phantom(2.0));
    for group in [ConditionGroup::SpinalCanal, ConditionGroup::NeuralForaminal] {
        let kind = SeriesKind::proper_for(group);
        let (a, b) = (
            slices(normal_dir.path(), &normal, kind),
            slices(severe_dir.path(), &severe, kind),
        );
        for target in Target::all().filter(|target| target.condition.group() == group) {
            let place = normal.targets[target.index()].point_mm;
            let off = |slice: &Slice| slice.plane.patient_to_pixel(place).off_plane_mm.abs();
            let nearest = |slices: &[Slice]| {
                let order = |i: &usize, j: &usize| off(&slices[*i]).total_cmp(&off(&slices[*j]));
                (0..slices.len()).min_by(order).unwrap()
            };
            let (a, b) = (&a[nearest(&a)], &b[nearest(&b)]);
            // The same person from the same seed: the planes agree, so pictures may be subtracted.
            assert!(a.plane.origin().distance(b.plane.origin()) < 0.5);
            let (near, far) = changes(a, b, place);
            assert!(
                near > 0.15 && near > 2.0 * far,
                "{target}: near {near:.3}, far {far:.3}"
            );
        }
    }
}
