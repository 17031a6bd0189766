//! Memory mapping: the one place of this crate that needs `unsafe`.

use std::fs::File;
use std::path::Path;

/// Maps a file for reading.
#[expect(
    unsafe_code,
    reason = "memory mapping is unsafe as another process could change the file under us; files of a dataset are \
              written under another name, renamed into place and never written again, and every sample's checksum is \
              compared before its first use"
)]
pub(super) fn map(path: &Path) -> std::io::Result<memmap2::Mmap> {
    let file = File::open(path)?;
    // SAFETY: the mapping is read-only, and see above for who may write the file: no one.
    unsafe { memmap2::Mmap::map(&file) }
}
