//! Writing pixels.

use super::{ROWS_PER_BATCH, ShardRecord, shard_file};
use crate::{DatasetError, output::HashingFile};
use arrow::array::{
    ArrayRef, FixedSizeListArray, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shape and depth of the samples of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardShape {
    /// `[depth, rows, columns]`.
    pub shape: [usize; 3],
    /// 8 or 16.
    pub bits: u8,
    /// Largest file, bytes of pixels.
    pub max_bytes: u64,
}

impl ShardShape {
    /// Pixels of a sample.
    pub fn n_values(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of a sample.
    pub fn n_bytes(&self) -> usize {
        self.n_values() * usize::from(self.bits) / 8
    }

    fn rows_per_shard(&self) -> usize {
        (self.max_bytes / self.n_bytes().max(1) as u64).max(1) as usize
    }

    /// The columns: the sample's id, its checksum, and its pixels as `arrow.fixed_shape_tensor`.
    fn schema(&self) -> Schema {
        let value = Arc::new(Field::new("item", self.value_type(), false));
        let [depth, rows, columns] = self.shape;
        let tensor = HashMap::from([
            (
                "ARROW:extension:name".to_owned(),
                "arrow.fixed_shape_tensor".to_owned(),
            ),
            (
                "ARROW:extension:metadata".to_owned(),
                format!(r#"{{"shape":[{depth},{rows},{columns}],"dim_names":["depth","rows","columns"]}}"#),
            ),
        ]);
        let list = DataType::FixedSizeList(value, self.n_values() as i32);
        Schema::new(vec![
            Field::new("sample_id", DataType::Utf8, false),
            Field::new("crc32", DataType::UInt32, false),
            Field::new("pixels", list, false).with_metadata(tensor),
        ])
    }

    fn value_type(&self) -> DataType {
        if self.bits == 16 {
            DataType::UInt16
        } else {
            DataType::UInt8
        }
    }
}

/// Writes samples in order, file after file.
pub struct ShardWriter {
    folder: PathBuf,
    shape: ShardShape,
    schema: Arc<Schema>,
    open: Option<(PathBuf, FileWriter<HashingFile>)>,
    ids: Vec<String>,
    checksums: Vec<u32>,
    pixels: Vec<u8>,
    n_rows: usize,
    records: Vec<ShardRecord>,
}

impl std::fmt::Debug for ShardWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardWriter")
            .field("shape", &self.shape)
            .field("n_files", &self.records.len())
            .finish_non_exhaustive()
    }
}

/// Where a sample's pixels went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Which file, counted from 0.
    pub shard: u32,
    /// Which row of it.
    pub row: u32,
    /// CRC-32 of the bytes.
    pub crc32: u32,
}

impl ShardWriter {
    /// Writes below `folder`, the dataset in the making.
    ///
    /// # Errors
    /// [`DatasetError::Io`] if the folder cannot be made.
    pub fn new(folder: &Path, shape: ShardShape) -> Result<ShardWriter, DatasetError> {
        let pixels = folder.join("pixels");
        std::fs::create_dir_all(&pixels).map_err(DatasetError::io("creating a folder", &pixels))?;
        Ok(ShardWriter {
            folder: folder.to_owned(),
            shape,
            schema: Arc::new(shape.schema()),
            open: None,
            ids: Vec::new(),
            checksums: Vec::new(),
            pixels: Vec::new(),
            n_rows: 0,
            records: Vec::new(),
        })
    }

    /// Adds a sample; its pixels are little-endian bytes of the dataset's shape.
    ///
    /// # Errors
    /// [`DatasetError`] for pixels of another length, or if a file cannot be written.
    pub fn push(&mut self, sample_id: &str, pixels: &[u8]) -> Result<Placed, DatasetError> {
        if pixels.len() != self.shape.n_bytes() {
            return Err(self.error(format_args!(
                "{} bytes of pixels, expected {}",
                pixels.len(),
                self.shape.n_bytes()
            )));
        }
        let placed = Placed {
            shard: self.records.len() as u32,
            row: (self.n_rows + self.ids.len()) as u32,
            crc32: crc32fast::hash(pixels),
        };
        self.ids.push(sample_id.to_owned());
        self.checksums.push(placed.crc32);
        self.pixels.extend_from_slice(pixels);
        let n_rows = self.n_rows + self.ids.len();
        if n_rows == self.shape.rows_per_shard() {
            self.flush()?;
            self.close()?;
        } else if self.ids.len() == ROWS_PER_BATCH {
            self.flush()?;
        }
        Ok(placed)
    }

    /// Ends the last file and lists them all.
    ///
    /// # Errors
    /// [`DatasetError`] if a file cannot be written.
    pub fn finish(mut self) -> Result<Vec<ShardRecord>, DatasetError> {
        self.flush()?;
        self.close()?;
        Ok(self.records)
    }

    fn flush(&mut self) -> Result<(), DatasetError> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let n_rows = self.ids.len();
        let pixels = std::mem::take(&mut self.pixels);
        let values: ArrayRef = if self.shape.bits == 16 {
            let (pairs, _) = pixels.as_chunks::<2>();
            Arc::new(UInt16Array::from_iter_values(
                pairs.iter().map(|pair| u16::from_le_bytes(*pair)),
            ))
        } else {
            Arc::new(UInt8Array::from(pixels))
        };
        let DataType::FixedSizeList(item, length) = self.schema.field(2).data_type() else {
            return Err(self.error("the schema changed under the writer"));
        };
        let list = FixedSizeListArray::try_new(item.clone(), *length, values, None)
            .map_err(|error| self.error(error))?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(std::mem::take(&mut self.ids))),
            Arc::new(UInt32Array::from(std::mem::take(&mut self.checksums))),
            Arc::new(list),
        ];
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| self.error(error))?;
        if self.open.is_none() {
            let path = self.folder.join(shard_file(self.records.len() as u32));
            let file = HashingFile::create(&path)?;
            let writer = FileWriter::try_new(file, &self.schema).map_err(|error| self.error(error))?;
            self.open = Some((path, writer));
        }
        if let Some((path, writer)) = &mut self.open {
            writer
                .write(&batch)
                .map_err(|error| DatasetError::corrupt("pixel file", path, error))?;
        }
        self.n_rows += n_rows;
        Ok(())
    }

    fn close(&mut self) -> Result<(), DatasetError> {
        let Some((path, writer)) = self.open.take() else {
            return Ok(());
        };
        let bad = |error: arrow::error::ArrowError| DatasetError::corrupt("pixel file", &path, error);
        // `into_inner` finishes the file.
        let file = writer.into_inner().map_err(bad)?;
        let (sha256, n_bytes) = file.finish().map_err(DatasetError::io("writing", &path))?;
        self.records.push(ShardRecord {
            file: shard_file(self.records.len() as u32),
            n_rows: self.n_rows as u32,
            n_bytes,
            sha256,
        });
        self.n_rows = 0;
        Ok(())
    }

    fn error(&self, detail: impl std::fmt::Display) -> DatasetError {
        DatasetError::corrupt(
            "pixel file",
            &self.folder.join(shard_file(self.records.len() as u32)),
            detail,
        )
    }
}
