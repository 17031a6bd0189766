//! Real files, malformed, cut and mutated: whatever the damage, a value or a reason comes back, in little memory.
//! Runs where the collection is at hand (`LUMBAR_CONFORMANCE_DIR`, or `../shared/data` from the workspace).

#![allow(clippy::print_stdout, reason = "tests say what they counted")]

use lumbar_dicom::{
    Limits, ReadError, Reader, RejectReason, TransferSyntax, WorkerCommand, Workers, read_header_bytes,
    read_image, read_image_bytes,
};
use std::{
    collections::BTreeMap,
    fs,
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

const MOST_MIB: u64 = 512;

/// Workers that end when they take more than the tests allow.
fn reader() -> Reader {
    let command = WorkerCommand::new(env!("CARGO_BIN_EXE_lumbar-dicom-worker")).memory_bytes(MOST_MIB << 20);
    Reader {
        limits: Limits::default(),
        workers: Some(Workers::start(command).expect("a worker starts")),
    }
}

/// Outcomes by name: a reason, or `read`.
type Tally = BTreeMap<&'static str, usize>;

fn count<T>(tally: &mut Tally, result: &Result<T, ReadError>) {
    let name = result
        .as_ref()
        .map_or_else(|error| error.reason().code(), |_| "read");
    *tally.entry(name).or_default() += 1;
}

fn assert_no_crash(tally: &Tally, what: &str) {
    println!("{what}: {tally:?}");
    for reason in [
        RejectReason::ReaderPanicked,
        RejectReason::WorkerFailed,
        RejectReason::TimedOut,
    ] {
        assert_eq!(tally.get(reason.code()), None, "{what}: {reason}");
    }
}

/// Peak resident memory of this process, where the system says.
fn assert_small(what: &str) {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return;
    };
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a line");
    let kib: u64 = line
        .trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .expect("a number");
    println!("{what}: peak of {} MiB in the reading process", kib / 1024);
    assert!(kib / 1024 < MOST_MIB, "{kib} KiB");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// What the corpus's `add_group_length.py` does: a missing (0002,0000) is put in, so that strict readers get past the
/// meta group and the malformed body is met.
fn with_group_length(bytes: &[u8]) -> Vec<u8> {
    const LONG: [&[u8]; 13] = [
        b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"OD", b"OL", b"UC", b"UR", b"OV", b"SV", b"UV",
    ];
    let is_bare = bytes.get(128..132) == Some(b"DICM") && bytes.get(132..136) != Some(&[2, 0, 0, 0]);
    if !is_bare {
        return bytes.to_vec();
    }
    let mut end = 132;
    while end + 8 <= bytes.len() && bytes[end..end + 2] == [2, 0] {
        let long = LONG.contains(&&bytes[end + 4..end + 6]) && end + 12 <= bytes.len();
        let length = if long {
            let four = [bytes[end + 8], bytes[end + 9], bytes[end + 10], bytes[end + 11]];
            12 + u32::from_le_bytes(four) as usize
        } else {
            8 + usize::from(u16::from_le_bytes([bytes[end + 6], bytes[end + 7]]))
        };
        if end + length > bytes.len() {
            break;
        }
        end += length;
    }
    let mut out = bytes[..132].to_vec();
    out.extend_from_slice(&[2, 0, 0, 0, b'U', b'L', 4, 0]);
    out.extend_from_slice(&(end as u32 - 132).to_le_bytes());
    out.extend_from_slice(&bytes[132..]);
    out
}

#[test]
fn the_malformed_corpus_gives_values_or_reasons() {
    let Some(folder) = collection() else { return };
    let folder = folder.join("malformed-fuzz-corpus");
    let reader = reader();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut tallies = [Tally::new(), Tally::new()];
    for (n, path) in files_below(&folder).iter().enumerate() {
        let bytes = fs::read(path).expect("a file of the corpus");
        for (tally, bytes) in tallies.iter_mut().zip([bytes.clone(), with_group_length(&bytes)]) {
            let copy = scratch.path().join(n.to_string());
            fs::write(&copy, bytes).expect("a file can be written");
            let result = reader.read_image(&copy);
            count(tally, &result);
            // The library alone says the same.
            let alone = read_image(&copy, &reader.limits);
            let reason = |result: Result<_, ReadError>| {
                result.map(|_: lumbar_dicom::Image| ()).map_err(|e| e.reason())
            };
            assert_eq!(reason(alone), reason(result), "{}", path.display());
        }
    }
    assert_no_crash(&tallies[0], "malformed corpus as it is");
    assert_no_crash(&tallies[1], "malformed corpus with group length");
    assert!(tallies[0].values().sum::<usize>() > 200);
    assert_small("malformed corpus");
}

/// Twenty files that decode, the smallest of each transfer syntax in turn.
fn valid_files(folder: &Path) -> Vec<(TransferSyntax, Vec<u8>)> {
    let mut by_syntax: BTreeMap<TransferSyntax, Vec<(u64, PathBuf)>> = BTreeMap::new();
    for path in files_below(folder) {
        let size = fs::metadata(&path).expect("a file").len();
        if path.starts_with(folder.join("malformed-fuzz-corpus")) || size > 600_000 {
            continue;
        }
        if let Ok(image) = read_image(&path, &Limits::default()) {
            by_syntax
                .entry(image.header.transfer_syntax)
                .or_default()
                .push((size, path));
        }
    }
    let mut chosen = Vec::new();
    for round in 0..20 {
        for (syntax, files) in &mut by_syntax {
            files.sort();
            if let (Some((_, path)), true) = (files.get(round), chosen.len() < 20) {
                chosen.push((*syntax, fs::read(path).expect("a file")));
            }
        }
    }
    chosen
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

fn mutate(whole: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = whole.to_vec();
    for _ in 0..1 + random.below(8) {
        // Half of the damage where headers and tables are.
        let reach = if random.below(2) == 0 {
            bytes.len()
        } else {
            bytes.len().min(2048)
        };
        let at = random.below(reach);
        match random.below(6) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at..].iter_mut().take(2).for_each(|byte| *byte = 0xFF),
            3 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xFF),
            4 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, random.next() as u8),
        }
    }
    bytes
}

#[test]
fn valid_files_cut_and_mutated_give_values_or_reasons() {
    let Some(folder) = collection() else { return };
    let files = valid_files(&folder);
    assert_eq!(files.len(), 20);
    let reader = reader();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let path = scratch.path().join("file");
    let read = |syntax: TransferSyntax, bytes: &[u8]| {
        // Our own code is met without a process in between; the rest as the command line reads it.
        if syntax.codec().is_own() {
            let header = read_header_bytes(bytes, &reader.limits);
            let image = read_image_bytes(bytes, &reader.limits);
            assert!(header.is_ok() || image.is_err());
            image
        } else {
            fs::write(&path, bytes).expect("a file can be written");
            reader.read_image(&path)
        }
    };
    let (mut cuts, mut mutations) = (Tally::new(), Tally::new());
    for (n, (syntax, whole)) in files.iter().enumerate() {
        for sixteenth in 0..16 {
            let cut = whole.len() * sixteenth / 16;
            count(&mut cuts, &read(*syntax, &whole[..cut]));
        }
        for seed in 0..500 {
            let bytes = mutate(whole, 1000 * n as u64 + seed);
            count(&mut mutations, &read(*syntax, &bytes));
        }
    }
    let syntaxes: std::collections::BTreeSet<_> = files.iter().map(|file| file.0).collect();
    println!("{} transfer syntaxes: {syntaxes:?}", syntaxes.len());
    assert_eq!(cuts.values().sum::<usize>(), 20 * 16);
    assert_eq!(mutations.values().sum::<usize>(), 10_000);
    assert_no_crash(&cuts, "cut at every sixteenth");
    assert_no_crash(&mutations, "ten thousand mutations");
    assert_small("cuts and mutations");
}
