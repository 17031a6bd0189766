//! Patients drawn with replacement, for what is computed from several evaluations at once.
//!
//! `lumbar_metrics::Bootstrap` resamples the measures of one set of cases. A mean over condition groups and the band
//! round a ROC curve need the same draw of patients in several places.

use crate::EvaluateOptions;
use lumbar_metrics::{Interval, IntervalMethod, MOST_UNDEFINED, Resamples, Undefined};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;

/// What `statistic` says of each draw. It is told how often each patient came up.
///
/// Each draw has its own stream of the seed and results keep their order: any number of threads gives the same.
pub(crate) fn draws<T: Send>(
    n_patients: usize,
    n_resamples: usize,
    seed: u64,
    statistic: impl Fn(&[f64]) -> T + Sync,
) -> Vec<T> {
    (0..n_resamples as u64)
        .into_par_iter()
        .map(|number| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(number);
            let mut times = vec![0.0; n_patients];
            for _ in 0..n_patients {
                times[below(&mut rng, n_patients as u64) as usize] += 1.0;
            }
            statistic(&times)
        })
        .collect()
}

/// The percentile interval of resampled values; undefined if more than 5% of them are.
pub(crate) fn percentile(
    values: impl Iterator<Item = Result<f64, Undefined>>,
    options: &EvaluateOptions,
) -> Result<Interval, Undefined> {
    let mut resamples = Resamples {
        drawn: 0,
        undefined: 0,
    };
    let mut sorted = Vec::new();
    for value in values {
        resamples.drawn += 1;
        match value {
            Ok(value) => sorted.push(value),
            Err(_) => resamples.undefined += 1,
        }
    }
    if sorted.is_empty() || resamples.undefined as f64 > MOST_UNDEFINED * resamples.drawn as f64 {
        return Err(Undefined::TooFewEvents {
            undefined: resamples.undefined,
            resamples: resamples.drawn,
        });
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let tail = 0.5 * (1.0 - options.confidence);
    Ok(Interval {
        low: quantile(&sorted, tail),
        high: quantile(&sorted, 1.0 - tail),
        level: options.confidence,
        method: IntervalMethod::Percentile,
        resamples: Some(resamples),
    })
}

/// Linear between order statistics (Hyndman and Fan's type 7), of values that are sorted and not empty.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

/// A number below `n`, each equally likely (Lemire 2019).
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
    fn each_draw_has_as_many_patients_and_any_thread_count_gives_the_same() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| draws(7, 50, 3, <[f64]>::to_vec))
        };
        let one = run(1);
        assert!(one.iter().all(|times| times.iter().sum::<f64>() == 7.0));
        assert_ne!(one[0], one[1]);
        assert_eq!(one, run(3));
    }

    #[test]
    fn the_interval_of_a_mean_is_about_as_wide_as_theory_says() {
        // Mean of 400 zeros and ones in equal number: standard error 0.025.
        let means = draws(400, 2_000, 1, |times| {
            Ok(times[..200].iter().sum::<f64>() / times.iter().sum::<f64>())
        });
        let interval = percentile(means.into_iter(), &EvaluateOptions::default()).unwrap();
        assert!(
            (interval.high - interval.low - 2.0 * 1.96 * 0.025).abs() < 0.01,
            "{interval:?}"
        );
    }

    #[test]
    fn too_many_undefined_draws_leave_no_interval() {
        let values = (0..100).map(|i| {
            if i < 6 {
                Err(Undefined::NoPositives)
            } else {
                Ok(1.0)
            }
        });
        let reason = percentile(values, &EvaluateOptions::default());
        assert_eq!(
            reason,
            Err(Undefined::TooFewEvents {
                undefined: 6,
                resamples: 100
            })
        );
    }
}
