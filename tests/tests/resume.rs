//! A run that is killed and resumed ends as one that was not.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod common;

use common::{SMALL_RUN, arg, build, ok, phantom};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn train_args<'a>(dataset: &'a Path, out: &'a Path) -> Vec<&'a str> {
    let mut args = vec![
        "train",
        "--dataset",
        arg(dataset),
        "--out",
        arg(out),
        "--device",
        "flex",
        "--threads",
        "1",
    ];
    args.extend(SMALL_RUN);
    // ResNet-18 has running statistics and dropout draws random numbers: the things a careless resume loses.
    args.extend([
        "--set",
        "model.architecture=resnet18",
        "--set",
        "model.dropout=0.2",
    ]);
    args
}

/// Kills the process as soon as the run has a first checkpoint, without a chance to tidy up.
fn killed_after_first_checkpoint(dataset: &Path, out: &Path) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lumbar-under-test"))
        .args(train_args(dataset, out))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let first = out.join("checkpoints/epoch-0001");
    while !first.exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "no checkpoint after two minutes"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it could be killed"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!out.join("predictions.parquet").exists(), "killed before the end");
}

#[test]
fn a_killed_run_ends_like_an_unkilled_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (rsna, dataset, whole, killed) = (at("rsna"), at("ds"), at("whole"), at("killed"));
    phantom(&rsna, "10", "3", &[]);
    build(&rsna, &dataset, &[]);

    ok(&train_args(&dataset, &whole));
    killed_after_first_checkpoint(&dataset, &killed);
    // The worst place to be killed: after the checkpoint, before its line in the log.
    std::fs::remove_file(killed.join("metrics.jsonl")).unwrap();
    let mut resumed = train_args(&dataset, &killed);
    resumed.push("--resume");
    ok(&resumed);

    for file in ["model/weights.safetensors", "predictions.parquet"] {
        let [a, b] = [&whole, &killed].map(|run| std::fs::read(run.join(file)).unwrap());
        assert!(a == b, "{file} differs");
    }
    let losses = |run: &Path| -> Vec<(f64, f64)> {
        let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        text.lines()
            .map(|line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                (
                    value["train_loss"].as_f64().unwrap(),
                    value["valid_loss"].as_f64().unwrap(),
                )
            })
            .collect()
    };
    assert_eq!(losses(&whole).len(), 3);
    assert_eq!(losses(&whole), losses(&killed));
}
