//! A label table of one's own.

use super::csv_table::{CsvTable, Row, instance_number};
use super::{Finding, FindingCode, LabelPoint, Labels};
use crate::{DatasetError, output::sha256_hex};
use lumbar_core::{Condition, Level, PatientKey, PixelPoint, SeriesId, Severity, Side, StudyId, Target};
use std::path::Path;

const TABLE: &str = "labels.csv";

/// Positions of the columns.
struct Columns {
    study: usize,
    condition: usize,
    level: usize,
    side: Option<usize>,
    grade: usize,
    point: Option<[usize; 4]>,
    patient: Option<usize>,
    site: Option<usize>,
}

impl Labels {
    /// Reads a table with one row per target: `study`, `condition`, `level`, `grade` and, where wanted, `side`,
    /// `series`, `instance`, `x`, `y`, `patient`, `site`.
    ///
    /// A condition either names its side (`left_subarticular_stenosis`) or leaves it to the column `side`
    /// (`subarticular_stenosis`, `left`). Grades are those of either scheme; a blank grade is missing. A target may
    /// stand on several rows if they mark it on several series.
    ///
    /// # Errors
    /// [`DatasetError`] if the table is missing or lacks a column.
    pub fn read_own(path: &Path) -> Result<Labels, DatasetError> {
        let table = CsvTable::read(path, TABLE)?;
        let point = ["series", "instance", "x", "y"].map(|name| table.column_if_any(name));
        let columns = Columns {
            study: table.column("study")?,
            condition: table.column("condition")?,
            level: table.column("level")?,
            side: table.column_if_any("side"),
            grade: table.column("grade")?,
            point: match point {
                [Some(series), Some(instance), Some(x), Some(y)] => Some([series, instance, x, y]),
                [None, None, None, None] => None,
                _ => {
                    return Err(DatasetError::BadTable {
                        path: path.to_owned(),
                        detail: "points need all of the columns `series`, `instance`, `x`, `y`".to_owned(),
                    });
                }
            },
            patient: table.column_if_any("patient"),
            site: table.column_if_any("site"),
        };
        let mut labels = Labels {
            digest: sha256_hex(table.bytes()),
            ..Labels::default()
        };
        let mut findings = Vec::new();
        let mut contradicted = Vec::new();
        for row in table.rows(&mut findings) {
            match labels.take_row(&row, &columns, &mut contradicted) {
                Ok(()) => {}
                Err(finding) => findings.push(finding.at(TABLE, row.line)),
            }
        }
        for key in contradicted {
            labels.grades.remove(&key);
        }
        labels.findings.extend(findings);
        labels.settle_points(TABLE);
        Ok(labels)
    }

    fn take_row(
        &mut self,
        row: &Row,
        columns: &Columns,
        contradicted: &mut Vec<(StudyId, Target)>,
    ) -> Result<(), Finding> {
        let bad_id = |error| Finding::new(FindingCode::BadId).detail(error);
        let study = StudyId::new(row.cell(columns.study)).map_err(bad_id)?;
        let target = target(row, columns).map_err(|finding| finding.study(&study))?;
        self.studies.insert(study.clone());
        if let Some(patient) = row.cell_if_any(columns.patient) {
            let patient = PatientKey::new(patient).map_err(bad_id)?;
            let first = self
                .patients
                .entry(study.clone())
                .or_insert_with(|| patient.clone());
            if *first != patient {
                return Err(Finding::new(FindingCode::ConflictingRows)
                    .study(&study)
                    .detail("two patients for one study"));
            }
        }
        if let Some(site) = row.cell_if_any(columns.site) {
            self.sites.entry(study.clone()).or_insert_with(|| site.to_owned());
        }
        let cell = row.cell(columns.grade);
        if !cell.is_empty() {
            let grade: Severity = cell.parse().map_err(|error| {
                Finding::new(FindingCode::UnknownGrade)
                    .study(&study)
                    .target(target)
                    .detail(error)
            })?;
            let key = (study.clone(), target);
            match self.grades.get(&key) {
                None => {
                    self.grades.insert(key, grade);
                }
                Some(first) if *first == grade => {}
                Some(_) => {
                    contradicted.push(key);
                    return Err(Finding::new(FindingCode::ConflictingRows)
                        .study(&study)
                        .target(target)
                        .detail("two grades for one target"));
                }
            }
        }
        if let Some(point) = label_point(row, columns, (&study, target))? {
            self.points.push(point);
        }
        Ok(())
    }
}

fn target(row: &Row, columns: &Columns) -> Result<Target, Finding> {
    let unknown = |detail: String| Finding::new(FindingCode::UnknownTarget).detail(detail);
    let level: Level = row
        .cell(columns.level)
        .parse()
        .map_err(|error| unknown(format!("{error}")))?;
    let name = row.cell(columns.condition);
    let side = row
        .cell_if_any(columns.side)
        .map(str::parse::<Side>)
        .transpose()
        .map_err(|error| unknown(format!("{error}")))?;
    let condition: Condition = match (name.parse::<Condition>(), side) {
        (Ok(condition), None) => condition,
        (Ok(condition), Some(side)) if condition.side().is_none_or(|own| own == side) => {
            if condition.side().is_none() {
                return Err(unknown(format!("{condition} has no side")));
            }
            condition
        }
        (Ok(condition), Some(side)) => return Err(unknown(format!("{condition}, but side {side}"))),
        (Err(error), None) => return Err(unknown(format!("{error}"))),
        (Err(error), Some(side)) => format!("{side} {name}")
            .parse()
            .map_err(|_| unknown(format!("{error}")))?,
    };
    Ok(Target::new(condition, level))
}

fn label_point(
    row: &Row,
    columns: &Columns,
    (study, target): (&StudyId, Target),
) -> Result<Option<LabelPoint>, Finding> {
    let Some(point_columns) = columns.point else {
        return Ok(None);
    };
    let cells = point_columns.map(|column| row.cell(column));
    if cells.iter().all(|cell| cell.is_empty()) {
        return Ok(None);
    }
    let bad = |code| Finding::new(code).study(study).target(target);
    let series = SeriesId::new(cells[0]).map_err(|error| bad(FindingCode::BadId).detail(error))?;
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    match (instance_number(cells[1]), number(cells[2]), number(cells[3])) {
        (Some(instance_number), Some(x), Some(y)) => Ok(Some(LabelPoint {
            study: study.clone(),
            target,
            series,
            instance_number,
            pixel: PixelPoint::new(x, y),
            line: row.line,
        })),
        _ => Err(bad(FindingCode::BadCoordinate)
            .series(&series)
            .detail("expected a whole instance number and finite x and y")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Labels {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(TABLE);
        std::fs::write(&path, text).unwrap();
        Labels::read_own(&path).unwrap()
    }

    #[test]
    fn sides_in_the_condition_or_beside_it() {
        let labels = read(
            "study,condition,level,side,grade,series,instance,x,y,patient,site\n\
             a,Spinal Canal Stenosis,L1/L2,,Normal,s,3,10.5,20,p1,north\n\
             a,subarticular_stenosis,l2_l3,right,Mild,,,,,p1,north\n\
             a,Left Subarticular Stenosis,L2/L3,left,Severe,,,,,p1,north\n\
             b,left_neural_foraminal_narrowing,L5/S1,,,,,,,p1,south\n",
        );
        assert_eq!(labels.findings, []);
        let grades: Vec<String> = labels
            .grades
            .iter()
            .map(|((s, t), g)| format!("{s} {} {g}", t.column_name()))
            .collect();
        assert_eq!(
            grades,
            [
                "a spinal_canal_stenosis_l1_l2 Normal",
                "a left_subarticular_stenosis_l2_l3 Severe",
                "a right_subarticular_stenosis_l2_l3 Mild",
            ]
        );
        assert_eq!(labels.points.len(), 1);
        assert_eq!(
            (labels.studies.len(), labels.patients.len(), labels.sites.len()),
            (2, 2, 2)
        );
    }

    #[test]
    fn contradictions_and_nonsense_are_findings() {
        let labels = read(
            "study,condition,level,side,grade\n\
             a,spinal_canal_stenosis,L1/L2,left,Severe\n\
             a,left_subarticular_stenosis,L1/L2,right,Severe\n\
             a,subarticular_stenosis,L1/L2,,Severe\n\
             a,spinal_canal_stenosis,L1/L2,,awful\n\
             a,spinal_canal_stenosis,L2/L3,,Severe\n\
             a,spinal_canal_stenosis,L2/L3,,Mild\n",
        );
        use FindingCode::*;
        let codes: Vec<_> = labels.findings.iter().map(|f| (f.code, f.line)).collect();
        assert_eq!(
            codes,
            [
                (UnknownTarget, Some(2)),
                (UnknownTarget, Some(3)),
                (UnknownTarget, Some(4)),
                (UnknownGrade, Some(5)),
                (ConflictingRows, Some(7)),
            ]
        );
        assert!(labels.grades.is_empty());
    }
}
