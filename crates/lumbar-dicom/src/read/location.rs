//! Where in a file its pixels lie.

use super::walk::{Encoding, UNDEFINED};
use crate::tag::Tag;

/// Found by the header read, used by the pixel read.
#[derive(Debug, Clone)]
pub(crate) struct PixelLocation {
    /// Which of the three pixel data elements.
    pub(crate) tag: Tag,
    /// Where the value begins, in the file or in the inflated data set.
    pub(crate) value_at: u64,
    /// Declared length; [`UNDEFINED`] for fragments.
    pub(crate) length: u32,
    /// Bytes from there to the end.
    pub(crate) left: u64,
    pub(crate) encoding: Encoding,
    /// Extended offset table: offset of each frame's first fragment.
    pub(crate) extended_offsets: Vec<u64>,
}

impl PixelLocation {
    pub(crate) fn is_encapsulated(&self) -> bool {
        self.length == UNDEFINED
    }
}
