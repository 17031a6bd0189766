//! Every file below a folder, in a fixed order; links are found and not followed.

use crate::RejectReason;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};
use walkdir::WalkDir;

/// The files below a folder, by number. Of each little more is held than its name: what folders are called may be longer
/// than all else that is kept of their files.
#[derive(Debug, Default)]
pub(super) struct Found {
    folders: Vec<PathBuf>,
    /// Names that are text, one after the other.
    names: String,
    files: Vec<Place>,
    /// Names that are no text.
    odd_names: BTreeMap<usize, OsString>,
    /// Why some cannot be read: they are no plain files.
    barred: BTreeMap<usize, (RejectReason, &'static str)>,
}

#[derive(Debug)]
struct Place {
    folder: u32,
    name_end: usize,
}

/// Lists the files below `root` by name. A folder that cannot be listed is itself listed, as unreadable.
pub(super) fn files(root: &Path) -> Found {
    let mut found = Found::default();
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
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
                found.push(&below(entry.path()), barred);
            }
            Err(error) => {
                let path = error.path().map(below).unwrap_or_default();
                let barred = (RejectReason::Unreadable, "the folder could not be listed");
                found.push(&path, Some(barred));
            }
        }
    }
    found
}

impl Found {
    fn push(&mut self, path: &Path, barred: Option<(RejectReason, &'static str)>) {
        let number = self.files.len();
        let (folder, name) = match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => (folder, name),
            _ => (path, OsStr::new("")),
        };
        if self.folders.last().is_none_or(|last| last != folder) {
            self.folders.push(folder.to_owned());
        }
        match name.to_str() {
            Some(name) => self.names.push_str(name),
            None => {
                self.odd_names.insert(number, name.to_owned());
            }
        }
        self.barred.extend(barred.map(|barred| (number, barred)));
        self.files.push(Place {
            folder: self.folders.len() as u32 - 1,
            name_end: self.names.len(),
        });
    }

    pub(super) fn n_files(&self) -> usize {
        self.files.len()
    }

    /// Where a file lies below the root.
    pub(super) fn path(&self, number: usize) -> PathBuf {
        let Place { folder, name_end } = self.files[number];
        let name_start = number
            .checked_sub(1)
            .map_or(0, |before| self.files[before].name_end);
        let name = match self.odd_names.get(&number) {
            Some(name) => name,
            None => OsStr::new(&self.names[name_start..name_end]),
        };
        let folder = &self.folders[folder as usize];
        // Joining nothing would add a separator.
        if name.is_empty() {
            folder.clone()
        } else {
            folder.join(name)
        }
    }

    /// Why a file cannot be read, if it is no plain file.
    pub(super) fn barred(&self, number: usize) -> Option<(RejectReason, &'static str)> {
        self.barred.get(&number).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(found: &Found) -> Vec<PathBuf> {
        (0..found.n_files()).map(|number| found.path(number)).collect()
    }

    #[test]
    fn paths_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b/c/1.dcm", "b/c/2.dcm", "b/d", "a"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = files(folder.path());
        assert_eq!(
            paths(&found),
            ["a", "b/c/1.dcm", "b/c/2.dcm", "b/d"].map(PathBuf::from)
        );
        assert_eq!(found.folders, ["", "b/c", "b"].map(PathBuf::from));
        assert!((0..4).all(|number| found.barred(number).is_none()));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_come_back_too() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new("a").join(OsStr::from_bytes(b"\xff\xfe.dcm"));
        let mut found = Found::default();
        for path in [Path::new("a/1"), &odd, Path::new("a/2")] {
            found.push(path, None);
        }
        assert_eq!(paths(&found), [Path::new("a/1"), &odd, Path::new("a/2")]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_listed_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let found = files(&folder.path().join("none"));
        assert_eq!(paths(&found), [PathBuf::new()]);
        assert_eq!(
            found.barred(0).map(|(reason, _)| reason),
            Some(RejectReason::Unreadable)
        );
    }
}
