//! The scan: headers in parallel, then series by series.

use super::{
    Catalogue, CataloguePart, classify,
    find::{self, Found},
    kept::{Brief, Keeper},
    layout::{Layout, rsna_ids},
    look::Looking,
    parts::Parts,
};
use crate::{IdentityKey, ReadError, Reader, RejectReason};
use lumbar_core::{SeriesId, StudyId};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// How to scan.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Limits on each file, and who reads it.
    pub reader: Reader,
    /// Leave the weighting unknown where only grey levels tell it, instead of reading them.
    pub headers_only: bool,
    /// Decode the pixels of every file, so that one that does not decode is rejected here and not where it is used.
    pub check_pixels: bool,
    /// Where ids come from.
    pub layout: Layout,
    /// The secret behind patient keys and hashed names. `None` makes one of the contents of the whole catalogue: the
    /// same files give the same keys, other files others. Data sets that are to be joined need one key.
    pub identity_key: Option<IdentityKey>,
    /// Keep paths in manifests also outside the RSNA layout; they may hold names.
    pub keep_paths: bool,
    /// Keep UIDs instead of hashing them.
    pub keep_uids: bool,
    /// What the caller's table says of a series, such as RSNA's `train_series_descriptions.csv`.
    pub descriptions: BTreeMap<(StudyId, SeriesId), String>,
}

/// How far a scan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanProgress {
    /// Files read.
    pub n_done: usize,
    /// Files found.
    pub n_files: usize,
    /// Files read again to arrange their series, which begins when all are read. Those not taken are not among them.
    pub n_arranged: usize,
}

/// Why a folder could not be scanned at all. A file that cannot be read is never a reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The root is not a folder that can be opened.
    #[error("the folder to scan could not be opened")]
    Root(#[source] std::io::Error),
}

/// Reads the headers of all files below `root` and arranges what they hold.
///
/// Runs on the current rayon pool; the result is the same at any number of threads. `progress` is called once a file when it
/// is read and once when it is arranged, from any thread.
///
/// # Errors
/// [`ScanError`] if `root` cannot be opened as a folder. Whatever is wrong with a file becomes a
/// [`Reject`](super::Reject).
pub fn scan(
    root: &Path,
    options: &ScanOptions,
    progress: &(dyn Fn(ScanProgress) + Sync),
) -> Result<Catalogue, ScanError> {
    let (mut series, mut slices) = (Vec::new(), Vec::new());
    let rest = scan_parts(root, options, progress, |part| {
        series.extend(part.series);
        slices.extend(part.slices);
        Ok::<(), ScanError>(())
    })?;
    Ok(Catalogue {
        series,
        slices,
        ..rest
    })
}

/// As [`scan`], for a catalogue that never stands in memory as a whole: `take` is given some series and their slices at a
/// time, in the catalogue's order. What is returned is the rest of it, without series and slices.
///
/// Headers are read twice: first to learn which files belong together, and then series by series. Between the two a file's
/// name and some forty bytes are held of it. A file that is another by then is a [`Reject`](super::Reject).
///
/// # Errors
/// As [`scan`], and whatever `take` fails with.
pub fn scan_parts<E: From<ScanError>>(
    root: &Path,
    options: &ScanOptions,
    progress: &(dyn Fn(ScanProgress) + Sync),
    take: impl FnMut(CataloguePart) -> Result<(), E>,
) -> Result<Catalogue, E> {
    std::fs::read_dir(root).map_err(ScanError::Root)?;
    let found = find::files(root);
    let (n_files, n_done) = (found.n_files(), AtomicUsize::new(0));
    let keeper = Keeper::default();
    let mut contents = Vec::new();
    (0..n_files)
        .into_par_iter()
        .map(|number| {
            let content = content(root, (&found, number), options, &keeper);
            progress(ScanProgress {
                n_done: n_done.fetch_add(1, Ordering::Relaxed) + 1,
                n_files,
                n_arranged: 0,
            });
            content.map_err(Box::new)
        })
        .collect_into_vec(&mut contents);
    let (uids, mut digests) = keeper.finish();
    let key = options.identity_key.clone().unwrap_or_else(|| {
        digests.sort_unstable();
        IdentityKey::from_digests(digests.iter().copied())
    });
    drop(digests);
    let looking = (!options.headers_only).then_some(Looking {
        root,
        reader: &options.reader,
    });
    Parts::new((root, found), (uids, contents), options, &key).arrange((looking, progress), take)
}

/// What a file holds, or why it is not taken.
pub(super) type Content = Result<Brief, Box<Refused>>;

pub(super) struct Refused {
    pub(super) reason: RejectReason,
    pub(super) detail: String,
    /// Study and series of the header, where that far could be read.
    pub(super) uids: Option<(String, String)>,
}

fn content(
    root: &Path,
    (found, number): (&Found, usize),
    options: &ScanOptions,
    keeper: &Keeper,
) -> Result<Brief, Refused> {
    if let Some((reason, detail)) = found.barred(number) {
        return Err(Refused {
            reason,
            detail: detail.to_owned(),
            uids: None,
        });
    }
    let refuse = |error: ReadError, uids| Refused {
        reason: error.reason(),
        detail: error.to_string(),
        uids,
    };
    let below = found.path(number);
    let path = root.join(&below);
    let header = options
        .reader
        .read_header(&path)
        .map_err(|error| refuse(error, None))?;
    let uids = header
        .study_instance_uid
        .clone()
        .zip(header.series_instance_uid.clone());
    if let Err((reason, detail)) = classify::check(&header) {
        return Err(Refused { reason, detail, uids });
    }
    if uids.is_none() && rsna_ids(&below, options.layout).is_none() {
        let detail = "StudyInstanceUID or SeriesInstanceUID is missing or not a UID".to_owned();
        return Err(Refused {
            reason: RejectReason::MissingUid,
            detail,
            uids,
        });
    }
    if options.check_pixels {
        options
            .reader
            .check_image(&path)
            .map_err(|error| refuse(error, uids.clone()))?;
    }
    keeper
        .keep(header)
        .ok_or_else(|| refuse(ReadError::NoPixelData, uids))
}
