//! Ids and names under the key.

use super::{
    kept::Common,
    layout::{rsna_ids, source_name},
    scan::ScanOptions,
};
use crate::IdentityKey;
use lumbar_core::{PatientKey, SeriesId, StudyId};
use std::{path::Path, sync::Arc};

/// Names what a scan finds: by folders in the RSNA layout, under the key elsewhere.
pub(super) struct Naming<'a> {
    key: &'a IdentityKey,
    options: &'a ScanOptions,
}

impl<'a> Naming<'a> {
    pub(super) fn new(key: &'a IdentityKey, options: &'a ScanOptions) -> Naming<'a> {
        Naming { key, options }
    }

    pub(super) fn uid(&self, domain: &str, uid: &str) -> String {
        if self.options.keep_uids {
            uid.to_owned()
        } else {
            self.key.hash(domain, &[uid.as_bytes()])
        }
    }

    pub(super) fn frame_of_reference(&self, uid: &str) -> String {
        self.key.hash("frame of reference", &[uid.as_bytes()])
    }

    /// Study and series of a file, by its path or else its UIDs.
    pub(super) fn ids(&self, path: &Path, uids: Option<(&str, &str)>) -> Option<(StudyId, SeriesId)> {
        if let Some(ids) = rsna_ids(path, self.options.layout) {
            return Some((ids.study, ids.series));
        }
        let (study, series) = uids?;
        let study = StudyId::new(self.uid("study", study)).ok()?;
        let series = SeriesId::new(self.uid("series", series)).ok()?;
        Some((study, series))
    }

    /// The instance that a path in the RSNA layout names.
    pub(super) fn instance_of(&self, path: &Path) -> Option<i32> {
        rsna_ids(path, self.options.layout).map(|ids| ids.instance)
    }

    pub(super) fn source(&self, path: &Path) -> String {
        let is_plain = self.options.keep_paths || rsna_ids(path, self.options.layout).is_some();
        source_name(path, is_plain, self.key)
    }

    /// What the caller's table says of a series.
    pub(super) fn stated(&self, ids: &(StudyId, SeriesId)) -> Option<&'a str> {
        self.options.descriptions.get(ids).map(String::as_str)
    }
}

/// Patients of the files of a series, which mostly are one: its key stands in memory once.
#[derive(Default)]
pub(super) struct Patients {
    before: Option<(Arc<Common>, Option<PatientKey>)>,
}

impl Patients {
    pub(super) fn key_of(&mut self, common: &Arc<Common>, naming: &Naming<'_>) -> Option<PatientKey> {
        match &self.before {
            Some((of, key)) if (&of.patient_id, &of.issuer) == (&common.patient_id, &common.issuer) => {
                key.clone()
            }
            _ => {
                let key = common.identity().patient_key(naming.key);
                self.before = Some((common.clone(), key.clone()));
                key
            }
        }
    }
}
