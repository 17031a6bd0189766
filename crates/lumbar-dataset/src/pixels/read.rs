//! Reading pixels without copying them.

use super::{ROWS_PER_BATCH, ShardRecord, ShardShape, map::map};
use crate::DatasetError;
use arrow::array::{Array, FixedSizeListArray, RecordBatch, UInt32Array};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, root_as_footer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The pixels of a dataset, mapped into memory.
pub struct PixelStore {
    n_bytes: usize,
    shards: Vec<Shard>,
}

impl std::fmt::Debug for PixelStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PixelStore")
            .field("n_files", &self.shards.len())
            .finish_non_exhaustive()
    }
}

struct Shard {
    path: PathBuf,
    /// Pixels of each batch, as bytes of the mapped file.
    batches: Vec<Buffer>,
    n_rows: usize,
    /// One bit a row: its checksum was found right.
    checked: Vec<AtomicU64>,
}

impl PixelStore {
    /// Maps the files of a dataset.
    ///
    /// # Errors
    /// [`DatasetError`] if a file is missing, truncated, or of another shape.
    pub fn open(
        dataset: &Path,
        records: &[ShardRecord],
        shape: ShardShape,
    ) -> Result<PixelStore, DatasetError> {
        let shards = records
            .iter()
            .map(|record| Shard::open(&dataset.join(&record.file), record, shape))
            .collect::<Result<_, _>>()?;
        Ok(PixelStore {
            n_bytes: shape.n_bytes(),
            shards,
        })
    }

    /// The bytes of a sample's pixels, in the mapped file. The first time, their checksum is compared.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no such row, or it does not have the checksum.
    pub fn get(&self, (shard, row): (u32, u32), crc32: u32) -> Result<&[u8], DatasetError> {
        let (shard_idx, row) = (shard as usize, row as usize);
        let shard = self.shards.get(shard_idx).ok_or_else(|| DatasetError::Nothing {
            what: "file of pixels",
            hint: format!("samples.parquet names file {shard_idx} of {}", self.shards.len()),
        })?;
        let bytes = shard
            .batches
            .get(row / ROWS_PER_BATCH)
            .and_then(|batch| {
                let start = (row % ROWS_PER_BATCH) * self.n_bytes;
                batch.get(start..start + self.n_bytes)
            })
            .ok_or_else(|| shard.corrupt(format_args!("row {row} of {}", shard.n_rows)))?;
        let (word, bit) = (&shard.checked[row / 64], 1u64 << (row % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            if crc32fast::hash(bytes) != crc32 {
                return Err(shard.corrupt(format_args!("row {row}: the pixels do not have their checksum")));
            }
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(bytes)
    }
}

impl Shard {
    fn open(path: &Path, record: &ShardRecord, shape: ShardShape) -> Result<Shard, DatasetError> {
        let corrupt = |detail: &dyn std::fmt::Display| DatasetError::corrupt("pixel file", path, detail);
        let mapped = map(path).map_err(DatasetError::io("mapping", path))?;
        if mapped.len() as u64 != record.n_bytes {
            return Err(corrupt(&format_args!(
                "{} bytes, expected {}",
                mapped.len(),
                record.n_bytes
            )));
        }
        let file = Buffer::from(bytes::Bytes::from_owner(mapped));
        let batches = decode(&file).map_err(|error| corrupt(&error))?;
        let mut shard = Shard {
            path: path.to_owned(),
            batches: Vec::with_capacity(batches.len()),
            n_rows: 0,
            checked: Vec::new(),
        };
        for (i, batch) in batches.iter().enumerate() {
            let full = batch.num_rows() == ROWS_PER_BATCH;
            if batch.num_rows() > ROWS_PER_BATCH || (!full && i + 1 != batches.len()) {
                return Err(corrupt(&format_args!("batch {i} has {} rows", batch.num_rows())));
            }
            shard
                .batches
                .push(pixels_of(batch, shape).map_err(|detail| corrupt(&detail))?);
            shard.n_rows += batch.num_rows();
        }
        if shard.n_rows != record.n_rows as usize {
            return Err(corrupt(&format_args!(
                "{} rows, expected {}",
                shard.n_rows, record.n_rows
            )));
        }
        shard.checked = (0..shard.n_rows.div_ceil(64))
            .map(|_| AtomicU64::new(0))
            .collect();
        Ok(shard)
    }

    fn corrupt(&self, detail: impl std::fmt::Display) -> DatasetError {
        DatasetError::corrupt("pixel file", &self.path, detail)
    }
}

/// The buffer of the pixels of a batch, still in the mapped file.
fn pixels_of(batch: &RecordBatch, shape: ShardShape) -> Result<Buffer, String> {
    let column = batch.column_by_name("pixels").ok_or("no column `pixels`")?;
    let list = column
        .as_any()
        .downcast_ref::<FixedSizeListArray>()
        .ok_or("`pixels` is no fixed-size list")?;
    batch
        .column_by_name("crc32")
        .and_then(|column| column.as_any().downcast_ref::<UInt32Array>())
        .ok_or("no column `crc32`")?;
    let expected = if shape.bits == 16 {
        DataType::UInt16
    } else {
        DataType::UInt8
    };
    if list.values().data_type() != &expected || list.value_length() as usize != shape.n_values() {
        return Err(format!(
            "`pixels` holds {} values of {}, expected {} of {expected}",
            list.value_length(),
            list.values().data_type(),
            shape.n_values()
        ));
    }
    let data = list.values().to_data();
    let width = usize::from(shape.bits) / 8;
    let n_bytes = batch.num_rows() * shape.n_bytes();
    let buffer = data.buffers().first().ok_or("`pixels` has no buffer")?;
    let start = data.offset() * width;
    if buffer.len() < start + n_bytes {
        return Err("`pixels` is shorter than its rows".to_owned());
    }
    Ok(buffer.slice_with_length(start, n_bytes))
}

/// The record batches of an Arrow file in memory. Nothing is copied: arrays point into `file`.
fn decode(file: &Buffer) -> Result<Vec<RecordBatch>, arrow::error::ArrowError> {
    let short = || arrow::error::ArrowError::ParseError("the file is too short".to_owned());
    let trailer_start = file.len().checked_sub(10).ok_or_else(short)?;
    let mut trailer = [0u8; 10];
    trailer.copy_from_slice(&file[trailer_start..]);
    let footer_len = read_footer_length(trailer)?;
    let footer_start = trailer_start.checked_sub(footer_len).ok_or_else(short)?;
    let footer = root_as_footer(&file[footer_start..trailer_start]).map_err(|error| {
        arrow::error::ArrowError::ParseError(format!("the footer cannot be read: {error}"))
    })?;
    let schema = footer
        .schema()
        .ok_or_else(|| arrow::error::ArrowError::ParseError("the footer has no schema".to_owned()))?;
    let decoder =
        FileDecoder::new(Arc::new(try_fb_to_schema(schema)?), footer.version()).with_require_alignment(true);
    let mut batches = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let bytes = block_bytes(file, block).ok_or_else(short)?;
        batches.extend(decoder.read_record_batch(block, &bytes)?);
    }
    Ok(batches)
}

fn block_bytes(file: &Buffer, block: &Block) -> Option<Buffer> {
    let start = usize::try_from(block.offset()).ok()?;
    let meta = usize::try_from(block.metaDataLength()).ok()?;
    let body = usize::try_from(block.bodyLength()).ok()?;
    let length = meta.checked_add(body)?;
    (start.checked_add(length)? <= file.len()).then(|| file.slice_with_length(start, length))
}

#[cfg(test)]
mod tests {
    use super::super::ShardWriter;
    use super::*;

    const SHAPE: ShardShape = ShardShape {
        shape: [3, 4, 5],
        bits: 8,
        max_bytes: 60 * 300,
    };

    fn pixels(i: usize) -> Vec<u8> {
        (0..60).map(|k| (i * 7 + k * 13) as u8).collect()
    }

    fn write(folder: &Path, n: usize) -> (Vec<ShardRecord>, Vec<(u32, u32, u32)>) {
        let mut writer = ShardWriter::new(folder, SHAPE).unwrap();
        let placed = (0..n)
            .map(|i| writer.push(&format!("s{i}"), &pixels(i)).unwrap())
            .map(|p| (p.shard, p.row, p.crc32))
            .collect();
        (writer.finish().unwrap(), placed)
    }

    #[test]
    fn samples_come_back_across_batches_and_files() {
        let dir = tempfile::tempdir().unwrap();
        let (records, placed) = write(dir.path(), 700);
        assert_eq!(
            records.iter().map(|r| r.n_rows).collect::<Vec<_>>(),
            [300, 300, 100]
        );
        let store = PixelStore::open(dir.path(), &records, SHAPE).unwrap();
        for (i, (shard, row, crc32)) in placed.iter().enumerate() {
            assert_eq!(store.get((*shard, *row), *crc32).unwrap(), pixels(i));
        }
        assert!(store.get((2, 100), 0).is_err() && store.get((3, 0), 0).is_err());
    }

    #[test]
    fn the_same_samples_are_the_same_bytes() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(write(a.path(), 301), write(b.path(), 301));
    }

    #[test]
    fn changed_pixels_are_noticed_at_first_use() {
        let dir = tempfile::tempdir().unwrap();
        let (records, placed) = write(dir.path(), 10);
        let path = dir.path().join(&records[0].file);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(60).position(|window| window == pixels(4)).unwrap();
        bytes[at + 3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let store = PixelStore::open(dir.path(), &records, SHAPE).unwrap();
        let result = |i: usize| store.get((placed[i].0, placed[i].1), placed[i].2);
        assert!(result(3).is_ok());
        assert!(result(4).unwrap_err().to_string().contains("checksum"));
    }

    #[test]
    fn truncated_or_foreign_files_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let (mut records, _) = write(dir.path(), 10);
        let path = dir.path().join(&records[0].file);
        let whole = std::fs::read(&path).unwrap();
        for cut in [0, 5, 64, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            records[0].n_bytes = cut as u64;
            assert!(
                PixelStore::open(dir.path(), &records, SHAPE).is_err(),
                "cut at {cut}"
            );
        }
        std::fs::write(&path, &whole).unwrap();
        records[0].n_bytes = whole.len() as u64;
        let other = ShardShape {
            shape: [3, 5, 5],
            ..SHAPE
        };
        assert!(PixelStore::open(dir.path(), &records, other).is_err());
    }

    #[test]
    fn sixteen_bits_are_little_endian() {
        let dir = tempfile::tempdir().unwrap();
        let shape = ShardShape {
            shape: [1, 1, 2],
            bits: 16,
            max_bytes: 1000,
        };
        let mut writer = ShardWriter::new(dir.path(), shape).unwrap();
        let placed = writer.push("a", &[1, 2, 3, 4]).unwrap();
        let records = writer.finish().unwrap();
        let store = PixelStore::open(dir.path(), &records, shape).unwrap();
        assert_eq!(store.get((0, 0), placed.crc32).unwrap(), [1, 2, 3, 4]);
    }
}
