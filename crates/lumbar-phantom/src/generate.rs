//! The way in: a whole phantom on disk.

use crate::config::PhantomConfig;
use crate::defects::{plant, write_defects};
use crate::error::PhantomError;
use crate::output::{CopyOf, Place, StudyRecord, Tables, write_study, write_truth};
use crate::rng::{Draw, key};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far [`generate`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhantomProgress {
    /// Studies finished.
    pub studies_done: usize,
    /// Studies asked for.
    pub studies_total: usize,
    /// DICOM files written.
    pub files_done: usize,
}

/// What [`generate`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhantomSummary {
    /// Number of studies.
    pub n_studies: usize,
    /// Number of series.
    pub n_series: usize,
    /// Number of DICOM files.
    pub n_files: usize,
}

/// Writes a phantom: `train_images/<study>/<series>/<instance>.dcm`, the three RSNA tables, and
/// `phantom_truth.jsonl` beside them; with [`PhantomConfig::label_defects`] also `phantom_defects.jsonl`.
///
/// The same configuration gives the same bytes at any thread count; work is spread over rayon's current pool.
///
/// # Errors
/// [`PhantomError`] if the configuration asks for no study, `out_dir` holds anything but what an interrupted phantom
/// left there (which is replaced), or a file cannot be written.
///
/// ```
/// use lumbar_phantom::{PhantomConfig, Pixels, generate};
/// let out = tempfile::tempdir()?;
/// let config = PhantomConfig { n_studies: 2, pixels: Pixels::Tiny, ..PhantomConfig::default() };
/// let summary = generate(&config, out.path(), &|_| {})?;
/// assert_eq!(summary.n_studies, 2);
/// assert!(out.path().join("train.csv").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn generate(
    config: &PhantomConfig,
    out_dir: &Path,
    progress: &(dyn Fn(PhantomProgress) + Sync),
) -> Result<PhantomSummary, PhantomError> {
    if config.n_studies == 0 {
        return Err(PhantomError::BadConfig {
            field: "n_studies",
            found: "0".to_owned(),
            expected: "at least 1",
        });
    }
    if config.label_defects && config.n_studies < DEFECT_STUDIES {
        return Err(PhantomError::BadConfig {
            field: "n_studies",
            found: config.n_studies.to_string(),
            expected: "40 or more, so that every label defect finds a study of its own",
        });
    }
    let place = Place::take(out_dir)?;
    let images = out_dir.join("train_images");
    std::fs::create_dir_all(&images).map_err(|source| PhantomError::Io {
        path: images.clone(),
        source,
    })?;
    let (studies_done, files_done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let n_total = config.n_studies + config.copies.len();
    let ids = study_ids(config, n_total);
    let mut studies: Vec<StudyRecord> = (0..n_total)
        .into_par_iter()
        .map(|i| {
            let (idx, copied) = match i.checked_sub(config.n_studies) {
                Some(copy) => (copy % config.n_studies, Some(config.copies[copy])),
                None => (i, None),
            };
            let original = ids[idx].to_string();
            let copy = copied.map(|alteration| CopyOf {
                study_id: &original,
                alteration,
            });
            let record = write_study(config, idx as u64, (ids[i], copy), &images)?;
            let files = files_done.fetch_add(record.n_files, Ordering::Relaxed) + record.n_files;
            progress(PhantomProgress {
                studies_done: studies_done.fetch_add(1, Ordering::Relaxed) + 1,
                studies_total: n_total,
                files_done: files,
            });
            Ok(record)
        })
        .collect::<Result<_, PhantomError>>()?;
    // RSNA's tables are sorted by study number.
    studies.sort_by_key(|study| study.truth.study_id.parse::<u64>().unwrap_or(u64::MAX));
    let mut tables = Tables::of(&studies);
    let mut n_files: usize = studies.iter().map(|study| study.n_files).sum();
    if config.label_defects {
        let planted = plant(&mut tables, &studies, &images)?;
        n_files -= planted.n_files_removed;
        write_defects(out_dir, &planted.defects)?;
    }
    tables.write(out_dir)?;
    write_truth(out_dir, &studies)?;
    place.finish()?;
    Ok(PhantomSummary {
        n_studies: studies.len(),
        n_series: studies.iter().map(|study| study.truth.series.len()).sum(),
        n_files,
    })
}

/// Studies that planting every label defect takes.
const DEFECT_STUDIES: usize = 40;

/// Study numbers: a study's number does not depend on how many follow it.
fn study_ids(config: &PhantomConfig, n_studies: usize) -> Vec<u32> {
    let mut d = Draw::new(key(config.site.name(), config.seed), "study ids", 0);
    let mut taken = BTreeSet::new();
    let mut ids = Vec::with_capacity(n_studies);
    while ids.len() < n_studies {
        let id = 100_000 + (d.bits() % 4_190_000_000) as u32;
        if taken.insert(id) {
            ids.push(id);
        }
    }
    ids
}
