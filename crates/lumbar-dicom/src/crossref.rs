//! From a place in the patient to the slice and pixel of a series that shows it.

use crate::{SeriesRecord, SliceRecord};
use lumbar_core::{PixelPoint, Point};
use serde::{Deserialize, Serialize};

/// A place seen on a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// Index into the slices given.
    pub slice_idx: usize,
    /// The pixel under the place.
    pub pixel: PixelPoint,
    /// Signed distance of the place from the slice along its normal, mm.
    pub off_plane_mm: f64,
    /// One side names no frame of reference; that they share one is an assumption.
    pub frame_assumed: bool,
}

/// Why a place is not on any slice of a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotCovered {
    /// No slice has geometry.
    #[error("no slice of the series has geometry")]
    NoGeometry,
    /// The frames of reference differ.
    #[error("the frames of reference differ")]
    OtherFrameOfReference,
    /// The place lies beside every image.
    #[error("the place lies outside every image")]
    OutsideImages,
    /// The nearest slice is further away than half the slice spacing.
    #[error("the nearest slice is {off_plane_mm:.1} mm away, more than half the slice spacing")]
    BetweenSlices {
        /// Distance of the nearest slice, mm.
        off_plane_mm: f64,
    },
}

/// Whether places may be carried between different frames of reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FramePolicy {
    /// Never between frames known to differ; an absent one is assumed to be shared.
    #[default]
    Same,
    /// Between any: for archives whose de-identification broke the identifiers.
    Any,
}

/// A place and the frame of reference it is given in, as [`SliceRecord::frame_of_reference`] names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FramedPoint<'a> {
    /// The place.
    pub point: Point,
    /// Its frame of reference.
    pub frame_of_reference: Option<&'a str>,
}

/// Thickness of the slab a lone slice covers if nothing is known of it, mm: a common lumbar slice thickness.
const LONE_SLICE_MM: f64 = 4.0;
/// Rounding of positions must not open a seam between neighbouring slices, mm.
const SEAM_MM: f64 = 0.01;

/// The slice of `slices` (those of `series`) nearest to a place among those whose image holds it.
///
/// # Errors
/// [`NotCovered`] if the place is beside all images or further from the nearest slice than half the slice spacing.
pub fn locate(
    place: FramedPoint<'_>,
    series: &SeriesRecord,
    slices: &[SliceRecord],
    policy: FramePolicy,
) -> Result<Crossing, NotCovered> {
    let mut nearest: Option<Crossing> = None;
    let mut miss = NotCovered::NoGeometry;
    for (slice_idx, slice) in slices.iter().enumerate() {
        let Some(plane) = &slice.plane else { continue };
        let frame_assumed = match (place.frame_of_reference, slice.frame_of_reference.as_deref()) {
            (Some(a), Some(b)) if a != b => match policy {
                FramePolicy::Any => true,
                FramePolicy::Same => {
                    miss = worse(miss, NotCovered::OtherFrameOfReference);
                    continue;
                }
            },
            (Some(_), Some(_)) => false,
            _ => true,
        };
        let seen = plane.patient_to_pixel(place.point);
        if !plane.contains(seen.pixel) {
            miss = worse(miss, NotCovered::OutsideImages);
            continue;
        }
        let crossing = Crossing {
            slice_idx,
            pixel: seen.pixel,
            off_plane_mm: seen.off_plane_mm,
            frame_assumed,
        };
        // The first of equally near slices stays.
        if nearest.is_none_or(|best| crossing.off_plane_mm.abs() < best.off_plane_mm.abs()) {
            nearest = Some(crossing);
        }
    }
    let best = nearest.ok_or(miss)?;
    let half_mm = half_thickness_mm(series, &slices[best.slice_idx]);
    if best.off_plane_mm.abs() > half_mm + SEAM_MM {
        return Err(NotCovered::BetweenSlices {
            off_plane_mm: best.off_plane_mm.abs(),
        });
    }
    Ok(best)
}

/// The more telling of two reasons: how far the search came.
fn worse(a: NotCovered, b: NotCovered) -> NotCovered {
    let rank = |reason: &NotCovered| match reason {
        NotCovered::NoGeometry => 0,
        NotCovered::OtherFrameOfReference => 1,
        NotCovered::OutsideImages => 2,
        NotCovered::BetweenSlices { .. } => 3,
    };
    if rank(&b) > rank(&a) { b } else { a }
}

fn half_thickness_mm(series: &SeriesRecord, slice: &SliceRecord) -> f64 {
    let stack_spacing = series
        .stacks
        .get(slice.stack_idx as usize)
        .and_then(|stack| stack.spacing_mm);
    stack_spacing
        .or(series.slice_thickness_mm)
        .unwrap_or(LONE_SLICE_MM)
        / 2.0
}
