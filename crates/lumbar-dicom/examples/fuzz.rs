//! Runs a fuzz target under a seeded mutator, on stable Rust and without a coverage tool.
//!
//! `cargo run --release -p lumbar-dicom --example fuzz -- TARGET [--minutes N] [--seed S] [--corpus DIR] [--only RUN]`
//!
//! Inputs are mutated files: small ones written here in every encoding that can be written, and those of `--corpus` up
//! to 256 KiB. An input whose outcome (reason, message without numbers, warnings) was not seen before joins the pool.
//! The same seed and corpus give the same runs. A panic, or a run of more than ten seconds of the processor, ends the
//! program with status 1. A panic leaves its input in `fuzz-finding.bin`; that of any run is written there by `--only`.

use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use lumbar_dicom::{MrImage, TransferSyntax, fuzz};
use std::{
    collections::HashSet,
    error::Error,
    fs,
    io::Write,
    panic::catch_unwind,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Inputs larger than this are too slow to be worth their while.
const MOST_BYTES: usize = 256 << 10;
const LONGEST_RUN: Duration = Duration::from_secs(10);
const MOST_IN_POOL: usize = 4096;

/// Runs begun.
static RUN: AtomicU64 = AtomicU64::new(0);

struct Arguments {
    target: fuzz::Target,
    name: String,
    time: Duration,
    seed: u64,
    corpus: Option<PathBuf>,
    only: Option<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let mut pool = seeds(&arguments.name)?;
    if let Some(corpus) = &arguments.corpus {
        add_files(corpus, &arguments.name, &mut pool)?;
    }
    let n_seeds = pool.len();
    std::panic::set_hook(Box::new(|_| {}));
    let start = Instant::now();
    thread::spawn(watch);

    let (mut seen, mut n_contained) = (HashSet::new(), 0u64);
    let mut slowest = Duration::ZERO;
    let mut said = Instant::now();
    while start.elapsed() < arguments.time {
        let run = RUN.fetch_add(1, Ordering::Relaxed);
        let mut random = Random::new(arguments.seed, run);
        let input = if (run as usize) < n_seeds {
            pool[run as usize].clone()
        } else {
            mutate(&pool, &mut random)
        };
        if arguments.only.is_some_and(|only| only == run) {
            fs::write("fuzz-finding.bin", &input)?;
        }
        let begun = Instant::now();
        let Ok(outcome) = catch_unwind(|| (arguments.target)(&input)) else {
            fs::write("fuzz-finding.bin", &input)?;
            return Err(format!("run {run} panicked; its input is in `fuzz-finding.bin`").into());
        };
        slowest = slowest.max(begun.elapsed());
        n_contained += u64::from(outcome.contains("CodecPanicked"));
        if pool.len() < MOST_IN_POOL && seen.insert(outcome) && input.len() <= MOST_BYTES {
            pool.push(input);
        }
        if said.elapsed() > Duration::from_secs(60) {
            said = Instant::now();
            say(
                &arguments,
                (run + 1, start, slowest),
                &seen,
                (n_seeds, n_contained),
            )?;
        }
    }
    let n_runs = RUN.load(Ordering::Relaxed);
    say(
        &arguments,
        (n_runs, start, slowest),
        &seen,
        (n_seeds, n_contained),
    )?;
    Ok(())
}

fn say(
    arguments: &Arguments,
    (n_runs, start, slowest): (u64, Instant, Duration),
    seen: &HashSet<String>,
    (n_seeds, n_contained): (usize, u64),
) -> std::io::Result<()> {
    writeln!(
        std::io::stdout(),
        "{} seed {}: {n_runs} runs in {:.0} s, {n_seeds} seeds, {} outcomes, slowest {:.0} ms, peak {} MiB, {n_contained} panics of decoders contained",
        arguments.name,
        arguments.seed,
        start.elapsed().as_secs_f64(),
        seen.len(),
        1e3 * slowest.as_secs_f64(),
        peak_mib().map_or("?".to_owned(), |mib| mib.to_string()),
    )
}

/// Peak of resident memory, where the system says.
fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? / 1024)
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let usage =
        "usage: fuzz meta|rle|jpeg2000|fragments|file [--minutes N] [--seed S] [--corpus DIR] [--only RUN]";
    let mut words = std::env::args().skip(1);
    let name = words.next().ok_or(usage)?;
    let target = fuzz::TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or(usage)?
        .1;
    let mut arguments = Arguments {
        target,
        name,
        time: Duration::from_secs(60),
        seed: 1,
        corpus: None,
        only: None,
    };
    while let Some(flag) = words.next() {
        let value = words.next().ok_or(usage)?;
        match flag.as_str() {
            "--minutes" => arguments.time = Duration::from_secs_f64(60.0 * value.parse::<f64>()?),
            "--seed" => arguments.seed = value.parse()?,
            "--corpus" => arguments.corpus = Some(value.into()),
            "--only" => arguments.only = Some(value.parse()?),
            _ => return Err(usage.into()),
        }
    }
    Ok(arguments)
}

/// Ends the process when a run takes too long, in time of the processor: a machine under load is no finding.
#[expect(clippy::exit, reason = "the main thread hangs: there is no other way to end")]
fn watch() {
    let (mut last, mut began) = (u64::MAX, Duration::ZERO);
    loop {
        thread::sleep(LONGEST_RUN / 10);
        let (run, now) = (RUN.load(Ordering::Relaxed), processor_time());
        if run != last {
            (last, began) = (run, now);
        } else if now.saturating_sub(began) > LONGEST_RUN {
            let _ = writeln!(
                std::io::stderr(),
                "error: run {} hangs; `--only` writes its input",
                run - 1
            );
            std::process::exit(1);
        }
    }
}

/// Processor time of this process; zero where the system does not say.
fn processor_time() -> Duration {
    let ticks = || {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th field behind it.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(user + system)
    };
    // A hundred ticks a second on every Linux that matters.
    ticks().map_or(Duration::ZERO, |ticks| Duration::from_millis(10 * ticks))
}

// Seeds.

const WRITABLE: [TransferSyntax; 5] = [
    TransferSyntax::ImplicitVrLittleEndian,
    TransferSyntax::ExplicitVrLittleEndian,
    TransferSyntax::ExplicitVrBigEndian,
    TransferSyntax::DeflatedExplicitVrLittleEndian,
    TransferSyntax::RleLossless,
];

fn seeds(target: &str) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let plane = ImagePlane::new(
        Point::new(1.0, -10.0, 10.0),
        [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
        PixelSpacing {
            row_mm: 1.5,
            column_mm: 1.25,
        },
        [12, 10],
    )?;
    let pixels = (0..120u16).map(|i| (i * 37) % 4096).collect();
    let image = MrImage::new(["1.2.1", "1.2.1.1", "1.2.1.1.1"], plane, pixels);
    let mut pool = Vec::new();
    for syntax in WRITABLE {
        pool.extend(inputs(target, &image.to_bytes(syntax)?));
    }
    Ok(pool)
}

fn add_files(folder: &Path, target: &str, pool: &mut Vec<Vec<u8>>) -> std::io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            add_files(&entry.path(), target, pool)?;
        } else if kind.is_file() && entry.metadata()?.len() <= MOST_BYTES as u64 {
            pool.extend(inputs(target, &fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// What a target takes of a file.
fn inputs(target: &str, file: &[u8]) -> Vec<Vec<u8>> {
    const PIXELS: [u8; 8] = [0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0];
    let encapsulated = file.windows(8).position(|eight| eight == PIXELS);
    let value = encapsulated.and_then(|at| file.get(at + 12..));
    match target {
        // The first kilobyte and something of a data set.
        "meta" => vec![file[..file.len().min(2048)].to_vec()],
        "fragments" => value.map(|value| [&[0, 0], value].concat()).into_iter().collect(),
        "rle" => value
            .and_then(|value| value.get(16..))
            .filter(|frame| frame.len() < 64 << 10)
            .map(|frame| [&[11, 9, 1, 0], frame].concat())
            .into_iter()
            .collect(),
        "jpeg2000" => value
            .and_then(|value| value.get(16..))
            .filter(|frame| frame.starts_with(&[0xFF, 0x4F]))
            .map(<[u8]>::to_vec)
            .into_iter()
            .collect(),
        _ => vec![file.to_vec()],
    }
}

// Mutations.

const WORDS: [u32; 14] = [
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
];

/// Tokens of the format: item tags, delimiters, tags and representations that change how the rest is read.
const TOKENS: [&[u8]; 18] = [
    &[0xFE, 0xFF, 0x00, 0xE0],
    &[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0],
    &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
    &[0xE0, 0x7F, 0x10, 0x00],
    &[0x28, 0x00, 0x08, 0x00],
    &[0x00, 0x52, 0x30, 0x92],
    &[0x00, 0x52, 0x29, 0x92],
    b"SQ\0\0\xFF\xFF\xFF\xFF",
    b"UN\0\0\xFF\xFF\xFF\xFF",
    b"OB\0\0\xFF\xFF\xFF\xFF",
    b"1.2.840.10008.1.2.5",
    b"1.2.840.10008.1.2.4.90",
    b"1.2.840.10008.1.2.1.99",
    b"1.2.840.10008.1.2.2",
    b"DICM",
    &[0x1F, 0x8B, 8, 0],
    &[0xFF, 0xD8, 0xFF],
    &[0xFF, 0x4F, 0xFF, 0x51],
];

fn mutate(pool: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = pool[random.below(pool.len())].clone();
    for _ in 0..1 << random.below(5) {
        if bytes.is_empty() {
            bytes.push(random.next() as u8);
        }
        let at = random.below(bytes.len());
        let word = WORDS[random.below(WORDS.len())];
        match random.below(12) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => put(&mut bytes, at, &(word as u16).to_le_bytes()),
            3 => put(&mut bytes, at, &word.to_le_bytes()),
            4 => put(&mut bytes, at, &word.to_be_bytes()),
            5 => put(&mut bytes, at, TOKENS[random.below(TOKENS.len())]),
            6 => {
                let token = TOKENS[random.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            7 => bytes.truncate(at),
            8 => {
                let end = at + random.below(bytes.len() - at).min(64);
                bytes.drain(at..end);
            }
            9 => {
                let end = at + random.below(bytes.len() - at).min(64);
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            10 => {
                // The head of one input and the tail of another.
                let other = &pool[random.below(pool.len())];
                let from = if other.is_empty() {
                    0
                } else {
                    random.below(other.len())
                };
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            // Lengths are even small numbers nearly everywhere.
            _ => put(&mut bytes, at & !1, &(2 * random.below(512) as u32).to_le_bytes()),
        }
        bytes.truncate(MOST_BYTES);
    }
    bytes
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    for (byte, new) in bytes[at..].iter_mut().zip(what) {
        *byte = *new;
    }
}

/// SplitMix64, begun anew for each run.
struct Random(u64);

impl Random {
    fn new(seed: u64, run: u64) -> Random {
        let mut random = Random(seed ^ run.wrapping_mul(0xD134_2543_DE82_EF95));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}
