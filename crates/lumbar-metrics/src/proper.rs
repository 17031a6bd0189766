//! Scores of the probabilities themselves: log loss, Brier, ranked probability.
//!
//! A proper score is best when the probabilities are the true ones, so it measures ranking and calibration in one
//! number. All three are means over cases, by weight.
//!
//! | measure | of a case | best | always 1/K says |
//! |---|---|---|---|
//! | [`LogLoss`](crate::Measure::LogLoss) | -ln p of the true grade | 0 | ln K |
//! | [`Brier`](crate::Measure::Brier) | Σ over grades (p - 1{true})² | 0 | 1 - 1/K |
//! | [`RankedProbability`](crate::Measure::RankedProbability) | Σ over thresholds (P(below) - 1{true is below})² | 0 | |
//!
//! Only the last one knows the order of grades: calling a severe case normal costs more than calling it moderate.
//!
//! # Definition
//! As in the table. [`GradeWeightedLogLoss`](crate::Measure::GradeWeightedLogLoss) is Σ w v(-ln p) / Σ w v with v the
//! weight of the true grade. [`HalfBrier`](crate::Measure::HalfBrier) halves Brier's sum.
//! # Ties
//! None: nothing is ranked.
//! # Undefined
//! Without cases. A probability of 0 for what happened is clipped to 2.2e-16 (36.04 per case) as scikit-learn does,
//! and [`Evaluation::n_clipped`](crate::Evaluation::n_clipped) counts such cases.
//! # Reference
//! Brier 1950; Epstein 1969; Good 1952. `log_loss(y, p, labels=range(K), sample_weight=w)`,
//! `brier_score_loss(y, p, labels=range(K), scale_by_half=False)`, and for the ranked probability score
//! `np.average(((p.cumsum(1) - onehot.cumsum(1)) ** 2).sum(1), weights=w)`.

/// What log loss clips probabilities to, as scikit-learn does for double precision.
pub const LOG_LOSS_FLOOR: f64 = f64::EPSILON;

/// -ln of the probability, kept within [floor, 1 - floor].
pub(crate) fn clipped_log_loss(p: f64) -> f64 {
    -p.clamp(LOG_LOSS_FLOOR, 1.0 - LOG_LOSS_FLOOR).ln()
}

pub(crate) fn row_log_loss(p: &[f64], truth: usize) -> f64 {
    clipped_log_loss(p[truth])
}

pub(crate) fn row_brier(p: &[f64], truth: usize) -> f64 {
    p.iter()
        .enumerate()
        .map(|(grade, p)| (p - f64::from(u8::from(grade == truth))).powi(2))
        .sum()
}

pub(crate) fn row_ranked_probability(p: &[f64], truth: usize) -> f64 {
    let mut below = 0.0;
    let mut score = 0.0;
    for (grade, p) in p[..p.len() - 1].iter().enumerate() {
        below += p;
        score += (below - f64::from(u8::from(truth <= grade))).powi(2);
    }
    score
}
