//! The three RSNA tables, with their columns, spellings and line ends.

use super::StudyRecord;
use crate::error::PhantomError;
use lumbar_core::Target;
use std::path::Path;

/// Writes `train.csv`, `train_label_coordinates.csv` and `train_series_descriptions.csv`; studies in the order given.
pub(crate) fn write_tables(out_dir: &Path, studies: &[StudyRecord]) -> Result<(), PhantomError> {
    let mut labels = Table::new(out_dir, "train.csv");
    let mut header = vec!["study_id".to_owned()];
    header.extend(Target::all().map(Target::column_name));
    labels.row(header)?;
    for study in studies {
        let mut row = vec![study.truth.study_id.clone()];
        row.extend(study.truth.targets.iter().map(|target| {
            if target.labelled {
                target.reader_a.display_name().to_owned()
            } else {
                String::new()
            }
        }));
        labels.row(row)?;
    }
    labels.finish()?;

    let mut points = Table::new(out_dir, "train_label_coordinates.csv");
    points.row([
        "study_id",
        "series_id",
        "instance_number",
        "condition",
        "level",
        "x",
        "y",
    ])?;
    for study in studies {
        for mark in &study.marks {
            points.row([
                study.truth.study_id.as_str(),
                &mark.series_id,
                &mark.instance_number.to_string(),
                mark.target.condition.display_name(),
                mark.target.level.display_name(),
                &mark.pixel.column.to_string(),
                &mark.pixel.row.to_string(),
            ])?;
        }
    }
    points.finish()?;

    let mut series = Table::new(out_dir, "train_series_descriptions.csv");
    series.row(["study_id", "series_id", "series_description"])?;
    for study in studies {
        for one in &study.truth.series {
            series.row([
                study.truth.study_id.as_str(),
                &one.series_id,
                one.kind.description(),
            ])?;
        }
    }
    series.finish()
}

/// A table with CRLF line ends, as copies of the RSNA tables circulate.
struct Table {
    path: std::path::PathBuf,
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    fn new(out_dir: &Path, name: &str) -> Table {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        Table {
            path: out_dir.join(name),
            writer,
        }
    }

    fn row<T: AsRef<[u8]>>(&mut self, fields: impl IntoIterator<Item = T>) -> Result<(), PhantomError> {
        self.writer
            .write_record(fields)
            .map_err(|source| PhantomError::Table {
                path: self.path.clone(),
                source,
            })
    }

    fn finish(self) -> Result<(), PhantomError> {
        let Table { path, writer } = self;
        let bytes = writer.into_inner().map_err(|error| PhantomError::Io {
            path: path.clone(),
            source: error.into_error(),
        })?;
        super::files::replace(&path, &bytes)
    }
}
