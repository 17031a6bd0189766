//! The mirrored left sample of a phantom is the right sample of the mirrored phantom.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_core::SeriesKind;
use lumbar_dataset::{BuildInput, BuildOptions, Dataset, DatasetConfig, Sample, build};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use std::collections::BTreeMap;
use std::path::Path;

fn dataset(dir: &Path, mirror: bool) -> Dataset {
    let (rsna, out) = (dir.join("rsna"), dir.join("ds"));
    // With all quirks: rows and columns of either sign, instance numbers in either direction, oblong matrices.
    let phantom = PhantomConfig {
        n_studies: 6,
        seed: 4,
        pixels: Pixels::Tiny,
        mirror,
        ..PhantomConfig::default()
    };
    generate(&phantom, &rsna, &|_| {}).unwrap();
    let config = DatasetConfig {
        size: 20,
        depth: 5,
        ..DatasetConfig::default()
    };
    let input = BuildInput::rsna(&rsna, config, &|_| {}).unwrap();
    build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    Dataset::open(&out).unwrap()
}

#[test]
fn mirrored_samples_are_samples_of_the_mirrored_study() {
    let (dir, mirrored_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let original = dataset(dir.path(), false);
    let mirrored = dataset(mirrored_dir.path(), true);
    let by_key: BTreeMap<_, (usize, &Sample)> = mirrored
        .samples()
        .iter()
        .enumerate()
        .map(|(i, sample)| ((&sample.study, sample.target, sample.view), (i, sample)))
        .collect();
    let mut n_compared: BTreeMap<SeriesKind, usize> = BTreeMap::new();
    for (i, sample) in original.samples().iter().enumerate() {
        let key = (&sample.study, sample.target.mirrored(), sample.view);
        let (k, other) = by_key[&key];
        assert_eq!(sample.severity, other.severity, "{}", sample.sample_id);
        assert!(
            (sample.point.x + other.point.x).abs() < 1e-3,
            "{}",
            sample.sample_id
        );
        let mut pixels = original.pixels(i).unwrap().to_vec();
        sample
            .mirror
            .unwrap()
            .apply(&mut pixels, original.shape())
            .unwrap();
        let expected = mirrored.pixels(k).unwrap();
        let worst = pixels.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        // Positions are written with a few decimals, and sums run the other way.
        assert!(worst <= Some(1), "{}: {worst:?}", sample.sample_id);
        *n_compared.entry(sample.view).or_default() += 1;
    }
    assert_eq!(original.samples().len(), mirrored.samples().len());
    assert!(
        SeriesKind::ALL.iter().all(|view| n_compared[view] > 20),
        "{n_compared:?}"
    );
}
