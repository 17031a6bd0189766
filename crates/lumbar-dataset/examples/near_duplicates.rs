//! Prints how alike samples of different patients are, on phantoms with altered copies among them.
//!
//!     cargo run --release -p lumbar-dataset --example near_duplicates -- N_STUDIES FOLDER [SEED]...
//!
//! FOLDER takes the phantoms and the dataset of a seed, which are deleted before the next. The limits of
//! `near_duplicates` rest on this.

use lumbar_dataset::{
    BuildInput, BuildOptions, Dataset, DatasetConfig, NearDuplicate, build, near_duplicates, similar_pictures,
};
use lumbar_phantom::{Alteration, PhantomConfig, StudyTruth, generate};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Copies of each kind, each of another study.
const N_COPIES: usize = 4;
/// Studies of the RSNA 2024 challenge.
const N_RSNA: f64 = 1975.0;
/// How many of the likest strangers tell how fast their tail falls.
const N_TAIL: usize = 100;

type Copies = BTreeMap<String, (String, Alteration)>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [n_studies, folder, seeds @ ..] = arguments.as_slice() else {
        return Err("usage: near_duplicates N_STUDIES FOLDER [SEED]...".into());
    };
    let seeds: Vec<u64> = match seeds {
        [] => vec![1],
        seeds => seeds.iter().map(|seed| seed.parse()).collect::<Result<_, _>>()?,
    };
    for seed in seeds {
        std::fs::create_dir_all(folder)?;
        let work = tempfile::tempdir_in(folder)?;
        let (copies, dataset) = make(n_studies.parse()?, seed, work.path())?;
        writeln!(std::io::stdout(), "seed {seed}")?;
        report(&dataset, &copies)?;
    }
    Ok(())
}

fn make(n_studies: usize, seed: u64, work: &Path) -> Result<(Copies, Dataset), Box<dyn Error>> {
    let (rsna, out) = (work.join("rsna"), work.join("dataset"));
    let kinds = Alteration::ALL.into_iter().cycle();
    let phantom = PhantomConfig {
        n_studies,
        seed,
        copies: kinds.take(N_COPIES * Alteration::ALL.len()).collect(),
        ..PhantomConfig::default()
    };
    generate(&phantom, &rsna, &|_| {})?;
    let mut copies = Copies::new();
    for line in std::fs::read_to_string(rsna.join("phantom_truth.jsonl"))?.lines() {
        let study: StudyTruth = serde_json::from_str(line)?;
        if let (Some(of), Some(alteration)) = (study.copy_of, study.alteration) {
            copies.insert(study.study_id, (of, alteration));
        }
    }
    let input = BuildInput::rsna(&rsna, DatasetConfig::default(), &|_| {})?;
    build(input, &out, &BuildOptions::default(), &|_| {})?;
    std::fs::remove_dir_all(&rsna)?;
    Ok((copies, Dataset::open(&out)?))
}

fn report(dataset: &Dataset, copies: &Copies) -> Result<(), Box<dyn Error>> {
    let mut stdout = std::io::stdout().lock();
    let start = Instant::now();
    let found = near_duplicates(dataset)?;
    writeln!(
        stdout,
        "  {} samples compared in {:.1} s, {} pairs of them closely; {} not comparable",
        found.n_compared,
        start.elapsed().as_secs_f64(),
        found.n_close,
        found.n_not_comparable
    )?;
    let original = |study: &str| copies.get(study).map_or(study.to_owned(), |(of, _)| of.clone());
    let strangers = |pair: &&NearDuplicate| original(&pair.studies[0]) != original(&pair.studies[1]);
    for pair in found.pairs.iter().filter(strangers) {
        writeln!(stdout, "  false alarm {pair:?}")?;
    }
    // Everything that was compared closely, whatever came of it.
    let all = similar_pictures(dataset, -1.0)?.pairs;
    for alteration in Alteration::ALL {
        let mut details = Vec::new();
        let mut n = 0;
        for (copy, (of, _)) in copies.iter().filter(|(_, (_, kind))| *kind == alteration) {
            for sample in dataset
                .samples()
                .iter()
                .filter(|sample| sample.study.as_str() == copy)
            {
                let place = &sample.sample_id[copy.len()..];
                let ids = [sample.sample_id.clone(), format!("{of}{place}")];
                n += usize::from(dataset.samples().iter().any(|sample| sample.sample_id == ids[1]));
                let same = |pair: &&NearDuplicate| ids.iter().all(|id| pair.samples.contains(id));
                details.extend(all.iter().find(same).map(|pair| pair.detail_correlation));
            }
        }
        details.sort_by(f32::total_cmp);
        let n_found = details
            .iter()
            .filter(|detail| **detail > found.largest_below)
            .count();
        let at = |share: f64| {
            details
                .get((share * details.len() as f64) as usize)
                .copied()
                .unwrap_or(f32::NAN)
        };
        writeln!(
            stdout,
            "  {alteration:?}: {n_found} of {n} samples found; detail from {:.3}, 5% below {:.3}, median {:.3}",
            at(0.0),
            at(0.05),
            at(0.5)
        )?;
    }
    let mut likest: Vec<f64> = all
        .iter()
        .filter(strangers)
        .map(|pair| f64::from(pair.detail_correlation).atanh())
        .collect();
    likest.sort_by(|a, b| b.total_cmp(a));
    let (Some(nearest), Some(border)) = (likest.first(), likest.get(N_TAIL)) else {
        writeln!(
            stdout,
            "  no more than {} pairs of strangers were compared closely",
            likest.len()
        )?;
        return Ok(());
    };
    // Fisher's transform of a correlation falls off exponentially here; its maximum grows with the logarithm of the
    // number of pairs.
    let fall = likest[..N_TAIL].iter().map(|z| z - border).sum::<f64>() / N_TAIL as f64;
    let n_pairs = (N_RSNA / dataset.info().counts.studies as f64).powi(2);
    writeln!(
        stdout,
        "  strangers: detail up to {:.3}; its Fisher transform falls by e each {fall:.4}, so up to {:.3} is expected of {N_RSNA} studies",
        nearest.tanh(),
        (nearest + fall * n_pairs.ln()).tanh()
    )?;
    Ok(())
}
