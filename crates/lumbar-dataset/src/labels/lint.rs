//! Oddities between labels and images.

use super::{Finding, FindingCode, LabelPoint, Labels};
use crate::plan::find_instance;
use lumbar_core::{Condition, GradingScheme, Level, Point, SeriesId, SeriesKind, Side, StudyId, Target};
use lumbar_dicom::{Catalogue, SeriesWarning};
use std::collections::{BTreeMap, BTreeSet};

/// Checks labels against images. The result holds the findings of the tables themselves too, and is sorted.
pub fn lint(labels: &Labels, catalogue: &Catalogue, grades: GradingScheme) -> Vec<Finding> {
    let mut findings = labels.findings.clone();
    let on_disk: BTreeSet<&StudyId> = catalogue.series.iter().map(|series| &series.study).collect();
    let mut known: BTreeSet<&StudyId> = labels.studies.iter().collect();
    known.extend(labels.points.iter().map(|point| &point.study));
    known.extend(labels.series.keys().map(|(study, _)| study));
    known.extend(&on_disk);
    let named = named_series(labels);
    for study in known {
        if !labels.studies.contains(study) {
            findings.push(Finding::new(FindingCode::StudyWithoutLabels).study(study));
        } else if !on_disk.contains(study) {
            findings.push(Finding::new(FindingCode::StudyNotOnDisk).study(study));
        }
        if labels.studies.contains(study) {
            lint_grades(study, labels, grades, &mut findings);
        }
        if on_disk.contains(study) {
            let named = named.get(study).into_iter().flatten().copied();
            lint_series(study, (labels, catalogue), named, &mut findings);
            lint_points(study, (labels, catalogue), &mut findings);
        }
    }
    findings.sort();
    findings
}

fn lint_grades(study: &StudyId, labels: &Labels, scheme: GradingScheme, findings: &mut Vec<Finding>) {
    for target in Target::all() {
        let grade = labels.grades.get(&(study.clone(), target));
        let has_point = !labels.points_of(study, target).is_empty();
        let finding = |code| Finding::new(code).study(study).target(target);
        match grade {
            None => findings.push(finding(FindingCode::MissingGrade)),
            Some(grade) if scheme.index_of(*grade).is_none() => {
                findings.push(finding(FindingCode::GradeNotInScheme).detail(format_args!("grade {grade}")));
            }
            Some(_) => {}
        }
        // A table without any point is no table of points.
        if !labels.points.is_empty() && grade.is_some() != has_point {
            let code = if has_point {
                FindingCode::PointWithoutGrade
            } else {
                FindingCode::GradeWithoutPoint
            };
            findings.push(finding(code));
        }
    }
}

/// The series that the tables name, by study.
fn named_series(labels: &Labels) -> BTreeMap<&StudyId, BTreeSet<&SeriesId>> {
    let of_points = labels.points.iter().map(|point| (&point.study, &point.series));
    let mut named: BTreeMap<&StudyId, BTreeSet<&SeriesId>> = BTreeMap::new();
    for (study, series) in labels.series.keys().map(|(a, b)| (a, b)).chain(of_points) {
        named.entry(study).or_default().insert(series);
    }
    named
}

fn lint_series<'a>(
    study: &StudyId,
    (labels, catalogue): (&Labels, &Catalogue),
    named: impl Iterator<Item = &'a SeriesId>,
    findings: &mut Vec<Finding>,
) {
    let records = catalogue.series_of(study);
    let finding = |code, series: &SeriesId| Finding::new(code).study(study).series(series);
    if labels.has_series_table {
        for record in records {
            if !labels
                .series
                .contains_key(&(study.clone(), record.series.clone()))
            {
                findings.push(finding(FindingCode::SeriesNotInTable, &record.series));
            }
        }
    }
    for series in named {
        if !records.iter().any(|record| record.series == *series) {
            findings.push(finding(FindingCode::SeriesNotOnDisk, series));
        }
    }
    for record in records {
        if record
            .warnings
            .contains(&SeriesWarning::PlaneContradictsDescription)
        {
            let plane = record.plane.map_or("unknown", |plane| plane.name());
            findings.push(
                finding(FindingCode::DescriptionAgainstGeometry, &record.series)
                    .detail(format_args!("the slices are {plane}")),
            );
        }
    }
    for kind in SeriesKind::ALL {
        let graded = Target::all().any(|target| labels.grades.contains_key(&(study.clone(), target)));
        if graded && !records.iter().any(|record| record.kind == Some(kind)) {
            findings.push(
                Finding::new(FindingCode::MissingView)
                    .study(study)
                    .detail(format_args!("no {}", kind.description())),
            );
        }
    }
}

/// A usable point and where it lies in the patient.
type Places = BTreeMap<(Condition, Level, SeriesId), Point>;

fn lint_points(study: &StudyId, (labels, catalogue): (&Labels, &Catalogue), findings: &mut Vec<Finding>) {
    let records = catalogue.series_of(study);
    let start = labels.points.partition_point(|point| point.study < *study);
    let mut places = Places::new();
    for point in labels.points[start..]
        .iter()
        .take_while(|point| point.study == *study)
    {
        let finding = |code| about(point, code);
        let Some(record) = records.iter().find(|record| record.series == point.series) else {
            // Said once for the series.
            continue;
        };
        let slices = catalogue.slices_of(study, &point.series);
        let plane = match find_instance(slices, point.instance_number) {
            None => {
                findings.push(finding(FindingCode::PointWithoutSlice));
                continue;
            }
            Some((_, None)) => {
                findings.push(finding(FindingCode::PointWithoutGeometry));
                continue;
            }
            Some((_, Some(plane))) => plane,
        };
        if !plane.contains(point.pixel) {
            findings.push(finding(FindingCode::PointOutsideImage).detail(format_args!(
                "image of {} x {} pixels",
                plane.rows(),
                plane.columns()
            )));
            continue;
        }
        let proper = SeriesKind::proper_for(point.target.condition.group());
        if record.kind.is_some_and(|kind| kind != proper) {
            findings.push(finding(FindingCode::PointOnOtherKind).detail(format_args!(
                "expected {}, found {}",
                proper.description(),
                record.kind.map_or("", |kind| kind.description())
            )));
        }
        let key = (point.target.condition, point.target.level, point.series.clone());
        places.insert(key, plane.pixel_to_patient(point.pixel));
    }
    lint_sides(study, &places, findings);
    lint_levels(study, &places, findings);
}

fn about(point: &LabelPoint, code: FindingCode) -> Finding {
    Finding::new(code)
        .study(&point.study)
        .series(&point.series)
        .target(point.target)
}

/// Left is at larger patient x than right, on one series and level.
fn lint_sides(study: &StudyId, places: &Places, findings: &mut Vec<Finding>) {
    for ((condition, level, series), left) in places {
        if condition.side() != Some(Side::Left) {
            continue;
        }
        let other = (condition.mirrored(), *level, series.clone());
        if places.get(&other).is_some_and(|right| left.x < right.x) {
            findings.push(
                Finding::new(FindingCode::SidesSwapped)
                    .study(study)
                    .series(series)
                    .target(Target::new(*condition, *level))
                    .detail("left lies to the right of right"),
            );
        }
    }
}

/// The points of a condition run from head to foot, on each series by itself.
///
/// Neighbouring discs lie 25 mm or more apart, so neither a reader's jitter nor the tilt of a slab turns their order
/// round.
fn lint_levels(study: &StudyId, places: &Places, findings: &mut Vec<Finding>) {
    for condition in Condition::ALL {
        let mut by_series: BTreeMap<&SeriesId, Vec<(Level, f64)>> = BTreeMap::new();
        for ((_, level, series), point) in places.iter().filter(|((c, ..), _)| *c == condition) {
            by_series.entry(series).or_default().push((*level, point.z));
        }
        for (series, points) in by_series {
            for pair in points.windows(2).filter(|pair| pair[1].1 >= pair[0].1) {
                findings.push(
                    Finding::new(FindingCode::LevelsOutOfOrder)
                        .study(study)
                        .series(series)
                        .target(Target::new(condition, pair[1].0))
                        .detail(format_args!("{} lies above {}", pair[1].0, pair[0].0)),
                );
            }
        }
    }
}
