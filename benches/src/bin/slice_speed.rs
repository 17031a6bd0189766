//! How fast files become pictures or headers here; the program that `benches/peers/dicom_speed.py` runs.
//!
//!     slice_speed pictures|headers FOLDER THREADS SECONDS [OUT]
//!
//! Works through the files of FOLDER by name, again and again for SECONDS, and prints one JSON object: CPU time a file, the
//! mean over files of their shortest visit, files a second, peak memory. OUT receives the pictures, one after the other.
#![allow(clippy::print_stdout, reason = "a program")]

use anyhow::{Context, bail, ensure};
use lumbar_benches::{OUTPUT, Road};
use lumbar_dicom::{Limits, read_header};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, threads, seconds, rest @ ..] = args.as_slice() else {
        bail!("expected pictures|headers FOLDER THREADS SECONDS [OUT]");
    };
    let mut files = Vec::new();
    collect(folder.into(), &mut files)?;
    files.sort();
    ensure!(!files.is_empty(), "no files in the folder");
    let work: fn(&Shared) -> anyhow::Result<()> = match what.as_str() {
        "pictures" => pictures,
        "headers" => headers,
        other => bail!("`{other}` is neither pictures nor headers"),
    };
    if let [out] = rest {
        let (mut road, mut all) = (Road::default(), vec![0; files.len() * OUTPUT * OUTPUT]);
        for (file, picture) in files.iter().zip(all.chunks_exact_mut(OUTPUT * OUTPUT)) {
            road.picture(file, picture)?;
        }
        std::fs::write(out, all)?;
    }
    let shared = Shared {
        best_ns: files.iter().map(|_| AtomicU64::new(u64::MAX)).collect(),
        files,
        next: AtomicUsize::new(0),
        until: Instant::now() + Duration::from_secs_f64(seconds.parse()?),
    };
    let (begun, cpu_begun) = (Instant::now(), cpu_seconds()?);
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let workers: Vec<_> = (0..threads.parse()?)
            .map(|_| scope.spawn(|| work(&shared)))
            .collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    })?;
    let (wall_s, cpu_s) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - cpu_begun);
    let n = shared.next.load(Ordering::Relaxed) as f64;
    let visited = shared
        .best_ns
        .iter()
        .map(|ns| ns.load(Ordering::Relaxed))
        .filter(|ns| *ns < u64::MAX);
    let visited: Vec<u64> = visited.collect();
    let best_ms = visited.iter().sum::<u64>() as f64 / visited.len() as f64 / 1e6;
    let result = serde_json::json!({
        "n": n,
        "cpu_ms": cpu_s * 1e3 / n,
        "best_ms": best_ms,
        "per_s": n / wall_s,
        "peak_rss_mib": peak_rss_mib()?,
    });
    println!("{result}");
    Ok(())
}

struct Shared {
    files: Vec<PathBuf>,
    /// Shortest visit of each file: what it costs when nobody else wants the machine.
    best_ns: Vec<AtomicU64>,
    next: AtomicUsize,
    until: Instant,
}

impl Shared {
    /// Works through the files until time is up.
    fn run(&self, mut work: impl FnMut(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
        loop {
            let begun = Instant::now();
            if begun >= self.until {
                return Ok(());
            }
            let file = self.next.fetch_add(1, Ordering::Relaxed) % self.files.len();
            work(&self.files[file])?;
            self.best_ns[file].fetch_min(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        }
    }
}

fn pictures(shared: &Shared) -> anyhow::Result<()> {
    let (mut road, mut picture) = (Road::default(), vec![0; OUTPUT * OUTPUT]);
    shared.run(|file| road.picture(file, &mut picture))
}

fn headers(shared: &Shared) -> anyhow::Result<()> {
    let limits = Limits::default();
    shared.run(|file| {
        std::hint::black_box(read_header(file, &limits)?);
        Ok(())
    })
}

/// User and system time of this process, from `/proc/self/stat` in ticks of 10 ms.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat
        .rsplit_once(')')
        .context("no end of the name in /proc/self/stat")?;
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap_or(0.0))
        .sum();
    Ok(ticks / 100.0)
}

fn peak_rss_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    let kib: f64 = line.trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

fn collect(folder: PathBuf, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
