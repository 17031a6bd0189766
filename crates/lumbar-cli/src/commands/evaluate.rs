//! `lumbar evaluate`: from predictions to measures, submission and truth.

use crate::{
    args::{CombineArg, EvaluateArgs, Global},
    commands::demo,
    config::{Hinted, WrongUsage},
    console::Console,
    oracle,
};
use anyhow::{Context, bail};
use lumbar_core::ConditionGroup;
use lumbar_dataset::Dataset;
use lumbar_evaluate::{
    Cases, Combine, Counts, EvaluateOptions, EvaluationReport, Part, PredictionTable, Scope, evaluate,
};
use lumbar_metrics::{Estimate, Footnotes};
use lumbar_train::{predict_external, run::n_graded_targets};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

pub fn run(args: &EvaluateArgs, global: &Global, console: &Console<'_>) -> anyhow::Result<()> {
    if let Some(run) = twice(&args.runs) {
        bail!(WrongUsage::new(format!("`{}` is named twice", run.display())));
    }
    let out = match (&args.out, args.runs.as_slice()) {
        (Some(out), _) => out.clone(),
        (None, [run]) if args.dataset.is_none() => run.clone(),
        (None, [_]) => {
            bail!(WrongUsage::new(
                "another dataset needs `--out DIR`: the run keeps its own evaluation"
            ))
        }
        (None, _) => bail!(WrongUsage::new("several runs need `--out DIR` to write to")),
    };
    let tables = match &args.dataset {
        None => read_tables(&args.runs)?,
        Some(dataset) => grade_other(args, dataset, global)?,
    };
    let options = EvaluateOptions {
        part: if args.dataset.is_none() { args.split } else { None },
        combine: match args.combine {
            CombineArg::ProperView => Combine::ProperView,
            CombineArg::Mean => Combine::Mean,
        },
        n_resamples: args.ci,
        seed: args.seed,
        oracle: oracle_for(args.phantom_truth.as_deref(), &out, console)?,
        ..EvaluateOptions::default()
    };
    let report = measure(&tables, &options, &out)?;
    if args.dataset.is_some() {
        write_all_predictions(&tables, &out)?;
    }
    console.json(&report)?;
    console.result(summary(&report));
    console.note(format!(
        "metrics.json, submission.csv and truth.csv are in `{}`",
        out.display()
    ));
    Ok(())
}

/// The oracle asked for; in the folder of a demo that of its own phantoms. An oracle's score in an older `metrics.json` is
/// not replaced by none.
fn oracle_for(
    phantom_truth: Option<&Path>,
    out: &Path,
    console: &Console<'_>,
) -> anyhow::Result<Option<PredictionTable>> {
    if let Some(path) = phantom_truth {
        return Ok(Some(oracle::read(path)?));
    }
    let of_demo = out.join("rsna").join("phantom_truth.jsonl");
    if out.join(demo::MARKER).is_file() && of_demo.is_file() {
        console.note(format!("the oracle is that of the demo, `{}`", of_demo.display()));
        return Ok(Some(oracle::read(&of_demo)?));
    }
    let old = out.join("metrics.json");
    let loses_one = EvaluationReport::read(&old).is_ok_and(|old| old.rsna.oracle.is_some());
    if loses_one {
        return Err(Hinted {
            message: format!(
                "`{}` holds the score of an oracle, which this call would drop",
                old.display()
            ),
            hint: "give `--phantom-truth FILE`, or another folder by `--out`".into(),
        }
        .into());
    }
    Ok(None)
}

/// What the runs' networks say of a data set they have not seen.
fn grade_other(args: &EvaluateArgs, folder: &Path, global: &Global) -> anyhow::Result<Vec<PredictionTable>> {
    use lumbar_dataset::Part as Side;
    let dataset = Dataset::open(folder)?;
    let side = match args.split {
        None => None,
        Some(Part::Test) => Some(Side::Test),
        Some(Part::Valid) => Some(Side::Valid),
        Some(Part::OutOfFold) => {
            anyhow::bail!("`--split out_of_fold` is of a run's own dataset, not of `--dataset`")
        }
    };
    args.runs
        .iter()
        .map(|run| {
            let keep =
                |sample: &lumbar_dataset::Sample| side.is_none_or(|side| sample.assignment.part == side);
            let mut table = predict_external(run, &dataset, global.device, keep)?;
            table.n_graded = [(Part::Test, n_graded_targets(&dataset, keep))].into();
            Ok(table)
        })
        .collect()
}

/// All runs' predictions in one table: what the measures were computed from.
pub fn write_all_predictions(tables: &[PredictionTable], out: &Path) -> anyhow::Result<()> {
    let Some(first) = tables.first() else {
        return Ok(());
    };
    let mut rows: Vec<_> = tables
        .iter()
        .flat_map(|table| table.rows.iter().cloned())
        .collect();
    rows.sort_by(|a, b| a.sample_id.cmp(&b.sample_id));
    let all = PredictionTable {
        rows,
        ..first.clone()
    };
    Ok(all.write(&out.join("predictions.parquet"))?)
}

/// A folder that stands twice among these, under whatever name.
fn twice(runs: &[PathBuf]) -> Option<&PathBuf> {
    let place = |run: &PathBuf| run.canonicalize().unwrap_or_else(|_| run.clone());
    let mut seen = BTreeSet::new();
    runs.iter().find(|run| !seen.insert(place(run)))
}

/// The prediction tables of runs.
pub fn read_tables(runs: &[PathBuf]) -> anyhow::Result<Vec<PredictionTable>> {
    runs.iter()
        .map(|run| {
            let path = run.join("predictions.parquet");
            anyhow::ensure!(
                path.is_file(),
                "`{}` has no predictions; is it the folder of a finished run?",
                run.display()
            );
            PredictionTable::read(&path).with_context(|| format!("predictions of `{}`", run.display()))
        })
        .collect()
}

/// Evaluates and writes `metrics.json`, `submission.csv` and `truth.csv`.
pub fn measure(
    tables: &[PredictionTable],
    options: &EvaluateOptions,
    out: &Path,
) -> anyhow::Result<EvaluationReport> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let report = evaluate(tables, options)?;
    report.write(&out.join("metrics.json"))?;
    let cases = Cases::combine(tables, options)?;
    cases.write_submission(&out.join("submission.csv"))?;
    cases.write_truth(&out.join("truth.csv"))?;
    Ok(report)
}

/// The measures of a group that people are shown, by their names in `metrics.json`.
const MEASURES: [&str; 5] = [
    "auroc_macro",
    "kappa_quadratic",
    "accuracy",
    "f1_macro",
    "log_loss_grade_weighted",
];

const PARTIAL: &str = "\nPARTIAL: the score is of these targets alone and does not compare with one of all; runs on the other \
    views and conditions complete it: `lumbar evaluate RUN RUN RUN --out DIR`";

/// `212 of 292 graded targets have a prediction;`.
fn covered(counts: &Counts) -> String {
    match counts.n_graded {
        Some(n_graded) => format!(
            "{} of {n_graded} graded targets have a prediction,",
            counts.n_cases
        ),
        None => format!("{} graded targets", counts.n_cases),
    }
}

/// A table for people.
pub fn summary(report: &EvaluationReport) -> String {
    let mut notes = Footnotes::default();
    let mut text = format!(
        "{} data, points {}; {} of {} patients{}\n\n{:<34}{:>26}{:>10}{:>13}{:>10}\n",
        report.domain,
        report.localisation,
        covered(&report.counts),
        report.counts.n_patients,
        match report.counts.is_partial() {
            true => PARTIAL,
            false => "",
        },
        "",
        "model",
        "prior",
        "level alone",
        "oracle"
    );
    for (i, model) in report.rsna.model.iter().enumerate() {
        let beside = [
            report.rsna.prior.get(i),
            report.rsna.level_only.get(i),
            report.rsna.oracle.as_ref().and_then(|oracle| oracle.get(i)),
        ];
        let partial = if i == 0 && report.counts.is_partial() {
            " (partial)"
        } else {
            ""
        };
        let name = label(&model.measure) + partial;
        text.push_str(&row(&name, model, beside, &mut notes));
    }
    for group in ConditionGroup::ALL {
        let Some(subset) = report.subset(Scope::Group { group }) else {
            continue;
        };
        text.push_str(&format!(
            "\n{} ({} targets)\n",
            group.display_name(),
            subset.n_cases
        ));
        for measure in MEASURES {
            if let Some(model) = subset.model(measure) {
                let beside = [
                    subset.prior(measure),
                    subset.level_only(measure),
                    subset.oracle(measure),
                ];
                text.push_str(&row(&format!("  {}", label(measure)), model, beside, &mut notes));
            }
        }
    }
    text.push_str(&format!(
        "\nintervals: 95%, bootstrap clustered by patient, {} resamples, seed {}",
        report.settings.bootstrap.n_resamples(),
        report.settings.bootstrap.seed()
    ));
    for line in notes.lines() {
        text.push_str(&format!("\n{line}"));
    }
    text.push_str("\nresearch use only, not a medical device");
    text
}

/// A line: the model with its interval, then prior, level alone, oracle.
fn row(name: &str, model: &Estimate, beside: [Option<&Estimate>; 3], notes: &mut Footnotes) -> String {
    let value = notes.cell(model.value, 3);
    let interval = match model.value {
        Ok(_) => notes.interval(model.interval, 3),
        Err(_) => String::new(),
    };
    let [prior, level_only, oracle] =
        beside.map(|estimate| estimate.map_or_else(String::new, |e| notes.cell(e.value, 3)));
    format!(
        "{name:<34}{:>26}{prior:>10}{level_only:>13}{oracle:>10}\n",
        value + &interval
    )
}

fn label(measure: &str) -> String {
    measure
        .replace('_', " ")
        .replace("rsna", "RSNA")
        .replace("auroc", "AUROC")
        .replace("f1", "F1")
}
