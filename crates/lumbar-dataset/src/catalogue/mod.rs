//! A catalogue on disk: `catalogue.json`, `series.parquet`, `slices.parquet`, `rejects.parquet`.

mod tables;
mod tally;
mod writer;

pub(crate) use tables::{read_catalogue_tables, write_tables};
pub(crate) use tally::digest;
pub use writer::{CatalogueWriter, write_catalogue};

use crate::{DatasetError, provenance};
use lumbar_dicom::{Catalogue, Found, Pseudonyms};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const CATALOGUE_JSON: &str = "catalogue.json";

/// Version of a catalogue's format on disk. Since 2 the digest is of series and slices apart, so that a catalogue can be written
/// while it is made.
pub const CATALOGUE_SCHEMA_VERSION: u32 = 2;

/// `catalogue.json`: what a catalogue holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueInfo {
    /// Version of the format on disk.
    pub schema_version: u32,
    /// SHA-256 over all records.
    pub source_digest: String,
    /// Files found; those with slices and those rejected add up to it.
    pub n_files: u64,
    /// Files with at least one slice.
    pub n_files_with_slices: u64,
    /// Files not taken.
    pub n_rejects: u64,
    /// Slices.
    pub n_slices: u64,
    /// Series.
    pub n_series: u64,
    /// Studies with at least one slice.
    pub n_studies: u64,
    /// Series of each kind; `unknown` for those of none.
    pub series_kinds: BTreeMap<String, u64>,
    /// Files not taken, by reason.
    pub reject_reasons: BTreeMap<String, u64>,
    /// Series and studies that any file names, and how many serve a purpose.
    #[serde(default)]
    pub found: Found,
    /// Series that serve none, by reason: with those used they add up to those found.
    #[serde(default)]
    pub unused_series: BTreeMap<String, u64>,
    /// Studies that serve none, by reason: with those used they add up to those found.
    #[serde(default)]
    pub unused_studies: BTreeMap<String, u64>,
    /// How ids and names were made.
    #[serde(default)]
    pub pseudonyms: Pseudonyms,
    /// Files whose pixels do not decode are among those not taken.
    #[serde(default)]
    pub pixels_checked: bool,
}

/// Whether a catalogue can be written at `out`: to be asked before a long scan.
///
/// # Errors
/// [`DatasetError::OutputTaken`] if something else is there.
pub fn check_catalogue_place(out: &Path) -> Result<(), DatasetError> {
    crate::output::check_place(out, CATALOGUE_JSON)
}

/// A catalogue read back.
#[derive(Debug)]
pub struct StoredCatalogue {
    /// What it holds. [`SliceRecord::path`](lumbar_dicom::SliceRecord::path) is set where the source is a path, and empty where it is a hash.
    pub catalogue: Catalogue,
    /// Its counts and digest.
    pub info: CatalogueInfo,
    /// The folder that was scanned, if `provenance.json` is there.
    pub root: Option<PathBuf>,
}

/// Reads a catalogue.
///
/// # Errors
/// [`DatasetError`] if a file is missing, newer than this build, or not what it should be.
pub fn read_catalogue(folder: &Path) -> Result<StoredCatalogue, DatasetError> {
    let path = folder.join(CATALOGUE_JSON);
    let text = std::fs::read(&path).map_err(DatasetError::unread(
        folder,
        CATALOGUE_JSON,
        "the folder that `lumbar ingest` made",
    ))?;
    let info: CatalogueInfo = serde_json::from_slice(&text)
        .map_err(|error| DatasetError::corrupt("catalogue description", &path, error))?;
    if info.schema_version > CATALOGUE_SCHEMA_VERSION {
        return Err(DatasetError::Version {
            found: info.schema_version,
            known: CATALOGUE_SCHEMA_VERSION,
            path,
        });
    }
    if info.schema_version < CATALOGUE_SCHEMA_VERSION {
        return Err(DatasetError::OldCatalogue { path });
    }
    let mut catalogue = read_catalogue_tables(folder)?;
    catalogue.n_files = info.n_files as usize;
    catalogue.pseudonyms = info.pseudonyms.clone();
    catalogue.pixels_checked = info.pixels_checked;
    let found = digest(&catalogue);
    if found != info.source_digest {
        return Err(DatasetError::corrupt(
            "catalogue",
            folder,
            "its tables do not have the digest of its description",
        ));
    }
    Ok(StoredCatalogue {
        catalogue,
        info,
        root: provenance::root(folder),
    })
}
