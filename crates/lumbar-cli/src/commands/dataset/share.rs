//! Dividing a dataset anew, and passing it on: `split`, `export`.

use crate::{
    args::{DatasetExportArgs, DatasetSplitArgs},
    config::{self, WrongUsage},
    console::Console,
};
use lumbar_dataset::{
    Dataset, DatasetConfig, DatasetInfo, ExportOptions, export as export_dataset, resplit, split_of,
};
use std::collections::BTreeMap;

pub fn split(args: &DatasetSplitArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let settings: Vec<String> = args
        .set
        .iter()
        .map(|setting| format!("split.{setting}"))
        .collect();
    let info = DatasetInfo::read(&args.dataset)?;
    let config = config::load_over(&info.config, &settings, DatasetConfig::validate)?;
    let n_patients = info.counts.patients;
    if config.split.folds as u64 > n_patients {
        return Err(WrongUsage::new(format!(
            "`folds` is {}, expected at most the number of patients, {n_patients}",
            config.split.folds
        ))
        .into());
    }
    let info = resplit(&args.dataset, &args.out, &config.split, args.keep.as_deref())?;
    let mut patients: BTreeMap<String, u64> = BTreeMap::new();
    for assignment in split_of(&args.out)?.values() {
        *patients.entry(assignment.part.name().to_owned()).or_default() += 1;
    }
    console.json(&serde_json::json!({
        "out": args.out,
        "split": info.config.split,
        "patients": patients,
        "config_hash": info.config_hash,
    }))?;
    let mut text = format!(
        "seed {}, {} folds",
        info.config.split.seed, info.config.split.folds
    );
    for (part, n) in &patients {
        text.push_str(&format!("\n  {n:>8}  patients in {part}"));
    }
    text.push_str(&format!("\nthe dataset is in `{}`", args.out.display()));
    console.result(text);
    Ok(())
}

pub fn export(args: &DatasetExportArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let dataset = Dataset::open(&args.dataset)?;
    let options = ExportOptions {
        name: args.name.clone(),
        licence: args.licence.clone(),
        url: args.url.clone(),
        creator: args.creator.clone(),
        published: args.published.clone(),
        citation: args.citation.clone(),
    };
    let info = export_dataset(&dataset, &args.out, &options)?;
    console.json(&serde_json::json!({ "out": args.out, "files": info.files }))?;
    let mut text = String::new();
    for file in &info.files {
        text.push_str(&format!(
            "{:>8} samples, {:>11} bytes  {}\n",
            file.n_rows, file.n_bytes, file.file
        ));
    }
    text.push_str(&format!(
        "card, Croissant description and data are in `{}`; fill in what the card leaves blank before passing it on",
        args.out.display()
    ));
    console.result(text);
    Ok(())
}
