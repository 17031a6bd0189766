//! `lumbar dataset`: each subcommand as a user calls it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

struct Ran {
    ok: bool,
    out: String,
    err: String,
}

fn lumbar(args: &[&str]) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = ["lumbar"].iter().chain(args).copied();
    let code = lumbar_cli::run(words, &mut out, &mut err, false);
    Ran {
        ok: code == ExitCode::SUCCESS,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn json(args: &[&str]) -> serde_json::Value {
    let ran = lumbar(&[args, &["--json", "-q"]].concat());
    assert!(ran.ok, "{args:?}: {}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// Phantoms with a file of a nasty name, a catalogue, labels of one's own with a nasty site, and the dataset.
struct World {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl World {
    fn path(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }
}

const EVIL: &str = "<script>alert(1)</script>";

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let world = World { _dir: dir, root };
        let (rsna, catalogue) = (world.path("rsna"), world.path("catalogue"));
        assert!(lumbar(&["phantom", "--out", &rsna, "--studies", "6", "--pixels", "tiny"]).ok);
        std::fs::write(
            Path::new(&rsna).join("train_images/<img src=x onerror=alert(1)>.dcm"),
            "no DICOM",
        )
        .unwrap();
        assert!(lumbar(&["ingest", &rsna, "--out", &catalogue]).ok);
        own_labels(&rsna, &world.path("labels.csv"));
        let ran = lumbar(&[
            "dataset",
            "build",
            "--catalogue",
            &catalogue,
            "--labels",
            &world.path("labels.csv"),
            "--out",
            &world.path("ds"),
            "--set",
            "size=16",
        ]);
        assert!(ran.ok, "{}", ran.err);
        assert!(ran.out.contains("`missing_labels = \"drop\"`"), "{}", ran.out);
        world
    })
}

/// The tables of the phantom as one table, with a site.
fn own_labels(rsna: &str, out: &str) {
    let read = |name: &str| std::fs::read_to_string(Path::new(rsna).join(name)).unwrap();
    let grades = read("train.csv");
    let header: Vec<&str> = grades.lines().next().unwrap().split(',').collect();
    let mut text = "study,condition,level,grade,series,instance,x,y,site\n".to_owned();
    for point in read("train_label_coordinates.csv").lines().skip(1) {
        let cells: Vec<&str> = point.split(',').collect();
        let name = format!("{}_{}", cells[3], cells[4])
            .to_lowercase()
            .replace([' ', '/'], "_");
        let column = header.iter().position(|cell| *cell == name).unwrap();
        let row = grades
            .lines()
            .find(|row| row.starts_with(&format!("{},", cells[0])))
            .unwrap();
        let grade = row.split(',').nth(column).unwrap();
        text += &format!(
            "{},{},{},{grade},{},{},{},{},{EVIL}\n",
            cells[0], cells[3], cells[4], cells[1], cells[2], cells[5], cells[6]
        );
    }
    std::fs::write(out, text).unwrap();
}

#[test]
fn stats_in_all_three_ways_and_nothing_from_outside_is_markup() {
    let world = world();
    let (ds, html) = (world.path("ds"), world.path("stats.html"));
    let ran = lumbar(&["dataset", "stats", &ds, "--html", &html]);
    assert!(ran.ok, "{}", ran.err);
    assert!(
        ran.out.contains("patients by part") && ran.out.contains("L5/S1"),
        "{}",
        ran.out
    );
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(!page.contains("<script") && !page.contains("onerror=alert(1)>"));
    assert!(
        page.contains("script&#62;") || page.contains("script&gt;"),
        "the site can be read"
    );
    let stats = json(&["dataset", "stats", &ds]);
    assert_eq!(stats["patients_by_site"][EVIL], 6);
    assert_eq!(stats["file_rejects"]["NotDicom"], 5);
}

#[test]
fn a_good_dataset_passes_its_check() {
    let world = world();
    let report = json(&["dataset", "check", &world.path("ds")]);
    assert_eq!(report["problems"].as_array().unwrap().len(), 0);
    let ran = lumbar(&["dataset", "check", &world.path("ds")]);
    assert!(
        ran.ok && ran.out.contains("no patient stands on two sides"),
        "{}",
        ran.out
    );
}

#[test]
fn a_sample_is_shown_by_id_or_row_and_a_wrong_id_names_the_nearest() {
    let world = world();
    let (ds, png) = (world.path("ds"), world.path("sample.png"));
    let by_row = json(&["dataset", "show", &ds, "3", "--out", &png]);
    let id = by_row["sample_id"].as_str().unwrap();
    let first = std::fs::read(&png).unwrap();
    assert!(first.starts_with(b"\x89PNG"));
    json(&["dataset", "show", &ds, id, "--out", &png]);
    assert_eq!(std::fs::read(&png).unwrap(), first);
    let wrong = lumbar(&["dataset", "show", &ds, &format!("{id}x"), "--out", &png]);
    assert!(
        !wrong.ok && wrong.err.contains(&format!("hint: the nearest is `{id}`")),
        "{}",
        wrong.err
    );
    assert!(!lumbar(&["dataset", "show", &ds, "99999", "--out", &png]).ok);
    let deep = world.path("new/folder/sample.png");
    assert!(lumbar(&["dataset", "show", &ds, "3", "--out", &deep]).ok && Path::new(&deep).is_file());
    let labels = world.path("labels.csv");
    let refused = lumbar(&["dataset", "show", &ds, "3", "--out", &labels]);
    assert!(
        !refused.ok && refused.err.contains("is no PNG"),
        "{}",
        refused.err
    );
}

#[test]
fn a_split_is_made_anew() {
    let world = world();
    let (ds, other) = (world.path("ds"), world.path("other"));
    let made = json(&[
        "dataset", "split", &ds, "--out", &other, "--set", "seed=9", "--set", "folds=3",
    ]);
    assert_eq!(made["split"]["seed"], 9);
    let patients = made["patients"].as_object().unwrap();
    assert_eq!(patients.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 6);
    assert!(lumbar(&["dataset", "check", &other]).ok);
    let many = lumbar(&["dataset", "split", &ds, "--out", &other, "--set", "folds=7"]);
    assert!(
        !many.ok && many.err.contains("at most the number of patients, 6"),
        "{}",
        many.err
    );
    let wrong = lumbar(&["dataset", "split", &ds, "--out", &other, "--set", "fold=3"]);
    assert!(!wrong.ok && wrong.err.contains("`folds`"), "{}", wrong.err);
}

#[test]
fn an_export_lists_its_files() {
    let world = world();
    let out = world.path("share");
    let made = json(&[
        "dataset",
        "export",
        &world.path("ds"),
        "--out",
        &out,
        "--name",
        EVIL,
    ]);
    let files = made["files"].as_array().unwrap();
    assert!(!files.is_empty());
    for file in files {
        assert!(Path::new(&out).join(file["file"].as_str().unwrap()).is_file());
    }
    let card = std::fs::read_to_string(Path::new(&out).join("README.md")).unwrap();
    let body = card.rsplit_once("---\n").unwrap().1;
    assert!(!body.contains("<script"), "{body}");
}

/// Phantoms in a folder of their own, and the answer to a build from it after `spoil`.
fn built_from(spoil: impl FnOnce(&Path)) -> (tempfile::TempDir, Ran) {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let rsna = at("rsna");
    assert!(lumbar(&["phantom", "--out", &rsna, "--studies", "6", "--pixels", "tiny"]).ok);
    spoil(Path::new(&rsna));
    let ran = lumbar(&[
        "dataset",
        "build",
        "--rsna",
        &rsna,
        "--out",
        &at("ds"),
        "--set",
        "size=16",
    ]);
    (dir, ran)
}

fn edit(file: &Path, change: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, change(&text)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_linked_folder_of_images_is_named_as_the_cause() {
    let (dir, ran) = built_from(|rsna| {
        std::fs::rename(rsna.join("train_images"), rsna.join("../images")).unwrap();
        std::os::unix::fs::symlink("../images", rsna.join("train_images")).unwrap();
    });
    assert!(!ran.ok);
    assert!(
        ran.err
            .contains("train_images` is a symbolic link; links are not followed\nhint: "),
        "{}",
        ran.err
    );
    assert!(!dir.path().join("ds").exists());
}

#[test]
fn ids_that_match_nothing_fail_and_leave_a_good_dataset_alone() {
    let (dir, ran) = built_from(|rsna| {
        edit(&rsna.join("train.csv"), |text| text.replace("\r\n", "\r\n9"));
    });
    assert!(!ran.ok);
    assert!(
        ran.err
            .contains("none of 6 study ids of the table is on disk: table `9")
            && ran.err.contains("...`, disk `"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("StudyNotOnDisk"), "{}", ran.out);
    let checked = lumbar(&["dataset", "check", &dir.path().join("ds").display().to_string()]);
    assert!(
        !checked.ok && checked.err.contains("problem: there is no sample"),
        "{}{}",
        checked.out,
        checked.err
    );

    let good = world().path("ds");
    let kept = dir.path().join("kept").display().to_string();
    assert!(lumbar(&["dataset", "split", &good, "--out", &kept]).ok);
    let rsna = dir.path().join("rsna").display().to_string();
    let again = lumbar(&["dataset", "build", "--rsna", &rsna, "--out", &kept]);
    assert!(
        !again.ok && again.err.contains("keeps the dataset it holds"),
        "{}",
        again.err
    );
    assert!(again.out.contains("StudyNotOnDisk"), "{}", again.out);
    assert!(lumbar(&["dataset", "check", &kept]).ok);
}

#[test]
fn grades_and_columns_that_do_not_exist_are_counted_and_warned_of() {
    let (_dir, ran) = built_from(|rsna| {
        edit(&rsna.join("train.csv"), |text| {
            text.replace("Severe", "severe stenosis")
                .replace("spinal_canal_stenosis_l1_l2", "spinal_canal_stenosis_l1l2")
        });
    });
    assert!(ran.ok, "{}", ran.err);
    for words in [
        "UnknownGrade",
        "A grade that does not exist",
        "UnknownColumn",
        "NoGrade",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    for words in [
        "warning: no target is graded `Severe`",
        "`severe stenosis` is not a grade",
        "`spinal_canal_stenosis_l1l2`",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
}

#[test]
fn a_table_with_semicolons_is_recognised_as_one() {
    let (_dir, ran) = built_from(|rsna| edit(&rsna.join("train.csv"), |text| text.replace(',', ";")));
    assert!(
        !ran.ok
            && ran
                .err
                .contains("cells are separated by semicolons, expected commas"),
        "{}",
        ran.err
    );
}

#[test]
fn a_scan_without_images_leaves_a_good_catalogue_alone() {
    let world = world();
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("notes.txt"), "no DICOM").unwrap();
    let catalogue = empty.path().join("cat").display().to_string();
    assert!(lumbar(&["ingest", &world.path("rsna"), "--out", &catalogue]).ok);
    let before = std::fs::read(Path::new(&catalogue).join("catalogue.json")).unwrap();
    let none = empty.path().join("none");
    std::fs::create_dir(&none).unwrap();
    let ran = lumbar(&["ingest", &none.display().to_string(), "--out", &catalogue]);
    assert!(
        !ran.ok && ran.err.contains("keeps the catalogue it holds"),
        "{}",
        ran.err
    );
    assert_eq!(
        std::fs::read(Path::new(&catalogue).join("catalogue.json")).unwrap(),
        before
    );
}

#[test]
fn a_catalogue_does_not_go_into_the_scanned_folder() {
    let rsna = world().path("rsna");
    let inside = Path::new(&rsna).join("train_images/../cat");
    let ran = lumbar(&["ingest", &rsna, "--out", &inside.display().to_string()]);
    assert!(
        !ran.ok && ran.err.contains("within the scanned folder"),
        "{}",
        ran.err
    );
    assert!(!inside.exists());
}

#[test]
fn a_run_that_cannot_be_leaves_no_folder() {
    let out = tempfile::tempdir().unwrap();
    let run = out.path().join("run");
    let args = [
        "train",
        "--dataset",
        &world().path("ds"),
        "--out",
        &run.display().to_string(),
    ];
    let ran = lumbar(&[&args[..], &["--set", "training.batch_size=100000"]].concat());
    assert!(!ran.ok && ran.err.contains("no training samples"), "{}", ran.err);
    assert!(!run.exists());
}

#[test]
fn every_subcommand_has_an_example() {
    for name in ["build", "merge", "check", "stats", "split", "show", "export"] {
        let ran = lumbar(&["dataset", name, "--help"]);
        assert!(
            ran.ok && ran.out.contains(&format!("lumbar dataset {name} ")),
            "{}",
            ran.out
        );
    }
}
