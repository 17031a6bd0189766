//! Every file below a folder, in a fixed order; links are found and not followed.

use crate::RejectReason;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Something found below the root.
#[derive(Debug)]
pub(super) struct Found {
    /// Below the root.
    pub(super) path: PathBuf,
    /// Why it cannot be read, if it is no plain file.
    pub(super) barred: Option<(RejectReason, &'static str)>,
}

/// Lists the files below `root` by name. A folder that cannot be listed is itself listed, as unreadable.
pub(super) fn files(root: &Path) -> Vec<Found> {
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    let mut found = Vec::new();
    for entry in WalkDir::new(root)
        .follow_links(false)
        .sort_by_file_name()
        .min_depth(1)
    {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => {
                let barred = match entry.file_type() {
                    kind if kind.is_file() => None,
                    kind if kind.is_symlink() => Some((RejectReason::SymbolicLink, "links are not followed")),
                    _ => Some((RejectReason::NotRegularFile, "a pipe, socket or device")),
                };
                found.push(Found {
                    path: below(entry.path()),
                    barred,
                });
            }
            Err(error) => found.push(Found {
                path: error.path().map(below).unwrap_or_default(),
                barred: Some((RejectReason::Unreadable, "the folder could not be listed")),
            }),
        }
    }
    found
}
