//! Errors of building and reading datasets.

use crate::Outcome;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why a dataset, catalogue or label table could not be made or read.
///
/// Single bad files, rows or samples are not errors: they become rejects and findings. These are what stops the whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The operating system refused.
    #[error("{action} `{}` failed", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A folder lacks the file that would make it what it was taken for.
    #[error("no `{file}` in `{}`", folder.display())]
    Missing {
        /// The file.
        file: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
        /// What to give instead.
        hint: String,
    },
    /// The folder of images is a symbolic link, behind which nothing would be found.
    #[error("`{}` is a symbolic link; links are not followed", path.display())]
    Linked {
        /// The link.
        path: PathBuf,
    },
    /// A table lacks a column or its header cannot be read.
    #[error("table {}: {detail}", path.display())]
    BadTable {
        /// The table.
        path: PathBuf,
        /// What was expected and found.
        detail: String,
    },
    /// A file of ours does not hold what it should.
    #[error("{what}: {detail} ({})", path.display())]
    Corrupt {
        /// Which kind of file.
        what: &'static str,
        /// What was expected and found.
        detail: String,
        /// The file.
        path: PathBuf,
    },
    /// A configuration key holds a value it cannot hold.
    #[error("`{key}` is {found}, expected {expected}")]
    Config {
        /// Dotted key.
        key: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A configuration file that cannot be read as one.
    #[error("configuration: {detail}")]
    ConfigSyntax {
        /// The parser's message, with line and nearest key.
        detail: String,
    },
    /// A format version this build does not know.
    #[error("format version {found}, expected at most {known} ({})", path.display())]
    Version {
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
        /// The file.
        path: PathBuf,
    },
    /// A catalogue of a format version before this one's, whose digest was made otherwise.
    #[error("an older version wrote this catalogue; ingest the folder again ({})", path.display())]
    OldCatalogue {
        /// The file.
        path: PathBuf,
    },
    /// The place for output is taken by something else.
    #[error("`{}` exists and holds no `{expected}`; nothing was written", path.display())]
    OutputTaken {
        /// The place.
        path: PathBuf,
        /// What would have been replaced.
        expected: &'static str,
    },
    /// Nothing usable was found, and what stands at the place for output is worth more.
    #[error("no {what}; `{}` keeps what it holds", path.display())]
    NothingUsable {
        /// What was looked for.
        what: &'static str,
        /// The place.
        path: PathBuf,
        /// What became of the input, of a dataset.
        outcome: Option<Box<Outcome>>,
    },
    /// A sample index beyond the dataset.
    #[error("sample {index} of a dataset of {n_samples}")]
    NoSuchSample {
        /// Index asked for.
        index: usize,
        /// Samples there are.
        n_samples: usize,
    },
    /// Nothing to work on.
    #[error("no {what}: {hint}")]
    Nothing {
        /// What is missing.
        what: &'static str,
        /// Where to look.
        hint: String,
    },
    /// Parts that do not belong together.
    #[error("part {}: {detail}", path.display())]
    Parts {
        /// The part at fault.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// Parts that were not named.
    #[error("{n_found} parts of {of}: {absent} missing")]
    MissingParts {
        /// Which, as `i/n`.
        absent: String,
        /// Parts that were named.
        n_found: usize,
        /// Parts there are.
        of: u32,
    },
    /// Two patients' worth of data on two sides.
    #[error("split: {detail}")]
    Split {
        /// What was found.
        detail: String,
    },
    /// A worker of ours panicked; the work it was doing is lost.
    #[error("a worker panicked while {doing}")]
    WorkerPanicked {
        /// What it was doing.
        doing: String,
    },
    /// Reading the DICOM tree failed as a whole.
    #[error("scanning the DICOM tree failed")]
    Scan(#[from] lumbar_dicom::ScanError),
    /// Preparing pixels failed.
    #[error("preparing pixels failed")]
    Preprocess(#[from] lumbar_preprocess::PreprocessError),
}

impl DatasetError {
    /// What would help, where that is known and the message does not say it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            DatasetError::Missing { hint, .. } => Some(hint),
            DatasetError::Linked { .. } => Some(
                "move the folder itself there, or copy the tables beside it and give the folder they are then in",
            ),
            DatasetError::NothingUsable {
                outcome: Some(outcome),
                ..
            } => outcome.cause.as_deref(),
            _ => None,
        }
    }

    /// Why `file` of `folder` could not be read; `give` is what to give instead, should there be no such file.
    pub(crate) fn unread(
        folder: &Path,
        file: &'static str,
        give: &str,
    ) -> impl FnOnce(std::io::Error) -> DatasetError {
        let give = give.to_owned();
        let folder = folder.to_owned();
        move |source| {
            if !matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                return DatasetError::io("reading", &folder.join(file))(source);
            }
            let found = if folder.is_dir() {
                ""
            } else if folder.exists() {
                "it is a file; "
            } else {
                "there is no such folder; "
            };
            DatasetError::Missing {
                file,
                folder,
                hint: format!("{found}give {give}"),
            }
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DatasetError {
        let path = path.to_owned();
        move |source| DatasetError::Io { action, path, source }
    }

    pub(crate) fn corrupt(what: &'static str, path: &Path, detail: impl std::fmt::Display) -> DatasetError {
        DatasetError::Corrupt {
            what,
            detail: format!("{detail}"),
            path: path.to_owned(),
        }
    }

    pub(crate) fn config(
        key: &'static str,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> DatasetError {
        DatasetError::Config {
            key,
            found: format!("{found}"),
            expected: expected.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DatasetInfo;
    use crate::labels::Labels;

    #[test]
    fn a_folder_that_is_something_else_says_what_to_give() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notes.txt");
        std::fs::write(&file, "x").unwrap();
        let hint = |folder: &Path| {
            let error = DatasetInfo::read(folder).unwrap_err();
            assert!(error.to_string().starts_with("no `dataset.json` in `"), "{error}");
            error.hint().unwrap().to_owned()
        };
        assert!(hint(&dir.path().join("nowhere")).starts_with("there is no such folder; give the folder"));
        assert!(hint(&file).starts_with("it is a file; give the folder"));
        assert!(hint(dir.path()).starts_with("give the folder"));
        let error = Labels::read_rsna(dir.path()).unwrap_err();
        assert!(error.to_string().starts_with("no `train.csv` in `"), "{error}");
        assert!(error.hint().unwrap().contains("train_images"));
    }
}
