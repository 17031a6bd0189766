//! Output that is written beside its place and renamed, so that a killed process leaves nothing half-made.

use crate::DatasetError;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A folder in the making. Files go to a hidden folder beside the final place; [`OutputFolder::finish`] renames it.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    partial: PathBuf,
    place: PathBuf,
    finished: bool,
}

impl OutputFolder {
    /// Starts a folder that will stand at `place`. A folder there is replaced if it holds `marker` (it is one of
    /// ours) or is empty.
    pub fn start(place: &Path, marker: &'static str) -> Result<OutputFolder, DatasetError> {
        let name = place
            .file_name()
            .ok_or_else(|| DatasetError::Nothing {
                what: "folder name",
                hint: format!("`{}` has no last part", place.display()),
            })?
            .to_string_lossy();
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if place.exists() && !replaceable(place, marker) {
            return Err(DatasetError::OutputTaken {
                path: place.to_owned(),
                expected: marker,
            });
        }
        fs::create_dir_all(parent).map_err(DatasetError::io("creating a folder", parent))?;
        let partial = parent.join(format!(".{name}.partial-{}", std::process::id()));
        remove_if_there(&partial)?;
        fs::create_dir(&partial).map_err(DatasetError::io("creating a folder", &partial))?;
        Ok(OutputFolder {
            partial,
            place: place.to_owned(),
            finished: false,
        })
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place.
    pub fn finish(mut self) -> Result<(), DatasetError> {
        let name = self
            .place
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let old = self.place.with_file_name(format!(
            ".{}.old-{}",
            name.unwrap_or_default(),
            std::process::id()
        ));
        remove_if_there(&old)?;
        let replaces = self.place.exists();
        if replaces {
            fs::rename(&self.place, &old).map_err(DatasetError::io("moving aside", &self.place))?;
        }
        fs::rename(&self.partial, &self.place).map_err(DatasetError::io("renaming into", &self.place))?;
        self.finished = true;
        if replaces {
            remove_if_there(&old)?;
        }
        Ok(())
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        if !self.finished {
            // The work failed; what remains of it would only be in the way. Nothing more can be done if this fails.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

fn replaceable(place: &Path, marker: &str) -> bool {
    let empty = || fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_none());
    place.is_dir() && (place.join(marker).is_file() || empty())
}

fn remove_if_there(folder: &Path) -> Result<(), DatasetError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DatasetError::io("removing", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a file and makes sure it is on disk before anyone sees its folder renamed.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
    let io = || DatasetError::io("writing", path);
    let mut file = File::create(path).map_err(io())?;
    file.write_all(bytes).map_err(io())?;
    file.sync_all().map_err(io())
}

/// A writer that counts and hashes what goes through.
pub(crate) struct HashingFile {
    file: BufWriter<File>,
    hash: sha2::Sha256,
    n_bytes: u64,
}

impl HashingFile {
    pub fn create(path: &Path) -> Result<HashingFile, DatasetError> {
        let file = File::create(path).map_err(DatasetError::io("creating", path))?;
        Ok(HashingFile {
            file: BufWriter::with_capacity(1 << 20, file),
            hash: sha2::Digest::new(),
            n_bytes: 0,
        })
    }

    /// Flushes to disk; returns the SHA-256 in hexadecimal and the number of bytes.
    pub fn finish(self) -> std::io::Result<(String, u64)> {
        let file = self.file.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()?;
        Ok((hex(&sha2::Digest::finalize(self.hash)), self.n_bytes))
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(bytes)?;
        sha2::Digest::update(&mut self.hash, &bytes[..n]);
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("ds");
        let folder = OutputFolder::start(&place, "dataset.json").unwrap();
        write_file(&folder.path().join("dataset.json"), b"1").unwrap();
        assert!(!place.exists());
        drop(folder);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            0,
            "an abandoned folder is removed"
        );

        for content in [b"1", b"2"] {
            let folder = OutputFolder::start(&place, "dataset.json").unwrap();
            write_file(&folder.path().join("dataset.json"), content).unwrap();
            folder.finish().unwrap();
            assert_eq!(fs::read(place.join("dataset.json")).unwrap(), content);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_of_someone_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        let error = OutputFolder::start(dir.path(), "dataset.json").unwrap_err();
        assert!(matches!(error, DatasetError::OutputTaken { .. }));
        assert!(dir.path().join("thesis.tex").exists());
    }

    #[test]
    fn hashing_counts_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = HashingFile::create(&dir.path().join("x")).unwrap();
        file.write_all(b"abc").unwrap();
        // FIPS 180-2, example B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(file.finish().unwrap(), (expected.to_owned(), 3));
        assert_eq!(sha256_hex(b"abc"), expected);
    }
}
