//! How long evaluation takes, on rows written by `benches/peers/metrics_speed.py`, which times scikit-learn on the same.
//!
//!     cargo run --release -p lumbar-metrics --example speed -- ROWS.f64 > times.json
//!
//! The file holds little-endian doubles: per row the patient, the true grade and three probabilities.

#![expect(clippy::print_stdout, reason = "a program: its output is its purpose")]

use lumbar_metrics::{Bootstrap, BootstrapMethod, Evaluation, Measure};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: speed ROWS.f64")?;
    let bytes = std::fs::read(path)?;
    let numbers: Vec<f64> = bytes
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes")))
        .collect();
    let rows = || numbers.chunks_exact(5);
    let patients: Vec<u64> = rows().map(|r| r[0] as u64).collect();
    let truth: Vec<usize> = rows().map(|r| r[1] as usize).collect();
    let probabilities: Vec<f64> = rows().flat_map(|r| [r[2], r[3], r[4]]).collect();

    let evaluation = Evaluation::new(3, &truth, &probabilities)?.with_clusters(&patients)?;
    let full_set = Measure::full_set(3);

    let auroc_s = best_of(50, || evaluation.value(Measure::MacroAuroc));
    let auroc_with_checks_s = best_of(20, || {
        let unclustered = Evaluation::new(3, &truth, &probabilities).expect("checked above");
        unclustered.value(Measure::MacroAuroc)
    });
    let full_set_s = best_of(20, || evaluation.estimates(&full_set));
    let bootstrap = Bootstrap::new(1);
    let bootstrap_s = best_of(1, || bootstrap.estimate(&evaluation, &full_set));
    let bca_s = best_of(1, || {
        bootstrap
            .with_method(BootstrapMethod::Bca)
            .estimate(&evaluation, &full_set)
    });
    println!(
        "{{\"n_rows\": {}, \"n_patients\": {}, \"n_measures\": {}, \"threads\": {}, \"auroc_macro\": {}, \
         \"auroc_s\": {auroc_s}, \"auroc_with_checks_s\": {auroc_with_checks_s}, \"full_set_s\": {full_set_s}, \
         \"bootstrap_2000_s\": {bootstrap_s}, \"bca_2000_s\": {bca_s}}}",
        truth.len(),
        evaluation.n_clusters().unwrap_or(0),
        full_set.len(),
        rayon::current_num_threads(),
        evaluation.value(Measure::MacroAuroc)?,
    );
    Ok(())
}

/// The shortest of several runs, in seconds: what the work takes when nothing else gets in its way.
fn best_of<T>(runs: usize, work: impl Fn() -> T) -> f64 {
    let time = |_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}
