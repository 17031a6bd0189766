//! Is a condition better graded from sagittal or from axial slices? Trains one network on each view, patient-grouped,
//! and compares them on the same targets: `compare_views DATASET OUT [canal|foraminal|subarticular]`.
#![allow(clippy::print_stdout, reason = "a program")]

use anyhow::Context;
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_dataset::Dataset;
use lumbar_evaluate::{EvaluateOptions, PredictionTable, Scope, compare};
use lumbar_model::DeviceSpec;
use lumbar_train::{RunConfig, Silent, TrainJob};
use std::path::{Path, PathBuf};

const FOLDS: usize = 3;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: compare_views DATASET OUT [canal|foraminal|subarticular]";
    let dataset = Dataset::open(&PathBuf::from(args.next().context(usage)?))?;
    let out = PathBuf::from(args.next().context(usage)?);
    let wanted = args.next().unwrap_or_else(|| "subarticular".into());
    let group = ConditionGroup::ALL
        .into_iter()
        .find(|group| group.short_name() == wanted)
        .with_context(|| format!("no condition group `{wanted}`; {usage}"))?;

    let sagittal = match SeriesKind::proper_for(group) {
        SeriesKind::AxialT2 => SeriesKind::SagittalT2,
        proper => proper,
    };
    let from_sagittal = predictions(&dataset, sagittal, group, &out)?;
    let from_axial = predictions(&dataset, SeriesKind::AxialT2, group, &out)?;

    let domain = from_axial.domain;
    let report = compare(&[from_sagittal], &[from_axial], &EvaluateOptions::default())?;
    println!(
        "{} targets of {} patients on both views",
        report.n_cases, report.n_patients
    );
    for scope in report
        .scopes
        .iter()
        .filter(|scope| scope.scope == Scope::Group { group })
    {
        for c in &scope.comparisons {
            let (Ok(a), Ok(b), Some(Ok(interval))) = (c.a.value, c.b.value, &c.difference.interval) else {
                continue;
            };
            println!(
                "{:<26} {sagittal} {a:.3}, axial_t2 {b:.3}, difference {:+.3} to {:+.3} (95%, by patient)",
                c.difference.measure, interval.low, interval.high
            );
        }
    }
    println!("{domain} data. Research use only, not a medical device");
    Ok(())
}

fn predictions(
    dataset: &Dataset,
    view: SeriesKind,
    group: ConditionGroup,
    out: &Path,
) -> anyhow::Result<PredictionTable> {
    let mut config = RunConfig::default();
    config.data.view = view;
    config.data.groups = vec![group];
    let run = out.join(view.name());
    let job = TrainJob {
        dataset,
        config: &config,
        device: DeviceSpec::Auto,
        folds: Some(FOLDS),
        resume: false,
    };
    job.run(&run, &mut Silent)?;
    Ok(PredictionTable::read(&run.join("predictions.parquet"))?)
}
