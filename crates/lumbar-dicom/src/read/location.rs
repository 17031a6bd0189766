//! Where in a file its pixels lie.

use super::{
    source::Source,
    walk::{Encoding, UNDEFINED},
};
use crate::{ReadError, tag::Tag};

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
    /// An item of fragments that the end of the file cuts off.
    pub(crate) cut: Option<CutItem>,
}

/// Declares more bytes than are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CutItem {
    pub(crate) value_at: u64,
    pub(crate) declared: u64,
    pub(crate) left: u64,
}

impl CutItem {
    /// Looks at the offset table and the first fragment, which is the only one of nearly all single images, by their
    /// lengths alone. What else is wrong with them is for the decoder to find.
    pub(crate) fn find(source: &mut Source<'_>, pixel_data_at: u64) -> Option<CutItem> {
        let mut at = pixel_data_at;
        for _ in 0..2 {
            let (tag, length) = source.get(at, 8).ok()?.split_at(4);
            if tag != ITEM {
                return None;
            }
            let (value_at, declared) = (at + 8, u32::from_le_bytes(length.try_into().ok()?));
            let (declared, left) = (u64::from(declared), source.left(value_at));
            if declared > left {
                return Some(CutItem {
                    value_at,
                    declared,
                    left,
                });
            }
            at = value_at + declared;
        }
        None
    }

    pub(crate) fn to_error(self) -> ReadError {
        ReadError::Truncated {
            offset: self.value_at,
            declared: self.declared,
            left: self.left,
        }
    }
}

/// Tag of an item of fragments; encapsulated pixel data are little endian.
pub(crate) const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];

impl PixelLocation {
    pub(crate) fn is_encapsulated(&self) -> bool {
        self.length == UNDEFINED
    }
}
