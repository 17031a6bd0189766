//! A dataset on disk, opened for reading.

use crate::pixels::{PixelStore, ShardShape};
use crate::sample::read_samples;
use crate::{DatasetConfig, DatasetError, DatasetInfo, Sample};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A dataset on disk, opened for reading. Cloning is cheap; clones share the mapped files.
#[derive(Clone)]
pub struct Dataset(Arc<Inner>);

struct Inner {
    path: PathBuf,
    info: DatasetInfo,
    samples: Vec<Sample>,
    pixels: PixelStore,
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dataset")
            .field("path", &self.0.path)
            .field("n_samples", &self.0.samples.len())
            .finish_non_exhaustive()
    }
}

pub(crate) fn shard_shape(config: &DatasetConfig) -> ShardShape {
    ShardShape {
        shape: config.shape(),
        bits: config.bits,
        max_bytes: u64::from(config.shard_mib) << 20,
    }
}

impl Dataset {
    /// Opens a dataset: reads its description and samples, maps its pixels.
    ///
    /// # Errors
    /// [`DatasetError`] if a file is missing, newer than this build, truncated or inconsistent. Pixels are checked
    /// when they are first used.
    pub fn open(path: &Path) -> Result<Dataset, DatasetError> {
        let info = DatasetInfo::read(path)?;
        let samples = read_samples(&path.join("samples.parquet"))?;
        let pixels = PixelStore::open(path, &info.shards, shard_shape(&info.config))?;
        let n_rows: u64 = info.shards.iter().map(|shard| u64::from(shard.n_rows)).sum();
        if samples.len() as u64 != n_rows || info.counts.samples != n_rows {
            return Err(DatasetError::corrupt(
                "dataset",
                path,
                format_args!(
                    "{} samples in the table, {n_rows} in the files of pixels, {} in the description",
                    samples.len(),
                    info.counts.samples
                ),
            ));
        }
        Ok(Dataset(Arc::new(Inner {
            path: path.to_owned(),
            info,
            samples,
            pixels,
        })))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What the dataset is.
    pub fn info(&self) -> &DatasetInfo {
        &self.0.info
    }

    /// What it was made with.
    pub fn config(&self) -> &DatasetConfig {
        &self.0.info.config
    }

    /// `[depth, rows, columns]` of a sample.
    pub fn shape(&self) -> [usize; 3] {
        self.0.info.shape
    }

    /// The samples, sorted by study, target and view. A sample's index is its position here.
    pub fn samples(&self) -> &[Sample] {
        &self.0.samples
    }

    /// The sample at an index.
    ///
    /// # Errors
    /// [`DatasetError::NoSuchSample`].
    pub fn sample(&self, index: usize) -> Result<&Sample, DatasetError> {
        self.0.samples.get(index).ok_or(DatasetError::NoSuchSample {
            index,
            n_samples: self.0.samples.len(),
        })
    }

    /// Indices of the samples for which `keep` holds, in order.
    pub fn select(&self, keep: impl Fn(&Sample) -> bool) -> Vec<usize> {
        let samples = self.0.samples.iter().enumerate();
        samples
            .filter(|(_, sample)| keep(sample))
            .map(|(index, _)| index)
            .collect()
    }

    /// The pixels of a sample `[depth, rows, columns]`: one byte each, or two (little-endian) in a 16-bit dataset.
    /// They lie in the mapped file; nothing is copied.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no such sample, or its pixels do not have their checksum.
    pub fn pixels(&self, index: usize) -> Result<&[u8], DatasetError> {
        let sample = self.sample(index)?;
        self.0.pixels.get((sample.shard, sample.row), sample.crc32)
    }
}
