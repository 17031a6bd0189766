//! Output that is written beside its place and renamed, so that a killed process leaves nothing half-made.

use crate::DatasetError;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Whether a folder can be started at `place`.
pub(crate) fn check_place(place: &Path, marker: &'static str) -> Result<(), DatasetError> {
    if place.exists() && !replaceable(place, marker) {
        return Err(DatasetError::OutputTaken {
            path: place.to_owned(),
            expected: marker,
        });
    }
    Ok(())
}

/// A folder in the making. Files go to a hidden folder beside the final place; [`OutputFolder::finish`] renames it.
///
/// Each has a name of its own, so that two machines that make the same part at once do not meet; the last one to finish
/// stays. What a killed process left is removed by the next one that makes the same folder: its lock is free.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    partial: PathBuf,
    place: PathBuf,
    /// Locked as long as this process lives.
    lock: Option<File>,
    finished: bool,
}

/// File in a folder in the making.
const LOCK: &str = ".lock";

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
        check_place(place, marker)?;
        fs::create_dir_all(parent).map_err(DatasetError::io("creating a folder", parent))?;
        remove_abandoned(parent, &partial_prefix(&name));
        let partial = parent.join(format!("{}{}", partial_prefix(&name), token()));
        fs::create_dir(&partial).map_err(DatasetError::io("creating a folder", &partial))?;
        let lock_path = partial.join(LOCK);
        let lock = File::create(&lock_path).map_err(DatasetError::io("creating", &lock_path))?;
        // Where the file system has no locks, nothing that a killed process left is ever removed.
        let lock = lock.try_lock().is_ok().then_some(lock);
        if lock.is_none() {
            remove_lock(&partial)?;
        }
        Ok(OutputFolder {
            partial,
            place: place.to_owned(),
            lock,
            finished: false,
        })
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Where it will stand.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Puts the folder in its place.
    pub fn finish(mut self) -> Result<(), DatasetError> {
        if self.lock.take().is_some() {
            remove_lock(&self.partial)?;
        }
        // Another process may put the same folder there between looking and renaming.
        for _ in 0..8 {
            self.move_aside()?;
            match fs::rename(&self.partial, &self.place) {
                Ok(()) => {
                    self.finished = true;
                    return Ok(());
                }
                Err(error) if self.place.exists() => drop(error),
                Err(error) => return Err(DatasetError::io("renaming into", &self.place)(error)),
            }
        }
        let busy = std::io::Error::from(std::io::ErrorKind::ResourceBusy);
        Err(DatasetError::io("renaming into", &self.place)(busy))
    }

    /// Removes an older folder at the place, by way of another name so that it never stands there half.
    fn move_aside(&self) -> Result<(), DatasetError> {
        let name = self.place.file_name().unwrap_or_default().to_string_lossy();
        let old = self.place.with_file_name(format!(".{name}.old-{}", token()));
        match fs::rename(&self.place, &old) {
            Ok(()) => remove_if_there(&old),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(DatasetError::io("moving aside", &self.place)(error)),
        }
    }
}

fn partial_prefix(name: &str) -> String {
    format!(".{name}.partial-")
}

/// Different for each process on each machine and each folder it starts.
fn token() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!(
        "{}-{:x}",
        std::process::id(),
        since.map_or(0, |since| since.as_nanos())
    )
}

fn remove_lock(partial: &Path) -> Result<(), DatasetError> {
    let path = partial.join(LOCK);
    fs::remove_file(&path).map_err(DatasetError::io("removing", &path))
}

/// Removes the folders of processes that are no more. One that cannot be removed is left: it is only in the way of
/// people.
fn remove_abandoned(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let abandoned = entry.file_name().to_string_lossy().starts_with(prefix)
            && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned {
            let _ = fs::remove_dir_all(entry.path());
        }
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
    fn what_a_killed_process_left_is_removed_and_what_another_makes_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("ds");
        let left = dir.path().join(".ds.partial-1-a");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        let other = OutputFolder::start(&place, "dataset.json").unwrap();
        assert!(!left.exists());
        let folder = OutputFolder::start(&place, "dataset.json").unwrap();
        assert!(other.path().exists() && folder.path() != other.path());
        // Both finish; the last one stays, whole and without a lock.
        for (folder, content) in [(other, "1"), (folder, "2")] {
            write_file(&folder.path().join("dataset.json"), content.as_bytes()).unwrap();
            folder.finish().unwrap();
            assert_eq!(fs::read_to_string(place.join("dataset.json")).unwrap(), content);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
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
