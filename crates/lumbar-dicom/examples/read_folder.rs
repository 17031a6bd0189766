//! Scans a folder and decodes every slice on one thread, and says how long each took.
//!
//! `cargo run --release -p lumbar-dicom --example read_folder -- DIR`

use lumbar_dicom::{Limits, ScanOptions, read_frame, scan};
use std::{io::Write, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: read_folder DIR")?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let start = Instant::now();
    let catalogue = pool.install(|| scan(&folder, &ScanOptions::default(), &|_| {}))?;
    let scan_s = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let (mut n_read, mut n_bytes) = (0usize, 0u64);
    for slice in &catalogue.slices {
        if let Ok(image) = read_frame(&folder.join(&slice.path), slice.frame, &Limits::default()) {
            n_read += 1;
            n_bytes += 2 * u64::from(image.pixels.rows()) * u64::from(image.pixels.columns());
        }
    }
    let read_s = start.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} files scanned at {:.0} /s; {n_read} of {} slices read at {:.3} ms and {:.0} MB/s",
        catalogue.n_files,
        catalogue.n_files as f64 / scan_s,
        catalogue.slices.len(),
        1e3 * read_s / n_read.max(1) as f64,
        n_bytes as f64 / 1e6 / read_s,
    )?;
    Ok(())
}
