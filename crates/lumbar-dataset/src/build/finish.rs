//! Putting a dataset together from the output of its studies.

use super::Base;
use super::part::{PART_JSON, PartInfo, PartOf};
use super::tally::{Patients, Tally};
use crate::catalogue::write_tables;
use crate::dataset::shard_shape;
use crate::info::DATASET_JSON;
use crate::labels::tables::{LabelRow, write_findings, write_labels};
use crate::output::{OutputFolder, write_file};
use crate::pixels::ShardWriter;
use crate::reject::{RejectRow, reject_writer};
use crate::render::StudyOutput;
use crate::sample::sample_writer;
use crate::split::Kept;
use crate::table::RowWriter;
use crate::{
    Counts, DatasetConfig, DatasetError, DatasetInfo, Domain, Outcome, PatientGrouping, SCHEMA_VERSION,
    Sample, SampleMode, ShardRecord, provenance,
};
use lumbar_dicom::Pseudonyms;
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
    #[serde(default)]
    pub pseudonyms: Pseudonyms,
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
        let mut sources: Vec<&str> = catalogue
            .slices
            .iter()
            .map(|slice| slice.source.as_str())
            .collect();
        sources.sort_unstable();
        sources.dedup();
        Known {
            schema_version: SCHEMA_VERSION,
            config: base.input.config.clone(),
            config_hash: base.config_hash.clone(),
            source_digest: base.source_digest.clone(),
            domain: base.domain,
            patient_grouping: base.patient_grouping,
            pseudonyms: catalogue.pseudonyms.clone(),
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
            pseudonyms: info.pseudonyms.clone(),
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

/// Writes what does not depend on pixels: the catalogue's tables, labels and findings.
pub(super) fn write_base(base: &Base, folder: &Path) -> Result<(), DatasetError> {
    let metadata = base.metadata();
    write_tables(&base.input.catalogue, folder, &metadata)?;
    write_labels(&folder.join("labels.parquet"), base.label_rows(), &metadata)?;
    write_findings(&folder.join("findings.parquet"), &base.findings, &metadata)
}

/// Takes samples and rejects in order and writes a dataset or a part, row by row: nothing of a study stays behind but
/// its line in `splits.parquet`.
pub(super) struct DatasetWriter {
    folder: OutputFolder,
    known: Known,
    patients: Patients,
    pixels: ShardWriter,
    samples: RowWriter<Sample>,
    rejects: RowWriter<RejectRow>,
    tally: Tally,
}

impl DatasetWriter {
    /// Starts a dataset: divides the patients, which depends on their labels alone.
    pub fn start(
        out: &Path,
        known: Known,
        labels: &[LabelRow],
        keep: &Kept,
    ) -> Result<DatasetWriter, DatasetError> {
        let patients = Patients::divided(labels, &known.config, keep)?;
        DatasetWriter::start_in(OutputFolder::start(out, DATASET_JSON)?, known, patients)
    }

    /// Starts a part, whose patients are divided when it is merged.
    pub fn start_part(out: &Path, known: Known) -> Result<DatasetWriter, DatasetError> {
        DatasetWriter::start_in(OutputFolder::start(out, PART_JSON)?, known, Patients::default())
    }

    fn start_in(
        folder: OutputFolder,
        known: Known,
        patients: Patients,
    ) -> Result<DatasetWriter, DatasetError> {
        let metadata = metadata(&known.config_hash, &known.source_digest);
        let path = folder.path();
        Ok(DatasetWriter {
            pixels: ShardWriter::new(path, shard_shape(&known.config))?,
            samples: sample_writer(&path.join("samples.parquet"), (known.config.grades, &metadata)),
            rejects: reject_writer(&path.join("rejects.parquet"), &metadata),
            tally: Tally::default(),
            folder,
            known,
            patients,
        })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn n_samples(&self) -> usize {
        self.samples.n_rows()
    }

    pub fn push(&mut self, output: StudyOutput) -> Result<(), DatasetError> {
        let n_bytes = output.pixels.len() / output.samples.len().max(1);
        for (i, sample) in output.samples.into_iter().enumerate() {
            self.push_sample(sample, &output.pixels[i * n_bytes..(i + 1) * n_bytes])?;
        }
        self.push_rejects(output.rejects.iter().map(RejectRow::sample))
    }

    pub fn push_sample(&mut self, mut sample: Sample, pixels: &[u8]) -> Result<(), DatasetError> {
        let placed = self.pixels.push(&sample.sample_id, pixels)?;
        (sample.shard, sample.row, sample.crc32) = (placed.shard, placed.row, placed.crc32);
        if let Some(assignment) = self.patients.assigned.get(&sample.patient) {
            sample.assignment = *assignment;
        }
        self.tally.sample(&sample, self.known.config.mode);
        self.samples.push(sample)
    }

    /// Adds rows of `rejects.parquet`: first those of files, series and studies, then those of samples.
    pub fn push_rejects(&mut self, rows: impl IntoIterator<Item = RejectRow>) -> Result<(), DatasetError> {
        rows.into_iter().try_for_each(|row| {
            self.tally.reject(&row);
            self.rejects.push(row)
        })
    }

    /// Ends a part.
    pub fn finish_part(self, part: PartOf) -> Result<(), DatasetError> {
        let path = self.folder.path().join(PART_JSON);
        self.samples.finish()?;
        self.rejects.finish()?;
        let info = PartInfo {
            part,
            known: self.known,
            shards: self.pixels.finish()?,
        };
        let json = serde_json::to_vec_pretty(&info)
            .map_err(|error| DatasetError::corrupt("part description", &path, error))?;
        write_file(&path, &json)?;
        self.folder.finish()
    }

    /// Writes the remaining tables and puts the dataset in its place. The folder already holds what [`write_base`]
    /// writes.
    pub fn finish(mut self) -> Result<DatasetInfo, DatasetError> {
        let folder = self.folder.path();
        let metadata = metadata(&self.known.config_hash, &self.known.source_digest);
        let n_samples = self.samples.n_rows() as u64;
        self.samples.finish()?;
        self.rejects.finish()?;
        self.patients
            .write(&folder.join("splits.parquet"), &self.tally.samples_of, &metadata)?;
        self.tally.end_study();
        let known = &self.known;
        let info = DatasetInfo {
            schema_version: SCHEMA_VERSION,
            domain: known.domain,
            patient_grouping: known.patient_grouping,
            pseudonyms: known.pseudonyms.clone(),
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
                patients: self.patients.assigned.len() as u64,
                target_views: n_samples + self.tally.n_rejects,
                samples: n_samples,
                sample_rejects: self.tally.n_rejects,
                findings: known.n_findings,
            },
            notes: notes(known, n_samples, (&self.tally, &self.patients)),
            shards: self.pixels.finish()?,
        };
        write_file(&folder.join(DATASET_JSON), &info.to_json()?)?;
        provenance::write(folder, None)?;
        let place = self.folder.place();
        if n_samples == 0 && DatasetInfo::read(place).is_ok_and(|older| older.counts.samples > 0) {
            let outcome = Outcome::read(folder, info.config.grades)?;
            return Err(DatasetError::NothingUsable {
                what: "sample",
                path: place.to_owned(),
                outcome: Some(Box::new(outcome)),
            });
        }
        self.folder.finish()?;
        Ok(info)
    }
}

fn notes(known: &Known, n_samples: u64, (tally, patients): (&Tally, &Patients)) -> Vec<String> {
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
        notes.push(format!(
            "Whole slices: {} of {n_samples} samples share their image with a sample of another grade, so no model that sees the image alone can be right on all.",
            tally.n_conflicting
        ));
    }
    if patients.n_kept > 0 {
        notes.push(format!(
            "{} of {} patients keep the places they had in an older dataset.",
            patients.n_kept,
            patients.assigned.len()
        ));
    }
    let n_without = tally.n_without_point;
    if n_samples == 0 && n_without > 0 {
        notes.push(format!(
            "No samples: {n_without} targets and views are marked nowhere, and a crop needs a point. Add the columns series, instance, x and y to the label table, or set mode = \"whole_slice\" for the canal."
        ));
    }
    notes
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
