//! Predictions in, evaluation out.

pub mod curves;

mod beside;
mod cases;
mod compare;
mod error;
mod evaluation;
mod group_mean;
mod human;
mod measured;
mod options;
mod prediction;
mod resample;
mod scope;
mod submission;
mod table;
mod views;

pub use cases::{Case, Cases};
pub use compare::{ComparisonReport, ScopeComparison, compare};
pub use curves::Curves;
pub use error::EvaluateError;
pub use evaluation::{
    Counts, EvaluationReport, METRICS_SCHEMA_VERSION, MissingLabelPolicy, RsnaScores, Settings, Subset,
    evaluate,
};
pub use group_mean::{Basis, GROUP_MEAN_AUROC, GroupMeanAuroc};
pub use human::HumanAgreement;
pub use options::{Combine, EvaluateOptions};
pub use prediction::{Domain, Localisation, Part, Prediction, PredictionTable, score_mapped};
pub use scope::Scope;
pub use submission::SubmissionSummary;
pub use table::PREDICTIONS_SCHEMA_VERSION;
pub use views::ViewComparison;
