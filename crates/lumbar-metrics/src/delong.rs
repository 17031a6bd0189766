//! Variance of an AUROC without resampling: DeLong, and Obuchowski for clustered cases.
//!
//! # Definition
//! Each case of the event has a placement: the share of other cases it outscores (ties half); each other case the share
//! of event cases that outscore it. The variance of AUROC is that of the mean placements. *DeLong* takes cases as
//! independent; *Obuchowski* sums placements within a cluster first, so that a patient counts as one:
//! Var = S10/M + S01/N + 2 S11/(M N), with the sums over clusters in her paper. With one case per cluster the two agree.
//! # Ties
//! Count half.
//! # Undefined
//! As AUROC is, and with fewer than two units with a case of the event, or of the others.
//! # Reference
//! DeLong, DeLong and Clarke-Pearson 1988; Obuchowski 1997; Sun and Xu 2014 for O(n log n). pROC: `ci.auc(roc(y, s))`,
//! `var(roc(y, s))` and `roc.test(a, b, paired = TRUE)` for the plain form.
//!
//! Plain DeLong on rows that share a patient gives intervals that are too narrow, so it is refused there unless asked
//! for by name ([`Rows::IndependentDespiteClusters`]).
//!
//! ```
//! use lumbar_metrics::{Binary, Share, delong::{DelongError, Rows, auroc_interval}};
//!
//! let scores = [0.9, 0.8, 0.3, 0.4, 0.2, 0.1];
//! let happened = [true, true, true, false, false, false];
//! let level = Share::new(0.95)?;
//! let cases = Binary::new(&scores, &happened)?;
//! assert_eq!(format!("{:.2}", auroc_interval(&cases, level, Rows::Independent)?), "0.89 (0.58 to 1.00)");
//!
//! let patients = cases.with_clusters(&["a", "a", "b", "b", "c", "c"])?;
//! assert!(matches!(
//!     auroc_interval(&patients, level, Rows::Independent),
//!     Err(DelongError::SharedClusters { n_rows: 6, n_clusters: 3 }),
//! ));
//! assert!(auroc_interval(&patients, level, Rows::Clustered).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{
    Binary, Estimate, InputError, Interval, IntervalMethod, Share, Undefined, normal, sum::Sum, validate,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How rows depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Each row is a patient of its own; refused if the cases say otherwise.
    Independent,
    /// Rows of a cluster belong together (Obuchowski).
    Clustered,
    /// Rows share clusters and are taken as independent all the same: too narrow, for comparison only.
    IndependentDespiteClusters,
}

/// Why there is no variance.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DelongError {
    /// Rows that share a cluster are not independent.
    #[error("{n_rows} rows of {n_clusters} clusters are not independent (ask for `Rows::Clustered`)")]
    SharedClusters {
        /// Rows.
        n_rows: usize,
        /// Clusters.
        n_clusters: usize,
    },
    /// The clustered form was asked for, but no clusters are known.
    #[error("the cases have no clusters (`with_clusters`)")]
    NoClusters,
    /// The formula has no weights.
    #[error("cases are weighted, which the formula does not know (use the bootstrap)")]
    Weighted,
    /// AUROC or its variance is undefined.
    #[error(transparent)]
    Undefined(#[from] Undefined),
    /// The cases of two models are not the same, or the level is not between 0 and 1.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// Two AUROCs on the same cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AurocDifference {
    /// The AUROC of the first model.
    pub a: f64,
    /// The AUROC of the second model.
    pub b: f64,
    /// `a - b`.
    pub difference: f64,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// Difference over standard error.
    pub z: f64,
    /// Two-sided probability of a |z| at least as large without a difference.
    pub p_value: f64,
    /// The interval of the difference.
    pub interval: Interval,
}

/// AUROC with its interval, `estimate ± z × standard error`, cut at 0 and 1.
///
/// # Errors
/// See [`DelongError`].
pub fn auroc_interval(cases: &Binary, level: Share, rows: Rows) -> Result<Estimate, DelongError> {
    let z = critical_value(level)?;
    let units = units(cases, rows)?;
    let placements = Placements::of(cases, &units)?;
    let half = z * covariance(&placements, &placements)?.sqrt();
    Ok(Estimate {
        measure: "auroc".to_owned(),
        value: Ok(placements.auroc),
        interval: Some(Ok(Interval {
            low: (placements.auroc - half).max(0.0),
            high: (placements.auroc + half).min(1.0),
            level: level.get(),
            method: method(rows),
            resamples: None,
        })),
        n: cases.n_rows(),
        n_clusters: cases.clusters.as_ref().map(|c| c.n),
        grades_used: None,
    })
}

/// The variance of an AUROC.
///
/// # Errors
/// See [`DelongError`].
pub fn auroc_variance(cases: &Binary, rows: Rows) -> Result<f64, DelongError> {
    let units = units(cases, rows)?;
    let placements = Placements::of(cases, &units)?;
    Ok(covariance(&placements, &placements)?)
}

/// Compares the AUROC of two scores on the same cases.
///
/// # Errors
/// See [`DelongError`]; also if outcomes or clusters differ, or if the difference does not vary at all.
pub fn auroc_difference(
    a: &Binary,
    b: &Binary,
    level: Share,
    rows: Rows,
) -> Result<AurocDifference, DelongError> {
    if a.happened != b.happened || a.clusters != b.clusters {
        let what = "outcomes or clusters";
        return Err(InputError::Unpaired { what }.into());
    }
    let critical = critical_value(level)?;
    let units = units(a, rows)?;
    units_of_weighted(b)?;
    let (x, y) = (Placements::of(a, &units)?, Placements::of(b, &units)?);
    let variance = covariance(&x, &x)? + covariance(&y, &y)? - 2.0 * covariance(&x, &y)?;
    let difference = x.auroc - y.auroc;
    if variance <= 0.0 {
        return Err(Undefined::Constant.into());
    }
    let standard_error = variance.sqrt();
    let z = difference / standard_error;
    Ok(AurocDifference {
        a: x.auroc,
        b: y.auroc,
        difference,
        standard_error,
        z,
        p_value: libm::erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2),
        interval: Interval {
            low: difference - critical * standard_error,
            high: difference + critical * standard_error,
            level: level.get(),
            method: method(rows),
            resamples: None,
        },
    })
}

fn critical_value(level: Share) -> Result<f64, InputError> {
    validate::open_unit("confidence level", level.get())?;
    Ok(normal::quantile(0.5 + 0.5 * level.get()))
}

fn method(rows: Rows) -> IntervalMethod {
    match rows {
        Rows::Clustered => IntervalMethod::Obuchowski,
        Rows::Independent | Rows::IndependentDespiteClusters => IntervalMethod::Delong,
    }
}

/// The unit of each row, and how many there are.
struct Units {
    of_row: Vec<u32>,
    n: usize,
}

fn units_of_weighted(cases: &Binary) -> Result<(), DelongError> {
    match &cases.weights {
        Some(weights) if weights.iter().any(|w| *w != 1.0) => Err(DelongError::Weighted),
        _ => Ok(()),
    }
}

fn units(cases: &Binary, rows: Rows) -> Result<Units, DelongError> {
    units_of_weighted(cases)?;
    let n_rows = cases.n_rows();
    let by_row = || Units {
        of_row: (0..n_rows as u32).collect(),
        n: n_rows,
    };
    match (rows, &cases.clusters) {
        (Rows::Independent, Some(c)) if c.n < n_rows => Err(DelongError::SharedClusters {
            n_rows,
            n_clusters: c.n,
        }),
        (Rows::Independent | Rows::IndependentDespiteClusters, _) => Ok(by_row()),
        (Rows::Clustered, Some(c)) => Ok(Units {
            of_row: c.of_row.clone(),
            n: c.n,
        }),
        (Rows::Clustered, None) => Err(DelongError::NoClusters),
    }
}

/// Per unit, Σ (placement - AUROC) over its cases of the event and over its others.
struct Placements {
    auroc: f64,
    of_event: Vec<f64>,
    of_others: Vec<f64>,
    n_event: f64,
    n_others: f64,
    /// Units with at least one case of the event, and of the others.
    units_event: f64,
    units_others: f64,
}

impl Placements {
    fn of(cases: &Binary, units: &Units) -> Result<Placements, Undefined> {
        let auroc = cases.auroc()?;
        let mut placements = Placements {
            auroc,
            of_event: vec![0.0; units.n],
            of_others: vec![0.0; units.n],
            n_event: cases.happened.iter().filter(|h| **h).count() as f64,
            n_others: cases.happened.iter().filter(|h| !**h).count() as f64,
            units_event: 0.0,
            units_others: 0.0,
        };
        let mut has = [vec![false; units.n], vec![false; units.n]];
        for (unit, happened) in units.of_row.iter().zip(&cases.happened) {
            has[usize::from(*happened)][*unit as usize] = true;
        }
        let [others, event] = has.map(|has| has.into_iter().filter(|h| *h).count());
        let fewer = event.min(others);
        if fewer < 2 {
            return Err(Undefined::TooFewClusters { found: fewer });
        }
        (placements.units_event, placements.units_others) = (event as f64, others as f64);

        let order = crate::engine::descending(cases.scores.iter().copied());
        let mut above = [0.0; 2]; // others, event
        for tie in order.chunk_by(|a, b| a.0 == b.0) {
            let rows = || tie.iter().map(|(_, row)| *row as usize);
            let event = rows().filter(|row| cases.happened[*row]).count() as f64;
            let tied = [tie.len() as f64 - event, event];
            for row in rows() {
                let unit = units.of_row[row] as usize;
                if cases.happened[row] {
                    let below = placements.n_others - above[0] - 0.5 * tied[0];
                    placements.of_event[unit] += below / placements.n_others - auroc;
                } else {
                    placements.of_others[unit] += (above[1] + 0.5 * tied[1]) / placements.n_event - auroc;
                }
            }
            above = [above[0] + tied[0], above[1] + tied[1]];
        }
        Ok(placements)
    }
}

/// The covariance of two AUROCs on the same cases; the variance if both are one.
fn covariance(x: &Placements, y: &Placements) -> Result<f64, Undefined> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Sum>().value();
    let (m, n) = (x.n_event, x.n_others);
    let (i10, i01) = (x.units_event, x.units_others);
    let all = x.of_event.len() as f64;
    let s10 = i10 / ((i10 - 1.0) * m) * dot(&x.of_event, &y.of_event);
    let s01 = i01 / ((i01 - 1.0) * n) * dot(&x.of_others, &y.of_others);
    let cross = dot(&x.of_event, &y.of_others) + dot(&x.of_others, &y.of_event);
    let s11 = all / (all - 1.0) * cross;
    Ok(s10 / m + s01 / n + s11 / (m * n))
}
