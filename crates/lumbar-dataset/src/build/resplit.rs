//! Dividing the patients of a dataset anew.

use super::finish::{DatasetWriter, Known, metadata, open_for_merge};
use crate::catalogue::{read_catalogue_tables, write_tables};
use crate::labels::tables::{read_findings, read_labels, write_findings, write_labels};
use crate::reject::read_rejects;
use crate::split::Kept;
use crate::{DatasetConfig, DatasetError, DatasetInfo, SplitConfig};
use std::path::Path;

/// Divides the patients of a dataset by another scheme or seed and writes the whole to `out`, which may be the
/// dataset's own place. No DICOM is read: the result is the same bytes as a build with that `split` would make.
///
/// # Errors
/// [`DatasetError`] if the scheme cannot be, or a file cannot be read or written.
pub fn resplit(
    dataset: &Path,
    out: &Path,
    split: &SplitConfig,
    keep: Option<&Path>,
) -> Result<DatasetInfo, DatasetError> {
    let info = DatasetInfo::read(dataset)?;
    let config = DatasetConfig {
        split: split.clone(),
        ..info.config.clone()
    };
    config.validate()?;
    let known = Known::of_dataset(&info, config);
    // Read before the folder is replaced, which may be the same.
    let keep = Kept::of(keep)?;
    let labels = read_labels(&dataset.join("labels.parquet"))?;
    let findings = read_findings(&dataset.join("findings.parquet"))?;
    let catalogue = read_catalogue_tables(dataset)?;
    let rejects = read_rejects(&dataset.join("rejects.parquet"))?;

    let mut writer = DatasetWriter::start(out, known.clone(), &labels, &keep)?;
    let metadata = metadata(&known.config_hash, &known.source_digest);
    write_tables(&catalogue, writer.folder(), &metadata)?;
    write_labels(&writer.folder().join("labels.parquet"), labels, &metadata)?;
    write_findings(&writer.folder().join("findings.parquet"), &findings, &metadata)?;
    writer.push_rejects(rejects)?;
    let (rows, pixels) = open_for_merge(dataset, &known, &info.shards)?;
    for sample in rows {
        let bytes = pixels.get((sample.shard, sample.row), sample.crc32)?;
        writer.push_sample(sample, bytes)?;
    }
    writer.finish()
}
