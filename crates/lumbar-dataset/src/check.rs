//! Whether a dataset holds what it promises.

use crate::output::HashingFile;
use crate::{Dataset, DatasetError, NearDuplicates, PatientGrouping, near_duplicates, split_of};
use lumbar_core::{PatientKey, StudyId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// The result of [`check`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// What patients are told apart by.
    pub patient_grouping: PatientGrouping,
    /// Patients on each side.
    pub n_patients: BTreeMap<String, usize>,
    /// Samples whose pixels were compared with their checksum.
    pub n_samples: usize,
    /// Pictures that stand under two patients.
    pub near_duplicates: NearDuplicates,
    /// Whatever is wrong, in sentences; empty if nothing is.
    pub problems: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Checks a dataset: no patient and no study on two sides, no picture on two sides under two patients, samples where
/// the split says, counts that close, every file with its digest and every sample with its checksum.
///
/// # Errors
/// [`DatasetError`] if a table cannot be read. Whatever is wrong with content is a problem of the report.
pub fn check(dataset: &Dataset) -> Result<CheckReport, DatasetError> {
    let info = dataset.info();
    let mut problems = Vec::new();
    let assigned = match split_of(dataset.path()) {
        Ok(assigned) => assigned,
        Err(DatasetError::Corrupt { detail, .. }) => {
            problems.push(format!("splits.parquet: {detail}"));
            BTreeMap::new()
        }
        Err(error) => return Err(error),
    };
    let mut patient_of: BTreeMap<&StudyId, &PatientKey> = BTreeMap::new();
    let mut sides: BTreeMap<&PatientKey, BTreeSet<&'static str>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (index, sample) in dataset.samples().iter().enumerate() {
        if !ids.insert(&sample.sample_id) {
            problems.push(format!("sample {} stands twice", sample.sample_id));
        }
        if *patient_of.entry(&sample.study).or_insert(&sample.patient) != &sample.patient {
            problems.push(format!("study {} is of two patients", sample.study));
        }
        sides
            .entry(&sample.patient)
            .or_default()
            .insert(sample.assignment.part.name());
        if assigned.get(&sample.patient) != Some(&sample.assignment) {
            problems.push(format!(
                "sample {} does not stand where splits.parquet says",
                sample.sample_id
            ));
        }
        if let Err(error) = dataset.pixels(index) {
            problems.push(format!("sample {}: {error}", sample.sample_id));
        }
    }
    for (patient, parts) in sides.iter().filter(|(_, parts)| parts.len() > 1) {
        problems.push(format!(
            "patient {patient} stands in {}",
            Vec::from_iter(parts.iter().copied()).join(" and ")
        ));
    }
    if dataset.samples().is_empty() {
        problems.push("there is no sample".to_owned());
    }
    let counts = info.counts;
    if counts.files != counts.files_with_slices + counts.file_rejects {
        problems.push("files do not add up to those with slices and those rejected".to_owned());
    }
    if counts.target_views != counts.samples + counts.sample_rejects {
        problems.push("targets and views do not add up to samples and rejects".to_owned());
    }
    for shard in &info.shards {
        let path = dataset.path().join(&shard.file);
        let bytes = std::fs::File::open(&path).map_err(DatasetError::io("opening", &path))?;
        let found = HashingFile::digest_of(bytes).map_err(DatasetError::io("reading", &path))?;
        if found != (shard.sha256.clone(), shard.n_bytes) {
            problems.push(format!("{} does not have its digest", shard.file));
        }
    }
    let mut n_patients = BTreeMap::new();
    for assignment in assigned.values() {
        *n_patients.entry(assignment.part.name().to_owned()).or_default() += 1;
    }
    // Broken pixels are a problem already, and cannot be compared.
    let near_duplicates = if problems.is_empty() {
        near_duplicates(dataset)?
    } else {
        NearDuplicates::default()
    };
    problems.extend(shared_pictures(&near_duplicates));
    Ok(CheckReport {
        patient_grouping: info.patient_grouping,
        n_patients,
        n_samples: dataset.samples().len(),
        near_duplicates,
        problems,
    })
}

/// Pairs of studies with the same pictures on two sides, once each.
fn shared_pictures(found: &NearDuplicates) -> Vec<String> {
    let mut studies: BTreeMap<(&[String; 2], &[String; 2]), usize> = BTreeMap::new();
    for pair in found.pairs.iter().filter(|pair| pair.across) {
        *studies.entry((&pair.studies, &pair.places)).or_default() += 1;
    }
    studies
        .into_iter()
        .map(|((studies, places), n)| {
            format!(
                "studies {} ({}) and {} ({}) share {n} pictures but count as two patients",
                studies[0], places[0], studies[1], places[1]
            )
        })
        .collect()
}

impl HashingFile {
    /// SHA-256 and length of what a reader gives.
    fn digest_of(mut reader: impl std::io::Read) -> std::io::Result<(String, u64)> {
        struct Sink(sha2::Sha256, u64);
        impl Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                sha2::Digest::update(&mut self.0, bytes);
                self.1 += bytes.len() as u64;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut sink = Sink(sha2::Digest::new(), 0);
        std::io::copy(&mut reader, &mut sink)?;
        Ok((crate::output::hex(&sha2::Digest::finalize(sink.0)), sink.1))
    }
}
