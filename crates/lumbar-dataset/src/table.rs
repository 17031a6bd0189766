//! Parquet tables of scalars: one way to write them, one way to read them.

use crate::DatasetError;
use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a row group: large enough to compress, small enough to skip, and to stand in memory until it is written.
const ROWS_PER_GROUP: usize = 8_192;
/// Rows of a page: what a query on a sorted column reads at least.
const ROWS_PER_PAGE: usize = 1_024;
/// Columns whose values are nearly all different: a dictionary of them would be the column itself.
const UNIQUE: [&str; 6] = [
    "source",
    "sop_instance",
    "sample_id",
    "position_x_mm",
    "position_y_mm",
    "position_z_mm",
];

/// A table in the making, column by column.
#[derive(Default)]
pub(crate) struct TableWriter {
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
}

impl TableWriter {
    fn push(&mut self, name: &str, kind: DataType, nullable: bool, column: ArrayRef) -> &mut Self {
        self.fields.push(Field::new(name, kind, nullable));
        self.columns.push(column);
        self
    }

    pub fn text<S: AsRef<str>>(&mut self, name: &str, values: impl Iterator<Item = S>) -> &mut Self {
        let column: StringArray = values.map(Some).collect();
        self.push(name, DataType::Utf8, false, Arc::new(column))
    }

    pub fn text_or_null<S: AsRef<str>>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = Option<S>>,
    ) -> &mut Self {
        let column: StringArray = values.collect();
        self.push(name, DataType::Utf8, true, Arc::new(column))
    }

    pub fn u32(&mut self, name: &str, values: impl Iterator<Item = u32>) -> &mut Self {
        let column = UInt32Array::from_iter_values(values);
        self.push(name, DataType::UInt32, false, Arc::new(column))
    }

    pub fn u32_or_null(&mut self, name: &str, values: impl Iterator<Item = Option<u32>>) -> &mut Self {
        let column: UInt32Array = values.collect();
        self.push(name, DataType::UInt32, true, Arc::new(column))
    }

    pub fn i32_or_null(&mut self, name: &str, values: impl Iterator<Item = Option<i32>>) -> &mut Self {
        let column: Int32Array = values.collect();
        self.push(name, DataType::Int32, true, Arc::new(column))
    }

    pub fn f64(&mut self, name: &str, values: impl Iterator<Item = f64>) -> &mut Self {
        let column = Float64Array::from_iter_values(values);
        self.push(name, DataType::Float64, false, Arc::new(column))
    }

    pub fn f64_or_null(&mut self, name: &str, values: impl Iterator<Item = Option<f64>>) -> &mut Self {
        let column: Float64Array = values.collect();
        self.push(name, DataType::Float64, true, Arc::new(column))
    }

    pub fn bool(&mut self, name: &str, values: impl Iterator<Item = bool>) -> &mut Self {
        let column: BooleanArray = values.map(Some).collect();
        self.push(name, DataType::Boolean, false, Arc::new(column))
    }

    /// Writes the table: snappy, statistics and page index, the first `n_sorted` columns declared as sorted.
    pub fn write(
        &mut self,
        path: &Path,
        metadata: &[(&str, String)],
        n_sorted: usize,
    ) -> Result<(), DatasetError> {
        let mut file = TableFile::new(path, metadata, n_sorted);
        file.push(std::mem::take(self))?;
        file.finish(&[])
    }
}

/// Rows a large table is made of at a time: a whole number of pages.
pub(crate) const ROWS_AT_A_TIME: usize = ROWS_PER_PAGE;

/// A table on its way to disk, in parts of the same columns, so that it never stands in memory as a whole: snappy, statistics and
/// page index. The file appears with the first part; without one nothing is written.
pub(crate) struct TableFile {
    path: PathBuf,
    properties: WriterProperties,
    writer: Option<ArrowWriter<File>>,
}

impl TableFile {
    /// The first `n_sorted` columns are declared as sorted.
    pub fn new(path: &Path, metadata: &[(&str, String)], n_sorted: usize) -> TableFile {
        TableFile {
            path: path.to_owned(),
            properties: properties(metadata, n_sorted),
            writer: None,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_empty(&self) -> bool {
        self.writer.is_none()
    }

    pub fn push(&mut self, part: TableWriter) -> Result<(), DatasetError> {
        let path = &self.path;
        let schema = Arc::new(Schema::new(part.fields));
        let batch = RecordBatch::try_new(schema.clone(), part.columns).map_err(unwritten(path))?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let file = File::create(path).map_err(DatasetError::io("creating", path))?;
                let opened = ArrowWriter::try_new(file, schema, Some(self.properties.clone()));
                self.writer.insert(opened.map_err(unwritten(path))?)
            }
        };
        writer.write(&batch).map_err(unwritten(path))
    }

    /// Ends the table, with metadata that was not known before.
    pub fn finish(self, metadata: &[(&str, String)]) -> Result<(), DatasetError> {
        let Some(mut writer) = self.writer else {
            return Ok(());
        };
        for (key, value) in metadata {
            writer.append_key_value_metadata(KeyValue::new((*key).to_owned(), value.clone()));
        }
        let file = writer.into_inner().map_err(unwritten(&self.path))?;
        file.sync_all().map_err(DatasetError::io("writing", &self.path))
    }
}

fn unwritten<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> DatasetError {
    move |error| DatasetError::BadTable {
        path: path.to_owned(),
        detail: format!("writing failed: {error}"),
    }
}

/// Rows that come one by one, written [`ROWS_AT_A_TIME`] at a time: what waits for its turn and the row group in work
/// are all that stands in memory.
pub(crate) struct RowWriter<R> {
    file: TableFile,
    waiting: Vec<R>,
    columns: Box<Columns<R>>,
    n_rows: usize,
}

/// Rows as columns.
type Columns<R> = dyn Fn(&[R]) -> TableWriter + Send;

impl<R> RowWriter<R> {
    /// A table at `path`, whose columns `columns` makes of rows; the first `n_sorted` of them are declared as sorted.
    pub fn new(
        path: &Path,
        (metadata, n_sorted): (&[(&str, String)], usize),
        columns: impl Fn(&[R]) -> TableWriter + Send + 'static,
    ) -> RowWriter<R> {
        RowWriter {
            file: TableFile::new(path, metadata, n_sorted),
            waiting: Vec::new(),
            columns: Box::new(columns),
            n_rows: 0,
        }
    }

    pub fn push(&mut self, row: R) -> Result<(), DatasetError> {
        self.waiting.push(row);
        self.n_rows += 1;
        if self.waiting.len() == ROWS_AT_A_TIME {
            self.flush()?;
        }
        Ok(())
    }

    pub fn extend(&mut self, rows: impl IntoIterator<Item = R>) -> Result<(), DatasetError> {
        rows.into_iter().try_for_each(|row| self.push(row))
    }

    /// Rows so far.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Ends the table; one without rows still has its columns.
    pub fn finish(mut self) -> Result<(), DatasetError> {
        if !self.waiting.is_empty() || self.n_rows == 0 {
            self.flush()?;
        }
        self.file.finish(&[])
    }

    fn flush(&mut self) -> Result<(), DatasetError> {
        self.file.push((self.columns)(&self.waiting))?;
        self.waiting.clear();
        Ok(())
    }
}

fn properties(metadata: &[(&str, String)], n_sorted: usize) -> WriterProperties {
    let builder = UNIQUE.iter().fold(WriterProperties::builder(), |builder, name| {
        builder.set_column_dictionary_enabled(ColumnPath::from(*name), false)
    });
    builder
        .set_created_by("lumbar-dataset".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_data_page_row_count_limit(ROWS_PER_PAGE)
        // The writer looks at page limits once per batch of this size.
        .set_write_batch_size(1024)
        .set_sorting_columns(Some(
            (0..n_sorted)
                .map(|column_idx| SortingColumn {
                    column_idx: column_idx as i32,
                    descending: false,
                    nulls_first: true,
                })
                .collect(),
        ))
        .set_key_value_metadata(Some(
            metadata
                .iter()
                .map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()))
                .collect(),
        ))
        .build()
}

/// A whole table in memory.
pub(crate) struct TableReader {
    path: PathBuf,
    batch: RecordBatch,
}

/// Why a cell could not be read; [`TableReader::parse`] adds where.
type Cell<'a> = Option<&'a str>;

impl TableReader {
    pub fn open(path: &Path) -> Result<TableReader, DatasetError> {
        let file = File::open(path).map_err(DatasetError::io("opening", path))?;
        let bad = |error: &dyn std::fmt::Display| DatasetError::corrupt("Parquet table", path, error);
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| bad(&error))?;
        let schema = builder.schema().clone();
        let reader = builder
            .with_batch_size(ROWS_PER_GROUP)
            .build()
            .map_err(|error| bad(&error))?;
        let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().map_err(|error| bad(&error))?;
        let batch = concat_batches(&schema, &batches).map_err(|error| bad(&error))?;
        Ok(TableReader {
            path: path.to_owned(),
            batch,
        })
    }

    pub fn n_rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn column<A: Array + 'static>(&self, name: &str) -> Result<&A, DatasetError> {
        let column = self
            .batch
            .column_by_name(name)
            .ok_or_else(|| self.corrupt(format_args!("no column `{name}`")))?;
        column.as_any().downcast_ref().ok_or_else(|| {
            self.corrupt(format_args!(
                "column `{name}` holds {}, expected another type",
                column.data_type()
            ))
        })
    }

    pub fn corrupt(&self, detail: impl std::fmt::Display) -> DatasetError {
        DatasetError::corrupt("Parquet table", &self.path, detail)
    }

    pub fn text(&self, name: &str) -> Result<Vec<Cell<'_>>, DatasetError> {
        Ok(self.column::<StringArray>(name)?.iter().collect())
    }

    pub fn u32(&self, name: &str) -> Result<Vec<Option<u32>>, DatasetError> {
        Ok(self.column::<UInt32Array>(name)?.iter().collect())
    }

    pub fn i32(&self, name: &str) -> Result<Vec<Option<i32>>, DatasetError> {
        Ok(self.column::<Int32Array>(name)?.iter().collect())
    }

    pub fn f64(&self, name: &str) -> Result<Vec<Option<f64>>, DatasetError> {
        Ok(self.column::<Float64Array>(name)?.iter().collect())
    }

    pub fn bool(&self, name: &str) -> Result<Vec<Option<bool>>, DatasetError> {
        Ok(self.column::<BooleanArray>(name)?.iter().collect())
    }

    /// A value that must be there.
    pub fn must<T>(&self, value: Option<T>, name: &str, row: usize) -> Result<T, DatasetError> {
        value.ok_or_else(|| self.corrupt(format_args!("column `{name}` is empty in row {row}")))
    }

    /// Text that must parse.
    pub fn parse<T: std::str::FromStr>(
        &self,
        cell: Cell<'_>,
        name: &str,
        row: usize,
    ) -> Result<T, DatasetError> {
        let text = self.must(cell, name, row)?;
        text.parse()
            .map_err(|_| self.corrupt(format_args!("column `{name}`, row {row}: unexpected value")))
    }

    /// Text that must parse if it is there.
    pub fn parse_or_null<T: std::str::FromStr>(
        &self,
        cell: Cell<'_>,
        name: &str,
        row: usize,
    ) -> Result<Option<T>, DatasetError> {
        cell.map(|_| self.parse(cell, name, row)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_back_and_are_the_same_bytes_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = dir.path().join(name);
            TableWriter::default()
                .text("id", (0..30_000).map(|i| format!("{i:06}")))
                .f64_or_null("mm", (0..30_000).map(|i| (i % 3 == 0).then_some(f64::from(i))))
                .bool("odd", (0..30_000).map(|i| i % 2 == 1))
                .write(&path, &[("schema_version", "1".to_owned())], 1)
                .unwrap();
            path
        };
        let (a, b) = (write("a.parquet"), write("b.parquet"));
        assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(b).unwrap());
        let table = TableReader::open(&a).unwrap();
        assert_eq!(table.n_rows(), 30_000);
        assert_eq!(table.text("id").unwrap()[123], Some("000123"));
        assert_eq!(table.f64("mm").unwrap()[..4], [Some(0.0), None, None, Some(3.0)]);
        assert!(table.u32("mm").is_err() && table.text("nope").is_err());
    }

    #[test]
    fn rows_one_by_one_are_the_bytes_of_a_whole_table() {
        let dir = tempfile::tempdir().unwrap();
        // Beyond a row group, and a whole number of parts.
        for n in [0, 3, ROWS_PER_GROUP + 5, 9 * ROWS_AT_A_TIME] {
            let columns = |rows: &[usize]| {
                let mut table = TableWriter::default();
                table
                    .text("id", rows.iter().map(|i| format!("{i:07}")))
                    .text("word", rows.iter().map(|i| ["left", "right", "middle"][i % 3]))
                    .f64("mm", rows.iter().map(|i| (*i as f64).sqrt()));
                table
            };
            let rows: Vec<usize> = (0..n).collect();
            let [whole, streamed] = ["whole", "streamed"].map(|name| dir.path().join(name));
            columns(&rows).write(&whole, &[], 1).unwrap();
            let mut writer = RowWriter::new(&streamed, (&[], 1), columns);
            writer.extend(rows).unwrap();
            assert_eq!(writer.n_rows(), n);
            writer.finish().unwrap();
            assert!(
                std::fs::read(&whole).unwrap() == std::fs::read(&streamed).unwrap(),
                "{n} rows"
            );
        }
    }

    #[test]
    fn an_empty_table_keeps_its_columns() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty.parquet");
        TableWriter::default()
            .text("id", std::iter::empty::<&str>())
            .write(&path, &[], 0)
            .unwrap();
        let table = TableReader::open(&path).unwrap();
        assert_eq!((table.n_rows(), table.text("id").unwrap().len()), (0, 0));
    }

    #[test]
    fn a_broken_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        std::fs::write(&path, b"PAR1 but not really PAR1").unwrap();
        assert!(matches!(
            TableReader::open(&path),
            Err(DatasetError::Corrupt { .. })
        ));
    }
}
