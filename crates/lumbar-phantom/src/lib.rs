//! Synthetic lumbar MRI studies with known truth, written as real DICOM in the RSNA 2024 layout
