//! Folders written at test time, scanned, and every file accounted for.

mod common;

use common::{axial, sagittal, slice, timed};
use lumbar_core::{SeriesId, SeriesKind, StudyId, Weighting};
use lumbar_dicom::{
    Catalogue, Confidence, Limits, MrImage, RejectReason, ScanError, ScanOptions, SeriesWarning,
    TransferSyntax, read_frame, scan, scan_parts,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn write(root: &Path, path: &str, slice: &MrImage) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a file below the root")).expect("a folder can be made");
    slice
        .write(&path, TransferSyntax::RleLossless)
        .expect("a slice can be written");
}

fn scan_folder(root: &Path) -> Catalogue {
    scan(root, &ScanOptions::default(), &|_| {}).expect("the folder can be scanned")
}

/// Paths of all files below a folder, links included.
fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn assert_accounts_for_all(catalogue: &Catalogue, n_files: usize) {
    let taken: BTreeSet<_> = catalogue.slices.iter().map(|slice| &slice.source).collect();
    let rejected: BTreeSet<_> = catalogue.rejects.iter().map(|reject| &reject.source).collect();
    assert!(taken.is_disjoint(&rejected));
    assert_eq!(
        rejected.len(),
        catalogue.rejects.len(),
        "one row per rejected file"
    );
    assert_eq!(
        (taken.len() + rejected.len(), catalogue.n_files),
        (n_files, n_files)
    );
}

/// A study as in RSNA 2024: sagittal T1 and T2, axial T2 as three tilted stacks.
fn rsna_study(root: &Path) {
    for i in 1..=5 {
        let x = f64::from(i - 3) * 4.4;
        // Instance numbers of T1 run from right to left, those of T2 from left to right.
        write(
            root,
            &format!("train_images/77/101/{i}.dcm"),
            &timed(slice(101, i, sagittal(x)), 550.0, 11.0),
        );
        write(
            root,
            &format!("train_images/77/102/{i}.dcm"),
            &timed(slice(102, i, sagittal(-x)), 3500.0, 105.0),
        );
    }
    let mut instance = 0;
    for (tilt, z) in [(-18.0, -40.0), (0.0, 0.0), (12.0, 38.0)] {
        for step in 0..4 {
            instance += 1;
            let plane = axial(tilt, z, f64::from(step) * 4.0);
            let slice = timed(slice(103, instance, plane), 4000.0, 95.0);
            write(root, &format!("train_images/77/103/{instance}.dcm"), &slice);
        }
    }
}

#[test]
fn an_rsna_study_is_found_ordered_and_recognised() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    rsna_study(folder.path());
    fs::write(folder.path().join("train.csv"), "study_id\r\n77\r\n").expect("a file can be written");
    let catalogue = scan_folder(folder.path());
    assert_accounts_for_all(&catalogue, files_below(folder.path()).len());
    assert_eq!(catalogue.rejects.len(), 1);
    assert_eq!(
        (catalogue.rejects[0].source.as_str(), catalogue.rejects[0].reason),
        ("train.csv", RejectReason::NotDicom)
    );

    let study = StudyId::new("77").expect("an id");
    let kinds: Vec<_> = catalogue
        .series_of(&study)
        .iter()
        .map(|series| series.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            Some(SeriesKind::SagittalT1),
            Some(SeriesKind::SagittalT2),
            Some(SeriesKind::AxialT2)
        ]
    );
    assert!(
        catalogue
            .series
            .iter()
            .all(|series| series.confidence == Confidence::High && series.synthetic)
    );

    let names = |series: &str| -> Vec<i32> {
        let slices = catalogue.slices_of(&study, &SeriesId::new(series).expect("an id"));
        slices
            .iter()
            .map(|slice| slice.instance_number.expect("a number"))
            .collect()
    };
    // Along the normal, which runs from patient left to right in a sagittal series, whichever way the numbers run.
    assert_eq!(names("101"), [5, 4, 3, 2, 1]);
    assert_eq!(names("102"), [1, 2, 3, 4, 5]);
    // Stacks from head to foot, slices along the normal.
    assert_eq!(names("103"), [9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4]);
    let axial = &catalogue.series[2];
    assert_eq!(axial.stacks.len(), 3);
    assert!((axial.spacing_mm.expect("a spacing") - 4.0).abs() < 1e-6);
    assert_eq!(axial.warnings, [SeriesWarning::SeveralStacks]);

    let first = &catalogue.slices[0];
    assert_eq!(first.source, "train_images/77/101/5.dcm");
    let image =
        read_frame(&folder.path().join(&first.path), first.frame, &Limits::default()).expect("an image");
    assert_eq!(
        image.pixels.frame(0).expect("a frame").to_i32()[..2],
        [31 * 5, 31 * 5 + 7]
    );
}

#[test]
fn a_three_slice_rle_series_is_written_and_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written: Vec<MrImage> = (1..=3)
        .map(|i| slice(7, i, sagittal(4.0 * f64::from(i))))
        .collect();
    for slice in &written {
        write(folder.path(), &format!("s/{}.dcm", slice.instance_number), slice);
    }
    let catalogue = scan_folder(folder.path());
    assert_eq!(
        (
            catalogue.series.len(),
            catalogue.slices.len(),
            catalogue.rejects.len()
        ),
        (1, 3, 0)
    );
    for slice in &catalogue.slices {
        let image = read_frame(&folder.path().join(&slice.path), 0, &Limits::default()).expect("an image");
        let source = &written[slice.instance_number.expect("a number") as usize - 1];
        assert_eq!(
            image.pixels.frame(0).expect("a frame").as_u16(),
            Some(source.pixels.as_slice())
        );
        assert_eq!(slice.plane, Some(source.plane));
        assert_eq!(slice.transfer_syntax, TransferSyntax::RleLossless);
    }
}

#[test]
fn whatever_is_not_used_has_its_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    let base = slice(1, 1, sagittal(0.0));
    write(root, "a/good.dcm", &base);
    write(root, "b/copy.dcm", &base);
    write(
        root,
        "ct.dcm",
        &MrImage {
            modality: Some("CT".to_owned()),
            ..slice(2, 1, sagittal(0.0))
        },
    );
    write(
        root,
        "no-modality.dcm",
        &MrImage {
            modality: None,
            ..slice(3, 1, sagittal(0.0))
        },
    );
    let mut mosaic = slice(4, 1, sagittal(0.0));
    mosaic.image_type.push("MOSAIC".to_owned());
    write(root, "mosaic.dcm", &mosaic);
    let whole = base
        .to_bytes(TransferSyntax::ExplicitVrLittleEndian)
        .expect("bytes");
    fs::write(root.join("cut.dcm"), &whole[..400]).expect("a file can be written");
    fs::write(root.join("empty.dcm"), "").expect("a file can be written");
    fs::write(root.join("README"), "read me").expect("a file can be written");
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.join("a/good.dcm"), root.join("link.dcm")).expect("a link can be made");

    let options = ScanOptions {
        keep_paths: true,
        ..ScanOptions::default()
    };
    let catalogue = scan(root, &options, &|_| {}).expect("the folder can be scanned");
    assert_accounts_for_all(&catalogue, files_below(root).len());
    let rejects: Vec<_> = catalogue
        .rejects
        .iter()
        .map(|reject| (reject.source.as_str(), reject.reason.code()))
        .collect();
    let mut expected = vec![
        ("README", "NotDicom"),
        ("b/copy.dcm", "DuplicateInstance"),
        ("ct.dcm", "NotMr"),
        ("cut.dcm", "Truncated"),
        ("empty.dcm", "EmptyFile"),
        ("mosaic.dcm", "SiemensMosaic"),
    ];
    if cfg!(unix) {
        expected.insert(5, ("link.dcm", "SymbolicLink"));
    }
    assert_eq!(rejects, expected);
    let ct = catalogue
        .rejects
        .iter()
        .find(|reject| reject.source == "ct.dcm")
        .expect("a row");
    assert!(ct.study.is_some() && ct.series.is_some());
}

#[test]
fn a_compressed_image_cut_short_does_not_stand_in_for_its_whole_copy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = slice(1, 1, sagittal(0.0))
        .to_bytes(TransferSyntax::RleLossless)
        .expect("bytes");
    fs::write(folder.path().join("a.dcm"), &whole[..whole.len() - 20]).expect("a file can be written");
    fs::write(folder.path().join("b.dcm"), &whole).expect("a file can be written");
    // Only the end is missing, which says that fragments end and which some writers leave out.
    fs::write(folder.path().join("c.dcm"), &whole[..whole.len() - 8]).expect("a file can be written");
    let options = ScanOptions {
        keep_paths: true,
        ..ScanOptions::default()
    };
    let catalogue = scan(folder.path(), &options, &|_| {}).expect("the folder can be scanned");
    let rejects: Vec<_> = catalogue
        .rejects
        .iter()
        .map(|reject| (reject.source.as_str(), reject.reason.code()))
        .collect();
    assert_eq!(rejects, [("a.dcm", "Truncated"), ("c.dcm", "DuplicateInstance")]);
    assert_eq!(catalogue.slices[0].source, "b.dcm");
}

#[test]
fn one_canary_in_every_place_is_found_in_no_output() {
    const CANARY: &str = "CANARY";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("CANARY^FOLDER");
    let mut marked = slice(1, 1, sagittal(0.0));
    marked.patient_id = format!("{CANARY}-ID");
    marked.patient_name = format!("{CANARY}^NAME");
    marked.series_description = Some(format!("SAG T2 {CANARY}"));
    marked.protocol_name = Some(CANARY.to_owned());
    marked.study_description = Some(CANARY.to_owned());
    marked.manufacturer = CANARY.to_owned();
    marked.model_name = Some(CANARY.to_owned());
    marked.sequence_name = Some(CANARY.to_owned());
    write(&root, "CANARY study/CANARY.dcm", &marked);
    let whole = marked
        .to_bytes(TransferSyntax::ExplicitVrLittleEndian)
        .expect("bytes");
    for cut in [300, 500, 700, whole.len() - 9] {
        fs::write(root.join(format!("CANARY{cut}.dcm")), &whole[..cut]).expect("a file can be written");
    }
    let catalogue = scan_folder(&root);
    let json = serde_json::to_string(&catalogue).expect("a catalogue can be written as JSON");
    assert!(!json.to_ascii_uppercase().contains(CANARY), "{json}");
    assert!(catalogue.series[0].description.as_deref() == Some("sag t2"));
    assert_eq!(catalogue.series[0].weighting, Weighting::T2);
    let header = lumbar_dicom::read_header_bytes(&whole, &Limits::default()).expect("a header");
    assert!(!format!("{header:?}").contains(CANARY));
}

#[test]
fn the_same_files_give_the_same_catalogue_at_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    rsna_study(folder.path());
    for i in 1..=6 {
        write(
            folder.path(),
            &format!("other/{i}"),
            &slice(5, i, sagittal(f64::from(i))),
        );
    }
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .expect("a pool");
        pool.install(|| scan_folder(folder.path()))
    };
    let one = with_threads(1);
    assert_eq!(one, with_threads(5));
    assert!(
        one.slices
            .windows(2)
            .all(|pair| pair[0].patient_key == pair[1].patient_key)
    );
    assert_eq!(
        one.slices
            .iter()
            .filter(|slice| slice.source.contains('/'))
            .count(),
        22
    );
}

#[test]
fn parts_are_the_catalogue() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // More slices than a part has, and a file for each of the two ways not to be taken.
    for series in 1..=5 {
        for number in 1..=260 {
            let slice = slice(series, number, sagittal(f64::from(number)));
            write(folder.path(), &format!("{series}/{number}.dcm"), &slice);
        }
    }
    let repeat = slice(2, 7, sagittal(7.0));
    write(folder.path(), "6/7.dcm", &repeat);
    fs::write(folder.path().join("note.txt"), "not an image").expect("a file can be written");
    let whole = scan_folder(folder.path());
    assert_eq!((whole.slices.len(), whole.rejects.len()), (1300, 2));

    let (mut parts, mut joined) = (0, Catalogue::default());
    let rest = scan_parts(folder.path(), &ScanOptions::default(), &|_| {}, |part| {
        parts += 1;
        let of_part: BTreeSet<_> = part.slices.iter().map(|slice| &slice.series).collect();
        assert_eq!(of_part, part.series.iter().map(|series| &series.series).collect());
        joined.series.extend(part.series);
        joined.slices.extend(part.slices);
        Ok::<(), ScanError>(())
    })
    .expect("the folder can be scanned");
    assert!(parts > 1, "a part holds all");
    assert!(rest.series.is_empty() && rest.slices.is_empty());
    assert_eq!((&joined.series, &joined.slices), (&whole.series, &whole.slices));
    assert_eq!((rest.n_files, &rest.rejects), (whole.n_files, &whole.rejects));
    assert_eq!(rest.pseudonyms, whole.pseudonyms);
}

#[test]
fn whoever_takes_the_parts_can_stop_the_scan() {
    #[derive(Debug, PartialEq)]
    enum Stop {
        Scan,
        DiskFull,
    }
    impl From<ScanError> for Stop {
        fn from(_: ScanError) -> Stop {
            Stop::Scan
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "1.dcm", &slice(1, 1, sagittal(0.0)));
    let scan = |root: &Path| scan_parts(root, &ScanOptions::default(), &|_| {}, |_| Err(Stop::DiskFull));
    assert_eq!(scan(folder.path()), Err(Stop::DiskFull));
    assert_eq!(scan(&folder.path().join("none")), Err(Stop::Scan));
}
