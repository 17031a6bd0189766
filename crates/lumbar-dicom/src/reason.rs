//! Why a file is not used: stable codes, documented in `data-spec/reason-codes.md`.

use lumbar_core::stable_codes;

stable_codes! {
/// Why a file is not used. The name of a variant is its stable code in manifests.
///
/// ```
/// use lumbar_dicom::RejectReason;
/// assert_eq!(RejectReason::NotDicom.code(), "NotDicom");
/// assert_eq!("NotDicom".parse(), Ok(RejectReason::NotDicom));
/// assert_eq!(RejectReason::EmptyFile.meaning(), "No bytes.");
/// ```
RejectReason {
    /// Neither the DICOM magic nor a recognisable data set: CSV, README, images, archives.
    NotDicom;
    /// No bytes.
    EmptyFile;
    /// The operating system would not let it be read.
    Unreadable;
    /// A symbolic link; links are not followed.
    SymbolicLink;
    /// A socket, pipe or device.
    NotRegularFile;
    /// Larger than the limit.
    FileTooLarge;
    /// A DICOMDIR index: the files it lists are found by themselves.
    DicomDirectory;
    /// A declared length reaches beyond the end of the file.
    Truncated;
    /// Elements or items that cannot be told apart.
    MalformedElement;
    /// Sequences nested deeper than the limit.
    TooDeep;
    /// More elements than the limit.
    TooManyElements;
    /// A transfer syntax no one here knows.
    UnknownTransferSyntax;
    /// A known encoding without a decoder in this build.
    UnsupportedEncoding;
    /// No pixel data: reports, presentation states, spectra.
    NoPixelData;
    /// StudyInstanceUID or SeriesInstanceUID is missing.
    MissingUid;
    /// Rows, Columns or another attribute an image needs is missing.
    MissingAttribute;
    /// An attribute an image needs has a value it cannot have.
    InvalidAttribute;
    /// More rows or columns than the limit.
    ImageTooLarge;
    /// More frames than the limit.
    TooManyFrames;
    /// Decoded pixels beyond the limit in bytes.
    DecodedTooLarge;
    /// Decoded pixels beyond the limit in ratio to encoded ones.
    ExpansionTooLarge;
    /// Pixel data shorter than rows, columns and frames need.
    PixelDataTooShort;
    /// Fragments that cannot be assigned to frames.
    MalformedFragments;
    /// Compressed pixels that do not decode.
    CorruptPixelData;
    /// Reading took longer than the limit.
    TimedOut;
    /// A third-party decoder panicked; contained.
    CodecPanicked;
    /// Our own reader panicked: a bug to be reported; contained.
    ReaderPanicked;
    /// The worker process that read the file ended, as with more memory than allowed; contained.
    WorkerFailed;
    /// A modality other than MR.
    NotMr;
    /// Several samples per pixel.
    ColourImage;
    /// A secondary capture: a screenshot or scan, which may show a name.
    SecondaryCapture;
    /// BurnedInAnnotation says that the pixels hold text.
    BurnedInAnnotation;
    /// A Siemens mosaic: tiles of a whole volume in one image, whose stated position is not that of any tile.
    SiemensMosaic;
    /// The same SOPInstanceUID, InstanceNumber and position as a file already taken.
    DuplicateInstance;
    /// Another image than before when it was read the second time: the folder changed while it was scanned.
    ChangedMeanwhile;
}
}

stable_codes! {
/// Why a series or study that was found serves no purpose. The name of a variant is its stable code in manifests.
UnusedReason {
    /// A series in several planes, or called a localiser.
    Localiser;
    /// A series without geometry, and its description names no plane.
    UnknownPlane;
    /// A series whose weighting neither timing nor description nor contrast tells.
    UnknownWeighting;
    /// A series of known plane and weighting that no target is graded on, such as coronal T2.
    NoPurpose;
    /// A series or study of which no file is used.
    NoFileUsed;
    /// A study with files but no series that serves a purpose.
    NoSeriesUsed;
}
}

impl std::str::FromStr for RejectReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        RejectReason::ALL
            .iter()
            .copied()
            .find(|reason| reason.code() == text.trim())
            .ok_or(UnknownReason)
    }
}

/// Text that is no reason code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reason code, expected one of data-spec/reason-codes.md")]
pub struct UnknownReason;
