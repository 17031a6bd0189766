//! Evaluation of ordinal severity grading: measures, the RSNA 2024 score, patient-clustered intervals
