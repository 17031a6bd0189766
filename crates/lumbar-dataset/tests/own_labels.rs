//! A label table of one's own: four grades, with and without points, patients of several studies, sites.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_core::{GradingScheme, SeriesKind, Severity};
use lumbar_dataset::labels::{FindingCode, Labels, lint};
use lumbar_dataset::{
    BuildInput, BuildOptions, Dataset, DatasetConfig, DatasetInfo, Localisation, MissingLabels, Part,
    PatientGrouping, SampleMode, SampleRejectReason, build, resplit, split_of, stats, write_catalogue,
};
use lumbar_dicom::{IdentityKey, Layout, ScanOptions, scan};
use lumbar_phantom::{PhantomConfig, Pixels, Quirks, generate};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const N_STUDIES: usize = 9;
/// A site that would be markup in a page.
const SITE: &str = "<script>north</script>";

struct World {
    _dir: tempfile::TempDir,
    rsna: PathBuf,
    catalogue: PathBuf,
}

/// Nine studies in a catalogue, as any DICOM tree.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let (rsna, catalogue) = (dir.path().join("rsna"), dir.path().join("catalogue"));
        let phantom = PhantomConfig {
            n_studies: N_STUDIES,
            seed: 2,
            pixels: Pixels::Tiny,
            quirks: Quirks::NONE,
            ..PhantomConfig::default()
        };
        generate(&phantom, &rsna, &|_| {}).unwrap();
        let scanned = scan(&rsna, &ScanOptions::default(), &|_| {}).unwrap();
        write_catalogue(&scanned, &rsna, &catalogue).unwrap();
        World {
            _dir: dir,
            rsna,
            catalogue,
        }
    })
}

/// The phantom's labels as a table of one's own: four grades, three studies a patient, sites.
fn table(path: &Path, with_points: bool) {
    let labels = Labels::read_rsna(&world().rsna).unwrap();
    let order: Vec<_> = labels.studies.iter().collect();
    let mut text = "study,level,side,condition,grade,patient,site".to_owned();
    text += if with_points {
        ",series,instance,x,y\r\n"
    } else {
        "\r\n"
    };
    for ((study, target), grade) in &labels.grades {
        let k = order.iter().position(|id| *id == study).unwrap();
        // Every other Normal/Mild is Mild.
        let grade = match grade {
            Severity::NormalMild if target.level.index() % 2 == 0 => Severity::Normal,
            Severity::NormalMild => Severity::Mild,
            other => *other,
        };
        let side = target
            .condition
            .side()
            .map(|side| side.to_string())
            .unwrap_or_default();
        let name = target.condition.column_name();
        let name = name.trim_start_matches("left_").trim_start_matches("right_");
        let site = if k % 3 == 0 { SITE } else { "south" };
        text += &format!("{study},{},{side},{name},{grade},p{},{site}", target.level, k / 3);
        if with_points {
            let [point] = labels.points_of(study, *target) else {
                panic!("one point a target")
            };
            text += &format!(
                ",{},{},{},{}",
                point.series, point.instance_number, point.pixel.column, point.pixel.row
            );
        }
        text += "\r\n";
    }
    std::fs::write(path, text).unwrap();
}

fn four_grades() -> DatasetConfig {
    DatasetConfig {
        grades: GradingScheme::FourGrades,
        size: 16,
        ..DatasetConfig::default()
    }
}

fn build_own(dir: &Path, with_points: bool, config: DatasetConfig) -> (DatasetInfo, Dataset) {
    let labels = dir.join("labels.csv");
    table(&labels, with_points);
    let input = BuildInput::catalogue(&world().catalogue, &labels, config, &|_| {}).unwrap();
    let out = dir.join("ds");
    let info = build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    (info, Dataset::open(&out).unwrap())
}

#[test]
fn four_grades_with_points_become_samples() {
    let dir = tempfile::tempdir().unwrap();
    let (info, dataset) = build_own(dir.path(), true, four_grades());
    assert_eq!(info.patient_grouping, PatientGrouping::PatientKey);
    assert_eq!((info.counts.studies, info.counts.patients), (9, 3));
    assert_eq!(
        info.counts.target_views,
        info.counts.samples + info.counts.sample_rejects
    );
    let grades: BTreeSet<&str> = dataset
        .samples()
        .iter()
        .map(|sample| sample.severity.unwrap().display_name())
        .collect();
    assert!(grades.contains("Normal") && grades.contains("Mild") && !grades.contains("Normal/Mild"));
    // Every graded target has its sample on the view it is marked on.
    let labels = Labels::read_own(&dir.path().join("labels.csv")).unwrap();
    let given = dataset.select(|sample| sample.localisation == Localisation::Given);
    assert_eq!(given.len(), labels.grades.len());
    // The site is text like any other.
    let stats = stats(&dataset).unwrap();
    assert_eq!(stats.patients_by_site[SITE], 3);
}

#[test]
fn without_points_crops_are_refused_and_the_dataset_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (info, dataset) = build_own(dir.path(), false, four_grades());
    assert_eq!((info.counts.samples, dataset.samples().len()), (0, 0));
    let rejects = stats(&dataset).unwrap().sample_rejects;
    let no_point = rejects[SampleRejectReason::NoPoint.code()];
    let labels = Labels::read_own(&dir.path().join("labels.csv")).unwrap();
    assert_eq!(no_point, 2 * labels.grades.len() as u64);
    assert!(
        info.notes.iter().any(|note| note.starts_with("No samples:")),
        "{:?}",
        info.notes
    );
    // A table without any point is no table of points: none is missed.
    assert_eq!(
        labels
            .findings
            .iter()
            .filter(|f| f.code == FindingCode::GradeWithoutPoint)
            .count(),
        0
    );
}

#[test]
fn without_points_the_canal_is_seen_on_whole_middle_slices() {
    let dir = tempfile::tempdir().unwrap();
    let config = DatasetConfig {
        mode: SampleMode::WholeSlice,
        ..four_grades()
    };
    let (info, dataset) = build_own(dir.path(), false, config);
    assert_eq!(info.counts.samples, 9 * 5);
    for sample in dataset.samples() {
        assert_eq!(
            (sample.localisation, sample.view),
            (Localisation::MiddleSlice, SeriesKind::SagittalT2)
        );
    }
    let conflicts = info
        .notes
        .iter()
        .any(|note| note.contains("share their image with a sample of another grade"));
    assert!(conflicts, "{:?}", info.notes);
}

#[test]
fn three_grade_cells_in_a_four_grade_dataset_are_found_and_refused() {
    let dir = tempfile::tempdir().unwrap();
    let labels = dir.path().join("labels.csv");
    table(&labels, true);
    let text = std::fs::read_to_string(&labels).unwrap();
    std::fs::write(&labels, text.replacen("Moderate", "Normal/Mild", 1)).unwrap();
    let input = BuildInput::catalogue(&world().catalogue, &labels, four_grades(), &|_| {}).unwrap();
    let codes: Vec<FindingCode> = lint(&input.labels, &input.catalogue, GradingScheme::FourGrades)
        .into_iter()
        .map(|finding| finding.code)
        .filter(|code| *code != FindingCode::MissingGrade)
        .collect();
    assert_eq!(codes, [FindingCode::GradeNotInScheme]);
    let out = dir.path().join("ds");
    build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    let rejects = stats(&Dataset::open(&out).unwrap()).unwrap().sample_rejects;
    assert_eq!(rejects[SampleRejectReason::GradeNotInScheme.code()], 2);
}

#[test]
fn missing_grades_follow_the_policy() {
    let mut n_samples = BTreeMap::new();
    for policy in [MissingLabels::Drop, MissingLabels::Keep, MissingLabels::Best] {
        let dir = tempfile::tempdir().unwrap();
        let labels = dir.path().join("labels.csv");
        table(&labels, true);
        // The first grade is blanked; its point stays.
        let text = std::fs::read_to_string(&labels).unwrap();
        let first = text.lines().nth(1).unwrap();
        let cells: Vec<&str> = first.split(',').collect();
        let blank = first.replacen(&format!(",{},", cells[4]), ",,", 1);
        std::fs::write(&labels, text.replacen(first, &blank, 1)).unwrap();
        let config = DatasetConfig {
            missing_labels: policy,
            ..four_grades()
        };
        let input = BuildInput::catalogue(&world().catalogue, &labels, config, &|_| {}).unwrap();
        let out = dir.path().join("ds");
        build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
        let dataset = Dataset::open(&out).unwrap();
        let of_cell = dataset.select(|sample| {
            sample.study.as_str() == cells[0] && sample.target.column_name() == "spinal_canal_stenosis_l1_l2"
        });
        let grades: Vec<Option<Severity>> = of_cell
            .iter()
            .map(|index| dataset.samples()[*index].severity)
            .collect();
        n_samples.insert(policy as usize, grades);
    }
    let n = n_samples[&1].len();
    assert!(n >= 1);
    assert_eq!(n_samples[&0], []);
    assert_eq!(n_samples[&1], vec![None; n]);
    assert_eq!(n_samples[&2], vec![Some(Severity::Normal); n]);
}

#[test]
fn a_split_made_anew_is_what_a_build_would_have_made() {
    let dir = tempfile::tempdir().unwrap();
    let (first, again, built) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
    std::fs::create_dir(&first).unwrap();
    std::fs::create_dir(&built).unwrap();
    build_own(&first, true, four_grades());
    let mut other = four_grades();
    other.split.seed = 11;
    other.split.folds = 2;
    build_own(&built, true, other.clone());
    resplit(&first.join("ds"), &again, &other.split, None).unwrap();
    let files = |folder: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in [folder.to_owned(), folder.join("pixels")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() && !path.ends_with("provenance.json") {
                    let name = PathBuf::from(path.file_name().unwrap());
                    files.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        files
    };
    let (again_files, built_files) = (files(&again), files(&built.join("ds")));
    assert_eq!(
        again_files.keys().collect::<Vec<_>>(),
        built_files.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &again_files {
        assert!(*bytes == built_files[name], "{} differs", name.display());
    }
    // In place, with the older split kept: nothing moves.
    let before = split_of(&first.join("ds")).unwrap();
    let keep = first.join("ds");
    let seeds = lumbar_dataset::SplitConfig {
        seed: 12,
        ..four_grades().split
    };
    resplit(&first.join("ds"), &first.join("ds"), &seeds, Some(&keep)).unwrap();
    assert_eq!(split_of(&first.join("ds")).unwrap(), before);
}

/// Outside the RSNA layout sources are hashes, and the folder is scanned again to find the files.
#[test]
fn a_catalogue_with_checked_pixels_and_kept_uids_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let scans = dir.path().join("scans");
    let phantom = PhantomConfig {
        n_studies: 2,
        seed: 2,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    generate(&phantom, &scans, &|_| {}).unwrap();
    let options = ScanOptions {
        check_pixels: true,
        keep_uids: true,
        ..ScanOptions::default()
    };
    // One folder deeper than the layout has it.
    let root = dir.path();
    let whole = scan(root, &options, &|_| {}).unwrap();
    let victim = root.join(&whole.slices[0].path);
    let mut bytes = std::fs::read(&victim).unwrap();
    let at = bytes
        .windows(4)
        .rposition(|four| four == [0xFE, 0xFF, 0x00, 0xE0])
        .unwrap();
    // The number of segments, of two.
    bytes[at + 8] = 9;
    std::fs::write(&victim, bytes).unwrap();
    let scanned = scan(root, &options, &|_| {}).unwrap();
    assert_eq!(scanned.slices.len() + 1, whole.slices.len());
    let study = &scanned.series[0].study;
    assert!(study.as_str().starts_with("2.25."), "a UID: {study}");
    let elsewhere = tempfile::tempdir().unwrap();
    let (catalogue, labels) = (
        elsewhere.path().join("catalogue"),
        elsewhere.path().join("labels.csv"),
    );
    write_catalogue(&scanned, root, &catalogue).unwrap();
    std::fs::write(
        &labels,
        format!("study,level,side,condition,grade\n{study},L4/L5,,spinal_canal_stenosis,Moderate\n"),
    )
    .unwrap();
    let input = BuildInput::catalogue(&catalogue, &labels, DatasetConfig::default(), &|_| {}).unwrap();
    assert_eq!(input.catalogue, scanned);
    assert!(
        input
            .catalogue
            .slices
            .iter()
            .all(|slice| slice.path.is_relative() && slice.path.file_name().is_some())
    );
}

#[test]
fn a_catalogue_made_with_a_key_needs_the_same_key_again() {
    let dir = tempfile::tempdir().unwrap();
    let (catalogue, labels) = (dir.path().join("catalogue"), dir.path().join("labels.csv"));
    let with = |secret: &[u8]| ScanOptions {
        identity_key: Some(IdentityKey::from_secret(secret)),
        layout: Layout::Generic,
        ..ScanOptions::default()
    };
    let scanned = scan(&world().rsna, &with(b"one"), &|_| {}).unwrap();
    let study = scanned.series[0].study.clone();
    write_catalogue(&scanned, &world().rsna, &catalogue).unwrap();
    std::fs::write(
        &labels,
        format!("study,level,side,condition,grade\n{study},L4/L5,,spinal_canal_stenosis,Moderate\n"),
    )
    .unwrap();
    let read = |options: &ScanOptions| {
        BuildInput::catalogue_with((&catalogue, &labels), DatasetConfig::default(), options, &|_| {})
    };
    for wrong in [ScanOptions::default(), with(b"two")] {
        let error = read(&wrong).map(|_| ()).unwrap_err();
        assert!(
            error.to_string().contains("was made with one; give the same"),
            "{error}"
        );
    }
    // The layout is another than the catalogue's: not the key is wrong now, but the records.
    let error = read(&with(b"one")).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("other options"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Three studies of each patient, two sites: no patient on two sides of anything, for any seed and scheme.
    #[test]
    fn no_patient_stands_on_two_sides(
        seed in any::<u32>(), folds in 1usize..6, valid in 0.0f64..0.45, test in 0.0f64..0.45, leave_out in any::<bool>(),
    ) {
        static DATASET: OnceLock<tempfile::TempDir> = OnceLock::new();
        let built = DATASET.get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            build_own(dir.path(), true, DatasetConfig { size: 8, depth: 1, ..four_grades() });
            dir
        });
        let config = lumbar_dataset::SplitConfig {
            seed: u64::from(seed),
            folds,
            valid,
            test,
            test_sites: if leave_out { vec![SITE.to_owned()] } else { vec![] },
        };
        let out = tempfile::tempdir().unwrap();
        let again = out.path().join("ds");
        resplit(&built.path().join("ds"), &again, &config, None).unwrap();
        let dataset = Dataset::open(&again).unwrap();
        let mut places = BTreeMap::new();
        for sample in dataset.samples() {
            let place = *places.entry(&sample.patient).or_insert(sample.assignment);
            prop_assert_eq!(place, sample.assignment);
            if leave_out {
                prop_assert_eq!(sample.assignment.part, Part::Test, "each patient was seen at the site left out");
            }
        }
        let report = lumbar_dataset::check(&dataset).unwrap();
        prop_assert!(report.is_good(), "{:?}", report.problems);
    }
}
