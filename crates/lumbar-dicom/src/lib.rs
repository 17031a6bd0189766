//! DICOM in and out for lumbar MRI: tolerant reading under limits, series recognition, stacks in patient space
