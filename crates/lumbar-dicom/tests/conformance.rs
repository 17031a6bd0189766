//! Real files against what pydicom and dcm2niix make of them. Runs where the collection is at hand
//! (`LUMBAR_CONFORMANCE_DIR`, or `../shared/data` from the workspace), and says how many cases ran.

use lumbar_dicom::{Limits, RejectReason, ScanOptions, TransferSyntax, read_header, read_image, scan};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The collection's `dicom` folder, if it is here.
fn collection() -> Option<PathBuf> {
    let root = std::env::var_os("LUMBAR_CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = root.join("dicom");
    folder.join("index.csv").is_file().then_some(folder)
}

struct IndexRow {
    file: String,
    transfer_syntax: String,
    modality: String,
    decoded: bool,
    pixel_sha256: String,
}

fn index(folder: &Path) -> Vec<IndexRow> {
    let mut reader = csv::Reader::from_path(folder.join("index.csv")).expect("the index opens");
    let headers = reader.headers().expect("the index has a header").clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .expect("a column of the index")
    };
    let [file, syntax, modality, decoded, hash] = [
        "file",
        "transfer_syntax",
        "modality",
        "pydicom_decode",
        "pixel_sha256",
    ]
    .map(column);
    reader
        .records()
        .map(|record| record.expect("the index is valid CSV"))
        .map(|record| IndexRow {
            file: record[file].to_owned(),
            transfer_syntax: record[syntax].to_owned(),
            modality: record[modality].to_owned(),
            decoded: &record[decoded] == "ok",
            pixel_sha256: record[hash].to_owned(),
        })
        .collect()
}

fn short_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Files that do not agree with pydicom, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

/// Files of the index whose pixels pydicom gave up on and we read, the made malformed ones aside. `fo-dicom/GH1339.dcm`,
/// which the index does not list, has a test of its own below.
const BEYOND_PYDICOM: [&str; 1] = ["pydicom/test_files/zipMR.gz"];

#[test]
fn stored_values_equal_those_of_pydicom() {
    let Some(folder) = collection() else {
        println!("conformance: 0 cases ran (no collection)");
        return;
    };
    let limits = Limits::default();
    // Equal and decoded by pydicom, of each syntax, of MR and others.
    let mut counts: BTreeMap<(String, bool), [usize; 2]> = BTreeMap::new();
    let (mut wrong, mut beyond) = (Vec::new(), BTreeSet::new());
    for row in index(&folder) {
        let is_mr = row.modality == "MR";
        let result = read_image(&folder.join(&row.file), &limits);
        if !row.decoded {
            match &result {
                Ok(_) if !row.file.starts_with("malformed-fuzz-corpus/") => _ = beyond.insert(row.file),
                Ok(_) => {}
                Err(error) if is_mr => println!("neither: {} ({error})", row.file),
                Err(_) => {}
            }
            continue;
        }
        let count = counts.entry((row.transfer_syntax.clone(), is_mr)).or_default();
        count[1] += 1;
        let found = result.as_ref().map(|image| {
            let mut bytes = image.pixels.to_le_bytes();
            if row.transfer_syntax == TransferSyntax::ExplicitVrBigEndian.uid() {
                // numpy keeps the byte order of the file, and the index hashed its bytes.
                bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
            }
            short_sha256(&bytes)
        });
        if found.as_ref().is_ok_and(|found| *found == row.pixel_sha256) {
            count[0] += 1;
            continue;
        }
        let report = format!("{} ({}): {:?}", row.file, row.transfer_syntax, found.err());
        if !is_mr {
            println!("not MR, not equal: {report}");
        } else if !EXCEPTIONS.iter().any(|(file, _)| *file == row.file) {
            wrong.push(report);
        }
    }
    for ((uid, is_mr), [n_equal, n]) in &counts {
        let name = TransferSyntax::from_uid(uid).map_or("of no known syntax", TransferSyntax::name);
        println!(
            "{:5} {uid:24} {name:36} {n_equal} of {n} equal",
            if *is_mr { "MR" } else { "other" }
        );
    }
    for (file, reason) in EXCEPTIONS {
        println!("exception: {file}: {reason}");
    }
    println!("pydicom does not read, we do: {beyond:?}");
    println!(
        "conformance: {} cases ran",
        counts.values().map(|[_, n]| n).sum::<usize>()
    );
    assert!(
        wrong.is_empty(),
        "{} MR files differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(beyond, BEYOND_PYDICOM.map(str::to_owned).into());
}

#[test]
fn a_pixel_sequence_without_its_delimiter_is_read() {
    let Some(folder) = collection() else {
        println!("conformance: 0 cases ran (no collection)");
        return;
    };
    let image = read_image(&folder.join("fo-dicom/GH1339.dcm"), &Limits::default()).unwrap();
    assert_eq!((image.pixels.rows(), image.pixels.columns()), (320, 320));
    assert_eq!(image.pixels.frame(0).unwrap().range(), Some((0, 819)));
    println!("conformance: 1 cases ran");
}

#[test]
fn malformed_files_give_values_or_reasons() {
    let Some(folder) = collection() else {
        println!("conformance: 0 cases ran (no collection)");
        return;
    };
    let limits = Limits::default();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut n = 0;
    for row in index(&folder)
        .into_iter()
        .filter(|row| row.file.starts_with("malformed-fuzz-corpus/"))
    {
        let path = folder.join(&row.file);
        let _ = read_header(&path, &limits);
        let outcome = match read_image(&path, &limits) {
            Ok(_) => "read".to_owned(),
            Err(error) => error.reason().code().to_owned(),
        };
        assert_ne!(outcome, RejectReason::CodecPanicked.code(), "{}", row.file);
        *outcomes.entry(outcome).or_default() += 1;
        n += 1;
    }
    println!("{outcomes:#?}");
    println!("conformance: {n} cases ran");
    assert!(n > 0);
}

#[test]
fn a_scan_of_the_collection_accounts_for_every_file() {
    let Some(folder) = collection() else {
        println!("conformance: 0 cases ran (no collection)");
        return;
    };
    let options = ScanOptions {
        keep_paths: true,
        ..ScanOptions::default()
    };
    let catalogue = scan(&folder, &options, &|_| {}).unwrap();
    let taken: BTreeSet<_> = catalogue.slices.iter().map(|slice| &slice.source).collect();
    let rejected: BTreeSet<_> = catalogue.rejects.iter().map(|reject| &reject.source).collect();
    assert!(taken.is_disjoint(&rejected));
    assert_eq!(taken.len() + rejected.len(), catalogue.n_files);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reject in &catalogue.rejects {
        *reasons.entry(reject.reason.code()).or_default() += 1;
    }
    for series in &catalogue.series {
        println!(
            "{} slices {} stacks spacing {:?} {:?} {} {:?} [{}] {:?} {}",
            series.n_slices,
            series.stacks.len(),
            series.spacing_mm,
            series.plane,
            series.weighting,
            series.kind,
            series.evidence,
            series.warnings,
            catalogue.slices_of(&series.study, &series.series)[0].source,
        );
    }
    println!("{reasons:?}");
    println!("conformance: {} cases ran", catalogue.n_files);
}
