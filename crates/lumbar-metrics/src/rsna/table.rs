//! Rows of the score, added up by study so that a resample of studies costs next to nothing.

use super::{RSNA_WEIGHTS, RowSums, RsnaGroup, RsnaScore};
use crate::{
    Bootstrap, Estimate, InputError, Undefined,
    bootstrap::Comparison,
    confusion::ratio,
    engine::{Computed, Resampled},
    proper::{LOG_LOSS_FLOOR, clipped_log_loss},
    sum::Sum,
};
use std::collections::BTreeMap;

/// One graded case of the score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RsnaRow<'a> {
    /// The study; its spinal rows make one "any severe" case.
    pub study: &'a str,
    /// The group the case is scored in.
    pub group: RsnaGroup,
    /// The true grade: 0 normal or mild, 1 moderate, 2 severe.
    pub truth: usize,
    /// The probability of each grade, under the 1/2/4 weights (see
    /// [`ScoreMap`](crate::calibration::ScoreMap)).
    pub probabilities: [f64; 3],
}

/// Truth and predictions of the score, checked and ready to be scored, resampled by study, or compared.
///
/// ```
/// use lumbar_metrics::{Bootstrap, RowSums, RsnaGroup, RsnaRow, RsnaTable};
///
/// let row = |study, group, truth| RsnaRow { study, group, truth, probabilities: [1.0 / 3.0; 3] };
/// let mut rows = Vec::new();
/// for (study, spinal) in [("1", 2), ("2", 0), ("3", 1)] {
///     rows.push(row(study, RsnaGroup::Spinal, spinal));
///     rows.push(row(study, RsnaGroup::Foraminal, 0));
///     rows.push(row(study, RsnaGroup::Subarticular, 1));
/// }
/// let score = RsnaTable::new(&rows, RowSums::AsGiven)?.score();
/// assert!((score.spinal? - 3_f64.ln()).abs() < 1e-12);
/// // Study 1 (weight 4) is severe, studies 2 (weight 1) and 3 (weight 2) are not.
/// assert!((score.any_severe_spinal? - (4.0 * 3_f64.ln() + 3.0 * 1.5_f64.ln()) / 7.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RsnaTable {
    studies: Vec<Study>,
    /// To tell whether two tables are of the same cases: (study, group, grade) in order.
    cases: Vec<(u32, RsnaGroup, usize)>,
    names: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Study {
    /// By group: Σ weight × loss and Σ weight.
    loss: [Sum; 3],
    weight: [f64; 3],
    any_severe: Option<AnySevere>,
}

#[derive(Debug, Clone, Copy)]
struct AnySevere {
    truth: bool,
    severe_probability: f64,
    weight: f64,
}

impl RsnaTable {
    /// Checks the rows and adds them up by study.
    ///
    /// # Errors
    /// On a grade above 2, or a probability that is negative, not finite, or above 1 with [`RowSums::AsGiven`].
    pub fn new(rows: &[RsnaRow<'_>], row_sums: RowSums) -> Result<RsnaTable, InputError> {
        let mut number: BTreeMap<&str, u32> = rows.iter().map(|row| (row.study, 0)).collect();
        for (i, idx) in number.values_mut().enumerate() {
            *idx = i as u32;
        }
        let mut table = RsnaTable {
            studies: vec![Study::default(); number.len()],
            cases: Vec::with_capacity(rows.len()),
            names: number.keys().map(|name| (*name).to_owned()).collect(),
        };
        for (row_idx, row) in rows.iter().enumerate() {
            check(row_idx, row, row_sums)?;
            let study = number[row.study];
            table.cases.push((study, row.group, row.truth));
            table.studies[study as usize].add(row, row_sums);
        }
        Ok(table)
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.cases.len()
    }

    /// Number of studies.
    pub fn n_studies(&self) -> usize {
        self.studies.len()
    }

    /// The score and its parts.
    pub fn score(&self) -> RsnaScore {
        self.weighted(&vec![1.0; self.studies.len()])
    }

    /// The score and its parts with intervals, resampling studies.
    ///
    /// Measures are named `rsna_score`, `rsna_spinal`, `rsna_foraminal`, `rsna_subarticular` and
    /// `rsna_any_severe_spinal`.
    pub fn estimate(&self, bootstrap: &Bootstrap) -> Vec<Estimate> {
        let mut estimates = self.score().estimates(self.n_rows(), self.n_studies());
        for (estimate, interval) in estimates.iter_mut().zip(bootstrap.intervals(self)) {
            estimate.interval = Some(interval);
        }
        estimates
    }

    /// The difference `self - other` of two models on the same cases, with intervals.
    ///
    /// # Errors
    /// If the two are not of the same cases in the same order.
    pub fn compare(&self, other: &RsnaTable, bootstrap: &Bootstrap) -> Result<Vec<Comparison>, InputError> {
        if self.names != other.names || self.cases != other.cases {
            return Err(InputError::Unpaired {
                what: "studies, groups or true grades",
            });
        }
        let pair = TablePair { a: self, b: other };
        let intervals = bootstrap.intervals(&pair);
        let estimates = |table: &RsnaTable| table.score().estimates(table.n_rows(), table.n_studies());
        let sides = estimates(self).into_iter().zip(estimates(other));
        let with_interval = sides.zip(intervals);
        Ok(with_interval
            .map(|((a, b), interval)| Comparison {
                difference: Estimate {
                    value: a.value.and_then(|x| b.value.map(|y| x - y)),
                    interval: Some(interval),
                    ..a.clone()
                },
                a,
                b,
            })
            .collect())
    }

    fn weighted(&self, multiplicity: &[f64]) -> RsnaScore {
        let mut loss = [Sum::default(); 4];
        let mut weight = [Sum::default(); 4];
        let mut any_severe_studies = [false; 2];
        for (study, times) in self.studies.iter().zip(multiplicity) {
            if *times == 0.0 {
                continue;
            }
            for group in 0..3 {
                loss[group].add(times * study.loss[group].value());
                weight[group].add(times * study.weight[group]);
            }
            if let Some(any) = study.any_severe {
                any_severe_studies[usize::from(any.truth)] = true;
                loss[3].add(times * any.weight * any.loss());
                weight[3].add(times * any.weight);
            }
        }
        let mut parts = [0, 1, 2, 3].map(|i| ratio(loss[i].value(), weight[i].value(), Undefined::NoCases));
        if parts[3].is_ok() && any_severe_studies != [true, true] {
            parts[3] = Err(Undefined::SingleClass);
        }
        RsnaScore::of_parts(parts)
    }
}

impl Study {
    fn add(&mut self, row: &RsnaRow<'_>, row_sums: RowSums) {
        let group = row.group as usize;
        let weight = RSNA_WEIGHTS[row.truth];
        self.loss[group].add(weight * row_loss(row, row_sums));
        self.weight[group] += weight;
        if row.group == RsnaGroup::Spinal {
            let severe = row.truth == 2;
            let any = self.any_severe.get_or_insert(AnySevere {
                truth: severe,
                severe_probability: row.probabilities[2],
                weight,
            });
            any.truth |= severe;
            any.severe_probability = any.severe_probability.max(row.probabilities[2]);
            any.weight = any.weight.max(weight);
        }
    }
}

impl AnySevere {
    /// The challenge passes one probability, so scikit-learn makes the other as its complement.
    fn loss(self) -> f64 {
        let clipped = self
            .severe_probability
            .clamp(LOG_LOSS_FLOOR, 1.0 - LOG_LOSS_FLOOR);
        -if self.truth { clipped } else { 1.0 - clipped }.ln()
    }
}

fn row_loss(row: &RsnaRow<'_>, row_sums: RowSums) -> f64 {
    match row_sums {
        RowSums::AsGiven => clipped_log_loss(row.probabilities[row.truth]),
        RowSums::Renormalise => {
            let clipped = row
                .probabilities
                .map(|p| p.clamp(LOG_LOSS_FLOOR, 1.0 - LOG_LOSS_FLOOR));
            -(clipped[row.truth] / clipped.iter().sum::<f64>()).ln()
        }
    }
}

fn check(row_idx: usize, row: &RsnaRow<'_>, row_sums: RowSums) -> Result<(), InputError> {
    crate::validate::grades("true", &[row.truth], 3).map_err(|_| InputError::Grade {
        row: row_idx,
        what: "true",
        grade: row.truth,
        n_grades: 3,
    })?;
    let most = match row_sums {
        RowSums::AsGiven => 1.0,
        RowSums::Renormalise => f64::MAX,
    };
    match row.probabilities.iter().position(|p| !(0.0..=most).contains(p)) {
        None => Ok(()),
        Some(grade) => Err(InputError::Probability {
            row: row_idx,
            grade,
            value: row.probabilities[grade],
        }),
    }
}

fn plain(score: &RsnaScore) -> Vec<Result<Computed, Undefined>> {
    let computed = |value: Result<f64, Undefined>| value.map(|value| Computed { value, over: None });
    score.values().into_iter().map(computed).collect()
}

impl Resampled for RsnaTable {
    type Scratch = ();

    fn scratch(&self) {}

    fn n_units(&self) -> usize {
        self.studies.len()
    }

    fn values(&self, multiplicity: &[f64], (): &mut ()) -> Vec<Result<Computed, Undefined>> {
        plain(&self.weighted(multiplicity))
    }
}

struct TablePair<'a> {
    a: &'a RsnaTable,
    b: &'a RsnaTable,
}

impl Resampled for TablePair<'_> {
    type Scratch = ();

    fn scratch(&self) {}

    fn n_units(&self) -> usize {
        self.a.n_units()
    }

    fn values(&self, multiplicity: &[f64], scratch: &mut ()) -> Vec<Result<Computed, Undefined>> {
        let a = self.a.values(multiplicity, scratch);
        let b = self.b.values(multiplicity, scratch);
        let both = a.into_iter().zip(b);
        both.map(|(a, b)| {
            Ok(Computed {
                value: a?.value - b?.value,
                over: None,
            })
        })
        .collect()
    }
}
