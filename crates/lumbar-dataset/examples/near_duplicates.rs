//! Prints how alike samples of different patients are, on phantoms with altered copies among them.
//!
//!     cargo run --release -p lumbar-dataset --example near_duplicates -- N_STUDIES FOLDER [SEED]
//!
//! FOLDER takes the phantom and the dataset, which are deleted at the end. The limits of `near_duplicates` rest on this.

use lumbar_dataset::{BuildInput, BuildOptions, Dataset, DatasetConfig, build, near_duplicates};
use lumbar_phantom::{Alteration, PhantomConfig, StudyTruth, generate};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (n_studies, folder, seed) = match arguments.as_slice() {
        [n, folder] => (n.parse()?, Path::new(folder), 1),
        [n, folder, seed] => (n.parse()?, Path::new(folder), seed.parse()?),
        _ => return Err("usage: near_duplicates N_STUDIES FOLDER [SEED]".into()),
    };
    let work = tempfile::tempdir_in(folder)?;
    let (rsna, out) = (work.path().join("rsna"), work.path().join("dataset"));
    let mut stdout = std::io::stdout().lock();
    let start = Instant::now();
    let phantom = PhantomConfig {
        n_studies,
        seed,
        copies: Alteration::ALL.to_vec(),
        ..PhantomConfig::default()
    };
    generate(&phantom, &rsna, &|_| {})?;
    writeln!(stdout, "made in {:.1} s", start.elapsed().as_secs_f64())?;
    let truth = std::fs::read_to_string(rsna.join("phantom_truth.jsonl"))?;
    let truth: Vec<StudyTruth> = truth
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let copies: BTreeMap<&str, (&str, Alteration)> = truth
        .iter()
        .filter_map(|study| {
            Some((
                study.study_id.as_str(),
                (study.copy_of.as_deref()?, study.alteration?),
            ))
        })
        .collect();
    let input = BuildInput::rsna(&rsna, DatasetConfig::default(), &|_| {})?;
    build(input, &out, &BuildOptions::default(), &|_| {})?;
    let dataset = Dataset::open(&out)?;
    let start = Instant::now();
    let found = near_duplicates(&dataset)?;
    writeln!(
        stdout,
        "{} samples compared in {:.1} s, {} not comparable",
        found.n_compared,
        start.elapsed().as_secs_f64(),
        found.n_not_comparable
    )?;
    // How many samples of each copy were found beside the same sample of its original.
    let mut n_found: BTreeMap<Alteration, Vec<f32>> = BTreeMap::new();
    let mut n_false = 0;
    for pair in &found.pairs {
        let [a, b] = [0, 1].map(|i| pair.studies[i].as_str());
        let family = |study| copies.get(study).map_or(study, |(original, _)| *original);
        if family(a) != family(b) {
            n_false += 1;
            writeln!(stdout, "false alarm {pair:?}")?;
        }
        for (copy, original) in [(a, b), (b, a)] {
            if let Some((_, alteration)) = copies.get(copy).filter(|(of, _)| *of == original) {
                let same = |i: usize, study: &str| pair.samples[i].strip_prefix(study).map(str::to_owned);
                if same(0, a) == same(1, b) {
                    n_found
                        .entry(*alteration)
                        .or_default()
                        .push(pair.detail_correlation);
                }
            }
        }
    }
    for (copy, (_, alteration)) in &copies {
        let n_samples = dataset.select(|sample| sample.study.as_str() == *copy).len();
        let mut details = n_found.remove(alteration).unwrap_or_default();
        details.sort_by(f32::total_cmp);
        writeln!(
            stdout,
            "{alteration:?}: {} of {n_samples} samples found, detail {:.3} to {:.3}, median {:.3}",
            details.len(),
            details.first().copied().unwrap_or(f32::NAN),
            details.last().copied().unwrap_or(f32::NAN),
            details.get(details.len() / 2).copied().unwrap_or(f32::NAN)
        )?;
    }
    writeln!(
        stdout,
        "the nearest stranger has detail {:.3}",
        found.nearest_stranger
    )?;
    writeln!(
        stdout,
        "{n_false} false alarms among {n_studies} studies and their copies"
    )?;
    Ok(())
}
