//! The loader's sequence: a function of seed and epoch, whoever makes it and wherever it starts.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_dataset::{
    Batch, BuildInput, BuildOptions, Dataset, DatasetConfig, DatasetError, Epoch, Loader, LoaderConfig,
    Sampling, build,
};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use lumbar_preprocess::Augment;
use proptest::prelude::*;
use std::path::Path;
use std::sync::OnceLock;

fn dataset() -> Dataset {
    static DATASET: OnceLock<(tempfile::TempDir, Dataset)> = OnceLock::new();
    let (_, dataset) = DATASET.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let dataset = make(
            dir.path(),
            DatasetConfig {
                size: 16,
                ..DatasetConfig::default()
            },
        );
        (dir, dataset)
    });
    dataset.clone()
}

fn make(dir: &Path, config: DatasetConfig) -> Dataset {
    let (rsna, out) = (dir.join("rsna"), dir.join("ds"));
    let phantom = PhantomConfig {
        n_studies: 3,
        seed: 11,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    generate(&phantom, &rsna, &|_| {}).unwrap();
    let input = BuildInput::rsna(&rsna, config, &|_| {}).unwrap();
    build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    Dataset::open(&out).unwrap()
}

fn all<T: Send + 'static>(epoch: Epoch<T>) -> Vec<Batch<T>> {
    epoch.map(Result::unwrap).collect()
}

/// A configuration and how many samples it is used on.
fn any_loader() -> impl Strategy<Value = (LoaderConfig, usize)> {
    let sampling = prop_oneof![
        Just(None),
        Just(Some(Sampling::ClassBalanced)),
        any::<u64>().prop_map(|salt| Some(Sampling::Weighted(vec![salt as f64 / u64::MAX as f64])))
    ];
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (1usize..60, 1usize..20, any::<u64>(), sampling, switches).prop_map(
        |(n_samples, batch_size, seed, sampling, (shuffle, drop_last, augments, mirrors))| {
            let sampling = match sampling {
                // One weight a sample, made from one number.
                Some(Sampling::Weighted(salt)) => Sampling::Weighted(
                    (0..n_samples)
                        .map(|i| 0.01 + (salt[0] * 97.0 * i as f64).fract())
                        .collect(),
                ),
                other => other.unwrap_or_default(),
            };
            let config = LoaderConfig {
                batch_size,
                seed,
                shuffle,
                drop_last,
                sampling,
                augment: augments.then(Augment::default),
                mirror_right_to_left: mirrors,
                mirror_midline: mirrors,
                ..LoaderConfig::default()
            };
            (config, n_samples)
        },
    )
}

/// Samples with a grade that can be mirrored: what every configuration takes.
fn usable(dataset: &Dataset, n: usize) -> Vec<usize> {
    let mut indices = dataset.select(|sample| sample.severity.is_some() && sample.mirror.is_some());
    assert!(indices.len() >= 60);
    indices.truncate(n);
    indices
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_sequence_depends_on_seed_and_epoch_alone((config, n_samples) in any_loader(), epoch in any::<u64>(), cut in any::<prop::sample::Index>()) {
        let dataset = dataset();
        let indices = usable(&dataset, n_samples);
        let with = |workers| Loader::new(&dataset, indices.clone(), LoaderConfig { workers, ..config.clone() }).unwrap();
        let expected = all(with(0).epoch(epoch));
        prop_assert_eq!(expected.len(), with(0).n_batches());
        for workers in [1, 2, 8] {
            let loader = with(workers);
            prop_assert_eq!(&all(loader.epoch(epoch)), &expected);
            // Resumed at a step, by a loader that made other epochs before and whose buffers are used.
            let step = cut.index(expected.len() + 1);
            prop_assert_eq!(&all(loader.epoch_from(epoch, step))[..], &expected[step..]);
        }
    }

    #[test]
    fn stored_levels_are_the_same_samples((config, n_samples) in any_loader(), workers in 0usize..4) {
        let dataset = dataset();
        let config = LoaderConfig { augment: None, workers, ..config };
        let loader = Loader::new(&dataset, usable(&dataset, n_samples), config).unwrap();
        let levels = all(loader.epoch_u8(1, 0).unwrap());
        let greys = all(loader.epoch(1));
        prop_assert_eq!(levels.len(), greys.len());
        for (levels, greys) in levels.iter().zip(&greys) {
            prop_assert_eq!((&levels.samples, &levels.targets, levels.shape), (&greys.samples, &greys.targets, greys.shape));
            prop_assert!(levels.pixels.iter().zip(greys.pixels.iter()).all(|(level, grey)| f32::from(*level) / 255.0 == *grey));
        }
    }
}

#[test]
fn every_step_can_be_resumed() {
    let dataset = dataset();
    let config = LoaderConfig {
        batch_size: 7,
        seed: 3,
        shuffle: true,
        augment: Some(Augment::default()),
        ..LoaderConfig::default()
    };
    let loader = Loader::new(&dataset, usable(&dataset, 60), config).unwrap();
    let whole = all(loader.epoch(5));
    assert_eq!(whole.len(), 9);
    for step in 0..=whole.len() + 1 {
        assert_eq!(all(loader.epoch_from(5, step)), whole[step.min(whole.len())..]);
    }
}

#[test]
fn stored_levels_are_refused_where_they_are_not_the_sample() {
    let narrow = dataset();
    let augments = LoaderConfig {
        augment: Some(Augment::default()),
        ..LoaderConfig::default()
    };
    let error = Loader::new(&narrow, vec![0], augments)
        .unwrap()
        .epoch_u8(0, 0)
        .unwrap_err();
    assert!(matches!(error, DatasetError::Config { .. }), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let wide = make(
        dir.path(),
        DatasetConfig {
            size: 16,
            bits: 16,
            ..DatasetConfig::default()
        },
    );
    let loader = Loader::new(&wide, vec![0], LoaderConfig::default()).unwrap();
    assert!(loader.epoch_u8(0, 0).is_err());
}

#[test]
fn a_spoiled_sample_is_an_error_in_its_place_and_nothing_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = make(
        dir.path(),
        DatasetConfig {
            size: 16,
            ..DatasetConfig::default()
        },
    );
    let victim = dataset.pixels(5).unwrap().to_vec();
    let shard = dataset.path().join(&dataset.info().shards[0].file);
    let mut bytes = std::fs::read(&shard).unwrap();
    let at = bytes
        .windows(victim.len())
        .position(|window| window == victim)
        .unwrap();
    bytes[at] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let dataset = Dataset::open(dataset.path()).unwrap();
    for workers in [0, 1, 2, 8] {
        let config = LoaderConfig {
            batch_size: 2,
            workers,
            ..LoaderConfig::default()
        };
        let loader = Loader::new(&dataset, (0..12).collect(), config).unwrap();
        let good: Vec<bool> = loader.epoch(0).map(|batch| batch.is_ok()).collect();
        assert_eq!(good, [true, true, false, true, true, true]);
    }
}
