//! What must hold for any data.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use lumbar_metrics::{
    Binary, Bootstrap, BootstrapMethod, Collector, Evaluation, Measure, RowSums, RsnaGroup, RsnaRow,
    RsnaTable, Undefined,
};
use proptest::prelude::*;

/// Truth, probabilities that often tie, and small whole weights of which some are 0 and the first is not.
#[derive(Debug, Clone)]
struct Cases {
    n_grades: usize,
    truth: Vec<usize>,
    probabilities: Vec<f64>,
    weights: Vec<u8>,
}

impl Cases {
    fn evaluation(&self) -> Evaluation {
        Evaluation::new(self.n_grades, &self.truth, &self.probabilities).unwrap()
    }

    fn weighted(&self, weights: &[f64]) -> Evaluation {
        self.evaluation().with_weights(weights).unwrap()
    }

    /// Each row as often as its weight says.
    fn repeated(&self) -> Evaluation {
        let rows: Vec<usize> = self
            .weights
            .iter()
            .enumerate()
            .flat_map(|(row, w)| std::iter::repeat_n(row, usize::from(*w)))
            .collect();
        self.evaluation().select(&rows)
    }

    fn relabelled(&self, new_grade: &[usize]) -> Evaluation {
        let truth: Vec<usize> = self.truth.iter().map(|t| new_grade[*t]).collect();
        let mut probabilities = vec![0.0; self.probabilities.len()];
        for (row, p) in self.probabilities.chunks_exact(self.n_grades).enumerate() {
            for (grade, p) in p.iter().enumerate() {
                probabilities[row * self.n_grades + new_grade[grade]] = *p;
            }
        }
        Evaluation::new(self.n_grades, &truth, &probabilities).unwrap()
    }
}

fn cases() -> impl Strategy<Value = Cases> {
    (2usize..=4, 1usize..=30).prop_flat_map(|(n_grades, n)| {
        let row = prop::collection::vec(0u32..6, n_grades);
        (
            prop::collection::vec(0..n_grades, n),
            prop::collection::vec(row, n),
            prop::collection::vec(0u8..4, n),
        )
            .prop_map(move |(truth, rows, mut weights)| {
                weights[0] = weights[0].max(1);
                let distribution = |row: Vec<u32>| {
                    let sum: u32 = row.iter().sum::<u32>() + n_grades as u32;
                    row.into_iter().map(move |x| f64::from(x + 1) / f64::from(sum))
                };
                Cases {
                    n_grades,
                    truth,
                    probabilities: rows.into_iter().flat_map(distribution).collect(),
                    weights,
                }
            })
    })
}

fn close(a: Result<f64, Undefined>, b: Result<f64, Undefined>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-2),
        (a, b) => a == b,
    }
}

fn assert_same(a: &Evaluation, b: &Evaluation, measures: &[Measure]) -> Result<(), TestCaseError> {
    for (x, y) in a.estimates(measures).iter().zip(b.estimates(measures)) {
        prop_assert!(
            close(x.value, y.value),
            "{}: {:?} and {:?}",
            x.measure,
            x.value,
            y.value
        );
    }
    Ok(())
}

/// The measures of a grade, under the name the grade has after relabelling.
fn follow(measure: Measure, new_grade: &[usize]) -> Measure {
    match measure {
        Measure::Precision(g) => Measure::Precision(new_grade[g]),
        Measure::Recall(g) => Measure::Recall(new_grade[g]),
        Measure::Specificity(g) => Measure::Specificity(new_grade[g]),
        Measure::F1(g) => Measure::F1(new_grade[g]),
        Measure::Auroc(g) => Measure::Auroc(new_grade[g]),
        Measure::AveragePrecision(g) => Measure::AveragePrecision(new_grade[g]),
        other => other,
    }
}

/// Measures that know nothing of the order of grades. Thresholds and grade weights do.
fn nominal(n_grades: usize) -> Vec<Measure> {
    let ordered = |m: &Measure| {
        m.is_ordinal()
            || m.to_string().contains("at_least")
            || m.to_string().contains("cumulative")
            || *m == Measure::GradeWeightedLogLoss
    };
    Measure::full_set(n_grades)
        .into_iter()
        .filter(|m| !ordered(m))
        .collect()
}

/// Breaks ties of the most probable grade, which "the lower one" settles by order.
fn without_argmax_ties(mut cases: Cases) -> Cases {
    for p in cases.probabilities.chunks_exact_mut(cases.n_grades) {
        let best = (0..p.len()).fold(0, |b, i| if p[i] > p[b] { i } else { b });
        p.iter_mut().for_each(|p| *p *= 0.99);
        p[best] += 0.01;
    }
    cases
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(cases in cases(), seed in any::<u64>()) {
        let mut rows: Vec<usize> = (0..cases.truth.len()).collect();
        rows.sort_by_key(|row| (*row as u64 + 1).wrapping_mul(seed | 1));
        let weights: Vec<f64> = cases.weights.iter().map(|w| f64::from(*w) * 0.37).collect();
        let evaluation = cases.weighted(&weights);
        assert_same(&evaluation, &evaluation.select(&rows), &Measure::full_set(cases.n_grades))?;
    }

    #[test]
    fn weight_one_is_no_weight(cases in cases()) {
        let ones = vec![1.0; cases.truth.len()];
        assert_same(&cases.evaluation(), &cases.weighted(&ones), &Measure::full_set(cases.n_grades))?;
    }

    #[test]
    fn a_whole_weight_is_a_repeated_row_and_zero_a_removed_one(cases in cases()) {
        let weights: Vec<f64> = cases.weights.iter().map(|w| f64::from(*w)).collect();
        assert_same(&cases.weighted(&weights), &cases.repeated(), &Measure::full_set(cases.n_grades))?;
    }

    #[test]
    fn only_the_ratio_of_weights_matters(cases in cases(), factor in 1e-6_f64..1e6) {
        let weights: Vec<f64> = cases.weights.iter().map(|w| f64::from(*w)).collect();
        let scaled: Vec<f64> = weights.iter().map(|w| w * factor).collect();
        assert_same(&cases.weighted(&weights), &cases.weighted(&scaled), &Measure::full_set(cases.n_grades))?;
    }

    #[test]
    fn nominal_measures_do_not_know_the_order_of_grades(cases in cases(), turn in 1usize..4, swap in any::<bool>()) {
        let cases = without_argmax_ties(cases);
        let k = cases.n_grades;
        let mut new_grade: Vec<usize> = (0..k).map(|g| (g + turn) % k).collect();
        if swap {
            new_grade.swap(0, k - 1);
        }
        let measures = nominal(k);
        let moved: Vec<Measure> = measures.iter().map(|m| follow(*m, &new_grade)).collect();
        let before = cases.evaluation().estimates(&measures);
        let after = cases.relabelled(&new_grade).estimates(&moved);
        for (x, y) in before.iter().zip(&after) {
            // Among grades that lack a value, the first one's reason is reported, and "first" is an order.
            let reasons_only = x.value.is_err() && y.value.is_err();
            prop_assert!(reasons_only || close(x.value, y.value), "{}: {:?} and {:?}", x.measure, x.value, y.value);
        }
    }

    #[test]
    fn ordinal_measures_are_the_same_when_grades_are_turned_round(cases in cases()) {
        let cases = without_argmax_ties(cases);
        let reversal: Vec<usize> = (0..cases.n_grades).rev().collect();
        let measures: Vec<Measure> =
            Measure::full_set(cases.n_grades).into_iter().filter(|m| m.is_ordinal()).collect();
        prop_assert_eq!(measures.len(), 5);
        assert_same(&cases.evaluation(), &cases.relabelled(&reversal), &measures)?;
    }

    #[test]
    fn rising_transforms_leave_auroc_and_average_precision(cases in cases()) {
        let scores: Vec<f64> = cases.probabilities.iter().step_by(cases.n_grades).copied().collect();
        let happened: Vec<bool> = cases.truth.iter().map(|t| *t == 0).collect();
        let binary = |f: fn(f64) -> f64| {
            Binary::new(&scores.iter().map(|s| f(*s)).collect::<Vec<_>>(), &happened).unwrap()
        };
        let plain = binary(|s| s);
        let rising: [fn(f64) -> f64; 4] =
            [f64::ln, |s| 8.0 * s - 100.0, |s| s.powi(3), |s| (s / (1.0 - 0.9 * s)).exp()];
        for f in rising {
            let moved = binary(f);
            prop_assert_eq!(plain.auroc(), moved.auroc());
            prop_assert_eq!(plain.average_precision(), moved.average_precision());
        }
        let turned = binary(|s| -s);
        prop_assert!(close(plain.auroc(), turned.auroc().map(|a| 1.0 - a)));
    }

    #[test]
    fn shares_are_shares_and_agreement_is_at_most_one(cases in cases()) {
        for estimate in cases.evaluation().estimates(&Measure::full_set(cases.n_grades)) {
            let Ok(value) = estimate.value else { continue };
            let (low, high) = match estimate.measure.as_str() {
                "mean_absolute_error" | "ranked_probability" => (0.0, (cases.n_grades - 1) as f64),
                "log_loss" | "log_loss_grade_weighted" => (0.0, f64::INFINITY),
                "brier" => (0.0, 2.0),
                name if name.starts_with("kappa") || name == "mcc" => (-1.0 - 1e-12, 1.0 + 1e-12),
                _ => (0.0, 1.0),
            };
            prop_assert!((low..=high).contains(&value), "{} is {}", estimate.measure, value);
        }
    }

    #[test]
    fn the_area_of_the_curve_is_the_auroc(cases in cases()) {
        let weights: Vec<f64> = cases.weights.iter().map(|w| f64::from(*w) * 0.7).collect();
        let event = cases.weighted(&weights).event(lumbar_metrics::Event::AtLeast(1));
        prop_assert!(close(event.auroc(), event.roc().map(|roc| roc.area())));
        prop_assert!(close(event.auroc(), event.roc().map(|roc| roc.simplified().area())));
    }

    #[test]
    fn feeding_cases_in_batches_changes_no_bit(cases in cases(), size in 1usize..8) {
        let k = cases.n_grades;
        let patients: Vec<usize> = (0..cases.truth.len()).map(|row| row / 3).collect();
        let collect = |size: usize| {
            let mut collector = Collector::new(k).unwrap();
            let rows = cases.truth.chunks(size).zip(cases.probabilities.chunks(size * k)).zip(patients.chunks(size));
            for ((truth, probabilities), patients) in rows {
                collector.push(truth, probabilities, patients).unwrap();
            }
            collector.finish().unwrap()
        };
        let measures = Measure::full_set(k);
        let bootstrap = Bootstrap::new(3).with_resamples(100).unwrap();
        let at_once = collect(usize::MAX / 8);
        let batched = collect(size);
        let estimates = |e: &Evaluation| serde_json::to_string(&bootstrap.estimate(e, &measures)).unwrap();
        prop_assert_eq!(estimates(&at_once), estimates(&batched));
    }
}

/// A permutation that is no reversal makes neighbours of grades that are none.
#[test]
fn ordinal_measures_change_when_grades_are_permuted() {
    let cases = Cases {
        n_grades: 3,
        truth: vec![0, 0, 1, 1, 2, 2, 0],
        probabilities: [
            [0.7, 0.2, 0.1],
            [0.2, 0.6, 0.2],
            [0.1, 0.8, 0.1],
            [0.1, 0.2, 0.7],
            [0.0, 0.1, 0.9],
            [0.7, 0.1, 0.2],
            [0.4, 0.1, 0.5],
        ]
        .concat(),
        weights: vec![1; 7],
    };
    let swapped = cases.relabelled(&[1, 0, 2]);
    let ordinal = Measure::full_set(3).into_iter().filter(|m| m.is_ordinal());
    for measure in ordinal {
        let (a, b) = (
            cases.evaluation().value(measure).unwrap(),
            swapped.value(measure).unwrap(),
        );
        assert!((a - b).abs() > 1e-3, "{measure}: {a} and {b}");
    }
    let nominal = cases.evaluation().value(Measure::Kappa).unwrap();
    assert!((nominal - swapped.value(Measure::Kappa).unwrap()).abs() < 1e-12);
}

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
        let interval = comparison.difference.interval.unwrap().unwrap();
        assert_eq!(
            (interval.low, interval.high),
            (0.0, 0.0),
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
            let mut probabilities = [0.2, 0.2, 0.2];
            probabilities[truth] += 0.4;
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
