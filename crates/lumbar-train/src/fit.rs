//! The loop over epochs: steps, validation, checkpoints.

use crate::{
    RunConfig, TrainError,
    adamw::{AdamW, clip_global_norm},
    calibrate,
    cases::Cases,
    checkpoint::{Checkpoints, Progress},
    config::Augmentation,
    loss::{Label, weighted_cross_entropy},
    predict,
    prior::ColumnPrior,
    run::write_beside,
    schedule::Schedule,
};
use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use lumbar_dataset::{Dataset, Loader, LoaderConfig};
use lumbar_model::{Calibration, Network, NetworkConfig};
use serde::{Deserialize, Serialize};
use std::{
    io::Write,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// What a run says while it goes. On a CPU several folds are trained side by side, so that their words come mixed, each
/// with the number of its fold (0 where there are none).
pub trait Observer: Send {
    /// A step was done.
    fn step(&mut self, fold: usize, steps_done: u64, total_steps: u64) {
        let _ = (fold, steps_done, total_steps);
    }
    /// An epoch was done and checkpointed. Returning `false` ends the run as if the process had been killed here; folds
    /// beside this one end after their own next checkpoint.
    fn epoch(&mut self, fold: usize, report: &EpochReport) -> bool {
        let _ = (fold, report);
        true
    }
}

/// An observer that says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}

/// One observer for folds on several threads.
pub(crate) struct Watch<'a> {
    observer: Mutex<&'a mut dyn Observer>,
    stopped: AtomicBool,
}

impl<'a> Watch<'a> {
    pub fn new(observer: &'a mut dyn Observer) -> Watch<'a> {
        Watch {
            observer: Mutex::new(observer),
            stopped: AtomicBool::new(false),
        }
    }

    fn step(&self, fold: usize, steps_done: u64, total_steps: u64) {
        self.locked().step(fold, steps_done, total_steps);
    }

    /// Whether to go on.
    fn epoch(&self, fold: usize, report: &EpochReport) -> bool {
        if !self.locked().epoch(fold, report) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        !self.stopped.load(Ordering::Relaxed)
    }

    fn locked(&self) -> MutexGuard<'_, &'a mut dyn Observer> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Optimiser steps done.
    pub step: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean training loss over the epoch, class-weighted as configured.
    pub train_loss: f64,
    /// Log loss on validation, weighted 1, 2, 4: what checkpoints are chosen by.
    pub valid_loss: f64,
    /// Wall time of the epoch, s.
    pub seconds: f64,
    /// Training samples a second.
    pub samples_per_second: f64,
}

/// The parts of one fold, as sample indices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub train: Vec<usize>,
    pub valid: Vec<usize>,
    pub test: Vec<usize>,
}

/// One network being fitted.
pub(crate) struct Fit<'a> {
    pub dataset: &'a Dataset,
    pub config: &'a RunConfig,
    pub parts: &'a Parts,
    pub device: &'a Device,
    pub out: &'a Path,
}

/// A fitted network.
pub(crate) struct Fitted {
    /// The best checkpoint, without autodiff.
    pub network: Network,
    pub network_config: NetworkConfig,
    pub calibration: Calibration,
    pub progress: Progress,
}

impl Fit<'_> {
    /// Trains from the newest checkpoint (or from nothing) to the end, and returns the best checkpoint; `None` if the
    /// observer asked to stop before.
    pub fn run(&self, fold: usize, watch: &Watch<'_>) -> Result<Option<Fitted>, TrainError> {
        let config = self.config;
        let mut cases = Cases::of(self.dataset, config);
        if config.controls.shuffle_labels {
            let seen: Vec<usize> = self
                .parts
                .train
                .iter()
                .chain(&self.parts.valid)
                .copied()
                .collect();
            cases.shuffle_labels(&seen, config.seed ^ 0x5eed);
        }
        let class_weights = config.training.class_weights.values(cases.scheme);
        let autodiff = self.device.clone().autodiff();
        let prior = ColumnPrior::fit(cases.pairs(&self.parts.train), cases.scheme);
        let network_config = NetworkConfig {
            architecture: config.model.architecture,
            input: self.dataset.shape(),
            scheme: cases.scheme,
            dropout: config.model.dropout,
        };
        let fresh = network_config
            .init(config.seed, &autodiff)?
            .with_prior(&prior.weighted(&class_weights));

        let checkpoints = Checkpoints::of(self.out)?;
        let weight_decay = config.optimiser.weight_decay;
        let (mut progress, mut network, mut optimiser) =
            match checkpoints.load_last(fresh.clone(), weight_decay, self.device)? {
                Some(state) => state,
                None => {
                    let progress = Progress {
                        epochs_done: 0,
                        steps_done: 0,
                        best_loss: None,
                        best_epoch: 0,
                        reports: Vec::new(),
                    };
                    (progress, fresh.clone(), AdamW::new(weight_decay))
                }
            };
        let log_path = self.out.join("metrics.jsonl");
        write_log(&log_path, &progress.reports)?;

        let loader = Loader::new(self.dataset, self.labelled(&cases), self.training_loader())?;
        let steps_per_epoch = loader.n_batches() as u64;
        if steps_per_epoch == 0 {
            return Err(TrainError::too_few("training", self.config));
        }
        let schedule = Schedule {
            peak: config.optimiser.learning_rate,
            warmup_steps: (config.optimiser.warmup_epochs * steps_per_epoch as f64).round() as u64,
            total_steps: steps_per_epoch * config.training.epochs as u64,
        };

        while progress.epochs_done < config.training.epochs && !self.out_of_patience(&progress) {
            let begun = Instant::now();
            let epoch = progress.epochs_done;
            autodiff.seed(config.seed.wrapping_add(1000 + epoch as u64));
            let (mut loss_sum, mut n_samples) = (None::<Tensor<1>>, 0);
            for batch in loader.epoch(epoch as u64) {
                let batch = batch?;
                n_samples += batch.samples.len();
                let labels: Vec<Label> = batch.samples.iter().map(|i| cases.labels[*i]).collect();
                let targets = batch.targets.clone();
                let logits = network.forward(predict::crops(batch, &autodiff), &targets);
                let loss = weighted_cross_entropy(logits, &labels, cases.scheme, &class_weights);
                // Summed on the device: reading it each step would make the device wait.
                let detached = loss.clone().detach();
                loss_sum = Some(match loss_sum {
                    Some(sum) => sum + detached,
                    None => detached,
                });
                let mut gradients = GradientsParams::from_grads(loss.backward(), &network);
                clip_global_norm(&network, &mut gradients, config.optimiser.clip_norm);
                network = optimiser.step(network, gradients, schedule.at(progress.steps_done));
                progress.steps_done += 1;
                watch.step(fold, progress.steps_done, schedule.total_steps);
            }
            let total = loss_sum.map_or(0.0, |sum| f64::from(sum.into_scalar::<f32>()));
            let train_loss = total / steps_per_epoch as f64;
            if !train_loss.is_finite() {
                return Err(TrainError::Diverged {
                    epoch,
                    loss: train_loss,
                });
            }
            let train_seconds = begun.elapsed().as_secs_f64();
            let valid_loss = self.validation_loss(&network.valid(), &cases, &class_weights)?;
            progress.epochs_done += 1;
            if progress.best_loss.is_none_or(|best| valid_loss < best) {
                progress.best_loss = Some(valid_loss);
                progress.best_epoch = progress.epochs_done;
            }
            let report = EpochReport {
                epoch,
                step: progress.steps_done,
                learning_rate: schedule.at(progress.steps_done.saturating_sub(1)),
                train_loss,
                valid_loss,
                seconds: begun.elapsed().as_secs_f64(),
                samples_per_second: n_samples as f64 / train_seconds,
            };
            progress.reports.push(report.clone());
            checkpoints.save(&progress, &network, &optimiser)?;
            append_line(&log_path, &report)?;
            if !watch.epoch(fold, &report) && progress.epochs_done < config.training.epochs {
                return Ok(None);
            }
        }
        let network = checkpoints.load_weights(fresh, progress.best_epoch)?.valid();
        let valid_logits = self.logits(&network, &self.parts.valid)?;
        let valid_labels: Vec<Label> = self.parts.valid.iter().map(|i| cases.labels[*i]).collect();
        let calibration = calibrate::fit(&valid_logits, &valid_labels, cases.scheme, class_weights);
        Ok(Some(Fitted {
            network,
            network_config,
            calibration,
            progress,
        }))
    }

    /// Logits of some samples.
    pub fn logits(&self, network: &Network, indices: &[usize]) -> Result<Vec<Vec<f64>>, TrainError> {
        predict::logits(network, (self.dataset, indices), (self.config, self.device))
    }

    /// Log loss weighted 1, 2, 4 on the validation samples, of the probabilities that are best under those weights.
    fn validation_loss(
        &self,
        network: &Network,
        cases: &Cases,
        class_weights: &[f64],
    ) -> Result<f64, TrainError> {
        let score_weights = cases.scheme.rsna_weights();
        let logits = self.logits(network, &self.parts.valid)?;
        let calibration = Calibration::from_weights(class_weights.to_vec());
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, index) in logits.iter().zip(&self.parts.valid) {
            let Some(grade) = cases.labels[*index].and_then(|severity| cases.scheme.index_of(severity))
            else {
                continue;
            };
            let natural = calibration.probabilities(row);
            let norm: f64 = natural.iter().zip(score_weights).map(|(p, w)| p * w).sum();
            let q = natural[grade] * score_weights[grade] / norm;
            sum -= score_weights[grade] * q.max(f64::EPSILON).ln();
            total += score_weights[grade];
        }
        if total > 0.0 {
            Ok(sum / total)
        } else {
            Err(TrainError::too_few("validation", self.config))
        }
    }

    fn labelled(&self, cases: &Cases) -> Vec<usize> {
        self.parts
            .train
            .iter()
            .copied()
            .filter(|i| cases.labels[*i].is_some())
            .collect()
    }

    fn training_loader(&self) -> LoaderConfig {
        let config = self.config;
        LoaderConfig {
            batch_size: config.training.batch_size,
            seed: config.seed,
            shuffle: true,
            drop_last: true,
            workers: config.training.workers,
            augment: match config.data.augmentation {
                Augmentation::None => None,
                Augmentation::Standard => Some(lumbar_preprocess::Augment::default()),
            },
            mirror_right_to_left: config.data.mirror_right_to_left,
            blank_centre_mm: config.controls.blank_centre(),
            ..LoaderConfig::default()
        }
    }

    fn out_of_patience(&self, progress: &Progress) -> bool {
        let patience = self.config.training.patience;
        patience > 0 && progress.epochs_done >= progress.best_epoch + patience
    }
}

/// The log of the epochs that were checkpointed: none too many and none missing, wherever the process was killed.
fn write_log(path: &Path, reports: &[EpochReport]) -> Result<(), TrainError> {
    let lines: Vec<String> = reports
        .iter()
        .map(|report| serde_json::to_string(report).map(|line| line + "\n"))
        .collect::<Result<_, _>>()
        .map_err(|e| TrainError::bad_state(path, e.to_string()))?;
    write_beside(path, &lines.concat())
}

fn append_line(path: &Path, report: &EpochReport) -> Result<(), TrainError> {
    let line = serde_json::to_string(report).map_err(|e| TrainError::bad_state(path, e.to_string()))?;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(TrainError::io("write", path))?;
    writeln!(file, "{line}").map_err(TrainError::io("write", path))
}
