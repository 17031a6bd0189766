//! Altered copies of studies under other names are found, and nothing else is.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_dataset::{
    BuildInput, BuildOptions, Dataset, DatasetConfig, NearDuplicate, Views, build, check, near_duplicates,
};
use lumbar_phantom::{Alteration, PhantomConfig, Pixels, Quirks, StudyTruth, generate};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn dataset(dir: &Path, phantom: &PhantomConfig) -> Dataset {
    let (rsna, out) = (dir.join("rsna"), dir.join("ds"));
    generate(phantom, &rsna, &|_| {}).unwrap();
    let config = DatasetConfig {
        depth: 1,
        views: Views::Proper,
        ..DatasetConfig::default()
    };
    let input = BuildInput::rsna(&rsna, config, &|_| {}).unwrap();
    build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    Dataset::open(&out).unwrap()
}

#[test]
fn every_altered_copy_is_found_and_no_stranger_is() {
    let dir = tempfile::tempdir().unwrap();
    let phantom = PhantomConfig {
        n_studies: 5,
        seed: 6,
        quirks: Quirks {
            several_axial: false,
            ..Quirks::default()
        },
        copies: Alteration::ALL.to_vec(),
        ..PhantomConfig::default()
    };
    let dataset = dataset(dir.path(), &phantom);
    let truth = std::fs::read_to_string(dir.path().join("rsna/phantom_truth.jsonl")).unwrap();
    let copies: BTreeMap<String, (String, Alteration)> = truth
        .lines()
        .map(|line| serde_json::from_str::<StudyTruth>(line).unwrap())
        .filter_map(|study| Some((study.study_id, (study.copy_of?, study.alteration?))))
        .collect();
    let found = near_duplicates(&dataset).unwrap();
    let mut n_found: BTreeMap<Alteration, BTreeSet<&str>> = BTreeMap::new();
    for pair in &found.pairs {
        let [a, b] = &pair.studies;
        let (copy, original) = if copies.contains_key(a) { (a, b) } else { (b, a) };
        let (of, alteration) = &copies[copy];
        assert_eq!(of, original, "strangers: {pair:?}");
        let of_copy = usize::from(!pair.samples[0].starts_with(copy.as_str()));
        n_found
            .entry(*alteration)
            .or_default()
            .insert(&pair.samples[of_copy]);
    }
    for (copy, (_, alteration)) in &copies {
        let n = dataset.select(|sample| sample.study.as_str() == copy).len();
        let n_found = n_found.get(alteration).map_or(0, BTreeSet::len);
        assert_eq!(n_found, n, "{alteration:?}");
    }
    // Strangers keep their distance from the limit, and copies theirs.
    assert!(found.largest_below < 0.8, "{}", found.largest_below);
    let of_same_target = |pair: &&NearDuplicate| {
        let [a, b] = [0, 1].map(|i| &pair.samples[i][pair.studies[i].len()..]);
        a == b
    };
    for pair in found.pairs.iter().filter(of_same_target) {
        assert!(pair.detail_correlation > 0.92, "{pair:?}");
    }
    // Where the copies stand on another side, the dataset does not pass.
    let across = found.pairs.iter().any(|pair| pair.across);
    let report = check(&dataset).unwrap();
    assert_eq!(report.is_good(), !across);
    assert!(report.problems.iter().all(|problem| problem.contains("pictures")));
}

#[test]
fn pictures_without_detail_are_not_compared() {
    let dir = tempfile::tempdir().unwrap();
    let phantom = PhantomConfig {
        n_studies: 3,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    let dataset = dataset(dir.path(), &phantom);
    let found = near_duplicates(&dataset).unwrap();
    assert_eq!(
        (found.n_compared, found.n_not_comparable),
        (0, dataset.samples().len())
    );
    assert_eq!(found.pairs, []);
}
