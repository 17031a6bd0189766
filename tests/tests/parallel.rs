//! Folds trained side by side end like folds trained one after another.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod common;

use common::{SMALL_RUN, arg, build, phantom};
use std::{path::Path, process::Command};

fn train(dataset: &Path, out: &Path, threads: &str) {
    // A process of its own: the number of threads is set once a process.
    let output = Command::new(env!("CARGO_BIN_EXE_lumbar-under-test"))
        .args([
            "train",
            "--dataset",
            arg(dataset),
            "--out",
            arg(out),
            "--folds",
            "3",
        ])
        .args(["--device", "flex", "--threads", threads])
        .args(SMALL_RUN)
        .args(["--set", "model.architecture=custom_cnn"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn folds_side_by_side_are_the_same_folds() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (rsna, dataset) = (at("rsna"), at("ds"));
    phantom(&rsna, "12", "11", &[]);
    build(&rsna, &dataset, &[]);
    // One thread trains fold after fold, three train them at the same time.
    let runs = ["1", "3"].map(|threads| (at(&format!("run-{threads}")), threads));
    for (run, threads) in &runs {
        train(&dataset, run, threads);
    }
    for file in [
        "predictions.parquet",
        "fold-0/model/weights.safetensors",
        "fold-2/model/weights.safetensors",
    ] {
        let [a, b] = [&runs[0].0, &runs[1].0].map(|run| std::fs::read(run.join(file)).unwrap());
        assert!(a == b, "{file} differs");
    }
}
