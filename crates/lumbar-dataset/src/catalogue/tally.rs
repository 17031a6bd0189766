//! Counts and digest of a catalogue that passes by.

use super::{CATALOGUE_SCHEMA_VERSION, CatalogueInfo};
use crate::output::hex;
use lumbar_core::StudyId;
use lumbar_dicom::{Catalogue, SeriesRecord, SliceRecord, Verdicts};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What has passed by so far. Of a series only its verdict is remembered.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    n_series: u64,
    n_slices: u64,
    n_files_with_slices: u64,
    n_studies: u64,
    last_study: Option<StudyId>,
    series_kinds: BTreeMap<String, u64>,
    pub(super) verdicts: Verdicts,
    records: Records,
}

impl Tally {
    /// Takes series and all their slices, both in the catalogue's order.
    pub(super) fn add(&mut self, series: &[SeriesRecord], slices: &[SliceRecord]) {
        // The frames of a file are of one series.
        let sources: BTreeSet<&str> = slices.iter().map(|slice| slice.source.as_str()).collect();
        self.n_files_with_slices += sources.len() as u64;
        self.n_series += series.len() as u64;
        self.n_slices += slices.len() as u64;
        for series in series {
            if self.last_study.as_ref() != Some(&series.study) {
                self.n_studies += 1;
                self.last_study = Some(series.study.clone());
            }
            let kind = series.kind.map_or("unknown", |kind| kind.name());
            *self.series_kinds.entry(kind.to_owned()).or_insert(0) += 1;
            self.verdicts.add_series(series);
        }
        self.records.add(series, slices);
    }

    /// With what a catalogue says beside series and slices.
    pub(super) fn finish(mut self, rest: &Catalogue) -> (CatalogueInfo, Verdicts) {
        let mut reject_reasons = BTreeMap::new();
        for reject in &rest.rejects {
            self.verdicts.add_reject(reject);
            *reject_reasons.entry(reject.reason.code().to_owned()).or_insert(0) += 1;
        }
        let (mut unused_series, mut unused_studies) = (BTreeMap::new(), BTreeMap::new());
        for unused in self.verdicts.unused() {
            let tally = if unused.series.is_some() {
                &mut unused_series
            } else {
                &mut unused_studies
            };
            *tally.entry(unused.reason.code().to_owned()).or_insert(0) += 1;
        }
        let info = CatalogueInfo {
            schema_version: CATALOGUE_SCHEMA_VERSION,
            source_digest: self.records.finish(rest),
            n_files: rest.n_files as u64,
            n_files_with_slices: self.n_files_with_slices,
            n_rejects: rest.rejects.len() as u64,
            n_slices: self.n_slices,
            n_series: self.n_series,
            n_studies: self.n_studies,
            series_kinds: self.series_kinds,
            reject_reasons,
            found: self.verdicts.found(),
            unused_series,
            unused_studies,
            pseudonyms: rest.pseudonyms.clone(),
            pixels_checked: rest.pixels_checked,
        };
        (info, self.verdicts)
    }
}

impl CatalogueInfo {
    /// Counts a catalogue.
    pub fn of(catalogue: &Catalogue) -> CatalogueInfo {
        let mut tally = Tally::default();
        tally.add(&catalogue.series, &catalogue.slices);
        tally.finish(catalogue).0
    }
}

/// SHA-256 over all records, in hexadecimal.
pub(crate) fn digest(catalogue: &Catalogue) -> String {
    let mut records = Records::default();
    records.add(&catalogue.series, &catalogue.slices);
    records.finish(catalogue)
}

/// Digests of the records, one of each list: series and slices come side by side.
#[derive(Debug, Clone, Default)]
struct Records {
    series: Sha256,
    slices: Sha256,
}

impl Records {
    fn add(&mut self, series: &[SeriesRecord], slices: &[SliceRecord]) {
        add_lines(&mut self.series, series);
        add_lines(&mut self.slices, slices);
    }

    fn finish(self, rest: &Catalogue) -> String {
        let mut rejects = Sha256::new();
        add_lines(&mut rejects, &rest.rejects);
        let [series, slices, rejects] =
            [self.series, self.slices, rejects].map(|list| hex(&Digest::finalize(list)));
        let all = format!("{}\n{series}\n{slices}\n{rejects}\n", rest.n_files);
        hex(&Sha256::digest(all))
    }
}

/// A line of JSON for each record.
fn add_lines<T: Serialize>(hash: &mut Sha256, records: &[T]) {
    let mut line = Vec::new();
    for record in records {
        line.clear();
        // The records hold nothing that JSON cannot, and memory takes all that is written.
        let _ = serde_json::to_writer(&mut line, record);
        line.push(b'\n');
        hash.update(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_dicom::{ScanOptions, scan};
    use lumbar_phantom::{PhantomConfig, Pixels, generate};

    #[test]
    fn counts_and_digest_do_not_depend_on_the_parts() {
        let folder = tempfile::tempdir().unwrap();
        let config = PhantomConfig {
            n_studies: 2,
            pixels: Pixels::Tiny,
            ..PhantomConfig::default()
        };
        generate(&config, folder.path(), &|_| {}).unwrap();
        let catalogue = scan(folder.path(), &ScanOptions::default(), &|_| {}).unwrap();
        let whole = CatalogueInfo::of(&catalogue);
        assert_eq!(whole.source_digest, digest(&catalogue));
        assert_eq!(
            (whole.n_studies, whole.n_series as usize),
            (2, catalogue.series.len())
        );
        let mut tally = Tally::default();
        for series in &catalogue.series {
            tally.add(
                std::slice::from_ref(series),
                catalogue.slices_of(&series.study, &series.series),
            );
        }
        assert_eq!(tally.finish(&catalogue).0, whole);
        let mut other = catalogue.clone();
        other.slices.swap(0, 1);
        assert_ne!(digest(&other), whole.source_digest);
    }
}
