//! Predictions in, evaluation out.
