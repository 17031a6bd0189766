//! Uses a trained bundle in a program of one's own: `embed BUNDLE DATASET SAMPLE_ID`.
#![allow(clippy::print_stdout, reason = "a program")]

use anyhow::Context;
use burn::tensor::{Tensor, TensorData};
use lumbar_core::Side;
use lumbar_dataset::{Dataset, Loader, LoaderConfig};
use lumbar_model::{Bundle, DeviceSpec};
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: embed BUNDLE DATASET SAMPLE_ID";
    let folder = PathBuf::from(args.next().context(usage)?);
    let dataset = Dataset::open(&PathBuf::from(args.next().context(usage)?))?;
    let wanted = args.next().context(usage)?;

    let device = DeviceSpec::Auto.resolve()?;
    let bundle = Bundle::read(&folder)?;
    let network = bundle.load_network(&folder, &device)?;

    let indices = dataset.select(|sample| sample.sample_id == wanted);
    anyhow::ensure!(!indices.is_empty(), "no sample `{wanted}`");
    let config = LoaderConfig {
        mirror_right_to_left: bundle.mirror_right_to_left,
        ..LoaderConfig::default()
    };
    let batch = Loader::new(&dataset, indices.clone(), config)?
        .epoch(0)
        .next()
        .context("one batch")??;
    let crops = Tensor::<4>::from_data(TensorData::new(batch.pixels.into_vec(), batch.shape), &device);
    let logits: Vec<f64> = network
        .forward(crops, &batch.targets)
        .into_data()
        .iter()
        .collect();

    let sample = dataset.sample(indices[0])?;
    let mirrored = bundle.mirror_right_to_left && sample.target.condition.side() == Some(Side::Right);
    println!(
        "{} on {}{}",
        sample.target,
        sample.view.description(),
        if mirrored { ", shown mirrored" } else { "" }
    );
    for (grade, p) in bundle
        .network
        .scheme
        .grades()
        .iter()
        .zip(bundle.calibration.probabilities(&logits))
    {
        println!("{grade:<12} {:5.1}%", 100.0 * p);
    }
    println!(
        "{} model. Research use only, not a medical device",
        bundle.training_domain
    );
    Ok(())
}
