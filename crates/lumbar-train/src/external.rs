//! A finished run on a data set it has not seen.

use crate::{
    TrainError,
    cases::{Cases, belongs},
    predict,
    run::{RunRecord, domain_of},
};
use lumbar_core::Target;
use lumbar_dataset::{Dataset, DatasetConfig, Domain, Sample};
use lumbar_evaluate::{Localisation, Part, PredictionTable};
use lumbar_model::{Bundle, DeviceSpec, ModelError, TrainingDomain};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// What the networks of a finished run say of another data set: the mean of their probabilities where there are folds.
///
/// `keep` chooses the samples. Each row stands in [`Part::Test`], for the run has seen none of its patients: that is
/// checked. The prior beside each prediction is the run's own, the mean over its folds.
///
/// # Errors
/// [`TrainError::BadState`] for a run that is not finished, [`TrainError::OtherPreprocessing`] where the pixels were
/// prepared otherwise than those trained on, [`TrainError::SyntheticOnPatients`] where phantoms were trained on and
/// patients would be graded, [`TrainError::PatientsSeen`] where a patient or study was trained on,
/// [`TrainError::PatientsIncomparable`] where that cannot be told, as the two data sets hash ids with different keys,
/// [`TrainError::NoSamples`] where nothing is left to grade.
pub fn predict_external(
    run: &Path,
    dataset: &Dataset,
    device: DeviceSpec,
    keep: impl Fn(&Sample) -> bool,
) -> Result<PredictionTable, TrainError> {
    let record = RunRecord::read(run)?;
    let indices: Vec<usize> = dataset.select(|sample| belongs(sample, &record.config) && keep(sample));
    if indices.is_empty() {
        return Err(TrainError::no_samples(
            "test",
            &record.config,
            "the other data set has none of this kind",
        ));
    }
    check_unseen(&record, run, dataset, &indices)?;
    let device = device.resolve().map_err(ModelError::from)?;
    let scheme = dataset.config().grades;
    let mut sums = vec![vec![0.0; scheme.n_grades()]; indices.len()];
    let folders = bundle_folders(run, record.folds);
    for folder in &folders {
        let bundle = Bundle::read(folder)?;
        check_domain(bundle.training_domain, dataset.info().domain, folder)?;
        check_preprocessing(&bundle, dataset, folder)?;
        let network = bundle.load_network(folder, &device)?;
        let logits = predict::logits(&network, (dataset, &indices), (&record.config, &device))?;
        for (sum, row) in sums.iter_mut().zip(logits) {
            for (total, p) in sum.iter_mut().zip(bundle.calibration.probabilities(&row)) {
                *total += p / folders.len() as f64;
            }
        }
    }
    let priors = mean_priors(&PredictionTable::read(&run.join("predictions.parquet"))?);
    let shown = Cases::of(dataset, &record.config).shown;
    let mut rows = Vec::with_capacity(indices.len());
    for (index, probabilities) in indices.iter().zip(sums) {
        let sample = &dataset.samples()[*index];
        let prior = priors[sample.target.index()]
            .clone()
            .or_else(|| priors[shown[*index].index()].clone())
            .ok_or_else(|| {
                let reason = format!("no prediction of {} to take its prior from", sample.target);
                TrainError::bad_state(&run.join("predictions.parquet"), reason)
            })?;
        rows.push(predict::row(sample, (Part::Test, None), (probabilities, prior)));
    }
    rows.sort_by(|a, b| a.sample_id.cmp(&b.sample_id));
    Ok(PredictionTable {
        scheme,
        domain: domain_of(dataset),
        localisation: Localisation::Given,
        n_graded: Default::default(),
        rows,
    })
}

/// No patient on two sides, across data sets too.
fn check_unseen(
    record: &RunRecord,
    run: &Path,
    dataset: &Dataset,
    indices: &[usize],
) -> Result<(), TrainError> {
    let seen: BTreeSet<&str> = record.patients.iter().map(String::as_str).collect();
    if seen.is_empty() {
        return Err(TrainError::bad_state(
            &run.join("run.json"),
            "the run is not finished",
        ));
    }
    let studies: BTreeSet<&str> = record.studies.iter().map(String::as_str).collect();
    let samples: Vec<_> = indices.iter().map(|i| &dataset.samples()[*i]).collect();
    let is_seen =
        |sample: &&&Sample| seen.contains(sample.patient.as_str()) || studies.contains(sample.study.as_str());
    let patients = |samples: &mut dyn Iterator<Item = &&Sample>| {
        let patients: BTreeSet<&str> = samples.map(|sample| sample.patient.as_str()).collect();
        patients.len()
    };
    match patients(&mut samples.iter().filter(is_seen)) {
        0 => {}
        n_seen => {
            return Err(TrainError::PatientsSeen {
                path: run.to_owned(),
                n_seen,
                n_patients: patients(&mut samples.iter()),
            });
        }
    }
    // Nobody in common says nothing where the same study would go by another hash.
    let ids = samples.iter().map(|sample| sample.study.as_str());
    if !record.pseudonyms.comparable(&dataset.info().pseudonyms, ids) {
        return Err(TrainError::PatientsIncomparable { path: run.to_owned() });
    }
    Ok(())
}

/// What was learnt from phantoms says nothing about patients.
fn check_domain(trained: TrainingDomain, graded: Domain, folder: &Path) -> Result<(), TrainError> {
    match (trained, graded) {
        (TrainingDomain::Synthetic, Domain::Clinical | Domain::Mixed) => {
            Err(TrainError::SyntheticOnPatients {
                path: folder.to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// Pixels must have been prepared as those trained on were.
fn check_preprocessing(bundle: &Bundle, dataset: &Dataset, folder: &Path) -> Result<(), TrainError> {
    let trained: DatasetConfig = serde_json::from_value(bundle.preprocessing.clone())
        .map_err(|error| TrainError::bad_state(folder, format!("preprocessing: {error}")))?;
    let here = dataset.config();
    // What does not change a sample's pixels or grades may differ.
    let comparable = DatasetConfig {
        missing_labels: here.missing_labels,
        views: here.views,
        min_share_inside: here.min_share_inside,
        shard_mib: here.shard_mib,
        split: here.split.clone(),
        ..trained
    };
    let to_lines = |config: &DatasetConfig| -> Result<Vec<String>, TrainError> {
        Ok(config.to_toml()?.lines().map(str::to_owned).collect())
    };
    let (trained, found) = (to_lines(&comparable)?, to_lines(here)?);
    match trained.iter().zip(&found).find(|(a, b)| a != b) {
        None => Ok(()),
        Some((expected, found)) => Err(TrainError::OtherPreprocessing {
            path: dataset.path().to_owned(),
            found: found.clone(),
            expected: expected.clone(),
        }),
    }
}

fn bundle_folders(run: &Path, folds: Option<usize>) -> Vec<PathBuf> {
    match folds {
        None => vec![run.join("model")],
        Some(n) => (0..n)
            .map(|fold| run.join(format!("fold-{fold}/model")))
            .collect(),
    }
}

/// The mean prior of each target over the rows of a run.
fn mean_priors(table: &PredictionTable) -> Vec<Option<Vec<f64>>> {
    Target::all()
        .map(|target| {
            let rows: Vec<&[f64]> = table
                .rows
                .iter()
                .filter(|row| row.target == target)
                .map(|row| row.prior.as_slice())
                .collect();
            let mean = |grade: usize| rows.iter().map(|row| row[grade]).sum::<f64>() / rows.len() as f64;
            (!rows.is_empty()).then(|| (0..table.scheme.n_grades()).map(mean).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_not_graded_by_what_phantoms_taught() {
        let check = |trained, graded| check_domain(trained, graded, Path::new("model"));
        for graded in [Domain::Clinical, Domain::Mixed] {
            assert!(matches!(
                check(TrainingDomain::Synthetic, graded),
                Err(TrainError::SyntheticOnPatients { .. })
            ));
            assert!(check(TrainingDomain::Clinical, graded).is_ok());
        }
        assert!(check(TrainingDomain::Synthetic, Domain::Synthetic).is_ok());
        assert!(check(TrainingDomain::Clinical, Domain::Synthetic).is_ok());
    }
}
