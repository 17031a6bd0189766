//! What is passed on and looked at: exports and pictures.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use arrow::array::{Array, BinaryArray, Int64Array, ListArray, StringArray, StructArray};
use lumbar_dataset::{
    BuildInput, BuildOptions, Dataset, DatasetConfig, ExportOptions, SampleMode, build, export, montage, show,
};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

fn built(dir: &Path, config: DatasetConfig) -> Dataset {
    static PHANTOM: OnceLock<tempfile::TempDir> = OnceLock::new();
    let rsna = PHANTOM.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let phantom = PhantomConfig {
            n_studies: 6,
            seed: 3,
            pixels: Pixels::Tiny,
            ..PhantomConfig::default()
        };
        generate(&phantom, dir.path(), &|_| {}).unwrap();
        dir
    });
    let out = dir.join("ds");
    let input = BuildInput::rsna(rsna.path(), config, &|_| {}).unwrap();
    build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    Dataset::open(&out).unwrap()
}

fn decode(png: &[u8]) -> image::DynamicImage {
    image::load_from_memory_with_format(png, image::ImageFormat::Png).unwrap()
}

#[test]
fn an_export_holds_every_sample_with_its_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = built(
        dir.path(),
        DatasetConfig {
            size: 20,
            ..DatasetConfig::default()
        },
    );
    let out = dir.path().join("share");
    let options = ExportOptions {
        name: "<script>alert(1)</script>".to_owned(),
        ..ExportOptions::default()
    };
    let info = export(&dataset, &out, &options).unwrap();
    let by_id: BTreeMap<&str, usize> = dataset
        .samples()
        .iter()
        .enumerate()
        .map(|(i, sample)| (sample.sample_id.as_str(), i))
        .collect();
    let mut n_rows = 0;
    for file in &info.files {
        let reader = std::fs::File::open(out.join(&file.file)).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(reader).unwrap();
        let hub = builder.metadata().file_metadata().key_value_metadata().unwrap();
        let hub = hub.iter().find(|kv| kv.key == "huggingface").unwrap();
        let features: serde_json::Value = serde_json::from_str(hub.value.as_ref().unwrap()).unwrap();
        assert_eq!(features["info"]["features"]["image"]["_type"], "Image");
        for batch in builder.build().unwrap() {
            let batch = batch.unwrap();
            let column = |name: &str| batch.column_by_name(name).unwrap().clone();
            let ids = column("sample_id");
            let ids = ids.as_any().downcast_ref::<StringArray>().unwrap();
            let grades = column("grade");
            let grades = grades.as_any().downcast_ref::<Int64Array>().unwrap();
            let stacks = column("slices");
            let stacks = stacks.as_any().downcast_ref::<ListArray>().unwrap();
            for row in 0..batch.num_rows() {
                let index = by_id[ids.value(row)];
                let sample = &dataset.samples()[index];
                let grade = sample.severity.and_then(|s| dataset.config().grades.index_of(s));
                assert_eq!(grades.value(row), grade.unwrap() as i64);
                let stack = stacks.value(row);
                let stack = stack.as_any().downcast_ref::<StructArray>().unwrap();
                let bytes = stack.column_by_name("bytes").unwrap();
                let bytes = bytes.as_any().downcast_ref::<BinaryArray>().unwrap();
                let pixels: Vec<u8> = (0..bytes.len())
                    .flat_map(|k| decode(bytes.value(k)).into_luma8().into_raw())
                    .collect();
                assert_eq!(pixels, dataset.pixels(index).unwrap());
            }
            n_rows += batch.num_rows();
        }
    }
    assert_eq!(n_rows, dataset.samples().len());
    let card = std::fs::read_to_string(out.join("README.md")).unwrap();
    // In the YAML head the name is a quoted string, below it is text.
    let (head, body) = card[4..].split_once("\n---\n").unwrap();
    assert!(
        head.contains("pretty_name: \"<script>alert(1)</script>\""),
        "{head}"
    );
    assert!(
        !body.contains("<script") && body.contains("&lt;script&gt;"),
        "{body}"
    );
    assert!(card.contains("Synthetic images") && card.contains("Research use only"));
    let croissant = std::fs::read_to_string(out.join("croissant.json")).unwrap();
    let croissant: serde_json::Value = serde_json::from_str(&croissant).unwrap();
    assert_eq!(croissant["distribution"][0]["sha256"], info.files[0].sha256);

    // The same again, in its place: the same bytes.
    let read = |file: &str| std::fs::read(out.join(file)).unwrap();
    let first: Vec<Vec<u8>> = info.files.iter().map(|file| read(&file.file)).collect();
    assert_eq!(export(&dataset, &out, &options).unwrap(), info);
    let second: Vec<Vec<u8>> = info.files.iter().map(|file| read(&file.file)).collect();
    assert!(first == second);
}

#[test]
fn sixteen_bit_single_slices_are_sixteen_bit_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let config = DatasetConfig {
        size: 12,
        depth: 1,
        bits: 16,
        ..DatasetConfig::default()
    };
    let dataset = built(dir.path(), config);
    let out = dir.path().join("share");
    let info = export(&dataset, &out, &ExportOptions::default()).unwrap();
    let reader = std::fs::File::open(out.join(&info.files[0].file)).unwrap();
    let mut batches = ParquetRecordBatchReaderBuilder::try_new(reader)
        .unwrap()
        .build()
        .unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batch.column_by_name("slices").is_none());
    let images = batch.column_by_name("image").unwrap();
    let images = images.as_any().downcast_ref::<StructArray>().unwrap();
    let bytes = images.column_by_name("bytes").unwrap();
    let picture = decode(bytes.as_any().downcast_ref::<BinaryArray>().unwrap().value(0));
    let first = dataset.select(|sample| sample.assignment.part == lumbar_dataset::Part::Train)[0];
    let levels: Vec<u8> = picture
        .as_luma16()
        .unwrap()
        .iter()
        .flat_map(|level| level.to_le_bytes())
        .collect();
    assert_eq!(levels, dataset.pixels(first).unwrap());
}

#[test]
fn pictures_show_the_target_in_the_middle_of_a_crop() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = built(
        dir.path(),
        DatasetConfig {
            size: 24,
            ..DatasetConfig::default()
        },
    );
    let amber = |png: &[u8]| -> Vec<[f64; 2]> {
        let picture = decode(png).into_rgb8();
        let places = picture
            .enumerate_pixels()
            .filter(|(_, y, pixel)| pixel.0 == [255, 190, 60] && *y < 306);
        places.map(|(x, y, _)| [f64::from(x), f64::from(y)]).collect()
    };
    let places = amber(&show(&dataset, 0).unwrap());
    let mean = |k: usize| places.iter().map(|at| at[k]).sum::<f64>() / places.len() as f64;
    // Three tiles of 288 pixels and margins of 12: the frame and the ring of the middle one share a centre.
    assert!(
        (mean(0) - (12.0 + 288.0 + 12.0 + 143.5)).abs() < 1.0,
        "{}",
        mean(0)
    );
    assert!((mean(1) - (12.0 + 143.5)).abs() < 1.0, "{}", mean(1));
    assert!(show(&dataset, dataset.samples().len()).is_err());
}

#[test]
fn a_whole_slice_is_ringed_where_its_point_is() {
    let dir = tempfile::tempdir().unwrap();
    let config = DatasetConfig {
        size: 288,
        depth: 1,
        mode: SampleMode::WholeSlice,
        ..DatasetConfig::default()
    };
    let dataset = built(dir.path(), config);
    // Canal points on sagittal slices: the lower the level, the lower the ring.
    let heights: Vec<f64> = (0..dataset.samples().len())
        .filter(|i| {
            let sample = &dataset.samples()[*i];
            sample.study == dataset.samples()[0].study
                && sample.target.condition.side().is_none()
                && sample.view == lumbar_core::SeriesKind::SagittalT2
        })
        .map(|i| {
            let picture = decode(&show(&dataset, i).unwrap()).into_rgb8();
            let inside = picture.enumerate_pixels().filter(|(x, y, pixel)| {
                pixel.0 == [255, 190, 60] && (20..290).contains(x) && (20..290).contains(y)
            });
            let rows: Vec<f64> = inside.map(|(_, y, _)| f64::from(y)).collect();
            rows.iter().sum::<f64>() / rows.len() as f64
        })
        .collect();
    assert!(heights.len() == 5 && heights.is_sorted(), "{heights:?}");
}

#[test]
fn a_montage_has_pictures_of_each_grade_and_repeats_no_patient_early() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = built(
        dir.path(),
        DatasetConfig {
            size: 10,
            ..DatasetConfig::default()
        },
    );
    let rows = montage(&dataset, 4).unwrap();
    assert!(rows.len() > 6);
    for row in &rows {
        let patients: std::collections::BTreeSet<_> = row
            .pictures
            .iter()
            .map(|(index, _)| &dataset.samples()[*index].patient)
            .collect();
        let of_row = dataset.select(|s| {
            s.target.condition.group() == row.group && s.view == row.view && s.severity == Some(row.grade)
        });
        let all: std::collections::BTreeSet<_> = of_row
            .iter()
            .map(|index| &dataset.samples()[*index].patient)
            .collect();
        assert_eq!(row.pictures.len(), of_row.len().min(4));
        assert_eq!(patients.len(), all.len().min(4));
        assert!(row.pictures.iter().all(|(_, pixels)| pixels.len() == 100));
    }
}
