//! The run directory: what a run leaves, and how its parts are divided.

use crate::{
    RunConfig, TrainError,
    cases::Cases,
    checkpoint::Progress,
    fit::{Fit, Fitted, Observer, Parts, Watch},
    folds::{self, Fold},
    predict,
    prior::ColumnPrior,
};
use lumbar_dataset::{Dataset, Pseudonyms, Sample};
use lumbar_evaluate::{Domain, Localisation, Part, Prediction, PredictionTable};
use lumbar_model::{Bundle, DeviceSpec, TrainingDomain, bundle::SCHEMA_VERSION};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::Path,
};

/// A run to be made: data, configuration, device.
pub struct TrainJob<'a> {
    /// The data set.
    pub dataset: &'a Dataset,
    /// The configuration.
    pub config: &'a RunConfig,
    /// Where the network runs.
    pub device: DeviceSpec,
    /// Train this many networks, each tested on the patients it did not see; `None` uses the data set's split.
    pub folds: Option<usize>,
    /// Go on with what is in the run directory.
    pub resume: bool,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The device it ran on.
    pub device: String,
    /// Samples trained on (mean over folds).
    pub n_train: usize,
    /// Samples the checkpoint was chosen by (mean over folds).
    pub n_valid: usize,
    /// Samples tested on.
    pub n_test: usize,
    /// Epochs trained in each fold.
    pub epochs: Vec<usize>,
    /// Best validation loss (1/2/4-weighted log loss), mean over folds.
    pub best_loss: f64,
    /// Whether the run is done; `false` where the observer stopped it.
    pub finished: bool,
}

/// `run.json`: what a run was made of, to tell it from another when it is resumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// Version of this file.
    pub schema_version: u32,
    /// Version of the program.
    pub tool_version: String,
    /// Digest of the data set.
    pub dataset_digest: String,
    /// The resolved configuration.
    pub config: RunConfig,
    /// Number of folds, if any.
    pub folds: Option<usize>,
    /// `synthetic` or `clinical`.
    pub domain: Domain,
    /// Everyone a network of the run was fitted to or chosen by, sorted; filled in when the run is done.
    #[serde(default)]
    pub patients: Vec<String>,
    /// Their studies, sorted; filled in when the run is done.
    #[serde(default)]
    pub studies: Vec<String>,
    /// How the ids of patients and studies were made.
    #[serde(default)]
    pub pseudonyms: Pseudonyms,
    /// Filled in when the run is done.
    pub summary: Option<RunSummary>,
}

const RECORD: &str = "run.json";

impl RunRecord {
    /// Reads the record of a run directory.
    ///
    /// # Errors
    /// [`TrainError::NoRun`] where there is none, [`TrainError::BadState`] where it is not one.
    pub fn read(run: &Path) -> Result<RunRecord, TrainError> {
        let path = run.join(RECORD);
        let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => TrainError::NoRun { path: run.to_owned() },
            _ => TrainError::io("read", &path)(source),
        })?;
        serde_json::from_str(&text).map_err(|error| TrainError::bad_state(&path, error.to_string()))
    }

    /// Checks that a data set is the one the run was trained on.
    ///
    /// # Errors
    /// [`TrainError::OtherDataset`] if its digest is another.
    pub fn check_dataset(&self, run: &Path, dataset: &Dataset) -> Result<(), TrainError> {
        let found = digest_of(dataset);
        match found == self.dataset_digest {
            true => Ok(()),
            false => Err(TrainError::OtherDataset {
                run: run.to_owned(),
                dataset: dataset.path().to_owned(),
                found,
                expected: self.dataset_digest.clone(),
            }),
        }
    }

    fn write(&self, run: &Path) -> Result<(), TrainError> {
        let path = run.join(RECORD);
        let text =
            serde_json::to_string_pretty(self).map_err(|e| TrainError::bad_state(&path, e.to_string()))?;
        write_beside(&path, &(text + "\n"))
    }
}

impl TrainJob<'_> {
    /// Makes the run, or goes on with it, and leaves everything in `out`.
    ///
    /// # Errors
    /// [`TrainError`]; see its variants.
    pub fn run(&self, out: &Path, observer: &mut dyn Observer) -> Result<RunSummary, TrainError> {
        self.config.validate()?;
        let spec = self.device.concrete().map_err(lumbar_model::ModelError::from)?;
        let device = spec.resolve().map_err(lumbar_model::ModelError::from)?;
        let folds = folds::parts(self)?;
        self.check_parts(&folds)?;
        let mut record = self.prepare(out)?;
        let watch = Watch::new(observer);
        let outcomes = folds::side_by_side(folds.len(), self.folds_at_once(spec), |index| {
            let (number, parts) = &folds[index];
            let folder = number.map_or_else(|| out.to_owned(), |number| out.join(format!("fold-{number}")));
            std::fs::create_dir_all(&folder).map_err(TrainError::io("make", &folder))?;
            let fit = Fit {
                dataset: self.dataset,
                config: self.config,
                parts,
                device: &device,
                out: &folder,
            };
            let Some(fitted) = fit.run(index, &watch)? else {
                return Ok(None);
            };
            self.save_bundle(&fitted, &record, &folder)?;
            let rows = self.predict(&fit, &fitted, *number)?;
            if number.is_some() {
                self.write_predictions(rows.clone(), BTreeMap::new(), &folder)?;
            }
            Ok(Some((fitted.progress, rows)))
        });
        let mut rows = Vec::new();
        let mut done: Vec<Progress> = Vec::new();
        for outcome in outcomes {
            let Some((progress, predictions)) = outcome? else {
                continue;
            };
            done.push(progress);
            let out_of_fold = |row: &Prediction| self.folds.is_none() || row.part == Part::OutOfFold;
            rows.extend(predictions.into_iter().filter(out_of_fold));
        }
        if done.len() < folds.len() {
            return Ok(self.summary(spec, &folds, &done));
        }
        self.write_predictions(rows, self.n_graded(), out)?;
        let summary = self.summary(spec, &folds, &done);
        record.patients = self.seen(&folds, |sample| sample.patient.as_str());
        record.studies = self.seen(&folds, |sample| sample.study.as_str());
        record.summary = Some(summary.clone());
        record.write(out)?;
        Ok(summary)
    }

    /// How many folds are trained at the same time. Small networks leave a core idle; one fold more than there are
    /// threads fills the gaps in which a fold waits. A GPU is kept busy by one fold. Dropout draws from a generator that
    /// Burn keeps for the whole process, so that folds side by side would change each other's numbers.
    fn folds_at_once(&self, spec: DeviceSpec) -> usize {
        let threads = rayon::current_num_threads();
        match spec {
            DeviceSpec::Cuda(_) => 1,
            _ if threads == 1 || self.config.model.dropout > 0.0 => 1,
            _ => threads + 1,
        }
    }

    /// Refuses a fold that has nothing to train on or to choose a checkpoint by, before anything is written.
    fn check_parts(&self, folds: &[Fold]) -> Result<(), TrainError> {
        let cases = Cases::of(self.dataset, self.config);
        let n_graded = |indices: &[usize]| {
            let graded = indices.iter().filter(|i| cases.labels[**i].is_some());
            graded.count()
        };
        for (_, parts) in folds {
            // A last batch that is not full is dropped.
            if n_graded(&parts.train) < self.config.training.batch_size {
                return Err(TrainError::too_few("training", self.config));
            }
            if n_graded(&parts.valid) == 0 {
                return Err(TrainError::too_few("validation", self.config));
            }
        }
        Ok(())
    }

    /// What the run would train on, without training: samples to train, to validate, to test on, a fold each.
    ///
    /// # Errors
    /// As [`TrainJob::run`], before anything is written.
    pub fn plan(&self) -> Result<Vec<[usize; 3]>, TrainError> {
        self.config.validate()?;
        Ok(folds::parts(self)?
            .iter()
            .map(|(_, p)| [p.train.len(), p.valid.len(), p.test.len()])
            .collect())
    }

    /// Makes the run directory and its record, or checks that the one there is this run.
    fn prepare(&self, out: &Path) -> Result<RunRecord, TrainError> {
        let record = RunRecord {
            schema_version: 1,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            dataset_digest: digest_of(self.dataset),
            config: self.config.clone(),
            folds: self.folds,
            domain: domain_of(self.dataset),
            patients: Vec::new(),
            studies: Vec::new(),
            pseudonyms: self.dataset.info().pseudonyms.clone(),
            summary: None,
        };
        if out.join(RECORD).exists() {
            if !self.resume {
                return Err(TrainError::RunExists { path: out.to_owned() });
            }
            let old = RunRecord::read(out)?;
            let differs = |what: &str, found: String, expected: String| {
                Err(TrainError::OtherRun {
                    path: out.to_owned(),
                    what: what.to_owned(),
                    found,
                    expected,
                })
            };
            if old.dataset_digest != record.dataset_digest {
                return differs("the data set", old.dataset_digest, record.dataset_digest);
            }
            if old.folds != record.folds {
                let words = |folds: Option<usize>| folds.map_or("none".to_owned(), |n| n.to_string());
                return differs("`--folds`", words(old.folds), words(record.folds));
            }
            if old.config != record.config {
                let (keys, found, expected) = differing(&old.config, &record.config);
                return differs(&keys, found, expected);
            }
            return Ok(RunRecord {
                patients: Vec::new(),
                summary: None,
                ..old
            });
        }
        if self.resume {
            return Err(TrainError::NothingToResume { path: out.to_owned() });
        }
        std::fs::create_dir_all(out).map_err(TrainError::io("make", out))?;
        write_beside(&out.join("config.resolved.toml"), &to_toml(self.config))?;
        record.write(out)?;
        Ok(record)
    }

    fn save_bundle(&self, fitted: &Fitted, record: &RunRecord, folder: &Path) -> Result<(), TrainError> {
        let bundle = Bundle {
            schema_version: SCHEMA_VERSION,
            tool_version: record.tool_version.clone(),
            network: fitted.network_config.clone(),
            view: self.config.data.view,
            groups: self.config.data.groups.clone(),
            preprocessing: serde_json::to_value(self.dataset.config())
                .map_err(|e| TrainError::bad_state(folder, e.to_string()))?,
            mirror_right_to_left: self.config.data.mirror_right_to_left,
            calibration: fitted.calibration.clone(),
            training_domain: match record.domain {
                Domain::Synthetic => TrainingDomain::Synthetic,
                Domain::Clinical => TrainingDomain::Clinical,
            },
            localisation: "given".into(),
            training: serde_json::json!({
                "seed": self.config.seed,
                "dataset_digest": record.dataset_digest,
                "epochs": fitted.progress.epochs_done,
                "best_epoch": fitted.progress.best_epoch,
                "best_validation_loss": fitted.progress.best_loss,
            }),
            weights_sha256: String::new(),
        };
        bundle.save(&fitted.network, &folder.join("model"))?;
        Ok(())
    }

    /// Predictions on what was held out, with the prior of the same fold's labels beside them.
    fn predict(
        &self,
        fit: &Fit<'_>,
        fitted: &Fitted,
        fold: Option<u32>,
    ) -> Result<Vec<Prediction>, TrainError> {
        let truth = Cases::of(self.dataset, self.config);
        let seen: Vec<usize> = fit.parts.train.iter().chain(&fit.parts.valid).copied().collect();
        let prior = ColumnPrior::fit(truth.pairs(&seen), truth.scheme);
        let held_out = if fold.is_some() {
            Part::OutOfFold
        } else {
            Part::Test
        };
        let mut rows = Vec::new();
        for (part, indices) in [(Part::Valid, &fit.parts.valid), (held_out, &fit.parts.test)] {
            let logits = fit.logits(&fitted.network, indices)?;
            for (index, logits) in indices.iter().zip(logits) {
                let sample = &self.dataset.samples()[*index];
                let prior = prior.of(truth.shown[*index]).to_vec();
                let said = (fitted.calibration.probabilities(&logits), prior);
                rows.push(predict::row(sample, (part, fold), said));
            }
        }
        Ok(rows)
    }

    /// The patients or studies in a training or validation part of any fold.
    fn seen(&self, folds: &[Fold], id: impl Fn(&Sample) -> &str) -> Vec<String> {
        let samples = self.dataset.samples();
        let seen: BTreeSet<&str> = folds
            .iter()
            .flat_map(|(_, parts)| parts.train.iter().chain(&parts.valid))
            .map(|i| id(&samples[*i]))
            .collect();
        seen.into_iter().map(str::to_owned).collect()
    }

    /// Graded targets of the data set, whatever this run's view and conditions: with folds all are held out once.
    fn n_graded(&self) -> BTreeMap<Part, usize> {
        use lumbar_dataset::Part as Side;
        let sides: &[(Part, Option<Side>)] = match self.folds {
            Some(_) => &[(Part::OutOfFold, None)],
            None => &[(Part::Valid, Some(Side::Valid)), (Part::Test, Some(Side::Test))],
        };
        let count = |side: Option<Side>| {
            n_graded_targets(self.dataset, |sample| {
                side.is_none_or(|side| sample.assignment.part == side)
            })
        };
        sides.iter().map(|(part, side)| (*part, count(*side))).collect()
    }

    fn write_predictions(
        &self,
        mut rows: Vec<Prediction>,
        n_graded: BTreeMap<Part, usize>,
        folder: &Path,
    ) -> Result<(), TrainError> {
        rows.sort_by(|a, b| a.sample_id.cmp(&b.sample_id));
        let table = PredictionTable {
            scheme: self.dataset.config().grades,
            domain: domain_of(self.dataset),
            localisation: Localisation::Given,
            n_graded,
            rows,
        };
        Ok(table.write(&folder.join("predictions.parquet"))?)
    }

    fn summary(&self, spec: DeviceSpec, folds: &[Fold], done: &[Progress]) -> RunSummary {
        let n = folds.len().max(1);
        let mean =
            |count: fn(&Parts) -> usize| folds.iter().map(|(_, parts)| count(parts)).sum::<usize>() / n;
        let losses: Vec<f64> = done.iter().filter_map(|progress| progress.best_loss).collect();
        RunSummary {
            device: spec.to_string(),
            n_train: mean(|parts| parts.train.len()),
            n_valid: mean(|parts| parts.valid.len()),
            n_test: folds.iter().map(|(_, parts)| parts.test.len()).sum(),
            epochs: done.iter().map(|progress| progress.epochs_done).collect(),
            best_loss: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
            finished: done.len() == folds.len(),
        }
    }
}

/// Targets of a data set with a grade, each counted once whatever the views it is seen on.
pub fn n_graded_targets(dataset: &Dataset, keep: impl Fn(&Sample) -> bool) -> usize {
    let graded = dataset
        .samples()
        .iter()
        .filter(|sample| sample.severity.is_some() && keep(sample));
    let targets: BTreeSet<_> = graded.map(|sample| (&sample.study, sample.target)).collect();
    targets.len()
}

pub(crate) fn domain_of(dataset: &Dataset) -> Domain {
    // A single phantom among patients makes the numbers no evidence about patients.
    match dataset.info().domain {
        lumbar_dataset::Domain::Clinical => Domain::Clinical,
        lumbar_dataset::Domain::Synthetic | lumbar_dataset::Domain::Mixed => Domain::Synthetic,
    }
}

/// What a data set was made of and with, as one digest.
fn digest_of(dataset: &Dataset) -> String {
    let info = dataset.info();
    format!(
        "{}-{}",
        &info.source_digest[..16.min(info.source_digest.len())],
        &info.config_hash[..16.min(info.config_hash.len())]
    )
}

fn to_toml(config: &RunConfig) -> String {
    toml::to_string_pretty(config).unwrap_or_else(|error| format!("# {error}"))
}

/// The dotted keys in which two configurations differ, with their values in each.
fn differing(found: &RunConfig, expected: &RunConfig) -> (String, String, String) {
    let [found, expected] = [found, expected].map(|config| {
        let mut leaves = BTreeMap::new();
        if let Ok(table) = toml::Value::try_from(config) {
            flatten("", &table, &mut leaves);
        }
        leaves
    });
    let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let keys: Vec<&String> = keys
        .into_iter()
        .filter(|key| found.get(*key) != expected.get(*key))
        .collect();
    let values = |leaves: &BTreeMap<String, String>| {
        let of = |key: &&String| leaves.get(*key).map_or("nothing", String::as_str).to_owned();
        keys.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    (names.join(", "), values(&found), values(&expected))
}

pub(crate) fn flatten(key: &str, value: &toml::Value, leaves: &mut BTreeMap<String, String>) {
    let toml::Value::Table(table) = value else {
        leaves.insert(key.to_owned(), value.to_string());
        return;
    };
    for (name, value) in table {
        let dot = if key.is_empty() { "" } else { "." };
        flatten(&format!("{key}{dot}{name}"), value, leaves);
    }
}

pub(crate) fn write_beside(path: &Path, text: &str) -> Result<(), TrainError> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text).map_err(TrainError::io("write", &partial))?;
    std::fs::rename(&partial, path).map_err(TrainError::io("rename", path))
}
