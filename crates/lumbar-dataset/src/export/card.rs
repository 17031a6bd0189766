//! The dataset card: what the data tells of itself, and blanks for what only its makers know.

use super::features::{Classes, Feature, Kind, features};
use super::{ExportInfo, digest};
use crate::stats::grade_names;
use crate::{Dataset, DatasetError, Domain, MissingLabels, Part, PatientGrouping, SampleMode, stats};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const BLANK: &str = "*[to be filled in]*";

/// The card, in the order of the hub's template.
pub(super) fn card(dataset: &Dataset, info: &ExportInfo) -> Result<String, DatasetError> {
    let mut text = front_matter(dataset, info);
    let stats = stats(dataset)?;
    let counts = stats.counts;
    let config = dataset.config();
    let mut line = |args: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = text.write_fmt(args);
        text.push('\n');
    };
    line(format_args!(
        "# {}\n\n{}\n",
        inline(&info.options.name),
        summary(dataset)
    ));
    line(format_args!("Research use only, not a medical device.\n"));
    for note in &stats.notes {
        line(format_args!("> {note}\n"));
    }
    line(format_args!("## Source\n"));
    line(format_args!("- Where the studies come from: {BLANK}"));
    line(format_args!("- Licence: `{}`", inline(&info.options.licence)));
    line(format_args!(
        "- Sites:{}",
        tally(&stats.patients_by_site, "patients")
    ));
    line(format_args!(
        "- Series:{}",
        tally(&stats.series_by_kind, "series")
    ));
    line(format_args!("- Scanners and protocols: {BLANK}\n"));
    line(format_args!("## Reference standard\n"));
    line(format_args!(
        "Grades: {}. Who graded, by which definition, how often, and how far readers agree: {BLANK}\n",
        Classes::Grade.names(dataset).join(", ")
    ));
    line(format_args!("{}\n", missing_policy(config.missing_labels)));
    line(format_args!(
        "Grades of the label table by condition and level:\n"
    ));
    grade_table(&stats.labels, &mut line);
    line(format_args!("\n## What was left out\n"));
    line(format_args!(
        "{} files: {} with {} slices, {} not taken.{}\n",
        counts.files,
        counts.files_with_slices,
        counts.slices,
        counts.file_rejects,
        tally(&stats.file_rejects, "files")
    ));
    line(format_args!(
        "{} targets and views of {} studies: {} samples, {} without one.{}\n",
        counts.target_views,
        counts.studies,
        counts.samples,
        counts.sample_rejects,
        tally(&stats.sample_rejects, "targets and views")
    ));
    line(format_args!("## Splits\n"));
    line(format_args!(
        "Patients are divided, told apart by {}; none stands in two splits. Seed {}.\n",
        match stats.patient_grouping {
            PatientGrouping::PatientKey => "a keyed hash of their id or a pseudonym",
            PatientGrouping::Study => "study, as the files name no patient",
            PatientGrouping::Mixed => "a keyed hash or pseudonym where there is one, else by study",
        },
        config.split.seed
    ));
    line(format_args!("| split | patients | samples |\n|---|---:|---:|"));
    for (part, (patients, samples)) in sizes(dataset) {
        line(format_args!(
            "| `{}` | {patients} | {samples} |",
            super::hub_name(part)
        ));
    }
    line(format_args!("\n## Preparation\n"));
    line(format_args!(
        "Each sample is {} x {} x {} pixels of {} bits, {}. Views, filter and grey levels stand in the configuration \
         (`dataset.json` of the dataset, hash `{}`).\n",
        dataset.shape()[0],
        dataset.shape()[1],
        dataset.shape()[2],
        config.bits,
        match config.mode {
            SampleMode::Crop => "cut around the target in mm of the patient",
            SampleMode::WholeSlice => "the whole slice, squeezed",
        },
        info.config_hash
    ));
    line(format_args!(
        "## Columns\n\n| column | type | meaning |\n|---|---|---|"
    ));
    for feature in features(dataset) {
        line(format_args!(
            "| `{}` | {} | {} |",
            feature.name,
            kind_name(feature),
            feature.meaning
        ));
    }
    line(format_args!("\n## Personal data\n"));
    line(format_args!(
        "Of the files' attributes only a keyed hash of the patient's id is kept; dates, names and free text are not. \
         Whether pixels show text or faces was not looked at. Consent and ethics approval: {BLANK}\n"
    ));
    line(format_args!(
        "## Checksums\n\n| file | bytes | SHA-256 |\n|---|---:|---|"
    ));
    for file in &info.files {
        line(format_args!(
            "| `{}` | {} | `{}` |",
            file.file, file.n_bytes, file.sha256
        ));
    }
    line(format_args!(
        "\nSource digest `{}`; digest of all files `{}`.",
        info.source_digest,
        digest(info)
    ));
    Ok(text)
}

/// One sentence on the dataset, for card and Croissant.
pub(super) fn summary(dataset: &Dataset) -> String {
    let counts = dataset.info().counts;
    format!(
        "{} of lumbar-spine MRI: {} samples of {} studies, each a target (condition and level) seen on one kind of series, with its grade.",
        match dataset.info().domain {
            Domain::Synthetic => "Synthetic images",
            Domain::Clinical => "Images",
            Domain::Mixed => "Images, some of them synthetic,",
        },
        counts.samples,
        counts.studies
    )
}

fn front_matter(dataset: &Dataset, info: &ExportInfo) -> String {
    let splits: BTreeSet<&str> = info.files.iter().map(|file| file.split.as_str()).collect();
    let n = dataset.samples().len();
    let size = match n {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        _ => "100K<n<1M",
    };
    let mut text = format!(
        "---\npretty_name: {}\nlicense: {}\ntask_categories:\n- image-classification\ntags:\n- medical\n- mri\n- lumbar-spine\n\
         size_categories:\n- {size}\nconfigs:\n- config_name: default\n  data_files:\n",
        yaml(&info.options.name),
        yaml(&info.options.licence)
    );
    for split in ["train", "validation", "test"] {
        if splits.contains(split) {
            text.push_str(&format!("  - split: {split}\n    path: data/{split}-*.parquet\n"));
        }
    }
    text.push_str("---\n\n");
    text
}

/// Text as a YAML string: JSON's double quotes are YAML's.
fn yaml(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// Text from outside within Markdown: nothing in it becomes markup.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '`' => out.push('\''),
            '\\' | '*' | '_' | '[' | ']' | '|' | '#' => out.extend(['\\', letter]),
            _ if letter.is_control() => out.push(' '),
            _ => out.push(letter),
        }
    }
    out
}

fn tally(tally: &BTreeMap<String, u64>, what: &str) -> String {
    if tally.is_empty() {
        return " none".to_owned();
    }
    let parts: Vec<String> = tally
        .iter()
        .map(|(name, n)| format!("{} {n}", inline(name)))
        .collect();
    format!(" {} ({what})", parts.join(", "))
}

fn missing_policy(policy: MissingLabels) -> &'static str {
    match policy {
        MissingLabels::Drop => "Targets without a grade have no sample.",
        MissingLabels::Keep => "Targets without a grade have samples whose grade is missing (-1).",
        MissingLabels::Best => "Targets without a grade count as the best grade.",
    }
}

fn grade_table(labels: &[crate::GradeCounts], line: &mut impl FnMut(std::fmt::Arguments<'_>)) {
    let grades = grade_names(labels);
    line(format_args!("| condition | level | {} |", grades.join(" | ")));
    line(format_args!("|---|---|{}", "---:|".repeat(grades.len())));
    for row in labels {
        let cells: Vec<String> = grades
            .iter()
            .map(|grade| row.grades.get(*grade).copied().unwrap_or(0).to_string())
            .collect();
        line(format_args!(
            "| {} | {} | {} |",
            row.condition_group.short_name(),
            row.level,
            cells.join(" | ")
        ));
    }
}

fn sizes(dataset: &Dataset) -> BTreeMap<Part, (usize, usize)> {
    let mut patients: BTreeMap<Part, BTreeSet<&str>> = BTreeMap::new();
    let mut samples: BTreeMap<Part, usize> = BTreeMap::new();
    for sample in dataset.samples() {
        let part = sample.assignment.part;
        patients.entry(part).or_default().insert(sample.patient.as_str());
        *samples.entry(part).or_default() += 1;
    }
    patients
        .into_iter()
        .map(|(part, patients)| (part, (patients.len(), samples.get(&part).copied().unwrap_or(0))))
        .collect()
}

fn kind_name(feature: &Feature) -> &'static str {
    match feature.kind {
        Kind::Image => "PNG",
        Kind::Images => "list of PNG",
        Kind::Class(_) => "class",
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Number => "number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(
            inline("<script>alert(1)</script> a|b `c`\n# d"),
            "&lt;script&gt;alert(1)&lt;/script&gt; a\\|b 'c' \\# d"
        );
        assert_eq!(yaml("a: \"b\"\n- c"), "\"a: \\\"b\\\"\\n- c\"");
    }
}
