//! From phantom files to a dataset and back.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_core::{ConditionGroup, ImagePlane, PixelSpacing, Point, SeriesKind, Side, Vector};
use lumbar_dataset::{
    BuildInput, BuildOptions, Dataset, DatasetConfig, Domain, Loader, LoaderConfig, Localisation, Part,
    SampleMode, Sampling, build, build_part, merge, resplit, split_of,
};
use lumbar_dicom::{MrImage, TransferSyntax};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use lumbar_preprocess::Augment;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

fn make_phantom(root: &Path, n_studies: usize, seed: u64) {
    let config = PhantomConfig {
        n_studies,
        seed,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    generate(&config, root, &|_| {}).unwrap();
}

/// A phantom of eight studies with 32 x 32 pixels, made once.
fn phantom() -> &'static Path {
    static PHANTOM: OnceLock<tempfile::TempDir> = OnceLock::new();
    PHANTOM
        .get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            make_phantom(dir.path(), 8, 3);
            dir
        })
        .path()
}

fn config() -> DatasetConfig {
    DatasetConfig {
        size: 24,
        ..DatasetConfig::default()
    }
}

fn input(config: DatasetConfig) -> BuildInput {
    BuildInput::rsna(phantom(), config, &|_| {}).unwrap()
}

fn build_to(out: &Path, config: DatasetConfig, n_threads: usize) -> Dataset {
    let options = BuildOptions {
        n_threads,
        ..BuildOptions::default()
    };
    build(input(config), out, &options, &|_| {}).unwrap();
    Dataset::open(out).unwrap()
}

/// The dataset most tests read.
fn dataset() -> Dataset {
    static DATASET: OnceLock<(tempfile::TempDir, Dataset)> = OnceLock::new();
    let (_, dataset) = DATASET.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let dataset = build_to(&dir.path().join("ds"), config(), 2);
        (dir, dataset)
    });
    dataset.clone()
}

/// Every file below a folder with its bytes, `provenance.json` aside.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with("provenance.json") {
                files.insert(
                    path.strip_prefix(folder).unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }
    files
}

fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (contents(a), contents(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (path, bytes) in &a {
        assert!(*bytes == b[path], "{} differs", path.display());
    }
}

#[test]
fn counts_close_from_files_to_samples() {
    let dataset = dataset();
    let counts = dataset.info().counts;
    assert_eq!(dataset.info().domain, Domain::Synthetic);
    assert_eq!(counts.files, counts.files_with_slices + counts.file_rejects);
    // Three tables and the truth are no DICOM.
    assert_eq!(counts.file_rejects, 4);
    assert_eq!(counts.target_views, counts.samples + counts.sample_rejects);
    assert_eq!(counts.target_views, 8 * 25 * 2);
    assert_eq!(counts.samples, dataset.samples().len() as u64);
    assert!(counts.samples > 250, "{counts:?}");
}

#[test]
fn each_condition_is_seen_on_its_proper_series_at_the_given_point() {
    let dataset = dataset();
    for sample in dataset.samples() {
        let proper = sample.view == SeriesKind::proper_for(sample.target.condition.group());
        if proper {
            assert_eq!(sample.localisation, Localisation::Given, "{}", sample.sample_id);
            assert!(sample.off_plane_mm.abs() < 1e-9);
        } else {
            assert_eq!(sample.localisation, Localisation::CrossReference);
        }
        // Left is +x: the middle of the patient is near 0.
        if let (Some(side), ConditionGroup::NeuralForaminal) =
            (sample.target.condition.side(), sample.target.condition.group())
        {
            let centre = dataset
                .samples()
                .iter()
                .filter(|s| s.study == sample.study && s.target.condition.side().is_none());
            let xs: Vec<f64> = centre.map(|s| s.point.x).collect();
            let middle = xs.iter().sum::<f64>() / xs.len() as f64;
            assert_eq!(
                sample.point.x > middle,
                side == Side::Left,
                "{}",
                sample.sample_id
            );
        }
    }
    let ids: BTreeSet<&str> = dataset.samples().iter().map(|s| s.sample_id.as_str()).collect();
    assert_eq!(ids.len(), dataset.samples().len());
}

#[test]
fn the_same_bytes_at_any_number_of_threads_and_from_parts() {
    let dir = tempfile::tempdir().unwrap();
    let one = dir.path().join("one");
    build_to(&one, config(), 1);
    let four = dir.path().join("four");
    build_to(&four, config(), 4);
    assert_same(&one, &four);

    let parts: Vec<PathBuf> = (0..3).map(|i| dir.path().join(format!("part{i}"))).collect();
    // Made in any order, one of them twice.
    for i in [2, 0, 1, 0] {
        let part = format!("{i}/3").parse().unwrap();
        build_part(
            input(config()),
            part,
            &parts[i],
            (&BuildOptions::default(), &|_| {}),
        )
        .unwrap();
    }
    let merged = dir.path().join("merged");
    merge(&parts, &merged, None).unwrap();
    assert_same(&one, &merged);

    let error = merge(&parts[..2], &merged, None).unwrap_err().to_string();
    assert_eq!(error, "2 parts of 3: 2/3 missing");
    let error = merge(&parts[1..], &merged, None).unwrap_err().to_string();
    assert_eq!(error, "2 parts of 3: 0/3 missing");
    let part = Dataset::open(&parts[0]).unwrap_err();
    assert!(part.hint().unwrap().contains("`lumbar dataset merge`"), "{part}");
    let other = DatasetConfig { size: 25, ..config() };
    build_part(
        input(other),
        "1/3".parse().unwrap(),
        &parts[1],
        (&BuildOptions::default(), &|_| {}),
    )
    .unwrap();
    let error = merge(&parts, &merged, None).unwrap_err().to_string();
    assert!(error.contains("with another configuration"), "{error}");
}

#[test]
fn no_patient_stands_on_two_sides() {
    let dataset = dataset();
    let mut sides = BTreeMap::new();
    for sample in dataset.samples() {
        assert_eq!(
            *sides.entry(&sample.patient).or_insert(sample.assignment),
            sample.assignment
        );
    }
    let parts: BTreeSet<Part> = sides.values().map(|a| a.part).collect();
    assert_eq!(parts.len(), 3);
}

#[test]
fn an_older_split_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    build_to(&old, config(), 2);
    let mut other = config();
    other.split.seed = 99;
    let options = BuildOptions {
        keep: Some(old.clone()),
        ..BuildOptions::default()
    };
    let new = dir.path().join("new");
    build(input(other), &new, &options, &|_| {}).unwrap();
    assert_eq!(split_of(&old).unwrap(), split_of(&new).unwrap());
}

/// The same phantom and one file of somebody else, which makes another key of the folder.
fn grown(root: &Path) -> BuildInput {
    make_phantom(root, 8, 3);
    let stranger = root.join("train_images/77/78");
    std::fs::create_dir_all(&stranger).unwrap();
    let plane = ImagePlane::new(
        Point::new(0.0, 0.0, 0.0),
        [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
        PixelSpacing {
            row_mm: 1.0,
            column_mm: 1.0,
        },
        [4, 4],
    )
    .unwrap();
    let image = MrImage {
        patient_id: "somebody else".to_owned(),
        ..MrImage::new(["2.25.77", "2.25.78", "2.25.79"], plane, vec![0; 16])
    };
    image
        .write(&stranger.join("1.dcm"), TransferSyntax::RleLossless)
        .unwrap();
    BuildInput::rsna(root, config(), &|_| {}).unwrap()
}

#[test]
fn an_older_split_is_kept_when_files_are_added() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    build_to(&old, config(), 2);
    let mut input = grown(&dir.path().join("grown"));
    input.config.split.seed = 99;
    let options = BuildOptions {
        keep: Some(old.clone()),
        ..BuildOptions::default()
    };
    let new = dir.path().join("new");
    let info = build(input, &new, &options, &|_| {}).unwrap();
    let [before, after] = [&old, &new].map(|path| {
        let dataset = Dataset::open(path).unwrap();
        let places = dataset
            .samples()
            .iter()
            .map(|sample| (sample.study.clone(), (sample.patient.clone(), sample.assignment)));
        places.collect::<BTreeMap<_, _>>()
    });
    // Patients go by other hashes, and stand where they stood.
    assert_eq!(before.len(), after.len());
    for (study, (patient, place)) in &before {
        assert_ne!(*patient, after[study].0);
        assert_eq!(*place, after[study].1);
    }
    let note = "8 of 8 patients keep the places they had in an older dataset.";
    assert!(info.notes.iter().any(|found| found == note), "{:?}", info.notes);
}

#[test]
fn an_older_split_of_others_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let others = dir.path().join("others");
    make_phantom(&dir.path().join("rsna"), 6, 4);
    let input_of_others = BuildInput::rsna(&dir.path().join("rsna"), config(), &|_| {}).unwrap();
    build(input_of_others, &others, &BuildOptions::default(), &|_| {}).unwrap();
    let options = BuildOptions {
        keep: Some(others),
        ..BuildOptions::default()
    };
    let error = build(input(config()), &dir.path().join("new"), &options, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("no place to keep"), "{error}");
}

#[test]
fn whole_slices_say_that_labels_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let config = DatasetConfig {
        mode: SampleMode::WholeSlice,
        depth: 1,
        ..config()
    };
    let dataset = build_to(&dir.path().join("ds"), config, 2);
    assert!(
        dataset
            .samples()
            .iter()
            .all(|sample| sample.crop_mm.is_none() && sample.share_inside == 1.0)
    );
    let notes = dataset.info().notes.join("\n");
    assert!(
        notes.contains("share their image with a sample of another grade"),
        "{notes}"
    );
}

fn epoch(dataset: &Dataset, workers: usize, epoch: u64) -> Vec<lumbar_dataset::Batch> {
    let config = LoaderConfig {
        batch_size: 16,
        seed: 5,
        shuffle: true,
        workers,
        sampling: Sampling::ClassBalanced,
        augment: Some(Augment::default()),
        mirror_right_to_left: true,
        mirror_midline: true,
        blank_centre_mm: Some(10.0),
        ..LoaderConfig::default()
    };
    let all = dataset.select(|_| true);
    Loader::new(dataset, all, config)
        .unwrap()
        .epoch(epoch)
        .map(Result::unwrap)
        .collect()
}

#[test]
fn batches_do_not_depend_on_workers_and_go_on_after_a_step() {
    let dataset = dataset();
    let expected = epoch(&dataset, 0, 1);
    for workers in [1, 2, 8] {
        assert_eq!(epoch(&dataset, workers, 1), expected);
    }
    assert_ne!(epoch(&dataset, 2, 2), expected);
    let config = LoaderConfig {
        batch_size: 16,
        seed: 5,
        shuffle: true,
        ..LoaderConfig::default()
    };
    let loader = Loader::new(&dataset, dataset.select(|_| true), config).unwrap();
    let whole: Vec<_> = loader.epoch(3).map(Result::unwrap).collect();
    assert_eq!(whole.len(), loader.n_batches());
    for step in 0..=whole.len() {
        let rest: Vec<_> = loader.epoch_from(3, step).map(Result::unwrap).collect();
        assert_eq!(rest, whole[step..]);
    }
}

#[test]
fn right_sides_are_shown_as_left_ones() {
    let dataset = dataset();
    let rights = dataset.select(|s| s.target.condition.side() == Some(Side::Right));
    let config = LoaderConfig {
        batch_size: 7,
        mirror_right_to_left: true,
        drop_last: true,
        ..LoaderConfig::default()
    };
    let loader = Loader::new(&dataset, rights.clone(), config).unwrap();
    assert_eq!(loader.n_batches(), rights.len() / 7);
    for batch in loader.epoch(0) {
        let batch = batch.unwrap();
        for (k, index) in batch.samples.iter().enumerate() {
            let sample = &dataset.samples()[*index];
            assert_eq!(batch.targets[k], sample.target.mirrored());
            let mut expected = dataset.pixels(*index).unwrap().to_vec();
            sample
                .mirror
                .unwrap()
                .apply(&mut expected, dataset.shape())
                .unwrap();
            let n = expected.len();
            let found: Vec<u8> = batch.pixels[k * n..(k + 1) * n]
                .iter()
                .map(|grey| (grey * 255.0).round() as u8)
                .collect();
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn sixteen_bits_hold_the_same_picture() {
    let dir = tempfile::tempdir().unwrap();
    let wide = build_to(&dir.path().join("ds"), DatasetConfig { bits: 16, ..config() }, 2);
    let narrow = dataset();
    assert_eq!(wide.samples().len(), narrow.samples().len());
    let batch = |dataset: &Dataset| {
        Loader::new(dataset, vec![0, 1, 2], LoaderConfig::default())
            .unwrap()
            .epoch(0)
            .next()
            .unwrap()
            .unwrap()
    };
    let (a, b) = (batch(&wide), batch(&narrow));
    assert!(
        a.pixels
            .iter()
            .zip(&b.pixels)
            .all(|(a, b)| (a - b).abs() <= 0.51 / 255.0)
    );
}

#[test]
fn unreadable_pixels_reject_samples_and_the_build_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rsna");
    make_phantom(&root, 2, 8);
    let whole = dir.path().join("whole");
    build(
        BuildInput::rsna(&root, config(), &|_| {}).unwrap(),
        &whole,
        &BuildOptions::default(),
        &|_| {},
    )
    .unwrap();
    let victim = Dataset::open(&whole).unwrap().samples()[0].clone();
    // Scanned while it was well, broken before its pixels are read.
    let input = BuildInput::rsna(&root, config(), &|_| {}).unwrap();
    let file = root.join(&victim.source);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 300]).unwrap();
    let out = dir.path().join("ds");
    let info = build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    let dataset = Dataset::open(&out).unwrap();
    assert!(
        dataset
            .samples()
            .iter()
            .all(|sample| sample.sample_id != victim.sample_id)
    );
    assert_eq!(
        info.counts.target_views,
        info.counts.samples + info.counts.sample_rejects
    );
    assert!(info.counts.samples > 0);
}

#[test]
fn a_split_made_anew_counts_a_series_without_a_usable_file_as_the_build_did() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rsna");
    make_phantom(&root, 2, 8);
    let input = BuildInput::rsna(&root, config(), &|_| {}).unwrap();
    let series = root.join(&input.catalogue.slices[0].path);
    for file in std::fs::read_dir(series.parent().unwrap()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 300]).unwrap();
    }
    let input = BuildInput::rsna(&root, config(), &|_| {}).unwrap();
    assert!(
        input
            .catalogue
            .unused()
            .iter()
            .any(|unused| unused.series.is_some())
    );
    let (out, again) = (dir.path().join("ds"), dir.path().join("again"));
    let info = build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    assert_eq!(
        info.counts.target_views,
        info.counts.samples + info.counts.sample_rejects
    );
    assert_eq!(info.counts.target_views, 2 * 25 * 2);
    resplit(&out, &again, &config().split, None).unwrap();
    assert_same(&out, &again);
}

#[test]
fn a_dataset_checks_and_counts_itself() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("ds");
    let dataset = build_to(&out, config(), 2);
    let report = lumbar_dataset::check(&dataset).unwrap();
    assert!(report.is_good(), "{:?}", report.problems);
    assert_eq!(report.n_patients.values().sum::<usize>(), 8);

    let stats = lumbar_dataset::stats(&dataset).unwrap();
    let sum = |tally: &lumbar_dataset::Tally| tally.values().sum::<u64>();
    assert_eq!(
        stats.labels.iter().map(|cell| sum(&cell.grades)).sum::<u64>(),
        8 * 25
    );
    assert_eq!(
        stats.samples_by_view.values().map(sum).sum::<u64>(),
        stats.counts.samples
    );
    assert_eq!(sum(&stats.sample_rejects), stats.counts.sample_rejects);
    assert_eq!(sum(&stats.file_rejects), stats.counts.file_rejects);
    assert_eq!(sum(&stats.findings), stats.counts.findings);
    assert_eq!(stats.matrices.values().map(sum).sum::<u64>(), stats.counts.slices);

    // One bit of one pixel.
    let shard = out.join(&dataset.info().shards[0].file);
    let mut bytes = std::fs::read(&shard).unwrap();
    let pixels = dataset.pixels(20).unwrap().to_vec();
    let at = bytes
        .windows(pixels.len())
        .position(|window| window == pixels)
        .unwrap();
    bytes[at] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let report = lumbar_dataset::check(&Dataset::open(&out).unwrap()).unwrap();
    assert_eq!(report.problems.len(), 2, "{:?}", report.problems);
}
