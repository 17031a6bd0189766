//! A catalogue on disk: `catalogue.json`, `series.parquet`, `slices.parquet`, `rejects.parquet`.

mod tables;

pub(crate) use tables::{read_catalogue_tables, write_tables};

use crate::output::{OutputFolder, hex, write_file};
use crate::reject::{RejectRow, write_rejects};
use crate::{DatasetError, SCHEMA_VERSION, provenance};
use lumbar_dicom::{Catalogue, Found, Pseudonyms};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const CATALOGUE_JSON: &str = "catalogue.json";

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

impl CatalogueInfo {
    /// Counts a catalogue.
    pub fn of(catalogue: &Catalogue) -> CatalogueInfo {
        let sources: BTreeSet<&str> = catalogue
            .slices
            .iter()
            .map(|slice| slice.source.as_str())
            .collect();
        let studies: BTreeSet<_> = catalogue.series.iter().map(|series| &series.study).collect();
        let mut series_kinds = BTreeMap::new();
        for series in &catalogue.series {
            let kind = series.kind.map_or("unknown", |kind| kind.name());
            *series_kinds.entry(kind.to_owned()).or_insert(0) += 1;
        }
        let mut reject_reasons = BTreeMap::new();
        for reject in &catalogue.rejects {
            *reject_reasons.entry(reject.reason.code().to_owned()).or_insert(0) += 1;
        }
        let (mut unused_series, mut unused_studies) = (BTreeMap::new(), BTreeMap::new());
        for unused in catalogue.unused() {
            let tally = if unused.series.is_some() {
                &mut unused_series
            } else {
                &mut unused_studies
            };
            *tally.entry(unused.reason.code().to_owned()).or_insert(0) += 1;
        }
        CatalogueInfo {
            schema_version: SCHEMA_VERSION,
            source_digest: digest(catalogue),
            n_files: catalogue.n_files as u64,
            n_files_with_slices: sources.len() as u64,
            n_rejects: catalogue.rejects.len() as u64,
            n_slices: catalogue.slices.len() as u64,
            n_series: catalogue.series.len() as u64,
            n_studies: studies.len() as u64,
            series_kinds,
            reject_reasons,
            found: catalogue.found(),
            unused_series,
            unused_studies,
            pseudonyms: catalogue.pseudonyms.clone(),
            pixels_checked: catalogue.pixels_checked,
        }
    }
}

/// Whether a catalogue can be written at `out`: to be asked before a long scan.
///
/// # Errors
/// [`DatasetError::OutputTaken`] if something else is there.
pub fn check_catalogue_place(out: &Path) -> Result<(), DatasetError> {
    crate::output::check_place(out, CATALOGUE_JSON)
}

/// Writes a catalogue as a folder, with `provenance.json` apart (it names the scanned folder and the time).
///
/// # Errors
/// [`DatasetError`] if the place is taken by something else or cannot be written;
/// [`DatasetError::NothingUsable`] if a catalogue without a slice would replace one that has some.
pub fn write_catalogue(
    catalogue: &Catalogue,
    root: &Path,
    out: &Path,
) -> Result<CatalogueInfo, DatasetError> {
    let info = CatalogueInfo::of(catalogue);
    if info.n_slices == 0 && has_slices(out) {
        return Err(DatasetError::NothingUsable {
            what: "usable MR image",
            path: out.to_owned(),
            outcome: None,
        });
    }
    let folder = OutputFolder::start(out, CATALOGUE_JSON)?;
    let metadata = [
        ("schema_version", SCHEMA_VERSION.to_string()),
        ("source_digest", info.source_digest.clone()),
    ];
    write_tables(catalogue, folder.path(), &metadata)?;
    let rejects = RejectRow::of_catalogue(catalogue);
    write_rejects(&folder.path().join("rejects.parquet"), rejects, &metadata)?;
    let mut json = serde_json::to_vec_pretty(&info)
        .map_err(|error| DatasetError::corrupt("catalogue description", out, error))?;
    json.push(b'\n');
    write_file(&folder.path().join(CATALOGUE_JSON), &json)?;
    provenance::write(folder.path(), Some(root))?;
    folder.finish()?;
    Ok(info)
}

/// Whether a catalogue with at least one slice stands at a place.
fn has_slices(place: &Path) -> bool {
    let text = std::fs::read(place.join(CATALOGUE_JSON)).unwrap_or_default();
    serde_json::from_slice::<CatalogueInfo>(&text).is_ok_and(|info| info.n_slices > 0)
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
    if info.schema_version > SCHEMA_VERSION {
        return Err(DatasetError::Version {
            found: info.schema_version,
            known: SCHEMA_VERSION,
            path,
        });
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

/// SHA-256 over all records, in hexadecimal.
pub(crate) fn digest(catalogue: &Catalogue) -> String {
    struct Sink(sha2::Sha256);
    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            sha2::Digest::update(&mut self.0, bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut sink = std::io::BufWriter::new(Sink(sha2::Digest::new()));
    // Writing to a hash cannot fail, and the records hold nothing that JSON cannot.
    let _ = serde_json::to_writer(&mut sink, catalogue);
    match sink.into_inner() {
        Ok(sink) => hex(&sha2::Digest::finalize(sink.0)),
        Err(_) => String::new(),
    }
}
