//! Slices in the order of the patient: grouped into parallel stacks, sorted along their normal.
//!
//! InstanceNumber and file names say nothing reliable about space, and SliceThickness is not the distance between
//! slices; positions and orientations are all this module looks at.

use lumbar_core::{ImagePlane, Plane, Vector};
use std::cmp::Ordering;

/// What a slice is placed by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Where it lies, if known.
    pub plane: Option<ImagePlane>,
    /// Breaks ties between slices at one position, and orders slices without geometry: smaller first.
    pub tie: (f64, i32),
}

/// Parallel slices, in order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stack {
    /// Indices into what was arranged, by depth along the normal; slices at one depth by their tie-breaker.
    pub slices: Vec<usize>,
    /// Whether the slice lies where the one before it lies; one entry per slice.
    pub repeats: Vec<bool>,
    /// Anatomical plane; `None` for slices without geometry.
    pub plane: Option<Plane>,
    /// Median distance between neighbouring positions, mm; `None` for a single position.
    pub spacing_mm: Option<f64>,
    /// Places where the distance is more than one and a half times the median.
    pub n_gaps: u32,
    /// Distances differ by more than 5%, gaps aside.
    pub uneven: bool,
    /// First pixels do not lie on one line along the normal.
    pub sheared: bool,
}

/// Directions closer than this in every component belong to one stack. Scanners write six digits or more; stacks of
/// neighbouring discs differ by degrees (0.02 and more).
const ORIENTATION_TOLERANCE: f64 = 1e-3;
/// Slices closer than this lie at one position, mm (3D Slicer's tolerance).
const POSITION_TOLERANCE_MM: f64 = 0.01;
/// A distance of this many median spacings parts two stacks of the same orientation, one per disc, ...
const PARTING_SPACINGS: f64 = 4.0;
/// ... if there are at least this many slices on both sides; fewer are a stack with missing slices.
const PARTING_MIN_SLICES: usize = 3;

/// Arranges slices into stacks, ordered from head to foot (slices without geometry last). The result does not depend
/// on the order of the input but through `tie`, and at last the index.
///
/// ```
/// use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
/// use lumbar_dicom::stack::{Placed, arrange};
///
/// // Sagittal slices out of order; instance numbers run from left to right, the normal too.
/// let slice = |x: f64, instance| Placed {
///     plane: ImagePlane::new(
///         Point::new(x, -100.0, 120.0),
///         [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
///         PixelSpacing { row_mm: 0.6, column_mm: 0.6 },
///         [320, 320],
///     ).ok(),
///     tie: (0.0, instance),
/// };
/// let stacks = arrange(&[slice(0.0, 2), slice(-4.4, 3), slice(4.4, 1)]);
/// assert_eq!(stacks.len(), 1);
/// assert_eq!(stacks[0].slices, [2, 0, 1]);
/// assert!((stacks[0].spacing_mm.unwrap() - 4.4).abs() < 1e-9);
/// ```
pub fn arrange(slices: &[Placed]) -> Vec<Stack> {
    let mut stacks: Vec<(f64, Stack)> = Vec::new();
    for group in group_by_orientation(slices) {
        for part in part_at_wide_gaps(group) {
            for volume in split_volumes(part, slices) {
                stacks.push((mean_centre_z(&volume), finish(volume)));
            }
        }
    }
    // Stable: stacks at one height keep the order of their orientation.
    stacks.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut stacks: Vec<Stack> = stacks.into_iter().map(|(_, stack)| stack).collect();
    let mut unplaced: Vec<usize> = (0..slices.len()).filter(|i| slices[*i].plane.is_none()).collect();
    unplaced.sort_by(|a, b| by_tie(slices, *a, *b));
    if !unplaced.is_empty() {
        stacks.push(Stack {
            repeats: vec![false; unplaced.len()],
            slices: unplaced,
            plane: None,
            spacing_mm: None,
            n_gaps: 0,
            uneven: false,
            sheared: false,
        });
    }
    stacks
}

/// A slice of a group: its index, its plane and its depth along the group's normal.
type Member = (usize, ImagePlane, f64);

fn by_tie(slices: &[Placed], a: usize, b: usize) -> Ordering {
    let (x, y) = (slices[a].tie, slices[b].tie);
    x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)).then(a.cmp(&b))
}

/// Groups by direction, each sorted by depth. Candidates are taken in the order of their directions, so that the
/// groups do not depend on the order of the input.
fn group_by_orientation(slices: &[Placed]) -> Vec<Vec<Member>> {
    let mut placed: Vec<(usize, ImagePlane)> = slices
        .iter()
        .enumerate()
        .filter_map(|(i, slice)| Some((i, slice.plane?)))
        .collect();
    placed.sort_by(|a, b| {
        let (x, y) = (directions(&a.1), directions(&b.1));
        let by_direction = x
            .iter()
            .zip(&y)
            .map(|(x, y)| x.total_cmp(y))
            .find(|order| order.is_ne());
        by_direction
            .unwrap_or(Ordering::Equal)
            .then(by_tie(slices, a.0, b.0))
    });
    let mut groups: Vec<(ImagePlane, Vec<Member>)> = Vec::new();
    for (index, plane) in placed {
        let same = |other: &ImagePlane| {
            directions(other)
                .iter()
                .zip(directions(&plane))
                .all(|(a, b)| (a - b).abs() <= ORIENTATION_TOLERANCE)
        };
        let at = groups
            .iter()
            .position(|(first, _)| same(first))
            .unwrap_or_else(|| {
                groups.push((plane, Vec::new()));
                groups.len() - 1
            });
        let (first, members) = &mut groups[at];
        members.push((index, plane, depth(&plane, first.normal())));
    }
    for (_, members) in &mut groups {
        members.sort_by(|a, b| a.2.total_cmp(&b.2));
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

fn directions(plane: &ImagePlane) -> [f64; 6] {
    let (r, c) = (plane.row_direction(), plane.column_direction());
    [r.x, r.y, r.z, c.x, c.y, c.z]
}

fn depth(plane: &ImagePlane, normal: Vector) -> f64 {
    plane.origin().to_vector().dot(normal)
}

/// Distances between different positions of members sorted by depth, each with the index behind it.
fn steps(members: &[Member]) -> Vec<(usize, f64)> {
    let mut last = match members.first() {
        Some(first) => first.2,
        None => return Vec::new(),
    };
    let mut steps = Vec::new();
    for (i, member) in members.iter().enumerate() {
        if member.2 - last > POSITION_TOLERANCE_MM {
            steps.push((i, member.2 - last));
            last = member.2;
        }
    }
    steps
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (
        values.get(values.len().checked_sub(1)? / 2)?,
        values.get(values.len() / 2)?,
    );
    Some((low + high) / 2.0)
}

fn part_at_wide_gaps(members: Vec<Member>) -> Vec<Vec<Member>> {
    let steps = steps(&members);
    let Some(spacing) = median(steps.iter().map(|step| step.1).collect()) else {
        return vec![members];
    };
    let mut cuts = vec![0];
    let wide = steps
        .iter()
        .filter(|step| step.1 > PARTING_SPACINGS * spacing)
        .map(|step| step.0);
    for cut in wide.chain([members.len()]) {
        let start = *cuts.last().expect("there is a first cut");
        if cut - start >= PARTING_MIN_SLICES
            && (cut == members.len() || members.len() - cut >= PARTING_MIN_SLICES)
        {
            cuts.push(cut);
        }
    }
    // Whatever could not be cut off stays with the part before it.
    *cuts.last_mut().expect("there is a first cut") = members.len();
    if cuts.len() < 2 {
        return vec![members];
    }
    cuts.windows(2)
        .map(|pair| members[pair[0]..pair[1]].to_vec())
        .collect()
}

/// Several slices at each position are several volumes (echoes, repetitions) if there are equally many everywhere.
fn split_volumes(mut members: Vec<Member>, slices: &[Placed]) -> Vec<Vec<Member>> {
    let mut starts: Vec<usize> = [0]
        .into_iter()
        .chain(steps(&members).into_iter().map(|step| step.0))
        .collect();
    starts.push(members.len());
    for pair in starts.windows(2) {
        members[pair[0]..pair[1]].sort_by(|a, b| by_tie(slices, a.0, b.0));
    }
    let n_volumes = starts[1];
    let regular =
        n_volumes > 1 && starts.len() > 2 && starts.windows(2).all(|pair| pair[1] - pair[0] == n_volumes);
    if !regular {
        return vec![members];
    }
    (0..n_volumes)
        .map(|volume| members.iter().skip(volume).step_by(n_volumes).copied().collect())
        .collect()
}

fn mean_centre_z(members: &[Member]) -> f64 {
    let centre_z = |plane: &ImagePlane| {
        let (rows, columns) = (f64::from(plane.rows()), f64::from(plane.columns()));
        let middle = lumbar_core::PixelPoint::new((columns - 1.0) / 2.0, (rows - 1.0) / 2.0);
        plane.pixel_to_patient(middle).z
    };
    let mean = members.iter().map(|member| centre_z(&member.1)).sum::<f64>() / members.len() as f64;
    // To a thousandth of a millimetre, so that rounding does not reorder stacks that share a centre.
    (mean * 1e3).round() / 1e3
}

fn finish(members: Vec<Member>) -> Stack {
    let steps = steps(&members);
    let spacing = median(steps.iter().map(|step| step.1).collect());
    let is_gap = |step: f64| spacing.is_some_and(|spacing| step > 1.5 * spacing);
    let is_uneven = |step: f64| spacing.is_some_and(|spacing| (step - spacing).abs() > 0.05 * spacing);
    let mut repeats = vec![true; members.len()];
    repeats.iter_mut().take(1).for_each(|first| *first = false);
    for (i, _) in &steps {
        repeats[*i] = false;
    }
    Stack {
        repeats,
        plane: members.first().map(|member| member.1.kind()),
        spacing_mm: spacing,
        n_gaps: steps.iter().filter(|step| is_gap(step.1)).count() as u32,
        uneven: steps.iter().any(|step| !is_gap(step.1) && is_uneven(step.1)),
        sheared: is_sheared(&members),
        slices: members.into_iter().map(|member| member.0).collect(),
    }
}

/// Whether first pixels leave the line along the normal by more than a tenth of a millimetre per slice.
fn is_sheared(members: &[Member]) -> bool {
    const TOLERANCE_MM: f64 = 0.1;
    members.windows(2).any(|pair| {
        let (a, b) = (&pair[0].1, &pair[1].1);
        let same_grid = a.spacing() == b.spacing() && (a.rows(), a.columns()) == (b.rows(), b.columns());
        let offset = b.origin() - a.origin();
        let along = a.normal() * offset.dot(a.normal());
        same_grid && (offset - along).length() > TOLERANCE_MM
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_core::{PixelSpacing, Point};

    fn axial(tilt_deg: f64, centre_z: f64, along_mm: f64, instance: i32) -> Placed {
        let (s, c) = tilt_deg.to_radians().sin_cos();
        let directions = [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, c, s)];
        let normal = directions[0].cross(directions[1]);
        let origin = Point::new(-80.0, -80.0, centre_z) + normal * along_mm;
        let spacing = PixelSpacing {
            row_mm: 1.0,
            column_mm: 1.0,
        };
        Placed {
            plane: ImagePlane::new(origin, directions, spacing, [160, 160]).ok(),
            tie: (0.0, instance),
        }
    }

    #[test]
    fn tilted_stacks_come_apart_and_run_from_head_to_foot() {
        // Three discs, four slices each, interleaved in the file order.
        let mut slices = Vec::new();
        for step in [2, 0, 3, 1] {
            for (disc, tilt) in [(2, -20.0), (0, 10.0), (1, -5.0)] {
                slices.push(axial(
                    tilt,
                    -35.0 * f64::from(disc),
                    4.0 * f64::from(step),
                    slices.len() as i32,
                ));
            }
        }
        let stacks = arrange(&slices);
        assert_eq!(stacks.len(), 3);
        assert_eq!(
            stacks[0].slices,
            [4, 10, 1, 7],
            "disc 0 is the second of each triple; steps 0, 1, 2, 3"
        );
        assert_eq!(stacks[1].slices, [5, 11, 2, 8]);
        for stack in &stacks {
            assert!((stack.spacing_mm.unwrap() - 4.0).abs() < 1e-9);
            assert!(!stack.uneven && !stack.sheared && stack.n_gaps == 0);
            assert_eq!(stack.plane, Some(Plane::Axial));
        }
    }

    #[test]
    fn order_of_input_does_not_matter() {
        let slices: Vec<_> = (0..12)
            .map(|i| axial(f64::from(i / 4) * 8.0, f64::from(i / 4), f64::from(i % 4), i))
            .collect();
        let mut reversed = slices.clone();
        reversed.reverse();
        let names = |slices: &[Placed]| -> Vec<Vec<i32>> {
            let name = |stack: Stack| stack.slices.iter().map(|i| slices[*i].tie.1).collect();
            arrange(slices).into_iter().map(name).collect()
        };
        assert_eq!(names(&slices), names(&reversed));
    }

    #[test]
    fn stacks_of_one_orientation_part_at_wide_gaps_only() {
        let place = |positions: &[f64]| -> Vec<Placed> {
            positions
                .iter()
                .enumerate()
                .map(|(i, d)| axial(0.0, 0.0, *d, i as i32))
                .collect()
        };
        let stacks = arrange(&place(&[0.0, 4.0, 8.0, 40.0, 44.0, 48.0]));
        assert_eq!(stacks.len(), 2);
        assert_eq!(stacks[0].slices, [3, 4, 5]);
        let stacks = arrange(&place(&[0.0, 4.0, 8.0, 16.0, 20.0]));
        assert_eq!((stacks.len(), stacks[0].n_gaps), (1, 1));
        let stacks = arrange(&place(&[0.0, 4.0, 8.0, 40.0]));
        assert_eq!((stacks.len(), stacks[0].n_gaps), (1, 1));
    }

    #[test]
    fn equal_numbers_at_each_position_are_volumes_and_others_repeats() {
        let place = |pairs: &[(f64, i32)]| -> Vec<Placed> {
            pairs
                .iter()
                .map(|(d, instance)| axial(0.0, 0.0, *d, *instance))
                .collect()
        };
        let stacks = arrange(&place(&[(0.0, 1), (4.0, 2), (0.0, 3), (4.0, 4)]));
        assert_eq!(
            stacks
                .iter()
                .map(|stack| stack.slices.clone())
                .collect::<Vec<_>>(),
            [vec![0, 1], vec![2, 3]]
        );
        let stacks = arrange(&place(&[(0.0, 1), (4.0, 2), (0.0, 3)]));
        assert_eq!(
            (stacks[0].slices.as_slice(), stacks[0].repeats.as_slice()),
            ([0, 2, 1].as_slice(), [false, true, false].as_slice())
        );
    }

    #[test]
    fn slices_without_geometry_keep_their_instance_order() {
        let unplaced = |instance| Placed {
            plane: None,
            tie: (0.0, instance),
        };
        let stacks = arrange(&[unplaced(10), axial(0.0, 0.0, 0.0, 1), unplaced(2)]);
        assert_eq!(stacks.len(), 2);
        assert_eq!(stacks[1].slices, [2, 0]);
        assert_eq!(stacks[1].plane, None);
    }
}
