//! A dataset for others: Parquet files with pictures as the Hugging Face `datasets` library reads them, a dataset card
//! and a Croissant description.

mod card;
mod croissant;
mod features;
mod rows;

use crate::output::{OutputFolder, sha256_hex, write_file};
use crate::{Dataset, DatasetError, Part};
use rows::write_rows;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// File that makes a folder an export.
const EXPORT_JSON: &str = "export.json";
/// Largest file of an export, bytes of pixels before they become PNG; hubs ask for files of some hundred megabytes.
const MAX_FILE_BYTES: usize = 256 << 20;

/// What the makers of a dataset say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportOptions {
    /// Name, for the card.
    pub name: String,
    /// Licence, as an SPDX identifier or a word of the hub (`other`). The RSNA 2024 data may not be passed on.
    pub licence: String,
    /// Where it will be found.
    pub url: Option<String>,
    /// Who made it.
    pub creator: Option<String>,
    /// When it was published, as `2026-11-24`. Never taken from a clock, so that the same export is the same bytes.
    pub published: Option<String>,
    /// How it is to be cited.
    pub citation: Option<String>,
}

impl Default for ExportOptions {
    fn default() -> Self {
        ExportOptions {
            name: "lumbar-spine-grades".to_owned(),
            licence: "other".to_owned(),
            url: None,
            creator: None,
            published: None,
            citation: None,
        }
    }
}

/// `export.json`: what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportInfo {
    /// What the makers say.
    pub options: ExportOptions,
    /// Digest of the dataset's source.
    pub source_digest: String,
    /// Hash of the dataset's configuration.
    pub config_hash: String,
    /// The Parquet files.
    pub files: Vec<ExportFile>,
}

/// A Parquet file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFile {
    /// Path below the export.
    pub file: String,
    /// `train`, `validation` or `test`.
    pub split: String,
    /// Samples in it.
    pub n_rows: u64,
    /// Its length.
    pub n_bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Writes an export: `data/<split>-NNNNN-of-NNNNN.parquet`, `README.md` (the dataset card), `croissant.json` and
/// `export.json`. The same dataset and options give the same bytes.
///
/// Each row holds one sample: its central slice as PNG (`image`), all slices of its mini-stack (`slices`, where there
/// is more than one), and what `samples.parquet` says of it, but for sources and places of pixels.
///
/// # Errors
/// [`DatasetError`] if there is nothing to export, or something cannot be read or written.
pub fn export(dataset: &Dataset, out: &Path, options: &ExportOptions) -> Result<ExportInfo, DatasetError> {
    if dataset.samples().is_empty() {
        return Err(DatasetError::Nothing {
            what: "sample to export",
            hint: "`lumbar dataset stats` says why targets were left out".to_owned(),
        });
    }
    let folder = OutputFolder::start(out, EXPORT_JSON)?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data).map_err(DatasetError::io("creating a folder", &data))?;
    let mut files = Vec::new();
    for part in Part::ALL {
        let indices = dataset.select(|sample| sample.assignment.part == part);
        let n_bytes: usize =
            dataset.shape().iter().product::<usize>() * usize::from(dataset.config().bits / 8);
        let rows_per_file = (MAX_FILE_BYTES / n_bytes.max(1)).max(1);
        let n_files = indices.len().div_ceil(rows_per_file);
        for (i, rows) in indices.chunks(rows_per_file).enumerate() {
            let split = hub_name(part);
            let file = format!("data/{split}-{i:05}-of-{n_files:05}.parquet");
            let path = folder.path().join(&file);
            let (sha256, n_bytes) = write_rows(dataset, rows, &path)?;
            files.push(ExportFile {
                file,
                split: split.to_owned(),
                n_rows: rows.len() as u64,
                n_bytes,
                sha256,
            });
        }
    }
    let info = ExportInfo {
        options: options.clone(),
        source_digest: dataset.info().source_digest.clone(),
        config_hash: dataset.info().config_hash.clone(),
        files,
    };
    let write = |name: &str, text: String| write_file(&folder.path().join(name), text.as_bytes());
    write("README.md", card::card(dataset, &info)?)?;
    write("croissant.json", json(&croissant::describe(dataset, &info))?)?;
    write(EXPORT_JSON, json(&info)?)?;
    folder.finish()?;
    Ok(info)
}

/// How hubs call a part.
fn hub_name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Valid => "validation",
        Part::Test => "test",
    }
}

fn json(value: &impl Serialize) -> Result<String, DatasetError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| DatasetError::corrupt("description", Path::new(EXPORT_JSON), error))
}

/// A digest over the digests of all files, which names the export.
fn digest(info: &ExportInfo) -> String {
    let digests: Vec<&str> = info.files.iter().map(|file| file.sha256.as_str()).collect();
    sha256_hex(digests.join("\n").as_bytes())
}
