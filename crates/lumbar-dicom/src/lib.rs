//! DICOM in and out for lumbar MRI: tolerant reading under limits, series recognition, stacks in patient space.
//!
//! A folder of files becomes a [`Catalogue`]: every file accounted for, series recognised, slices in the order of the
//! patient. [`read_image`] gives stored values exactly as the standard says. [`MrImage`] writes valid MR objects, which
//! is what phantoms and tests are made of.
//!
//! ```
//! use lumbar_core::{ImagePlane, PixelSpacing, Point, SeriesKind, Vector};
//! use lumbar_dicom::{Limits, MrImage, ScanOptions, TransferSyntax, read_frame, scan};
//!
//! let folder = tempfile::tempdir()?;
//! for number in 1..=3 {
//!     let plane = ImagePlane::new(
//!         Point::new(4.4 * f64::from(number), -100.0, 120.0),
//!         [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
//!         PixelSpacing { row_mm: 0.6, column_mm: 0.6 },
//!         [8, 8],
//!     )?;
//!     let slice = MrImage {
//!         instance_number: number,
//!         repetition_time_ms: Some(550.0),
//!         echo_time_ms: Some(11.0),
//!         ..MrImage::new(["1.2.1", "1.2.1.1", &format!("1.2.1.1.{number}")], plane, vec![number as u16; 64])
//!     };
//!     slice.write(&folder.path().join(format!("{number}.dcm")), TransferSyntax::RleLossless)?;
//! }
//!
//! let catalogue = scan(folder.path(), &ScanOptions::default(), &|_| {})?;
//! assert_eq!(catalogue.series[0].kind, Some(SeriesKind::SagittalT1));
//! assert_eq!(catalogue.series[0].evidence, "timing: TR 550 ms, TE 11 ms");
//! // Along the normal, which points to the patient's right here: instance 3 comes first.
//! let first = &catalogue.slices[0];
//! assert_eq!(first.instance_number, Some(3));
//! let image = read_frame(&folder.path().join(&first.path), first.frame, &Limits::default())?;
//! assert_eq!(image.pixels.frame(0)?.range(), Some((3, 3)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is here
//!
//! | entry | for |
//! |---|---|
//! | [`scan`], [`scan_parts`], [`catalogue`] | a folder: series, slices, rejects with stable [`RejectReason`]s |
//! | [`read_header`], [`read_image`], [`read_frame`] | one file, by path or from bytes |
//! | [`stack`] | slices to parallel stacks in patient order |
//! | [`recognise`] | plane, weighting and purpose of a series, with the rule that decided: timing, words, contrast |
//! | [`crossref`] | a place in the patient to the slice and pixel of another series |
//! | [`MrImage`] | writing |
//! | [`Limits`], [`Reader`] | what a file may ask for, and who reads it |
//! | [`worker`] | reading in child processes, so that the worst file costs one file |
//! | [`IdentityKey`] | the secret behind patient keys |
//!
//! # Encodings
//!
//! | transfer syntax | read | written |
//! |---|---|---|
//! | implicit, explicit, big endian, deflated | own code | own code |
//! | RLE Lossless | own code | own code |
//! | JPEG Lossless, any predictor | own code | |
//! | JPEG baseline | `jpeg-decoder` (safe Rust) | |
//! | JPEG Extended | 8 bits; 12 bits are refused by name | |
//! | JPEG 2000, one component, reversible, undamaged | own code | |
//! | all other JPEG 2000, HTJ2K | `openjp2` (Rust port of OpenJPEG, with unsafe code) | |
//! | JPEG-LS, lossless and near-lossless | own code, grayscale | |
//! | deflated image frame | own code and `flate2` | |
//! | JPEG XL, video | refused by name | |
//!
//! # Order of application
//!
//! [`read_image`] joins fragments, decodes, shifts by HighBit, masks to BitsStored and sign-extends. It applies no
//! rescale, no window, and does not invert MONOCHROME1: [`SliceRecord`] carries all three, in that order of use.
//!
//! # What cannot happen
//!
//! - No bytes from outside make this crate panic. Declared lengths are held against the bytes there are before
//!   anything is read or reserved; sequences are walked without recursion; third-party decoders see a code stream only
//!   after its own size was held against the header, and any panic becomes an error. What remains: a decoder that
//!   aborts or does not return, which [`Workers`] contain.
//! - No identity leaves but a keyed hash. Errors carry no values of attributes; descriptions are reduced to known words.
//! - No path is built from the contents of a file; symbolic links are not followed.
//!
//! # What is left to others
//!
//! Intensities, resampling and crops are `lumbar-preprocess`; tables on disk are `lumbar-dataset`.

pub mod catalogue;
pub mod crossref;
#[doc(hidden)]
pub mod fuzz;
pub mod recognise;
pub mod stack;
pub mod tag;
pub mod worker;

mod error;
mod header;
mod identity;
mod limits;
mod pixels;
mod read;
mod reader;
mod reason;
mod syntax;
mod words;
mod write;

pub use catalogue::{
    Catalogue, CataloguePart, Confidence, Found, Layout, Reject, Rescale, ScanError, ScanOptions,
    ScanProgress, SeriesRecord, SeriesWarning, SliceRecord, StackRecord, Unused, Verdicts, Window, scan,
    scan_parts,
};
pub use error::ReadError;
pub use header::{Acquisition, FrameHeader, Header, HeaderWarning, NoPlane, PixelFormat};
pub use identity::{Identity, IdentityKey, Pseudonyms};
pub use limits::Limits;
pub use pixels::{Frame, StoredPixels};
pub use read::{Image, read_frame, read_header, read_header_bytes, read_image, read_image_bytes};
pub use reader::Reader;
pub use reason::{RejectReason, UnknownReason, UnusedReason};
pub use syntax::{Codec, TransferSyntax};
pub use words::Words;
pub use worker::{WorkerCommand, WorkerError, Workers};
pub use write::{MrImage, Photometric, WriteError};
