//! What must hold for any data.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::close;
use lumbar_metrics::{Binary, Bootstrap, Collector, Evaluation, Measure};
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
    fn agreement_does_not_know_which_of_the_two_is_the_truth(cases in cases()) {
        let called = cases.evaluation();
        let turned = Evaluation::new(cases.n_grades, called.predicted(), &cases.probabilities)
            .unwrap()
            .with_predicted(&cases.truth)
            .unwrap();
        use Measure::*;
        let symmetric = [
            Accuracy, AdjacentAccuracy, MeanAbsoluteError, MacroF1, MicroF1, Kappa, LinearKappa, QuadraticKappa, Mcc,
        ];
        assert_same(&called, &turned, &symmetric)?;
        for grade in 0..cases.n_grades {
            assert_same(&called, &turned, &[F1(grade)])?;
            // What is precision of one is recall of the other; only their reasons differ.
            let (precision, recall) = (called.value(Precision(grade)), turned.value(Recall(grade)));
            prop_assert!(close(precision, recall) || (precision.is_err() && recall.is_err()));
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

    /// The same of an evaluation, which ranks its rows another way.
    #[test]
    fn rising_transforms_of_a_grades_probability_leave_its_ranking(cases in cases()) {
        let happened: Vec<usize> = cases.truth.iter().map(|t| usize::from(*t > 0)).collect();
        let p: Vec<f64> = cases.probabilities.iter().step_by(cases.n_grades).map(|p| 1.0 - p).collect();
        let of_two_grades = |f: fn(f64) -> f64| {
            let rows: Vec<f64> = p.iter().flat_map(|p| [1.0 - f(*p), f(*p)]).collect();
            Evaluation::new(2, &happened, &rows).unwrap()
        };
        let rising: [fn(f64) -> f64; 3] = [|p| p.powi(3), f64::sqrt, |p| 0.5 + p * 2f64.powi(-30)];
        let ranking = [
            Measure::Auroc(0),
            Measure::Auroc(1),
            Measure::MacroAuroc,
            Measure::AurocAtLeast(1),
            Measure::AveragePrecision(1),
        ];
        for f in rising {
            let values = |e: &Evaluation| ranking.map(|measure| e.value(measure));
            prop_assert_eq!(values(&of_two_grades(|p| p)), values(&of_two_grades(f)));
        }
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
