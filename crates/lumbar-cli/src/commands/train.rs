//! `lumbar train`: a run from a data set and a configuration.

use crate::{
    args::{Global, TrainArgs},
    config,
    console::{Console, Progress},
};
use lumbar_dataset::Dataset;
use lumbar_train::{EpochReport, Observer, RunConfig, RunSummary, TrainJob};
use std::path::Path;

pub fn run(args: &TrainArgs, global: &Global, console: &Console<'_>) -> anyhow::Result<()> {
    // The configuration first: a typo in it should not wait for a data set to be opened.
    let config: RunConfig = config::load(args.config.as_deref(), &args.set, RunConfig::validate)?;
    let dataset = Dataset::open(&args.dataset)?;
    let job = TrainJob {
        dataset: &dataset,
        config: &config,
        device: global.device,
        folds: args.folds,
        resume: args.resume,
    };
    if args.dry_run {
        return show_plan(&job, console);
    }
    console.note("if it is interrupted, the same call with `--resume` goes on from the last finished epoch");
    let summary = train(&job, &args.out, "train", console)?;
    console.json(&summary)?;
    console.result(format!(
        "best validation loss {:.4} (log loss weighted 1, 2, 4); {} samples predicted; in `{}`",
        summary.best_loss,
        summary.n_test,
        args.out.display()
    ));
    Ok(())
}

fn show_plan(job: &TrainJob<'_>, console: &Console<'_>) -> anyhow::Result<()> {
    let plan = job.plan()?;
    let device = job.device.concrete()?;
    console.json(&serde_json::json!({
        "config": job.config,
        "device": device.to_string(),
        "folds": plan.iter().map(|[train, valid, test]| serde_json::json!({
            "train": train, "valid": valid, "test": test
        })).collect::<Vec<_>>(),
    }))?;
    let mut text = toml::to_string_pretty(job.config)?;
    text.push_str(&format!("\n# would run on {device}\n"));
    for (fold, [train, valid, test]) in plan.iter().enumerate() {
        text.push_str(&format!(
            "# fold {fold}: {train} samples to train on, {valid} to validate, {test} to test\n"
        ));
    }
    console.result(text.trim_end());
    Ok(())
}

/// Trains with progress shown.
pub fn train(
    job: &TrainJob<'_>,
    out: &Path,
    name: &str,
    console: &Console<'_>,
) -> anyhow::Result<RunSummary> {
    let n_folds = job.folds.unwrap_or(1);
    let mut shown = Shown {
        progress: console.progress(name, "steps"),
        console,
        steps: vec![0; n_folds],
        last: String::new(),
    };
    let summary = job.run(out, &mut shown)?;
    let epochs: usize = summary.epochs.iter().sum();
    shown.progress.finish(&format!(
        "{n_folds} network{} on {} samples, {epochs} epochs, best validation loss {:.4}, on {}",
        if n_folds == 1 { "" } else { "s" },
        summary.n_train,
        summary.best_loss,
        summary.device
    ));
    Ok(summary)
}

/// Training progress over all folds.
struct Shown<'c, 'a> {
    progress: Progress<'c, 'a>,
    console: &'c Console<'a>,
    /// Steps done in each fold.
    steps: Vec<u64>,
    last: String,
}

impl Observer for Shown<'_, '_> {
    fn step(&mut self, fold: usize, steps_done: u64, total_steps: u64) {
        if let Some(steps) = self.steps.get_mut(fold) {
            *steps = steps_done;
        }
        let done = self.steps.iter().sum();
        self.progress
            .set(done, self.steps.len() as u64 * total_steps, &self.last);
    }

    fn epoch(&mut self, fold: usize, report: &EpochReport) -> bool {
        self.last = format!(
            "loss {:.3}, validation {:.3}",
            report.train_loss, report.valid_loss
        );
        self.console.detail(format!(
            "fold {fold} epoch {}: training loss {:.4}, validation loss {:.4}, {:.0} samples/s",
            report.epoch + 1,
            report.train_loss,
            report.valid_loss,
            report.samples_per_second
        ));
        true
    }
}
