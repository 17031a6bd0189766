//! One Parquet file of an export.

use super::features::{Feature, Kind, features, hub_metadata, integer, number, text};
use crate::output::HashingFile;
use crate::{Dataset, DatasetError, Sample};
use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Rows of a row group: hubs show a page of pictures without reading more.
const ROWS_PER_GROUP: usize = 100;

/// Writes samples; returns the SHA-256 in hexadecimal and the length of the file.
pub(super) fn write_rows(
    dataset: &Dataset,
    indices: &[usize],
    path: &Path,
) -> Result<(String, u64), DatasetError> {
    let bad = |error: &dyn std::fmt::Display| DatasetError::corrupt("export", path, error);
    let columns: Vec<&Feature> = features(dataset).collect();
    let hub = hub_metadata(dataset).to_string();
    // pyarrow takes the metadata of the Arrow schema inside the file, others those of the file.
    let schema = Arc::new(Schema::new_with_metadata(
        columns.iter().map(|f| field(f)).collect::<Vec<_>>(),
        HashMap::from([("huggingface".to_owned(), hub.clone())]),
    ));
    let hub = KeyValue::new("huggingface".to_owned(), hub);
    let mut properties = WriterProperties::builder()
        .set_created_by("lumbar-dataset".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_key_value_metadata(Some(vec![hub]));
    // PNG is compressed already.
    for picture in ["image.bytes", "slices.list.element.bytes"] {
        let column = ColumnPath::from(picture.split('.').map(str::to_owned).collect::<Vec<_>>());
        properties = properties
            .set_column_compression(column.clone(), Compression::UNCOMPRESSED)
            .set_column_dictionary_enabled(column, false);
    }
    let mut file = HashingFile::create(path)?;
    let mut writer = ArrowWriter::try_new(&mut file, schema.clone(), Some(properties.build()))
        .map_err(|error| bad(&error))?;
    for rows in indices.chunks(ROWS_PER_GROUP) {
        let pictures: Vec<Vec<Vec<u8>>> = rows
            .par_iter()
            .map(|index| slices_as_png(dataset, *index))
            .collect::<Result<_, _>>()?;
        let samples: Vec<&Sample> = rows
            .iter()
            .map(|index| dataset.sample(*index))
            .collect::<Result<_, _>>()?;
        let arrays = columns
            .iter()
            .map(|feature| column(feature, (dataset, &samples), &pictures).map_err(|error| bad(&error)))
            .collect::<Result<_, _>>()?;
        let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(|error| bad(&error))?;
        writer.write(&batch).map_err(|error| bad(&error))?;
    }
    writer.close().map_err(|error| bad(&error))?;
    file.finish().map_err(DatasetError::io("writing", path))
}

/// Each slice of a sample as a grey PNG of the dataset's bits.
fn slices_as_png(dataset: &Dataset, index: usize) -> Result<Vec<Vec<u8>>, DatasetError> {
    let [depth, rows, columns] = dataset.shape();
    let pixels = dataset.pixels(index)?;
    let wide = dataset.config().bits == 16;
    let slices = pixels.chunks_exact((pixels.len() / depth.max(1)).max(1));
    slices
        .map(|slice| {
            let mut png = Vec::new();
            let encoder = PngEncoder::new(&mut png);
            let kind = if wide {
                ExtendedColorType::L16
            } else {
                ExtendedColorType::L8
            };
            encoder
                .write_image(slice, columns as u32, rows as u32, kind)
                .map_err(|error| DatasetError::corrupt("picture", dataset.path(), error))?;
            Ok(png)
        })
        .collect()
}

fn field(feature: &Feature) -> Field {
    let kind = match feature.kind {
        Kind::Image => DataType::Struct(picture_fields()),
        Kind::Images => DataType::List(picture_item()),
        Kind::Class(_) | Kind::Integer => DataType::Int64,
        Kind::Text => DataType::Utf8,
        Kind::Number => DataType::Float64,
    };
    Field::new(feature.name, kind, true)
}

fn picture_fields() -> Fields {
    Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ])
}

fn picture_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(picture_fields()), true))
}

fn column(
    feature: &Feature,
    (dataset, samples): (&Dataset, &[&Sample]),
    pictures: &[Vec<Vec<u8>>],
) -> Result<ArrayRef, arrow::error::ArrowError> {
    let middle = dataset.shape()[0] / 2;
    let rows = || samples.iter().copied();
    Ok(match feature.kind {
        Kind::Image => {
            let named = rows().zip(pictures).map(|(sample, slices)| {
                let name = format!("{}.png", sample.sample_id);
                (slices.get(middle).map_or(&[][..], Vec::as_slice), name)
            });
            Arc::new(picture_array(&named.collect::<Vec<_>>())?)
        }
        Kind::Images => {
            let named = rows().zip(pictures).flat_map(|(sample, slices)| {
                let name = move |k| format!("{}.{k}.png", sample.sample_id);
                slices
                    .iter()
                    .enumerate()
                    .map(move |(k, slice)| (slice.as_slice(), name(k)))
            });
            let offsets = OffsetBuffer::from_lengths(pictures.iter().map(Vec::len));
            let values = picture_array(&named.collect::<Vec<_>>())?;
            Arc::new(ListArray::try_new(
                picture_item(),
                offsets,
                Arc::new(values),
                None,
            )?)
        }
        Kind::Class(classes) => Arc::new(Int64Array::from_iter_values(
            rows().map(|sample| classes.of(sample, dataset)),
        )),
        Kind::Text => Arc::new(rows().map(|s| text(feature.name, s)).collect::<StringArray>()),
        Kind::Integer => Arc::new(rows().map(|s| integer(feature.name, s)).collect::<Int64Array>()),
        Kind::Number => Arc::new(rows().map(|s| number(feature.name, s)).collect::<Float64Array>()),
    })
}

fn picture_array(named: &[(&[u8], String)]) -> Result<StructArray, arrow::error::ArrowError> {
    let bytes = BinaryArray::from_iter_values(named.iter().map(|(bytes, _)| *bytes));
    let names = StringArray::from_iter_values(named.iter().map(|(_, name)| name));
    StructArray::try_new(picture_fields(), vec![Arc::new(bytes), Arc::new(names)], None)
}
