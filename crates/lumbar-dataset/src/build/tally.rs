//! What is known of the patients before the first sample, and counted of samples and rejects as they pass.

use crate::labels::tables::{LabelRow, patient_labels};
use crate::reject::RejectRow;
use crate::split::{Kept, split};
use crate::table::TableWriter;
use crate::{Assignment, DatasetConfig, DatasetError, Sample, SampleMode, SampleRejectReason};
use lumbar_core::{PatientKey, Severity, StudyId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where everyone stands.
#[derive(Default)]
pub(super) struct Patients {
    /// Nobody anywhere in a part.
    pub assigned: BTreeMap<PatientKey, Assignment>,
    /// Patients that stand where they stood in an older dataset.
    pub n_kept: usize,
    /// Studies with labels, whom each is of, and its site.
    studies: Vec<(StudyId, PatientKey, Option<String>)>,
}

impl Patients {
    /// Divides the patients.
    pub fn divided(
        labels: &[LabelRow],
        config: &DatasetConfig,
        keep: &Kept,
    ) -> Result<Patients, DatasetError> {
        let patients = patient_labels(labels, config.grades);
        let mut studies: Vec<_> = labels
            .iter()
            .map(|row| (row.study.clone(), row.patient.clone(), row.site.clone()))
            .collect();
        studies.dedup();
        let keep = keep.here(studies.iter().map(|(study, patient, _)| (study, patient)))?;
        Ok(Patients {
            n_kept: keep.len(),
            assigned: split(&patients, &config.split, &keep)?,
            studies,
        })
    }

    /// Writes `splits.parquet`: one row a study.
    pub fn write(
        &self,
        path: &Path,
        samples_of: &BTreeMap<StudyId, u32>,
        metadata: &[(&str, String)],
    ) -> Result<(), DatasetError> {
        let rows = || self.studies.iter();
        let assignment = |patient: &PatientKey| self.assigned.get(patient).copied();
        TableWriter::default()
            .text("study_id", rows().map(|(study, ..)| study.as_str()))
            .text("patient", rows().map(|(_, patient, _)| patient.as_str()))
            .text_or_null("site", rows().map(|(_, _, site)| site.as_deref()))
            .text(
                "split",
                rows().map(|(_, patient, _)| assignment(patient).map_or("", |a| a.part.name())),
            )
            .u32(
                "fold",
                rows().map(|(_, patient, _)| assignment(patient).map_or(0, |a| a.fold)),
            )
            .u32(
                "n_samples",
                rows().map(|(study, ..)| samples_of.get(study).copied().unwrap_or(0)),
            )
            .write(path, metadata, 1)
    }
}

/// Counts of what has passed.
#[derive(Default)]
pub(super) struct Tally {
    /// Samples of each study.
    pub samples_of: BTreeMap<StudyId, u32>,
    /// Targets and views without a sample.
    pub n_rejects: u64,
    /// Those that are marked nowhere.
    pub n_without_point: u64,
    /// Whole-slice samples whose central slice also stands under another grade, in studies that have passed.
    pub n_conflicting: usize,
    /// The images of the study in passing, by file and frame.
    images: BTreeMap<(String, u32), Image>,
}

/// How many samples show an image, and under which grades.
#[derive(Default)]
struct Image {
    n_samples: usize,
    grades: BTreeSet<Option<&'static str>>,
}

impl Tally {
    /// Counts a sample; those of a study follow each other, and an image is of one study.
    pub fn sample(&mut self, sample: &Sample, mode: SampleMode) {
        let n = self.samples_of.entry(sample.study.clone()).or_default();
        *n += 1;
        if mode == SampleMode::WholeSlice {
            if *n == 1 {
                self.end_study();
            }
            let key = (sample.source.clone(), sample.frame);
            let image = self.images.entry(key).or_default();
            image.n_samples += 1;
            image.grades.insert(sample.severity.map(Severity::display_name));
        }
    }

    /// Counts a reject.
    pub fn reject(&mut self, row: &RejectRow) {
        self.n_rejects += u64::from(row.scope == "sample");
        self.n_without_point += u64::from(row.reason == SampleRejectReason::NoPoint.code());
    }

    /// Settles the images of the study that has passed.
    pub fn end_study(&mut self) {
        let images = std::mem::take(&mut self.images);
        let conflicting = images.values().filter(|image| image.grades.len() > 1);
        self.n_conflicting += conflicting.map(|image| image.n_samples).sum::<usize>();
    }
}
