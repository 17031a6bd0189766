//! The three tables of the RSNA 2024 challenge.

use super::csv_table::{CsvTable, Row, id_text, instance_number};
use super::{Finding, FindingCode, LabelPoint, Labels};
use crate::{DatasetError, output::sha256_hex};
use lumbar_core::{Condition, Level, PixelPoint, SeriesId, Severity, StudyId, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const GRADES: &str = "train.csv";
const POINTS: &str = "train_label_coordinates.csv";
const SERIES: &str = "train_series_descriptions.csv";

impl Labels {
    /// Reads `train.csv`, `train_label_coordinates.csv` and `train_series_descriptions.csv` of a folder.
    ///
    /// Takes LF and CRLF, ids beyond 32 bits, blank cells, columns in any order and any subset of the 25 targets.
    /// Rows that cannot be used become findings.
    ///
    /// # Errors
    /// [`DatasetError`] if a table is missing or lacks a column.
    pub fn read_rsna(root: &Path) -> Result<Labels, DatasetError> {
        let mut labels = Labels {
            has_series_table: true,
            ..Labels::default()
        };
        let give = format!("the folder that holds `{GRADES}`, `{POINTS}`, `{SERIES}` and `train_images`");
        let table = |name| CsvTable::read_in(root, name, &give);
        let (grades, points, series) = (table(GRADES)?, table(POINTS)?, table(SERIES)?);
        labels.take_grades(&grades)?;
        labels.take_points(&points)?;
        labels.take_series(&series)?;
        let digests: Vec<String> = [grades, points, series]
            .iter()
            .map(|table| sha256_hex(table.bytes()))
            .collect();
        labels.digest = sha256_hex(digests.join("\n").as_bytes());
        Ok(labels)
    }

    fn take_grades(&mut self, table: &CsvTable) -> Result<(), DatasetError> {
        let id_column = table.column("study_id")?;
        let mut targets: Vec<(usize, Target)> = Vec::new();
        for (column, name) in table.header.iter().enumerate().filter(|(i, _)| *i != id_column) {
            match name.parse() {
                Ok(target) => targets.push((column, target)),
                Err(error) => self.findings.push(
                    Finding::new(FindingCode::UnknownColumn)
                        .at(table.name, 1)
                        .detail(error),
                ),
            }
        }
        if targets.is_empty() {
            return Err(DatasetError::BadTable {
                path: table.path.clone(),
                detail: "no column names a target, such as `spinal_canal_stenosis_l1_l2`".to_owned(),
            });
        }
        let mut seen: BTreeMap<StudyId, Vec<Option<Severity>>> = BTreeMap::new();
        for row in table.rows(&mut self.findings) {
            let Some(study) = self.study(table, &row, id_column) else {
                continue;
            };
            let cells: Vec<Option<Severity>> = targets
                .iter()
                .map(|(column, target)| self.grade(table, &row, *column, (&study, *target)))
                .collect();
            match seen.get(&study) {
                None => {
                    self.studies.insert(study.clone());
                    for ((_, target), grade) in targets.iter().zip(&cells) {
                        if let Some(grade) = grade {
                            self.grades.insert((study.clone(), *target), *grade);
                        }
                    }
                    seen.insert(study, cells);
                }
                Some(first) if *first == cells => self.findings.push(
                    Finding::new(FindingCode::DuplicateRow)
                        .study(&study)
                        .at(table.name, row.line),
                ),
                Some(first) => {
                    let differing = targets
                        .iter()
                        .zip(first.iter().zip(&cells))
                        .filter(|(_, (a, b))| a != b);
                    for ((_, target), _) in differing {
                        self.grades.remove(&(study.clone(), *target));
                        self.findings.push(
                            Finding::new(FindingCode::ConflictingRows)
                                .study(&study)
                                .target(*target)
                                .at(table.name, row.line)
                                .detail("two rows of this study give different grades"),
                        );
                    }
                }
            }
        }
        Ok(())
    }

    fn take_points(&mut self, table: &CsvTable) -> Result<(), DatasetError> {
        let study_column = table.column("study_id")?;
        let series_column = table.column("series_id")?;
        let instance_column = table.column("instance_number")?;
        let (condition_column, level_column) = (table.column("condition")?, table.column("level")?);
        let (x_column, y_column) = (table.column("x")?, table.column("y")?);
        // A series is named by dozens of points, which share its text.
        let mut named: BTreeSet<SeriesId> = BTreeSet::new();
        for row in table.rows(&mut self.findings) {
            let Some(study) = self.study(table, &row, study_column) else {
                continue;
            };
            let Some(series) = self.series_id(table, &row, series_column, &study) else {
                continue;
            };
            let series = named.get(&series).cloned().unwrap_or(series);
            named.insert(series.clone());
            let condition = row.cell(condition_column).parse::<Condition>();
            let level = row.cell(level_column).parse::<Level>();
            let target = match (condition, level) {
                (Ok(condition), Ok(level)) => Target::new(condition, level),
                (Err(error), _) | (_, Err(error)) => {
                    self.findings.push(
                        Finding::new(FindingCode::UnknownTarget)
                            .study(&study)
                            .series(&series)
                            .at(table.name, row.line)
                            .detail(error),
                    );
                    continue;
                }
            };
            let instance = instance_number(row.cell(instance_column));
            let pixel = point(row.cell(x_column), row.cell(y_column));
            let (Some(instance_number), Some(pixel)) = (instance, pixel) else {
                self.findings.push(
                    Finding::new(FindingCode::BadCoordinate)
                        .study(&study)
                        .series(&series)
                        .target(target)
                        .at(table.name, row.line)
                        .detail("expected a whole instance number and finite x and y"),
                );
                continue;
            };
            self.points.push(LabelPoint {
                study,
                target,
                series,
                instance_number,
                pixel,
                line: row.line,
            });
        }
        self.settle_points(table.name);
        Ok(())
    }

    fn take_series(&mut self, table: &CsvTable) -> Result<(), DatasetError> {
        let study_column = table.column("study_id")?;
        let series_column = table.column("series_id")?;
        let description_column = table.column("series_description")?;
        for row in table.rows(&mut self.findings) {
            let Some(study) = self.study(table, &row, study_column) else {
                continue;
            };
            let Some(series) = self.series_id(table, &row, series_column, &study) else {
                continue;
            };
            let kind = match row.cell(description_column).parse() {
                Ok(kind) => Some(kind),
                Err(error) => {
                    self.findings.push(
                        Finding::new(FindingCode::UnknownDescription)
                            .study(&study)
                            .series(&series)
                            .at(table.name, row.line)
                            .detail(error),
                    );
                    None
                }
            };
            let key = (study, series);
            match self.series.get(&key) {
                None => {
                    self.series.insert(key, kind);
                }
                Some(first) => {
                    let code = if *first == kind {
                        FindingCode::DuplicateRow
                    } else {
                        FindingCode::ConflictingRows
                    };
                    self.findings.push(
                        Finding::new(code)
                            .study(&key.0)
                            .series(&key.1)
                            .at(table.name, row.line),
                    );
                }
            }
        }
        Ok(())
    }

    fn study(&mut self, table: &CsvTable, row: &Row, column: usize) -> Option<StudyId> {
        match StudyId::new(id_text(row.cell(column))) {
            // The copy that shares its text, where the study was named before.
            Ok(study) => Some(self.studies.get(&study).cloned().unwrap_or(study)),
            Err(error) => {
                self.findings.push(
                    Finding::new(FindingCode::BadId)
                        .at(table.name, row.line)
                        .detail(error),
                );
                None
            }
        }
    }

    fn series_id(&mut self, table: &CsvTable, row: &Row, column: usize, study: &StudyId) -> Option<SeriesId> {
        match SeriesId::new(id_text(row.cell(column))) {
            Ok(series) => Some(series),
            Err(error) => {
                self.findings.push(
                    Finding::new(FindingCode::BadId)
                        .study(study)
                        .at(table.name, row.line)
                        .detail(error),
                );
                None
            }
        }
    }

    fn grade(
        &mut self,
        table: &CsvTable,
        row: &Row,
        column: usize,
        (study, target): (&StudyId, Target),
    ) -> Option<Severity> {
        let cell = row.cell(column);
        // How pandas and R write a missing value.
        if cell.is_empty() || cell.eq_ignore_ascii_case("nan") || cell.eq_ignore_ascii_case("na") {
            return None;
        }
        match cell.parse() {
            Ok(grade) => Some(grade),
            Err(error) => {
                self.findings.push(
                    Finding::new(FindingCode::UnknownGrade)
                        .study(study)
                        .target(target)
                        .at(table.name, row.line)
                        .detail(error),
                );
                None
            }
        }
    }
}

fn point(x: &str, y: &str) -> Option<PixelPoint> {
    let (column, row): (f64, f64) = (x.parse().ok()?, y.parse().ok()?);
    (column.is_finite() && row.is_finite()).then_some(PixelPoint { column, row })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_core::SeriesKind;

    fn write(dir: &Path, grades: &str, points: &str, series: &str) {
        std::fs::write(dir.join(GRADES), grades).unwrap();
        std::fs::write(dir.join(POINTS), points).unwrap();
        std::fs::write(dir.join(SERIES), series).unwrap();
    }

    fn codes(labels: &Labels) -> Vec<(FindingCode, Option<u64>)> {
        let mut codes: Vec<_> = labels.findings.iter().map(|f| (f.code, f.line)).collect();
        codes.sort();
        codes
    }

    const POINT_HEADER: &str = "study_id,series_id,instance_number,condition,level,x,y";

    #[test]
    fn crlf_large_ids_and_blanks() {
        let dir = tempfile::tempdir().unwrap();
        let grades = "\u{feff}study_id,spinal_canal_stenosis_l1_l2,left_neural_foraminal_narrowing_l4_l5\r\n4290000001,Normal/Mild,\r\n4003253,Severe,Moderate\r\n";
        let points = format!(
            "{POINT_HEADER}\r\n4290000001,4290000002,12,Spinal Canal Stenosis,L1/L2,322.831858,227.964602\r\n"
        );
        let series = "study_id,series_id,series_description\r\n4290000001,4290000002,Sagittal T2/STIR\r\n";
        write(dir.path(), grades, &points, series);
        let labels = Labels::read_rsna(dir.path()).unwrap();
        assert_eq!(labels.findings, []);
        assert_eq!(labels.studies.len(), 2);
        assert_eq!(labels.grades.len(), 3);
        let study = StudyId::new("4290000001").unwrap();
        let target: Target = "spinal_canal_stenosis_l1_l2".parse().unwrap();
        let [point] = labels.points_of(&study, target) else {
            panic!("one point")
        };
        assert_eq!(
            (point.instance_number, point.pixel.column, point.line),
            (12, 322.831858, 2)
        );
        assert_eq!(
            labels.series.values().collect::<Vec<_>>(),
            [&Some(SeriesKind::SagittalT2)]
        );

        // The same tables with LF mean the same.
        let unix = tempfile::tempdir().unwrap();
        write(
            unix.path(),
            &grades.replace('\r', ""),
            &points.replace('\r', ""),
            &series.replace('\r', ""),
        );
        let other = Labels::read_rsna(unix.path()).unwrap();
        assert_eq!(
            (other.grades, other.points, other.series),
            (labels.grades, labels.points, labels.series)
        );
    }

    #[test]
    fn bad_rows_are_findings_with_their_lines() {
        let dir = tempfile::tempdir().unwrap();
        let grades = "study_id,spinal_canal_stenosis_l1_l2,age\n1,Sever,40\n../2,Severe,1\n3,Severe\n4,Severe,1\n4,Severe,1\n5,Severe,1\n5,Moderate,1\n";
        let points = format!(
            "{POINT_HEADER}\n1,9,1,Spinal Canal Stenosis,L1/L2,1,nan\n1,9,1,Spinal Stenosis,L1/L2,1,2\n1,9,1,Spinal Canal Stenosis,T12/L1,1,2\n1,9,2,Spinal Canal Stenosis,L1/L2,3,4\n1,9,2,Spinal Canal Stenosis,L1/L2,3,4\n1,9,3,Spinal Canal Stenosis,L1/L2,3,4\n"
        );
        let series =
            "study_id,series_id,series_description\n1,9,Sagittal T2/STIR\n1,9,Axial T2\n1,8,Coronal T1\n";
        write(dir.path(), grades, &points, series);
        let labels = Labels::read_rsna(dir.path()).unwrap();
        use FindingCode::*;
        let mut expected = vec![
            (UnknownColumn, Some(1)),
            (UnknownGrade, Some(2)),
            (BadId, Some(3)),
            (BadRow, Some(4)),
            (DuplicateRow, Some(6)),
            (ConflictingRows, Some(8)),
            (BadCoordinate, Some(2)),
            (UnknownTarget, Some(3)),
            (UnknownTarget, Some(4)),
            (DuplicateRow, Some(6)),
            (ConflictingRows, Some(7)),
            (ConflictingRows, Some(3)),
            (UnknownDescription, Some(4)),
        ];
        expected.sort();
        assert_eq!(codes(&labels), expected);
        // A contradiction leaves no grade; the first point counts.
        assert_eq!(labels.grades.len(), 1);
        assert_eq!(labels.points.len(), 1);
        assert_eq!(labels.points[0].line, 5);
    }

    #[test]
    fn a_missing_table_or_column_stops() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Labels::read_rsna(dir.path()),
            Err(DatasetError::Missing { file: GRADES, .. })
        ));
        write(
            dir.path(),
            "study_id,spinal_canal_stenosis_l1_l2\n",
            "study_id,x\n",
            "study_id\n",
        );
        let error = Labels::read_rsna(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("no column `series_id`; found study_id, x"),
            "{error}"
        );
    }
}
