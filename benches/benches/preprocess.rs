//! Percentiles and resampling, beside what reading the pixels once costs.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lumbar_benches::{OUTPUT, Road, SIZES, pixels};
use lumbar_preprocess::{
    Filter, Orientation, Padding, Pixels, Polarity, Region, Resampling, Scratch, ValueMap, resample,
};
use std::hint::black_box;

fn stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("preprocess");
    for size in SIZES {
        let values = pixels(size);
        let (mut road, mut out) = (Road::default(), vec![0; OUTPUT * OUTPUT]);
        group.throughput(Throughput::Elements((size * size) as u64));
        group.bench_function(BenchmarkId::new("limit: sum of the pixels", size), |b| {
            b.iter(|| black_box(values.iter().map(|value| u64::from(*value)).sum::<u64>()));
        });
        group.bench_function(BenchmarkId::new("percentiles", size), |b| {
            b.iter(|| road.map(&values).unwrap());
        });
        let map = road.map(&values).unwrap();
        group.bench_function(BenchmarkId::new("area to 256", size), |b| {
            b.iter(|| road.resize(&values, [size, size], &map, &mut out).unwrap());
        });
    }
    group.finish();
}

fn filters(c: &mut Criterion) {
    let mut group = c.benchmark_group("filters");
    let (size, values) = (448, pixels(448));
    let map = ValueMap::between(10.0, 2000.0, Polarity::Bright);
    let (mut scratch, mut out) = (Scratch::default(), vec![0u8; OUTPUT * OUTPUT]);
    for filter in Filter::ALL {
        let how = Resampling {
            filter,
            padding: Padding::Zero,
            orientation: Orientation::AS_STORED,
            shape: [OUTPUT, OUTPUT],
        };
        group.bench_function(BenchmarkId::new(format!("{filter:?}"), size), |b| {
            b.iter(|| {
                let pixels = Pixels::new(&values, [size, size]).unwrap();
                resample(
                    pixels,
                    &map,
                    Region::whole([size, size]),
                    &how,
                    (&mut out, &mut scratch),
                )
                .unwrap();
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_millis(800))
        .warm_up_time(std::time::Duration::from_millis(200));
    targets = stages, filters
}
criterion_main!(benches);
