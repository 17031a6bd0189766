//! Reading: bytes to a header, and to stored pixels.

pub(crate) mod collect;
pub(crate) mod location;
pub(crate) mod preface;
pub(crate) mod source;
mod value;
pub(crate) mod walk;

use crate::{Header, Limits, ReadError, pixels, pixels::StoredPixels};
use preface::Opened;
use std::{ops::Range, path::Path};

/// An image: its header and the stored values of its frames.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Image {
    /// The header.
    pub header: Header,
    /// Stored values, masked and sign-extended; no rescale, no window, MONOCHROME1 not inverted.
    pub pixels: StoredPixels,
}

/// Reads the header of the file at `path`; pixel data is not touched.
///
/// An object without pixel data is no error here: its header has no pixel format and no frames.
///
/// # Errors
/// [`ReadError`], each with a stable [`RejectReason`](crate::RejectReason).
pub fn read_header(path: &Path, limits: &Limits) -> Result<Header, ReadError> {
    collect::read(&mut preface::open_path(path, limits)?, limits)
}

/// As [`read_header`], from bytes in memory.
///
/// # Errors
/// As [`read_header`].
pub fn read_header_bytes(bytes: &[u8], limits: &Limits) -> Result<Header, ReadError> {
    collect::read(&mut preface::open_bytes(bytes, limits)?, limits)
}

/// Reads all frames of the image at `path`.
///
/// # Errors
/// [`ReadError`], also for objects without pixel data.
pub fn read_image(path: &Path, limits: &Limits) -> Result<Image, ReadError> {
    image(preface::open_path(path, limits)?, None, limits)
}

/// As [`read_image`], from bytes in memory.
///
/// # Errors
/// As [`read_image`].
pub fn read_image_bytes(bytes: &[u8], limits: &Limits) -> Result<Image, ReadError> {
    image(preface::open_bytes(bytes, limits)?, None, limits)
}

/// Reads the header and one frame, counted from 0; `pixels` then holds that frame alone.
///
/// # Errors
/// As [`read_image`], and [`ReadError::NoSuchFrame`].
pub fn read_frame(path: &Path, frame: u32, limits: &Limits) -> Result<Image, ReadError> {
    let end = frame.checked_add(1).ok_or(ReadError::NoSuchFrame {
        found: frame,
        n_frames: 0,
    })?;
    image(preface::open_path(path, limits)?, Some(frame..end), limits)
}

fn image(mut opened: Opened<'_>, frames: Option<Range<u32>>, limits: &Limits) -> Result<Image, ReadError> {
    let header = collect::read(&mut opened, limits)?;
    let pixels = pixels::decode(&mut opened.source, &header, frames, limits)?;
    Ok(Image { header, pixels })
}
