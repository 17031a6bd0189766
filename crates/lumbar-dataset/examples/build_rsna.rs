//! Builds a dataset from an RSNA folder and says where the time went.
//!
//!     cargo run --release -p lumbar-dataset --example build_rsna -- RSNA_DIR OUT_DIR [CONFIG.toml]
//!
//! With `--scale N DIR` it makes N phantom studies of 32 x 32 pixels below DIR, builds from them and deletes them (the
//! RSNA 2024 challenge has 1,975). With `--loader OUT_DIR` it reads the dataset instead, and prints how fast batches come.

use lumbar_dataset::{BuildInput, BuildOptions, Dataset, DatasetConfig, Loader, LoaderConfig, build};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use lumbar_preprocess::Augment;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["--scale", n_studies, folder] => time_scale(n_studies.parse()?, Path::new(folder)),
        ["--loader", dataset] => time_loader(Path::new(dataset)),
        [rsna, out] => time_build(Path::new(rsna), Path::new(out), DatasetConfig::default()),
        [rsna, out, config] => time_build(
            Path::new(rsna),
            Path::new(out),
            DatasetConfig::read(Path::new(config), &[])?,
        ),
        _ => {
            Err("usage: build_rsna RSNA_DIR OUT_DIR [CONFIG.toml] | --scale N DIR | --loader DATASET".into())
        }
    }
}

fn time_scale(n_studies: usize, folder: &Path) -> Result<(), Box<dyn Error>> {
    // Removed with everything in it at the end, also after an error.
    let work = tempfile::tempdir_in(folder)?;
    let phantom = PhantomConfig {
        n_studies,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    let start = Instant::now();
    generate(&phantom, &work.path().join("rsna"), &|_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "made   {seconds:7.2} s")?;
    time_build(
        &work.path().join("rsna"),
        &work.path().join("dataset"),
        DatasetConfig::default(),
    )
}

fn time_build(rsna: &Path, out: &Path, config: DatasetConfig) -> Result<(), Box<dyn Error>> {
    let mut stdout = std::io::stdout().lock();
    let start = Instant::now();
    let input = BuildInput::rsna(rsna, config, &|_| {})?;
    let n_files = input.catalogue.n_files as f64;
    let seconds = start.elapsed().as_secs_f64();
    writeln!(
        stdout,
        "scan   {seconds:7.2} s  {:9.0} files/s",
        n_files / seconds
    )?;
    let n_slices = input.catalogue.slices.len() as f64;
    let start = Instant::now();
    let info = build(input, out, &BuildOptions::default(), &|_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    writeln!(
        stdout,
        "build  {seconds:7.2} s  {:9.0} slices/s",
        n_slices / seconds
    )?;
    writeln!(stdout, "{:#?}", info.counts)?;
    if let Some(peak) = peak_memory() {
        writeln!(stdout, "peak memory {peak}")?;
    }
    Ok(())
}

/// `VmHWM` of this process, where there is a /proc.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some(
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?
            .trim()
            .to_owned(),
    )
}

fn time_loader(dataset: &Path) -> Result<(), Box<dyn Error>> {
    let mut stdout = std::io::stdout().lock();
    let dataset = Dataset::open(dataset)?;
    let all = dataset.select(|_| true);
    let n_bytes: usize = dataset.shape().iter().product();
    for (name, augment, workers) in [
        ("plain, calling thread", None, 0),
        ("plain, 2 workers", None, 2),
        ("augmented, calling thread", Some(Augment::default()), 0),
        ("augmented, 2 workers", Some(Augment::default()), 2),
    ] {
        let config = LoaderConfig {
            shuffle: true,
            workers,
            augment,
            ..LoaderConfig::default()
        };
        let loader = Loader::new(&dataset, all.clone(), config)?;
        let mut best = f64::INFINITY;
        for epoch in 0..3 {
            let start = Instant::now();
            let n: usize = loader
                .epoch(epoch)
                .map(|batch| batch.map(|b| b.samples.len()))
                .sum::<Result<_, _>>()?;
            best = best.min(start.elapsed().as_secs_f64() / n as f64);
        }
        writeln!(
            stdout,
            "{name:26} {:9.0} samples/s  {:6.0} MB/s of u8",
            1.0 / best,
            n_bytes as f64 / best / 1e6
        )?;
    }
    let start = Instant::now();
    let mut copy = vec![0u8; n_bytes];
    for index in &all {
        copy.copy_from_slice(dataset.pixels(*index)?);
        std::hint::black_box(&mut copy);
    }
    let seconds = start.elapsed().as_secs_f64() / all.len() as f64;
    writeln!(
        stdout,
        "copy of the same bytes     {:9.0} samples/s",
        1.0 / seconds
    )?;
    Ok(())
}
