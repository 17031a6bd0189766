//! The lumbar command: from DICOM on disk to graded studies and a report
