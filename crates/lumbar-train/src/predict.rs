//! A network over samples: logits out.

use crate::{RunConfig, TrainError};
use burn::tensor::{Device, Tensor, TensorData};
use lumbar_dataset::{Batch, Dataset, Loader, LoaderConfig, Sample};
use lumbar_evaluate::{Part, Prediction};
use lumbar_model::Network;

/// Logits of some samples, one row each, in the order given.
///
/// The network must be on a device without autodiff, so that norms use their running statistics. The last batch is
/// filled up with blank crops, whose answers are dropped: a constant shape keeps GPU kernels from being tuned anew.
///
/// # Errors
/// [`TrainError::Dataset`] where pixels cannot be read.
pub fn logits(
    network: &Network,
    (dataset, indices): (&Dataset, &[usize]),
    (config, device): (&RunConfig, &Device),
) -> Result<Vec<Vec<f64>>, TrainError> {
    let loader = Loader::new(dataset, indices.to_vec(), evaluation_loader(config))?;
    let mut rows = Vec::with_capacity(indices.len());
    for batch in loader.epoch(0) {
        let batch = batch?;
        let n = batch.samples.len();
        let [_, depth, height, width] = batch.shape;
        let mut pixels = batch.pixels.into_vec();
        pixels.resize(config.training.batch_size * depth * height * width, 0.0);
        let mut targets = batch.targets;
        targets.resize(config.training.batch_size, targets[0]);
        let shape = [config.training.batch_size, depth, height, width];
        let crops = Tensor::<4>::from_data(TensorData::new(pixels, shape), device);
        let values = network
            .forward(crops, &targets)
            .into_data()
            .iter::<f64>()
            .collect::<Vec<f64>>();
        rows.extend(values.chunks(network.n_grades()).take(n).map(<[f64]>::to_vec));
    }
    Ok(rows)
}

/// What is said of a sample, with the prior beside it.
pub(crate) fn row(
    sample: &Sample,
    (part, fold): (Part, Option<u32>),
    (probabilities, prior): (Vec<f64>, Vec<f64>),
) -> Prediction {
    Prediction {
        sample_id: sample.sample_id.clone(),
        study: sample.study.clone(),
        patient: sample.patient.to_string(),
        target: sample.target,
        view: sample.view,
        severity: sample.severity,
        part,
        fold,
        probabilities,
        prior,
    }
}

/// How samples are fed in grading: in order, unchanged.
fn evaluation_loader(config: &RunConfig) -> LoaderConfig {
    LoaderConfig {
        batch_size: config.training.batch_size,
        workers: config.training.workers,
        mirror_right_to_left: config.data.mirror_right_to_left,
        blank_centre_mm: config.controls.blank_centre(),
        ..LoaderConfig::default()
    }
}

/// The pixels of a batch on a device.
pub(crate) fn crops(batch: Batch, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(batch.pixels.into_vec(), batch.shape), device)
}
