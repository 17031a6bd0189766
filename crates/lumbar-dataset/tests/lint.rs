//! Each planted defect of the labels is found by its code, and nothing else is.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_core::{ConditionGroup, GradingScheme};
use lumbar_dataset::labels::{Finding, FindingCode, Labels, lint};
use lumbar_dataset::{BuildInput, BuildOptions, Dataset, DatasetConfig, build, check};
use lumbar_phantom::{PhantomConfig, Pixels, PlantedDefect, Quirks, generate};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const GRADES: &str = "train.csv";
const POINTS: &str = "train_label_coordinates.csv";
const SERIES: &str = "train_series_descriptions.csv";

/// Two flawless studies.
fn flawless() -> &'static Path {
    static PHANTOM: OnceLock<tempfile::TempDir> = OnceLock::new();
    PHANTOM
        .get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let config = PhantomConfig {
                n_studies: 2,
                seed: 21,
                pixels: Pixels::Tiny,
                quirks: Quirks::NONE,
                ..PhantomConfig::default()
            };
            generate(&config, dir.path(), &|_| {}).unwrap();
            dir
        })
        .path()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Findings of the flawless studies: recesses the axial slabs do not reach are neither graded nor marked, as in RSNA.
fn own_findings() -> &'static [Finding] {
    static OWN: OnceLock<Vec<Finding>> = OnceLock::new();
    OWN.get_or_init(|| findings_of(flawless()))
}

fn findings_of(root: &Path) -> Vec<Finding> {
    let input = BuildInput::rsna(root, DatasetConfig::default(), &|_| {}).unwrap();
    lint(&input.labels, &input.catalogue, GradingScheme::ThreeGrades)
}

/// Codes found in a copy of the flawless studies after `change`, beyond those of the studies themselves.
fn codes_after(change: impl FnOnce(&Path)) -> Vec<FindingCode> {
    let dir = tempfile::tempdir().unwrap();
    copy(flawless(), dir.path());
    change(dir.path());
    let own = own_findings();
    let findings = findings_of(dir.path()).into_iter();
    findings
        .filter(|finding| !own.contains(finding))
        .map(|finding| finding.code)
        .collect()
}

/// Rewrites the rows of a table, header aside.
fn edit(root: &Path, table: &str, change: impl Fn(usize, Vec<String>) -> Vec<Vec<String>>) {
    let path = root.join(table);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    let mut out = vec![lines.next().unwrap()];
    for (i, line) in lines.enumerate() {
        let cells = line.split(',').map(str::to_owned).collect();
        out.extend(change(i, cells).into_iter().map(|cells| cells.join(",")));
    }
    std::fs::write(path, out.join("\r\n") + "\r\n").unwrap();
}

/// Changes the first point row that `chosen` accepts.
fn edit_point(root: &Path, chosen: impl Fn(&[String]) -> bool, change: impl Fn(&mut Vec<String>)) {
    let text = std::fs::read_to_string(root.join(POINTS)).unwrap();
    let at = text
        .lines()
        .skip(1)
        .position(|line| chosen(&line.split(',').map(str::to_owned).collect::<Vec<_>>()))
        .unwrap();
    edit(root, POINTS, |i, mut cells| {
        if i == at {
            change(&mut cells);
        }
        vec![cells]
    });
}

fn any(_: &[String]) -> bool {
    true
}

fn is(condition: &'static str, level: &'static str) -> impl Fn(&[String]) -> bool {
    move |cells| cells[3] == condition && cells[4] == level
}

fn first_study(root: &Path) -> PathBuf {
    let labels = Labels::read_rsna(root).unwrap();
    root.join("train_images")
        .join(labels.studies.first().unwrap().as_str())
}

#[test]
fn flawless_studies_have_no_finding() {
    assert_eq!(codes_after(|_| {}), []);
    let own = own_findings();
    let unreached = |finding: &Finding| {
        let group = finding.target.map(|target| target.condition.group());
        finding.code == FindingCode::MissingGrade && group == Some(ConditionGroup::Subarticular)
    };
    assert!(own.len() < 10 && own.iter().all(unreached), "{own:?}");
}

#[test]
fn defects_of_points() {
    use FindingCode::*;
    assert_eq!(
        codes_after(|root| edit_point(root, any, |cells| cells[5] = "4000".into())),
        [PointOutsideImage]
    );
    assert_eq!(
        codes_after(|root| edit_point(root, any, |cells| cells[2] = "4999".into())),
        [PointWithoutSlice]
    );
    assert_eq!(
        codes_after(|root| edit_point(root, any, |cells| cells[6] = "inf".into())),
        [BadCoordinate, GradeWithoutPoint]
    );
    // Patient left and right of a recess change places on their axial slice.
    let swap = |root: &Path| {
        let rows = std::fs::read_to_string(root.join(POINTS)).unwrap();
        let x_of = |side: &str| {
            let row = rows
                .lines()
                .find(|l| l.contains(&format!("{side} Subarticular Stenosis,L3/L4")))
                .unwrap();
            row.split(',').nth(5).unwrap().to_owned()
        };
        let (left, right) = (x_of("Left"), x_of("Right"));
        edit_point(root, is("Left Subarticular Stenosis", "L3/L4"), |cells| {
            cells[5].clone_from(&right);
        });
        edit_point(root, is("Right Subarticular Stenosis", "L3/L4"), |cells| {
            cells[5].clone_from(&left);
        });
    };
    assert_eq!(codes_after(swap), [SidesSwapped]);
    // Two levels of the canal change names.
    let rename = |root: &Path| {
        let canal = "Spinal Canal Stenosis";
        edit_point(root, is(canal, "L2/L3"), |cells| cells[4] = "L9".into());
        edit_point(root, is(canal, "L3/L4"), |cells| cells[4] = "L2/L3".into());
        edit_point(root, |cells| cells[4] == "L9", |cells| cells[4] = "L3/L4".into());
    };
    assert_eq!(codes_after(rename), [LevelsOutOfOrder]);
}

#[test]
fn a_point_on_another_kind_is_found() {
    let codes = codes_after(|root| {
        let labels = Labels::read_rsna(root).unwrap();
        let study = labels.studies.first().unwrap();
        let t1 = labels
            .series
            .iter()
            .find(|((of, _), kind)| of == study && **kind == Some(lumbar_core::SeriesKind::SagittalT1))
            .map(|((_, series), _)| series.to_string())
            .unwrap();
        edit_point(
            root,
            |cells| cells[0] == study.as_str() && cells[3] == "Spinal Canal Stenosis",
            |cells| cells[1].clone_from(&t1),
        );
    });
    assert_eq!(codes, [FindingCode::PointOnOtherKind]);
}

#[test]
fn defects_of_grades() {
    use FindingCode::*;
    let cell = |value: &'static str| {
        move |root: &Path| {
            edit(root, GRADES, |i, mut cells| {
                if i == 0 {
                    cells[1] = value.to_owned();
                }
                vec![cells]
            });
        }
    };
    assert_eq!(codes_after(cell("")), [MissingGrade, PointWithoutGrade]);
    assert_eq!(
        codes_after(cell("Awful")),
        [UnknownGrade, MissingGrade, PointWithoutGrade]
    );
    let twice = |root: &Path| {
        edit(root, GRADES, |i, cells| {
            if i == 0 {
                vec![cells.clone(), cells]
            } else {
                vec![cells]
            }
        });
    };
    assert_eq!(codes_after(twice), [DuplicateRow]);
    let contradiction = |root: &Path| {
        edit(root, GRADES, |i, cells| {
            let mut other = cells.clone();
            other[1] = if cells[1] == "Severe" {
                "Moderate".into()
            } else {
                "Severe".into()
            };
            if i == 0 { vec![cells, other] } else { vec![cells] }
        });
    };
    assert_eq!(
        codes_after(contradiction),
        [ConflictingRows, MissingGrade, PointWithoutGrade]
    );
    let no_row = |root: &Path| edit(root, GRADES, |i, cells| if i == 0 { vec![] } else { vec![cells] });
    assert_eq!(codes_after(no_row), [StudyWithoutLabels]);
}

#[test]
fn defects_of_series_and_files() {
    use FindingCode::*;
    let gone = |root: &Path| std::fs::remove_dir_all(first_study(root)).unwrap();
    assert_eq!(codes_after(gone), [StudyNotOnDisk]);
    let unlisted = |root: &Path| edit(root, SERIES, |i, cells| if i == 0 { vec![] } else { vec![cells] });
    assert_eq!(codes_after(unlisted), [SeriesNotInTable]);
    let invented = |root: &Path| {
        edit(root, SERIES, |i, cells| {
            let mut other = cells.clone();
            other[1] = "4000000001".into();
            if i == 0 { vec![cells, other] } else { vec![cells] }
        });
    };
    assert_eq!(codes_after(invented), [SeriesNotOnDisk]);
    let described = |root: &Path| {
        edit(root, SERIES, |_, mut cells| {
            if cells[2] == "Sagittal T1" {
                cells[2] = "Axial T2".into();
            }
            vec![cells]
        });
    };
    let codes = codes_after(described);
    assert_eq!(
        codes
            .iter()
            .filter(|code| **code == DescriptionAgainstGeometry)
            .count(),
        2,
        "{codes:?}"
    );
}

/// Every quirk and every label defect at once.
#[test]
fn each_planted_defect_is_found_and_nothing_else_and_counts_close() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rsna");
    let phantom = PhantomConfig {
        n_studies: 48,
        seed: 5,
        pixels: Pixels::Tiny,
        label_defects: true,
        ..PhantomConfig::default()
    };
    let summary = generate(&phantom, &root, &|_| {}).unwrap();
    let planted = std::fs::read_to_string(root.join("phantom_defects.jsonl")).unwrap();
    let mut planted: Vec<PlantedDefect> = planted
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    planted.sort();

    let input = BuildInput::rsna(&root, DatasetConfig::default(), &|_| {}).unwrap();
    let mut found: Vec<PlantedDefect> = lint(&input.labels, &input.catalogue, GradingScheme::ThreeGrades)
        .into_iter()
        .map(|finding| PlantedDefect {
            code: finding.code.code().to_owned(),
            study_id: finding.study.map(|study| study.to_string()),
            target: finding.target,
        })
        .collect();
    found.sort();
    let missed: Vec<_> = planted.iter().filter(|one| !found.contains(one)).collect();
    let invented: Vec<_> = found.iter().filter(|one| !planted.contains(one)).collect();
    assert!(
        missed.is_empty() && invented.is_empty(),
        "missed {missed:#?}, invented {invented:#?}"
    );
    assert_eq!(found, planted, "each as often as planted");
    // Every code but the one that a three-grade table cannot have.
    let codes: BTreeSet<&str> = found.iter().map(|one| one.code.as_str()).collect();
    let all: BTreeSet<&str> = FindingCode::ALL
        .iter()
        .map(|code| code.code())
        .filter(|code| *code != "GradeNotInScheme")
        .collect();
    assert_eq!(codes, all);

    let n_planted = planted.len() as u64;
    let out = dir.path().join("ds");
    let info = build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    let counts = info.counts;
    // Three tables, the truth and the list of defects are no DICOM.
    assert_eq!(
        (counts.files, counts.file_rejects),
        (summary.n_files as u64 + 5, 5)
    );
    assert_eq!(counts.files, counts.files_with_slices + counts.file_rejects);
    assert_eq!(counts.slices, counts.files_with_slices, "one frame in each file");
    assert_eq!(
        counts.studies, 47,
        "all but the one without a row in the label table"
    );
    assert_eq!(counts.target_views, counts.studies * 25 * 2);
    assert_eq!(counts.target_views, counts.samples + counts.sample_rejects);
    assert_eq!(counts.findings, n_planted);
    let report = check(&Dataset::open(&out).unwrap()).unwrap();
    assert!(report.is_good(), "{:?}", report.problems);
}
