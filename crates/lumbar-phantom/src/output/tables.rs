//! The three RSNA tables, with their columns, spellings and line ends.

use super::StudyRecord;
use crate::error::PhantomError;
use lumbar_core::Target;
use std::path::Path;

/// The three tables as rows of cells, header first.
pub(crate) struct Tables {
    pub labels: Vec<Vec<String>>,
    pub points: Vec<Vec<String>>,
    pub series: Vec<Vec<String>>,
}

impl Tables {
    /// The tables of some studies, in the order given.
    pub(crate) fn of(studies: &[StudyRecord]) -> Tables {
        let header = |names: &[&str]| vec![names.iter().map(|name| (*name).to_owned()).collect()];
        let mut tables = Tables {
            labels: header(&["study_id"]),
            points: header(&[
                "study_id",
                "series_id",
                "instance_number",
                "condition",
                "level",
                "x",
                "y",
            ]),
            series: header(&["study_id", "series_id", "series_description"]),
        };
        tables.labels[0].extend(Target::all().map(Target::column_name));
        for study in studies {
            let id = &study.truth.study_id;
            let mut row = vec![id.clone()];
            row.extend(study.truth.targets.iter().map(|target| {
                if target.labelled {
                    target.reader_a.display_name().to_owned()
                } else {
                    String::new()
                }
            }));
            tables.labels.push(row);
            tables.points.extend(study.marks.iter().map(|mark| {
                vec![
                    id.clone(),
                    mark.series_id.clone(),
                    mark.instance_number.to_string(),
                    mark.target.condition.display_name().to_owned(),
                    mark.target.level.display_name().to_owned(),
                    mark.pixel.column.to_string(),
                    mark.pixel.row.to_string(),
                ]
            }));
            tables.series.extend(study.truth.series.iter().map(|one| {
                vec![
                    id.clone(),
                    one.series_id.clone(),
                    one.kind.description().to_owned(),
                ]
            }));
        }
        tables
    }

    /// Writes `train.csv`, `train_label_coordinates.csv` and `train_series_descriptions.csv`.
    pub(crate) fn write(&self, out_dir: &Path) -> Result<(), PhantomError> {
        write_table(&out_dir.join("train.csv"), &self.labels)?;
        write_table(&out_dir.join("train_label_coordinates.csv"), &self.points)?;
        write_table(&out_dir.join("train_series_descriptions.csv"), &self.series)
    }
}

/// A table with CRLF line ends, as copies of the RSNA tables circulate.
fn write_table(path: &Path, rows: &[Vec<String>]) -> Result<(), PhantomError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        // A planted defect may be a row of another length.
        .flexible(true)
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|source| PhantomError::Table {
            path: path.to_owned(),
            source,
        })?;
    }
    let bytes = writer.into_inner().map_err(|error| PhantomError::Io {
        path: path.to_owned(),
        source: error.into_error(),
    })?;
    super::files::replace(path, &bytes)
}
