//! `lumbar ingest`: any DICOM tree to a catalogue.

use crate::{args::IngestArgs, console::Console};
use anyhow::Context;
use lumbar_dataset::write_catalogue;
use lumbar_dicom::{Catalogue, ScanOptions, scan};
use std::path::Path;

pub fn run(args: &IngestArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let catalogue = scan_with_progress(&args.root, &ScanOptions::default(), console)?;
    let info = write_catalogue(&catalogue, &args.root, &args.out)?;
    console.json(&serde_json::json!({
        "out": args.out,
        "files": info.n_files,
        "files_used": info.n_files_with_slices,
        "files_rejected": info.n_rejects,
        "studies": info.n_studies,
        "series": info.n_series,
        "slices": info.n_slices,
        "series_kinds": info.series_kinds,
        "reject_reasons": info.reject_reasons,
        "source_digest": info.source_digest,
    }))?;
    let mut text = format!(
        "{} files: {} with {} slices in {} series of {} studies, {} rejected",
        info.n_files, info.n_files_with_slices, info.n_slices, info.n_series, info.n_studies, info.n_rejects
    );
    for (reason, n) in &info.reject_reasons {
        text.push_str(&format!("\n  {n:>7}  {reason}"));
    }
    text.push_str("\nseries kinds");
    for (kind, n) in &info.series_kinds {
        text.push_str(&format!("\n  {n:>7}  {kind}"));
    }
    text.push_str(&format!("\nthe catalogue is in `{}`", args.out.display()));
    console.result(text);
    Ok(())
}

/// Scans a folder with progress shown.
pub fn scan_with_progress(
    root: &Path,
    options: &ScanOptions,
    console: &Console<'_>,
) -> anyhow::Result<Catalogue> {
    let progress = console.progress("ingest", 0);
    let catalogue = scan(root, options, &|now| {
        progress.set(now.n_done as u64, now.n_files as u64, "");
    })
    .with_context(|| format!("cannot ingest `{}`", root.display()))?;
    progress.finish(&format!("{} files", catalogue.n_files));
    Ok(catalogue)
}
