//! `predictions.parquet`: one row a sample, scalar columns only.

use crate::{Domain, EvaluateError, Localisation, Part, Prediction, PredictionTable, beside, score_mapped};
use arrow::{
    array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array},
    datatypes::{DataType, Field, Schema},
};
use lumbar_core::{GradingScheme, Severity};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::Compression,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use std::{collections::BTreeMap, fs::File, io, path::Path, str::FromStr, sync::Arc};

/// Version of the columns and metadata of `predictions.parquet`.
pub const PREDICTIONS_SCHEMA_VERSION: u32 = 1;

const KEY_VERSION: &str = "lumbar.predictions.version";
const KEY_SCHEME: &str = "lumbar.scheme";
const KEY_DOMAIN: &str = "lumbar.domain";
const KEY_LOCALISATION: &str = "lumbar.localisation";
/// Followed by a part; a table of an earlier version has none.
const KEY_GRADED: &str = "lumbar.graded.";

impl PredictionTable {
    /// Writes `predictions.parquet`, beside its place first, so that no half-written file ever stands there.
    ///
    /// The same table gives the same bytes.
    ///
    /// # Errors
    /// If a row does not [`check`](PredictionTable::check), or on disk errors.
    pub fn write(&self, path: &Path) -> Result<(), EvaluateError> {
        self.check()?;
        let batch = to_batch(self).map_err(|source| EvaluateError::Arrow {
            path: path.to_owned(),
            source,
        })?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("lumbar".to_owned())
            .set_key_value_metadata(Some(metadata(self)))
            .build();
        beside::write(path, |file| {
            let mut writer =
                ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(io::Error::other)?;
            writer.write(&batch).map_err(io::Error::other)?;
            writer.close().map(|_| ()).map_err(io::Error::other)
        })
    }

    /// Reads what [`write`](PredictionTable::write) wrote, and checks it again.
    ///
    /// # Errors
    /// If the file is not such a table, or a cell does not say what it should; the error names row and column.
    pub fn read(path: &Path) -> Result<PredictionTable, EvaluateError> {
        let parquet_error = |source| EvaluateError::Parquet {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(|source| EvaluateError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet_error)?;
        let metadata: BTreeMap<String, String> = builder
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((entry.key.clone(), entry.value.clone()?)))
            .collect();
        let mut table = empty_table(path, &metadata)?;
        for batch in builder.build().map_err(parquet_error)? {
            let batch = batch.map_err(|source| EvaluateError::Arrow {
                path: path.to_owned(),
                source,
            })?;
            push_rows(&mut table, &batch, path)?;
        }
        table.check()?;
        Ok(table)
    }
}

fn metadata(table: &PredictionTable) -> Vec<KeyValue> {
    let graded = table.n_graded.iter();
    let graded = graded.map(|(part, n)| KeyValue::new(format!("{KEY_GRADED}{part}"), n.to_string()));
    [
        (KEY_VERSION, PREDICTIONS_SCHEMA_VERSION.to_string()),
        (KEY_SCHEME, scheme_name(table.scheme).to_owned()),
        (KEY_DOMAIN, table.domain.to_string()),
        (KEY_LOCALISATION, table.localisation.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| KeyValue::new(key.to_owned(), value))
    .chain(graded)
    .collect()
}

fn scheme_name(scheme: GradingScheme) -> &'static str {
    match scheme {
        GradingScheme::ThreeGrades => "three_grades",
        GradingScheme::FourGrades => "four_grades",
    }
}

fn empty_table(path: &Path, metadata: &BTreeMap<String, String>) -> Result<PredictionTable, EvaluateError> {
    let value = |key: &'static str, expected: &'static str| -> Result<&str, EvaluateError> {
        metadata
            .get(key)
            .map(String::as_str)
            .ok_or_else(|| wrong_metadata(path, key, None, expected))
    };
    let version = value(KEY_VERSION, "a version number")?;
    if version != PREDICTIONS_SCHEMA_VERSION.to_string() {
        return Err(wrong_metadata(path, KEY_VERSION, Some(version), "`1`"));
    }
    let scheme = match value(KEY_SCHEME, SCHEMES)? {
        "three_grades" => GradingScheme::ThreeGrades,
        "four_grades" => GradingScheme::FourGrades,
        other => return Err(wrong_metadata(path, KEY_SCHEME, Some(other), SCHEMES)),
    };
    let domain = value(KEY_DOMAIN, DOMAINS)?;
    let localisation = value(KEY_LOCALISATION, LOCALISATIONS)?;
    Ok(PredictionTable {
        scheme,
        domain: domain
            .parse::<Domain>()
            .map_err(|_| wrong_metadata(path, KEY_DOMAIN, Some(domain), DOMAINS))?,
        localisation: localisation
            .parse::<Localisation>()
            .map_err(|_| wrong_metadata(path, KEY_LOCALISATION, Some(localisation), LOCALISATIONS))?,
        n_graded: n_graded(path, metadata)?,
        rows: Vec::new(),
    })
}

fn n_graded(
    path: &Path,
    metadata: &BTreeMap<String, String>,
) -> Result<BTreeMap<Part, usize>, EvaluateError> {
    let parts = [Part::Valid, Part::Test, Part::OutOfFold];
    let numbers = parts.into_iter().filter_map(|part| {
        let found = metadata.get(&format!("{KEY_GRADED}{part}"))?;
        let number = found.parse().map(|number| (part, number));
        Some(number.map_err(|_| wrong_metadata(path, KEY_GRADED, Some(found), "a number of targets")))
    });
    numbers.collect()
}

const SCHEMES: &str = "`three_grades` or `four_grades`";
const DOMAINS: &str = "`synthetic` or `clinical`";
const LOCALISATIONS: &str = "`given` or `predicted`";

fn wrong_metadata(path: &Path, key: &'static str, found: Option<&str>, expected: &str) -> EvaluateError {
    EvaluateError::Metadata {
        path: path.to_owned(),
        key,
        found: found.map_or("missing".to_owned(), |text| format!("`{text}`")),
        expected: expected.to_owned(),
    }
}

fn to_batch(table: &PredictionTable) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut fields: Vec<Field> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut text = |name: &str, nullable: bool, of: &dyn Fn(&Prediction) -> Option<String>| {
        fields.push(Field::new(name, DataType::Utf8, nullable));
        columns.push(Arc::new(table.rows.iter().map(of).collect::<StringArray>()));
    };
    text("sample_id", false, &|row| Some(row.sample_id.clone()));
    text("study_id", false, &|row| Some(row.study.to_string()));
    text("patient", false, &|row| Some(row.patient.clone()));
    text("target", false, &|row| Some(row.target.column_name()));
    text("condition", false, &|row| {
        Some(row.target.condition.column_name().to_owned())
    });
    text("level", false, &|row| {
        Some(row.target.level.column_name().to_owned())
    });
    text("view", false, &|row| Some(row.view.name().to_owned()));
    text("severity", true, &|row| {
        row.severity.map(|severity| severity.display_name().to_owned())
    });
    text("part", false, &|row| Some(row.part.name().to_owned()));
    fields.push(Field::new("fold", DataType::UInt32, true));
    columns.push(Arc::new(
        table.rows.iter().map(|row| row.fold).collect::<UInt32Array>(),
    ));

    let weights = table.scheme.rsna_weights();
    let mapped: Vec<Vec<f64>> = table
        .rows
        .iter()
        .map(|row| score_mapped(&row.probabilities, weights))
        .collect();
    for (prefix, of_row) in [("p", 0), ("q", 1), ("prior", 2)] {
        for (grade_idx, grade) in table.scheme.grades().iter().enumerate() {
            fields.push(Field::new(column(prefix, *grade), DataType::Float64, false));
            let values = table.rows.iter().zip(&mapped).map(|(row, q)| match of_row {
                0 => row.probabilities[grade_idx],
                1 => q[grade_idx],
                _ => row.prior[grade_idx],
            });
            columns.push(Arc::new(Float64Array::from_iter_values(values)));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn column(prefix: &str, grade: Severity) -> String {
    format!("{prefix}_{}", grade.column_name())
}

fn push_rows(table: &mut PredictionTable, batch: &RecordBatch, path: &Path) -> Result<(), EvaluateError> {
    let first_row = table.rows.len();
    let text = |name: &str| typed::<StringArray>(batch, name, "text", path);
    let numbers = |prefix: &str| -> Result<Vec<&Float64Array>, EvaluateError> {
        let of_grade = |grade: &Severity| typed(batch, &column(prefix, *grade), "64-bit numbers", path);
        table.scheme.grades().iter().map(of_grade).collect()
    };
    let (sample_id, study, patient) = (text("sample_id")?, text("study_id")?, text("patient")?);
    let (target, view, severity, part) = (text("target")?, text("view")?, text("severity")?, text("part")?);
    let fold: &UInt32Array = typed(batch, "fold", "unsigned 32-bit numbers", path)?;
    let (p, prior) = (numbers("p")?, numbers("prior")?);
    let mut rows = Vec::with_capacity(batch.num_rows());
    for i in 0..batch.num_rows() {
        let row = first_row + i;
        rows.push(Prediction {
            sample_id: required(sample_id, i, row, "sample_id")?.to_owned(),
            study: parsed(study, i, row, "study_id")?,
            patient: required(patient, i, row, "patient")?.to_owned(),
            target: parsed(target, i, row, "target")?,
            view: parsed(view, i, row, "view")?,
            severity: match severity.is_null(i) {
                true => None,
                false => Some(parsed(severity, i, row, "severity")?),
            },
            part: parsed::<Part>(part, i, row, "part")?,
            fold: fold.is_valid(i).then(|| fold.value(i)),
            probabilities: p.iter().map(|column| column.value(i)).collect(),
            prior: prior.iter().map(|column| column.value(i)).collect(),
        });
    }
    table.rows.extend(rows);
    Ok(())
}

fn typed<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
    expected: &'static str,
    path: &Path,
) -> Result<&'a A, EvaluateError> {
    let refuse = |problem| EvaluateError::Column {
        path: path.to_owned(),
        column: name.to_owned(),
        problem,
        expected,
    };
    let column = batch.column_by_name(name).ok_or_else(|| refuse("is missing"))?;
    column
        .as_any()
        .downcast_ref()
        .ok_or_else(|| refuse("is of another type"))
}

fn required<'a>(column: &'a StringArray, i: usize, row: usize, name: &str) -> Result<&'a str, EvaluateError> {
    if column.is_null(i) {
        return Err(EvaluateError::Cell {
            row,
            column: name.to_owned(),
            problem: "is empty".to_owned(),
        });
    }
    Ok(column.value(i))
}

fn parsed<T: FromStr<Err = lumbar_core::ParseError>>(
    column: &StringArray,
    i: usize,
    row: usize,
    name: &str,
) -> Result<T, EvaluateError> {
    required(column, i, row, name)?
        .parse()
        .map_err(|error: lumbar_core::ParseError| EvaluateError::Cell {
            row,
            column: name.to_owned(),
            problem: error.to_string(),
        })
}
