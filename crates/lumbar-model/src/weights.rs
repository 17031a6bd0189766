//! Network weights as safetensors.

use crate::{ModelError, Network};
use burn::store::{ModuleSnapshot, SafetensorsStore};
use std::path::Path;

/// Writes a network's weights, running statistics included, as one safetensors file; beside its place first, then renamed.
///
/// # Errors
/// [`ModelError::Io`] where the folder cannot be written, [`ModelError::BadWeights`] where the tensors cannot be stored.
pub fn save(network: &Network, path: &Path) -> Result<(), ModelError> {
    let partial = path.with_extension("safetensors.partial");
    // One entry only: Burn writes its metadata in the random order of a hash map, and the same weights should be the
    // same bytes.
    let mut store = SafetensorsStore::from_file(&partial)
        .clear_metadata()
        .metadata("format", "lumbar-network/1")
        .overwrite(true);
    network
        .save_into(&mut store)
        .map_err(|error| ModelError::BadWeights {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    std::fs::rename(&partial, path).map_err(ModelError::io("rename", path))
}

/// Loads weights into a network of the same shape, on the device the network is on.
///
/// # Errors
/// [`ModelError::BadWeights`] unless every tensor of the network is in the file, with its shape, and nothing else is.
pub fn load(mut network: Network, path: &Path) -> Result<Network, ModelError> {
    let bad = |reason: String| ModelError::BadWeights {
        path: path.to_owned(),
        reason,
    };
    std::fs::metadata(path).map_err(ModelError::io("read", path))?;
    let mut store = SafetensorsStore::from_file(path).allow_partial(true);
    let result = network
        .load_from(&mut store)
        .map_err(|error| bad(error.to_string()))?;
    let problems = [
        (!result.missing.is_empty()).then(|| format!("missing {:?}", result.missing)),
        (!result.unused.is_empty()).then(|| format!("not in the network {:?}", result.unused)),
        (!result.errors.is_empty()).then(|| format!("{:?}", result.errors)),
    ];
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    if problems.is_empty() {
        Ok(network)
    } else {
        Err(bad(problems.join("; ")))
    }
}
