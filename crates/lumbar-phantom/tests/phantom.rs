//! A phantom on disk, as its users find it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use lumbar_core::{ImagePlane, PixelPoint, SeriesKind, Target};
use lumbar_dicom::TransferSyntax;
use lumbar_phantom::{PhantomConfig, PhantomError, Pixels, Quirks, Site, StudyTruth, generate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn tiny(n_studies: usize, seed: u64) -> PhantomConfig {
    PhantomConfig {
        n_studies,
        seed,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    }
}

fn make(config: &PhantomConfig) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    generate(config, out.path(), &|_| {}).unwrap();
    out
}

fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(root).unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

fn truths(root: &Path) -> Vec<StudyTruth> {
    std::fs::read_to_string(root.join("phantom_truth.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn rows(root: &Path, table: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(root.join(table)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn plane(root: &Path, study: &str, series: &str, instance: &str) -> ImagePlane {
    let path = root.join(format!("train_images/{study}/{series}/{instance}.dcm"));
    let header = lumbar_dicom::read_header(&path, &lumbar_dicom::Limits::default()).unwrap();
    header.frames[0].plane.unwrap()
}

#[test]
fn the_layout_and_the_tables_are_those_of_rsna() {
    let out = make(&tiny(6, 5));
    let labels = std::fs::read_to_string(out.path().join("train.csv")).unwrap();
    assert!(labels.starts_with("study_id,spinal_canal_stenosis_l1_l2,spinal_canal_stenosis_l2_l3,"));
    assert_eq!(labels.matches("\r\n").count(), 7);
    assert_eq!(labels.matches('\n').count(), 7);
    let points = std::fs::read_to_string(out.path().join("train_label_coordinates.csv")).unwrap();
    assert!(points.starts_with("study_id,series_id,instance_number,condition,level,x,y\r\n"));
    assert!(points.contains(",Left Neural Foraminal Narrowing,L4/L5,"));
    let series = std::fs::read_to_string(out.path().join("train_series_descriptions.csv")).unwrap();
    assert!(series.starts_with("study_id,series_id,series_description\r\n"));
    for row in rows(out.path(), "train_label_coordinates.csv") {
        let file = format!(
            "{}/{}/{}.dcm",
            row["study_id"], row["series_id"], row["instance_number"]
        );
        assert!(out.path().join("train_images").join(&file).is_file(), "{file}");
    }
    let ids: Vec<u64> = truths(out.path())
        .iter()
        .map(|t| t.study_id.parse().unwrap())
        .collect();
    assert!(ids.is_sorted() && ids.len() == 6);
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_any_thread_count() {
    let config = PhantomConfig {
        fixed_scores: Some([0.5; 3]),
        quirks: Quirks {
            several_axial: false,
            ..Quirks::default()
        },
        ..PhantomConfig {
            n_studies: 1,
            seed: 11,
            ..PhantomConfig::default()
        }
    };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| files(make(&config).path()))
    };
    let (one, three) = (run(1), run(3));
    assert!(one.len() > 40);
    assert!(one == three, "bytes differ with the thread count");
    let other = files(
        make(&PhantomConfig {
            seed: 12,
            ..tiny(1, 0)
        })
        .path(),
    );
    assert!(
        !other
            .keys()
            .any(|path| one.contains_key(path) && path.extension().is_some_and(|e| e == "dcm"))
    );
}

#[test]
fn sites_share_no_study() {
    let ids = |site| {
        let out = make(&PhantomConfig { site, ..tiny(5, 1) });
        truths(out.path())
            .into_iter()
            .map(|t| t.study_id)
            .collect::<Vec<_>>()
    };
    let (main, north) = (ids(Site::Main), ids(Site::North));
    assert!(main.iter().all(|id| !north.contains(id)));
}

#[test]
fn marks_are_the_targets_places() {
    let out = make(&tiny(8, 2));
    let truths = truths(out.path());
    let mut n_marks = 0;
    for row in rows(out.path(), "train_label_coordinates.csv") {
        let truth = truths.iter().find(|t| t.study_id == row["study_id"]).unwrap();
        let target = Target::new(row["condition"].parse().unwrap(), row["level"].parse().unwrap());
        let plane = plane(
            out.path(),
            &row["study_id"],
            &row["series_id"],
            &row["instance_number"],
        );
        let marked = plane.pixel_to_patient(PixelPoint::new(
            row["x"].parse().unwrap(),
            row["y"].parse().unwrap(),
        ));
        let seen = plane.patient_to_pixel(truth.targets[target.index()].point_mm);
        let in_plane =
            marked.distance(truth.targets[target.index()].point_mm).powi(2) - seen.off_plane_mm.powi(2);
        assert!(in_plane.max(0.0).sqrt() < 0.1, "{target}: {in_plane}");
        assert!(seen.off_plane_mm.abs() <= 3.0);
        if let Some(side) = target.condition.side() {
            let middle = truth.targets[target.level.index()].point_mm.x;
            assert!(
                (marked.x - middle) * side.x_sign() > 4.0,
                "{target} on the wrong side"
            );
        }
        n_marks += 1;
    }
    assert!(n_marks > 150, "{n_marks}");
}

#[test]
fn a_mirrored_phantom_is_the_mirror_image() {
    let config = PhantomConfig {
        n_studies: 1,
        seed: 4,
        quirks: Quirks {
            varied_matrices: false,
            ..Quirks::NONE
        },
        ..PhantomConfig::default()
    };
    let (plain, mirrored) = (
        make(&config),
        make(&PhantomConfig {
            mirror: true,
            ..config.clone()
        }),
    );
    let (a, b) = (&truths(plain.path())[0], &truths(mirrored.path())[0]);
    assert!(b.mirrored && a.series.len() == 3);
    for target in Target::all() {
        let (here, there) = (&a.targets[target.index()], &b.targets[target.mirrored().index()]);
        assert_eq!((here.reader_a, here.score), (there.reader_a, there.score));
        assert_eq!(
            (here.point_mm.x, here.point_mm.y),
            (-there.point_mm.x, there.point_mm.y)
        );
    }
    for series in &a.series {
        let read = |root: &Path| {
            let path = root.join(format!("train_images/{}/{}/3.dcm", a.study_id, series.series_id));
            lumbar_dicom::read_image(&path, &lumbar_dicom::Limits::default()).unwrap()
        };
        let (one, other) = (read(plain.path()), read(mirrored.path()));
        let (p, q) = (
            one.header.frames[0].plane.unwrap(),
            other.header.frames[0].plane.unwrap(),
        );
        let columns = p.columns() as usize;
        let (one, other) = (one.pixels.frame(0).unwrap(), other.pixels.frame(0).unwrap());
        let flip = series.kind == SeriesKind::AxialT2;
        for (row, column) in [(5, 7), (100, 200), (160, 31)] {
            let other_column = if flip { columns - 1 - column } else { column };
            assert_eq!(
                one.to_i32()[row * columns + column],
                other.to_i32()[row * columns + other_column]
            );
            let here = p.pixel_to_patient(PixelPoint::new(column as f64, row as f64));
            let there = q.pixel_to_patient(PixelPoint::new(other_column as f64, row as f64));
            assert!((here.x + there.x).abs() < 1e-3 && (here.z - there.z).abs() < 1e-3);
        }
    }
}

#[test]
fn every_syntax_holds_the_same_picture() {
    let pixels = |syntax| {
        let out = make(&PhantomConfig {
            transfer_syntax: syntax,
            ..tiny(1, 3)
        });
        let truth = &truths(out.path())[0];
        let folder = out
            .path()
            .join("train_images")
            .join(&truth.study_id)
            .join(&truth.series[0].series_id);
        let first = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .min()
            .unwrap();
        let image = lumbar_dicom::read_image(&first, &lumbar_dicom::Limits::default()).unwrap();
        image.pixels.frame(0).unwrap().to_i32()
    };
    let plain = pixels(TransferSyntax::ExplicitVrLittleEndian);
    assert_eq!(plain.len(), 32 * 32);
    for syntax in [
        TransferSyntax::ImplicitVrLittleEndian,
        TransferSyntax::ExplicitVrBigEndian,
        TransferSyntax::DeflatedExplicitVrLittleEndian,
        TransferSyntax::RleLossless,
    ] {
        assert_eq!(pixels(syntax), plain, "{syntax:?}");
    }
}

#[test]
fn a_phantom_is_never_mixed_with_another() {
    let out = make(&tiny(1, 1));
    let error = generate(&tiny(1, 2), out.path(), &|_| {}).unwrap_err();
    assert!(
        matches!(error, PhantomError::NotEmpty { .. }) && error.to_string().contains("is not empty"),
        "{error}"
    );
}

#[test]
fn tables_of_others_are_left_alone_and_an_empty_folder_of_images_is_no_obstacle() {
    let out = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(out.path().join("train_images")).expect("a folder");
    let table = out.path().join("train.csv");
    std::fs::write(&table, "years of work").expect("a file");
    let error = generate(&tiny(1, 1), out.path(), &|_| {}).expect_err("a table of someone else");
    assert!(matches!(error, PhantomError::NotEmpty { .. }), "{error}");
    assert_eq!(
        std::fs::read_to_string(&table).expect("the table"),
        "years of work"
    );
    std::fs::remove_file(&table).expect("the table goes");
    generate(&tiny(1, 1), out.path(), &|_| {}).expect("nothing is in the way");
}

#[test]
fn an_interrupted_phantom_is_replaced() {
    let whole = make(&tiny(2, 1));
    let out = tempfile::tempdir().expect("a temporary folder");
    let interrupted =
        std::panic::catch_unwind(|| generate(&tiny(3, 2), out.path(), &|_| panic!("as if killed")));
    assert!(interrupted.is_err() && out.path().join("train_images").exists());
    // A file of someone else in it stays, and nothing is written.
    let notes = out.path().join("notes.txt");
    std::fs::write(&notes, "mine").expect("a file");
    assert!(matches!(
        generate(&tiny(2, 1), out.path(), &|_| {}),
        Err(PhantomError::NotEmpty { .. })
    ));
    std::fs::remove_file(&notes).expect("the notes go");
    generate(&tiny(2, 1), out.path(), &|_| {}).expect("an interrupted phantom gives way");
    assert_eq!(files(out.path()), files(whole.path()));
}

#[test]
fn too_few_studies_for_all_defects_are_refused_before_anything_is_written() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let config = PhantomConfig {
        label_defects: true,
        ..tiny(5, 1)
    };
    let error = generate(&config, out.path(), &|_| {}).expect_err("5 studies are too few");
    assert!(error.to_string().contains("40 or more"), "{error}");
    assert_eq!(std::fs::read_dir(out.path()).expect("the folder").count(), 0);
}
