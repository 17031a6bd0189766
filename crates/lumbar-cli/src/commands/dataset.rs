//! `lumbar dataset`: building datasets, in one process or in parts.

use crate::{
    args::{DatasetArgs, DatasetBuildArgs, DatasetCommand, DatasetMergeArgs},
    console::Console,
};
use lumbar_dataset::{
    BuildInput, BuildOptions, BuildProgress, Dataset, DatasetConfig, DatasetInfo, PatientGrouping,
    build as build_dataset, build_part, check, merge, stats,
};
use lumbar_dicom::{Limits, ScanProgress};
use std::{collections::BTreeSet, path::Path};

pub fn run(args: &DatasetArgs, console: &Console<'_>) -> anyhow::Result<()> {
    match &args.command {
        DatasetCommand::Build(args) => run_build(args, console),
        DatasetCommand::Merge(args) => run_merge(args, console),
        DatasetCommand::Check { dataset } => run_check(dataset, console),
        DatasetCommand::Stats { dataset } => run_stats(dataset, console),
    }
}

fn run_check(folder: &Path, console: &Console<'_>) -> anyhow::Result<()> {
    let report = check(&Dataset::open(folder)?)?;
    console.json(&report)?;
    for problem in &report.problems {
        console.complain(format!("problem: {problem}"));
    }
    anyhow::ensure!(
        report.is_good(),
        "`{}` has {} problems",
        folder.display(),
        report.problems.len()
    );
    console.result(format!(
        "`{}` is whole: {} samples, checksums and counts agree, no patient stands on two sides (told apart by {})",
        folder.display(),
        report.n_samples,
        match report.patient_grouping {
            PatientGrouping::PatientKey => "patient",
            PatientGrouping::Study => "study: the files name no patient",
            PatientGrouping::Mixed => "patient where the files name one, else by study",
        }
    ));
    Ok(())
}

fn run_stats(folder: &Path, console: &Console<'_>) -> anyhow::Result<()> {
    let stats = stats(&Dataset::open(folder)?)?;
    console.json(&stats)?;
    let mut text = format!(
        "{} studies of {} patients, {} series, {} slices, {} samples\n",
        stats.counts.studies,
        stats.counts.patients,
        stats.counts.series,
        stats.counts.slices,
        stats.counts.samples
    );
    let grades: BTreeSet<&String> = stats.labels.iter().flat_map(|row| row.grades.keys()).collect();
    text.push_str(&format!("\n{:<14}{:<7}", "labels", ""));
    for grade in &grades {
        text.push_str(&format!("{grade:>13}"));
    }
    for row in &stats.labels {
        text.push_str(&format!(
            "\n{:<14}{:<7}",
            row.condition_group.short_name(),
            row.level
        ));
        for grade in &grades {
            text.push_str(&format!("{:>13}", row.grades.get(*grade).copied().unwrap_or(0)));
        }
    }
    for (name, tally) in [
        ("series", &stats.series_by_kind),
        ("studies without", &stats.studies_without),
        ("localisation", &stats.localisation),
        ("files left out", &stats.file_rejects),
        ("targets and views left out", &stats.sample_rejects),
        ("label findings", &stats.findings),
    ] {
        text.push_str(&format!("\n\n{name}"));
        for (key, n) in tally {
            text.push_str(&format!("\n  {n:>8}  {key}"));
        }
    }
    for note in &stats.notes {
        text.push_str(&format!("\n\nnote: {note}"));
    }
    console.result(text);
    Ok(())
}

fn run_build(args: &DatasetBuildArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let config = match &args.config {
        Some(path) => DatasetConfig::read(path, &args.set)?,
        None => DatasetConfig::from_toml("", &args.set)?,
    };
    let ingest = console.progress("ingest", 0);
    let scanned = |now: ScanProgress| ingest.set(now.n_done as u64, now.n_files as u64, "");
    let reader = super::ingest::reader(console, Limits::default(), None);
    let input = match (&args.rsna, &args.catalogue, &args.labels) {
        (Some(rsna), _, _) => BuildInput::rsna_with(rsna, config, &reader, &scanned)?,
        (None, Some(catalogue), Some(labels)) => {
            BuildInput::catalogue_with((catalogue, labels), config, &reader, &scanned)?
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
    let progress = console.progress("dataset", 0);
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
    let info = merge(&args.parts, &args.out, args.keep.as_deref())?;
    show(&info, &args.out, console)
}

/// Builds a dataset from an RSNA folder, with progress shown.
pub fn build(
    rsna: &Path,
    config: &DatasetConfig,
    out: &Path,
    console: &Console<'_>,
) -> anyhow::Result<DatasetInfo> {
    let ingest = console.progress("ingest", 0);
    let scanned = |now: ScanProgress| ingest.set(now.n_done as u64, now.n_files as u64, "");
    let reader = super::ingest::reader(console, Limits::default(), None);
    let input = BuildInput::rsna_with(rsna, config.clone(), &reader, &scanned)?;
    ingest.finish(&format!("{} files", input.catalogue.n_files));
    build_shown(input, out, &BuildOptions::default(), console)
}

fn build_shown(
    input: BuildInput,
    out: &Path,
    options: &BuildOptions,
    console: &Console<'_>,
) -> anyhow::Result<DatasetInfo> {
    let progress = console.progress("dataset", 0);
    let info = build_dataset(input, out, options, &|now| shown(&progress, now))?;
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

fn show(info: &DatasetInfo, out: &Path, console: &Console<'_>) -> anyhow::Result<()> {
    let counts = &info.counts;
    console.json(&serde_json::json!({
        "out": out,
        "domain": info.domain,
        "patient_grouping": info.patient_grouping,
        "counts": counts,
        "config_hash": info.config_hash,
        "source_digest": info.source_digest,
    }))?;
    let mut text = format!(
        "{} files: {} used ({} slices, {} series), {} rejected\n{} studies of {} patients: {} samples, {} targets and views without one\n\
         {} label findings\nthe dataset is in `{}`",
        counts.files,
        counts.files_with_slices,
        counts.slices,
        counts.series,
        counts.file_rejects,
        counts.studies,
        counts.patients,
        counts.samples,
        counts.sample_rejects,
        counts.findings,
        out.display()
    );
    for note in &info.notes {
        text.push_str(&format!("\nnote: {note}"));
    }
    console.result(text);
    Ok(())
}
