//! One series: its stacks, its kind, and what is unusual about it.

use super::{SeriesRecord, SeriesWarning, SliceRecord, StackRecord, kept::Common, look};
use crate::{
    Confidence,
    recognise::{Evidence, recognise},
    stack::{self, Placed, Stack},
};
use lumbar_core::{Plane, SeriesKind};
use std::{collections::BTreeSet, sync::Arc};

/// What a series is arranged and recognised by, beside the records.
pub(super) struct SliceFacts {
    pub(super) echo_time_ms: Option<f64>,
    /// Of the file, with its first frame.
    pub(super) of_file: Option<Arc<Common>>,
}

/// Arranges the slices of a series and recognises it. `records` must not be empty; `facts` has one entry each.
pub(super) fn arrange(
    records: Vec<SliceRecord>,
    facts: &[SliceFacts],
    stated: Option<&str>,
    looking: Option<look::Looking<'_>>,
) -> (SeriesRecord, Vec<SliceRecord>) {
    let placed: Vec<Placed> = records
        .iter()
        .zip(facts)
        .map(|(record, facts)| Placed {
            plane: record.plane,
            tie: (
                facts.echo_time_ms.unwrap_or(0.0),
                record.instance_number.unwrap_or(i32::MAX),
            ),
        })
        .collect();
    let stacks = stack::arrange(&placed);
    let headers: Vec<&Common> = facts
        .iter()
        .filter_map(|facts| facts.of_file.as_deref())
        .collect();
    let mut slices: Vec<SliceRecord> = Vec::with_capacity(records.len());
    let mut records: Vec<Option<SliceRecord>> = records.into_iter().map(Some).collect();
    for (stack_idx, stack) in stacks.iter().enumerate() {
        for (position, (index, repeats)) in stack.slices.iter().zip(&stack.repeats).enumerate() {
            // Every slice stands in one stack, once.
            slices.extend(records[*index].take().map(|slice| SliceRecord {
                stack_idx: stack_idx as u32,
                position_in_stack: position as u32,
                same_position_as_previous: *repeats,
                ..slice
            }));
        }
    }
    let mut warnings: BTreeSet<SeriesWarning> = warnings(&stacks, &slices, &headers);
    let mut evidence = evidence(&stacks, &headers, stated);
    let mut verdict = recognise(&evidence);
    // Nothing else told the weighting: the grey levels may.
    if let (Confidence::None, false, Some(looking)) = (verdict.confidence, evidence.mixed_planes, looking) {
        evidence.contrast = look::contrast(&slices, evidence.plane, looking);
        verdict = recognise(&evidence);
    }
    warnings.extend(verdict.warnings);
    let first = &slices[0];
    let acquisition = &evidence.acquisition;
    let mut spacings: Vec<f64> = stacks.iter().filter_map(|stack| stack.spacing_mm).collect();
    spacings.sort_by(f64::total_cmp);
    let record = SeriesRecord {
        study: first.study.clone(),
        series: first.series.clone(),
        patient_key: first.patient_key.clone(),
        description: (!evidence.words.is_empty()).then(|| evidence.words.to_string()),
        plane: verdict.plane,
        weighting: verdict.weighting,
        kind: verdict.kind,
        evidence: verdict.evidence,
        confidence: verdict.confidence,
        n_slices: slices.len() as u32,
        stacks: stacks.iter().map(stack_record).collect(),
        spacing_mm: spacings.get(spacings.len() / 2).copied(),
        slice_thickness_mm: headers.iter().find_map(|header| header.slice_thickness_mm),
        frame_of_reference: first.frame_of_reference.clone().filter(|_| {
            slices
                .iter()
                .all(|slice| slice.frame_of_reference == first.frame_of_reference)
        }),
        manufacturer: headers.iter().find_map(|header| header.manufacturer.clone()),
        repetition_time_ms: acquisition.repetition_time_ms,
        echo_time_ms: acquisition.echo_time_ms,
        inversion_time_ms: acquisition.inversion_time_ms,
        field_strength_t: acquisition.field_strength_t,
        synthetic: headers.iter().any(|header| header.synthetic),
        warnings: warnings.into_iter().collect(),
    };
    (record, slices)
}

fn stack_record(stack: &Stack) -> StackRecord {
    StackRecord {
        n_slices: stack.slices.len() as u32,
        plane: stack.plane,
        spacing_mm: stack.spacing_mm,
        n_gaps: stack.n_gaps,
        n_duplicates: stack.repeats.iter().filter(|repeats| **repeats).count() as u32,
    }
}

fn evidence(stacks: &[Stack], headers: &[&Common], stated: Option<&str>) -> Evidence {
    let planes: BTreeSet<Plane> = stacks.iter().filter_map(|stack| stack.plane).collect();
    // The largest stack; the first of equally large ones.
    let largest = stacks
        .iter()
        .filter(|stack| stack.plane.is_some())
        .reduce(|best, stack| {
            if stack.slices.len() > best.slices.len() {
                stack
            } else {
                best
            }
        });
    let mut words = headers
        .first()
        .map(|header| header.words.clone())
        .unwrap_or_default();
    let kind = stated.and_then(|text| text.parse::<SeriesKind>().ok());
    if let (Some(text), None) = (stated, kind) {
        words.add(text.as_bytes());
    }
    Evidence {
        plane: largest.and_then(|stack| stack.plane),
        mixed_planes: planes.len() > 1,
        acquisition: headers
            .first()
            .map(|header| header.acquisition.clone())
            .unwrap_or_default(),
        words,
        stated: kind,
        contrast: None,
    }
}

fn warnings(stacks: &[Stack], slices: &[SliceRecord], headers: &[&Common]) -> BTreeSet<SeriesWarning> {
    let planes: BTreeSet<Plane> = stacks.iter().filter_map(|stack| stack.plane).collect();
    let n_placed = stacks.iter().filter(|stack| stack.plane.is_some()).count();
    let numbers: BTreeSet<Option<i32>> = slices.iter().map(|slice| slice.instance_number).collect();
    let n_files = headers.len();
    let distinct =
        |get: fn(&Common) -> Option<&str>| headers.iter().map(|header| get(header)).collect::<BTreeSet<_>>();
    let frames = distinct(|header| header.frame_of_reference_uid.as_deref());
    let spacing = |slice: &SliceRecord| slice.plane.map(|plane| plane.spacing());
    let first = &slices[0];
    let patients: BTreeSet<_> = slices.iter().map(|slice| slice.patient_key.as_ref()).collect();
    let found = [
        (
            SeriesWarning::MissingGeometry,
            slices.iter().any(|slice| slice.plane.is_none()),
        ),
        (SeriesWarning::SeveralStacks, n_placed > 1),
        (SeriesWarning::MixedPlanes, planes.len() > 1),
        (
            SeriesWarning::MixedShapes,
            slices
                .iter()
                .any(|slice| (slice.rows, slice.columns) != (first.rows, first.columns)),
        ),
        (
            SeriesWarning::MixedPixelSpacing,
            slices.iter().any(|slice| spacing(slice) != spacing(first)),
        ),
        (SeriesWarning::Gaps, stacks.iter().any(|stack| stack.n_gaps > 0)),
        (
            SeriesWarning::DuplicatePositions,
            slices.iter().any(|slice| slice.same_position_as_previous),
        ),
        (
            SeriesWarning::UnevenSpacing,
            stacks.iter().any(|stack| stack.uneven),
        ),
        (
            SeriesWarning::ShearedStack,
            stacks.iter().any(|stack| stack.sheared),
        ),
        (
            SeriesWarning::InstanceNumbers,
            numbers.contains(&None) || numbers.len() < n_files,
        ),
        (
            SeriesWarning::FrameOfReference,
            frames.len() > 1 || frames.contains(&None),
        ),
        (
            SeriesWarning::MissingModality,
            headers.iter().any(|header| !header.has_modality),
        ),
        (
            SeriesWarning::SeveralSeriesUids,
            distinct(|header| header.series_instance_uid.as_deref()).len() > 1,
        ),
        (SeriesWarning::SeveralPatients, patients.len() > 1),
    ];
    found
        .into_iter()
        .filter(|(_, is_so)| *is_so)
        .map(|(warning, _)| warning)
        .collect()
}
