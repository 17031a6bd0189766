//! `lumbar report`: one page on one or several runs.

use crate::{
    args::ReportArgs,
    commands::evaluate::{measure, read_tables},
    console::Console,
    flow::flow,
    oracle,
};
use anyhow::Context;
use lumbar_core::{ConditionGroup, SeriesKind, Severity};
use lumbar_dataset::{Dataset, Part, Sample, stats};
use lumbar_evaluate::{EvaluateOptions, EvaluationReport};
use lumbar_report::{Control, ExampleCrop, LearningCurve, ReportInput, RunFacts, SplitSize, StageTime};
use lumbar_train::run::RunRecord;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

pub fn run(args: &ReportArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let tables = read_tables(&args.runs)?;
    let options = EvaluateOptions {
        n_resamples: args.ci,
        oracle: args.phantom_truth.as_deref().map(oracle::read).transpose()?,
        ..EvaluateOptions::default()
    };
    let dataset = args.dataset.as_deref().map(Dataset::open).transpose()?;
    let first = &args.runs[0];
    let out = args.out.clone().unwrap_or_else(|| first.join("report.html"));
    let folder = out
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let evaluation = measure(&tables, &options, folder)?;
    let sources = Sources {
        title: "Lumbar grading run",
        runs: &args.runs,
        dataset: dataset.as_ref(),
        controls: Vec::new(),
        stages: Vec::new(),
    };
    write(&sources, &evaluation, &out)?;
    console.json(&serde_json::json!({ "report": out, "domain": evaluation.domain }))?;
    console.result(format!("the report is `{}`", out.display()));
    Ok(())
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
    Ok(RunFacts { name, facts, curves })
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
            })
        })
        .collect()
}
