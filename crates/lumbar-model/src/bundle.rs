//! The model bundle: all a grader needs, in one folder.
//!
//! A bundle is `bundle.json` (this module's [`Bundle`], schema version 1, unknown fields refused) beside
//! `weights.safetensors`, whose SHA-256 stands in the description. This is the one reader and writer of bundles.

use crate::{Calibration, ModelError, Network, NetworkConfig, weights};
use burn::tensor::Device;
use lumbar_core::{ConditionGroup, SeriesKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, path::Path};

/// Version of the bundle description this crate reads and writes.
pub const SCHEMA_VERSION: u32 = 1;
const DESCRIPTION: &str = "bundle.json";
const WEIGHTS: &str = "weights.safetensors";

/// Where the training images came from. A bundle trained on synthetic studies must not grade a patient unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingDomain {
    /// Phantoms.
    Synthetic,
    /// Patients.
    Clinical,
}

impl fmt::Display for TrainingDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TrainingDomain::Synthetic => "synthetic",
            TrainingDomain::Clinical => "clinical",
        })
    }
}

/// The description of a trained network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Version of this description, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program that wrote it.
    pub tool_version: String,
    /// Shape of the network.
    pub network: NetworkConfig,
    /// The kind of series its crops are cut from.
    pub view: SeriesKind,
    /// What it grades.
    pub groups: Vec<ConditionGroup>,
    /// How pixels were prepared: the data set's preprocessing configuration, resolved.
    pub preprocessing: serde_json::Value,
    /// Right-sided crops were mirrored to the left in training, and must be in grading.
    pub mirror_right_to_left: bool,
    /// From logits to probabilities.
    pub calibration: Calibration,
    /// Where the training images came from.
    pub training_domain: TrainingDomain,
    /// Where the points came from that the crops were cut around: `given` or `predicted`.
    pub localisation: String,
    /// Free facts on the training: seed, data set digest, number of studies, epochs, score on validation.
    pub training: serde_json::Value,
    /// SHA-256 of `weights.safetensors`, hexadecimal; filled in by [`Bundle::save`].
    pub weights_sha256: String,
}

impl Bundle {
    /// Writes the bundle into a folder, which is made if need be. The description comes last: a folder without it is no bundle.
    ///
    /// # Errors
    /// [`ModelError`] where the folder cannot be written.
    pub fn save(&self, network: &Network, folder: &Path) -> Result<Bundle, ModelError> {
        std::fs::create_dir_all(folder).map_err(ModelError::io("make", folder))?;
        let weights_path = folder.join(WEIGHTS);
        weights::save(network, &weights_path)?;
        let bundle = Bundle {
            weights_sha256: sha256_of(&weights_path)?,
            ..self.clone()
        };
        let path = folder.join(DESCRIPTION);
        let text = serde_json::to_string_pretty(&bundle).map_err(|error| ModelError::BadBundle {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let partial = folder.join("bundle.json.partial");
        std::fs::write(&partial, text + "\n").map_err(ModelError::io("write", &partial))?;
        std::fs::rename(&partial, &path).map_err(ModelError::io("rename", &path))?;
        Ok(bundle)
    }

    /// Reads a bundle's description.
    ///
    /// # Errors
    /// [`ModelError::Io`] where there is none, [`ModelError::BadBundle`] for another schema version or unknown fields.
    pub fn read(folder: &Path) -> Result<Bundle, ModelError> {
        let path = folder.join(DESCRIPTION);
        let text = std::fs::read_to_string(&path).map_err(ModelError::io("read", &path))?;
        let bad = |reason: String| ModelError::BadBundle {
            path: path.clone(),
            reason,
        };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        match value.get("schema_version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(SCHEMA_VERSION) => {}
            found => {
                return Err(bad(format!(
                    "schema_version {found:?}, this program reads {SCHEMA_VERSION}"
                )));
            }
        }
        let bundle: Bundle = serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
        let n_grades = bundle.network.scheme.n_grades();
        if bundle.calibration.training_weights.len() != n_grades || bundle.calibration.temperature <= 0.0 {
            return Err(bad(format!("calibration does not fit {n_grades} grades")));
        }
        Ok(bundle)
    }

    /// Checks the weights against their digest.
    ///
    /// # Errors
    /// [`ModelError::Checksum`] where they are other weights, [`ModelError::Io`] where there are none.
    pub fn verify(&self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(WEIGHTS);
        let found = sha256_of(&path)?;
        if found == self.weights_sha256 {
            Ok(())
        } else {
            Err(ModelError::Checksum {
                path,
                expected: self.weights_sha256.clone(),
                found,
            })
        }
    }

    /// Verifies and loads the network.
    ///
    /// # Errors
    /// As [`Bundle::verify`], and [`ModelError::BadWeights`] where they do not fit the described network.
    pub fn load_network(&self, folder: &Path, device: &Device) -> Result<Network, ModelError> {
        self.verify(folder)?;
        weights::load(self.network.init(0, device)?, &folder.join(WEIGHTS))
    }
}

fn sha256_of(path: &Path) -> Result<String, ModelError> {
    let mut file = std::fs::File::open(path).map_err(ModelError::io("read", path))?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut HashWriter(&mut hasher)).map_err(ModelError::io("read", path))?;
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
