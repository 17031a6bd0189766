//! `lumbar report`: one page on one or several runs.

use crate::{
    args::{DEFAULT_RESAMPLES, DEFAULT_SEED, ReportArgs},
    commands::evaluate::read_tables,
    config::Hinted,
    console::Console,
    flow::flow,
    oracle,
};
use anyhow::Context;
use lumbar_core::{ConditionGroup, SeriesKind, Severity};
use lumbar_dataset::{Dataset, Part, Sample, directions, stats};
use lumbar_evaluate::{EvaluateOptions, EvaluationReport, PredictionTable, evaluate};
use lumbar_model::Bundle;
use lumbar_report::{Control, ExampleCrop, LearningCurve, ReportInput, RunFacts, SplitSize, StageTime};
use lumbar_train::run::RunRecord;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

pub fn run(args: &ReportArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let tables = read_tables(&args.runs)?;
    let dataset = args.dataset.as_deref().map(Dataset::open).transpose()?;
    for run in &args.runs {
        let record = RunRecord::read(run)?;
        if let Some(dataset) = &dataset {
            record.check_dataset(run, dataset).map_err(|error| Hinted {
                    message: error.to_string(),
                    hint: "give the dataset the run was trained on, or none; `lumbar evaluate RUN --dataset DS --out DIR` grades another"
                        .into(),
                })?;
        }
    }
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| args.runs[0].join("report.html"));
    keep_what_is_no_page(&out)?;
    let evaluation = measures(args, &tables, console)?;
    let sources = Sources {
        title: "Lumbar grading run",
        runs: &args.runs,
        dataset: dataset.as_ref(),
        controls: Vec::new(),
        stages: Vec::new(),
    };
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    write(&sources, &evaluation, &out)?;
    console.json(&serde_json::json!({ "report": out, "domain": evaluation.domain }))?;
    console.result(format!("the report is `{}`", out.display()));
    Ok(())
}

/// Only a page of our own is replaced.
fn keep_what_is_no_page(out: &Path) -> anyhow::Result<()> {
    match std::fs::read(out) {
        Ok(bytes) if !lumbar_report::is_page(&bytes) => Err(Hinted {
            message: format!(
                "`{}` is there already, and is no page of this program",
                out.display()
            ),
            hint: "choose another file with `--out`".into(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// The measures to show: those of `evaluate`, if it measured these very predictions, else as `evaluate` would.
fn measures(
    args: &ReportArgs,
    tables: &[PredictionTable],
    console: &Console<'_>,
) -> anyhow::Result<EvaluationReport> {
    if args.ci.is_none() && args.phantom_truth.is_none() {
        for path in evaluated(args) {
            match EvaluationReport::read(&path) {
                Ok(report) if report.is_of(tables) => {
                    console.note(format!("the measures are those of `{}`", path.display()));
                    return Ok(report);
                }
                _ => {}
            }
        }
        console
            .note("no `metrics.json` of these predictions; measured with the settings of `lumbar evaluate`");
    }
    let options = EvaluateOptions {
        n_resamples: args.ci.unwrap_or(DEFAULT_RESAMPLES),
        seed: DEFAULT_SEED,
        oracle: args.phantom_truth.as_deref().map(oracle::read).transpose()?,
        ..EvaluateOptions::default()
    };
    Ok(evaluate(tables, &options)?)
}

/// Where `evaluate` may have left its measures: beside the page, in the run, or in the folder of a demo.
fn evaluated(args: &ReportArgs) -> Vec<PathBuf> {
    let beside = args.out.as_deref().and_then(Path::parent);
    let runs = args.runs.iter();
    let folders = beside.into_iter().chain(runs.clone().map(PathBuf::as_path));
    let demos = runs.filter_map(|run| run.parent()?.parent());
    folders
        .chain(demos)
        .map(|folder| folder.join("metrics.json"))
        .filter(|path| path.is_file())
        .collect()
}

/// What a report is made of besides the evaluation.
pub struct Sources<'a> {
    pub title: &'a str,
    pub runs: &'a [PathBuf],
    pub dataset: Option<&'a Dataset>,
    pub controls: Vec<Control>,
    pub stages: Vec<StageTime>,
}

/// Writes the report.
pub fn write(sources: &Sources<'_>, evaluation: &EvaluationReport, out: &Path) -> anyhow::Result<()> {
    let mut provenance = vec![("lumbar".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    // No date: the same predictions give the same page. The digest says which ones they were.
    for digest in &evaluation.settings.predictions_sha256 {
        provenance.push(("predictions, SHA-256".into(), digest.clone()));
    }
    let mut runs = Vec::new();
    for run in sources.runs {
        runs.push(run_facts(run)?);
    }
    if let Some(dataset) = sources.dataset {
        provenance.push(("dataset source".into(), dataset.info().source_digest.clone()));
        provenance.push(("dataset configuration".into(), dataset.info().config_hash.clone()));
    }
    let input = ReportInput {
        title: sources.title.to_owned(),
        flow: match sources.dataset {
            Some(dataset) => flow(&stats(dataset)?),
            None => Vec::new(),
        },
        splits: sources.dataset.map(splits).unwrap_or_default(),
        examples: sources.dataset.map(examples).transpose()?.unwrap_or_default(),
        runs,
        evaluation: evaluation.clone(),
        controls: sources.controls.clone(),
        stages: sources.stages.clone(),
        notes: sources
            .dataset
            .map(|dataset| dataset.info().notes.clone())
            .unwrap_or_default(),
        provenance,
    };
    lumbar_report::write(&input, out)?;
    Ok(())
}

/// What a run directory says of itself.
fn run_facts(run: &Path) -> anyhow::Result<RunFacts> {
    let record = RunRecord::read(run)?;
    let config = &record.config;
    let groups: Vec<&str> = config
        .data
        .groups
        .iter()
        .map(|group| group.short_name())
        .collect();
    let mut facts = vec![
        ("view".to_owned(), config.data.view.description().to_owned()),
        ("grades".into(), groups.join(", ")),
        ("network".into(), config.model.architecture.to_string()),
        ("epochs".into(), config.training.epochs.to_string()),
        ("seed".into(), config.seed.to_string()),
    ];
    if let Some(summary) = &record.summary {
        facts.push(("device".into(), summary.device.clone()));
        facts.push(("training samples".into(), summary.n_train.to_string()));
    }
    let folders: Vec<(String, PathBuf)> = match record.folds {
        Some(folds) => (0..folds)
            .map(|fold| (format!("fold {fold}"), run.join(format!("fold-{fold}"))))
            .collect(),
        None => vec![(String::new(), run.to_owned())],
    };
    let calibrations = folders
        .iter()
        .map(|(_, folder)| Ok(Bundle::read(&folder.join("model"))?.calibration))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let temperatures = calibrations
        .iter()
        .filter(|calibration| calibration.fitted_on.is_some());
    let temperatures: Vec<f64> = temperatures.map(|calibration| calibration.temperature).collect();
    facts.push(("calibration".into(), in_words(&temperatures, folders.len())));
    let curves = folders
        .into_iter()
        .map(|(name, folder)| {
            let path = folder.join("metrics.jsonl");
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok(LearningCurve::from_jsonl(name, &text)?)
        })
        .collect::<anyhow::Result<_>>()?;
    let name = run
        .file_name()
        .map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    Ok(RunFacts {
        name,
        facts,
        curves,
        mirrors_right: config.data.mirror_right_to_left,
        calibrated: Some(temperatures.len() == calibrations.len()),
    })
}

/// `temperature 1.21, 1.18, 1.30`, or that none was fitted.
fn in_words(temperatures: &[f64], n_networks: usize) -> String {
    if temperatures.is_empty() {
        return "training weights taken back; no temperature fitted".to_owned();
    }
    let listed: Vec<String> = temperatures.iter().map(|t| format!("{t:.2}")).collect();
    let of = match temperatures.len() == n_networks {
        true => String::new(),
        false => format!(" (fitted in {} of {n_networks} networks)", temperatures.len()),
    };
    format!(
        "training weights taken back; temperature {}{of}",
        listed.join(", ")
    )
}

fn splits(dataset: &Dataset) -> Vec<SplitSize> {
    let n_folds = dataset.config().split.folds as u32;
    let parts = Part::ALL.map(|part| {
        (
            part.name().to_owned(),
            size(dataset, |s| s.assignment.part == part),
        )
    });
    let folds = (0..n_folds).map(|fold| {
        (
            format!("fold {fold}"),
            size(dataset, |s| s.assignment.fold == fold),
        )
    });
    parts
        .into_iter()
        .chain(folds)
        .map(|(name, size)| SplitSize { name, ..size })
        .collect()
}

fn size(dataset: &Dataset, belongs: impl Fn(&Sample) -> bool) -> SplitSize {
    let scheme = dataset.config().grades;
    let samples: Vec<&Sample> = dataset
        .samples()
        .iter()
        .filter(|sample| belongs(sample))
        .collect();
    let mut n_of_grade = vec![0; scheme.n_grades() + 1];
    for sample in &samples {
        let grade = sample.severity.and_then(|severity| scheme.index_of(severity));
        n_of_grade[grade.unwrap_or(scheme.n_grades())] += 1;
    }
    SplitSize {
        name: String::new(),
        n_patients: samples.iter().map(|s| &s.patient).collect::<BTreeSet<_>>().len() as u64,
        n_studies: samples.iter().map(|s| &s.study).collect::<BTreeSet<_>>().len() as u64,
        n_samples: samples.len() as u64,
        n_of_grade,
    }
}

/// The first crop of each group, view and grade, by study; `L4/L5` where there is one, as most grades occur there.
fn examples(dataset: &Dataset) -> anyhow::Result<Vec<ExampleCrop>> {
    let mut chosen: BTreeMap<(ConditionGroup, SeriesKind, usize), usize> = BTreeMap::new();
    let scheme = dataset.config().grades;
    for (index, sample) in dataset.samples().iter().enumerate() {
        let Some(grade) = sample.severity.and_then(|severity| scheme.index_of(severity)) else {
            continue;
        };
        let key = (sample.target.condition.group(), sample.view, grade);
        let at_l4_l5 = |index: usize| dataset.samples()[index].target.level == lumbar_core::Level::L4L5;
        match chosen.get(&key) {
            Some(old) if at_l4_l5(*old) || !at_l4_l5(index) => {}
            _ => {
                chosen.insert(key, index);
            }
        }
    }
    let [depth, height, width] = dataset.shape();
    let bytes = usize::from(dataset.config().bits / 8);
    chosen
        .into_iter()
        .map(|((group, view, _), index)| {
            let sample = dataset.sample(index)?;
            let centre = (depth / 2) * height * width * bytes;
            let pixels = &dataset.pixels(index)?[centre..centre + height * width * bytes];
            // Of 16 bits the upper 8 are shown.
            let pixels = pixels.iter().skip(bytes - 1).step_by(bytes).copied().collect();
            let side = sample
                .target
                .condition
                .side()
                .map_or_else(String::new, |side| format!(" {side}"));
            Ok(ExampleCrop {
                group,
                view,
                severity: sample.severity.unwrap_or(Severity::NormalMild),
                caption: format!("{}{side}, study {}", sample.target.level, sample.study),
                width: width as u32,
                height: height as u32,
                pixels,
                directions: directions(view).map(str::to_owned),
                mm_per_pixel: sample.sample_spacing_mm[1],
            })
        })
        .collect()
}
