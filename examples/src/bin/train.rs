//! Trains a network on a data set, on the device given: `train DATASET RUN [flex|ndarray|cuda:0]`.
#![allow(clippy::print_stdout, reason = "a program")]

use anyhow::Context;
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_dataset::Dataset;
use lumbar_train::{EpochReport, Observer, RunConfig, TrainJob};
use std::path::PathBuf;

struct Printer;

impl Observer for Printer {
    fn epoch(&mut self, _fold: usize, report: &EpochReport) -> bool {
        println!(
            "epoch {:>3}  training loss {:.4}  validation loss {:.4}  {:.0} samples/s",
            report.epoch + 1,
            report.train_loss,
            report.valid_loss,
            report.samples_per_second
        );
        true
    }
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: train DATASET RUN [DEVICE]";
    let dataset = Dataset::open(&PathBuf::from(args.next().context(usage)?))?;
    let out = PathBuf::from(args.next().context(usage)?);
    let device = args.next().as_deref().unwrap_or("auto").parse()?;

    let mut config = RunConfig::default();
    config.data.view = SeriesKind::AxialT2;
    config.data.groups = vec![ConditionGroup::SpinalCanal, ConditionGroup::Subarticular];
    let job = TrainJob {
        dataset: &dataset,
        config: &config,
        device,
        folds: None,
        resume: false,
    };
    let summary = job.run(&out, &mut Printer)?;
    println!(
        "best validation loss {:.4}, bundle in {}",
        summary.best_loss,
        out.join("model").display()
    );
    Ok(())
}
