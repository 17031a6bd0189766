//! Bytes of a file by position: the whole in memory, or a window that moves over the file.

use crate::{ReadError, limits::Deadline};
use std::{
    cell::Cell,
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// First read of a header scan: most MR headers without private parts fit.
const WINDOW_BYTES: usize = 8 << 10;

/// A file's bytes. Nothing is read or reserved before its length has been held against the bytes there are.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    backing: Backing<'a>,
    total: u64,
    deadline: Deadline,
}

#[derive(Debug)]
enum Backing<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
    File { file: File, window: Vec<u8>, start: u64 },
}

impl<'a> Source<'a> {
    pub(crate) fn borrowed(bytes: &'a [u8], deadline: Deadline) -> Source<'a> {
        Source {
            total: bytes.len() as u64,
            backing: Backing::Borrowed(bytes),
            deadline,
        }
    }

    pub(crate) fn owned(bytes: Vec<u8>, deadline: Deadline) -> Source<'static> {
        Source {
            total: bytes.len() as u64,
            backing: Backing::Owned(bytes),
            deadline,
        }
    }

    pub(crate) fn file(file: File, total: u64, deadline: Deadline) -> Source<'static> {
        Source {
            backing: Backing::File {
                file,
                window: Vec::new(),
                start: 0,
            },
            total,
            deadline,
        }
    }

    /// When the time of this file is up.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Bytes in all.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Bytes from `at` on.
    pub(crate) fn left(&self, at: u64) -> u64 {
        self.total.saturating_sub(at)
    }

    /// `len` bytes at `at`.
    pub(crate) fn get(&mut self, at: u64, len: usize) -> Result<&[u8], ReadError> {
        let left = self.left(at);
        if len as u64 > left {
            return Err(ReadError::Truncated {
                offset: at,
                declared: len as u64,
                left,
            });
        }
        match &mut self.backing {
            Backing::Borrowed(bytes) => slice(bytes, at, len),
            Backing::Owned(bytes) => slice(bytes, at, len),
            Backing::File { file, window, start } => {
                let inside = at >= *start && at + len as u64 <= *start + window.len() as u64;
                if !inside {
                    let wanted = (len.max(WINDOW_BYTES) as u64).min(left);
                    read_at(file, at, wanted as usize, window)?;
                    *start = at;
                }
                slice(window, at - *start, len)
            }
        }
    }

    /// Hands over `len` bytes at `at`, in order, in chunks of a multiple of 8 bytes but for the last.
    pub(crate) fn each_chunk(
        &mut self,
        at: u64,
        len: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ReadError> {
        let chunk_bytes = match self.backing {
            Backing::File { .. } => CHUNK_BYTES as u64,
            _ => len.max(1),
        };
        let (mut at, end) = (at, at.saturating_add(len));
        while at < end {
            let n = chunk_bytes.min(end - at);
            take(self.get(at, n as usize)?);
            at += n;
        }
        Ok(())
    }

    /// As [`Source::tail`], to keep.
    pub(crate) fn owned_bytes(&mut self, at: u64, len: usize) -> Result<Vec<u8>, ReadError> {
        let left = self.left(at);
        if let Backing::File { file, .. } = &mut self.backing
            && len as u64 <= left
        {
            let mut bytes = Vec::new();
            read_new(file, at, len, &mut bytes)?;
            return Ok(bytes);
        }
        self.get(at, len).map(<[u8]>::to_vec)
    }

    /// `len` bytes at `at`, all at once: pixel data, whose extent has been checked.
    pub(crate) fn tail(&mut self, at: u64, len: usize) -> Result<Tail<'_>, ReadError> {
        if let Backing::File { file, .. } = &mut self.backing {
            let left = self.total.saturating_sub(at);
            if len as u64 > left {
                return Err(ReadError::Truncated {
                    offset: at,
                    declared: len as u64,
                    left,
                });
            }
            return Ok(Tail::Lent(Lent::read(file, at, len)?));
        }
        self.get(at, len).map(Tail::Borrowed)
    }
}

/// Bytes of pixel data read at a time: the copy is still in the second cache when it is unpacked.
const CHUNK_BYTES: usize = 64 << 10;

fn slice(bytes: &[u8], at: u64, len: usize) -> Result<&[u8], ReadError> {
    let start = at as usize;
    start
        .checked_add(len)
        .and_then(|end| bytes.get(start..end))
        .ok_or(ReadError::Truncated {
            offset: at,
            declared: len as u64,
            left: (bytes.len() as u64).saturating_sub(at),
        })
}

/// Replaces `into` by `len` bytes at `at`. A file that shrank meanwhile is an error of the operating system.
fn read_at(file: &mut File, at: u64, len: usize, into: &mut Vec<u8>) -> Result<(), ReadError> {
    file.seek(SeekFrom::Start(at))?;
    // What is left of an earlier read need not become zeros first.
    into.resize(len, 0);
    if let Err(error) = file.read_exact(into) {
        into.clear();
        return Err(error.into());
    }
    Ok(())
}

/// As [`read_at`], into memory that need not become zeros first: for one large read.
fn read_new(file: &mut File, at: u64, len: usize, into: &mut Vec<u8>) -> Result<(), ReadError> {
    file.seek(SeekFrom::Start(at))?;
    into.clear();
    into.reserve_exact(len);
    file.take(len as u64).read_to_end(into)?;
    if into.len() < len {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(())
}

/// Bytes in memory already, or just read.
pub(crate) enum Tail<'a> {
    Borrowed(&'a [u8]),
    Lent(Lent),
}

impl std::ops::Deref for Tail<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Tail::Borrowed(bytes) => bytes,
            Tail::Lent(lent) => &lent.0,
        }
    }
}

/// Memory that its thread takes back for the next file: an allocator gives what is this large back to the system, and
/// pages asked for anew cost more than the bytes that come to lie on them.
pub(crate) struct Lent(Vec<u8>);

/// What a thread keeps between two files, at most.
const MOST_KEPT_BYTES: usize = 4 << 20;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Lent {
    fn read(file: &mut File, at: u64, len: usize) -> Result<Lent, ReadError> {
        let mut lent = Lent(KEPT.try_with(Cell::take).unwrap_or_default());
        read_new(file, at, len, &mut lent.0)?;
        Ok(lent)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.0.capacity() <= MOST_KEPT_BYTES {
            // On a thread that is ending there is nobody to take it back.
            let _ = KEPT.try_with(|kept| kept.set(std::mem::take(&mut self.0)));
        }
    }
}
