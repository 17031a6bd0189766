//! The folder of a phantom: new, empty, or left by a phantom that was interrupted.

use crate::error::PhantomError;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Stands in a folder as long as its phantom is not whole.
const MARKER: &str = ".phantom-unfinished";
/// Whatever else a phantom writes.
const WRITTEN: [&str; 10] = [
    "train_images",
    "train.csv",
    "train.partial",
    "train_label_coordinates.csv",
    "train_label_coordinates.partial",
    "train_series_descriptions.csv",
    "train_series_descriptions.partial",
    "phantom_truth.jsonl",
    "phantom_truth.partial",
    "phantom_defects.jsonl",
];

/// A folder that a phantom is being written to.
pub(crate) struct Place {
    marker: PathBuf,
    /// Locked as long as this process lives.
    _lock: File,
}

impl Place {
    /// Takes a folder: a new one, one that holds nothing, or one whose phantom was interrupted, of which nothing stays.
    ///
    /// # Errors
    /// [`PhantomError::NotEmpty`] if it holds anything else, [`PhantomError::Busy`] if a phantom is being written there.
    pub fn take(folder: &Path) -> Result<Place, PhantomError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| PhantomError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(io(folder))?;
        let marker = folder.join(MARKER);
        let unfinished = marker.is_file();
        let mut left = Vec::new();
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            let entry = entry.map_err(io(folder))?;
            let name = entry.file_name();
            let ours = name.to_str().is_some_and(|name| WRITTEN.contains(&name));
            if name == MARKER || (unfinished && ours) || is_empty_images(&entry.path()) {
                left.push(entry.path());
            } else {
                return Err(PhantomError::NotEmpty {
                    path: folder.to_owned(),
                    found: entry.path(),
                });
            }
        }
        let lock = File::create(&marker).map_err(io(&marker))?;
        match lock.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {
                return Err(PhantomError::Busy {
                    path: folder.to_owned(),
                });
            }
            // Where the file system has no locks, nobody looks out for a second process.
            Ok(()) | Err(fs::TryLockError::Error(_)) => {}
        }
        for path in left.iter().filter(|path| **path != marker) {
            let removed = if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            };
            removed.map_err(io(path))?;
        }
        Ok(Place { marker, _lock: lock })
    }

    /// The phantom is whole.
    pub fn finish(self) -> Result<(), PhantomError> {
        match fs::remove_file(&self.marker) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(PhantomError::Io {
                path: self.marker,
                source,
            }),
            _ => Ok(()),
        }
    }
}

fn is_empty_images(path: &Path) -> bool {
    let is_dir = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    let empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    path.file_name().is_some_and(|name| name == "train_images") && is_dir && empty()
}
