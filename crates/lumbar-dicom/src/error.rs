//! Errors of reading. None carries the value of an attribute.

use crate::{RejectReason, TransferSyntax, tag::Tag};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system refused.
    #[error("file could not be read")]
    Io(#[from] std::io::Error),
    /// The file has no bytes.
    #[error("file is empty")]
    Empty,
    /// The file is larger than allowed.
    #[error("{found} bytes, expected at most {limit}")]
    FileTooLarge {
        /// Bytes found.
        found: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// No DICOM magic and no recognisable data set.
    #[error("not DICOM: no magic at byte 128, and no data set at the start")]
    NotDicom,
    /// A value reaches beyond the end.
    #[error("at byte {offset}: {declared} bytes declared, {left} left")]
    Truncated {
        /// Where the value would begin.
        offset: u64,
        /// Its declared length.
        declared: u64,
        /// Bytes left in the file or the enclosing item.
        left: u64,
    },
    /// An element that cannot be one.
    #[error("at byte {offset}: {what}")]
    Malformed {
        /// Where it begins.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Sequences are nested too deep.
    #[error("sequences nested deeper than {limit}")]
    TooDeep {
        /// Depth allowed.
        limit: usize,
    },
    /// Too many elements.
    #[error("more than {limit} elements")]
    TooManyElements {
        /// Elements allowed.
        limit: usize,
    },
    /// The transfer syntax is not known.
    #[error("unknown transfer syntax")]
    UnknownTransferSyntax,
    /// The encoding is known, but there is no decoder for it.
    #[error("{syntax}: {what}")]
    Unsupported {
        /// The transfer syntax.
        syntax: TransferSyntax,
        /// What is not supported.
        what: &'static str,
    },
    /// There is no pixel data.
    #[error("no pixel data")]
    NoPixelData,
    /// An attribute is missing.
    #[error("{tag} is missing")]
    Missing {
        /// The attribute.
        tag: Tag,
    },
    /// An attribute has a value it cannot have.
    #[error("{tag}: expected {expected}")]
    Invalid {
        /// The attribute.
        tag: Tag,
        /// What was expected.
        expected: &'static str,
    },
    /// Rows or columns beyond the limit.
    #[error("image of {rows} x {columns} pixels, expected at most {limit} each")]
    ImageTooLarge {
        /// Rows found.
        rows: u32,
        /// Columns found.
        columns: u32,
        /// Allowed of each.
        limit: u32,
    },
    /// Frames beyond the limit.
    #[error("{found} frames, expected at most {limit}")]
    TooManyFrames {
        /// Frames found.
        found: u64,
        /// Frames allowed.
        limit: u32,
    },
    /// Decoded bytes beyond the limit.
    #[error("{found} bytes when decoded, expected at most {limit}")]
    DecodedTooLarge {
        /// Bytes needed.
        found: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Decoded bytes out of proportion.
    #[error("{encoded} bytes would decode to {decoded}, expected a ratio of at most {limit}")]
    ExpansionTooLarge {
        /// Bytes in the file.
        encoded: u64,
        /// Bytes when decoded.
        decoded: u64,
        /// Ratio allowed.
        limit: u64,
    },
    /// Pixel data too short.
    #[error("{found} bytes of pixel data, expected {expected}")]
    PixelDataTooShort {
        /// Bytes found.
        found: u64,
        /// Bytes needed.
        expected: u64,
    },
    /// A frame that the image does not have.
    #[error("frame {found} of an image of {n_frames}")]
    NoSuchFrame {
        /// Frame asked for, from 0.
        found: u32,
        /// Frames in the image.
        n_frames: u32,
    },
    /// Fragments that cannot be assigned to frames.
    #[error("pixel fragments: {what}")]
    Fragments {
        /// What is wrong.
        what: &'static str,
    },
    /// Compressed pixels that do not decode.
    #[error("{codec} data: {what}")]
    Corrupt {
        /// The encoding.
        codec: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A worker process refused the file.
    #[error("{detail}")]
    InWorker {
        /// Its reason.
        reason: RejectReason,
        /// Its message.
        detail: String,
    },
    /// A worker process ended, or said what cannot be understood.
    #[error("the worker process {what}")]
    WorkerFailed {
        /// What it did.
        what: String,
    },
    /// Our own code panicked: a bug, contained.
    #[error("the reader panicked")]
    Panicked,
    /// Reading took too long.
    #[error("not read within {limit:?}")]
    TimedOut {
        /// Time allowed.
        limit: std::time::Duration,
    },
    /// A third-party decoder panicked.
    #[error("the {codec} decoder panicked")]
    CodecPanicked {
        /// The encoding.
        codec: &'static str,
    },
}

impl ReadError {
    /// The stable code of this error in a catalogue.
    pub fn reason(&self) -> RejectReason {
        match self {
            ReadError::Io(_) => RejectReason::Unreadable,
            ReadError::Empty => RejectReason::EmptyFile,
            ReadError::FileTooLarge { .. } => RejectReason::FileTooLarge,
            ReadError::NotDicom => RejectReason::NotDicom,
            ReadError::Truncated { .. } => RejectReason::Truncated,
            ReadError::Malformed { .. } => RejectReason::MalformedElement,
            ReadError::TooDeep { .. } => RejectReason::TooDeep,
            ReadError::TooManyElements { .. } => RejectReason::TooManyElements,
            ReadError::UnknownTransferSyntax => RejectReason::UnknownTransferSyntax,
            ReadError::Unsupported { .. } => RejectReason::UnsupportedEncoding,
            ReadError::NoPixelData => RejectReason::NoPixelData,
            ReadError::Missing { .. } => RejectReason::MissingAttribute,
            ReadError::Invalid { .. } | ReadError::NoSuchFrame { .. } => RejectReason::InvalidAttribute,
            ReadError::ImageTooLarge { .. } => RejectReason::ImageTooLarge,
            ReadError::TooManyFrames { .. } => RejectReason::TooManyFrames,
            ReadError::DecodedTooLarge { .. } => RejectReason::DecodedTooLarge,
            ReadError::ExpansionTooLarge { .. } => RejectReason::ExpansionTooLarge,
            ReadError::PixelDataTooShort { .. } => RejectReason::PixelDataTooShort,
            ReadError::Fragments { .. } => RejectReason::MalformedFragments,
            ReadError::Corrupt { .. } => RejectReason::CorruptPixelData,
            ReadError::InWorker { reason, .. } => *reason,
            ReadError::WorkerFailed { .. } => RejectReason::WorkerFailed,
            ReadError::Panicked => RejectReason::ReaderPanicked,
            ReadError::TimedOut { .. } => RejectReason::TimedOut,
            ReadError::CodecPanicked { .. } => RejectReason::CodecPanicked,
        }
    }
}
