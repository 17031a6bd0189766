//! Pixels on disk: Arrow IPC files of fixed-shape tensors, memory-mapped.
//!
//! [`build()`](crate::build()) writes them and [`Dataset`](crate::Dataset) reads them; here they are by themselves, for whoever
//! has samples of their own.
//!
//! ```
//! use lumbar_dataset::pixels::{PixelStore, ShardShape, ShardWriter};
//! let folder = tempfile::tempdir()?;
//! let shape = ShardShape { shape: [3, 4, 4], bits: 8, max_bytes: 1 << 20 };
//! let mut writer = ShardWriter::new(folder.path(), shape)?;
//! let placed = writer.push("a sample", &[7; 48])?;
//! let records = writer.finish()?;
//! let store = PixelStore::open(folder.path(), &records, shape)?;
//! assert_eq!(store.get((placed.shard, placed.row), placed.crc32)?, [7; 48]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod map;
mod read;
mod write;

pub use read::PixelStore;
pub use write::{Placed, ShardShape, ShardWriter};

use serde::{Deserialize, Serialize};

/// One file of pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardRecord {
    /// File name below the dataset.
    pub file: String,
    /// Samples in it.
    pub n_rows: u32,
    /// Its size.
    pub n_bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Name of a file of pixels below the dataset.
pub(crate) fn shard_file(shard: u32) -> String {
    format!("pixels/{shard:05}.arrow")
}

/// Samples of a record batch. Batches are what a reader of Arrow takes at a time; memory mapping does not mind.
pub(crate) const ROWS_PER_BATCH: usize = 256;
