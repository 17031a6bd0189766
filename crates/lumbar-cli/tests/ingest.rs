//! `lumbar ingest` as a process: what it says, what it counts, and what it never lets out.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use lumbar_dicom::{MrImage, TransferSyntax};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn lumbar(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lumbar"))
        .args(args)
        .current_dir(folder)
        .env("RUST_LOG", "trace")
        .output()
        .expect("the command runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("people-text is UTF-8")
}

fn slice(series: u32, instance: i32) -> MrImage {
    let plane = ImagePlane::new(
        Point::new(4.0 * f64::from(instance), -12.0, 18.0),
        [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
        PixelSpacing {
            row_mm: 1.5,
            column_mm: 1.25,
        },
        [24, 20],
    )
    .expect("a valid plane");
    let uids = [
        "2.25.9",
        &format!("2.25.9.{series}"),
        &format!("2.25.9.{series}.{instance}"),
    ];
    MrImage {
        instance_number: instance,
        repetition_time_ms: Some(500.0),
        echo_time_ms: Some(10.0),
        ..MrImage::new(uids, plane, (0..480).collect())
    }
}

fn bytes(image: &MrImage, syntax: TransferSyntax) -> Vec<u8> {
    image.to_bytes(syntax).expect("a slice can be written")
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    fs::write(path, bytes).expect("a file can be written");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

// Messages.

#[test]
fn a_newcomer_is_told_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    write(
        &root.join("one.dcm"),
        &bytes(&slice(1, 1), TransferSyntax::RleLossless),
    );
    write(&root.join("text/README.txt"), b"read me");
    write(&root.join("mine/notes.txt"), b"my notes");
    fs::create_dir(root.join("empty")).expect("a folder can be made");
    let cases: [(&[&str], i32, &str); 7] = [
        (
            &["ingest", "absent", "--out", "cat"],
            1,
            "error: cannot ingest `absent`: No such file or directory (os error 2)\n\
             hint: there is no such folder; give one that holds DICOM files, at any depth\n",
        ),
        (
            &["ingest", "one.dcm", "--out", "cat"],
            1,
            "error: cannot ingest `one.dcm`: Not a directory (os error 20)\n\
             hint: it is a file; give the folder that holds it\n",
        ),
        (
            &["ingest", "text", "--out", "mine"],
            1,
            "error: `mine` exists and holds no `catalogue.json`; nothing was written\n\
             hint: name a new folder, or one that holds a catalogue, which is then replaced\n",
        ),
        (
            &["ingest", "empty", "--out", "cat-empty"],
            1,
            "error: no usable MR image in `empty`\nhint: the folder is empty\n",
        ),
        (
            &["ingest", "text", "--out", "cat-text"],
            1,
            "error: no usable MR image in `text`\n\
             hint: `cat-text/rejects.parquet` says why each file is not used\n",
        ),
        (
            &["ingest", "text", "--out", "cat", "--limit", "max_farmes=3"],
            2,
            "no limit `max_farmes`, did you mean `max_frames`?",
        ),
        (&["ingest", "text"], 2, "--out <CATALOGUE>"),
    ];
    for (args, code, expected) in cases {
        let output = lumbar(args, root);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
    assert_eq!(
        fs::read(root.join("mine/notes.txt")).expect("my notes"),
        b"my notes"
    );
    assert!(!root.join("cat").exists(), "a command that failed leaves nothing");
}

#[test]
#[cfg(unix)]
fn a_folder_that_cannot_be_listed_is_a_row() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let closed = folder.path().join("in/closed");
    fs::create_dir_all(&closed).expect("a folder can be made");
    write(
        &folder.path().join("in/1"),
        &bytes(&slice(1, 1), TransferSyntax::RleLossless),
    );
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("permissions can be set");
    let listed = fs::read_dir(&closed).is_ok();
    let output = lumbar(&["ingest", "in", "--out", "cat", "--json"], folder.path());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("permissions can be set");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    // Root lists everything.
    let expected = if listed {
        serde_json::json!({})
    } else {
        serde_json::json!({ "Unreadable": 1 })
    };
    assert_eq!(summary["reject_reasons"], expected);
    assert_eq!(summary["files_used"], 1);
}

// Counts.

/// Tiny phantoms in every encoding that can be written, one file in a hundred damaged; how many are.
fn mixed(folder: &Path) -> usize {
    let syntaxes = [
        TransferSyntax::RleLossless,
        TransferSyntax::ImplicitVrLittleEndian,
        TransferSyntax::ExplicitVrLittleEndian,
        TransferSyntax::ExplicitVrBigEndian,
        TransferSyntax::DeflatedExplicitVrLittleEndian,
    ];
    for (seed, transfer_syntax) in (1..).zip(syntaxes) {
        let config = PhantomConfig {
            n_studies: 2,
            seed,
            pixels: Pixels::Tiny,
            transfer_syntax,
            ..PhantomConfig::default()
        };
        generate(&config, &folder.join(seed.to_string()), &|_| {}).expect("phantoms can be made");
    }
    let mut files = files_below(folder);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "dcm"));
    files.sort();
    let mut n_damaged = 0;
    for (n, path) in files.iter().enumerate().filter(|(n, _)| n % 100 == 7) {
        let whole = fs::read(path).expect("a file");
        let damaged = match n / 100 % 3 {
            0 => Vec::new(),
            1 => whole[..whole.len() / 3].to_vec(),
            _ => b"not an image".to_vec(),
        };
        fs::write(path, damaged).expect("a file can be written");
        n_damaged += 1;
    }
    n_damaged
}

#[test]
fn counts_close_and_json_says_the_same_as_the_text() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("in");
    let n_damaged = mixed(&root);
    let files = files_below(&root);
    let args = ["ingest", "in", "--out", "cat", "--check-pixels"];
    let people = lumbar(&args, folder.path());
    assert!(people.status.success());
    let (shown, progress) = (text(&people.stdout), text(&people.stderr));
    assert!(
        progress.contains(&format!("ingest: {} files (", files.len())),
        "{progress}"
    );
    let json = lumbar(&[args.as_slice(), &["--json"]].concat(), folder.path());
    let summary: serde_json::Value = serde_json::from_slice(&json.stdout).expect("one JSON object");
    let number = |key: &str| summary[key].as_u64().expect("a count");
    assert_eq!(number("files"), files.len() as u64);
    assert_eq!(number("files"), number("files_used") + number("files_rejected"));
    // The tables and truth files of five phantoms are no DICOM files.
    let is_other = |path: &&PathBuf| path.extension().is_none_or(|extension| extension != "dcm");
    let n_other = files.iter().filter(is_other).count();
    assert_eq!(number("files_rejected"), (n_damaged + n_other) as u64);
    let sum = |key: &str| -> u64 {
        let tally = summary[key].as_object().expect("a tally");
        tally.values().map(|n| n.as_u64().expect("a count")).sum()
    };
    assert_eq!(sum("reject_reasons"), number("files_rejected"));
    assert_eq!(
        number("series_found"),
        number("series_used") + sum("unused_series")
    );
    assert_eq!(
        number("studies_found"),
        number("studies_used") + sum("unused_studies")
    );
    let expected = format!(
        "{} files found: {} used with {} slices, {} rejected\n",
        number("files"),
        number("files_used"),
        number("slices"),
        number("files_rejected")
    );
    assert!(shown.starts_with(&expected), "{shown}");
    for key in ["reject_reasons", "unused_series", "unused_studies"] {
        for (reason, n) in summary[key].as_object().expect("a tally") {
            let start = format!("  {:>7}  {reason} ", n.as_u64().expect("a count"));
            // Behind the code stands what it stands for.
            let is_line = |line: &str| line.starts_with(&start) && line.ends_with('.');
            assert!(shown.lines().any(is_line), "{start}\n{shown}");
        }
    }
}

// Identity.

/// Texts of a column.
fn column(table: &Path, name: &str) -> Vec<String> {
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(File::open(table).expect("a table")).expect("a table");
    let index = builder.schema().index_of(name).expect("a column");
    let mut found = Vec::new();
    for batch in builder.build().expect("a reader") {
        let batch = batch.expect("a batch");
        found.extend(
            batch
                .column(index)
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(str::to_owned),
        );
    }
    found
}

#[test]
fn ids_are_hashed_unless_asked_otherwise_and_one_key_makes_them_last() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    write(
        &root.join("in/a.dcm"),
        &bytes(&slice(1, 1), TransferSyntax::RleLossless),
    );
    write(&root.join("key"), b"thirty-two bytes nobody can guess");
    write(&root.join("short"), b"secret");
    let study = |out: &str, flags: &[&str]| -> Vec<String> {
        let output = lumbar(&[&["ingest", "in", "--out", out], flags].concat(), root);
        assert!(output.status.success(), "{}", text(&output.stderr));
        column(&root.join(out).join("slices.parquet"), "study_id")
    };
    let key = ["--identity-key", "key"];
    let (by_contents, by_key) = (study("c1", &[]), study("k1", &key));
    assert_eq!(study("kept", &["--keep-uids", "--keep-paths"]), ["2.25.9"]);
    assert_eq!(column(&root.join("kept/slices.parquet"), "source"), ["a.dcm"]);
    write(
        &root.join("in/b.dcm"),
        &bytes(&slice(1, 2), TransferSyntax::RleLossless),
    );
    // Another file, another key of the contents; the key of one's own stays.
    assert_ne!(study("c2", &[])[0], by_contents[0]);
    assert_eq!(study("k2", &key)[0], by_key[0]);
    assert_ne!(by_key[0], by_contents[0]);
    let output = lumbar(&["ingest", "in", "--out", "k3", "--identity-key", "short"], root);
    assert_eq!(
        text(&output.stderr),
        "error: the identity key `short` has 6 bytes\n\
         hint: a secret of at least 16 bytes, as `head -c 32 /dev/urandom > FILE` makes; keep it safe\n"
    );
}

const CANARY: &str = "CANARY";

/// Fails if the canary is in a file, raw or among the values of a table.
fn assert_clean(folder: &Path) {
    let files = files_below(folder);
    assert!(!files.is_empty());
    for path in files {
        let bytes = fs::read(&path).expect("a file of ours");
        assert_no_canary(&path.display().to_string(), &bytes);
        if path.extension().is_some_and(|extension| extension == "parquet") {
            for value in values(&path) {
                assert_no_canary(&path.display().to_string(), value.as_bytes());
            }
        }
    }
}

fn assert_no_canary(place: &str, bytes: &[u8]) {
    let upper = bytes.to_ascii_uppercase();
    let utf16: Vec<u8> = CANARY.bytes().flat_map(|byte| [byte, 0]).collect();
    for needle in [CANARY.as_bytes(), &utf16] {
        let found = upper.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{place} holds the canary");
    }
}

/// Every text of a table, decompressed, and its metadata.
fn values(path: &Path) -> Vec<String> {
    let file = File::open(path).expect("a table");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a table");
    let mut found = vec![format!(
        "{:?} {:?}",
        builder.metadata().file_metadata(),
        builder.schema()
    )];
    for batch in builder.build().expect("a reader") {
        for column in batch.expect("a batch").columns() {
            match column.data_type() {
                DataType::Utf8 => {
                    found.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
                }
                // Numbers hold no names. A column of another kind must be looked at here before it is let out.
                other => assert!(other.is_numeric() || *other == DataType::Boolean, "{other}"),
            }
        }
    }
    found
}

/// An image with the canary wherever text can stand, in a private element too.
fn marked(instance: i32) -> Vec<u8> {
    let mark = || Some(format!("{CANARY} {CANARY}"));
    let image = MrImage {
        patient_id: format!("{CANARY}-ID"),
        patient_name: format!("{CANARY}^NAME"),
        series_description: Some(format!("SAG T1 {CANARY} t1{CANARY}")),
        protocol_name: mark(),
        study_description: mark(),
        manufacturer: format!("{CANARY} Siemens"),
        model_name: mark(),
        sequence_name: Some(CANARY.to_owned()),
        body_part: Some(CANARY.to_owned()),
        ..slice(1, instance)
    };
    let whole = bytes(&image, TransferSyntax::ExplicitVrLittleEndian);
    let pixels = [0xE0, 0x7F, 0x10, 0x00, b'O', b'W'];
    let at = whole
        .windows(6)
        .position(|six| six == pixels)
        .expect("pixel data");
    let mut private = b"\x09\0\x10\0LO\x06\0CANARY\x09\0\x01\x10LT\x06\0CANARY".to_vec();
    // The standard's own places for people: referring physician, institution, comments, requesting service.
    for tag in [
        [0x08, 0, 0x90, 0],
        [0x08, 0, 0x80, 0],
        [0x20, 0, 0x00, 0x40],
        [0x32, 0, 0x33, 0x10],
    ] {
        private.extend_from_slice(&tag);
        private.extend_from_slice(b"LO\x06\0CANARY");
    }
    [&whole[..at], &private, &whole[at..]].concat()
}

#[test]
fn a_canary_in_every_place_comes_out_of_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("in");
    for instance in 1..=3 {
        let path = root.join(format!("CANARY^ANNA/CANARY study/CANARY{instance}.dcm"));
        write(&path, &marked(instance));
    }
    let whole = marked(9);
    // Damage at many places: messages about it must not quote what they found there.
    for cut in (100..whole.len()).step_by(40) {
        write(&root.join(format!("canary-cut/CANARY{cut}.dcm")), &whole[..cut]);
    }
    for at in (150..700).step_by(23) {
        let mut damaged = whole.clone();
        damaged[at..at + 4].copy_from_slice(&[0xFF, 0xFF, 0x7F, 0x7F]);
        write(&root.join(format!("canary-damage/CANARY{at}.dcm")), &damaged);
    }
    // A transfer syntax can hold it as well.
    let uid = b"1.2.840.10008.1.2.1\0";
    let at = whole
        .windows(uid.len())
        .position(|window| window == uid)
        .expect("the syntax");
    let patched = [&whole[..at], b"CANARY.CANARY.CANARY", &whole[at + uid.len()..]].concat();
    write(&root.join("CANARY.syntax"), &patched);
    write(&root.join("CANARY.txt"), b"CANARY was here");
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.join("CANARY.txt"), root.join("CANARY.link"))
        .expect("a link can be made");

    for flags in [&["-vv"][..], &["-vv", "--json"], &["-vv", "--in-process"]] {
        let args = [&["ingest", "in", "--out", "cat", "--check-pixels"], flags].concat();
        let output = lumbar(&args, folder.path());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_no_canary("stdout", &output.stdout);
        assert_no_canary("stderr", &output.stderr);
        assert_clean(&folder.path().join("cat"));
    }
    let series = values(&folder.path().join("cat/series.parquet"));
    assert!(
        series.iter().any(|value| value == "sag t1"),
        "known words are kept: {series:?}"
    );
}

#[test]
fn a_canary_in_patients_names_comes_out_of_no_dataset() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("rsna");
    let config = PhantomConfig {
        n_studies: 3,
        seed: 2,
        pixels: Pixels::Tiny,
        transfer_syntax: TransferSyntax::ExplicitVrLittleEndian,
        ..PhantomConfig::default()
    };
    generate(&config, &root, &|_| {}).expect("phantoms can be made");
    let mut n_marked = 0;
    for path in files_below(&root.join("train_images")) {
        let mut bytes = fs::read(&path).expect("a file");
        for at in 0..bytes.len() - 7 {
            if &bytes[at..at + 7] == b"PHANTOM" {
                bytes[at..at + 7].copy_from_slice(b"CANARYX");
                n_marked += 1;
            }
        }
        fs::write(&path, bytes).expect("a file can be written");
    }
    assert!(n_marked > 100, "{n_marked} names and ids hold the canary");
    let args = ["-vv", "dataset", "build", "--rsna", "rsna", "--out", "ds"];
    let output = lumbar(&args, folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_no_canary("stdout", &output.stdout);
    assert_no_canary("stderr", &output.stderr);
    assert_clean(&folder.path().join("ds"));
}
