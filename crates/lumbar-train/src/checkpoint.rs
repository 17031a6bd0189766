//! Checkpoints: everything needed to go on as if nothing had happened.
//!
//! A checkpoint is a folder `checkpoints/epoch-0007` with `weights.safetensors`, `optimiser.safetensors` and
//! `progress.json`. It is written beside its place and renamed, so a killed process leaves none half-written. The
//! order of samples, augmentation and dropout are functions of the seed and the epoch, so no generator state is kept.
//! Kept are the last checkpoint and the best.

use crate::{EpochReport, TrainError, adamw::AdamW};
use burn::tensor::Device;
use lumbar_model::{Network, weights};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where a run stands after an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Epochs done.
    pub epochs_done: usize,
    /// Optimiser steps done.
    pub steps_done: u64,
    /// Best validation loss so far.
    pub best_loss: Option<f64>,
    /// The number of epochs done when it was reached.
    pub best_epoch: usize,
    /// What was said of each epoch, so that a process killed between checkpoint and log loses no line of the log.
    pub reports: Vec<EpochReport>,
}

const PREFIX: &str = "epoch-";

/// The checkpoints of a run.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those of a run directory; the folder is made if need be, and leftovers of a killed process are removed.
    ///
    /// # Errors
    /// [`TrainError::Io`] where the folder cannot be made.
    pub fn of(run: &Path) -> Result<Checkpoints, TrainError> {
        let folder = run.join("checkpoints");
        std::fs::create_dir_all(&folder).map_err(TrainError::io("make", &folder))?;
        let checkpoints = Checkpoints { folder };
        for (name, path) in checkpoints.entries()? {
            if name.ends_with(".partial") {
                std::fs::remove_dir_all(&path).map_err(TrainError::io("remove", &path))?;
            }
        }
        Ok(checkpoints)
    }

    /// Saves the state after an epoch and removes what is neither last nor best.
    ///
    /// # Errors
    /// [`TrainError::Io`] where the folder cannot be written.
    pub fn save(&self, progress: &Progress, network: &Network, optimiser: &AdamW) -> Result<(), TrainError> {
        let place = self.path(progress.epochs_done);
        let partial = place.with_extension("partial");
        std::fs::create_dir_all(&partial).map_err(TrainError::io("make", &partial))?;
        weights::save(network, &partial.join("weights.safetensors"))?;
        optimiser.save(&partial.join("optimiser.safetensors"))?;
        let path = partial.join("progress.json");
        let text = serde_json::to_string_pretty(progress)
            .map_err(|e| TrainError::bad_state(&path, e.to_string()))?;
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))?;
        if place.exists() {
            std::fs::remove_dir_all(&place).map_err(TrainError::io("remove", &place))?;
        }
        std::fs::rename(&partial, &place).map_err(TrainError::io("rename", &place))?;
        for epoch in self.epochs()? {
            if epoch != progress.epochs_done && epoch != progress.best_epoch {
                let old = self.path(epoch);
                std::fs::remove_dir_all(&old).map_err(TrainError::io("remove", &old))?;
            }
        }
        Ok(())
    }

    /// The newest state, if there is one, onto the device of `network`.
    ///
    /// # Errors
    /// [`TrainError`] where it cannot be read.
    pub fn load_last(
        &self,
        network: Network,
        weight_decay: f64,
        device: &Device,
    ) -> Result<Option<(Progress, Network, AdamW)>, TrainError> {
        let Some(epoch) = self.epochs()?.pop() else {
            return Ok(None);
        };
        let folder = self.path(epoch);
        let path = folder.join("progress.json");
        let text = std::fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
        let progress =
            serde_json::from_str(&text).map_err(|e| TrainError::bad_state(&path, e.to_string()))?;
        let network = weights::load(network, &folder.join("weights.safetensors"))?;
        let optimiser = AdamW::load(&folder.join("optimiser.safetensors"), weight_decay, device)?;
        Ok(Some((progress, network, optimiser)))
    }

    /// The weights after a number of epochs, into `network`.
    ///
    /// # Errors
    /// [`TrainError`] where they cannot be read.
    pub fn load_weights(&self, network: Network, epochs_done: usize) -> Result<Network, TrainError> {
        Ok(weights::load(
            network,
            &self.path(epochs_done).join("weights.safetensors"),
        )?)
    }

    fn path(&self, epochs_done: usize) -> PathBuf {
        self.folder.join(format!("{PREFIX}{epochs_done:04}"))
    }

    /// Finished checkpoints, oldest first.
    fn epochs(&self) -> Result<Vec<usize>, TrainError> {
        let mut epochs: Vec<usize> = self
            .entries()?
            .into_iter()
            .filter_map(|(name, _)| name.strip_prefix(PREFIX).and_then(|n| n.parse().ok()))
            .collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    fn entries(&self) -> Result<Vec<(String, PathBuf)>, TrainError> {
        let read = || -> std::io::Result<Vec<(String, PathBuf)>> {
            std::fs::read_dir(&self.folder)?
                .map(|entry| entry.map(|e| (e.file_name().to_string_lossy().into_owned(), e.path())))
                .collect()
        };
        read().map_err(TrainError::io("list", &self.folder))
    }
}
