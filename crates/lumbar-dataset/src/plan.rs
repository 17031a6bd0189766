//! Which samples a study gives: the right series, slice and place for each target and view.

use crate::labels::{LabelPoint, Labels};
use crate::{DatasetConfig, Localisation, MissingLabels, SampleMode, SampleReject, SampleRejectReason};
use lumbar_core::{
    ConditionGroup, ImagePlane, PixelPoint, Plane, Point, SeriesKind, Severity, StudyId, Target,
};
use lumbar_dicom::crossref::{FramePolicy, FramedPoint, locate};
use lumbar_dicom::{Catalogue, SeriesRecord, SliceRecord};
use lumbar_preprocess::orient::depth_position_mm;
use lumbar_preprocess::stack::{Fill, mini_stack};

/// A sample to be made.
#[derive(Debug, Clone)]
pub(crate) struct PlannedSample {
    pub target: Target,
    pub view: SeriesKind,
    pub severity: Option<Severity>,
    /// Position of the series among those of the study.
    pub series_idx: usize,
    /// The central slice, and those of the mini-stack, as positions among the slices of the series.
    pub slice_idx: usize,
    pub stack: Vec<usize>,
    pub n_end_fills: u32,
    pub n_gap_fills: u32,
    pub point: Point,
    pub localisation: Localisation,
}

/// What a study gives.
#[derive(Debug, Default)]
pub(crate) struct StudyPlan {
    pub samples: Vec<PlannedSample>,
    pub rejects: Vec<SampleReject>,
}

/// A marked place that is where it says it is.
struct Marked<'a> {
    series_idx: usize,
    slice_idx: usize,
    slice: &'a SliceRecord,
    point: Point,
}

/// Where a target is on a view.
struct Located {
    series_idx: usize,
    slice_idx: usize,
    point: Point,
    localisation: Localisation,
}

type Refusal = (SampleRejectReason, String);

/// Plans the samples of a study, in the order of targets and views.
pub(crate) fn plan_study(
    study: &StudyId,
    (catalogue, labels): (&Catalogue, &Labels),
    config: &DatasetConfig,
) -> StudyPlan {
    let series = catalogue.series_of(study);
    let mut plan = StudyPlan::default();
    for target in Target::all() {
        let severity = grade(study, target, labels, config);
        let marked = marked_places(labels.points_of(study, target), (catalogue, series));
        let has_points = !labels.points_of(study, target).is_empty();
        // Rows are sorted by view within a target.
        let mut views = config.views.of(target.condition.group()).to_vec();
        views.sort();
        for view in views {
            let planned = severity.clone().and_then(|severity| {
                let located =
                    locate_target(&marked, view, (catalogue, series), has_points).or_else(|refusal| {
                        let middle =
                            (!has_points).then(|| without_point(target, view, (catalogue, series), config));
                        middle.flatten().ok_or(refusal)
                    })?;
                let sample = with_stack(&located, (target, view, severity), (catalogue, series), config)?;
                Ok(sample)
            });
            match planned {
                Ok(sample) => plan.samples.push(sample),
                Err((reason, detail)) => plan.rejects.push(SampleReject {
                    study: study.clone(),
                    target,
                    view,
                    reason,
                    detail,
                }),
            }
        }
    }
    plan
}

fn grade(
    study: &StudyId,
    target: Target,
    labels: &Labels,
    config: &DatasetConfig,
) -> Result<Option<Severity>, Refusal> {
    let Some(found) = labels.grades.get(&(study.clone(), target)) else {
        return match config.missing_labels {
            MissingLabels::Drop => Err((SampleRejectReason::NoGrade, String::new())),
            MissingLabels::Keep => Ok(None),
            MissingLabels::Best => Ok(config.grades.grade(0)),
        };
    };
    match config.grades.index_of(*found) {
        Some(index) => Ok(config.grades.grade(index)),
        None => Err((SampleRejectReason::GradeNotInScheme, format!("grade {found}"))),
    }
}

/// The points that lie on a slice with geometry, inside its image.
fn marked_places<'a>(
    points: &[LabelPoint],
    (catalogue, series): (&'a Catalogue, &[SeriesRecord]),
) -> Vec<Marked<'a>> {
    points
        .iter()
        .filter_map(|point| {
            let series_idx = series.iter().position(|record| record.series == point.series)?;
            let slices = catalogue.slices_of(&point.study, &point.series);
            let (slice_idx, plane) = find_instance(slices, point.instance_number)?;
            let plane = plane.filter(|plane| plane.contains(point.pixel))?;
            Some(Marked {
                series_idx,
                slice_idx,
                slice: &slices[slice_idx],
                point: plane.pixel_to_patient(point.pixel),
            })
        })
        .collect()
}

/// The slice of an instance: its position, and its plane.
pub(crate) fn find_instance(
    slices: &[SliceRecord],
    instance_number: i32,
) -> Option<(usize, Option<&ImagePlane>)> {
    let index = slices
        .iter()
        .position(|slice| slice.instance_number == Some(instance_number))?;
    Some((index, slices[index].plane.as_ref()))
}

fn locate_target(
    marked: &[Marked<'_>],
    view: SeriesKind,
    (catalogue, series): (&Catalogue, &[SeriesRecord]),
    has_points: bool,
) -> Result<Located, Refusal> {
    if series.is_empty() {
        return Err((SampleRejectReason::StudyNotOnDisk, String::new()));
    }
    let of_view = || {
        series
            .iter()
            .enumerate()
            .filter(|(_, record)| record.kind == Some(view))
    };
    if of_view().next().is_none() {
        return Err((
            SampleRejectReason::NoSeriesOfKind,
            format!("no series is {}", view.description()),
        ));
    }
    if marked.is_empty() {
        return Err(if has_points {
            (SampleRejectReason::PointUnusable, String::new())
        } else {
            (SampleRejectReason::NoPoint, String::new())
        });
    }
    // Points are sorted by series and instance; the first of several on the view is used.
    if let Some(own) = marked
        .iter()
        .find(|place| series[place.series_idx].kind == Some(view))
    {
        return Ok(Located {
            series_idx: own.series_idx,
            slice_idx: own.slice_idx,
            point: own.point,
            localisation: Localisation::Given,
        });
    }
    let mut best: Option<(f64, Located)> = None;
    let mut refusal = (SampleRejectReason::NoPoint, String::new());
    for place in marked {
        let framed = FramedPoint {
            point: place.point,
            frame_of_reference: place.slice.frame_of_reference.as_deref(),
        };
        for (series_idx, record) in of_view() {
            let slices = catalogue.slices_of(&record.study, &record.series);
            match locate(framed, record, slices, FramePolicy::Same) {
                Ok(crossing) => {
                    let distance_mm = crossing.off_plane_mm.abs();
                    // The first of equally near series stays.
                    if best.as_ref().is_none_or(|(nearest, _)| distance_mm < *nearest) {
                        let located = Located {
                            series_idx,
                            slice_idx: crossing.slice_idx,
                            point: place.point,
                            localisation: Localisation::CrossReference,
                        };
                        best = Some((distance_mm, located));
                    }
                }
                Err(reason) => refusal = (reason.into(), format!("{reason}")),
            }
        }
    }
    best.map(|(_, located)| located).ok_or(refusal)
}

/// Where a whole slice can be taken of a target that is marked nowhere: the canal lies in the middle of a sagittal
/// series. Nothing else can be found without a point.
fn without_point(
    target: Target,
    view: SeriesKind,
    (catalogue, series): (&Catalogue, &[SeriesRecord]),
    config: &DatasetConfig,
) -> Option<Located> {
    let is_middle =
        target.condition.group() == ConditionGroup::SpinalCanal && view.plane() == Plane::Sagittal;
    if config.mode != SampleMode::WholeSlice || !is_middle {
        return None;
    }
    let series_idx = series.iter().position(|record| record.kind == Some(view))?;
    let record = &series[series_idx];
    let slices = catalogue.slices_of(&record.study, &record.series);
    let positions: Vec<(usize, f64)> = slices
        .iter()
        .enumerate()
        .filter_map(|(i, slice)| Some((i, depth_position_mm(slice.plane.as_ref()?))))
        .collect();
    let ends = positions
        .iter()
        .map(|(_, mm)| *mm)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), mm| {
            (least.min(mm), most.max(mm))
        });
    let middle_mm = (ends.0 + ends.1) / 2.0;
    let away = |mm: f64| (mm - middle_mm).abs();
    let (slice_idx, _) = positions
        .into_iter()
        .min_by(|a, b| away(a.1).total_cmp(&away(b.1)).then(a.0.cmp(&b.0)))?;
    let plane = slices[slice_idx].plane.as_ref()?;
    let centre = |n: u32| (f64::from(n) - 1.0) / 2.0;
    Some(Located {
        series_idx,
        slice_idx,
        point: plane.pixel_to_patient(PixelPoint::new(centre(plane.columns()), centre(plane.rows()))),
        localisation: Localisation::MiddleSlice,
    })
}

fn with_stack(
    located: &Located,
    (target, view, severity): (Target, SeriesKind, Option<Severity>),
    (catalogue, series): (&Catalogue, &[SeriesRecord]),
    config: &DatasetConfig,
) -> Result<PlannedSample, Refusal> {
    let record = &series[located.series_idx];
    let slices = catalogue.slices_of(&record.study, &record.series);
    let no_geometry = |detail: &str| (SampleRejectReason::ViewWithoutGeometry, detail.to_owned());
    let centre = &slices[located.slice_idx];
    let plane = centre
        .plane
        .as_ref()
        .ok_or_else(|| no_geometry("the slice has no geometry"))?;
    let share = config.recipe(view).place(plane, located.point).share_inside;
    if share < config.min_share_inside {
        return Err((
            SampleRejectReason::CropOutsideImage,
            format!("{:.0}% of the crop lies on the slice", share * 100.0),
        ));
    }
    // Slices of the same stack, which alone are parallel to the central one.
    let members: Vec<usize> = (0..slices.len())
        .filter(|i| slices[*i].stack_idx == centre.stack_idx && slices[*i].plane.is_some())
        .collect();
    let positions_mm: Vec<f64> = members
        .iter()
        .filter_map(|i| slices[*i].plane.as_ref())
        .map(depth_position_mm)
        .collect();
    let at = members.iter().position(|i| *i == located.slice_idx).unwrap_or(0);
    let picks =
        mini_stack(&positions_mm, at, config.depth).map_err(|error| no_geometry(&error.to_string()))?;
    let n_fills = |fill| picks.iter().filter(|pick| pick.fill == fill).count() as u32;
    Ok(PlannedSample {
        target,
        view,
        severity,
        series_idx: located.series_idx,
        slice_idx: located.slice_idx,
        stack: picks.iter().map(|pick| members[pick.slice]).collect(),
        n_end_fills: n_fills(Fill::End),
        n_gap_fills: n_fills(Fill::Gap),
        point: located.point,
        localisation: located.localisation,
    })
}
