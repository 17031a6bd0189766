//! The values on the data as they are, without preparing for resamples.

use super::{Computed, Engine, Ranks, Tally, losses::Losses, needs::Needs, order::PACKED_CLASSES};
use crate::{Evaluation, Measure, Undefined};
use rayon::prelude::*;

/// Below this many rows a second thread costs more than it saves.
const FEW_ROWS: usize = 10_000;

/// The values of the measures. The same, to the bit, as those of an [`Engine`]; unweighted rows are ranked by sorting
/// nothing but probabilities with their class.
pub(crate) fn point(e: &Evaluation, measures: &[Measure]) -> Vec<Result<Computed, Undefined>> {
    let binned = measures.iter().any(|m| matches!(m, Measure::Ece(_)));
    if binned || e.weights().is_some() || e.n_grades() > PACKED_CLASSES {
        return Engine::new(e, measures).point();
    }
    let k = e.n_grades();
    let needs = Needs::of(measures, k);
    let mut tally = Tally::new(k);
    tally.total = e.n_rows() as f64;
    if needs.calls {
        tally.confusion = e.confusion();
    }
    if needs.losses {
        let (units, n_units) = super::units_of(e);
        tally.losses = Losses::of(e, &units, n_units).total(&vec![1.0; n_units]);
    }
    // One-vs-rest by grade, then "at least" by grade.
    let rank = |i: usize| match (i.checked_sub(k), needs.grades[i % k], needs.tails[i % k]) {
        (None, true, _) => {
            let scores = e.probabilities()[i..].iter().step_by(k).copied();
            Some(Ranks::of_rows(scores.zip(e.truth().iter().copied()), i, k))
        }
        (Some(grade), _, true) => {
            let rows = e.truth().iter().enumerate();
            let event = rows.map(|(row, truth)| (e.tail(row, grade), usize::from(*truth >= grade)));
            Some(Ranks::of_rows(event, 1, 2))
        }
        _ => None,
    };
    let ranks: Vec<Option<Ranks>> = if e.n_rows() < FEW_ROWS {
        (0..2 * k).map(rank).collect()
    } else {
        (0..2 * k).into_par_iter().map(rank).collect()
    };
    for (slot, ranks) in tally.grades.iter_mut().chain(&mut tally.tails).zip(ranks) {
        if let Some(ranks) = ranks {
            *slot = ranks;
        }
    }
    measures.iter().map(|m| tally.value(*m, e.absent())).collect()
}
