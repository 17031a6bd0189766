//! Which samples an epoch draws, in which order.

use super::{LoaderConfig, Sampling};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A draw: a sample of the dataset, and how often it was drawn before in this epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Draw {
    pub sample: usize,
    pub occurrence: u32,
}

/// The draws of an epoch: a function of indices, classes, configuration and epoch.
pub(super) fn draws(
    indices: &[usize],
    classes: &[usize],
    (config, epoch): (&LoaderConfig, u64),
) -> Vec<Draw> {
    // An order that never changes must not depend on the epoch.
    let epoch = if config.shuffle { epoch } else { 0 };
    let mut rng = rng(&[config.seed, epoch, u64::from_le_bytes(*b"order\0\0\0")]);
    let mut order: Vec<usize> = match &config.sampling {
        Sampling::Uniform => indices.to_vec(),
        Sampling::ClassBalanced => balanced(indices, classes, &mut rng),
        Sampling::Weighted(weights) => weighted(indices, weights, &mut rng),
    };
    if config.shuffle {
        order.shuffle(&mut rng);
    }
    let mut seen = vec![0u32; indices.iter().max().map_or(0, |most| most + 1)];
    order
        .into_iter()
        .map(|sample| {
            seen[sample] += 1;
            Draw {
                sample,
                occurrence: seen[sample] - 1,
            }
        })
        .collect()
}

/// A generator for a purpose, from numbers that say which.
pub(super) fn rng(parts: &[u64]) -> ChaCha8Rng {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    parts.iter().for_each(|part| hash.update(part.to_le_bytes()));
    ChaCha8Rng::from_seed(hash.finalize().into())
}

fn balanced(indices: &[usize], classes: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, class) in indices.iter().zip(classes) {
        members.entry(*class).or_default().push(*index);
    }
    let (n, n_classes) = (indices.len(), members.len());
    let mut order = Vec::with_capacity(n);
    for (k, members) in members.values().enumerate() {
        // The remainder goes to the first classes, one each.
        let n_wanted = n / n_classes + usize::from(k < n % n_classes);
        let mut cycle: Vec<usize> = Vec::new();
        for _ in 0..n_wanted {
            if cycle.is_empty() {
                cycle.clone_from(members);
                cycle.shuffle(rng);
            }
            order.extend(cycle.pop());
        }
    }
    order.shuffle(rng);
    order
}

fn weighted(indices: &[usize], weights: &[f64], rng: &mut impl Rng) -> Vec<usize> {
    let mut sum = 0.0;
    let cumulative: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    (0..indices.len())
        .filter_map(|_| {
            let at = rng.random::<f64>() * sum;
            let k = cumulative.partition_point(|end| *end <= at);
            indices.get(k.min(indices.len().saturating_sub(1))).copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn uniform_draws_each_sample_once(n in 0usize..200, seed in any::<u64>(), epoch in any::<u64>(), shuffle in any::<bool>()) {
            let indices: Vec<usize> = (0..n).map(|i| i * 3).collect();
            let config = LoaderConfig { seed, shuffle, ..LoaderConfig::default() };
            let mut found: Vec<usize> = draws(&indices, &vec![0; n], (&config, epoch)).iter().map(|d| d.sample).collect();
            if !shuffle { prop_assert_eq!(&found, &indices); }
            found.sort_unstable();
            prop_assert_eq!(found, indices);
        }

        #[test]
        fn balanced_draws_each_grade_as_often(n in 3usize..300, seed in any::<u64>()) {
            let indices: Vec<usize> = (0..n).collect();
            let classes: Vec<usize> = (0..n).map(|i| if i == 0 { 2 } else { usize::from(i % 7 == 1) }).collect();
            let config = LoaderConfig { seed, shuffle: true, sampling: Sampling::ClassBalanced, ..LoaderConfig::default() };
            let draws = draws(&indices, &classes, (&config, 1));
            prop_assert_eq!(draws.len(), n);
            for class in 0..3 {
                let count = draws.iter().filter(|d| classes[d.sample] == class).count();
                prop_assert!(count == n / 3 || count == n / 3 + 1);
            }
            // Within a grade no sample is drawn a third time before all are drawn twice.
            let mut times = vec![0usize; n];
            draws.iter().for_each(|d| times[d.sample] += 1);
            for class in 0..3 {
                let of_class: Vec<usize> = (0..n).filter(|i| classes[*i] == class).map(|i| times[i]).collect();
                prop_assert!(of_class.iter().max().unwrap() - of_class.iter().min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn epochs_differ_and_weights_are_followed() {
        let indices: Vec<usize> = (0..100).collect();
        let config = LoaderConfig {
            shuffle: true,
            ..LoaderConfig::default()
        };
        let order = |epoch| draws(&indices, &[0; 100], (&config, epoch));
        assert_eq!(order(3), order(3));
        assert_ne!(order(3), order(4));
        let mut weights = vec![0.0; 100];
        (weights[7], weights[9]) = (1.0, 3.0);
        let config = LoaderConfig {
            sampling: Sampling::Weighted(weights),
            ..LoaderConfig::default()
        };
        let drawn = draws(&indices, &[0; 100], (&config, 0));
        let nines = drawn.iter().filter(|d| d.sample == 9).count();
        assert!(
            drawn.iter().all(|d| d.sample == 7 || d.sample == 9) && (60..90).contains(&nines),
            "{nines}"
        );
        assert_eq!(
            drawn.iter().filter(|d| d.sample == 9).map(|d| d.occurrence).max(),
            Some(nines as u32 - 1)
        );
    }
}
