//! How fast batches come, beside a plain copy of the same bytes, as one JSON object.
//!
//!     cargo run --release --locked -p lumbar-dataset --example loader_rates -- DATASET [N_SAMPLES]
//!
//! Samples a second are those of the best of ten epochs; the first, which reads the files and compares checksums, does
//! not count. Where there is a /proc, `samples_per_core_s` counts the processor time of all of them instead of the clock, so
//! that it holds on a busy machine too.
//! `benches/peers/loader_vs_pytorch.py` runs it beside a PyTorch `DataLoader` on the same samples.

use lumbar_dataset::{Batch, Dataset, Epoch, Loader, LoaderConfig};
use lumbar_preprocess::Augment;
use serde_json::{Map, Value, json};
use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const N_EPOCHS: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: loader_rates DATASET [N_SAMPLES]";
    let dataset = Dataset::open(Path::new(&arguments.next().ok_or(usage)?))?;
    let mut indices = dataset.select(|_| true);
    if let Some(n) = arguments.next() {
        indices.truncate(n.parse()?);
    }
    let (mut rates, mut per_core) = (Map::new(), Map::new());
    for threads in [1, 2] {
        let [rate, core_rate] = copy_rate(&dataset, &indices, threads)?;
        rates.insert(format!("copy_{threads}_threads"), rate);
        per_core.insert(format!("copy_{threads}_threads"), core_rate);
    }
    for (name, augment, workers) in [
        ("plain_f32", None, 0),
        ("plain_f32", None, 2),
        ("augmented_f32", Some(Augment::default()), 0),
        ("augmented_f32", Some(Augment::default()), 2),
    ] {
        let loader = loader(&dataset, &indices, (augment, workers))?;
        let [rate, core_rate] = rate(|epoch| Ok(loader.epoch(epoch)))?;
        rates.insert(format!("{name}_{workers}_workers"), rate);
        per_core.insert(format!("{name}_{workers}_workers"), core_rate);
    }
    for workers in [0, 2] {
        let loader = loader(&dataset, &indices, (None, workers))?;
        let [rate, core_rate] = rate(|epoch| Ok(loader.epoch_u8(epoch, 0)?))?;
        rates.insert(format!("plain_u8_{workers}_workers"), rate);
        per_core.insert(format!("plain_u8_{workers}_workers"), core_rate);
    }
    let result = json!({
        "shape": dataset.shape(),
        "n_samples": indices.len(),
        "samples_per_s": rates,
        "samples_per_core_s": per_core,
    });
    writeln!(std::io::stdout(), "{result:#}")?;
    Ok(())
}

fn loader(
    dataset: &Dataset,
    indices: &[usize],
    (augment, workers): (Option<Augment>, usize),
) -> Result<Loader, Box<dyn Error>> {
    let config = LoaderConfig {
        shuffle: true,
        workers,
        augment,
        ..LoaderConfig::default()
    };
    Ok(Loader::new(dataset, indices.to_vec(), config)?)
}

/// Samples a second of the best epoch, and samples a second of processor time over all.
fn rate<T: Send + 'static>(
    epoch: impl Fn(u64) -> Result<Epoch<T>, Box<dyn Error>>,
) -> Result<[Value; 2], Box<dyn Error>> {
    let (mut best, mut all, mut before) = (0.0f64, 0, None);
    for number in 0..=N_EPOCHS {
        let start = Instant::now();
        let mut n = 0;
        for batch in epoch(number)? {
            let batch: Batch<T> = batch?;
            n += black_box(&batch).samples.len();
        }
        if number == 0 {
            before = processor_s();
        } else {
            all += n;
            best = best.max(n as f64 / start.elapsed().as_secs_f64());
        }
    }
    let spent = before.and_then(|before| Some(processor_s()? - before));
    Ok([
        json!(best),
        json!(spent.map(|spent| all as f64 / spent.max(0.01))),
    ])
}

/// Processor time of this process, s.
fn processor_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let ticks = |field: usize| after_name.split_whitespace().nth(field)?.parse::<f64>().ok();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms.
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// The same when their bytes are copied from one place in memory to another, each thread its share.
fn copy_rate(dataset: &Dataset, indices: &[usize], threads: usize) -> Result<[Value; 2], Box<dyn Error>> {
    let mut from = Vec::new();
    for index in indices {
        from.extend_from_slice(dataset.pixels(*index)?);
    }
    let mut to = vec![1u8; from.len()];
    let share = from.len().div_ceil(threads).max(1);
    let (mut best, before) = (f64::INFINITY, processor_s());
    // Many times, so that ticks of 10 ms measure the processor time.
    const N_COPIES: usize = 50;
    for _ in 0..N_COPIES {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (to, from) in to.chunks_mut(share).zip(from.chunks(share)) {
                scope.spawn(move || to.copy_from_slice(from));
            }
        });
        black_box(&mut to);
        best = best.min(start.elapsed().as_secs_f64());
    }
    let spent = before.and_then(|before| Some(processor_s()? - before));
    let n = indices.len() as f64;
    let core_rate = spent.map(|spent| n * N_COPIES as f64 / spent.max(0.01));
    Ok([json!(n / best), json!(core_rate)])
}
