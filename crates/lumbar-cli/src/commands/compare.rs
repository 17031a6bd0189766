//! `lumbar compare`: two runs on the same patients.

use crate::{args::CompareArgs, commands::evaluate::read_tables, console::Console};
use lumbar_evaluate::{EvaluateOptions, compare};
use lumbar_metrics::Comparison;

pub fn run(args: &CompareArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let a = read_tables(std::slice::from_ref(&args.a))?;
    let b = read_tables(std::slice::from_ref(&args.b))?;
    let options = EvaluateOptions {
        n_resamples: args.ci,
        ..EvaluateOptions::default()
    };
    let report = compare(&a, &b, &options)?;
    console.json(&report)?;
    let mut text = format!(
        "{} targets of {} patients in both (only in A: {}, only in B: {})\n\n{:<44}{:>9}{:>9}{:>28}\n",
        report.n_cases, report.n_patients, report.n_only_a, report.n_only_b, "", "A", "B", "A minus B"
    );
    for comparison in &report.rsna {
        text.push_str(&row("", comparison));
    }
    for scope in &report.scopes {
        for comparison in &scope.comparisons {
            text.push_str(&row(&format!("{}: ", scope.scope), comparison));
        }
    }
    text.push_str("\nintervals: 95%, bootstrap clustered by patient, paired");
    console.result(text);
    Ok(())
}

fn row(scope: &str, comparison: &Comparison) -> String {
    let name = format!("{scope}{}", comparison.difference.measure.replace('_', " "));
    let cell = |value: Result<f64, lumbar_metrics::Undefined>| {
        value.map_or_else(|_| "-".into(), |v| format!("{v:.3}"))
    };
    let interval = match &comparison.difference.interval {
        Some(Ok(interval)) => format!(" ({:+.3} to {:+.3})", interval.low, interval.high),
        Some(Err(reason)) => format!(" (– {})", reason.code()),
        None => String::new(),
    };
    format!(
        "{name:<44}{:>9}{:>9}{:>28}\n",
        cell(comparison.a.value),
        cell(comparison.b.value),
        cell(comparison.difference.value) + &interval
    )
}
