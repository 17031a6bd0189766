//! Folders and files, made whole or not at all.

use crate::error::PhantomError;
use std::path::Path;

pub(crate) fn make_folder(path: &Path) -> Result<(), PhantomError> {
    std::fs::create_dir_all(path).map_err(|source| PhantomError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Writes beside the place and renames, so that no half file bears the final name.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), PhantomError> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, bytes)
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(|source| PhantomError::Io {
            path: path.to_owned(),
            source,
        })
}
