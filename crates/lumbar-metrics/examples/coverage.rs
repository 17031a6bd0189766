//! Do 95% intervals hold the true value 95 times in 100? Simulates it and prints the table of `benches/RESULTS-metrics.md`.
//!
//!     cargo run --release -p lumbar-metrics --example coverage -- 2000
//!
//! Each data set has 200 patients with 25 grades. A grade is a cut through a latent narrowing, of which 30% of the
//! variance is the patient's; the simulated model sees the narrowing through noise of which, again, 30% is the
//! patient's, and puts out the exact probabilities of the grades given what it sees. The true value of each measure is
//! that of 100,000 such patients.

#![expect(clippy::print_stdout, reason = "a program: its output is its purpose")]

use lumbar_metrics::{
    Bootstrap, BootstrapMethod, Estimate, Evaluation, Event, Measure, Share,
    delong::{Rows, auroc_interval},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;

const PATIENTS: usize = 200;
const GRADES_EACH: usize = 25;
/// Share of latent variance, and of the model's noise, that is the patient's.
const INTRA_PATIENT_CORRELATION: f64 = 0.3;
/// Normal/mild, moderate and severe among the graded cells of the RSNA 2024 training set: 37,754, 7,960 and 3,089 of
/// 48,803. The cuts of a standard normal that give them:
const CUTS: [f64; 2] = [0.7508, 1.5277];
/// Standard deviation of the model's noise; gives an AUROC of about 0.9.
const NOISE: f64 = 0.75;
const RESAMPLES: usize = 1_000;

const MEASURES: [Measure; 5] = [
    Measure::Accuracy,
    Measure::QuadraticKappa,
    Measure::LogLoss,
    Measure::AurocAtLeast(1),
    Measure::AurocAtLeast(2),
];

const METHODS: [&str; 4] = [
    "clustered, percentile",
    "clustered, BCa",
    "Obuchowski (AUROC only)",
    "row bootstrap (wrong)",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n_sets: u64 = std::env::args()
        .nth(1)
        .ok_or("usage: coverage DATA_SETS")?
        .parse()?;
    let population = simulate(0, 100_000);
    let truth: Vec<f64> = MEASURES
        .iter()
        .map(|m| population.value(*m))
        .collect::<Result<_, _>>()?;

    let per_set: Vec<Vec<Vec<Hit>>> = (1..=n_sets)
        .into_par_iter()
        .map(|set| {
            let evaluation = simulate(set, PATIENTS);
            intervals(&evaluation, set)
                .iter()
                .map(|estimates| hits(estimates, &truth))
                .collect()
        })
        .collect();

    println!(
        "Data sets: {n_sets}, of {PATIENTS} patients with {GRADES_EACH} grades; {RESAMPLES} resamples; nominal 95%.\n"
    );
    println!("| measure | true value | method | coverage | ± Monte-Carlo s.e. | mean width | no interval |");
    println!("|---|---|---|---|---|---|---|");
    for (m, measure) in MEASURES.iter().enumerate() {
        for (k, method) in METHODS.iter().enumerate() {
            let hits: Vec<Hit> = per_set.iter().map(|set| set[k][m]).collect();
            let widths: Vec<f64> = hits.iter().filter_map(|h| h.width).collect();
            if widths.is_empty() {
                continue;
            }
            let n = widths.len() as f64;
            let coverage = hits.iter().filter(|h| h.holds).count() as f64 / n;
            println!(
                "| `{measure}` | {:.4} | {method} | {:.1}% | {:.1}% | {:.4} | {} |",
                truth[m],
                100.0 * coverage,
                100.0 * (coverage * (1.0 - coverage) / n).sqrt(),
                widths.iter().sum::<f64>() / n,
                hits.len() - widths.len(),
            );
        }
    }
    Ok(())
}

/// Whether an interval holds the true value, and how wide it is; no width without an interval.
#[derive(Clone, Copy)]
struct Hit {
    holds: bool,
    width: Option<f64>,
}

fn hits(estimates: &[Option<Estimate>], truth: &[f64]) -> Vec<Hit> {
    let hit = |(estimate, truth): (&Option<Estimate>, &f64)| {
        let interval = estimate.as_ref().and_then(|e| e.interval).and_then(Result::ok);
        Hit {
            holds: interval.is_some_and(|i| i.contains(*truth)),
            width: interval.map(|i| i.high - i.low),
        }
    };
    estimates.iter().zip(truth).map(hit).collect()
}

/// For each method, the estimates of the measures it knows.
fn intervals(evaluation: &Evaluation, seed: u64) -> [Vec<Option<Estimate>>; 4] {
    let clustered = Bootstrap::new(seed).with_resamples(RESAMPLES).expect("enough");
    let all = |bootstrap: Bootstrap| {
        bootstrap
            .estimate(evaluation, &MEASURES)
            .into_iter()
            .map(Some)
            .collect()
    };
    let level = Share::new(0.95).expect("within 0 and 1");
    let formula = |measure: &Measure| match measure {
        Measure::AurocAtLeast(grade) => {
            auroc_interval(&evaluation.event(Event::AtLeast(*grade)), level, Rows::Clustered).ok()
        }
        _ => None,
    };
    [
        all(clustered),
        all(clustered.with_method(BootstrapMethod::Bca)),
        MEASURES.iter().map(formula).collect(),
        all(clustered.ignoring_clusters()),
    ]
}

fn simulate(stream: u64, n_patients: usize) -> Evaluation {
    let mut rng = ChaCha8Rng::seed_from_u64(2024);
    rng.set_stream(stream);
    let (shared, own) = (
        INTRA_PATIENT_CORRELATION.sqrt(),
        (1.0 - INTRA_PATIENT_CORRELATION).sqrt(),
    );
    let n = n_patients * GRADES_EACH;
    let (mut truth, mut probabilities, mut patients) = (
        Vec::with_capacity(n),
        Vec::with_capacity(3 * n),
        Vec::with_capacity(n),
    );
    for patient in 0..n_patients as u32 {
        let (narrow, noisy) = normals(&mut rng);
        for _ in 0..GRADES_EACH {
            let (e, f) = normals(&mut rng);
            let latent = shared * narrow + own * e;
            let seen = latent + NOISE * (shared * noisy + own * f);
            // What is seen leaves the latent value normal about a shrunken mean.
            let spread = 1.0 + NOISE * NOISE;
            let (mean, sd) = (seen / spread, (NOISE * NOISE / spread).sqrt());
            let below = CUTS.map(|cut| normal_cdf((cut - mean) / sd));
            truth.push(CUTS.iter().filter(|cut| latent >= **cut).count());
            probabilities.extend([below[0], below[1] - below[0], 1.0 - below[1]]);
            patients.push(patient);
        }
    }
    Evaluation::new(3, &truth, &probabilities)
        .and_then(|e| e.with_clusters(&patients))
        .expect("distributions by construction")
}

fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Two independent standard normal numbers (Box and Muller).
fn normals(rng: &mut ChaCha8Rng) -> (f64, f64) {
    // 53 bits, shifted off zero.
    let mut uniform = || ((rng.next_u64() >> 11) as f64 + 0.5) / 2_f64.powi(53);
    let radius = (-2.0 * uniform().ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * uniform()).sin_cos();
    (radius * cos, radius * sin)
}
