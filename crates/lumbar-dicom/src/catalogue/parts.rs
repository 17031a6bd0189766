//! Files of a scan to series, some at a time.

use super::{
    Catalogue, CataloguePart, Reject, SeriesRecord, classify,
    find::Found,
    kept::{Brief, Instance, KeptFile, Uids},
    look::Looking,
    naming::{Naming, Patients},
    scan::{Content, ScanOptions, ScanProgress},
    series::{self, SliceFacts},
};
use crate::{IdentityKey, Pseudonyms, RejectReason, SliceRecord};
use lumbar_core::{SeriesId, StudyId};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Files of a part, but for those of its last series: enough for all threads, and few in memory.
const FILES_OF_PART: usize = 512;

/// Files by series.
pub(super) struct Parts<'a> {
    root: &'a Path,
    options: &'a ScanOptions,
    found: Found,
    /// By number.
    uids: Vec<Uids>,
    /// By file; `None` for those not taken.
    briefs: Vec<Option<Brief>>,
    /// Of each series its files, by number, in the order of their paths.
    series: BTreeMap<(StudyId, SeriesId), Vec<u32>>,
    naming: Naming<'a>,
    /// All but series and slices.
    rest: Catalogue,
}

impl<'a> Parts<'a> {
    /// Names the files, and rejects those that are not taken.
    pub(super) fn new(
        (root, found): (&'a Path, Found),
        (uids, contents): (Vec<Uids>, Vec<Content>),
        options: &'a ScanOptions,
        key: &'a IdentityKey,
    ) -> Parts<'a> {
        let rest = Catalogue {
            n_files: found.n_files(),
            pseudonyms: Pseudonyms {
                key_fingerprint: key.fingerprint(),
                key_given: options.identity_key.is_some(),
                uids_kept: options.keep_uids,
                paths_kept: options.keep_paths,
            },
            pixels_checked: options.check_pixels,
            ..Catalogue::default()
        };
        let mut parts = Parts {
            root,
            options,
            found,
            uids,
            briefs: Vec::with_capacity(contents.len()),
            series: BTreeMap::new(),
            naming: Naming::new(key, options),
            rest,
        };
        parts.sort_in(contents);
        parts
    }

    fn sort_in(&mut self, contents: Vec<Content>) {
        let (mut instances, mut before) = (Vec::new(), None);
        for (number, content) in contents.into_iter().enumerate() {
            self.briefs.push(content.as_ref().ok().copied());
            let path = self.found.path(number);
            match content {
                Err(refused) => {
                    let uids = refused.uids.as_ref().map(|(study, series)| (&**study, &**series));
                    let ids = self.naming.ids(&path, uids);
                    self.reject(number, ids, refused.reason, refused.detail);
                }
                Ok(brief) => {
                    if let Some(ids) = self.ids(&path, brief, &mut before) {
                        instances.extend(brief.instance.map(|instance| (instance, number as u32)));
                        self.series.entry(ids).or_default().push(number as u32);
                    } else {
                        let detail = "StudyInstanceUID or SeriesInstanceUID is missing".to_owned();
                        self.reject(number, None, RejectReason::MissingUid, detail);
                    }
                }
            }
        }
        self.reject_repeats(instances);
    }

    /// The ids of a file; `before` are those of the file before, which mostly has the same.
    fn ids(
        &self,
        path: &Path,
        brief: Brief,
        before: &mut Option<(u32, Option<(StudyId, SeriesId)>)>,
    ) -> Option<(StudyId, SeriesId)> {
        if let Some(ids) = self.naming.ids(path, None) {
            return Some(ids);
        }
        match before {
            Some((of, ids)) if *of == brief.uids => ids.clone(),
            _ => {
                let (study, series) = &self.uids[brief.uids as usize];
                let ids = self.naming.ids(path, study.as_deref().zip(series.as_deref()));
                *before = Some((brief.uids, ids.clone()));
                ids
            }
        }
    }

    /// Rejects files that are the same instance as a file before them.
    fn reject_repeats(&mut self, mut instances: Vec<(Instance, u32)>) {
        instances.sort_unstable();
        let repeats = instances.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        for number in repeats.map(|pair| pair[1].1 as usize) {
            if let Some(brief) = self.briefs[number].take() {
                let path = self.found.path(number);
                let ids = self.ids(&path, brief, &mut None);
                let detail =
                    "same SOPInstanceUID, InstanceNumber and position as a file before it".to_owned();
                self.reject(number, ids, RejectReason::DuplicateInstance, detail);
            }
        }
    }

    fn reject(
        &mut self,
        number: usize,
        ids: Option<(StudyId, SeriesId)>,
        reason: RejectReason,
        detail: String,
    ) {
        let (study, series) = ids.unzip();
        self.rest.rejects.push(Reject {
            source: self.naming.source(&self.found.path(number)),
            study,
            series,
            reason,
            detail,
        });
    }

    /// Gives the series away, in order, and returns the rest.
    pub(super) fn arrange<E>(
        mut self,
        (looking, progress): (Option<Looking<'_>>, &(dyn Fn(ScanProgress) + Sync)),
        mut take: impl FnMut(CataloguePart) -> Result<(), E>,
    ) -> Result<Catalogue, E> {
        let (n_files, n_arranged) = (self.found.n_files(), AtomicUsize::new(0));
        let arranged_one = || {
            progress(ScanProgress {
                n_done: n_files,
                n_files,
                n_arranged: n_arranged.fetch_add(1, Ordering::Relaxed) + 1,
            });
        };
        while !self.series.is_empty() {
            let some = self.next_series();
            let arranged: Vec<_> = some
                .into_par_iter()
                .map(|series| self.arrange_series(series, looking, &arranged_one))
                .collect();
            let mut part = CataloguePart::default();
            for (ids, series, refused) in arranged {
                if let Some((series, slices)) = series {
                    part.series.push(series);
                    part.slices.extend(slices);
                }
                for (number, (reason, detail)) in refused {
                    self.reject(number as usize, Some(ids.clone()), reason, detail);
                }
            }
            if !part.series.is_empty() {
                take(part)?;
            }
        }
        self.rest.rejects.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(self.rest)
    }

    /// The series of a part.
    fn next_series(&mut self) -> Vec<FilesOfSeries> {
        let (mut some, mut n_files) = (Vec::new(), 0);
        while n_files < FILES_OF_PART
            && let Some((ids, mut files)) = self.series.pop_first()
        {
            files.retain(|number| self.briefs[*number as usize].is_some());
            n_files += files.len();
            some.push((ids, files));
        }
        some
    }

    fn arrange_series(
        &self,
        (ids, files): FilesOfSeries,
        looking: Option<Looking<'_>>,
        arranged_one: &(dyn Fn() + Sync),
    ) -> Arranged {
        let (mut slices, mut facts, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut patients = Patients::default();
        for number in files {
            let path = self.found.path(number as usize);
            match self.read_again(number, &path) {
                Ok(kept) => {
                    let named = (&self.naming, &mut patients);
                    add_slices(&ids, (path, kept), named, (&mut slices, &mut facts));
                }
                Err(why) => refused.push((number, why)),
            }
            arranged_one();
        }
        let stated = self.naming.stated(&ids);
        // Files that repeat others, or are no more, may be all there were.
        let series = (!slices.is_empty()).then(|| series::arrange(slices, &facts, stated, looking));
        (ids, series, refused)
    }

    /// Reads a header the second time: it must be of the same instance still. A file that cannot be read any more has the
    /// reason of that.
    fn read_again(&self, number: u32, path: &Path) -> Result<KeptFile, (RejectReason, String)> {
        let header = (self.options.reader)
            .read_header(&self.root.join(path))
            .map_err(|error| (error.reason(), error.to_string()))?;
        let brief = self.briefs[number as usize];
        let same = |kept: &KeptFile, brief: Brief| {
            kept.instance() == brief.instance && kept.uids() == self.uids[brief.uids as usize]
        };
        let kept = classify::check(&header).ok().and_then(|()| KeptFile::new(header));
        kept.filter(|kept| brief.is_some_and(|brief| same(kept, brief)))
            .ok_or_else(|| {
                let detail = "read a second time, it held another image or none".to_owned();
                (RejectReason::ChangedMeanwhile, detail)
            })
    }
}

/// A series and its files, by number.
type FilesOfSeries = ((StudyId, SeriesId), Vec<u32>);

/// The ids of a series, the series if it has slices, and files not taken after all.
type Arranged = (
    (StudyId, SeriesId),
    Option<(SeriesRecord, Vec<SliceRecord>)>,
    Vec<(u32, (RejectReason, String))>,
);

/// One record per frame of a file.
fn add_slices(
    (study, series): &(StudyId, SeriesId),
    (path, kept): (PathBuf, KeptFile),
    (naming, patients): (&Naming<'_>, &mut Patients),
    (slices, facts): (&mut Vec<SliceRecord>, &mut Vec<SliceFacts>),
) {
    let common = kept.common;
    let format = &common.format;
    let source = naming.source(&path);
    let patient_key = patients.key_of(&common, naming);
    let sop_instance = kept
        .sop_instance_uid
        .map(|uid| naming.uid("instance", &uid))
        .unwrap_or_default();
    let frame_of_reference = common
        .frame_of_reference_uid
        .as_ref()
        .map(|uid| naming.frame_of_reference(uid));
    let instance_number = naming.instance_of(&path).or(kept.instance_number);
    for (number, frame) in kept.frames.into_iter().enumerate() {
        slices.push(SliceRecord {
            source: source.clone(),
            path: path.clone(),
            frame: number as u32,
            study: study.clone(),
            series: series.clone(),
            patient_key: patient_key.clone(),
            sop_instance: sop_instance.clone(),
            instance_number,
            plane: frame.plane.ok(),
            no_plane: frame.plane.err(),
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
        });
        facts.push(SliceFacts {
            echo_time_ms: frame.echo_time_ms.or(common.acquisition.echo_time_ms),
            of_file: (number == 0).then(|| common.clone()),
        });
    }
}
