//! Catalogues on disk.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_dataset::{
    BuildInput, BuildOptions, CatalogueWriter, DatasetConfig, DatasetError, build, read_catalogue,
    write_catalogue,
};
use lumbar_dicom::{ScanOptions, scan, scan_parts};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use std::path::Path;

fn phantom(root: &Path) {
    let config = PhantomConfig {
        n_studies: 3,
        seed: 11,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    generate(&config, root, &|_| {}).unwrap();
}

/// The grades of the phantom as a table of one's own.
fn own_labels(root: &Path, out: &Path) {
    let labels = lumbar_dataset::labels::Labels::read_rsna(root).unwrap();
    let mut text = "study,condition,level,grade,series,instance,x,y\n".to_owned();
    for point in &labels.points {
        let Some(grade) = labels.grades.get(&(point.study.clone(), point.target)) else {
            continue;
        };
        text += &format!(
            "{},{},{},{grade},{},{},{},{}\n",
            point.study,
            point.target.condition.column_name(),
            point.target.level,
            point.series,
            point.instance_number,
            point.pixel.column,
            point.pixel.row
        );
    }
    std::fs::write(out, text).unwrap();
}

#[test]
fn a_catalogue_comes_back_and_builds_the_same_samples() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rsna");
    phantom(&root);
    let scanned = scan(&root, &ScanOptions::default(), &|_| {}).unwrap();
    let folder = dir.path().join("catalogue");
    let info = write_catalogue(&scanned, &root, &folder).unwrap();
    assert_eq!(info.n_files, info.n_files_with_slices + info.n_rejects);
    let stored = read_catalogue(&folder).unwrap();
    assert_eq!(stored.catalogue.series, scanned.series);
    assert_eq!(stored.catalogue.slices, scanned.slices);
    assert_eq!(stored.catalogue.rejects, scanned.rejects);
    assert_eq!(stored.info, info);

    let labels = dir.path().join("labels.csv");
    own_labels(&root, &labels);
    let config = DatasetConfig {
        size: 16,
        ..DatasetConfig::default()
    };
    let input = BuildInput::catalogue(&folder, &labels, config.clone(), &|_| {}).unwrap();
    let own = build(input, &dir.path().join("own"), &BuildOptions::default(), &|_| {}).unwrap();
    let input = BuildInput::rsna(&root, config, &|_| {}).unwrap();
    let rsna = build(input, &dir.path().join("ds"), &BuildOptions::default(), &|_| {}).unwrap();
    assert_eq!(own.shards, rsna.shards);
}

#[test]
fn hashed_sources_are_found_again_unless_the_files_changed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rsna");
    phantom(&root);
    // Elsewhere than in the RSNA layout: names of folders are not trusted, paths are hashed.
    let archive = dir.path().join("archive");
    std::fs::rename(root.join("train_images"), &archive).unwrap();
    let scanned = scan(&archive, &ScanOptions::default(), &|_| {}).unwrap();
    let folder = dir.path().join("catalogue");
    write_catalogue(&scanned, &archive, &folder).unwrap();
    let study = &scanned.series[0].study;
    let labels = dir.path().join("labels.csv");
    std::fs::write(
        &labels,
        format!("study,condition,level,grade\n{study},spinal_canal_stenosis,L1/L2,Severe\n"),
    )
    .unwrap();
    let input = || BuildInput::catalogue(&folder, &labels, DatasetConfig::default(), &|_| {});
    assert!(
        input()
            .unwrap()
            .catalogue
            .slices
            .iter()
            .all(|slice| slice.path.extension().is_some())
    );

    std::fs::remove_file(archive.join(&scanned.slices[0].path)).unwrap();
    let error = input().unwrap_err();
    assert!(matches!(error, DatasetError::Corrupt { .. }), "{error}");
}

#[test]
fn a_catalogue_written_while_it_is_made_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rsna");
    phantom(&root);
    std::fs::write(root.join("train_images/note.txt"), "no DICOM").unwrap();
    let (at_once, in_parts) = (dir.path().join("at_once"), dir.path().join("in_parts"));
    let scanned = scan(&root, &ScanOptions::default(), &|_| {}).unwrap();
    let info = write_catalogue(&scanned, &root, &at_once).unwrap();
    assert!(info.n_rejects > 0 && info.n_slices > 0);

    let mut writer = CatalogueWriter::start(&in_parts).unwrap();
    for series in &scanned.series {
        let slices = scanned.slices_of(&series.study, &series.series);
        writer.push(std::slice::from_ref(series), slices).unwrap();
        assert!(!in_parts.exists(), "half a catalogue stands there");
    }
    let rest = scan_parts(&root, &ScanOptions::default(), &|_| {}, |_| {
        Ok::<(), DatasetError>(())
    })
    .unwrap();
    assert_eq!(writer.info(&rest), info);
    assert_eq!(writer.finish(&rest, &root).unwrap(), info);
    assert_eq!(
        read_catalogue(&in_parts).unwrap().catalogue,
        read_catalogue(&at_once).unwrap().catalogue
    );

    let mut writer = CatalogueWriter::start(&dir.path().join("torn")).unwrap();
    let error = writer.push(&[], &scanned.slices).unwrap_err();
    assert!(matches!(error, DatasetError::Corrupt { .. }), "{error}");
}

#[test]
fn a_catalogue_of_an_older_version_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("catalogue");
    write_catalogue(&lumbar_dicom::Catalogue::default(), dir.path(), &folder).unwrap();
    let path = folder.join("catalogue.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let now = format!("\"schema_version\": {}", lumbar_dataset::CATALOGUE_SCHEMA_VERSION);
    std::fs::write(&path, text.replace(&now, "\"schema_version\": 1")).unwrap();
    let error = read_catalogue(&folder).unwrap_err();
    assert!(matches!(error, DatasetError::OldCatalogue { .. }), "{error}");
}

/// What a file calls its series reaches no table but for words we know, whatever it is.
#[test]
fn a_script_for_a_series_description_stays_behind() {
    use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("<b>archive<b>");
    std::fs::create_dir(&root).unwrap();
    for k in 0..3 {
        let spacing = PixelSpacing {
            row_mm: 1.0,
            column_mm: 1.0,
        };
        let axes = [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)];
        let plane = ImagePlane::new(Point::new(4.0 * f64::from(k), 0.0, 0.0), axes, spacing, [8, 8]).unwrap();
        let uids = ["1.2.3", "1.2.3.4", &format!("1.2.3.4.{k}")];
        let image = lumbar_dicom::MrImage {
            instance_number: k + 1,
            series_description: Some("<script>alert(1)</script> T2 sag".to_owned()),
            protocol_name: Some("<img src=x onerror=alert(2)>".to_owned()),
            ..lumbar_dicom::MrImage::new(uids, plane, vec![100; 64])
        };
        let path = root.join(format!("<i>{k}.dcm"));
        image
            .write(&path, lumbar_dicom::TransferSyntax::ExplicitVrLittleEndian)
            .unwrap();
    }
    std::fs::write(root.join("<script>x<script>.txt"), "no DICOM").unwrap();
    let scanned = scan(&root, &ScanOptions::default(), &|_| {}).unwrap();
    let folder = dir.path().join("catalogue");
    write_catalogue(&scanned, &root, &folder).unwrap();
    let mut catalogue = read_catalogue(&folder).unwrap().catalogue;
    assert_eq!((catalogue.slices.len(), catalogue.rejects.len()), (3, 1));
    // The path is for reading, and stands in no table.
    catalogue
        .slices
        .iter_mut()
        .for_each(|slice| slice.path = Default::default());
    let tables = format!("{catalogue:?}");
    assert!(!tables.contains('<') && !tables.contains("alert"), "{tables}");
    let description = catalogue.series[0].description.as_deref().unwrap();
    assert!(
        description.contains("t2") && description.contains("sag"),
        "{description}"
    );
}
