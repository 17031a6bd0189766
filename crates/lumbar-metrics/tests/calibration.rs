//! Calibration: what is fitted, where it may be applied, and what it does.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use lumbar_metrics::{
    Binary, Binning, EceOf, Evaluation, InputError, Measure, Undefined,
    calibration::{CalibrationError, Reliability, ScoreMap, Temperature},
};

/// `n` rows of a model that is right as often as its probabilities, raised to `power`, say.
fn split(n: usize, first_patient: usize, power: f64) -> Evaluation {
    let mut state = first_patient as u64 + 1;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2_f64.powi(53)
    };
    let (mut truth, mut p) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let raw = [0.1 + random(), 0.1 + random(), 0.1 + random()].map(|x| x.powi(3));
        let sum: f64 = raw.iter().sum();
        let honest = raw.map(|x| x / sum);
        let u = random();
        truth.push(if u < honest[0] {
            0
        } else if u < honest[0] + honest[1] {
            1
        } else {
            2
        });
        let bent = honest.map(|x| x.powf(power));
        let sum: f64 = bent.iter().sum();
        p.extend(bent.map(|x| x / sum));
    }
    let patients: Vec<usize> = (0..n).map(|row| first_patient + row / 5).collect();
    Evaluation::new(3, &truth, &p)
        .unwrap()
        .with_clusters(&patients)
        .unwrap()
}

#[test]
fn temperature_undoes_overconfidence_on_other_patients() {
    let (validation, test) = (split(20_000, 0, 2.0), split(20_000, 100_000, 2.0));
    let temperature = Temperature::fit(&validation).unwrap();
    assert!(
        (temperature.temperature() - 2.0).abs() < 0.05,
        "{}",
        temperature.temperature()
    );
    let calibrated = temperature.apply(&test).unwrap();
    let ece = |e: &Evaluation| e.ece(EceOf::TopLabel, Binning::EqualWidth(15)).unwrap();
    assert!(
        ece(&test) > 0.05 && ece(&calibrated) < 0.015,
        "{} {}",
        ece(&test),
        ece(&calibrated)
    );
    let loss = |e: &Evaluation| e.value(Measure::LogLoss).unwrap();
    assert!(loss(&calibrated) < loss(&test));
    // One number cannot change which grade is the most probable, nor any patient's row.
    assert_eq!(calibrated.value(Measure::Accuracy), test.value(Measure::Accuracy));
    assert_eq!(calibrated.truth(), test.truth());
}

#[test]
fn the_fitted_temperature_has_the_least_loss() {
    let validation = split(2_000, 0, 0.7);
    let temperature = Temperature::fit(&validation).unwrap();
    let loss_at = |factor: f64| {
        let exponent = factor / temperature.temperature();
        let mut p: Vec<f64> = validation
            .probabilities()
            .iter()
            .map(|p| p.powf(exponent))
            .collect();
        lumbar_metrics::normalise_rows(&mut p, 3).unwrap();
        Evaluation::new(3, validation.truth(), &p)
            .unwrap()
            .value(Measure::LogLoss)
            .unwrap()
    };
    assert!(loss_at(1.0) < loss_at(0.99) && loss_at(1.0) < loss_at(1.01));
}

#[test]
fn fitting_and_judging_on_one_split_is_an_error() {
    let validation = split(100, 0, 2.0);
    let temperature = Temperature::fit(&validation).unwrap();
    assert_eq!(
        temperature.apply(&validation),
        Err(CalibrationError::SharedClusters { n: 20 })
    );
    // One shared patient is enough.
    let overlap = split(100, 19, 2.0);
    assert_eq!(
        temperature.apply(&overlap),
        Err(CalibrationError::SharedClusters { n: 1 })
    );
    assert!(temperature.apply(&split(100, 20, 2.0)).is_ok());
    // Without patients, the very same rows are still recognised.
    let anonymous = Evaluation::new(3, validation.truth(), validation.probabilities()).unwrap();
    let fitted = Temperature::fit(&anonymous).unwrap();
    assert_eq!(fitted.apply(&anonymous), Err(CalibrationError::SameRows));
    // New cases without truth are calibrated row by row.
    let mut rows = [0.9, 0.05, 0.05];
    temperature.apply_to_rows(&mut rows, 3).unwrap();
    assert!(rows[0] < 0.9 && (rows.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn without_a_minimum_there_is_no_temperature() {
    let fit = |truth: &[usize]| {
        let p = [0.8, 0.2, 0.3, 0.7];
        Temperature::fit(&Evaluation::new(2, truth, &p).unwrap()).unwrap_err()
    };
    assert_eq!(fit(&[0, 1]), CalibrationError::NoOptimum); // always right: surer is always better
    assert_eq!(fit(&[1, 0]), CalibrationError::NoOptimum); // always wrong: less sure is always better
    let nothing = Evaluation::new(2, &[], &[]).unwrap();
    assert_eq!(Temperature::fit(&nothing).unwrap_err(), Undefined::NoCases.into());
}

#[test]
fn the_score_map_has_the_least_weighted_loss_and_an_exact_inverse() {
    // Honest probabilities: what the weights reward is q, not p.
    let honest = split(200_000, 0, 1.0);
    let map = ScoreMap::rsna();
    let mut q = honest.probabilities().to_vec();
    map.to_score(&mut q).unwrap();
    let weighted = |p: &[f64]| {
        let evaluation = Evaluation::new(3, honest.truth(), p).unwrap();
        evaluation.value(Measure::GradeWeightedLogLoss).unwrap()
    };
    let best = weighted(&q);
    assert!(best < weighted(honest.probabilities()) - 0.01);
    for bent in [0.9, 1.1] {
        let mut other: Vec<f64> = q.iter().map(|q| q.powf(bent)).collect();
        lumbar_metrics::normalise_rows(&mut other, 3).unwrap();
        assert!(best < weighted(&other));
    }
    map.to_natural(&mut q).unwrap();
    for (back, p) in q.iter().zip(honest.probabilities()) {
        assert!((back - p).abs() < 1e-14);
    }
    assert!(matches!(
        ScoreMap::new(&[1.0, 0.0]),
        Err(InputError::Weight { index: 1, .. })
    ));
    assert!(map.to_score(&mut [0.5, 0.5]).is_err());
}

#[test]
fn a_reliability_diagram_of_honest_probabilities_follows_the_diagonal() {
    let honest = split(50_000, 0, 1.0);
    for grade in 0..3 {
        let cases = honest.event(lumbar_metrics::Event::Grade(grade));
        let reliability = Reliability::of(&cases, Binning::EqualMass(10)).unwrap();
        assert_eq!(reliability.bins.len(), 10);
        let inside = reliability
            .bins
            .iter()
            .filter(|bin| bin.interval.contains(bin.predicted))
            .count();
        assert!(
            inside >= 7,
            "grade {grade}: {inside} of 10 95% intervals hold the prediction"
        );
        for (bin, next) in reliability.bins.iter().zip(&reliability.bins[1..]) {
            assert!((bin.weight - 5_000.0).abs() < 1.0 && bin.highest <= next.lowest);
        }
    }
}

#[test]
fn a_diagram_needs_probabilities_and_may_have_nothing_to_show() {
    let scores = Binary::new(&[0.5, 1.5], &[true, false]).unwrap();
    assert!(matches!(
        Reliability::of(&scores, Binning::EqualWidth(10)),
        Err(InputError::Probability { row: 1, .. })
    ));
    let nothing = Reliability::of(&Binary::new(&[], &[]).unwrap(), Binning::EqualWidth(10)).unwrap();
    assert!(nothing.bins.is_empty());
    assert_eq!(nothing.expected_error(), Err(Undefined::NoCases));
    assert_eq!(nothing.maximum_error(), Err(Undefined::NoCases));
}
