//! What must hold for intervals by drawing patients again.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::close;
use lumbar_metrics::{
    Bootstrap, BootstrapMethod, Evaluation, IntervalMethod, Measure, RowSums, RsnaGroup, RsnaRow, RsnaTable,
    Share, Undefined,
};

/// 60 patients with 5 grades each; `order` says in which order the rows come.
fn clustered(order: &dyn Fn(usize) -> usize) -> Evaluation {
    let n = 300;
    let (mut truth, mut probabilities, mut patients) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        let row = order(i);
        let noise = ((row * 7919) % 101) as f64 / 101.0;
        let t = (row * 31 + row / 7) % 3;
        let p = [0.2 + 0.3 * noise, 0.3, 0.5 - 0.3 * noise];
        let mut p = p.map(|p| 0.9 * p);
        p[t] += 0.1;
        truth.push(t);
        probabilities.extend(p);
        patients.push(format!("patient {}", row / 5));
    }
    Evaluation::new(3, &truth, &probabilities)
        .unwrap()
        .with_clusters(&patients)
        .unwrap()
}

fn bits(bootstrap: &Bootstrap, evaluation: &Evaluation) -> Vec<Option<(u64, u64)>> {
    let estimates = bootstrap.estimate(evaluation, &Measure::full_set(3));
    let ends = |e: &lumbar_metrics::Estimate| {
        e.interval
            .and_then(Result::ok)
            .map(|i| (i.low.to_bits(), i.high.to_bits()))
    };
    estimates.iter().map(ends).collect()
}

#[test]
fn the_number_of_threads_changes_no_bit_of_an_interval() {
    let evaluation = clustered(&|i| i);
    for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
        let bootstrap = Bootstrap::new(5).with_resamples(200).unwrap().with_method(method);
        let with_threads = |n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| bits(&bootstrap, &evaluation))
        };
        let one = with_threads(1);
        assert!(one.iter().filter(|i| i.is_some()).count() > 40);
        for n in [2, 3, 7] {
            assert_eq!(one, with_threads(n), "{n} threads");
        }
    }
}

/// Enough rows for the values themselves to be computed in parallel.
#[test]
fn the_number_of_threads_changes_no_bit_of_a_value() {
    let few = clustered(&|i| i);
    let rows: Vec<usize> = (0..12_000).map(|i| i * 7 % 300).collect();
    let many = few.select(&rows);
    let without_bins: Vec<Measure> = Measure::full_set(3)
        .into_iter()
        .filter(|measure| !matches!(measure, Measure::Ece(_)))
        .collect();
    for measures in [&without_bins, &Measure::full_set(3)] {
        let with_threads = |n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            let estimates = pool.install(|| many.estimates(measures));
            estimates
                .into_iter()
                .map(|e| e.value.map(f64::to_bits))
                .collect::<Vec<_>>()
        };
        assert_eq!(with_threads(1), with_threads(2));
        assert_eq!(with_threads(1), with_threads(5));
    }
}

#[test]
fn the_seed_decides_and_the_order_of_rows_does_not() {
    let bootstrap = Bootstrap::new(5).with_resamples(200).unwrap();
    let (forward, backward) = (clustered(&|i| i), clustered(&|i| 299 - i));
    let interval = |b: &Bootstrap, e| {
        b.estimate(e, &[Measure::QuadraticKappa])[0]
            .interval
            .unwrap()
            .unwrap()
    };
    let (a, b) = (interval(&bootstrap, &forward), interval(&bootstrap, &backward));
    assert!((a.low - b.low).abs() < 1e-12 && (a.high - b.high).abs() < 1e-12);
    let other = interval(&Bootstrap::new(6).with_resamples(200).unwrap(), &forward);
    assert_ne!(a.low, other.low);
}

#[test]
fn a_resample_equals_the_rows_it_repeats() {
    let evaluation = clustered(&|i| i);
    // Patient 3 twice, patient 7 not at all, by hand and by weight.
    let times = |row: usize| match row / 5 {
        3 => 2,
        7 => 0,
        _ => 1,
    };
    let rows: Vec<usize> = (0..300)
        .flat_map(|row| std::iter::repeat_n(row, times(row)))
        .collect();
    let weights: Vec<f64> = (0..300).map(|row| times(row) as f64).collect();
    let by_weight = evaluation.clone().with_weights(&weights).unwrap();
    let repeated = evaluation.select(&rows);
    for (a, b) in by_weight
        .estimates(&Measure::full_set(3))
        .iter()
        .zip(repeated.estimates(&Measure::full_set(3)))
    {
        assert!(close(a.value, b.value), "{}", a.measure);
    }
}

#[test]
fn a_model_compared_with_itself_differs_by_nothing() {
    let evaluation = clustered(&|i| i);
    let bootstrap = Bootstrap::new(1).with_resamples(100).unwrap();
    for comparison in bootstrap
        .compare(&evaluation, &evaluation, &Measure::full_set(3))
        .unwrap()
    {
        assert_eq!(comparison.difference.value, Ok(0.0), "{}", comparison.a.measure);
        // Nothing varies, which is no interval of zero width.
        assert_eq!(
            comparison.difference.interval,
            Some(Err(Undefined::NoVariation)),
            "{}",
            comparison.a.measure
        );
        assert_eq!(comparison.excludes_zero(), Some(false));
    }
    let other = evaluation.clone().with_weights(&[2.0; 300]).unwrap();
    assert!(
        bootstrap
            .compare(&evaluation, &other, &[Measure::Accuracy])
            .is_err()
    );
}

#[test]
fn pairing_makes_a_difference_narrower_than_its_parts() {
    let evaluation = clustered(&|i| i);
    // The same model, a little surer of everything.
    let p: Vec<f64> = evaluation
        .probabilities()
        .chunks_exact(3)
        .flat_map(|p| {
            let squared: Vec<f64> = p.iter().map(|p| p.powf(1.2)).collect();
            let sum: f64 = squared.iter().sum();
            squared.into_iter().map(move |p| p / sum)
        })
        .collect();
    let keys: Vec<usize> = (0..300).map(|row| row / 5).collect();
    let a = Evaluation::new(3, evaluation.truth(), evaluation.probabilities())
        .unwrap()
        .with_clusters(&keys)
        .unwrap();
    let b = Evaluation::new(3, evaluation.truth(), &p)
        .unwrap()
        .with_clusters(&keys)
        .unwrap();
    let bootstrap = Bootstrap::new(2).with_resamples(400).unwrap();
    let width = |i: lumbar_metrics::Interval| i.high - i.low;
    let comparison = &bootstrap.compare(&a, &b, &[Measure::LogLoss]).unwrap()[0];
    let alone = bootstrap.estimate(&a, &[Measure::LogLoss])[0]
        .interval
        .unwrap()
        .unwrap();
    let difference = comparison.difference.interval.unwrap().unwrap();
    assert!(
        width(difference) < 0.5 * width(alone),
        "{} {}",
        width(difference),
        width(alone)
    );
    assert_eq!(comparison.excludes_zero(), Some(true));
}

#[test]
fn few_events_leave_no_interval_and_say_how_many_resamples_were_undefined() {
    // One of 40 patients is severe: about 36% of resamples have none.
    let truth: Vec<usize> = (0..40).map(|i| if i == 0 { 2 } else { i % 2 }).collect();
    let p: Vec<f64> = (0..40)
        .flat_map(|i| {
            if i % 3 == 0 {
                [0.2, 0.3, 0.5]
            } else {
                [0.5, 0.3, 0.2]
            }
        })
        .collect();
    let keys: Vec<usize> = (0..40).collect();
    let evaluation = Evaluation::new(3, &truth, &p)
        .unwrap()
        .with_clusters(&keys)
        .unwrap();
    let bootstrap = Bootstrap::new(0).with_resamples(1000).unwrap();
    let measures = [Measure::Auroc(2), Measure::MacroAuroc, Measure::AurocAtLeast(1)];
    let estimates = bootstrap.estimate(&evaluation, &measures);
    let undefined = |i: usize| match estimates[i].interval {
        Some(Err(Undefined::TooFewEvents {
            undefined,
            resamples: 1000,
        })) => undefined,
        ref other => panic!("{other:?}"),
    };
    assert!((300..430).contains(&undefined(0)), "{}", undefined(0));
    // A macro average over two of three grades is not the average that was asked for.
    assert_eq!(undefined(0), undefined(1));
    let fine = estimates[2].interval.unwrap().unwrap();
    assert_eq!(fine.resamples.unwrap().undefined, 0);
}

#[test]
fn one_patient_has_no_interval() {
    let evaluation = Evaluation::new(2, &[0, 1], &[0.9, 0.1, 0.2, 0.8])
        .unwrap()
        .with_clusters(&["a", "a"])
        .unwrap();
    let estimate = &Bootstrap::new(0).estimate(&evaluation, &[Measure::Accuracy])[0];
    assert_eq!(
        estimate.interval,
        Some(Err(Undefined::TooFewClusters { found: 1 }))
    );
    assert_eq!(estimate.value, Ok(1.0));
}

#[test]
fn what_does_not_vary_has_no_interval_of_zero_width() {
    // Every case is called grade 0, as a network does that has learnt nothing: twelve patients, one severe case each.
    let truth: Vec<usize> = (0..60).map(|i| if i % 5 == 0 { 2 } else { 0 }).collect();
    let patients: Vec<usize> = (0..60).map(|i| i / 5).collect();
    let evaluation = Evaluation::new(3, &truth, &[0.8, 0.1, 0.1].repeat(60))
        .unwrap()
        .with_clusters(&patients)
        .unwrap();
    let measures = [
        Measure::Recall(2),
        Measure::Specificity(2),
        Measure::QuadraticKappa,
        Measure::Auroc(2),
    ];
    for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
        let bootstrap = Bootstrap::new(3).with_method(method);
        let estimates = bootstrap.estimate(&evaluation, &measures);
        let expected = [wilson(0.0, 12.0), wilson(12.0, 12.0)];
        for (estimate, expected) in estimates.iter().zip(expected) {
            let interval = estimate.interval.unwrap().unwrap();
            assert_eq!((interval.low, interval.high), expected, "{estimate}");
            assert_eq!(interval.method, IntervalMethod::WilsonClusters);
        }
        for estimate in &estimates[2..] {
            assert_eq!(estimate.interval, Some(Err(Undefined::NoVariation)), "{estimate}");
        }
    }
}

fn wilson(events: f64, total: f64) -> (f64, f64) {
    let interval = lumbar_metrics::wilson(events, total, Share::new(0.95).unwrap()).unwrap();
    (interval.low, interval.high)
}

#[test]
fn rsna_intervals_draw_studies_and_hold_the_score() {
    let mut rows = Vec::new();
    let names: Vec<String> = (0..80).map(|i| format!("study {i}")).collect();
    for (i, study) in names.iter().enumerate() {
        for (j, group) in RsnaGroup::ALL.into_iter().cycle().take(25).enumerate() {
            let truth = if (i * 25 + j * 3) % 17 == 0 {
                2
            } else {
                (i + j) % 2
            };
            let right = 0.4 + 0.05 * ((i + j) % 9) as f64;
            let mut probabilities = [0.5 * (1.0 - right); 3];
            probabilities[truth] = right;
            rows.push(RsnaRow {
                study,
                group,
                truth,
                probabilities,
            });
        }
    }
    let table = RsnaTable::new(&rows, RowSums::AsGiven).unwrap();
    assert_eq!((table.n_rows(), table.n_studies()), (2000, 80));
    let bootstrap = Bootstrap::new(9).with_resamples(500).unwrap();
    for estimate in table.estimate(&bootstrap) {
        let interval = estimate.interval.unwrap().unwrap();
        assert!(interval.contains(estimate.value.unwrap()), "{estimate}");
    }
    for comparison in table.compare(&table, &bootstrap).unwrap() {
        assert_eq!(comparison.difference.value, Ok(0.0));
        assert_eq!(comparison.excludes_zero(), Some(false));
    }
    assert!(
        table
            .compare(&RsnaTable::new(&rows[1..], RowSums::AsGiven).unwrap(), &bootstrap)
            .is_err()
    );
}
