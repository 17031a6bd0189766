//! Builds a dataset from an RSNA folder and says where the time went.
//!
//!     cargo run --release -p lumbar-dataset --example build_rsna -- RSNA_DIR OUT_DIR [CONFIG.toml]
//!
//! With `--scale N DIR` it makes N phantom studies of 32 x 32 pixels below DIR, builds from them and deletes them (the
//! RSNA 2024 challenge has 1,975). How fast batches come is `loader_rates`.

use lumbar_dataset::{BuildInput, BuildOptions, DatasetConfig, build};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
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
        [rsna, out] => time_build(Path::new(rsna), Path::new(out), DatasetConfig::default()),
        [rsna, out, config] => time_build(
            Path::new(rsna),
            Path::new(out),
            DatasetConfig::read(Path::new(config), &[])?,
        ),
        _ => Err("usage: build_rsna RSNA_DIR OUT_DIR [CONFIG.toml] | --scale N DIR".into()),
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
