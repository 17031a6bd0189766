//! Burn networks for lumbar grading, device selection and the model bundle
