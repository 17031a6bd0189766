//! `lumbar dataset`: building datasets, in one process or in parts, and what can be done with one.

mod look;
mod outcome;
mod page;
mod share;

use crate::{
    args::{DatasetArgs, DatasetBuildArgs, DatasetCommand, DatasetMergeArgs},
    config,
    console::Console,
};
use lumbar_dataset::{
    BuildInput, BuildOptions, BuildProgress, DatasetConfig, DatasetInfo, MissingLabels, Outcome,
    build as build_dataset, build_part, merge,
};
use lumbar_dicom::{Limits, ScanOptions, ScanProgress};
use std::path::Path;

pub fn run(args: &DatasetArgs, console: &Console<'_>) -> anyhow::Result<()> {
    match &args.command {
        DatasetCommand::Build(args) => run_build(args, console),
        DatasetCommand::Merge(args) => run_merge(args, console),
        DatasetCommand::Check { dataset } => look::check(dataset, console),
        DatasetCommand::Stats { dataset, html } => look::stats(dataset, html.as_deref(), console),
        DatasetCommand::Split(args) => share::split(args, console),
        DatasetCommand::Show { dataset, sample, out } => look::show(dataset, sample, out, console),
        DatasetCommand::Export(args) => share::export(args, console),
    }
}

fn run_build(args: &DatasetBuildArgs, console: &Console<'_>) -> anyhow::Result<()> {
    super::ingest::need_utf8(&args.out)?;
    let config = config::load(args.config.as_deref(), &args.set, DatasetConfig::validate)?;
    let ingest = console.progress("ingest", "files");
    let scanned = |now: ScanProgress| super::ingest::show_scan(&ingest, now);
    let scan = ScanOptions {
        reader: super::ingest::reader(console, Limits::default(), None),
        ..super::ingest::identified(&args.identity)?
    };
    let input = match (&args.rsna, &args.catalogue, &args.labels) {
        (Some(rsna), _, _) => BuildInput::rsna_with(rsna, config, &scan, &scanned)?,
        (None, Some(catalogue), Some(labels)) => {
            BuildInput::catalogue_with((catalogue, labels), config, &scan, &scanned)?
        }
        _ => anyhow::bail!("give `--rsna DIR`, or `--catalogue CAT` with `--labels labels.csv`"),
    };
    ingest.finish(&format!("{} files", input.catalogue.n_files));
    let options = BuildOptions {
        keep: args.keep.clone(),
        ..BuildOptions::default()
    };
    let Some(part) = args.shard else {
        let info = build_shown(input, &args.out, &options, console)?;
        return show(&info, &args.out, console);
    };
    let progress = console.progress("dataset", "studies");
    build_part(input, part, &args.out, (&options, &|now| shown(&progress, now)))?;
    progress.finish(&format!("part {part}"));
    console.json(&serde_json::json!({ "out": args.out, "part": part.to_string() }))?;
    console.result(format!(
        "part {part} is in `{}`; put all parts together with `lumbar dataset merge`",
        args.out.display()
    ));
    Ok(())
}

fn run_merge(args: &DatasetMergeArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let info = merge(&args.parts, &args.out, args.keep.as_deref())
        .map_err(|error| outcome::explain(error, console))?;
    show(&info, &args.out, console)
}

/// Builds a dataset from an RSNA folder, with progress shown.
pub fn build(
    rsna: &Path,
    config: &DatasetConfig,
    out: &Path,
    console: &Console<'_>,
) -> anyhow::Result<DatasetInfo> {
    let ingest = console.progress("ingest", "files");
    let scanned = |now: ScanProgress| super::ingest::show_scan(&ingest, now);
    let scan = ScanOptions {
        reader: super::ingest::reader(console, Limits::default(), None),
        ..ScanOptions::default()
    };
    let input = BuildInput::rsna_with(rsna, config.clone(), &scan, &scanned)?;
    ingest.finish(&format!("{} files", input.catalogue.n_files));
    build_shown(input, out, &BuildOptions::default(), console)
}

fn build_shown(
    input: BuildInput,
    out: &Path,
    options: &BuildOptions,
    console: &Console<'_>,
) -> anyhow::Result<DatasetInfo> {
    let progress = console.progress("dataset", "studies");
    let info = build_dataset(input, out, options, &|now| shown(&progress, now))
        .map_err(|error| outcome::explain(error, console))?;
    progress.finish(&format!(
        "{} samples of {} studies",
        info.counts.samples, info.counts.studies
    ));
    Ok(info)
}

fn shown(progress: &crate::console::Progress<'_, '_>, now: BuildProgress) {
    progress.set(
        now.n_done as u64,
        now.n_studies as u64,
        &format!("{} samples", now.n_samples),
    );
}

/// What becomes of targets without a grade, in a sentence.
fn missing_policy(policy: MissingLabels) -> &'static str {
    match policy {
        MissingLabels::Drop => "targets without a grade get no sample (`missing_labels = \"drop\"`)",
        MissingLabels::Keep => {
            "targets without a grade get samples without one (`missing_labels = \"keep\"`)"
        }
        MissingLabels::Best => {
            "targets without a grade count as the best grade (`missing_labels = \"best\"`)"
        }
    }
}

fn show(info: &DatasetInfo, out: &Path, console: &Console<'_>) -> anyhow::Result<()> {
    let counts = &info.counts;
    let outcome = Outcome::read(out, info.config.grades)?;
    let warnings = outcome::warnings(&outcome);
    console.json(&serde_json::json!({
        "out": out,
        "missing_labels": info.config.missing_labels,
        "notes": info.notes,
        "domain": info.domain,
        "patient_grouping": info.patient_grouping,
        "counts": counts,
        "file_rejects": outcome.file_rejects,
        "sample_rejects": outcome.sample_rejects,
        "findings": outcome.findings,
        "warnings": warnings,
        "config_hash": info.config_hash,
        "source_digest": info.source_digest,
    }))?;
    let mut text = format!(
        "{} files: {} used ({} slices, {} series), {} rejected\n{} studies of {} patients: {} samples, {} targets and views without one\n\
         {}\n{} label findings{}\nthe dataset is in `{}`",
        counts.files,
        counts.files_with_slices,
        counts.slices,
        counts.series,
        counts.file_rejects,
        counts.studies,
        counts.patients,
        counts.samples,
        counts.sample_rejects,
        missing_policy(info.config.missing_labels),
        counts.findings,
        outcome::text(&outcome),
        out.display()
    );
    for note in &info.notes {
        text.push_str(&format!("\nnote: {note}"));
    }
    console.result(text);
    for warning in &warnings {
        console.complain(format!("warning: {warning}"));
    }
    outcome::need_samples(info, &outcome, out)
}
