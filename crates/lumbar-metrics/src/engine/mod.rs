//! All measures from one set of multiplicities: the estimate uses 1 for every unit, a resample uses its draws.
//!
//! So an interval is never of another quantity than its estimate: there is one code path. Scores are sorted once; a
//! resample walks the sorted rows with each row's weight multiplied by how often its patient was drawn.

mod bins;
mod gaps;
mod losses;
mod needs;
mod order;
mod quick;
mod radix;
mod ranks;
mod tally;
mod walk;

pub(crate) use order::descending;
pub(crate) use quick::point;
pub(crate) use ranks::Ranks;
pub(crate) use walk::{Step, Walk};

use crate::{
    Binning, Ece, EceOf, Evaluation, GradesUsed, Measure, Undefined, confusion::ratio,
    evaluation::most_probable,
};
use gaps::Gaps;
use losses::Losses;
use needs::Needs;
pub(crate) use tally::Tally;

/// A value, and over how many grades its mean went if it is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Computed {
    pub(crate) value: f64,
    pub(crate) over: Option<GradesUsed>,
}

/// Something whose values can be computed with each unit counted so many times.
pub(crate) trait Resampled: Sync {
    /// Space to work in, kept between resamples.
    type Scratch: Send;

    fn scratch(&self) -> Self::Scratch;

    /// How many units there are to draw from.
    fn n_units(&self) -> usize;

    /// The values, with unit `i` counted `multiplicity[i]` times.
    fn values(&self, multiplicity: &[f64], scratch: &mut Self::Scratch) -> Vec<Result<Computed, Undefined>>;
}

pub(crate) struct Engine<'a> {
    evaluation: &'a Evaluation,
    measures: Vec<Measure>,
    needs: Needs,
    /// The unit of each row: its cluster, or the row itself.
    units: Vec<u32>,
    n_units: usize,
    losses: Option<Losses>,
    grades: Vec<Option<Walk>>,
    tails: Vec<Option<Walk>>,
    top_label: Option<Walk>,
    /// Of each calibration error with bins of equal width, if prepared for resamples.
    gaps: Vec<(Ece, Vec<Gaps>)>,
}

/// The unit of each row, and how many there are: clusters, or rows if there are none.
fn units_of(e: &Evaluation) -> (Vec<u32>, usize) {
    match e.clusters() {
        Some(clusters) => (clusters.of_row.clone(), clusters.n),
        None => ((0..e.n_rows() as u32).collect(), e.n_rows()),
    }
}

impl<'a> Engine<'a> {
    /// Units are the clusters of the evaluation, or its rows if it has none.
    pub(crate) fn new(evaluation: &'a Evaluation, measures: &[Measure]) -> Engine<'a> {
        let (units, n_units) = units_of(evaluation);
        Engine::with_units(evaluation, measures, units, n_units)
    }

    /// Units are the rows, whatever cluster they belong to.
    pub(crate) fn by_row(evaluation: &'a Evaluation, measures: &[Measure]) -> Engine<'a> {
        let n = evaluation.n_rows();
        Engine::with_units(evaluation, measures, (0..n as u32).collect(), n)
    }

    fn with_units(e: &'a Evaluation, measures: &[Measure], units: Vec<u32>, n_units: usize) -> Engine<'a> {
        let k = e.n_grades();
        let n = e.n_rows();
        let needs = Needs::of(measures, k);
        let truth = e.truth();
        let grades = (0..k)
            .map(|g| {
                let scores = (0..n).map(|row| e.row(row)[g]);
                needs.grades[g].then(|| Walk::new(&units, e.weights(), scores, |row| truth[row]))
            })
            .collect();
        let tails = (0..k)
            .map(|g| {
                let scores = (0..n).map(|row| e.tail(row, g));
                needs.tails[g]
                    .then(|| Walk::new(&units, e.weights(), scores, |row| usize::from(truth[row] >= g)))
            })
            .collect();
        let top_label = needs.top_label.then(|| {
            let top = |row| most_probable(e.row(row));
            let scores = (0..n).map(|row| e.row(row)[top(row)]);
            Walk::new(&units, e.weights(), scores, |row| {
                usize::from(truth[row] == top(row))
            })
        });
        let losses = needs.losses.then(|| Losses::of(e, &units, n_units));
        Engine {
            evaluation: e,
            measures: measures.to_vec(),
            needs,
            units,
            n_units,
            losses,
            grades,
            tails,
            top_label,
            gaps: Vec::new(),
        }
    }

    /// Prepares what only many resamples make up for.
    pub(crate) fn for_resamples(mut self) -> Engine<'a> {
        self.gaps = self.gaps_of(&self.measures);
        self
    }

    fn gaps_of(&self, measures: &[Measure]) -> Vec<(Ece, Vec<Gaps>)> {
        let gaps_of = |ece: Ece, n_bins: u16| {
            let events: Vec<(&Option<Walk>, usize)> = match ece.of {
                EceOf::TopLabel => vec![(&self.top_label, 1)],
                EceOf::ClassWise => self.grades.iter().zip(0..).collect(),
                EceOf::Cumulative => self.tails[1..].iter().map(|walk| (walk, 1)).collect(),
            };
            let sorted = events
                .into_iter()
                .filter_map(|(walk, event)| Some((walk.as_ref()?, event)));
            sorted
                .map(|(walk, event)| Gaps::of(walk, event, n_bins))
                .collect()
        };
        let equal_width = measures.iter().filter_map(|measure| match *measure {
            Measure::Ece(
                ece @ Ece {
                    binning: Binning::EqualWidth(n),
                    ..
                },
            ) => Some((ece, gaps_of(ece, n))),
            _ => None,
        });
        equal_width.collect()
    }

    /// The values on the data as they are.
    pub(crate) fn point(&self) -> Vec<Result<Computed, Undefined>> {
        self.values(&vec![1.0; self.n_units], &mut self.scratch())
    }

    fn fill(&self, tally: &mut Tally, multiplicity: &[f64]) {
        tally.clear();
        let e = self.evaluation;
        for row in 0..e.n_rows() {
            let weight = multiplicity[self.units[row] as usize] * e.weight(row);
            tally.confusion.add(e.truth()[row], e.predicted()[row], weight);
        }
        tally.total = tally.confusion.total();
        if let Some(losses) = &self.losses {
            tally.losses = losses.total(multiplicity);
        }
        let k = e.n_grades();
        for (grade, walk) in self.grades.iter().enumerate() {
            if let (Some(walk), true) = (walk, self.needs.grade_ranks) {
                walk.ranks(grade, k, multiplicity, &mut tally.grades[grade]);
            }
        }
        for (grade, walk) in self.tails.iter().enumerate() {
            if let (Some(walk), true) = (walk, self.needs.tail_ranks) {
                walk.ranks(1, 2, multiplicity, &mut tally.tails[grade]);
            }
        }
    }

    fn ece(&self, ece: Ece, total: f64, multiplicity: &[f64]) -> Result<f64, Undefined> {
        let k = self.evaluation.n_grades();
        let gap = |walk: &Option<Walk>, event: usize| {
            let walk = walk.as_ref().expect("sorted because this measure was asked for");
            walk.calibration_gap(event, ece.binning, multiplicity)
        };
        let n = match ece.of {
            EceOf::TopLabel => 1,
            EceOf::ClassWise => k,
            EceOf::Cumulative => k - 1,
        } as f64;
        if let Some((_, gaps)) = self.gaps.iter().find(|(of, _)| *of == ece) {
            let sum: f64 = gaps.iter().map(|gaps| gaps.total(multiplicity)).sum();
            return ratio(sum / n, total, Undefined::NoCases);
        }
        let sum = match ece.of {
            EceOf::TopLabel => gap(&self.top_label, 1),
            EceOf::ClassWise => (0..k).map(|g| gap(&self.grades[g], g)).sum::<f64>(),
            EceOf::Cumulative => (1..k).map(|g| gap(&self.tails[g], 1)).sum::<f64>(),
        };
        ratio(sum / n, total, Undefined::NoCases)
    }
}

impl Resampled for Engine<'_> {
    type Scratch = Tally;

    fn scratch(&self) -> Tally {
        Tally::new(self.evaluation.n_grades())
    }

    fn n_units(&self) -> usize {
        self.n_units
    }

    fn values(&self, multiplicity: &[f64], tally: &mut Tally) -> Vec<Result<Computed, Undefined>> {
        self.fill(tally, multiplicity);
        let value = |measure: &Measure| match *measure {
            Measure::Ece(ece) => self
                .ece(ece, tally.total, multiplicity)
                .map(|value| Computed { value, over: None }),
            other => tally.value(other, self.evaluation.absent()),
        };
        self.measures.iter().map(value).collect()
    }
}
