//! Every command on one small phantom folder, each alone, as a user would call it.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod common;

use common::{SMALL_RUN, arg, build, lumbar, ok, phantom};
use serde_json::Value;
use std::{path::Path, process::ExitCode};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not one JSON object: {error}\n{text}"))
}

fn exists(path: &Path) {
    assert!(path.exists(), "`{}` is missing", path.display());
}

#[test]
fn phantom_to_report() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (rsna, dataset, run) = (at("rsna"), at("ds"), at("run"));

    let made = json(&phantom(&rsna, "12", "5", &["--json"]));
    assert_eq!(made["studies"], 12);
    for file in [
        "train.csv",
        "train_label_coordinates.csv",
        "train_series_descriptions.csv",
    ] {
        exists(&rsna.join(file));
    }

    let ingested = json(&ok(&[
        "ingest",
        arg(&rsna),
        "--out",
        arg(&at("catalogue")),
        "--json",
    ]));
    let count = |key: &str| {
        ingested[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key} in {ingested}"))
    };
    assert_eq!(
        count("files"),
        count("files_used") + count("files_rejected"),
        "every file is accounted for"
    );
    assert!(
        count("files_rejected") >= 3,
        "the three tables are rejects like any other file"
    );

    let built = json(&build(&rsna, &dataset, &["--json"]));
    assert!(built["counts"]["samples"].as_u64().unwrap() > 200, "{built}");
    for file in [
        "dataset.json",
        "samples.parquet",
        "series.parquet",
        "slices.parquet",
        "rejects.parquet",
        "splits.parquet",
    ] {
        exists(&dataset.join(file));
    }
    ok(&["dataset", "check", arg(&dataset)]);
    ok(&["dataset", "stats", arg(&dataset)]);

    let mut train = vec![
        "train",
        "--dataset",
        arg(&dataset),
        "--out",
        arg(&run),
        "--folds",
        "3",
        "--json",
    ];
    train.extend(SMALL_RUN);
    let trained = json(&ok(&train));
    assert!(trained["best_loss"].as_f64().unwrap().is_finite());
    for file in [
        "config.resolved.toml",
        "run.json",
        "predictions.parquet",
        "fold-0/model/bundle.json",
        "fold-0/metrics.jsonl",
    ] {
        exists(&run.join(file));
    }

    let evaluated = json(&ok(&["evaluate", arg(&run), "--ci", "200", "--json"]));
    assert!(evaluated.is_object());
    for file in ["metrics.json", "submission.csv", "truth.csv"] {
        exists(&run.join(file));
    }
    // The run graded the canal only, so the score as a whole is undefined, with a reason; its canal part is not.
    let scored = json(&ok(&[
        "score",
        "--truth",
        arg(&run.join("truth.csv")),
        "--predictions",
        arg(&run.join("submission.csv")),
        "--subset",
        "--json",
    ]));
    assert!(scored["score"].is_null());
    assert!(scored["undefined"]["score"].is_object() || scored["undefined"]["score"].is_string());
    assert!(scored["spinal"].as_f64().unwrap() > 0.0);

    // The run graded one condition of three, and says so wherever the score stands.
    let number = |key: &str| evaluated["counts"][key].as_u64().unwrap();
    assert!(number("n_cases") < number("n_graded"), "{}", evaluated["counts"]);
    let (n_cases, n_graded) = (number("n_cases"), number("n_graded"));
    let covered = format!("{n_cases} of {n_graded} graded targets have a prediction");
    let spoken = ok(&["evaluate", arg(&run), "--ci", "200"]);
    assert!(
        spoken.contains(&covered) && spoken.contains("PARTIAL"),
        "{spoken}"
    );

    // The page shows what `evaluate` measured, and is all that `report` writes.
    let site = at("site");
    std::fs::create_dir(&site).unwrap();
    std::fs::write(site.join("metrics.json"), "someone else's").unwrap();
    std::fs::write(site.join("thesis.html"), "<!DOCTYPE html><p>years of work").unwrap();
    let page = site.join("page.html");
    let measured = std::fs::read(run.join("metrics.json")).unwrap();
    ok(&["report", arg(&run), "--out", arg(&page)]);
    assert!(
        std::fs::read_to_string(&page)
            .unwrap()
            .contains("of 200 resamples (seed 1)")
    );
    assert_eq!(
        std::fs::read_to_string(site.join("metrics.json")).unwrap(),
        "someone else's"
    );
    assert!(!site.join("submission.csv").exists() && !site.join("truth.csv").exists());
    let alien = lumbar(&["report", arg(&run), "--out", arg(&site.join("thesis.html"))]);
    assert_eq!(alien.code, ExitCode::from(1));
    assert!(alien.err.contains("is no page of this program"), "{}", alien.err);

    ok(&["report", arg(&run), "--dataset", arg(&dataset), "--ci", "300"]);
    assert_eq!(std::fs::read(run.join("metrics.json")).unwrap(), measured);
    let html = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(html.contains(&covered) && html.contains("300 resamples"));
    assert!(html.contains("not a medical device") && html.to_lowercase().contains("synthetic"));
    // The namespace of SVG is a name, not an address.
    let text = html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["<script", "http://", "https://", "@import"] {
        assert!(!text.contains(outside), "no scripts, no network: {outside}");
    }

    let twice = lumbar(&[
        "evaluate",
        arg(&run),
        arg(&run.join(".")),
        "--out",
        arg(&at("twice")),
    ]);
    assert_eq!(twice.code, ExitCode::from(2));
    assert!(twice.err.contains("is named twice"), "{}", twice.err);

    ok(&["bundle", "verify", arg(&run.join("fold-0/model"))]);
    let bundle = json(&ok(&[
        "bundle",
        "inspect",
        arg(&run.join("fold-0/model")),
        "--json",
    ]));
    assert_eq!(bundle["training_domain"], "synthetic");
}

/// Some slice of an RSNA folder.
fn a_slice(rsna: &Path) -> std::path::PathBuf {
    let mut path = rsna.join("train_images");
    while path.is_dir() {
        path = std::fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
    }
    path
}

#[test]
fn a_run_grades_only_patients_it_has_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (home, away, squeezed, run) = (at("home"), at("away"), at("squeezed"), at("run"));
    for (site, dataset, size) in [
        ("main", &home, "size=32"),
        ("north", &away, "size=32"),
        ("north", &squeezed, "size=48"),
    ] {
        let rsna = at(&format!("rsna-{site}"));
        if !rsna.exists() {
            phantom(&rsna, "12", "5", &["--site", site]);
        }
        build(&rsna, dataset, &["--set", size]);
    }
    let mut train = vec![
        "train",
        "--dataset",
        arg(&home),
        "--out",
        arg(&run),
        "--folds",
        "2",
    ];
    train.extend(SMALL_RUN);
    ok(&train);

    let other = lumbar(&["report", arg(&run), "--dataset", arg(&away)]);
    assert_eq!(other.code, ExitCode::from(1));
    assert!(other.err.contains("was not trained on"), "{}", other.err);
    assert!(!run.join("report.html").exists());

    let out = at("elsewhere");
    let grade = |dataset: &Path| {
        lumbar(&[
            "evaluate",
            arg(&run),
            "--dataset",
            arg(dataset),
            "--out",
            arg(&out),
            "--ci",
            "200",
            "--json",
        ])
    };
    let seen = grade(&home);
    assert_eq!(seen.code, ExitCode::from(1));
    assert!(
        seen.err.contains("12 of the 12 patients were trained on"),
        "{}",
        seen.err
    );
    // Nor are they strangers because a file was added, which makes other hashes of patients.
    let (rsna_grown, grown) = (at("rsna-grown"), at("grown"));
    phantom(&rsna_grown, "12", "5", &["--site", "main"]);
    let extra = rsna_grown.join("train_images/77/78");
    std::fs::create_dir_all(&extra).unwrap();
    std::fs::copy(a_slice(&at("rsna-north")), extra.join("1.dcm")).unwrap();
    build(&rsna_grown, &grown, &["--set", "size=32"]);
    let seen = grade(&grown);
    assert_eq!(seen.code, ExitCode::from(1));
    assert!(
        seen.err.contains("12 of the 12 patients were trained on"),
        "{}",
        seen.err
    );
    let otherwise = grade(&squeezed);
    assert_eq!(otherwise.code, ExitCode::from(1));
    assert!(
        otherwise
            .err
            .contains("`size = 48`, the run was trained with `size = 32`"),
        "{}",
        otherwise.err
    );
    assert!(!out.join("metrics.json").exists());

    let new = grade(&away);
    assert_eq!(new.code, ExitCode::SUCCESS, "{}", new.err);
    assert_eq!(json(&new.out)["counts"]["n_patients"], 12);
    for file in [
        "metrics.json",
        "predictions.parquet",
        "submission.csv",
        "truth.csv",
    ] {
        exists(&out.join(file));
    }
    // The run's own evaluation was not touched, and one side of the other split is fewer patients.
    assert!(!run.join("metrics.json").exists());
    let part = json(&ok(&[
        "evaluate",
        arg(&run),
        "--dataset",
        arg(&away),
        "--split",
        "test",
        "--out",
        arg(&at("part")),
        "--ci",
        "200",
        "--json",
    ]));
    assert!(part["counts"]["n_patients"].as_u64().unwrap() < 12);
}

#[test]
fn mistakes_get_an_answer_one_wants() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");

    let wrong_flag = lumbar(&["phantom", "--outt", "x", "--studies", "1"]);
    assert_eq!(wrong_flag.code, ExitCode::from(2));
    assert!(wrong_flag.err.contains("--out"), "{}", wrong_flag.err);

    let wrong_key = lumbar(&[
        "train",
        "--dataset",
        arg(&nowhere),
        "--out",
        "x",
        "--set",
        "optimiser.lerning_rate=1",
    ]);
    assert_eq!(wrong_key.code, ExitCode::from(2));
    assert!(
        wrong_key.err.contains("hint: did you mean `learning_rate`?"),
        "{}",
        wrong_key.err
    );

    let no_dataset = lumbar(&["train", "--dataset", arg(&nowhere), "--out", "x"]);
    assert_eq!(no_dataset.code, ExitCode::from(1));
    assert!(
        no_dataset.err.starts_with("error: ") && no_dataset.err.contains("nowhere"),
        "{}",
        no_dataset.err
    );
    assert!(no_dataset.out.is_empty());

    let no_device = lumbar(&["doctor", "--device", "tpu"]);
    assert_eq!(no_device.code, ExitCode::from(2));

    for help in [
        &["--help"][..],
        &["phantom", "--help"],
        &["dataset", "build", "--help"],
        &["train", "--help"],
        &["score", "--help"],
    ] {
        let text = ok(help);
        assert!(text.contains("Example"), "{help:?} has examples");
    }
}
