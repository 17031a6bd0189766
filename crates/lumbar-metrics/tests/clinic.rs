//! Operating points, subgroups, risk, decisions and conformal sets.

use lumbar_metrics::{
    Binary, Bootstrap, Evaluation, Measure, Share, Undefined,
    calibration::CalibrationError,
    clinic::{
        At, Conformal, Conformity, DecisionCurve, OperatingPoint, Risk, RiskCoverage, SubgroupColumn,
        subgroups,
    },
};

#[expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / 2_f64.powi(53)
    }
}

#[expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
fn scored(n: usize, seed: u64) -> Binary {
    let mut random = Random(seed);
    let happened: Vec<bool> = (0..n).map(|_| random.next() < 0.3).collect();
    // Rounded, so that scores tie.
    let score = |h: &bool| ((random.next() + f64::from(u8::from(*h)) * 0.4) * 50.0).round() / 50.0;
    let scores: Vec<f64> = happened.iter().map(score).collect();
    let patients: Vec<usize> = (0..n).map(|row| row / 4).collect();
    Binary::new(&scores, &happened)
        .unwrap()
        .with_clusters(&patients)
        .unwrap()
}

#[test]
fn operating_points_are_the_best_points_of_the_roc_curve() {
    for seed in 0..20 {
        let cases = scored(120, seed);
        let roc = cases.roc().unwrap();
        for least in [0.0, 0.5, 0.8, 0.9, 1.0] {
            let found = OperatingPoint::of(&cases, At::Specificity(share(least))).unwrap();
            let within = roc.points.iter().filter(|p| 1.0 - p.false_positive_rate >= least);
            let best = within.map(|p| p.true_positive_rate).fold(0.0, f64::max);
            assert!(found.specificity >= least);
            assert!((found.sensitivity - best).abs() < 1e-12, "specificity {least}");

            let found = OperatingPoint::of(&cases, At::Sensitivity(share(least))).unwrap();
            let within = roc.points.iter().filter(|p| p.true_positive_rate >= least);
            let best = within.map(|p| 1.0 - p.false_positive_rate).fold(0.0, f64::max);
            assert!(found.sensitivity >= least);
            assert!((found.specificity - best).abs() < 1e-12, "sensitivity {least}");
        }
        // The threshold that was found gives the same point when it is held.
        let found = OperatingPoint::of(&cases, At::Specificity(share(0.8))).unwrap();
        if let Some(threshold) = found.threshold {
            assert_eq!(
                OperatingPoint::of(&cases, At::Threshold(threshold)).unwrap(),
                found
            );
        }
        assert!(found.sensitivity_interval.contains(found.sensitivity));
    }
}

#[test]
fn operating_points_without_an_event_are_undefined() {
    let none = Binary::new(&[0.1, 0.2], &[false, false]).unwrap();
    let at = At::Specificity(share(0.9));
    assert_eq!(OperatingPoint::of(&none, at), Err(Undefined::NoPositives));
    let all = Binary::new(&[0.1, 0.2], &[true, true]).unwrap();
    assert_eq!(OperatingPoint::of(&all, at), Err(Undefined::NoNegatives));
    let never = Binary::new(&[0.1, 0.2], &[false, true]).unwrap();
    let point = OperatingPoint::of(&never, At::Threshold(0.9)).unwrap();
    assert_eq!((point.sensitivity, point.specificity), (0.0, 1.0));
    assert_eq!(point.positive_predictive_value, Err(Undefined::NeverPredicted));
    assert_eq!(point.negative_predictive_value, Ok(0.5));
}

#[test]
fn intervals_of_operating_points_draw_patients_and_seek_the_threshold_anew() {
    let cases = scored(400, 3);
    let bootstrap = Bootstrap::new(1).with_resamples(300).unwrap();
    let at = At::Specificity(share(0.9));
    let estimates = OperatingPoint::estimates(&cases, at, &bootstrap);
    let names: Vec<&str> = estimates.iter().map(|e| e.measure.as_str()).collect();
    assert_eq!(
        names,
        [
            "sensitivity",
            "specificity",
            "positive_predictive_value",
            "negative_predictive_value"
        ]
    );
    let point = OperatingPoint::of(&cases, at).unwrap();
    assert_eq!(estimates[0].value, Ok(point.sensitivity));
    assert_eq!(estimates[0].n_clusters, Some(100));
    let sensitivity = estimates[0].interval.unwrap().unwrap();
    assert!(sensitivity.low < point.sensitivity && point.sensitivity < sensitivity.high);
    // The specificity sought is reached in every resample.
    assert!(estimates[1].interval.unwrap().unwrap().low >= 0.9);
}

#[test]
fn subgroups_cover_all_rows_with_counts_and_intervals_and_suppress_few() {
    let n = 200;
    let mut random = Random(5);
    let truth: Vec<usize> = (0..n).map(|_| (random.next() * 3.0) as usize).collect();
    let p: Vec<f64> = truth
        .iter()
        .flat_map(|t| (0..3).map(move |g| if g == *t { 0.5 } else { 0.25 }))
        .collect();
    let patients: Vec<usize> = (0..n).map(|row| row / 5).collect();
    let site: Vec<&str> = patients
        .iter()
        .map(|p| if *p < 3 { "small" } else { "large" })
        .collect();
    let evaluation = Evaluation::new(3, &truth, &p)
        .unwrap()
        .with_clusters(&patients)
        .unwrap();
    let column = SubgroupColumn {
        name: "site",
        values: &site,
        minimum: 5,
    };
    let bootstrap = Bootstrap::new(1).with_resamples(100).unwrap();
    let measures = [Measure::Accuracy, Measure::MacroAuroc];
    let groups = subgroups(&evaluation, column, &measures, Some(&bootstrap)).unwrap();
    let shape: Vec<_> = groups
        .iter()
        .map(|g| (g.value.as_str(), g.n, g.n_clusters))
        .collect();
    assert_eq!(shape, [("large", 185, Some(37)), ("small", 15, Some(3))]);
    assert_eq!(groups[0].estimates[0].value, Ok(1.0));
    assert!(matches!(groups[0].estimates[0].interval, Some(Ok(_))));
    // Three patients are too few, although fifteen rows are not.
    for estimate in &groups[1].estimates {
        assert_eq!(estimate.value, Err(Undefined::Suppressed { n: 3, minimum: 5 }));
    }
    let short = SubgroupColumn {
        name: "site",
        values: &site[1..],
        minimum: 5,
    };
    assert!(subgroups(&evaluation, short, &measures, None).is_err());
}

#[test]
fn keeping_the_sure_cases_is_less_wrong_and_all_of_them_is_the_error_rate() {
    let mut random = Random(9);
    let n = 3_000;
    let p: Vec<f64> = (0..n).map(|_| 0.5 + 0.5 * random.next()).collect();
    let truth: Vec<usize> = p.iter().map(|p| usize::from(random.next() > *p)).collect();
    let rows: Vec<f64> = p.iter().flat_map(|p| [*p, 1.0 - p]).collect();
    let evaluation = Evaluation::new(2, &truth, &rows).unwrap();
    let curve = RiskCoverage::of_evaluation(&evaluation, Risk::Error).unwrap();
    let error_rate = 1.0 - evaluation.value(Measure::Accuracy).unwrap();
    assert!((curve.risk_at(1.0).unwrap() - error_rate).abs() < 1e-12);
    assert!(curve.risk_at(0.2).unwrap() < 0.5 * error_rate);
    assert!(curve.area() < error_rate);
    assert_eq!(curve.risk_at(1.1), None);
    assert_eq!(RiskCoverage::of(&[], &[]).unwrap(), Err(Undefined::NoCases));
    assert!(RiskCoverage::of(&[0.1], &[f64::NAN]).is_err());
}

#[test]
fn a_decision_curve_starts_at_treating_all() {
    let cases = scored(200, 4);
    let thresholds: Vec<Share> = (0..=10).map(|i| share(f64::from(i) / 10.0)).collect();
    let curve = DecisionCurve::of(&cases, &thresholds).unwrap();
    assert_eq!(curve.points.len(), 10, "a threshold of 1 has infinite odds");
    assert_eq!(curve.points[0].model, curve.points[0].all);
    assert!(curve.points.iter().any(|p| p.model > p.all.max(0.0)));
    let nothing = Binary::new(&[], &[]).unwrap();
    assert_eq!(DecisionCurve::of(&nothing, &thresholds), Err(Undefined::NoCases));
}

/// One row per patient, so that rows are exchangeable; the model is not calibrated, which the promise survives.
#[expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
fn exchangeable(n: usize, first: usize) -> Evaluation {
    let mut random = Random(first as u64 + 17);
    let (mut truth, mut p) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let t = (random.next() * 3.0) as usize;
        let mut row = [random.next(), random.next(), random.next()].map(|x| x.powi(4) + 1e-3);
        row[t] += 0.3 * random.next();
        let sum: f64 = row.iter().sum();
        truth.push(t);
        p.extend(row.map(|x| x / sum));
    }
    let keys: Vec<usize> = (first..first + n).collect();
    Evaluation::new(3, &truth, &p)
        .unwrap()
        .with_clusters(&keys)
        .unwrap()
}

#[test]
fn conformal_sets_keep_their_promise_and_are_smaller_when_it_is_smaller() {
    for conformity in [Conformity::Probability, Conformity::Ordinal] {
        let mut last_size = 0.0;
        for promise in [0.5, 0.8, 0.9, 0.95] {
            // Mean over repetitions: the promise is on average over calibration sets.
            let (mut coverage, mut size) = (0.0, 0.0);
            let repetitions = 60;
            for i in 0..repetitions {
                let calibration = exchangeable(199, 10_000 * (2 * i + 1));
                let conformal = Conformal::fit(&calibration, share(promise), conformity).unwrap();
                let sets = conformal.sets(&exchangeable(500, 10_000 * (2 * i + 2))).unwrap();
                coverage += sets.coverage().unwrap() / f64::from(repetitions as u32);
                size += sets.mean_size().unwrap() / f64::from(repetitions as u32);
            }
            // 60 × 500 rows, and bounds from 199: three standard errors are about 0.015.
            assert!(coverage > promise - 0.015, "{conformity:?} {promise}: {coverage}");
            if conformity == Conformity::Probability {
                assert!(coverage < promise + 0.015, "{promise}: {coverage}");
            }
            assert!(size >= last_size);
            last_size = size;
        }
    }
}

#[test]
fn ordinal_sets_have_no_holes() {
    let conformal = Conformal::fit(&exchangeable(300, 0), share(0.9), Conformity::Ordinal).unwrap();
    let sets = conformal.sets(&exchangeable(1_000, 50_000)).unwrap();
    for row in 0..1_000 {
        let grades = sets.grades(row);
        assert!(grades.windows(2).all(|pair| pair[1] == pair[0] + 1), "{grades:?}");
        assert!(!grades.is_empty());
    }
    let by_grade: Vec<f64> = (0..3).map(|g| sets.coverage_of(g).unwrap()).collect();
    assert!(by_grade.iter().all(|c| *c > 0.7), "{by_grade:?}");
    assert_eq!(sets.coverage_of(3), Err(Undefined::NoPositives));
}

#[test]
fn conformal_sets_of_the_calibration_split_are_refused_and_too_few_rows_bound_nothing() {
    let calibration = exchangeable(8, 0);
    let conformal = Conformal::fit(&calibration, share(0.9), Conformity::Probability).unwrap();
    assert_eq!(conformal.bound(), None, "the 9th smallest of 8 does not exist");
    assert_eq!(conformal.set(&[1.0, 0.0, 0.0]), [true; 3]);
    assert_eq!(
        conformal.sets(&calibration),
        Err(CalibrationError::SharedClusters { n: 8 })
    );
    let binary = Evaluation::new(2, &[0], &[0.5, 0.5]).unwrap();
    assert_eq!(
        conformal.sets(&binary),
        Err(CalibrationError::Grades {
            expected: 3,
            found: 2
        })
    );
}
