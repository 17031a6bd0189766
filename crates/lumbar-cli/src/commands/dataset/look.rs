//! Looking at a dataset: `check`, `stats`, `show`.

use super::page;
use crate::{config::Hinted, console::Console};
use anyhow::Context;
use lumbar_dataset::{
    Dataset, PatientGrouping, Quantiles, Tally, check as check_dataset, show as show_sample,
    stats as dataset_stats,
};
use std::{io::Read, path::Path};

pub fn check(folder: &Path, console: &Console<'_>) -> anyhow::Result<()> {
    let report = check_dataset(&Dataset::open(folder)?)?;
    console.json(&report)?;
    for problem in &report.problems {
        console.complain(format!("problem: {problem}"));
    }
    anyhow::ensure!(report.is_good(), "`{}` is not whole", folder.display());
    let near = &report.near_duplicates;
    console.result(format!(
        "`{}` is whole: {} samples, checksums and counts agree, no patient stands on two sides (told apart by {})\n\
         {} pictures were compared: none stands under two patients on two sides ({} could not be compared: blank, or too coarse)",
        folder.display(),
        report.n_samples,
        match report.patient_grouping {
            PatientGrouping::PatientKey => "patient",
            PatientGrouping::Study => "study: the files name no patient",
            PatientGrouping::Mixed => "patient where the files name one, else by study",
        },
        near.n_compared,
        near.n_not_comparable
    ));
    if !near.pairs.is_empty() {
        console.note(format!(
            "note: {} pairs of pictures stand under two patients on the same side",
            near.pairs.len()
        ));
    }
    Ok(())
}

pub fn stats(folder: &Path, html: Option<&Path>, console: &Console<'_>) -> anyhow::Result<()> {
    let dataset = Dataset::open(folder)?;
    let stats = dataset_stats(&dataset)?;
    console.json(&stats)?;
    if let Some(html) = html {
        page::page(&dataset, &stats)?.write(html)?;
        console.note(format!("the page is `{}`", html.display()));
    }
    let mut text = format!(
        "{} studies of {} patients, {} series, {} slices, {} samples\n",
        stats.counts.studies,
        stats.counts.patients,
        stats.counts.series,
        stats.counts.slices,
        stats.counts.samples
    );
    let grades = stats.grade_names();
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
    text.push_str("\n\nspacing, mm     between rows: least, median, most    between slices");
    for (kind, spacing) in &stats.spacing {
        text.push_str(&format!(
            "\n  {kind:<14}{}    {}",
            three(&spacing.row_mm),
            three(&spacing.slice_mm)
        ));
    }
    let unknown_sites = stats.patients_by_site.keys().all(|site| site == "unknown");
    let no_sites = Tally::new();
    for (name, tally) in [
        ("patients by part", &stats.patients_by_split),
        (
            "patients by site",
            if unknown_sites {
                &no_sites
            } else {
                &stats.patients_by_site
            },
        ),
        ("series", &stats.series_by_kind),
        ("studies without", &stats.studies_without),
        ("localisation", &stats.localisation),
        ("files left out", &stats.file_rejects),
        ("targets and views left out", &stats.sample_rejects),
        ("label findings", &stats.findings),
        ("series that lack", &stats.missing.series),
        ("slices that lack", &stats.missing.slices),
    ] {
        if tally.is_empty() {
            continue;
        }
        text.push_str(&format!("\n\n{name}"));
        for (key, n) in tally {
            text.push_str(&format!("\n  {n:>8}  {}", printable(key)));
        }
    }
    for note in &stats.notes {
        text.push_str(&format!("\n\nnote: {note}"));
    }
    console.result(text);
    Ok(())
}

fn three(quantiles: &Quantiles) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |mm| format!("{mm:.3}"));
    format!(
        "{:>9} {:>9} {:>9}",
        number(quantiles.min),
        number(quantiles.median),
        number(quantiles.max)
    )
}

/// Text from outside without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect()
}

pub fn show(folder: &Path, sample: &str, out: &Path, console: &Console<'_>) -> anyhow::Result<()> {
    let dataset = Dataset::open(folder)?;
    let index = find(&dataset, sample)?;
    let png = show_sample(&dataset, index)?;
    place_for_png(out)?;
    std::fs::write(out, &png).with_context(|| format!("cannot write `{}`", out.display()))?;
    let row = dataset.sample(index)?;
    console.json(&serde_json::json!({
        "out": out,
        "sample": index,
        "sample_id": row.sample_id,
        "grade": row.severity.map(|grade| grade.display_name()),
        "split": row.assignment.part,
        "fold": row.assignment.fold,
    }))?;
    console.result(format!("sample `{}` is in `{}`", row.sample_id, out.display()));
    Ok(())
}

/// Makes the folder of a picture, and refuses to replace a file that is no picture.
fn place_for_png(out: &Path) -> anyhow::Result<()> {
    if let Ok(mut file) = std::fs::File::open(out) {
        let mut start = Vec::new();
        file.by_ref().take(PNG.len() as u64).read_to_end(&mut start).ok();
        if !start.is_empty() && start != PNG {
            return Err(Hinted {
                message: format!("`{}` exists and is no PNG; nothing was written", out.display()),
                hint: "choose another file with `--out`".to_owned(),
            }
            .into());
        }
    }
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    Ok(())
}

/// What a PNG begins with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A sample by its id or row.
fn find(dataset: &Dataset, sample: &str) -> anyhow::Result<usize> {
    let samples = dataset.samples();
    if let Some(index) = samples.iter().position(|row| row.sample_id == sample) {
        return Ok(index);
    }
    if let Ok(index) = sample.parse() {
        dataset.sample(index)?;
        return Ok(index);
    }
    let ids = samples.iter().map(|row| row.sample_id.as_str());
    let nearest = ids.min_by_key(|id| strsim::levenshtein(id, sample));
    let hint = match nearest {
        Some(id) => format!("the nearest is `{id}`"),
        None => "the dataset has no sample".to_owned(),
    };
    let message = format!("no sample `{}`", printable(sample));
    Err(Hinted { message, hint }.into())
}
