//! Calling the command.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{path::Path, process::ExitCode};

/// What a call of the command left.
pub struct Outcome {
    /// Exit code.
    pub code: ExitCode,
    /// Stdout.
    pub out: String,
    /// Stderr.
    pub err: String,
}

/// Calls the command within this process.
pub fn lumbar(args: &[&str]) -> Outcome {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = std::iter::once("lumbar").chain(args.iter().copied());
    let code = lumbar_cli::run(all, &mut out, &mut err, false);
    Outcome {
        code,
        out: String::from_utf8(out).expect("stdout is UTF-8"),
        err: String::from_utf8(err).expect("stderr is UTF-8"),
    }
}

/// Calls the command and expects it to succeed; returns stdout.
pub fn ok(args: &[&str]) -> String {
    let outcome = lumbar(args);
    assert_eq!(outcome.code, ExitCode::SUCCESS, "{args:?}\n{}", outcome.err);
    outcome.out
}

/// A path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().expect("temporary folders are UTF-8")
}

/// The settings of a run small enough for a test: SimpleCNN, two epochs.
pub const SMALL_RUN: [&str; 8] = [
    "--set",
    "model.architecture=simple_cnn",
    "--set",
    "training.epochs=3",
    "--set",
    "training.batch_size=8",
    "--set",
    "data.validation_share=0.3",
];

/// Synthetic studies of few pixels as an RSNA folder; returns stdout.
pub fn phantom(out: &Path, studies: &str, seed: &str, more: &[&str]) -> String {
    let mut args = vec![
        "phantom",
        "--out",
        arg(out),
        "--studies",
        studies,
        "--pixels",
        "tiny",
        "--seed",
        seed,
    ];
    args.extend(more);
    ok(&args)
}

/// The dataset of an RSNA folder, crops of 32 x 32 unless `more` says otherwise; returns stdout.
pub fn build(rsna: &Path, out: &Path, more: &[&str]) -> String {
    let mut args = vec![
        "dataset",
        "build",
        "--rsna",
        arg(rsna),
        "--out",
        arg(out),
        "--set",
        "size=32",
    ];
    args.extend(more);
    ok(&args)
}
