//! `labels.parquet` and `findings.parquet`.

use super::{Finding, Labels};
use crate::table::{RowWriter, TableReader, TableWriter};
use crate::{DatasetError, PatientLabels};
use lumbar_core::{GradingScheme, PatientKey, Severity, StudyId, Target};
use std::collections::BTreeMap;
use std::path::Path;

/// A cell of the label table: a target of a study.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelRow {
    pub study: StudyId,
    pub patient: PatientKey,
    pub site: Option<String>,
    pub target: Target,
    pub grade: Option<Severity>,
    pub n_points: u32,
}

/// All cells: 25 of each study with labels, in order.
pub(crate) fn label_rows(
    labels: &Labels,
    patients: &BTreeMap<StudyId, PatientKey>,
) -> impl Iterator<Item = LabelRow> {
    let cells = patients
        .iter()
        .flat_map(|(study, patient)| Target::all().map(move |target| (study, patient, target)));
    cells.map(|(study, patient, target)| LabelRow {
        study: study.clone(),
        patient: patient.clone(),
        site: labels.sites.get(study).cloned(),
        target,
        grade: labels.grades.get(&(study.clone(), target)).copied(),
        n_points: labels.points_of(study, target).len() as u32,
    })
}

/// What the split knows of each patient: grades by condition group.
pub(crate) fn patient_labels(
    rows: &[LabelRow],
    scheme: GradingScheme,
) -> BTreeMap<PatientKey, PatientLabels> {
    let n_grades = scheme.n_grades();
    let mut patients: BTreeMap<PatientKey, PatientLabels> = BTreeMap::new();
    for row in rows {
        let labels = patients
            .entry(row.patient.clone())
            .or_insert_with(|| PatientLabels {
                counts: vec![0; 3 * n_grades],
                ..PatientLabels::default()
            });
        labels.sites.extend(row.site.clone());
        if let Some(grade) = row.grade.and_then(|grade| scheme.index_of(grade)) {
            labels.counts[row.target.condition.group().index() * n_grades + grade] += 1;
        }
    }
    patients
}

pub(crate) fn write_labels(
    path: &Path,
    rows: impl IntoIterator<Item = LabelRow>,
    metadata: &[(&str, String)],
) -> Result<(), DatasetError> {
    let mut writer = RowWriter::new(path, (metadata, 1), label_columns);
    writer.extend(rows)?;
    writer.finish()
}

fn label_columns(rows: &[LabelRow]) -> TableWriter {
    let rows = || rows.iter();
    let mut table = TableWriter::default();
    table
        .text("study_id", rows().map(|r| r.study.as_str()))
        .text("patient", rows().map(|r| r.patient.as_str()))
        .text_or_null("site", rows().map(|r| r.site.as_ref()))
        .text("target", rows().map(|r| r.target.column_name()))
        .text("condition", rows().map(|r| r.target.condition.column_name()))
        .text("level", rows().map(|r| r.target.level.display_name()))
        .text_or_null(
            "side",
            rows().map(|r| r.target.condition.side().map(|side| side.to_string())),
        )
        .text(
            "condition_group",
            rows().map(|r| r.target.condition.group().short_name()),
        )
        .text_or_null("grade", rows().map(|r| r.grade.map(Severity::display_name)))
        .u32("n_points", rows().map(|r| r.n_points));
    table
}

pub(crate) fn read_labels(path: &Path) -> Result<Vec<LabelRow>, DatasetError> {
    let table = TableReader::open(path)?;
    let (study, patient, site) = (
        table.text("study_id")?,
        table.text("patient")?,
        table.text("site")?,
    );
    let (target, grade, n_points) = (
        table.text("target")?,
        table.text("grade")?,
        table.u32("n_points")?,
    );
    (0..table.n_rows())
        .map(|i| {
            Ok(LabelRow {
                study: table.parse(study[i], "study_id", i)?,
                patient: table.parse(patient[i], "patient", i)?,
                site: site[i].map(str::to_owned),
                target: table.parse(target[i], "target", i)?,
                grade: table.parse_or_null(grade[i], "grade", i)?,
                n_points: table.must(n_points[i], "n_points", i)?,
            })
        })
        .collect()
}

/// The tables a finding may name.
const TABLES: [&str; 4] = [
    "train.csv",
    "train_label_coordinates.csv",
    "train_series_descriptions.csv",
    "labels.csv",
];

pub(crate) fn read_findings(path: &Path) -> Result<Vec<Finding>, DatasetError> {
    let table = TableReader::open(path)?;
    let (code, study, series) = (
        table.text("code")?,
        table.text("study_id")?,
        table.text("series_id")?,
    );
    let (target, name, line) = (table.text("target")?, table.text("table")?, table.u32("line")?);
    let detail = table.text("detail")?;
    (0..table.n_rows())
        .map(|i| {
            let known = |name: &str| TABLES.into_iter().find(|table| *table == name);
            let named = name[i].map(|name| {
                known(name).ok_or_else(|| table.corrupt(format_args!("row {i}: no such `table`")))
            });
            Ok(Finding {
                code: table.parse(code[i], "code", i)?,
                study: table.parse_or_null(study[i], "study_id", i)?,
                series: table.parse_or_null(series[i], "series_id", i)?,
                target: table.parse_or_null(target[i], "target", i)?,
                table: named.transpose()?,
                line: line[i].map(u64::from),
                detail: table.must(detail[i], "detail", i)?.to_owned(),
            })
        })
        .collect()
}

pub(crate) fn write_findings(
    path: &Path,
    findings: &[Finding],
    metadata: &[(&str, String)],
) -> Result<(), DatasetError> {
    let rows = || findings.iter();
    TableWriter::default()
        .text("code", rows().map(|f| f.code.code()))
        .text_or_null("study_id", rows().map(|f| f.study.as_ref().map(|id| id.as_str())))
        .text_or_null(
            "series_id",
            rows().map(|f| f.series.as_ref().map(|id| id.as_str())),
        )
        .text_or_null("target", rows().map(|f| f.target.map(Target::column_name)))
        .text_or_null("table", rows().map(|f| f.table))
        .u32_or_null(
            "line",
            rows().map(|f| f.line.map(|line| line.min(u64::from(u32::MAX)) as u32)),
        )
        .text("detail", rows().map(|f| &f.detail))
        .write(path, metadata, 1)
}
