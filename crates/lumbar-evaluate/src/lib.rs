//! Predictions in, evaluation out.
//!
//! A run leaves a [`PredictionTable`]: what its model said of each held-out sample, what the reader said, and what one
//! would say without an image. [`evaluate`] turns the tables of one or several runs into an [`EvaluationReport`]
//! (`metrics.json`): every measure with an interval over patients, per condition, level and view, beside the reference
//! predictors on exactly the same cases. It stands between the data set and the networks and knows neither.
//!
//! ```
//! use lumbar_core::{GradingScheme, SeriesKind, StudyId, Target};
//! use lumbar_evaluate::{
//!     Domain, EvaluateOptions, Localisation, Part, Prediction, PredictionTable, Scope, evaluate,
//! };
//! use lumbar_metrics::Measure;
//!
//! // Ten patients; every third disc at L4/L5 is severe, and this model sees most of it.
//! let row = |i: usize| {
//!     let severe = if i % 3 == 0 { 0.7 } else { 0.1 };
//!     Prediction {
//!         sample_id: format!("sample-{i}"),
//!         study: StudyId::new(format!("{i}")).unwrap(),
//!         patient: format!("patient-{i}"),
//!         target: "spinal_canal_stenosis_l4_l5".parse().unwrap(),
//!         view: SeriesKind::SagittalT2,
//!         severity: GradingScheme::ThreeGrades.grade(if i % 3 == 0 { 2 } else { 0 }),
//!         part: Part::Test,
//!         fold: None,
//!         probabilities: vec![0.9 - severe, 0.1, severe],
//!         prior: vec![0.6, 0.1, 0.3],
//!     }
//! };
//! let table = PredictionTable {
//!     scheme: GradingScheme::ThreeGrades,
//!     domain: Domain::Synthetic,
//!     localisation: Localisation::Given,
//!     n_graded: Default::default(),
//!     rows: (0..10).map(row).collect(),
//! };
//! let report = evaluate(&[table], &EvaluateOptions { n_resamples: 200, ..EvaluateOptions::default() })?;
//! let all = report.subset(Scope::All).unwrap();
//! assert_eq!(all.model(Measure::Accuracy).unwrap().value, Ok(1.0));
//! // Nobody is moderate, so "how well is moderate told apart" has no answer.
//! assert!(all.model(Measure::Auroc(1)).unwrap().value.is_err());
//! // Below zero: better than the prior, with an interval over patients.
//! let gain = all.minus_prior(Measure::GradeWeightedLogLoss).unwrap();
//! assert!(gain.interval.unwrap().unwrap().high < 0.0);
//! # Ok::<(), lumbar_evaluate::EvaluateError>(())
//! ```
//!
//! # What is here
//!
//! | item | what |
//! |---|---|
//! | [`PredictionTable`] | `predictions.parquet`, written and read |
//! | [`Cases`] | the rows of all runs combined, one case per target; writes `submission.csv` and `truth.csv` |
//! | [`evaluate`] | the measures: [`EvaluationReport`], `metrics.json` |
//! | [`compare`] | two sets of runs on the cases both have, paired by patient |
//! | [`score_mapped`] | from natural probabilities to those a weighted loss rewards |
//!
//! The layouts on disk stand in `data-spec/run-directory.md` and `data-spec/metrics-json.md`.
//!
//! # What is left to others
//!
//! What a measure is, and how patients are drawn, is `lumbar-metrics`; making predictions is `lumbar-train`; the page is
//! `lumbar-report`.

pub mod curves;

mod beside;
mod cases;
mod compare;
mod error;
mod evaluation;
mod group_mean;
mod human;
mod level_only;
mod measured;
mod options;
mod prediction;
mod scope;
mod submission;
mod subset;
mod table;
mod views;

pub use cases::{Case, Cases};
pub use compare::{ComparisonReport, ScopeComparison, compare};
pub use curves::Curves;
pub use error::EvaluateError;
pub use evaluation::{
    Counts, EvaluationReport, METRICS_SCHEMA_VERSION, MissingLabelPolicy, RsnaScores, Settings, evaluate,
};
pub use group_mean::{Basis, GROUP_MEAN_AUROC, GroupMeanAuroc};
pub use human::HumanAgreement;
pub use options::{Combine, EvaluateOptions};
pub use prediction::{Domain, Localisation, Part, Prediction, PredictionTable, score_mapped};
pub use scope::Scope;
pub use submission::SubmissionSummary;
pub use subset::Subset;
pub use table::PREDICTIONS_SCHEMA_VERSION;
pub use views::ViewComparison;
