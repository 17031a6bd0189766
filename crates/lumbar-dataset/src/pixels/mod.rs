//! Pixels on disk: Arrow IPC files of fixed-shape tensors, memory-mapped.

mod map;
mod read;
mod write;

pub(crate) use read::PixelStore;
pub(crate) use write::{ShardShape, ShardWriter};

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
