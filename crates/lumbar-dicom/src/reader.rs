//! How files are read: under which limits, and in whose process.

use crate::{Header, Image, Limits, ReadError, Workers, read_frame, read_header, read_image};
use std::path::Path;

/// Limits, and worker processes if there are any. Clones share the workers.
///
/// ```
/// use lumbar_dicom::Reader;
/// use std::path::Path;
/// let reader = Reader::default();
/// assert!(reader.read_header(Path::new("no such file")).is_err());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// What a file may ask for.
    pub limits: Limits,
    /// Where third-party decoders run and suspect files are read; `None` for the caller's own process.
    pub workers: Option<Workers>,
}

impl Reader {
    /// As [`read_header`](crate::read_header()).
    ///
    /// # Errors
    /// As there, and what [`Workers::read_header`] adds.
    pub fn read_header(&self, path: &Path) -> Result<Header, ReadError> {
        match &self.workers {
            Some(workers) => workers.read_header(path, &self.limits),
            None => read_header(path, &self.limits),
        }
    }

    /// As [`read_image`](crate::read_image()).
    ///
    /// # Errors
    /// As there, and what [`Workers::read_header`] adds.
    pub fn read_image(&self, path: &Path) -> Result<Image, ReadError> {
        match &self.workers {
            Some(workers) => workers.read_image(path, &self.limits),
            None => read_image(path, &self.limits),
        }
    }

    /// As [`read_frame`](crate::read_frame()).
    ///
    /// # Errors
    /// As there, and what [`Workers::read_header`] adds.
    pub fn read_frame(&self, path: &Path, frame: u32) -> Result<Image, ReadError> {
        match &self.workers {
            Some(workers) => workers.read_frame(path, frame, &self.limits),
            None => read_frame(path, frame, &self.limits),
        }
    }

    /// Decodes all frames for the error alone.
    ///
    /// # Errors
    /// As [`Reader::read_image`].
    pub fn check_image(&self, path: &Path) -> Result<(), ReadError> {
        match &self.workers {
            Some(workers) => workers.check_image(path, &self.limits),
            None => read_image(path, &self.limits).map(|_| ()),
        }
    }
}
