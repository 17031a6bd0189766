//! Whole commands as people see them: stdout, stderr and exit code, against committed snapshots.
//!
//! After a wanted change: `INSTA_UPDATE=always cargo test -p lumbar-cli --test commands`, then read the difference.

use insta::assert_snapshot;
use std::{path::Path, process::ExitCode};

/// What a call prints and answers, with a folder of this machine replaced by `DIR`.
fn seen(args: &[&str], folder: Option<&Path>) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = std::iter::once("lumbar").chain(args.iter().copied());
    let code = lumbar_cli::run(all, &mut out, &mut err, false);
    let code = [0, 1, 2]
        .into_iter()
        .find(|number| ExitCode::from(*number) == code)
        .map_or("other".to_owned(), |number| number.to_string());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("people-text is UTF-8");
    let all = format!(
        "exit {code}\n---- stdout\n{}---- stderr\n{}",
        text(out),
        text(err)
    );
    match folder {
        Some(folder) => all.replace(&folder.display().to_string(), "DIR"),
        None => all,
    }
}

#[test]
fn help_of_every_command() {
    for command in [
        "demo", "phantom", "ingest", "dataset", "train", "evaluate", "report", "compare", "bundle", "score",
        "doctor",
    ] {
        assert!(seen(&[command, "--help"], None).contains("Example"), "{command}");
        assert_snapshot!(format!("help-{command}"), seen(&[command, "--help"], None));
    }
    assert_snapshot!("help", seen(&["--help"], None));
    assert_snapshot!("help-dataset-build", seen(&["dataset", "build", "--help"], None));
}

#[test]
fn help_of_bundles_has_examples() {
    for command in ["inspect", "verify"] {
        let help = seen(&["bundle", command, "--help"], None);
        assert!(help.contains(&format!("  lumbar bundle {command} ")), "{help}");
    }
}

/// Calls that no file on this machine could make right.
#[test]
fn wrong_usage_is_exit_code_2_and_names_the_flag() {
    let cases: [(&[&str], &str); 12] = [
        (&["phantom", "--out", "x", "--studies", "0"], "--studies"),
        (
            &["phantom", "--out", "x", "--studies", "5", "--label-defects"],
            "40 or more",
        ),
        (&["demo", "--studies", "2"], "--studies"),
        (&["demo", "--studies", "6"], "12 or more"),
        (
            &["train", "--dataset", "x", "--out", "y", "--folds", "1"],
            "--folds",
        ),
        (&["evaluate", "x", "--ci", "50"], "--ci"),
        (&["compare", "x", "y", "--ci", "50"], "--ci"),
        (&["report", "x", "--ci", "50"], "--ci"),
        (
            &["train", "--dataset", "x", "--out", "y", "--set", "sizee="],
            "has no value",
        ),
        (
            &[
                "train",
                "--dataset",
                "x",
                "--out",
                "y",
                "--set",
                "training.epochs=one",
            ],
            "`training.epochs`",
        ),
        (
            &[
                "dataset", "build", "--rsna", "x", "--out", "y", "--set", "bogus=3",
            ],
            "there are `grades`",
        ),
        (
            &[
                "dataset", "build", "--rsna", "x", "--out", "y", "--set", "depth=4",
            ],
            "an odd number",
        ),
    ];
    for (args, words) in cases {
        let answer = seen(args, None);
        assert!(
            answer.starts_with("exit 2\n") && answer.contains(words),
            "{args:?}: {answer}"
        );
    }
}

/// A stdout that takes nothing: a full disk, or a reader that went away as `| head` does.
struct Failing(std::io::ErrorKind);

impl std::io::Write for Failing {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_stdout_is_a_failure_and_a_reader_that_left_is_none() {
    for args in [
        &["lumbar", "doctor"][..],
        &["lumbar", "doctor", "--json"],
        &["lumbar", "--help"],
    ] {
        let mut err = Vec::new();
        let code = lumbar_cli::run(
            args.iter().copied(),
            &mut Failing(std::io::ErrorKind::StorageFull),
            &mut err,
            false,
        );
        let err = String::from_utf8(err).expect("people-text is UTF-8");
        assert_eq!(code, ExitCode::from(1), "{args:?}");
        assert!(
            err.starts_with("error: cannot write to stdout\n"),
            "{args:?}: {err}"
        );
        let mut err = Vec::new();
        let code = lumbar_cli::run(
            args.iter().copied(),
            &mut Failing(std::io::ErrorKind::BrokenPipe),
            &mut err,
            false,
        );
        assert_eq!((code, err.len()), (ExitCode::SUCCESS, 0), "{args:?}");
    }
}

#[test]
fn a_demo_looks_for_its_device_before_it_makes_anything() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("demo");
    // A device beyond any machine, whether built with CUDA or not.
    let answer = seen(
        &[
            "demo",
            "--out",
            &out.display().to_string(),
            "--device",
            "cuda:4096",
        ],
        None,
    );
    assert!(answer.starts_with("exit 1\n"), "{answer}");
    assert!(!out.exists());
}

#[test]
fn a_phantom_keeps_its_hands_off_tables() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = folder.path().join("train.csv");
    std::fs::write(&table, "years of work").expect("a file");
    let out = folder.path().display().to_string();
    let args = [
        "phantom",
        "--out",
        &out,
        "--studies",
        "1",
        "--pixels",
        "tiny",
        "-q",
    ];
    assert_snapshot!(seen(&args, Some(folder.path())));
    assert_eq!(
        std::fs::read_to_string(&table).expect("the table"),
        "years of work"
    );
}

#[test]
fn no_command_shows_help_and_is_wrong_usage() {
    assert_snapshot!(seen(&[], None));
}

#[test]
fn a_mistyped_command_names_the_nearest() {
    assert_snapshot!(seen(&["evalaute"], None));
}

#[test]
fn a_mistyped_flag_names_the_nearest() {
    assert_snapshot!(seen(&["phantom", "--studeis", "3", "--out", "x"], None));
}

#[test]
fn a_mistyped_key_names_the_nearest() {
    let args = [
        "train",
        "--dataset",
        "x",
        "--out",
        "y",
        "--set",
        "optimiser.lerning_rate=1",
    ];
    assert_snapshot!(seen(&args, None));
}

#[test]
fn a_mistyped_value_names_the_nearest() {
    let args = [
        "train",
        "--dataset",
        "x",
        "--out",
        "y",
        "--set",
        "model.architecture=resnet",
    ];
    assert_snapshot!(seen(&args, None));
}

#[test]
fn a_value_out_of_range_says_what_it_may_be() {
    let args = [
        "train",
        "--dataset",
        "x",
        "--out",
        "y",
        "--set",
        "training.epochs=0",
    ];
    assert_snapshot!(seen(&args, None));
}

#[test]
fn an_unknown_device() {
    assert_snapshot!(seen(&["doctor", "--device", "tpu"], None));
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let seen = |args: &[&str]| seen(args, Some(folder.path()));
    assert_snapshot!(
        "missing-ingest",
        seen(&["ingest", &at("nowhere"), "--out", &at("cat")])
    );
    assert_snapshot!(
        "missing-dataset",
        seen(&["train", "--dataset", &at("nowhere"), "--out", &at("run")])
    );
    assert_snapshot!(
        "missing-rsna",
        seen(&["dataset", "build", "--rsna", &at("nowhere"), "--out", &at("ds")])
    );
    assert_snapshot!("missing-run", seen(&["evaluate", &at("nowhere")]));
    assert_snapshot!("missing-report", seen(&["report", &at("nowhere")]));
    assert_snapshot!("missing-bundle", seen(&["bundle", "inspect", &at("nowhere")]));
    assert_snapshot!(
        "missing-score",
        seen(&[
            "score",
            "--truth",
            &at("train.csv"),
            "--predictions",
            &at("submission.csv")
        ])
    );
}

#[test]
fn several_runs_need_a_place() {
    assert_snapshot!(seen(&["evaluate", "run-a", "run-b"], None));
}

#[test]
fn a_demo_keeps_its_hands_off_other_folders() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("thesis.tex"), "years of work").expect("a file");
    let out = folder.path().display().to_string();
    assert_snapshot!(seen(&["demo", "--out", &out], Some(folder.path())));
    assert!(folder.path().join("thesis.tex").exists());
}

/// Two studies with all 25 grades, and a submission with a mistake in it.
fn score(submission: impl FnOnce(Vec<String>) -> Vec<String>, flags: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let grades = ["Normal/Mild", "Moderate", "Severe"];
    let columns: Vec<String> = lumbar_core::Target::all()
        .map(|target| target.column_name())
        .collect();
    let mut truth = format!("study_id,{}\r\n", columns.join(","));
    let mut rows = Vec::new();
    for (n, study) in ["4003253", "100206310"].iter().enumerate() {
        let row: Vec<&str> = (0..columns.len()).map(|i| grades[(i + n) % 3]).collect();
        truth.push_str(&format!("{study},{}\r\n", row.join(",")));
        rows.extend(
            columns
                .iter()
                .map(|column| format!("{study}_{column},0.5,0.3,0.2")),
        );
    }
    let (truth_path, path) = (
        folder.path().join("train.csv"),
        folder.path().join("submission.csv"),
    );
    std::fs::write(&truth_path, truth).expect("a file");
    let text = format!(
        "row_id,normal_mild,moderate,severe\n{}\n",
        submission(rows).join("\n")
    );
    std::fs::write(&path, text).expect("a file");
    let [truth, predictions] = [truth_path, path].map(|path| path.display().to_string());
    let mut args = vec!["score", "--truth", &truth, "--predictions", &predictions];
    args.extend(flags);
    seen(&args, Some(folder.path()))
}

#[test]
fn a_table_with_semicolons_is_recognised_as_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = folder.path().join("train.csv");
    std::fs::write(&table, "study_id;spinal_canal_stenosis_l1_l2\n1;Severe\n").expect("a file");
    let table = table.display().to_string();
    let answer = seen(&["score", "--truth", &table, "--predictions", &table], None);
    assert!(
        answer.starts_with("exit 1\n") && answer.contains("separated by semicolons or tabs"),
        "{answer}"
    );
}

#[test]
fn doctor_says_which_jpeg_it_cannot_read() {
    let answer = seen(&["doctor"], None);
    let line = answer.lines().find(|line| line.contains("JPEG Extended"));
    assert!(
        line.is_some_and(|line| line.ends_with("read, 8 bits only")),
        "{answer}"
    );
}

#[test]
fn scores_of_submissions_good_and_bad() {
    assert_snapshot!("score", score(|rows| rows, &[]));
    assert_snapshot!("score-json", score(|rows| rows, &["--json"]));
    assert_snapshot!("score-missing-row", score(|rows| rows[1..].to_vec(), &[]));
    let with = |line: &'static str| {
        move |mut rows: Vec<String>| {
            rows[3] = line.to_owned();
            rows
        }
    };
    let id = "4003253_spinal_canal_stenosis_l4_l5";
    assert_snapshot!(
        "score-not-a-number",
        score(with("4003253_spinal_canal_stenosis_l4_l5,0.5,many,0.2"), &[])
    );
    assert_snapshot!(
        "score-negative",
        score(with("4003253_spinal_canal_stenosis_l4_l5,-0.5,0.3,0.2"), &[])
    );
    assert_snapshot!(
        "score-twice",
        score(
            move |mut rows| {
                rows.push(format!("{id},0.5,0.3,0.2"));
                rows
            },
            &[]
        )
    );
}
