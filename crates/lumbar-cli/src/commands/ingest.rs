//! `lumbar ingest`: any DICOM tree to a catalogue.

use crate::{
    args::{IdentityArgs, IngestArgs},
    config::{Hinted, WrongUsage},
    console::{Console, Progress},
    flow,
};
use anyhow::{Context, bail};
use lumbar_dataset::{CatalogueInfo, CatalogueWriter, DatasetError, check_catalogue_place};
use lumbar_dicom::{
    Catalogue, CataloguePart, IdentityKey, Limits, Reader, RejectReason, ScanError, ScanOptions,
    ScanProgress, UnusedReason, WorkerCommand, Workers, scan_parts,
};
use std::{collections::BTreeMap, path::Path};

pub fn run(args: &IngestArgs, console: &Console<'_>) -> anyhow::Result<()> {
    // Before the scan, which may take an hour.
    need_utf8(&args.out)?;
    need_apart(&args.root, &args.out)?;
    check_catalogue_place(&args.out).map_err(|error| Hinted {
        message: error.to_string(),
        hint: "name a new folder, or one that holds a catalogue, which is then replaced".to_owned(),
    })?;
    let mut limits = Limits::default();
    for (name, value) in &args.limits {
        limits.set(name, *value);
    }
    let reader = if args.in_process {
        Reader {
            limits,
            workers: None,
        }
    } else {
        reader(console, limits, Some(args.worker_memory << 20))
    };
    let options = ScanOptions {
        reader,
        check_pixels: args.check_pixels,
        ..identified(&args.identity)?
    };
    let mut writer = CatalogueWriter::start(&args.out)?;
    let rest = scan_with_progress(&args.root, &options, console, |part| {
        writer.push(&part.series, &part.slices)
    })?;
    let info = writer.info(&rest);
    let info = match writer.finish(&rest, &args.root) {
        Err(DatasetError::NothingUsable { .. }) => {
            console.json(&json(&info, &args.out))?;
            console.result(text(&info));
            bail!(Hinted {
                message: format!("no usable MR image in `{}`", args.root.display()),
                hint: format!("`{}` keeps the catalogue it holds", args.out.display()),
            });
        }
        written => written?,
    };
    console.json(&json(&info, &args.out))?;
    console.result(text(&info));
    console.result(format!("the catalogue is in `{}`", args.out.display()));
    if info.n_slices == 0 {
        bail!(Hinted {
            message: format!("no usable MR image in `{}`", args.root.display()),
            hint: match info.n_files {
                0 => "the folder is empty".to_owned(),
                _ => format!(
                    "`{}` says why each file is not used",
                    args.out.join("rejects.parquet").display()
                ),
            },
        });
    }
    Ok(())
}

/// Options by which ids and names are made.
pub fn identified(args: &IdentityArgs) -> anyhow::Result<ScanOptions> {
    let key = args.identity_key.as_deref().map(identity_key).transpose()?;
    Ok(ScanOptions {
        identity_key: key,
        keep_uids: args.keep_uids,
        keep_paths: args.keep_paths,
        ..ScanOptions::default()
    })
}

/// Bytes below which a secret could be found by trying.
const LEAST_SECRET: usize = 16;

fn identity_key(path: &Path) -> anyhow::Result<IdentityKey> {
    let secret =
        std::fs::read(path).with_context(|| format!("cannot read the identity key `{}`", path.display()))?;
    if secret.len() < LEAST_SECRET {
        bail!(Hinted {
            message: format!("the identity key `{}` has {} bytes", path.display(), secret.len()),
            hint: format!(
                "a secret of at least {LEAST_SECRET} bytes, as `head -c 32 /dev/urandom > FILE` makes; keep it safe"
            ),
        });
    }
    Ok(IdentityKey::from_secret(&secret))
}

/// Refuses a path that `--json` cannot show.
pub fn need_utf8(out: &Path) -> Result<(), WrongUsage> {
    match out.to_str() {
        Some(_) => Ok(()),
        None => Err(WrongUsage::new("`--out` is not UTF-8")),
    }
}

/// Refuses a catalogue within the scanned folder: the next scan would find its files there and reject them.
fn need_apart(root: &Path, out: &Path) -> Result<(), WrongUsage> {
    let Ok(root) = root.canonicalize() else {
        return Ok(());
    };
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    // The folder itself need not be there yet.
    let there = absolute.ancestors().find_map(|folder| folder.canonicalize().ok());
    if there.is_some_and(|there| there.starts_with(&root)) {
        return Err(WrongUsage {
            message: format!("`{}` lies within the scanned folder", out.display()),
            hint: Some(
                "the next scan would find the catalogue's own files; choose a folder beside it".into(),
            ),
        });
    }
    Ok(())
}

fn json(info: &CatalogueInfo, out: &Path) -> serde_json::Value {
    serde_json::json!({
        "out": out,
        "files": info.n_files,
        "files_used": info.n_files_with_slices,
        "files_rejected": info.n_rejects,
        "studies": info.n_studies,
        "series": info.n_series,
        "slices": info.n_slices,
        "series_kinds": info.series_kinds,
        "reject_reasons": info.reject_reasons,
        "series_found": info.found.n_series,
        "series_used": info.found.n_series_used,
        "unused_series": info.unused_series,
        "studies_found": info.found.n_studies,
        "studies_used": info.found.n_studies_used,
        "unused_studies": info.unused_studies,
        "source_digest": info.source_digest,
    })
}

fn text(info: &CatalogueInfo) -> String {
    let found = &info.found;
    let mut text = format!(
        "{} files found: {} used with {} slices, {} rejected",
        info.n_files, info.n_files_with_slices, info.n_slices, info.n_rejects
    );
    text.push_str(&explained(
        &info.reject_reasons,
        RejectReason::ALL.iter().map(|code| (code.code(), code.meaning())),
    ));
    text.push_str(&format!(
        "\n{} series found: {} used, {} not",
        found.n_series,
        found.n_series_used,
        found.n_series - found.n_series_used
    ));
    for (name, n) in info.series_kinds.iter().filter(|(name, _)| *name != "unknown") {
        text.push_str(&format!("\n  {n:>7}  {name}"));
    }
    let unused = || UnusedReason::ALL.iter().map(|code| (code.code(), code.meaning()));
    text.push_str(&explained(&info.unused_series, unused()));
    text.push_str(&format!(
        "\n{} studies found: {} used, {} not",
        found.n_studies,
        found.n_studies_used,
        found.n_studies - found.n_studies_used
    ));
    text.push_str(&explained(&info.unused_studies, unused()));
    text
}

/// Counts by code, a line each, with what the codes stand for.
pub fn explained(
    counts: &BTreeMap<String, u64>,
    meanings: impl Iterator<Item = (&'static str, &'static str)>,
) -> String {
    let lines = flow::explained(counts, meanings)
        .into_iter()
        .map(|row| format!("\n  {:>7}  {:<23}  {}", row.count, row.reason, row.meaning));
    lines.collect()
}

/// A reader with worker processes, where this command can start them.
pub fn reader(console: &Console<'_>, limits: Limits, memory_bytes: Option<u64>) -> Reader {
    let workers = console.program.as_ref().and_then(|program| {
        let mut command = WorkerCommand::new(program).arg("worker");
        if let Some(bytes) = memory_bytes {
            command = command.memory_bytes(bytes);
        }
        Workers::start(command)
            .inspect_err(|error| {
                console.complain(format!(
                    "warning: no worker processes ({error}); every file is read in this process"
                ));
            })
            .ok()
    });
    Reader { limits, workers }
}

/// Scans a folder with progress shown.
fn scan_with_progress(
    root: &Path,
    options: &ScanOptions,
    console: &Console<'_>,
    take: impl FnMut(CataloguePart) -> Result<(), DatasetError>,
) -> anyhow::Result<Catalogue> {
    let progress = console.progress("ingest", "files");
    let rest =
        scan_parts(root, options, &|now| show_scan(&progress, now), take).map_err(|error| match error {
            DatasetError::Scan(error) => explain(root, &error),
            other => other.into(),
        })?;
    progress.finish(&format!("{} files", rest.n_files));
    Ok(rest)
}

/// Shows how far a scan is: files are read, and then again to arrange their series.
pub fn show_scan(progress: &Progress<'_, '_>, now: ScanProgress) {
    let (done, message) = match now.n_arranged {
        0 => (now.n_done, ""),
        n => (n, "arranging series"),
    };
    progress.set(done as u64, now.n_files as u64, message);
}

fn explain(root: &Path, error: &ScanError) -> anyhow::Error {
    let hint = if root.is_file() {
        "it is a file; give the folder that holds it"
    } else if root.exists() {
        "the folder cannot be listed; check its permissions"
    } else {
        "there is no such folder; give one that holds DICOM files, at any depth"
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    let hinted = Hinted {
        message: format!("cannot ingest `{}`{}", root.display(), cause.unwrap_or_default()),
        hint: hint.to_owned(),
    };
    hinted.into()
}
