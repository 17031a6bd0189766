//! Encapsulated pixel data: items to fragments, fragments to frames.

use crate::{ReadError, read::location::ITEM};
use std::borrow::Cow;

/// The fragments of an image and, where a table says so, which frame each belongs to.
#[derive(Debug)]
pub(super) struct Fragments<'a> {
    /// Offset of the item tag behind the offset table, and the bytes.
    fragments: Vec<(u64, &'a [u8])>,
    /// Offset of each frame's first fragment; empty if no table says.
    offsets: Vec<u64>,
}

impl<'a> Fragments<'a> {
    /// Takes the value of encapsulated pixel data, from its offset table item on. Whatever follows that is no item
    /// ends it, so that a missing delimiter does no harm.
    pub(super) fn parse(bytes: &'a [u8], extended_offsets: &[u64]) -> Result<Fragments<'a>, ReadError> {
        let mut items = Items { bytes, at: 0 };
        let Some(table) = items.next().transpose()? else {
            return Err(ReadError::Fragments {
                what: "no offset table item",
            });
        };
        let base = items.at as u64;
        let mut fragments = Vec::new();
        while let Some(at) = Some(items.at as u64 - base) {
            match items.next().transpose()? {
                Some(fragment) => fragments.push((at, fragment)),
                None => break,
            }
        }
        if fragments.is_empty() {
            return Err(ReadError::Fragments { what: "no fragment" });
        }
        let offsets = match extended_offsets {
            [] => table
                .chunks_exact(4)
                .map(|four| u64::from(u32::from_le_bytes([four[0], four[1], four[2], four[3]])))
                .collect(),
            offsets => offsets.to_vec(),
        };
        Ok(Fragments { fragments, offsets })
    }

    /// The joined fragments of a frame.
    pub(super) fn frame(&self, frame: u32, n_frames: u32) -> Result<Cow<'a, [u8]>, ReadError> {
        let (frame, n_frames) = (frame as usize, n_frames as usize);
        // One frame takes everything, whatever the table says; one fragment each needs no table either.
        if n_frames == 1 {
            return Ok(join(&self.fragments));
        }
        if self.fragments.len() == n_frames {
            return Ok(Cow::Borrowed(self.fragments[frame].1));
        }
        let starts = if self.offsets.len() == n_frames {
            self.starts_by_table()
        } else {
            self.starts_by_marker()
        };
        let starts = starts
            .filter(|starts| starts.len() == n_frames && starts.first() == Some(&0))
            .ok_or(ReadError::Fragments {
                what: "their number fits neither the frames nor an offset table",
            })?;
        let end = starts.get(frame + 1).copied().unwrap_or(self.fragments.len());
        Ok(join(&self.fragments[starts[frame]..end]))
    }

    /// Index of each frame's first fragment by the offset table; `None` if the table points elsewhere or back.
    fn starts_by_table(&self) -> Option<Vec<usize>> {
        let starts: Option<Vec<usize>> = self
            .offsets
            .iter()
            .map(|offset| {
                self.fragments
                    .binary_search_by_key(offset, |fragment| fragment.0)
                    .ok()
            })
            .collect();
        starts.filter(|starts| starts.is_sorted_by(|a, b| a < b))
    }

    /// Index of each fragment that begins a JPEG or JPEG 2000 code stream.
    fn starts_by_marker(&self) -> Option<Vec<usize>> {
        let is_start =
            |bytes: &[u8]| bytes.starts_with(&[0xFF, 0xD8]) || bytes.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]);
        let starts = self
            .fragments
            .iter()
            .enumerate()
            .filter(|(_, fragment)| is_start(fragment.1));
        Some(starts.map(|(index, _)| index).collect())
    }
}

fn join<'a>(fragments: &[(u64, &'a [u8])]) -> Cow<'a, [u8]> {
    match fragments {
        [(_, only)] => Cow::Borrowed(only),
        several => Cow::Owned(several.iter().flat_map(|fragment| fragment.1).copied().collect()),
    }
}

struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<&'a [u8], ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.bytes.get(self.at..self.at.checked_add(8)?)?;
        if head[..4] != ITEM {
            return None;
        }
        let declared = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        let start = self.at + 8;
        let left = (self.bytes.len() - start) as u64;
        if declared > left {
            self.at = self.bytes.len();
            return Some(Err(ReadError::Truncated {
                offset: start as u64,
                declared,
                left,
            }));
        }
        self.at = start + declared as usize;
        Some(Ok(&self.bytes[start..self.at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(items: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for item in items {
            out.extend_from_slice(&ITEM);
            out.extend_from_slice(&(item.len() as u32).to_le_bytes());
            out.extend_from_slice(item);
        }
        out
    }

    #[test]
    fn fragments_of_one_frame_are_joined() {
        let bytes = items(&[&[], &[1, 2], &[3, 4], &[5, 6]]);
        let fragments = Fragments::parse(&bytes, &[]).unwrap();
        assert_eq!(*fragments.frame(0, 1).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(*fragments.frame(1, 3).unwrap(), [3, 4]);
        assert!(fragments.frame(0, 2).is_err());
    }

    #[test]
    fn offset_tables_assign_fragments() {
        let mut table = Vec::new();
        table.extend_from_slice(&0u32.to_le_bytes());
        table.extend_from_slice(&20u32.to_le_bytes());
        let bytes = items(&[&table, &[1, 2], &[3, 4], &[5, 6]]);
        let fragments = Fragments::parse(&bytes, &[]).unwrap();
        assert_eq!(*fragments.frame(0, 2).unwrap(), [1, 2, 3, 4]);
        assert_eq!(*fragments.frame(1, 2).unwrap(), [5, 6]);
        // The extended table goes before the basic one; a table that points between fragments is refused.
        let fragments = Fragments::parse(&bytes, &[0, 10]).unwrap();
        assert_eq!(*fragments.frame(0, 2).unwrap(), [1, 2]);
        let fragments = Fragments::parse(&bytes, &[0, 11]).unwrap();
        assert!(matches!(fragments.frame(0, 2), Err(ReadError::Fragments { .. })));
    }

    #[test]
    fn code_streams_are_found_by_their_first_marker() {
        let bytes = items(&[&[], &[0xFF, 0xD8], &[3, 4], &[0xFF, 0xD8], &[7, 8]]);
        let fragments = Fragments::parse(&bytes, &[]).unwrap();
        assert_eq!(*fragments.frame(1, 2).unwrap(), [0xFF, 0xD8, 7, 8]);
    }

    #[test]
    fn a_missing_delimiter_or_trailing_bytes_end_the_sequence() {
        let mut bytes = items(&[&[], &[1, 2]]);
        bytes.extend_from_slice(&[0x33; 7]);
        assert_eq!(
            *Fragments::parse(&bytes, &[]).unwrap().frame(0, 1).unwrap(),
            [1, 2]
        );
    }

    #[test]
    fn a_fragment_longer_than_the_file_is_refused() {
        let mut bytes = items(&[&[], &[1, 2]]);
        bytes[12..16].copy_from_slice(&0xFFFF_FFF0u32.to_le_bytes());
        assert!(matches!(
            Fragments::parse(&bytes, &[]),
            Err(ReadError::Truncated { .. })
        ));
    }
}
