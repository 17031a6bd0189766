//! The defects, each a function that plants it in a study or answers that the study does not fit.

use super::PlantedDefect;
use super::plant::{Bed, CONDITION, Defect, INSTANCE, Outcome, SERIES, X, Y};
use crate::error::PhantomError;
use lumbar_core::{Condition, ConditionGroup, Level, SeriesKind, Target};

pub(super) const DEFECTS: [Defect; 32] = [
    bad_row,
    bad_id,
    bad_series_id,
    unknown_target,
    unknown_column,
    unknown_grade,
    bad_coordinate,
    unknown_description,
    duplicate_label_row,
    duplicate_point_row,
    duplicate_series_row,
    conflicting_label_rows,
    conflicting_point_rows,
    conflicting_series_rows,
    blank_grade,
    lost_point,
    study_without_labels,
    study_not_on_disk,
    series_row_without_folder,
    point_on_absent_series,
    series_not_in_table,
    missing_view,
    point_without_slice,
    point_without_geometry,
    point_outside_image,
    canal_point_on_t1,
    recess_point_on_sagittal,
    recesses_swapped,
    foramina_swapped,
    levels_out_of_order,
    recess_levels_out_of_order,
    description_against_geometry,
];

fn bad_row(bed: &mut Bed<'_>) -> Outcome {
    let row = bed.repeat(|tables| &mut tables.points, bed.row_of(&bed.tables.points));
    bed.tables.points[row].truncate(4);
    bed.expected.push(PlantedDefect::new("BadRow", None, None));
    Ok(Some(()))
}

fn bad_id(bed: &mut Bed<'_>) -> Outcome {
    let row = bed.repeat(|tables| &mut tables.labels, bed.label_row());
    bed.tables.labels[row][0] = "../4003253".to_owned();
    bed.expected.push(PlantedDefect::new("BadId", None, None));
    Ok(Some(()))
}

fn bad_series_id(bed: &mut Bed<'_>) -> Outcome {
    let row = bed.repeat(|tables| &mut tables.series, bed.row_of(&bed.tables.series));
    bed.tables.series[row][1] = "a series".to_owned();
    bed.expect("BadId", None);
    Ok(Some(()))
}

fn unknown_target(bed: &mut Bed<'_>) -> Outcome {
    let row = bed.repeat(|tables| &mut tables.points, bed.row_of(&bed.tables.points));
    bed.set_point(row, CONDITION, "Central Canal Stenosis");
    bed.expect("UnknownTarget", None);
    Ok(Some(()))
}

fn unknown_column(bed: &mut Bed<'_>) -> Outcome {
    for (i, row) in bed.tables.labels.iter_mut().enumerate() {
        row.push(if i == 0 { "reader" } else { "a" }.to_owned());
    }
    bed.expected.push(PlantedDefect::new("UnknownColumn", None, None));
    Ok(Some(()))
}

fn unknown_grade(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L3L4) else {
        return Ok(None);
    };
    let (row, column) = (bed.label_row(), bed.label_column(target));
    bed.tables.labels[row][column] = "Severely".to_owned();
    for code in ["UnknownGrade", "MissingGrade", "PointWithoutGrade"] {
        bed.expect(code, Some(target));
    }
    Ok(Some(()))
}

fn bad_coordinate(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L2L3) else {
        return Ok(None);
    };
    if let Some(row) = bed.point_row(target) {
        bed.set_point(row, Y, "nan");
    }
    bed.expect("BadCoordinate", Some(target));
    bed.expect("GradeWithoutPoint", Some(target));
    Ok(Some(()))
}

fn unknown_description(bed: &mut Bed<'_>) -> Outcome {
    let series = bed.series_of(SeriesKind::SagittalT2);
    let Some(row) = series.and_then(|series| bed.series_row(series)) else {
        return Ok(None);
    };
    bed.tables.series[row][2] = "Coronal PD".to_owned();
    bed.expect("UnknownDescription", None);
    Ok(Some(()))
}

fn duplicate_label_row(bed: &mut Bed<'_>) -> Outcome {
    bed.repeat(|tables| &mut tables.labels, bed.label_row());
    bed.expect("DuplicateRow", None);
    Ok(Some(()))
}

fn duplicate_point_row(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L4L5) else {
        return Ok(None);
    };
    if let Some(row) = bed.point_row(target) {
        bed.repeat(|tables| &mut tables.points, row);
    }
    bed.expect("DuplicateRow", Some(target));
    Ok(Some(()))
}

fn duplicate_series_row(bed: &mut Bed<'_>) -> Outcome {
    bed.repeat(|tables| &mut tables.series, bed.row_of(&bed.tables.series));
    bed.expect("DuplicateRow", None);
    Ok(Some(()))
}

fn conflicting_label_rows(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L1L2) else {
        return Ok(None);
    };
    let column = bed.label_column(target);
    let row = bed.repeat(|tables| &mut tables.labels, bed.label_row());
    let cell = &mut bed.tables.labels[row][column];
    *cell = if cell == "Severe" { "Moderate" } else { "Severe" }.to_owned();
    for code in ["ConflictingRows", "MissingGrade", "PointWithoutGrade"] {
        bed.expect(code, Some(target));
    }
    Ok(Some(()))
}

fn conflicting_point_rows(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L5S1) else {
        return Ok(None);
    };
    if let Some(row) = bed.point_row(target) {
        let row = bed.repeat(|tables| &mut tables.points, row);
        bed.set_point(row, X, "3.25");
    }
    bed.expect("ConflictingRows", Some(target));
    Ok(Some(()))
}

fn conflicting_series_rows(bed: &mut Bed<'_>) -> Outcome {
    let series = bed.series_of(SeriesKind::SagittalT2);
    let Some(row) = series.and_then(|series| bed.series_row(series)) else {
        return Ok(None);
    };
    let row = bed.repeat(|tables| &mut tables.series, row);
    bed.tables.series[row][2] = SeriesKind::SagittalT1.description().to_owned();
    bed.expect("ConflictingRows", None);
    Ok(Some(()))
}

fn blank_grade(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L4L5) else {
        return Ok(None);
    };
    let (row, column) = (bed.label_row(), bed.label_column(target));
    bed.tables.labels[row][column].clear();
    bed.expect("MissingGrade", Some(target));
    bed.expect("PointWithoutGrade", Some(target));
    Ok(Some(()))
}

fn lost_point(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L3L4) else {
        return Ok(None);
    };
    if let Some(row) = bed.point_row(target) {
        bed.tables.points.remove(row);
    }
    bed.expect("GradeWithoutPoint", Some(target));
    Ok(Some(()))
}

fn study_without_labels(bed: &mut Bed<'_>) -> Outcome {
    let row = bed.label_row();
    let id = bed.tables.labels.remove(row).swap_remove(0);
    bed.expected
        .retain(|defect| defect.study_id.as_deref() != Some(&id));
    bed.expect("StudyWithoutLabels", None);
    Ok(Some(()))
}

fn study_not_on_disk(bed: &mut Bed<'_>) -> Outcome {
    let (folder, n_files) = (bed.folder(), bed.study.n_files);
    bed.remove_folder(&folder, n_files)?;
    // Nothing is said of the series of a study that is not there.
    let id = bed.study.truth.study_id.clone();
    bed.expected
        .retain(|defect| defect.study_id.as_deref() != Some(&id) || defect.code != "MissingView");
    bed.expect("StudyNotOnDisk", None);
    Ok(Some(()))
}

fn series_row_without_folder(bed: &mut Bed<'_>) -> Outcome {
    let row = bed.repeat(|tables| &mut tables.series, bed.row_of(&bed.tables.series));
    // The largest id RSNA's may have: beyond 31 bits.
    bed.tables.series[row][1] = u32::MAX.to_string();
    bed.expect("SeriesNotOnDisk", None);
    Ok(Some(()))
}

fn point_on_absent_series(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L2L3) else {
        return Ok(None);
    };
    if let Some(row) = bed.point_row(target) {
        bed.set_point(row, SERIES, (u32::MAX - 1).to_string());
    }
    bed.expect("SeriesNotOnDisk", None);
    Ok(Some(()))
}

fn series_not_in_table(bed: &mut Bed<'_>) -> Outcome {
    let series = bed.series_of(SeriesKind::SagittalT2);
    let Some(row) = series.and_then(|series| bed.series_row(series)) else {
        return Ok(None);
    };
    bed.tables.series.remove(row);
    bed.expect("SeriesNotInTable", None);
    Ok(Some(()))
}

fn missing_view(bed: &mut Bed<'_>) -> Outcome {
    let kind = SeriesKind::SagittalT1;
    let of_kind: Vec<(String, usize)> = bed
        .study
        .truth
        .series
        .iter()
        .filter(|series| series.kind == kind)
        .map(|series| (series.series_id.clone(), series.n_slices))
        .collect();
    let [(series, n_files)] = of_kind.as_slice() else {
        return Ok(None);
    };
    let folder = bed.folder().join(series);
    bed.remove_folder(&folder, *n_files)?;
    let id = bed.id().to_owned();
    bed.tables.series.retain(|row| row[0] != id || row[1] != *series);
    bed.tables
        .points
        .retain(|row| row[0] != id || row[SERIES] != *series);
    for mark in bed.study.marks.iter().filter(|mark| mark.series_id == *series) {
        bed.expect("GradeWithoutPoint", Some(mark.target));
    }
    bed.expect("MissingView", None);
    Ok(Some(()))
}

fn point_without_slice(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L1L2) else {
        return Ok(None);
    };
    if let Some(row) = bed.point_row(target) {
        bed.set_point(row, INSTANCE, "9999");
    }
    bed.expect("PointWithoutSlice", Some(target));
    Ok(Some(()))
}

/// Names of ImagePositionPatient and ImageOrientationPatient, and the retired ones that old files have in their place.
const RETIRED: [([u8; 6], [u8; 6]); 2] = [
    (*b"\x20\x00\x32\x00DS", *b"\x20\x00\x30\x00DS"),
    (*b"\x20\x00\x37\x00DS", *b"\x20\x00\x35\x00DS"),
];

fn point_without_geometry(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L4L5) else {
        return Ok(None);
    };
    let Some(mark) = bed.study.marks.iter().find(|mark| mark.target == target) else {
        return Ok(None);
    };
    let file = format!("{}.dcm", mark.instance_number);
    let path = bed.folder().join(&mark.series_id).join(file);
    let io = |source| PhantomError::Io {
        path: path.clone(),
        source,
    };
    let mut bytes = std::fs::read(&path).map_err(io)?;
    for (name, retired) in RETIRED {
        let Some(at) = bytes.windows(name.len()).position(|window| *window == name) else {
            // Not written in explicit little endian.
            return Ok(None);
        };
        bytes[at..at + retired.len()].copy_from_slice(&retired);
    }
    crate::output::replace(&path, &bytes)?;
    // Other points on the slice lose their place with it.
    let on_slice =
        bed.study.marks.iter().filter(|other| {
            other.series_id == mark.series_id && other.instance_number == mark.instance_number
        });
    for other in on_slice {
        bed.expect("PointWithoutGeometry", Some(other.target));
    }
    Ok(Some(()))
}

fn point_outside_image(bed: &mut Bed<'_>) -> Outcome {
    let Some(target) = bed.canal(Level::L5S1) else {
        return Ok(None);
    };
    if let Some(row) = bed.point_row(target) {
        bed.set_point(row, X, "-1.5");
    }
    bed.expect("PointOutsideImage", Some(target));
    Ok(Some(()))
}

fn canal_point_on_t1(bed: &mut Bed<'_>) -> Outcome {
    let moved = bed
        .canal(Level::L3L4)
        .filter(|target| bed.move_point(*target, SeriesKind::SagittalT1).is_some());
    if moved.is_some() {
        bed.expect("PointOnOtherKind", moved);
    }
    Ok(moved.map(drop))
}

fn recess_point_on_sagittal(bed: &mut Bed<'_>) -> Outcome {
    let target = Target::new(Condition::LeftSubarticularStenosis, Level::L4L5);
    let moved = bed.move_point(target, SeriesKind::SagittalT2);
    if moved.is_some() {
        bed.expect("PointOnOtherKind", Some(target));
    }
    Ok(moved)
}

fn recesses_swapped(bed: &mut Bed<'_>) -> Outcome {
    let swapped = bed.swap_points(ConditionGroup::Subarticular);
    if swapped.is_some() {
        bed.expect("SidesSwapped", swapped);
    }
    Ok(swapped.map(drop))
}

fn foramina_swapped(bed: &mut Bed<'_>) -> Outcome {
    let swapped = bed.swap_points(ConditionGroup::NeuralForaminal);
    if swapped.is_some() {
        bed.expect("SidesSwapped", swapped);
    }
    Ok(swapped.map(drop))
}

fn levels_out_of_order(bed: &mut Bed<'_>) -> Outcome {
    exchange_levels(bed, [Level::L2L3, Level::L3L4], Condition::SpinalCanalStenosis)
}

fn recess_levels_out_of_order(bed: &mut Bed<'_>) -> Outcome {
    exchange_levels(
        bed,
        [Level::L3L4, Level::L4L5],
        Condition::LeftSubarticularStenosis,
    )
}

/// Exchanges the names of two levels, if both are marked on one series.
fn exchange_levels(bed: &mut Bed<'_>, [upper, lower]: [Level; 2], condition: Condition) -> Outcome {
    let row = |level| bed.point_row(Target::new(condition, level));
    let (Some(a), Some(b)) = (row(upper), row(lower)) else {
        return Ok(None);
    };
    if bed.tables.points[a][SERIES] != bed.tables.points[b][SERIES] {
        return Ok(None);
    }
    for (row, level) in [(a, lower), (b, upper)] {
        bed.set_point(row, CONDITION + 1, level.display_name());
    }
    bed.expect("LevelsOutOfOrder", Some(Target::new(condition, lower)));
    Ok(Some(()))
}

fn description_against_geometry(bed: &mut Bed<'_>) -> Outcome {
    let series = bed.series_of(SeriesKind::SagittalT2);
    let Some(row) = series.and_then(|series| bed.series_row(series)) else {
        return Ok(None);
    };
    bed.tables.series[row][2] = SeriesKind::AxialT2.description().to_owned();
    bed.expect("DescriptionAgainstGeometry", None);
    Ok(Some(()))
}
