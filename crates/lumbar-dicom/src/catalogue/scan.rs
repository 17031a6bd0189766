//! The scan: headers in parallel, then series by series.

use super::{
    Catalogue, Reject, SliceRecord, classify,
    find::{self, Found},
    kept::{Common, Keeper, KeptFile},
    layout::{Layout, RsnaIds, rsna_ids, source_name},
    look::Looking,
    series,
};
use crate::{IdentityKey, Pseudonyms, ReadError, Reader, RejectReason};
use lumbar_core::{PatientKey, SeriesId, StudyId};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
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
/// Runs on the current rayon pool; the result is the same at any number of threads. `progress` is called once a file,
/// from any thread.
///
/// # Errors
/// [`ScanError`] if `root` cannot be opened as a folder. Whatever is wrong with a file becomes a [`Reject`].
pub fn scan(
    root: &Path,
    options: &ScanOptions,
    progress: &(dyn Fn(ScanProgress) + Sync),
) -> Result<Catalogue, ScanError> {
    std::fs::read_dir(root).map_err(ScanError::Root)?;
    let found = find::files(root);
    let (n_files, n_done) = (found.len(), AtomicUsize::new(0));
    let keeper = Keeper::default();
    let files: Vec<File> = found
        .into_par_iter()
        .map(|found| {
            let file = read_file(root, found, options, &keeper);
            progress(ScanProgress {
                n_done: n_done.fetch_add(1, Ordering::Relaxed) + 1,
                n_files,
            });
            file
        })
        .collect();
    let mut digests = keeper.into_digests();
    let key = options.identity_key.clone().unwrap_or_else(|| {
        digests.sort_unstable();
        IdentityKey::from_digests(digests.into_iter())
    });
    let looking = (!options.headers_only).then_some(Looking {
        root,
        reader: &options.reader,
    });
    Ok(arrange(files, options, &key, looking))
}

/// A file found, and what it holds.
struct File {
    path: PathBuf,
    content: Result<KeptFile, Box<Refused>>,
}

struct Refused {
    reason: RejectReason,
    detail: String,
    /// Study and series of the header, where that far could be read.
    uids: Option<(String, String)>,
}

fn read_file(root: &Path, found: Found, options: &ScanOptions, keeper: &Keeper) -> File {
    let content = content(root, &found, options, keeper).map_err(Box::new);
    File {
        path: found.path,
        content,
    }
}

fn content(root: &Path, found: &Found, options: &ScanOptions, keeper: &Keeper) -> Result<KeptFile, Refused> {
    if let Some((reason, detail)) = found.barred {
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
    let path = root.join(&found.path);
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
    if uids.is_none() && rsna_ids(&found.path, options.layout).is_none() {
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

/// Ids of the header under the key.
struct Naming<'a> {
    key: &'a IdentityKey,
    options: &'a ScanOptions,
}

impl Naming<'_> {
    fn uid(&self, domain: &str, uid: &str) -> String {
        if self.options.keep_uids {
            uid.to_owned()
        } else {
            self.key.hash(domain, &[uid.as_bytes()])
        }
    }

    fn ids(&self, rsna: Option<&RsnaIds>, uids: Option<(&str, &str)>) -> Option<(StudyId, SeriesId)> {
        if let Some(ids) = rsna {
            return Some((ids.study.clone(), ids.series.clone()));
        }
        let (study, series) = uids?;
        let study = StudyId::new(self.uid("study", study)).ok()?;
        let series = SeriesId::new(self.uid("series", series)).ok()?;
        Some((study, series))
    }

    /// The patient of a file; `before` is that of the file before it, so that the files of a patient share one text.
    fn patient(
        &self,
        common: &Arc<Common>,
        before: &mut Option<(Arc<Common>, Option<PatientKey>)>,
    ) -> Option<PatientKey> {
        match before {
            Some((of, key)) if Arc::ptr_eq(of, common) => key.clone(),
            _ => {
                let key = common.identity().patient_key(self.key);
                *before = Some((common.clone(), key.clone()));
                key
            }
        }
    }

    fn source(&self, path: &Path, rsna: bool) -> String {
        source_name(path, rsna || self.options.keep_paths, self.key)
    }
}

fn arrange(
    files: Vec<File>,
    options: &ScanOptions,
    key: &IdentityKey,
    looking: Option<Looking<'_>>,
) -> Catalogue {
    let naming = Naming { key, options };
    let mut catalogue = Catalogue {
        n_files: files.len(),
        pseudonyms: Pseudonyms {
            key_fingerprint: key.fingerprint(),
            key_given: options.identity_key.is_some(),
            uids_kept: options.keep_uids,
            paths_kept: options.keep_paths,
        },
        pixels_checked: options.check_pixels,
        ..Catalogue::default()
    };
    let mut groups: BTreeMap<(StudyId, SeriesId), Vec<FileOfSeries>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for file in files {
        let rsna = rsna_ids(&file.path, options.layout);
        let source = naming.source(&file.path, rsna.is_some());
        let mut reject = |ids: Option<(StudyId, SeriesId)>, reason, detail: String| {
            let (study, series) = ids.unzip();
            catalogue.rejects.push(Reject {
                source: source.clone(),
                study,
                series,
                reason,
                detail,
            });
        };
        let kept = match file.content {
            Ok(kept) => kept,
            Err(refused) => {
                let uids = refused
                    .uids
                    .as_ref()
                    .map(|(study, series)| (study.as_str(), series.as_str()));
                reject(naming.ids(rsna.as_ref(), uids), refused.reason, refused.detail);
                continue;
            }
        };
        let uids = kept
            .common
            .study_instance_uid
            .as_deref()
            .zip(kept.common.series_instance_uid.as_deref());
        let Some(ids) = naming.ids(rsna.as_ref(), uids) else {
            reject(
                None,
                RejectReason::MissingUid,
                "StudyInstanceUID or SeriesInstanceUID is missing".to_owned(),
            );
            continue;
        };
        if kept.instance().is_some_and(|instance| !seen.insert(instance)) {
            let detail = "same SOPInstanceUID, InstanceNumber and position as a file before it".to_owned();
            reject(Some(ids), RejectReason::DuplicateInstance, detail);
            continue;
        }
        groups.entry(ids).or_default().push(FileOfSeries {
            path: file.path,
            source,
            instance: rsna.map(|ids| ids.instance),
            kept,
        });
    }
    drop(seen);
    while !groups.is_empty() {
        let some: Vec<_> = std::iter::from_fn(|| groups.pop_first())
            .take(SERIES_AT_A_TIME)
            .collect();
        let arranged: Vec<_> = some
            .into_par_iter()
            .map(|((study, series), files)| {
                let stated = options
                    .descriptions
                    .get(&(study.clone(), series.clone()))
                    .map(String::as_str);
                let (mut slices, mut facts) = (Vec::new(), Vec::new());
                let mut patient = None;
                for file in files {
                    let patient_key = naming.patient(&file.kept.common, &mut patient);
                    let owner = (&study, &series, patient_key);
                    file.slices(owner, &naming, (&mut slices, &mut facts));
                }
                series::arrange(slices, &facts, stated, looking)
            })
            .collect();
        for (series, slices) in arranged {
            catalogue.series.push(series);
            catalogue.slices.extend(slices);
        }
    }
    catalogue.rejects.sort_by(|a, b| a.source.cmp(&b.source));
    catalogue
}

/// Series on their way from files to records: those before them are records only, those behind them files only.
const SERIES_AT_A_TIME: usize = 64;

struct FileOfSeries {
    path: PathBuf,
    source: String,
    instance: Option<i32>,
    kept: KeptFile,
}

impl FileOfSeries {
    /// One record per frame.
    fn slices(
        self,
        (study, series, patient_key): (&StudyId, &SeriesId, Option<PatientKey>),
        naming: &Naming<'_>,
        (slices, facts): (&mut Vec<SliceRecord>, &mut Vec<SliceFacts>),
    ) {
        let KeptFile { common, frames, .. } = &self.kept;
        let format = &common.format;
        let frame_of_reference = common
            .frame_of_reference_uid
            .as_ref()
            .map(|uid| naming.key.hash("frame of reference", &[uid.as_bytes()]));
        let sop_instance = self
            .kept
            .sop_instance_uid
            .as_deref()
            .map(|uid| naming.uid("instance", uid))
            .unwrap_or_default();
        slices.extend(frames.iter().enumerate().map(|(number, frame)| SliceRecord {
            source: self.source.clone(),
            path: self.path.clone(),
            frame: number as u32,
            study: study.clone(),
            series: series.clone(),
            patient_key: patient_key.clone(),
            sop_instance: sop_instance.clone(),
            instance_number: self.instance.or(self.kept.instance_number),
            plane: frame.plane.ok(),
            no_plane: frame.plane.as_ref().err().copied(),
            stack_idx: 0,
            position_in_stack: 0,
            same_position_as_previous: false,
            rows: format.rows,
            columns: format.columns,
            bits_stored: format.bits_stored as u8,
            signed: format.signed,
            photometric: format.photometric.unwrap_or_default(),
            transfer_syntax: common.transfer_syntax,
            rescale: frame.rescale,
            window: frame.window,
            frame_of_reference: frame_of_reference.clone(),
        }));
        facts.extend(frames.iter().enumerate().map(|(number, frame)| SliceFacts {
            echo_time_ms: frame.echo_time_ms.or(common.acquisition.echo_time_ms),
            of_file: (number == 0).then(|| common.clone()),
        }));
    }
}

/// What a series is arranged and recognised by, beside the records.
pub(super) struct SliceFacts {
    pub(super) echo_time_ms: Option<f64>,
    /// Of the file, with its first frame.
    pub(super) of_file: Option<Arc<Common>>,
}
