//! How many of what: plain numbers, for terminals, reports and `--json`.

mod histogram;

pub use histogram::{Bin, Histogram, Missing};

use crate::catalogue::{CatalogueInfo, read_catalogue_tables};
use crate::labels::tables::{LabelRow, read_labels};
use crate::{Counts, Dataset, DatasetError, Domain, Outcome, PatientGrouping, split_of};
use lumbar_core::{Condition, ConditionGroup, Level, Severity, Target};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Counts by name, sorted.
pub type Tally = BTreeMap<String, u64>;

/// What a dataset holds. Everything here can be asked of the tables too; `data-spec/manifests.md` names the columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Where the pixels come from.
    pub domain: Domain,
    /// What patients are told apart by.
    pub patient_grouping: PatientGrouping,
    /// Totals.
    pub counts: Counts,
    /// Sentences a user must know.
    pub notes: Vec<String>,
    /// Grades of the label table by condition group and level; missing ones are `missing`.
    pub labels: Vec<GradeCounts>,
    /// The same by condition, which tells left from right, and level.
    pub labels_by_condition: Vec<ConditionCounts>,
    /// Grades of the label table by site; `unknown` for studies without.
    pub labels_by_site: BTreeMap<String, Tally>,
    /// Samples by view, and within by grade.
    pub samples_by_view: BTreeMap<String, Tally>,
    /// Samples by part of the split, and within by grade.
    pub samples_by_split: BTreeMap<String, Tally>,
    /// Samples by how their place was found.
    pub localisation: Tally,
    /// Patients by site; `unknown` for those without.
    pub patients_by_site: Tally,
    /// Patients by part of the split.
    pub patients_by_split: Tally,
    /// Series by kind; `unknown` for those of none.
    pub series_by_kind: Tally,
    /// Studies that have no series of a kind.
    pub studies_without: Tally,
    /// Matrices (`rows x columns`) of the slices of each kind.
    pub matrices: BTreeMap<String, Tally>,
    /// Measures of the series of each kind.
    pub spacing: BTreeMap<String, KindSpacing>,
    /// Attributes that files lack.
    pub missing: Missing,
    /// Files not taken, by reason.
    pub file_rejects: Tally,
    /// Samples not made, by reason.
    pub sample_rejects: Tally,
    /// Findings by code.
    pub findings: Tally,
}

/// Grades of a condition group at a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GradeCounts {
    /// The group.
    pub condition_group: ConditionGroup,
    /// The level.
    pub level: Level,
    /// Cells by grade.
    pub grades: Tally,
}

/// Grades of a condition at a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionCounts {
    /// The condition.
    pub condition: Condition,
    /// The level.
    pub level: Level,
    /// Cells by grade.
    pub grades: Tally,
}

/// Spacing of the series of a kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindSpacing {
    /// Distance between pixel rows, over slices.
    pub row_mm: Quantiles,
    /// Distance between slices, over series.
    pub slice_mm: Quantiles,
    /// The first in bins of 0.1 mm.
    pub row_mm_histogram: Histogram,
    /// The second in bins of 0.5 mm.
    pub slice_mm_histogram: Histogram,
}

/// Smallest, median and largest of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// Number of values.
    pub n: u64,
    /// Smallest; `None` without values.
    pub min: Option<f64>,
    /// Lower median.
    pub median: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
}

impl Quantiles {
    fn of(mut values: Vec<f64>) -> Quantiles {
        values.sort_by(f64::total_cmp);
        Quantiles {
            n: values.len() as u64,
            min: values.first().copied(),
            median: values.get(values.len().saturating_sub(1) / 2).copied(),
            max: values.last().copied(),
        }
    }
}

/// Counts a dataset.
///
/// # Errors
/// [`DatasetError`] if a table cannot be read.
pub fn stats(dataset: &Dataset) -> Result<Stats, DatasetError> {
    let folder = dataset.path();
    let labels = read_labels(&folder.join("labels.parquet"))?;
    let catalogue = read_catalogue_tables(folder)?;
    let kinds: BTreeMap<_, _> = catalogue
        .series
        .iter()
        .map(|series| {
            (
                (&series.study, &series.series),
                series.kind.map_or("unknown", |kind| kind.name()),
            )
        })
        .collect();
    let (mut matrices, mut rows_mm): (BTreeMap<String, Tally>, BTreeMap<String, Vec<f64>>) =
        Default::default();
    for slice in &catalogue.slices {
        let kind = kinds
            .get(&(&slice.study, &slice.series))
            .copied()
            .unwrap_or("unknown");
        let matrix = format!("{} x {}", slice.rows, slice.columns);
        *matrices
            .entry(kind.to_owned())
            .or_default()
            .entry(matrix)
            .or_default() += 1;
        let row_mm = slice.plane.map(|plane| plane.spacing().row_mm);
        rows_mm.entry(kind.to_owned()).or_default().extend(row_mm);
    }
    let slice_mm = |kind: &str| {
        let of_kind = catalogue
            .series
            .iter()
            .filter(|s| s.kind.map_or("unknown", |kind| kind.name()) == kind);
        of_kind
            .filter_map(|series| series.spacing_mm)
            .collect::<Vec<f64>>()
    };
    let spacing = rows_mm
        .into_iter()
        .map(|(kind, row_mm)| {
            let slice_mm = slice_mm(&kind);
            (
                kind,
                KindSpacing {
                    row_mm_histogram: Histogram::of(row_mm.iter().copied(), 10),
                    slice_mm_histogram: Histogram::of(slice_mm.iter().copied(), 2),
                    row_mm: Quantiles::of(row_mm),
                    slice_mm: Quantiles::of(slice_mm),
                },
            )
        })
        .collect();
    let info = CatalogueInfo::of(&catalogue);
    let outcome = Outcome::read(folder, dataset.config().grades)?;
    let mut stats = Stats {
        domain: dataset.info().domain,
        patient_grouping: dataset.info().patient_grouping,
        counts: dataset.info().counts,
        notes: dataset.info().notes.clone(),
        labels: grade_counts(&labels),
        labels_by_condition: condition_counts(&labels),
        labels_by_site: labels_by_site(&labels),
        samples_by_view: BTreeMap::new(),
        samples_by_split: BTreeMap::new(),
        localisation: Tally::new(),
        patients_by_site: patients_by_site(&labels),
        patients_by_split: patients_by_split(folder)?,
        missing: Missing::of(&catalogue),
        series_by_kind: info.series_kinds,
        studies_without: studies_without(&labels, &catalogue),
        matrices,
        spacing,
        file_rejects: outcome.file_rejects,
        sample_rejects: outcome.sample_rejects,
        findings: outcome.findings,
    };
    for sample in dataset.samples() {
        let grade = grade_name(sample.severity);
        let by = |map: &mut BTreeMap<String, Tally>, key: &str| {
            *map.entry(key.to_owned())
                .or_default()
                .entry(grade.clone())
                .or_default() += 1;
        };
        by(&mut stats.samples_by_view, sample.view.name());
        by(&mut stats.samples_by_split, sample.assignment.part.name());
        *stats
            .localisation
            .entry(sample.localisation.name().to_owned())
            .or_default() += 1;
    }
    Ok(stats)
}

impl Stats {
    /// The grades the label table has, from best to worst, then `missing` if it has that.
    pub fn grade_names(&self) -> Vec<&str> {
        grade_names(&self.labels)
    }
}

/// The grades that occur, from best to worst, then what is none.
pub(crate) fn grade_names(labels: &[GradeCounts]) -> Vec<&str> {
    let found: BTreeSet<&str> = labels
        .iter()
        .flat_map(|row| row.grades.keys().map(String::as_str))
        .collect();
    let mut names: Vec<&str> = found.into_iter().collect();
    names.sort_by_key(|name| {
        let severity = name.parse::<Severity>();
        severity.map_or(GRADES.len(), |grade| {
            GRADES
                .iter()
                .position(|known| *known == grade)
                .unwrap_or(GRADES.len())
        })
    });
    names
}

/// The grades of all schemes, from best to worst.
const GRADES: [Severity; 5] = [
    Severity::Normal,
    Severity::NormalMild,
    Severity::Mild,
    Severity::Moderate,
    Severity::Severe,
];

fn grade_name(grade: Option<Severity>) -> String {
    grade.map_or("missing", Severity::display_name).to_owned()
}

fn grade_counts(labels: &[LabelRow]) -> Vec<GradeCounts> {
    let cells = ConditionGroup::ALL
        .into_iter()
        .flat_map(|group| Level::ALL.map(|level| (group, level)));
    let mut counts: Vec<GradeCounts> = cells
        .map(|(condition_group, level)| GradeCounts {
            condition_group,
            level,
            grades: Tally::new(),
        })
        .collect();
    for row in labels {
        let at = row.target.condition.group().index() * Level::ALL.len() + row.target.level.index();
        *counts[at].grades.entry(grade_name(row.grade)).or_default() += 1;
    }
    counts
}

fn condition_counts(labels: &[LabelRow]) -> Vec<ConditionCounts> {
    let mut counts: Vec<ConditionCounts> = Target::all()
        .map(|target| ConditionCounts {
            condition: target.condition,
            level: target.level,
            grades: Tally::new(),
        })
        .collect();
    for row in labels {
        let grades = &mut counts[row.target.index()].grades;
        *grades.entry(grade_name(row.grade)).or_default() += 1;
    }
    counts
}

fn labels_by_site(labels: &[LabelRow]) -> BTreeMap<String, Tally> {
    let mut sites: BTreeMap<String, Tally> = BTreeMap::new();
    for row in labels {
        let site = row.site.as_deref().unwrap_or("unknown");
        let grades = sites.entry(site.to_owned()).or_default();
        *grades.entry(grade_name(row.grade)).or_default() += 1;
    }
    sites
}

fn patients_by_split(folder: &Path) -> Result<Tally, DatasetError> {
    let mut tally = Tally::new();
    for assignment in split_of(folder)?.values() {
        *tally.entry(assignment.part.name().to_owned()).or_default() += 1;
    }
    Ok(tally)
}

fn patients_by_site(labels: &[LabelRow]) -> Tally {
    let patients: BTreeSet<_> = labels
        .iter()
        .map(|row| (row.site.as_deref().unwrap_or("unknown"), &row.patient))
        .collect();
    let mut tally = Tally::new();
    patients
        .into_iter()
        .for_each(|(site, _)| *tally.entry(site.to_owned()).or_default() += 1);
    tally
}

fn studies_without(labels: &[LabelRow], catalogue: &lumbar_dicom::Catalogue) -> Tally {
    let studies: BTreeSet<_> = labels.iter().map(|row| &row.study).collect();
    lumbar_core::SeriesKind::ALL
        .into_iter()
        .map(|kind| {
            let lacks = |study: &&&lumbar_core::StudyId| {
                !catalogue
                    .series_of(study)
                    .iter()
                    .any(|series| series.kind == Some(kind))
            };
            (
                kind.name().to_owned(),
                studies.iter().filter(lacks).count() as u64,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_are_named_from_best_to_worst() {
        let of = |names: &[&str]| GradeCounts {
            condition_group: ConditionGroup::SpinalCanal,
            level: Level::L4L5,
            grades: names.iter().map(|name| ((*name).to_owned(), 1)).collect(),
        };
        let labels = [
            of(&["Severe", "missing", "Moderate"]),
            of(&["Normal/Mild", "Severe"]),
        ];
        assert_eq!(
            grade_names(&labels),
            ["Normal/Mild", "Moderate", "Severe", "missing"]
        );
        assert_eq!(
            grade_names(&[of(&["Mild", "Severe", "Normal"])]),
            ["Normal", "Mild", "Severe"]
        );
    }
}
