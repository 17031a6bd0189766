//! DICOM in and out for lumbar MRI: tolerant reading under limits, series recognition, stacks in patient space

pub mod catalogue;
pub mod crossref;
pub mod recognise;
pub mod stack;
pub mod tag;

mod error;
mod header;
mod identity;
mod limits;
mod pixels;
mod read;
mod reason;
mod syntax;
mod words;
mod write;

pub use catalogue::{
    Catalogue, Confidence, Layout, Reject, Rescale, ScanError, ScanOptions, ScanProgress, SeriesRecord,
    SeriesWarning, SliceRecord, StackRecord, Window, scan,
};
pub use error::ReadError;
pub use header::{Acquisition, FrameHeader, Header, HeaderWarning, NoPlane, PixelFormat};
pub use identity::{Identity, IdentityKey};
pub use limits::Limits;
pub use pixels::{Frame, StoredPixels};
pub use read::{Image, read_frame, read_header, read_header_bytes, read_image, read_image_bytes};
pub use reason::{RejectReason, UnknownReason};
pub use syntax::{Codec, TransferSyntax};
pub use words::Words;
pub use write::{MrImage, Photometric, WriteError};
