//! Predictions in, evaluation out.

mod beside;
mod error;
mod prediction;
mod table;

pub use error::EvaluateError;
pub use prediction::{Domain, Localisation, Part, Prediction, PredictionTable, score_mapped};
pub use table::PREDICTIONS_SCHEMA_VERSION;
