//! Two models on the same patients.

use crate::{
    Estimate, Evaluation, Interval, Measure, Undefined,
    engine::{Computed, Engine, Resampled, Tally},
};
use serde::{Deserialize, Serialize};

/// A measure of two models on the same cases, and their difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first model.
    pub a: Estimate,
    /// The second model.
    pub b: Estimate,
    /// `a - b`, with its interval if one was asked for.
    pub difference: Estimate,
}

impl Comparison {
    /// Whether the interval of the difference leaves out zero; `None` without an interval. Models that differ in no
    /// resample at all have none, but no resample leaves out zero either.
    pub fn excludes_zero(&self) -> Option<bool> {
        match (self.difference.interval, self.difference.value) {
            (Some(Ok(interval)), _) => Some(!interval.contains(0.0)),
            (Some(Err(Undefined::NoVariation)), Ok(0.0)) => Some(false),
            _ => None,
        }
    }
}

/// Both models, drawn together.
pub(crate) struct Pair<'a> {
    pub(crate) a: Engine<'a>,
    pub(crate) b: Engine<'a>,
}

impl Resampled for Pair<'_> {
    type Scratch = Tally;

    fn scratch(&self) -> Tally {
        self.a.scratch()
    }

    fn n_units(&self) -> usize {
        self.a.n_units()
    }

    fn values(&self, multiplicity: &[f64], tally: &mut Tally) -> Vec<Result<Computed, Undefined>> {
        let a = self.a.values(multiplicity, tally);
        let b = self.b.values(multiplicity, tally);
        a.into_iter().zip(b).map(|(a, b)| difference(a, b)).collect()
    }
}

fn difference(a: Result<Computed, Undefined>, b: Result<Computed, Undefined>) -> Result<Computed, Undefined> {
    let (a, b) = (a?, b?);
    match (a.over, b.over) {
        // One mean goes over other grades than the other: nothing to subtract.
        (Some(x), Some(y)) if x.used != y.used => Err(Undefined::AbsentGrades {
            used: x.used.min(y.used),
            of: x.of,
        }),
        _ => Ok(Computed {
            value: a.value - b.value,
            over: a.over,
        }),
    }
}

pub(crate) fn comparisons(
    measures: &[Measure],
    evaluation: &Evaluation,
    pair: &Pair<'_>,
    intervals: Vec<Result<Interval, Undefined>>,
) -> Vec<Comparison> {
    let (a, b) = (pair.a.point(), pair.b.point());
    let estimate = |measure: &Measure, computed: Result<Computed, Undefined>, interval| Estimate {
        measure: measure.to_string(),
        value: computed.map(|c| c.value),
        interval,
        n: evaluation.n_rows(),
        n_clusters: evaluation.n_clusters(),
        grades_used: computed.ok().and_then(|c| c.over),
    };
    let each = measures.iter().zip(a).zip(b).zip(intervals);
    each.map(|(((measure, a), b), interval)| Comparison {
        a: estimate(measure, a, None),
        b: estimate(measure, b, None),
        difference: estimate(measure, difference(a, b), Some(interval)),
    })
    .collect()
}
