//! DICOM, stage by stage and syntax by syntax. Limits first: what the bytes alone cost.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lumbar_benches::{OUTPUT, Road, SIZES, slice};
use lumbar_dicom::{Limits, TransferSyntax, read_header, read_header_bytes, read_image, read_image_bytes};
use std::hint::black_box;

const SYNTAXES: [(&str, TransferSyntax); 3] = [
    ("explicit", TransferSyntax::ExplicitVrLittleEndian),
    ("deflated", TransferSyntax::DeflatedExplicitVrLittleEndian),
    ("rle", TransferSyntax::RleLossless),
];

fn stages(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    for (name, syntax) in SYNTAXES {
        let mut group = c.benchmark_group(name);
        for size in SIZES {
            let path = folder.path().join(format!("{name}-{size}.dcm"));
            slice(size, 1).unwrap().write(&path, syntax).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let mut buffer = bytes.clone();
            group.throughput(Throughput::Elements(1));
            let mut stage = |stage: &str, run: &mut dyn FnMut()| {
                group.bench_function(BenchmarkId::new(stage, size), |b| b.iter(&mut *run));
            };
            stage("limit: read into memory at hand", &mut || {
                use std::io::Read;
                let mut file = std::fs::File::open(&path).unwrap();
                file.read_exact(&mut buffer).unwrap();
            });
            stage("header from memory", &mut || {
                drop(black_box(read_header_bytes(&bytes, &limits).unwrap()));
            });
            stage("header from file", &mut || {
                drop(black_box(read_header(&path, &limits).unwrap()));
            });
            stage("image from memory", &mut || {
                drop(black_box(read_image_bytes(&bytes, &limits).unwrap()));
            });
            stage("image from file", &mut || {
                drop(black_box(read_image(&path, &limits).unwrap()));
            });
            let (mut road, mut out) = (Road::default(), vec![0; OUTPUT * OUTPUT]);
            stage("file to picture", &mut || road.picture(&path, &mut out).unwrap());
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_millis(800))
        .warm_up_time(std::time::Duration::from_millis(200));
    targets = stages
}
criterion_main!(benches);
