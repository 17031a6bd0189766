//! `lumbar demo`: the whole road on synthetic studies, in one page.

use crate::{
    args::{DemoArgs, Global},
    commands::{dataset, evaluate, phantom, report, train},
    config::Hinted,
    console::Console,
    oracle,
};
use anyhow::Context;
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_dataset::{Dataset, DatasetConfig};
use lumbar_evaluate::EvaluateOptions;
use lumbar_phantom::PhantomConfig;
use lumbar_report::{Control, StageTime};
use lumbar_train::{RunConfig, TrainJob};
use std::{path::Path, time::Instant};

/// Folds of the cross-validation: every study is predicted by a network that did not see it.
const FOLDS: usize = 3;
/// Resamples of the intervals.
const RESAMPLES: usize = 1000;
/// Side of the square blanked in the control, mm.
const BLANK_MM: f64 = 20.0;

const SHUFFLED: &str = "Shuffled labels";
/// Runs that should fail, and how.
const CONTROLS: [(&str, &str); 2] = [
    (
        SHUFFLED,
        "training labels permuted within each column: nothing is left to learn, so the score should fall back to the prior",
    ),
    (
        "Blanked target",
        "the central 20 mm of each crop blanked, in training and in grading: the surroundings should be worth no more than knowing the level",
    ),
];

/// The networks trained: a view, and what is graded from it.
const RUNS: [(SeriesKind, &[ConditionGroup]); 3] = [
    (SeriesKind::SagittalT1, &[ConditionGroup::NeuralForaminal]),
    (
        SeriesKind::SagittalT2,
        &[ConditionGroup::SpinalCanal, ConditionGroup::Subarticular],
    ),
    (
        SeriesKind::AxialT2,
        &[
            ConditionGroup::SpinalCanal,
            ConditionGroup::NeuralForaminal,
            ConditionGroup::Subarticular,
        ],
    ),
];

pub fn run(args: &DemoArgs, global: &Global, console: &Console<'_>) -> anyhow::Result<()> {
    // Before a minute of phantoms: a device that is not there stays away.
    global.device.concrete()?;
    let mut stages = Stages::default();
    let place = |name: &str| args.out.join(name);
    clear(args)?;

    let rsna = place("rsna");
    let phantoms = PhantomConfig {
        n_studies: args.studies,
        seed: args.seed,
        ..PhantomConfig::default()
    };
    stages.time("phantom", || phantom::make(&phantoms, &rsna, console))?;

    let mut config = DatasetConfig::default();
    config.split.seed = args.seed;
    config.split.folds = FOLDS;
    let folder = place("dataset");
    stages.time("dataset", || dataset::build(&rsna, &config, &folder, console))?;
    let dataset = Dataset::open(&folder)?;

    let mut runs = Vec::new();
    for (view, groups) in RUNS {
        let out = place("runs").join(view.name());
        let config = run_config(args, view, groups);
        stages.time(&format!("train {}", view.name()), || {
            train_folds(&dataset, &config, global, &out, console)
        })?;
        runs.push(out);
    }
    let controls = if args.controls {
        stages.time("controls", || run_controls(args, global, &dataset, console))?
    } else {
        Vec::new()
    };

    let truth = rsna.join("phantom_truth.jsonl");
    let options = EvaluateOptions {
        n_resamples: RESAMPLES,
        seed: args.seed,
        oracle: Some(oracle::read(&truth)?),
        ..EvaluateOptions::default()
    };
    let tables = evaluate::read_tables(&runs)?;
    let evaluation = stages.time("evaluate", || evaluate::measure(&tables, &options, &args.out))?;
    evaluate::write_all_predictions(&tables, &args.out)?;

    let html = place("report.html");
    let sources = report::Sources {
        title: "Lumbar demo",
        runs: &runs,
        dataset: Some(&dataset),
        controls,
        stages: stages.0.clone(),
    };
    report::write(&sources, &evaluation, &html)?;

    console.json(&evaluation)?;
    console.result(evaluate::summary(&evaluation));
    console.note(format!("\nthe report is `{}`", html.display()));
    Ok(())
}

fn run_config(args: &DemoArgs, view: SeriesKind, groups: &[ConditionGroup]) -> RunConfig {
    let mut config = RunConfig {
        seed: args.seed,
        ..RunConfig::default()
    };
    config.data.view = view;
    config.data.groups = groups.to_vec();
    config.model.architecture = args.architecture;
    config
}

fn train_folds(
    dataset: &Dataset,
    config: &RunConfig,
    global: &Global,
    out: &Path,
    console: &Console<'_>,
) -> anyhow::Result<()> {
    let job = TrainJob {
        dataset,
        config,
        device: global.device,
        folds: Some(FOLDS),
        resume: false,
    };
    train::train(&job, out, config.data.view.name(), console)?;
    Ok(())
}

/// Runs that should fail, each group on its proper view: with shuffled labels nothing is to be learnt, with the target
/// blanked nothing but its surroundings.
fn run_controls(
    args: &DemoArgs,
    global: &Global,
    dataset: &Dataset,
    console: &Console<'_>,
) -> anyhow::Result<Vec<Control>> {
    let mut controls = Vec::new();
    for (name, expectation) in CONTROLS {
        let folder = args
            .out
            .join("controls")
            .join(name.to_lowercase().replace(' ', "-"));
        let mut outs = Vec::new();
        for group in ConditionGroup::ALL {
            let mut config = run_config(args, SeriesKind::proper_for(group), &[group]);
            match name {
                SHUFFLED => config.controls.shuffle_labels = true,
                _ => config.controls.blank_centre_mm = BLANK_MM,
            }
            let out = folder.join(group.short_name());
            train_folds(dataset, &config, global, &out, console)?;
            outs.push(out);
        }
        let options = EvaluateOptions {
            n_resamples: RESAMPLES,
            seed: args.seed,
            ..EvaluateOptions::default()
        };
        let evaluation = evaluate::measure(&evaluate::read_tables(&outs)?, &options, &folder)?;
        controls.push(Control {
            name: name.to_owned(),
            expectation: expectation.to_owned(),
            evaluation,
        });
    }
    Ok(controls)
}

/// The file that marks a folder as a demo's own.
pub const MARKER: &str = "demo.json";
/// What a demo writes beside it.
const WRITTEN: [&str; 9] = [
    "rsna",
    "dataset",
    "runs",
    "controls",
    "metrics.json",
    "predictions.parquet",
    "submission.csv",
    "truth.csv",
    "report.html",
];

/// Removes an earlier demo; refuses to touch a folder that holds anything else.
fn clear(args: &DemoArgs) -> anyhow::Result<()> {
    let out = &args.out;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let marker = out.join(MARKER);
    let mut entries = std::fs::read_dir(out).with_context(|| format!("cannot list `{}`", out.display()))?;
    if entries.next().is_some() && !marker.is_file() {
        let message = format!("`{}` is not empty, and no demo wrote it", out.display());
        return Err(Hinted {
            message,
            hint: "choose another folder with `--out`".into(),
        }
        .into());
    }
    for path in WRITTEN
        .map(|name| out.join(name))
        .into_iter()
        .filter(|path| path.exists())
    {
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        removed.with_context(|| format!("cannot remove `{}`", path.display()))?;
    }
    let settings = serde_json::json!({
        "studies": args.studies, "seed": args.seed, "architecture": args.architecture.name(), "domain": "synthetic",
    });
    std::fs::write(&marker, format!("{settings:#}\n"))
        .with_context(|| format!("cannot write `{}`", marker.display()))
}

/// How long each stage took.
#[derive(Default)]
struct Stages(Vec<StageTime>);

impl Stages {
    fn time<T>(&mut self, stage: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let begun = Instant::now();
        let value = work()?;
        self.0.push(StageTime {
            name: stage.to_owned(),
            seconds: begun.elapsed().as_secs_f64(),
        });
        Ok(value)
    }
}
