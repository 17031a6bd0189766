//! Building a dataset: in one process, or in parts that any number of machines make.

mod finish;
mod merge;
mod part;
mod resplit;
mod tally;
mod work;

pub use merge::merge;
pub(crate) use part::PART_JSON;
pub use part::PartOf;
pub use resplit::resplit;

use crate::labels::tables::{LabelRow, label_rows};
use crate::labels::{Finding, Labels, lint};
use crate::output::sha256_hex;
use crate::reject::RejectRow;
use crate::{DatasetConfig, DatasetError, DatasetInfo, Domain, PatientGrouping};
use lumbar_core::{PatientKey, StudyId};
use lumbar_dicom::{Catalogue, Reader, ScanOptions, ScanProgress, scan};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a dataset is built from.
#[derive(Debug, Clone)]
pub struct BuildInput {
    /// The DICOM files.
    pub catalogue: Catalogue,
    /// The folder their paths are relative to.
    pub root: PathBuf,
    /// The labels.
    pub labels: Labels,
    /// The configuration.
    pub config: DatasetConfig,
    /// Limits on each file, and who reads it.
    pub reader: Reader,
}

/// How to go about it. None of this changes the result.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Threads that read and render; 0 for as many as the machine has.
    pub n_threads: usize,
    /// An older dataset whose patients keep their places in the split.
    pub keep: Option<PathBuf>,
}

/// How far a build has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildProgress {
    /// Studies done.
    pub n_done: usize,
    /// Studies there are.
    pub n_studies: usize,
    /// Samples made.
    pub n_samples: usize,
}

impl BuildInput {
    /// Reads an RSNA folder: its three tables, and the files of `train_images`, with the series table as evidence of
    /// what each series is.
    ///
    /// # Errors
    /// [`DatasetError`] if a table is missing or the folder cannot be opened.
    pub fn rsna(
        root: &Path,
        config: DatasetConfig,
        progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<BuildInput, DatasetError> {
        Self::rsna_with(root, config, &ScanOptions::default(), progress)
    }

    /// As [`BuildInput::rsna`], with options of the caller's: other limits, worker processes, or how ids are made. What
    /// the table of series says is added to the descriptions.
    ///
    /// # Errors
    /// As [`BuildInput::rsna`].
    pub fn rsna_with(
        root: &Path,
        config: DatasetConfig,
        options: &ScanOptions,
        progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<BuildInput, DatasetError> {
        let labels = Labels::read_rsna(root)?;
        let images = root.join("train_images");
        if images.is_symlink() {
            return Err(DatasetError::Linked { path: images });
        }
        let mut options = options.clone();
        let descriptions = labels
            .series
            .iter()
            .filter_map(|(key, kind)| Some((key.clone(), kind.as_ref()?.description().to_owned())));
        options.descriptions.extend(descriptions);
        let catalogue = scan(root, &options, progress)?;
        Ok(BuildInput {
            catalogue,
            root: root.to_owned(),
            labels,
            config,
            reader: options.reader,
        })
    }

    /// Takes a stored catalogue and a label table of one's own. Where the catalogue's sources are hashes, the folder
    /// is scanned again to find the files, which must not have changed.
    ///
    /// # Errors
    /// [`DatasetError`] if something cannot be read, or the folder is not the one the catalogue was made of.
    pub fn catalogue(
        folder: &Path,
        labels: &Path,
        config: DatasetConfig,
        progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<BuildInput, DatasetError> {
        Self::catalogue_with((folder, labels), config, &ScanOptions::default(), progress)
    }

    /// As [`BuildInput::catalogue`], with the caller's reader, and identity key if the catalogue was made with one. How else
    /// ids are made the catalogue says.
    ///
    /// # Errors
    /// As [`BuildInput::catalogue`].
    pub fn catalogue_with(
        (folder, labels): (&Path, &Path),
        config: DatasetConfig,
        options: &ScanOptions,
        progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<BuildInput, DatasetError> {
        let stored = crate::read_catalogue(folder)?;
        let root = stored.root.ok_or_else(|| DatasetError::Nothing {
            what: "folder of DICOM files",
            hint: format!("`{}` has no provenance.json that names it", folder.display()),
        })?;
        let mut catalogue = stored.catalogue;
        if catalogue
            .slices
            .iter()
            .any(|slice| slice.path.as_os_str().is_empty())
        {
            let made = &stored.info.pseudonyms;
            let key = options.identity_key.as_ref().filter(|_| made.key_given);
            if made.key_given && key.is_none_or(|key| key.fingerprint() != made.key_fingerprint) {
                return Err(DatasetError::Nothing {
                    what: "such identity key",
                    hint: format!("`{}` was made with one; give the same", folder.display()),
                });
            }
            let options = ScanOptions {
                reader: options.reader.clone(),
                identity_key: key.cloned(),
                keep_uids: made.uids_kept,
                keep_paths: made.paths_kept,
                check_pixels: stored.info.pixels_checked,
                ..ScanOptions::default()
            };
            let again = scan(&root, &options, progress)?;
            if crate::catalogue::digest(&again) != stored.info.source_digest {
                return Err(DatasetError::corrupt(
                    "catalogue",
                    folder,
                    "the DICOM files changed since, or were scanned with other options; ingest them again",
                ));
            }
            catalogue = again;
        }
        Ok(BuildInput {
            catalogue,
            root,
            labels: Labels::read_own(labels)?,
            config,
            reader: options.reader.clone(),
        })
    }
}

/// What is known before any pixel is read. The same in every part.
pub(crate) struct Base {
    pub input: BuildInput,
    pub studies: Vec<StudyId>,
    pub patients: BTreeMap<StudyId, PatientKey>,
    pub patient_grouping: PatientGrouping,
    pub domain: Domain,
    pub findings: Vec<Finding>,
    pub config_hash: String,
    pub source_digest: String,
}

impl Base {
    pub fn new(input: BuildInput) -> Result<Base, DatasetError> {
        input.config.validate()?;
        if input.labels.studies.is_empty() {
            let first = input.labels.findings.first().and_then(Finding::place);
            let first = first.map_or_else(String::new, |words| format!("; the first is {words}"));
            return Err(DatasetError::Nothing {
                what: "study with labels",
                hint: format!("the label table has no usable row{first}"),
            });
        }
        let studies: Vec<StudyId> = input.labels.studies.iter().cloned().collect();
        let (patients, patient_grouping) = patients(&studies, &input)?;
        let findings = lint(&input.labels, &input.catalogue, input.config.grades);
        let digests = [
            crate::catalogue::digest(&input.catalogue),
            input.labels.digest.clone(),
        ];
        Ok(Base {
            domain: domain(&input.catalogue),
            config_hash: input.config.hash(),
            source_digest: sha256_hex(digests.join("\n").as_bytes()),
            studies,
            patients,
            patient_grouping,
            findings,
            input,
        })
    }

    pub fn label_rows(&self) -> impl Iterator<Item = LabelRow> {
        label_rows(&self.input.labels, &self.patients)
    }

    pub fn metadata(&self) -> Vec<(&'static str, String)> {
        finish::metadata(&self.config_hash, &self.source_digest)
    }
}

/// Whom each study is of: what the label table says, else the key of its files, else the study itself.
fn patients(
    studies: &[StudyId],
    input: &BuildInput,
) -> Result<(BTreeMap<StudyId, PatientKey>, PatientGrouping), DatasetError> {
    let (mut n_keys, mut patients) = (0, BTreeMap::new());
    for study in studies {
        let of_files = || {
            input
                .catalogue
                .series_of(study)
                .iter()
                .find_map(|series| series.patient_key.clone())
        };
        let key = input.labels.patients.get(study).cloned().or_else(of_files);
        n_keys += usize::from(key.is_some());
        let key = match key {
            Some(key) => key,
            None => PatientKey::new(study.as_str())
                .map_err(|error| DatasetError::config("study_id", error, "an id of at most 64 characters"))?,
        };
        patients.insert(study.clone(), key);
    }
    let grouping = match n_keys {
        0 => PatientGrouping::Study,
        n if n == studies.len() => PatientGrouping::PatientKey,
        _ => PatientGrouping::Mixed,
    };
    Ok((patients, grouping))
}

fn domain(catalogue: &Catalogue) -> Domain {
    let n_synthetic = catalogue.series.iter().filter(|series| series.synthetic).count();
    match n_synthetic {
        0 => Domain::Clinical,
        n if n == catalogue.series.len() => Domain::Synthetic,
        _ => Domain::Mixed,
    }
}

/// Builds a dataset in one process.
///
/// The result is the same bytes at any number of threads, and the same as from parts put together by [`merge`]
/// (`provenance.json` aside). It appears at `out` when it is whole.
///
/// # Errors
/// [`DatasetError`] if nothing can be built or written. A file, row or target that cannot be used is a row of
/// `rejects.parquet` or `findings.parquet`, not an error.
pub fn build(
    input: BuildInput,
    out: &Path,
    options: &BuildOptions,
    progress: &dyn Fn(BuildProgress),
) -> Result<DatasetInfo, DatasetError> {
    let base = Arc::new(Base::new(input)?);
    let keep = crate::split::Kept::of(options.keep.as_deref())?;
    let labels: Vec<LabelRow> = base.label_rows().collect();
    let mut writer = finish::DatasetWriter::start(out, finish::Known::of(&base), &labels, &keep)?;
    drop(labels);
    writer.push_rejects(RejectRow::of_catalogue(&base.input.catalogue))?;
    let all = 0..base.studies.len();
    work::run(&base, all, options.n_threads, |output, done| {
        writer.push(output)?;
        progress(BuildProgress {
            n_done: done,
            n_studies: base.studies.len(),
            n_samples: writer.n_samples(),
        });
        Ok(())
    })?;
    finish::write_base(&base, writer.folder())?;
    writer.finish()
}

/// Makes part `part` of a dataset at `out`. See [`merge`].
///
/// # Errors
/// As [`build`].
pub fn build_part(
    input: BuildInput,
    part: PartOf,
    out: &Path,
    (options, progress): (&BuildOptions, &dyn Fn(BuildProgress)),
) -> Result<(), DatasetError> {
    part::build(input, part, out, (options, progress))
}
