//! DICOM in and out for lumbar MRI: tolerant reading under limits, series recognition, stacks in patient space

pub mod tag;

mod syntax;
mod write;

pub use syntax::{Codec, TransferSyntax};
pub use write::{MrImage, Photometric, WriteError};
