//! Looking at the images of a series whose headers say nothing of its weighting.

use super::SliceRecord;
use crate::{
    Photometric, Reader,
    recognise::contrast::{View, weighting},
};
use lumbar_core::{Plane, Weighting};
use std::path::Path;

/// Where the files are, and who reads them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looking<'a> {
    pub(super) root: &'a Path,
    pub(super) reader: &'a Reader,
}

/// Half the width of the spine and what lies beside it, mm: slices further from the middle tell nothing.
const SAGITTAL_HALF_MM: f64 = 33.0;
/// Axial slices looked at, spread over the series.
const N_AXIAL: usize = 15;
/// Sagittal slices looked at: a volume of thin slices has far more than are needed.
const MOST_SAGITTAL: usize = 45;

/// What the contrast of the images suggests, with the reason.
pub(super) fn contrast(
    slices: &[SliceRecord],
    plane: Option<Plane>,
    looking: Looking<'_>,
) -> Option<(Weighting, String)> {
    let plane = plane?;
    let chosen = match plane {
        Plane::Sagittal => sagittal(slices),
        Plane::Axial => spread(
            slices.iter().filter(|slice| slice.plane.is_some()).collect(),
            N_AXIAL,
        ),
        Plane::Coronal | Plane::Oblique => return None,
    };
    // A slice that cannot be read is left out; where it is used it says so itself.
    let views: Vec<View> = chosen
        .into_iter()
        .filter_map(|slice| view(slice, looking))
        .collect();
    weighting(plane, &views)
}

/// The slices of the largest stack around its middle.
fn sagittal(slices: &[SliceRecord]) -> Vec<&SliceRecord> {
    let size = |stack: u32| slices.iter().filter(|slice| slice.stack_idx == stack).count();
    let n_stacks = slices.last().map_or(0, |slice| slice.stack_idx + 1);
    let Some(largest) = (0..n_stacks).rev().max_by_key(|stack| size(*stack)) else {
        return Vec::new();
    };
    let of_stack: Vec<&SliceRecord> = slices
        .iter()
        .filter(|slice| slice.stack_idx == largest && !slice.same_position_as_previous)
        .filter(|slice| slice.plane.is_some())
        .collect();
    let (Some(first), Some(last)) = (of_stack.first().and_then(along), of_stack.last().and_then(along))
    else {
        return Vec::new();
    };
    let middle = (first + last) / 2.0;
    let near = |slice: &&SliceRecord| along(slice).is_some_and(|at| (at - middle).abs() <= SAGITTAL_HALF_MM);
    spread(of_stack.into_iter().filter(near).collect(), MOST_SAGITTAL)
}

/// At most `n` of a list, evenly.
fn spread<T>(list: Vec<T>, n: usize) -> Vec<T> {
    let step = list.len().div_ceil(n).max(1);
    list.into_iter().skip(step / 2).step_by(step).collect()
}

fn along(slice: &&SliceRecord) -> Option<f64> {
    slice
        .plane
        .map(|plane| plane.origin().to_vector().dot(plane.normal()))
}

fn view(slice: &SliceRecord, looking: Looking<'_>) -> Option<View> {
    let image = looking
        .reader
        .read_frame(&looking.root.join(&slice.path), slice.frame)
        .ok()?;
    let mut values = image.pixels.frame(0).ok()?.to_f32();
    let falling = slice.rescale.is_some_and(|rescale| rescale.slope < 0.0);
    if (slice.photometric == Photometric::Monochrome1) != falling {
        values.iter_mut().for_each(|value| *value = -*value);
    }
    let spacing = slice.plane?.spacing();
    Some(View {
        values,
        rows: slice.rows as usize,
        columns: slice.columns as usize,
        row_mm: spacing.row_mm,
        column_mm: spacing.column_mm,
        along_mm: along(&slice)?,
    })
}
