//! Putting a dataset together from the output of its studies.

use super::Base;
use crate::catalogue::write_tables;
use crate::dataset::shard_shape;
use crate::info::DATASET_JSON;
use crate::labels::tables::{LabelRow, patient_labels, write_findings, write_labels};
use crate::output::{OutputFolder, write_file};
use crate::pixels::ShardWriter;
use crate::reject::{RejectRow, write_rejects};
use crate::render::StudyOutput;
use crate::sample::write_samples;
use crate::table::TableWriter;
use crate::{
    Assignment, Counts, DatasetConfig, DatasetError, DatasetInfo, Domain, PatientGrouping, SCHEMA_VERSION,
    Sample, SampleMode, SampleRejectReason, ShardRecord, provenance, split,
};
use lumbar_core::{PatientKey, Severity};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Key-value metadata of every table.
pub(super) fn metadata(config_hash: &str, source_digest: &str) -> Vec<(&'static str, String)> {
    vec![
        ("schema_version", SCHEMA_VERSION.to_string()),
        ("config_hash", config_hash.to_owned()),
        ("source_digest", source_digest.to_owned()),
    ]
}

/// What is known before pixels are read: of one process, or of the parts.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    pub schema_version: u32,
    pub config: DatasetConfig,
    pub config_hash: String,
    pub source_digest: String,
    pub domain: Domain,
    pub patient_grouping: PatientGrouping,
    pub n_files: u64,
    pub n_files_with_slices: u64,
    pub n_slices: u64,
    pub n_series: u64,
    pub n_studies: u64,
    pub n_findings: u64,
    pub file_rejects: u64,
}

impl Known {
    pub fn of(base: &Base) -> Known {
        let catalogue = &base.input.catalogue;
        let sources: BTreeSet<&str> = catalogue
            .slices
            .iter()
            .map(|slice| slice.source.as_str())
            .collect();
        Known {
            schema_version: SCHEMA_VERSION,
            config: base.input.config.clone(),
            config_hash: base.config_hash.clone(),
            source_digest: base.source_digest.clone(),
            domain: base.domain,
            patient_grouping: base.patient_grouping,
            n_files: catalogue.n_files as u64,
            n_files_with_slices: sources.len() as u64,
            n_slices: catalogue.slices.len() as u64,
            n_series: catalogue.series.len() as u64,
            n_studies: base.studies.len() as u64,
            n_findings: base.findings.len() as u64,
            file_rejects: catalogue.rejects.len() as u64,
        }
    }

    /// What a dataset knows, under another configuration of the split.
    pub fn of_dataset(info: &DatasetInfo, config: DatasetConfig) -> Known {
        let counts = info.counts;
        Known {
            schema_version: SCHEMA_VERSION,
            config_hash: config.hash(),
            config,
            source_digest: info.source_digest.clone(),
            domain: info.domain,
            patient_grouping: info.patient_grouping,
            n_files: counts.files,
            n_files_with_slices: counts.files_with_slices,
            n_slices: counts.slices,
            n_series: counts.series,
            n_studies: counts.studies,
            n_findings: counts.findings,
            file_rejects: counts.file_rejects,
        }
    }
}

/// Writes what does not depend on pixels: the catalogue's tables, labels and findings. File rejects are written apart
/// (`file_rejects.parquet`) and joined with those of samples at the end.
pub(super) fn write_base(base: &Base, folder: &Path) -> Result<(), DatasetError> {
    let metadata = base.metadata();
    write_tables(&base.input.catalogue, folder, &metadata)?;
    let rejects = RejectRow::of_catalogue(&base.input.catalogue);
    write_rejects(&folder.join(FILE_REJECTS), &rejects, &metadata)?;
    write_labels(&folder.join("labels.parquet"), &base.label_rows, &metadata)?;
    write_findings(&folder.join("findings.parquet"), &base.findings, &metadata)
}

/// File rejects, until they are joined with those of samples.
pub(super) const FILE_REJECTS: &str = "file_rejects.parquet";

/// Takes samples in order and writes the dataset.
pub(super) struct DatasetWriter {
    folder: OutputFolder,
    pixels: ShardWriter,
    samples: Vec<Sample>,
    rejects: Vec<RejectRow>,
}

impl DatasetWriter {
    pub fn start(out: &Path, config: &DatasetConfig) -> Result<DatasetWriter, DatasetError> {
        DatasetWriter::start_in(OutputFolder::start(out, DATASET_JSON)?, config)
    }

    pub fn start_in(folder: OutputFolder, config: &DatasetConfig) -> Result<DatasetWriter, DatasetError> {
        let pixels = ShardWriter::new(folder.path(), shard_shape(config))?;
        Ok(DatasetWriter {
            folder,
            pixels,
            samples: Vec::new(),
            rejects: Vec::new(),
        })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn n_samples(&self) -> usize {
        self.samples.len()
    }

    pub fn push(&mut self, output: StudyOutput) -> Result<(), DatasetError> {
        let n_bytes = output.pixels.len() / output.samples.len().max(1);
        for (i, sample) in output.samples.into_iter().enumerate() {
            self.push_sample(sample, &output.pixels[i * n_bytes..(i + 1) * n_bytes])?;
        }
        self.rejects.extend(output.rejects.iter().map(RejectRow::sample));
        Ok(())
    }

    pub fn push_sample(&mut self, mut sample: Sample, pixels: &[u8]) -> Result<(), DatasetError> {
        let placed = self.pixels.push(&sample.sample_id, pixels)?;
        (sample.shard, sample.row, sample.crc32) = (placed.shard, placed.row, placed.crc32);
        self.samples.push(sample);
        Ok(())
    }

    pub fn push_rejects(&mut self, rejects: impl IntoIterator<Item = RejectRow>) {
        self.rejects.extend(rejects);
    }

    /// Ends a part: samples and their rejects, no split yet.
    pub fn finish_part(
        self,
        known: &Known,
        json: (&str, &impl Fn(Vec<ShardRecord>) -> Result<Vec<u8>, DatasetError>),
    ) -> Result<(), DatasetError> {
        let folder = self.folder.path();
        let metadata = metadata(&known.config_hash, &known.source_digest);
        let shards = self.pixels.finish()?;
        write_samples(
            &folder.join("samples.parquet"),
            &self.samples,
            (known.config.grades, &metadata),
        )?;
        write_rejects(&folder.join("rejects.parquet"), &self.rejects, &metadata)?;
        write_file(&folder.join(json.0), &json.1(shards)?)?;
        self.folder.finish()
    }

    /// Divides the patients, writes the remaining tables and puts the dataset in its place. The folder already holds
    /// what [`write_base`] writes.
    pub fn finish(
        mut self,
        known: &Known,
        labels: &[LabelRow],
        keep: &BTreeMap<PatientKey, Assignment>,
    ) -> Result<DatasetInfo, DatasetError> {
        let folder = self.folder.path();
        let metadata = metadata(&known.config_hash, &known.source_digest);
        let patients = patient_labels(labels, known.config.grades);
        let assigned = split(&patients, &known.config.split, keep)?;
        for sample in &mut self.samples {
            if let Some(assignment) = assigned.get(&sample.patient) {
                sample.assignment = *assignment;
            }
        }
        let shards = self.pixels.finish()?;
        write_samples(
            &folder.join("samples.parquet"),
            &self.samples,
            (known.config.grades, &metadata),
        )?;
        write_splits(
            &folder.join("splits.parquet"),
            (labels, &assigned, &self.samples),
            &metadata,
        )?;
        let n_sample_rejects = self.rejects.len() as u64;
        let file_rejects = folder.join(FILE_REJECTS);
        let mut rejects = crate::reject::read_rejects(&file_rejects)?;
        rejects.append(&mut self.rejects);
        write_rejects(&folder.join("rejects.parquet"), &rejects, &metadata)?;
        std::fs::remove_file(&file_rejects).map_err(DatasetError::io("removing", &file_rejects))?;
        let info = DatasetInfo {
            schema_version: SCHEMA_VERSION,
            domain: known.domain,
            patient_grouping: known.patient_grouping,
            shape: known.config.shape(),
            config: known.config.clone(),
            config_hash: known.config_hash.clone(),
            source_digest: known.source_digest.clone(),
            counts: Counts {
                files: known.n_files,
                files_with_slices: known.n_files_with_slices,
                file_rejects: known.file_rejects,
                slices: known.n_slices,
                series: known.n_series,
                studies: known.n_studies,
                patients: patients.len() as u64,
                target_views: self.samples.len() as u64 + n_sample_rejects,
                samples: self.samples.len() as u64,
                sample_rejects: n_sample_rejects,
                findings: known.n_findings,
            },
            notes: notes(known, &self.samples, &rejects),
            shards,
        };
        write_file(&folder.join(DATASET_JSON), &info.to_json()?)?;
        provenance::write(folder, None)?;
        self.folder.finish()?;
        Ok(info)
    }
}

fn notes(known: &Known, samples: &[Sample], rejects: &[RejectRow]) -> Vec<String> {
    let mut notes = Vec::new();
    match known.domain {
        Domain::Synthetic => {
            notes.push("Synthetic images: numbers made from them say nothing about patients.".to_owned());
        }
        Domain::Mixed => notes.push("Some images are synthetic.".to_owned()),
        Domain::Clinical => {}
    }
    if known.patient_grouping != PatientGrouping::PatientKey {
        notes.push(
            "Some or all studies name no patient and count as one patient each: two studies of one patient would not be noticed."
                .to_owned(),
        );
    }
    if known.config.mode == SampleMode::WholeSlice {
        let n = n_conflicting(samples);
        notes.push(format!(
            "Whole slices: {n} of {} samples share their image with a sample of another grade, so no model that sees the image alone can be right on all.",
            samples.len()
        ));
    }
    let n_without = rejects
        .iter()
        .filter(|row| row.reason == SampleRejectReason::NoPoint.code())
        .count();
    if samples.is_empty() && n_without > 0 {
        notes.push(format!(
            "No samples: {n_without} targets and views are marked nowhere, and a crop needs a point. Add the columns series, instance, x and y to the label table, or set mode = \"whole_slice\" for the canal."
        ));
    }
    notes
}

/// Samples whose central slice also stands under another grade.
fn n_conflicting(samples: &[Sample]) -> usize {
    let mut grades: BTreeMap<(&str, u32), BTreeSet<Option<&str>>> = BTreeMap::new();
    let key = |sample: &Sample| sample.severity.map(Severity::display_name);
    for sample in samples {
        grades
            .entry((&sample.source, sample.frame))
            .or_default()
            .insert(key(sample));
    }
    samples
        .iter()
        .filter(|sample| grades[&(sample.source.as_str(), sample.frame)].len() > 1)
        .count()
}

fn write_splits(
    path: &Path,
    (labels, assigned, samples): (&[LabelRow], &BTreeMap<PatientKey, Assignment>, &[Sample]),
    metadata: &[(&str, String)],
) -> Result<(), DatasetError> {
    let mut n_samples: BTreeMap<&str, u32> = BTreeMap::new();
    samples
        .iter()
        .for_each(|sample| *n_samples.entry(sample.study.as_str()).or_default() += 1);
    // One row a study.
    let mut studies: Vec<(&str, &PatientKey, Option<&str>)> = labels
        .iter()
        .map(|row| (row.study.as_str(), &row.patient, row.site.as_deref()))
        .collect();
    studies.dedup();
    let rows = || studies.iter();
    let assignment = |patient: &PatientKey| assigned.get(patient).copied();
    TableWriter::default()
        .text("study_id", rows().map(|(study, ..)| study))
        .text("patient", rows().map(|(_, patient, _)| patient.as_str()))
        .text_or_null("site", rows().map(|(_, _, site)| *site))
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
            rows().map(|(study, ..)| n_samples.get(study).copied().unwrap_or(0)),
        )
        .write(path, metadata, 1)
}

/// Where the patients of an older dataset stand.
pub(super) fn kept_split(older: Option<&Path>) -> Result<BTreeMap<PatientKey, Assignment>, DatasetError> {
    let Some(older) = older else {
        return Ok(BTreeMap::new());
    };
    crate::split_of(older)
}

/// Opens the pixels of a part or dataset.
pub(super) fn open_for_merge(
    folder: &Path,
    known: &Known,
    shards: &[ShardRecord],
) -> Result<(Vec<Sample>, crate::pixels::PixelStore), DatasetError> {
    let samples = crate::sample::read_samples(&folder.join("samples.parquet"))?;
    let store = crate::pixels::PixelStore::open(folder, shards, shard_shape(&known.config))?;
    Ok((samples, store))
}
