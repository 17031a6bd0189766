//! Ranking: does a severe case get a higher probability of "severe" than a milder one?
//!
//! # Definition
//! AUROC is the probability that a random case of the event scores higher than a random other case, ties counting
//! half. *One-vs-rest* takes a grade's probability against all others, *one-vs-one* each pair of grades alone (the
//! mean of both directions, then over pairs: Hand and Till's M), *at least g* the summed probability of the grades
//! from g up, added from the highest down. Average precision is Σ (R_n - R_{n-1}) P_n over thresholds, from the
//! highest, without interpolation. Rows count by their weight.
//! # Ties
//! Equal scores are one threshold: they enter the ROC and the precision-recall curve together, and a tied pair counts
//! half. So a constant score has AUROC 0.5 and average precision equal to the prevalence.
//! # Undefined
//! AUROC without cases of the event ([`Undefined::NoPositives`](crate::Undefined::NoPositives)) or with nothing but them
//! ([`Undefined::NoNegatives`](crate::Undefined::NoNegatives)); average precision only without cases of the event. A mean over grades follows
//! [`Absent`](crate::Absent). Others answer 0 (torchmetrics), 0.5 (burn) or NaN (scikit-learn 1.9).
//! # Reference
//! Hanley and McNeil 1982; Hand and Till 2001. `roc_auc_score(y == g, p[:, g], sample_weight=w)`,
//! `roc_auc_score(y, p, multi_class="ovr" | "ovo", average="macro" | "weighted", labels=range(K))`,
//! `roc_auc_score(y >= g, np.cumsum(p[:, ::-1], axis=1)[:, K - 1 - g])`, `average_precision_score(y == g, p[:, g])`.

mod binary;
mod curve;

pub use binary::{Binary, Event};
pub use curve::{PrecisionRecallCurve, PrecisionRecallPoint, RocCurve, RocPoint};
