//! Worker processes: the same answers, and the worst file costs one file.

mod common;

use common::{sagittal, slice, timed};
use lumbar_dicom::{
    IdentityKey, Limits, MrImage, Reader, RejectReason, ScanOptions, TransferSyntax, WorkerCommand,
    WorkerError, Workers, read_header, read_image, scan,
};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

fn workers() -> Workers {
    Workers::start(WorkerCommand::new(env!("CARGO_BIN_EXE_lumbar-dicom-worker"))).expect("a worker starts")
}

fn evil_workers(memory_bytes: u64) -> Workers {
    let command =
        WorkerCommand::new(env!("CARGO_BIN_EXE_lumbar-dicom-evil-worker")).memory_bytes(memory_bytes);
    Workers::start(command).expect("a worker starts")
}

fn image(instance: i32) -> MrImage {
    timed(slice(1, instance, sagittal(f64::from(instance))), 500.0, 10.0)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file can be written");
    path
}

fn bytes(image: &MrImage, syntax: TransferSyntax) -> Vec<u8> {
    image.to_bytes(syntax).expect("a slice can be written")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("bytes can be compressed");
    encoder.finish().expect("bytes can be compressed")
}

#[test]
fn workers_read_what_the_library_reads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = bytes(&image(1), TransferSyntax::ExplicitVrLittleEndian);
    let deflated = bytes(&image(1), TransferSyntax::DeflatedExplicitVrLittleEndian);
    let mut odd = image(1);
    odd.pixels.iter_mut().for_each(|pixel| *pixel &= 0xFFF);
    let files = [
        write(folder.path(), "plain", &plain),
        write(folder.path(), "rle", &bytes(&odd, TransferSyntax::RleLossless)),
        write(
            folder.path(),
            "big",
            &bytes(&image(1), TransferSyntax::ExplicitVrBigEndian),
        ),
        write(folder.path(), "deflated", &deflated),
        write(folder.path(), "gzip", &gzip(&plain)),
        write(
            folder.path(),
            "cut rle in gzip",
            &gzip(&bytes(&odd, TransferSyntax::RleLossless)[..800]),
        ),
        write(folder.path(), "no magic", &plain[132..]),
        write(folder.path(), "cut", &plain[..plain.len() / 2]),
        write(folder.path(), "cut deflated", &deflated[..deflated.len() / 2]),
        write(folder.path(), "empty", b""),
        write(folder.path(), "text", b"study_id,series_id"),
        folder.path().join("absent"),
    ];
    let (workers, limits) = (workers(), Limits::default());
    let key = IdentityKey::from_secret(b"key");
    let mut n_images = 0;
    for path in &files {
        let name = path.display();
        match (read_header(path, &limits), workers.read_header(path, &limits)) {
            (Ok(here), Ok(there)) => {
                assert_eq!(format!("{here:?}"), format!("{there:?}"), "{name}");
                assert_eq!(
                    here.identity.patient_key(&key),
                    there.identity.patient_key(&key),
                    "{name}"
                );
            }
            (Err(here), Err(there)) => {
                assert_eq!(here.reason(), there.reason(), "{name}");
                assert_eq!(here.to_string(), there.to_string(), "{name}");
            }
            (here, there) => panic!("{name}: {here:?} here, {there:?} in a worker"),
        }
        match (read_image(path, &limits), workers.read_image(path, &limits)) {
            (Ok(here), Ok(there)) => {
                assert_eq!(here.pixels, there.pixels, "{name}");
                n_images += 1;
            }
            (Err(here), Err(there)) => assert_eq!(here.reason(), there.reason(), "{name}"),
            (here, there) => panic!("{name}: {here:?} here, {there:?} in a worker"),
        }
    }
    assert_eq!(n_images, 6);
}

/// A file that only a worker reads, with an order where its preamble is.
fn evil(instance: i32, order: &[u8; 8]) -> Vec<u8> {
    let mut bytes = bytes(&image(instance), TransferSyntax::DeflatedExplicitVrLittleEndian);
    bytes[..8].copy_from_slice(order);
    bytes
}

#[test]
fn the_worst_file_costs_one_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for instance in 1..=12 {
        let syntax = match instance % 3 {
            0 => TransferSyntax::RleLossless,
            // Two in three need a worker, before and after one ends.
            _ => TransferSyntax::DeflatedExplicitVrLittleEndian,
        };
        write(
            folder.path(),
            &format!("{instance:02}"),
            &bytes(&image(instance), syntax),
        );
    }
    write(folder.path(), "03-abort", &evil(21, b"EVIL:ABT"));
    write(folder.path(), "05-endless", &evil(22, b"EVIL:RUN"));
    write(folder.path(), "07-hoard", &evil(23, b"EVIL:MEM"));
    let options = ScanOptions {
        reader: Reader {
            limits: Limits {
                max_time: Duration::from_secs(2),
                ..Limits::default()
            },
            workers: Some(evil_workers(256 << 20)),
        },
        keep_paths: true,
        ..ScanOptions::default()
    };
    let catalogue = scan(folder.path(), &options, &|_| {}).expect("the folder can be scanned");
    assert_eq!(catalogue.slices.len(), 12);
    let rejects: BTreeMap<&str, RejectReason> = catalogue
        .rejects
        .iter()
        .map(|reject| (reject.source.as_str(), reject.reason))
        .collect();
    // Without a cap on memory, as outside Unix, the hoard is ended by the clock.
    let hoard = rejects["07-hoard"];
    assert!(matches!(
        hoard,
        RejectReason::WorkerFailed | RejectReason::TimedOut
    ));
    assert_eq!(rejects["03-abort"], RejectReason::WorkerFailed);
    assert_eq!(rejects["05-endless"], RejectReason::TimedOut);
    assert_eq!(rejects.len(), 3);
}

#[test]
#[cfg(target_os = "linux")]
fn memory_of_workers_is_capped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write(folder.path(), "hoard", &evil(1, b"EVIL:MEM"));
    let workers = evil_workers(128 << 20);
    let error = workers
        .read_header(&path, &Limits::default())
        .expect_err("the worker ends");
    assert_eq!(error.reason(), RejectReason::WorkerFailed);
    assert_eq!(
        error.to_string(),
        "the worker process ended by signal 6 (memory cap 128 MiB)"
    );
    // The next file gets a new worker.
    let good = write(
        folder.path(),
        "good",
        &bytes(&image(1), TransferSyntax::DeflatedExplicitVrLittleEndian),
    );
    assert!(workers.read_image(&good, &Limits::default()).is_ok());
}

#[test]
fn a_file_beyond_the_strict_limits_is_read_by_a_worker_under_the_callers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // More nesting than the first attempt walks into, less than the caller allows.
    let open: Vec<u8> = [
        &[0x40, 0, 0x30, 0xA7][..],
        b"SQ\0\0\xFF\xFF\xFF\xFF",
        &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
    ]
    .concat();
    let close: Vec<u8> = [
        [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0],
        [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
    ]
    .concat();
    let plain = bytes(&image(1), TransferSyntax::ExplicitVrLittleEndian);
    let pixels = plain
        .windows(6)
        .position(|six| six == [0xE0, 0x7F, 0x10, 0x00, b'O', b'W'])
        .expect("pixel data");
    let deep = [
        &plain[..pixels],
        &open.repeat(30),
        &close.repeat(30),
        &plain[pixels..],
    ]
    .concat();
    let path = write(folder.path(), "deep", &deep);
    let evil = write(folder.path(), "evil deep", &[b"EVIL:ABT", &deep[8..]].concat());
    let workers = evil_workers(256 << 20);
    assert!(workers.read_image(&path, &Limits::default()).is_ok());
    let error = workers
        .read_image(&evil, &Limits::default())
        .expect_err("the worker ends");
    assert_eq!(error.reason(), RejectReason::WorkerFailed, "a worker read it");
    let limits = Limits {
        max_depth: 29,
        ..Limits::default()
    };
    let error = workers.read_image(&path, &limits).expect_err("too deep");
    assert_eq!(error.reason(), RejectReason::TooDeep);
}

#[test]
fn native_files_are_read_without_a_worker() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workers = evil_workers(256 << 20);
    for syntax in [
        TransferSyntax::ExplicitVrLittleEndian,
        TransferSyntax::ImplicitVrLittleEndian,
        TransferSyntax::ExplicitVrBigEndian,
        TransferSyntax::RleLossless,
    ] {
        let mut bytes = bytes(&image(1), syntax);
        bytes[..8].copy_from_slice(b"EVIL:ABT");
        let path = write(folder.path(), syntax.name(), &bytes);
        assert!(workers.read_image(&path, &Limits::default()).is_ok(), "{syntax}");
    }
}

#[test]
fn a_program_that_is_no_worker_is_an_error_at_the_start() {
    let start = |program: &str| Workers::start(WorkerCommand::new(program)).map(|_| ());
    assert!(matches!(start("/no/such/program"), Err(WorkerError::Start(_))));
    // This test program itself takes no message and greets nobody.
    let itself = std::env::current_exe().expect("a program");
    let list = WorkerCommand::new(itself).arg("--list");
    assert!(matches!(Workers::start(list), Err(WorkerError::Greeting)));
}
