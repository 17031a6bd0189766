//! A catalogue to disk.

use super::{CATALOGUE_JSON, CATALOGUE_SCHEMA_VERSION, CatalogueInfo, tables::CatalogueTables, tally::Tally};
use crate::output::{OutputFolder, write_file};
use crate::reject::{RejectRow, write_rejects};
use crate::{DatasetError, provenance};
use lumbar_dicom::{Catalogue, SeriesRecord, SliceRecord};
use std::path::Path;

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
    let mut writer = CatalogueWriter::start(out)?;
    writer.push(&catalogue.series, &catalogue.slices)?;
    writer.finish(catalogue, root)
}

/// A catalogue that is written while it is made, by [`lumbar_dicom::scan_parts`]: neither its slices nor its series stand
/// in memory as a whole.
///
/// The folder appears when it is finished.
pub struct CatalogueWriter {
    folder: OutputFolder,
    tables: CatalogueTables,
    tally: Tally,
}

impl CatalogueWriter {
    /// Starts a catalogue that will stand at `out`.
    ///
    /// # Errors
    /// [`DatasetError`] if the place is taken by something else or cannot be written.
    pub fn start(out: &Path) -> Result<CatalogueWriter, DatasetError> {
        let folder = OutputFolder::start(out, CATALOGUE_JSON)?;
        Ok(CatalogueWriter {
            tables: CatalogueTables::start(folder.path(), &version()),
            folder,
            tally: Tally::default(),
        })
    }

    /// Adds series and all their slices, in the catalogue's order.
    ///
    /// # Errors
    /// [`DatasetError`] if a slice is of another series, or the tables cannot be written.
    pub fn push(&mut self, series: &[SeriesRecord], slices: &[SliceRecord]) -> Result<(), DatasetError> {
        self.tally.add(series, slices);
        self.tables.push(series, slices)
    }

    /// Counts of what was added, with what a catalogue says beside its series and slices.
    pub fn info(&self, rest: &Catalogue) -> CatalogueInfo {
        self.tally.clone().finish(rest).0
    }

    /// Ends the catalogue with what it says beside its series and slices; `root` is the folder that was scanned.
    ///
    /// # Errors
    /// [`DatasetError`] if something cannot be written;
    /// [`DatasetError::NothingUsable`] if a catalogue without a slice would replace one that has some.
    pub fn finish(self, rest: &Catalogue, root: &Path) -> Result<CatalogueInfo, DatasetError> {
        let (info, verdicts) = self.tally.finish(rest);
        if info.n_slices == 0 && has_slices(self.folder.place()) {
            return Err(DatasetError::NothingUsable {
                what: "usable MR image",
                path: self.folder.place().to_owned(),
                outcome: None,
            });
        }
        let folder = self.folder.path();
        let digest = [("source_digest", info.source_digest.clone())];
        self.tables.finish(&digest)?;
        let metadata: Vec<_> = version().into_iter().chain(digest).collect();
        let unused = verdicts.unused();
        let rejects = RejectRow::files_and_unused(&rest.rejects, &unused);
        write_rejects(&folder.join("rejects.parquet"), rejects, &metadata)?;
        let mut json = serde_json::to_vec_pretty(&info)
            .map_err(|error| DatasetError::corrupt("catalogue description", folder, error))?;
        json.push(b'\n');
        write_file(&folder.join(CATALOGUE_JSON), &json)?;
        provenance::write(folder, Some(root))?;
        self.folder.finish()?;
        Ok(info)
    }
}

fn version() -> [(&'static str, String); 1] {
    [("schema_version", CATALOGUE_SCHEMA_VERSION.to_string())]
}

/// Whether a catalogue with at least one slice stands at a place.
fn has_slices(place: &Path) -> bool {
    let text = std::fs::read(place.join(CATALOGUE_JSON)).unwrap_or_default();
    serde_json::from_slice::<CatalogueInfo>(&text).is_ok_and(|info| info.n_slices > 0)
}
