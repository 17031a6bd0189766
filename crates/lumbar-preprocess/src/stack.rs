//! Mini-stacks: the slices around a slice, by their place in the patient.

use crate::PreprocessError;

/// How a place of a mini-stack was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fill {
    /// By the slice that lies there.
    Slice,
    /// The stack ends before: the last slice is repeated. Tilted axial stacks end where the next disc's stack begins,
    /// and are not continued across, as the neighbour there is tilted otherwise.
    End,
    /// A slice is missing there: the nearest one towards the centre is repeated.
    Gap,
}

/// One place of a mini-stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pick {
    /// Index of the slice, into the positions given.
    pub slice: usize,
    /// How the place was filled.
    pub fill: Fill,
}

/// The `depth` slices around slice `centre` of one stack, given where its slices lie along the normal.
///
/// The places are `centre + k x spacing` with the stack's median spacing; each is filled by the slice nearest to it
/// within half a spacing. Where none is, at the ends and at gaps, the last slice towards the centre is repeated and
/// [`Pick::fill`] says so. Slices at the same position (repeats) stand for each other; the first is taken.
///
/// Only slices of one stack (one orientation) belong in `positions_mm`; their order does not matter. The result
/// ascends in position: pass [`depth_position_mm`](crate::orient::depth_position_mm) to get sagittal stacks from
/// patient right to left and axial ones from head to foot.
///
/// ```
/// use lumbar_preprocess::stack::{mini_stack, Fill};
/// // Instance order is not anatomical order, and the slice at 12 mm is missing.
/// let positions_mm = [16.0, 0.0, 8.0, 4.0];
/// let picks = mini_stack(&positions_mm, 2, 5)?;
/// assert_eq!(picks.iter().map(|p| p.slice).collect::<Vec<_>>(), [1, 3, 2, 2, 0]);
/// assert_eq!(picks[3].fill, Fill::Gap);
/// # Ok::<(), lumbar_preprocess::PreprocessError>(())
/// ```
///
/// # Errors
/// [`PreprocessError::BadParameter`] for an even depth, a centre that is not among the positions, or a position that is not finite.
pub fn mini_stack(positions_mm: &[f64], centre: usize, depth: usize) -> Result<Vec<Pick>, PreprocessError> {
    if depth.is_multiple_of(2) {
        return Err(PreprocessError::parameter(
            "depth",
            depth,
            "an odd number of slices",
        ));
    }
    let Some(&middle_mm) = positions_mm.get(centre) else {
        return Err(PreprocessError::parameter(
            "centre",
            centre,
            "a slice of the stack",
        ));
    };
    if !positions_mm.iter().all(|position| position.is_finite()) {
        return Err(PreprocessError::parameter(
            "positions_mm",
            "not finite",
            "finite positions",
        ));
    }
    let half = depth / 2;
    let middle = Pick {
        slice: centre,
        fill: Fill::Slice,
    };
    let mut picks = vec![middle; depth];
    let Some(spacing_mm) = median_spacing_mm(positions_mm) else {
        // A stack of one slice (or of repeats of one) ends in both directions.
        for pick in picks.iter_mut().take(half) {
            pick.fill = Fill::End;
        }
        for pick in picks.iter_mut().skip(half + 1) {
            pick.fill = Fill::End;
        }
        return Ok(picks);
    };
    for direction in [-1.0, 1.0] {
        let mut inner = centre;
        for k in 1..=half {
            let wanted_mm = middle_mm + direction * spacing_mm * k as f64;
            let pick = pick_at(positions_mm, wanted_mm, spacing_mm, direction, inner);
            inner = pick.slice;
            let place = if direction < 0.0 { half - k } else { half + k };
            picks[place] = pick;
        }
    }
    Ok(picks)
}

fn pick_at(positions_mm: &[f64], wanted_mm: f64, spacing_mm: f64, direction: f64, inner: usize) -> Pick {
    let away = |i: &usize| (positions_mm[*i] - wanted_mm).abs();
    let nearest = (0..positions_mm.len())
        .min_by(|a, b| away(a).total_cmp(&away(b)).then(a.cmp(b)))
        .unwrap_or(inner);
    // Rounding of positions must not turn a regular stack into gaps, hence slightly more than half.
    const HALF: f64 = 0.5 + 1e-6;
    let beyond_inner = (positions_mm[nearest] - positions_mm[inner]) * direction > 0.0;
    if away(&nearest) <= spacing_mm * HALF && beyond_inner {
        return Pick {
            slice: nearest,
            fill: Fill::Slice,
        };
    }
    let more_beyond = positions_mm
        .iter()
        .any(|position| (position - wanted_mm) * direction > 0.0);
    Pick {
        slice: inner,
        fill: if more_beyond { Fill::Gap } else { Fill::End },
    }
}

/// Median distance between neighbouring positions, mm, repeats left out; `None` for fewer than two places.
pub fn median_spacing_mm(positions_mm: &[f64]) -> Option<f64> {
    // Closer than this, two slices are a repeat of one (positions are written with a few decimals).
    const REPEAT_MM: f64 = 1e-3;
    let mut sorted = positions_mm.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut steps: Vec<f64> = sorted
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .filter(|step| *step > REPEAT_MM)
        .collect();
    steps.sort_by(f64::total_cmp);
    let n = steps.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(steps[n / 2]),
        _ => Some((steps[n / 2 - 1] + steps[n / 2]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slices(picks: &[Pick]) -> Vec<usize> {
        picks.iter().map(|pick| pick.slice).collect()
    }

    #[test]
    fn ends_repeat_the_last_slice() {
        let picks = mini_stack(&[0.0, 4.0, 8.0], 0, 5).unwrap();
        assert_eq!(slices(&picks), [0, 0, 0, 1, 2]);
        assert_eq!(picks[0].fill, Fill::End);
        assert_eq!(picks[4].fill, Fill::Slice);
        let alone = mini_stack(&[7.0], 0, 3).unwrap();
        assert_eq!(slices(&alone), [0, 0, 0]);
        assert_eq!(
            [alone[0].fill, alone[1].fill, alone[2].fill],
            [Fill::End, Fill::Slice, Fill::End]
        );
    }

    #[test]
    fn repeats_stand_for_each_other() {
        let picks = mini_stack(&[0.0, 0.0, 4.0, 4.0, 8.0], 3, 3).unwrap();
        assert_eq!(slices(&picks), [0, 3, 4]);
        assert!(picks.iter().all(|pick| pick.fill == Fill::Slice));
    }

    #[test]
    fn wrong_requests_are_errors() {
        assert!(mini_stack(&[0.0, 1.0], 0, 2).is_err());
        assert!(mini_stack(&[0.0, 1.0], 2, 3).is_err());
        assert!(mini_stack(&[0.0, f64::NAN], 0, 3).is_err());
    }

    proptest! {
        #[test]
        fn input_order_does_not_matter(n in 1usize..20, centre in 0usize..20, half in 0usize..4, seed in any::<u64>()) {
            let centre = centre % n;
            let ordered: Vec<f64> = (0..n).map(|i| i as f64 * 4.4 - 31.0).collect();
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            let shuffled: Vec<f64> = order.iter().map(|i| ordered[*i]).collect();
            let at = order.iter().position(|i| *i == centre).unwrap();
            let a = mini_stack(&ordered, centre, 2 * half + 1).unwrap();
            let b = mini_stack(&shuffled, at, 2 * half + 1).unwrap();
            for (k, (a, b)) in a.iter().zip(&b).enumerate() {
                prop_assert_eq!(a.slice, order[b.slice]);
                prop_assert_eq!(a.fill, b.fill);
                let place = centre as i64 + k as i64 - half as i64;
                prop_assert_eq!(a.slice as i64, place.clamp(0, n as i64 - 1));
            }
        }
    }
}
