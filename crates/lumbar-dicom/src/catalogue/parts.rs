//! Files of a scan to series, some at a time.

use super::{
    Catalogue, CataloguePart, Reject,
    find::Found,
    kept::{Kept, KeptFile, Slot},
    look::Looking,
    naming::{Naming, Patients},
    scan::{Content, ScanOptions},
    series::{self, SliceFacts},
};
use crate::{IdentityKey, Pseudonyms, RejectReason, SliceRecord};
use lumbar_core::{SeriesId, StudyId};
use rayon::prelude::*;
use std::{collections::BTreeMap, path::PathBuf};

/// Slices of a part, but for those of its last series: enough for all threads, and few beside what is kept of the files.
const SLICES_OF_PART: usize = 512;

/// Files by series.
pub(super) struct Parts<'a> {
    found: Found,
    kept: Kept,
    /// By file; `None` for those not taken.
    slots: Vec<Option<Slot>>,
    /// Of each series its files, by number, in the order of their paths.
    series: BTreeMap<(StudyId, SeriesId), Vec<u32>>,
    naming: Naming<'a>,
    /// All but series and slices.
    rest: Catalogue,
}

impl<'a> Parts<'a> {
    /// Names the files, and rejects those that are not taken.
    pub(super) fn new(
        (found, kept): (Found, Kept),
        contents: Vec<Content>,
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
            found,
            kept,
            slots: Vec::with_capacity(contents.len()),
            series: BTreeMap::new(),
            naming: Naming::new(key, options),
            rest,
        };
        parts.sort_in(contents);
        parts.rest.rejects.sort_by(|a, b| a.source.cmp(&b.source));
        parts
    }

    fn sort_in(&mut self, contents: Vec<Content>) {
        let (mut instances, mut before) = (Vec::new(), None);
        for (number, content) in contents.into_iter().enumerate() {
            let path = self.found.path(number);
            self.slots.push(content.as_ref().ok().copied());
            match content {
                Err(refused) => {
                    let uids = refused.uids.as_ref().map(|(study, series)| (&**study, &**series));
                    let ids = self.naming.ids(&path, uids);
                    self.reject(number, ids, refused.reason, refused.detail);
                }
                Ok(slot) => {
                    let kept = self.kept.file(slot);
                    if let Some(ids) = self.naming.ids_of(&path, &kept, &mut before) {
                        instances.extend(kept.instance().map(|instance| (instance, number as u32)));
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

    /// Rejects files that are the same instance as a file before them.
    fn reject_repeats(&mut self, mut instances: Vec<([u8; 16], u32)>) {
        instances.sort_unstable();
        let repeats = instances.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        for number in repeats.map(|pair| pair[1].1 as usize) {
            if let Some(slot) = self.slots[number].take() {
                let path = self.found.path(number);
                let ids = self.naming.ids_of(&path, &self.kept.file(slot), &mut None);
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
        looking: Option<Looking<'_>>,
        mut take: impl FnMut(CataloguePart) -> Result<(), E>,
    ) -> Result<Catalogue, E> {
        loop {
            let some = self.next_series();
            if some.is_empty() {
                return Ok(self.rest);
            }
            let naming = &self.naming;
            let arranged: Vec<_> = some
                .into_par_iter()
                .map(|series| series.arrange(naming, looking))
                .collect();
            let mut part = CataloguePart::default();
            for (series, slices) in arranged {
                part.series.push(series);
                part.slices.extend(slices);
            }
            take(part)?;
        }
    }

    /// The series of a part.
    fn next_series(&mut self) -> Vec<FilesOfSeries> {
        let (mut some, mut n_slices) = (Vec::new(), 0);
        while n_slices < SLICES_OF_PART
            && let Some((ids, numbers)) = self.series.pop_first()
        {
            let files: Vec<_> = numbers
                .into_iter()
                .filter_map(|number| {
                    let slot = self.slots[number as usize]?;
                    Some((self.found.path(number as usize), self.kept.file(slot)))
                })
                .collect();
            n_slices += files.iter().map(|(_, kept)| kept.frames.len()).sum::<usize>();
            // All of its files may repeat files of another series.
            if !files.is_empty() {
                some.push(FilesOfSeries { ids, files });
            }
        }
        some
    }
}

struct FilesOfSeries {
    ids: (StudyId, SeriesId),
    files: Vec<(PathBuf, KeptFile)>,
}

impl FilesOfSeries {
    fn arrange(
        self,
        naming: &Naming<'_>,
        looking: Option<Looking<'_>>,
    ) -> (crate::SeriesRecord, Vec<SliceRecord>) {
        let stated = naming.stated(&self.ids);
        let (mut slices, mut facts) = (Vec::new(), Vec::new());
        let mut patients = Patients::default();
        for (path, kept) in self.files {
            add_slices(
                &self.ids,
                (path, kept),
                (naming, &mut patients),
                (&mut slices, &mut facts),
            );
        }
        series::arrange(slices, &facts, stated, looking)
    }
}

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
