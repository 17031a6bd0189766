//! The scan: headers in parallel, then series by series.

use super::{
    Catalogue, Reject, SliceRecord, classify,
    find::{self, Found},
    layout::{Layout, RsnaIds, rsna_ids, source_name},
    look::Looking,
    series,
};
use crate::{FrameHeader, Header, IdentityKey, NoPlane, ReadError, Reader, RejectReason};
use lumbar_core::{SeriesId, StudyId};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
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
    let files: Vec<File> = found
        .into_par_iter()
        .map(|found| {
            let file = read_file(root, found, options);
            progress(ScanProgress {
                n_done: n_done.fetch_add(1, Ordering::Relaxed) + 1,
                n_files,
            });
            file
        })
        .collect();
    let key = options.identity_key.clone().unwrap_or_else(|| {
        let mut digests: Vec<[u8; 32]> = files
            .iter()
            .filter_map(|file| Some(file.content.as_ref().ok()?.header.identity.digest))
            .collect();
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
    rsna: Option<RsnaIds>,
    content: Result<Box<Taken>, Refused>,
}

struct Taken {
    header: Header,
}

struct Refused {
    reason: RejectReason,
    detail: String,
    /// Study and series of the header, where that far could be read.
    uids: Option<(String, String)>,
}

fn read_file(root: &Path, found: Found, options: &ScanOptions) -> File {
    let rsna = rsna_ids(&found.path, options.layout);
    let content = content(&root.join(&found.path), &found, rsna.is_some(), options);
    File {
        path: found.path,
        rsna,
        content,
    }
}

fn content(path: &Path, found: &Found, has_ids: bool, options: &ScanOptions) -> Result<Box<Taken>, Refused> {
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
    let mut header = options
        .reader
        .read_header(path)
        .map_err(|error| refuse(error, None))?;
    let uids = header
        .study_instance_uid
        .clone()
        .zip(header.series_instance_uid.clone());
    if let Err((reason, detail)) = classify::check(&header) {
        return Err(Refused { reason, detail, uids });
    }
    if uids.is_none() && !has_ids {
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
            .check_image(path)
            .map_err(|error| refuse(error, uids))?;
    }
    header.frames.shrink_to_fit();
    Ok(Box::new(Taken { header }))
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
        ..Catalogue::default()
    };
    let mut groups: BTreeMap<(StudyId, SeriesId), Vec<FileOfSeries>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for file in files {
        let source = naming.source(&file.path, file.rsna.is_some());
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
        let taken = match file.content {
            Ok(taken) => taken,
            Err(Refused { reason, detail, uids }) => {
                let uids = uids
                    .as_ref()
                    .map(|(study, series)| (study.as_str(), series.as_str()));
                reject(naming.ids(file.rsna.as_ref(), uids), reason, detail);
                continue;
            }
        };
        let header = taken.header;
        let uids = header
            .study_instance_uid
            .as_deref()
            .zip(header.series_instance_uid.as_deref());
        let Some(ids) = naming.ids(file.rsna.as_ref(), uids) else {
            reject(
                None,
                RejectReason::MissingUid,
                "StudyInstanceUID or SeriesInstanceUID is missing".to_owned(),
            );
            continue;
        };
        if !seen.insert(instance_identity(&header)) && header.sop_instance_uid.is_some() {
            let detail = "same SOPInstanceUID, InstanceNumber and position as a file before it".to_owned();
            reject(Some(ids), RejectReason::DuplicateInstance, detail);
            continue;
        }
        let instance = file.rsna.as_ref().map(|ids| ids.instance);
        groups.entry(ids).or_default().push(FileOfSeries {
            path: file.path,
            source,
            instance,
            header,
        });
    }
    let arranged: Vec<_> = groups
        .into_par_iter()
        .map(|((study, series), files)| {
            let stated = options
                .descriptions
                .get(&(study.clone(), series.clone()))
                .map(String::as_str);
            let members: Vec<_> = files
                .into_iter()
                .flat_map(|file| file.slices(&study, &series, &naming))
                .collect();
            series::arrange(&members, stated, looking)
        })
        .collect();
    for (series, slices) in arranged {
        catalogue.series.push(series);
        catalogue.slices.extend(slices);
    }
    catalogue.rejects.sort_by(|a, b| a.source.cmp(&b.source));
    catalogue
}

/// What makes two files the same instance. The UID alone does not: careless de-identification repeats it.
fn instance_identity(header: &Header) -> (Option<String>, Option<i32>, Vec<u64>) {
    let position = header
        .frames
        .first()
        .and_then(|frame| frame.plane.ok())
        .map_or(Vec::new(), |plane| {
            let (origin, normal) = (plane.origin(), plane.normal());
            [origin.x, origin.y, origin.z, normal.x, normal.y, normal.z]
                .map(f64::to_bits)
                .to_vec()
        });
    (header.sop_instance_uid.clone(), header.instance_number, position)
}

struct FileOfSeries {
    path: PathBuf,
    source: String,
    instance: Option<i32>,
    header: Header,
}

impl FileOfSeries {
    /// One member per frame. The header goes with the first and is shared by reference count only within a series.
    fn slices(
        self,
        study: &StudyId,
        series: &SeriesId,
        naming: &Naming<'_>,
    ) -> Vec<(SliceRecord, SliceFacts)> {
        let header = &self.header;
        let Some(format) = &header.pixel_format else {
            return Vec::new();
        };
        let patient_key = header.identity.patient_key(naming.key);
        let frame_of_reference = header
            .frame_of_reference_uid
            .as_ref()
            .map(|uid| naming.key.hash("frame of reference", &[uid.as_bytes()]));
        let sop_instance = header
            .sop_instance_uid
            .as_ref()
            .map(|uid| naming.uid("instance", uid))
            .unwrap_or_default();
        let slice = |(number, frame): (usize, &FrameHeader)| {
            let no_plane: Option<NoPlane> = frame.plane.as_ref().err().copied();
            let record = SliceRecord {
                source: self.source.clone(),
                path: self.path.clone(),
                frame: number as u32,
                study: study.clone(),
                series: series.clone(),
                patient_key: patient_key.clone(),
                sop_instance: sop_instance.clone(),
                instance_number: self.instance.or(header.instance_number),
                plane: frame.plane.ok(),
                no_plane,
                stack_idx: 0,
                position_in_stack: 0,
                same_position_as_previous: false,
                rows: format.rows,
                columns: format.columns,
                bits_stored: format.bits_stored as u8,
                signed: format.signed,
                photometric: format.photometric.unwrap_or_default(),
                transfer_syntax: header.transfer_syntax,
                rescale: frame.rescale,
                window: frame.window,
                frame_of_reference: frame_of_reference.clone(),
            };
            let echo_time_ms = frame.echo_time_ms.or(header.acquisition.echo_time_ms);
            (
                record,
                SliceFacts {
                    echo_time_ms,
                    header: None,
                },
            )
        };
        let mut slices: Vec<(SliceRecord, SliceFacts)> =
            header.frames.iter().enumerate().map(slice).collect();
        if let Some((_, facts)) = slices.first_mut() {
            facts.header = Some(Box::new(self.header));
        }
        slices
    }
}

/// What a series is arranged and recognised by, beside the records.
pub(super) struct SliceFacts {
    pub(super) echo_time_ms: Option<f64>,
    /// The header of the file, with its first frame.
    pub(super) header: Option<Box<Header>>,
}
