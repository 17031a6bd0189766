//! Phantoms without a header: what a series is, from geometry and grey levels alone.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use lumbar_core::SeriesKind;
use lumbar_dicom::{
    Confidence, Layout, Limits, MrImage, ScanOptions, TransferSyntax, UnusedReason, read_image, scan,
};
use lumbar_phantom::{PhantomConfig, Quirks, Site, generate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file below a folder.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Writes a file anew with its pixels, position, orientation, spacing, UIDs and InstanceNumber, and nothing else.
fn strip(path: &Path, to: &Path) {
    let image = read_image(path, &Limits::default()).unwrap();
    let header = image.header;
    let uids = [
        &header.study_instance_uid,
        &header.series_instance_uid,
        &header.sop_instance_uid,
    ];
    let uids = uids.map(|uid| uid.as_deref().unwrap());
    let pixels = image.pixels.frame(0).unwrap().as_u16().unwrap().to_vec();
    let plane = header.frames[0].plane.unwrap();
    let bare = MrImage {
        instance_number: header.instance_number.unwrap(),
        image_type: Vec::new(),
        manufacturer: String::new(),
        modality: None,
        ..MrImage::new(uids, plane, pixels)
    };
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    bare.write(to, TransferSyntax::RleLossless).unwrap();
}

#[test]
fn stripped_headers_leave_plane_by_geometry_and_weighting_by_contrast() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = BTreeMap::new();
    for (site, seed) in [(Site::Main, 3), (Site::North, 4), (Site::South, 5)] {
        let whole = folder.path().join(site.name());
        let config = PhantomConfig {
            seed,
            site,
            quirks: Quirks::NONE,
            ..PhantomConfig::default()
        };
        generate(&config, &whole, &|_| {}).unwrap();
        let mut table = csv::Reader::from_path(whole.join("train_series_descriptions.csv")).unwrap();
        for row in table.records().map(Result::unwrap) {
            truth.insert(row[1].to_owned(), row[2].parse::<SeriesKind>().unwrap());
        }
        for file in files(&whole.join("train_images")) {
            let name = file.strip_prefix(whole.join("train_images")).unwrap();
            strip(&file, &folder.path().join("bare/train_images").join(name));
        }
    }
    let bare = folder.path().join("bare");
    let catalogue = scan(&bare, &ScanOptions::default(), &|_| {}).unwrap();
    assert_eq!((catalogue.series.len(), catalogue.rejects.len()), (9, 0));
    let mut n_known = 0;
    for series in &catalogue.series {
        let expected = truth[series.series.as_str()];
        assert_eq!(series.plane, Some(expected.plane()), "{expected:?}");
        match series.kind {
            Some(found) => {
                assert_eq!(found, expected, "{}", series.evidence);
                assert_eq!(series.confidence, Confidence::Low);
                assert!(series.evidence.starts_with("contrast: fluid in the sac is "));
                n_known += 1;
            }
            None => assert_eq!(series.evidence, "unknown: no timing, no description"),
        }
    }
    assert!(n_known >= 8, "{n_known} of 9 known");

    // Without a look at the images nothing is made up.
    let options = ScanOptions {
        headers_only: true,
        layout: Layout::Auto,
        ..ScanOptions::default()
    };
    let unknown = scan(&bare, &options, &|_| {}).unwrap();
    assert!(
        unknown
            .series
            .iter()
            .all(|series| series.kind.is_none() && series.confidence == Confidence::None)
    );
    let unused = unknown.unused();
    let found = unknown.found();
    assert_eq!(
        (
            found.n_series,
            found.n_series_used,
            found.n_studies,
            found.n_studies_used
        ),
        (9, 0, 3, 0)
    );
    let count = |reason| unused.iter().filter(|row| row.reason == reason).count();
    assert_eq!(count(UnusedReason::UnknownWeighting), 9);
    assert_eq!(count(UnusedReason::NoSeriesUsed), 3);
}
