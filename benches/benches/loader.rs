//! Augmentation of a sample, and batches beside a plain copy of the same bytes: 3 x 128 x 128 of 8 bits, warm.
//!
//! Throughput is in bytes of the stored samples everywhere, so that rates compare.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lumbar_dataset::{BuildInput, BuildOptions, Dataset, DatasetConfig, Loader, LoaderConfig, build};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use lumbar_preprocess::{Augment, AugmentScratch};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

const SHAPE: [usize; 3] = [3, 128, 128];
const N_VALUES: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];

fn augment(criterion: &mut Criterion) {
    let samples: Vec<Vec<u8>> = (0..64u32)
        .map(|k| {
            (0..N_VALUES as u32)
                .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(k << 25) >> 24) as u8)
                .collect()
        })
        .collect();
    let mut out = vec![0.0f32; N_VALUES];
    let mut scratch = AugmentScratch::default();
    let base = Augment::default();
    let always = Augment {
        probability: 1.0,
        bias_field: 0.0,
        noise: 0.0,
        blur_px: 0.0,
        ..base
    };
    let mut group = criterion.benchmark_group("augment");
    group.throughput(Throughput::Bytes(N_VALUES as u64));
    for (name, config) in [
        ("default", base),
        ("geometry and curve", always),
        (
            "with bias field",
            Augment {
                bias_field: base.bias_field,
                ..always
            },
        ),
        (
            "with noise",
            Augment {
                noise: base.noise,
                ..always
            },
        ),
        (
            "with blur",
            Augment {
                blur_px: base.blur_px,
                ..always
            },
        ),
        ("none", Augment::NONE),
    ] {
        let mut n = 0u64;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                n += 1;
                let mut rng = ChaCha8Rng::seed_from_u64(n);
                let changes = config.draw(SHAPE[0], &mut rng).expect("valid parameters");
                let sample = &samples[n as usize % samples.len()];
                changes
                    .apply(sample, SHAPE, (&mut out, &mut scratch))
                    .expect("matching lengths");
                black_box(&mut out);
            });
        });
    }
    group.finish();
}

fn loader(criterion: &mut Criterion) {
    let work = tempfile::tempdir().expect("a temporary folder");
    let (rsna, out) = (work.path().join("rsna"), work.path().join("ds"));
    let phantom = PhantomConfig {
        n_studies: 80,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    generate(&phantom, &rsna, &|_| {}).expect("phantoms");
    let config = DatasetConfig {
        size: SHAPE[1],
        ..DatasetConfig::default()
    };
    let input = BuildInput::rsna(&rsna, config, &|_| {}).expect("labels and files");
    build(input, &out, &BuildOptions::default(), &|_| {}).expect("a dataset");
    let dataset = Dataset::open(&out).expect("the dataset");
    let indices = dataset.select(|_| true);

    let mut from = Vec::new();
    for index in &indices {
        from.extend_from_slice(dataset.pixels(*index).expect("pixels"));
    }
    let mut to = vec![1u8; from.len()];
    let mut group = criterion.benchmark_group("loader");
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(from.len() as u64));
    for threads in [1, 2] {
        group.bench_function(format!("plain copy, {threads} threads"), |bencher| {
            let share = from.len().div_ceil(threads);
            bencher.iter(|| {
                std::thread::scope(|scope| {
                    for (to, from) in to.chunks_mut(share).zip(from.chunks(share)) {
                        scope.spawn(move || to.copy_from_slice(from));
                    }
                });
                black_box(&mut to);
            });
        });
    }
    for workers in [0, 2] {
        let with = |augment| {
            let config = LoaderConfig {
                shuffle: true,
                workers,
                augment,
                ..LoaderConfig::default()
            };
            Loader::new(&dataset, indices.clone(), config).expect("a valid configuration")
        };
        let plain = with(None);
        group.bench_function(format!("u8, {workers} workers"), |bencher| {
            bencher.iter(|| {
                let epoch = plain.epoch_u8(0, 0).expect("8 bits, no augmentation");
                epoch.for_each(|batch| drop(black_box(batch.expect("a batch"))));
            });
        });
        for (name, loader) in [
            ("f32", &plain),
            ("f32, augmented", &with(Some(Augment::default()))),
        ] {
            group.bench_function(format!("{name}, {workers} workers"), |bencher| {
                bencher.iter(|| {
                    loader
                        .epoch(0)
                        .for_each(|batch| drop(black_box(batch.expect("a batch"))));
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, augment, loader);
criterion_main!(benches);
