//! `dataset.json`: what a dataset is.

use crate::{DatasetConfig, DatasetError, ShardRecord};
use lumbar_dicom::Pseudonyms;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Newest version of the format on disk this build reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

/// File that makes a folder a dataset.
pub(crate) const DATASET_JSON: &str = "dataset.json";

/// What a dataset is: everything but its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetInfo {
    /// Version of the format on disk.
    pub schema_version: u32,
    /// Where the pixels come from; every number made from them says so.
    pub domain: Domain,
    /// What patients are told apart by.
    pub patient_grouping: PatientGrouping,
    /// How ids of patients, studies and files were made.
    #[serde(default)]
    pub pseudonyms: Pseudonyms,
    /// `[depth, rows, columns]` of a sample.
    pub shape: [usize; 3],
    /// What it was made with.
    pub config: DatasetConfig,
    /// SHA-256 over the configuration.
    pub config_hash: String,
    /// SHA-256 over the catalogue and the label tables.
    pub source_digest: String,
    /// How many of what.
    pub counts: Counts,
    /// What a user must know, in sentences.
    pub notes: Vec<String>,
    /// The files of pixels.
    pub shards: Vec<ShardRecord>,
}

/// Where pixels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// All files declare themselves synthetic.
    Synthetic,
    /// None does.
    Clinical,
    /// Some do.
    Mixed,
}

/// What patients are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatientGrouping {
    /// By the keyed hash of PatientID, or by the label table's own column.
    PatientKey,
    /// By study, as the files name no patient: two studies of one patient would not be noticed.
    Study,
    /// Some by key, some by study.
    Mixed,
}

/// How many of what. Files close: `files = files_with_slices + file_rejects`; so do targets:
/// `target_views = samples + sample_rejects`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Files found.
    pub files: u64,
    /// Files with at least one slice.
    pub files_with_slices: u64,
    /// Files not taken.
    pub file_rejects: u64,
    /// Slices.
    pub slices: u64,
    /// Series.
    pub series: u64,
    /// Studies with a label row.
    pub studies: u64,
    /// Patients.
    pub patients: u64,
    /// Targets of these studies, times the views wanted of each.
    pub target_views: u64,
    /// Samples.
    pub samples: u64,
    /// Targets and views that did not become samples.
    pub sample_rejects: u64,
    /// Oddities of labels.
    pub findings: u64,
}

impl DatasetInfo {
    /// Reads `dataset.json` of a dataset.
    ///
    /// # Errors
    /// [`DatasetError`] if it is missing, newer than this build, or not what it should be.
    pub fn read(dataset: &Path) -> Result<DatasetInfo, DatasetError> {
        let path = dataset.join(DATASET_JSON);
        let is_part = !path.exists() && dataset.join(crate::build::PART_JSON).is_file();
        let give = if is_part {
            "the dataset that `lumbar dataset merge` makes of all parts: this is one of them"
        } else {
            "the folder that `lumbar dataset build` or `merge` made"
        };
        let text = std::fs::read(&path).map_err(DatasetError::unread(dataset, DATASET_JSON, give))?;
        let corrupt =
            |detail: &dyn std::fmt::Display| DatasetError::corrupt("dataset description", &path, detail);
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| corrupt(&error))?;
        let version = value.get("schema_version").and_then(serde_json::Value::as_u64);
        match version {
            Some(version) if version <= u64::from(SCHEMA_VERSION) => {}
            Some(version) => {
                return Err(DatasetError::Version {
                    found: version.min(u64::from(u32::MAX)) as u32,
                    known: SCHEMA_VERSION,
                    path,
                });
            }
            None => return Err(corrupt(&"no `schema_version`")),
        }
        let info: DatasetInfo = serde_json::from_value(value).map_err(|error| corrupt(&error))?;
        info.config.validate()?;
        if info.shape != info.config.shape() {
            return Err(corrupt(&"`shape` is not that of `config`"));
        }
        Ok(info)
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, DatasetError> {
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|error| DatasetError::corrupt("dataset description", Path::new(DATASET_JSON), error))?;
        json.push(b'\n');
        Ok(json)
    }
}
