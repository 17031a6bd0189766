//! Draws with replacement.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Draws as many units as there are; `multiplicity[i]` becomes how often unit `i` came up.
///
/// Each resample has its own stream of the seed, so it does not matter which thread draws it.
pub(crate) fn with_replacement(seed: u64, number: u64, multiplicity: &mut [f64]) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    multiplicity.fill(0.0);
    let n = multiplicity.len() as u64;
    for _ in 0..n {
        multiplicity[below(&mut rng, n) as usize] += 1.0;
    }
}

/// A number below `n`, each equally likely (Lemire 2019: multiply, and reject the few that would be favoured).
fn below(rng: &mut ChaCha8Rng, n: u64) -> u64 {
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= n.wrapping_neg() % n {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_draw_has_as_many_units_and_its_own_stream() {
        let draw = |number| {
            let mut m = vec![0.0; 50];
            with_replacement(3, number, &mut m);
            m
        };
        assert_eq!(draw(0).iter().sum::<f64>(), 50.0);
        assert_eq!(draw(4), draw(4));
        assert_ne!(draw(0), draw(1));
    }

    #[test]
    fn units_come_up_equally_often() {
        let mut total = vec![0.0; 10];
        let mut m = vec![0.0; 10];
        for number in 0..10_000 {
            with_replacement(0, number, &mut m);
            total.iter_mut().zip(&m).for_each(|(t, m)| *t += m);
        }
        // Binomial(100_000, 0.1): standard deviation 95.
        assert!(total.iter().all(|t| (t - 10_000.0).abs() < 500.0), "{total:?}");
    }
}
