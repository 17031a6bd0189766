//! Reading: bytes to a header, and to stored pixels.

pub(crate) mod collect;
pub(crate) mod location;
pub(crate) mod preface;
pub(crate) mod record;
pub(crate) mod source;
mod value;
pub(crate) mod walk;

use crate::{Header, Limits, ReadError, pixels, pixels::StoredPixels};
use preface::{Inflate, Opened};
use record::Recording;
use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

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
    contained(|| {
        let mut opened = preface::open_path(path, limits, Inflate::Allowed)?;
        collect::read(&mut opened, limits)
    })
}

/// As [`read_header`], from bytes in memory.
///
/// # Errors
/// As [`read_header`].
pub fn read_header_bytes(bytes: &[u8], limits: &Limits) -> Result<Header, ReadError> {
    contained(|| collect::read(&mut preface::open_bytes(bytes, limits)?, limits))
}

/// Reads all frames of the image at `path`.
///
/// # Errors
/// [`ReadError`], also for objects without pixel data.
pub fn read_image(path: &Path, limits: &Limits) -> Result<Image, ReadError> {
    contained(|| image(preface::open_path(path, limits, Inflate::Allowed)?, None, limits))
}

/// As [`read_image`], from bytes in memory.
///
/// # Errors
/// As [`read_image`].
pub fn read_image_bytes(bytes: &[u8], limits: &Limits) -> Result<Image, ReadError> {
    contained(|| image(preface::open_bytes(bytes, limits)?, None, limits))
}

/// Reads the header and one frame, counted from 0; `pixels` then holds that frame alone.
///
/// # Errors
/// As [`read_image`], and [`ReadError::NoSuchFrame`].
pub fn read_frame(path: &Path, frame: u32, limits: &Limits) -> Result<Image, ReadError> {
    let frames = one_frame(frame)?;
    contained(|| {
        image(
            preface::open_path(path, limits, Inflate::Allowed)?,
            Some(frames),
            limits,
        )
    })
}

pub(crate) fn one_frame(frame: u32) -> Result<Range<u32>, ReadError> {
    let end = frame.checked_add(1).ok_or(ReadError::NoSuchFrame {
        found: frame,
        n_frames: 0,
    })?;
    Ok(frame..end)
}

fn image(mut opened: Opened<'_>, frames: Option<Range<u32>>, limits: &Limits) -> Result<Image, ReadError> {
    let header = collect::read(&mut opened, limits)?;
    let pixels = pixels::decode(&mut opened.source, &header, frames, limits)?;
    Ok(Image { header, pixels })
}

/// Whatever a file provokes, the caller gets an error and not a panic.
fn contained<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(ReadError::Panicked))
}

// Two tiers: what a caller with worker processes reads itself, and what it leaves to them.

/// What became of a file under [`strict`] limits and without third-party code.
pub(crate) enum Attempt<T> {
    Done(T),
    /// For a worker to read, under the caller's limits.
    Suspect,
}

/// Limits of the first attempt: an ordinary file stays far below them.
fn strict(limits: &Limits) -> Limits {
    Limits {
        max_depth: limits.max_depth.min(16),
        max_elements: limits.max_elements.min(50_000),
        max_time: limits.max_time.min(Duration::from_secs(2)),
        ..limits.clone()
    }
}

/// Whether an error of the first attempt stands: nothing was parsed.
fn is_final(error: &ReadError) -> bool {
    matches!(
        error,
        ReadError::Io(_) | ReadError::Empty | ReadError::FileTooLarge { .. } | ReadError::NotDicom
    )
}

fn attempt<T>(result: Result<Attempt<T>, ReadError>) -> Result<Attempt<T>, ReadError> {
    match result {
        Err(error) if !is_final(&error) => Ok(Attempt::Suspect),
        other => other,
    }
}

pub(crate) fn try_header(path: &Path, limits: &Limits) -> Result<Attempt<Header>, ReadError> {
    let strict = strict(limits);
    attempt(contained(|| {
        match preface::open_path(path, &strict, Inflate::Refused)? {
            opened if opened.needs_inflating => Ok(Attempt::Suspect),
            mut opened => Ok(Attempt::Done(collect::read(&mut opened, &strict)?)),
        }
    }))
}

pub(crate) fn try_image(
    path: &Path,
    frames: Option<Range<u32>>,
    limits: &Limits,
) -> Result<Attempt<Image>, ReadError> {
    let strict = strict(limits);
    let header = attempt(contained(|| {
        match preface::open_path(path, &strict, Inflate::Refused)? {
            opened if opened.needs_inflating => Ok(Attempt::Suspect),
            mut opened => {
                let header = collect::read(&mut opened, &strict)?;
                Ok(if header.transfer_syntax.codec().is_own() {
                    Attempt::Done((opened, header))
                } else {
                    Attempt::Suspect
                })
            }
        }
    }))?;
    let Attempt::Done((mut opened, header)) = header else {
        return Ok(Attempt::Suspect);
    };
    // Our own decoders check as they go: what they refuse is refused.
    let pixels = contained(|| pixels::decode(&mut opened.source, &header, frames, limits))?;
    Ok(Attempt::Done(Image { header, pixels }))
}

/// As [`read_header`], with all values it was made of.
pub(crate) fn record_header(path: &Path, limits: &Limits) -> Result<(Header, Recording), ReadError> {
    contained(|| {
        let mut recording = Recording::new();
        let mut opened = preface::open_path(path, limits, Inflate::Allowed)?;
        let header = collect::read_recorded(&mut opened, limits, Some(&mut recording))?;
        Ok((header, recording))
    })
}

/// As [`read_image`] or [`read_frame`], with all values the header was made of.
pub(crate) fn record_image(
    path: &Path,
    frames: Option<Range<u32>>,
    limits: &Limits,
) -> Result<(Image, Recording), ReadError> {
    contained(|| {
        let mut recording = Recording::new();
        let mut opened = preface::open_path(path, limits, Inflate::Allowed)?;
        let header = collect::read_recorded(&mut opened, limits, Some(&mut recording))?;
        let pixels = pixels::decode(&mut opened.source, &header, frames, limits)?;
        Ok((Image { header, pixels }, recording))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_reader_is_an_error() {
        let result: Result<(), _> = contained(|| panic!("as a bug would"));
        assert!(matches!(result, Err(ReadError::Panicked)));
    }
}
