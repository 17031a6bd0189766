//! Folds: which samples each holds out, and training several side by side.

use crate::{TrainError, TrainJob, cases::belongs, fit::Parts};
use lumbar_core::{ConditionGroup, PatientKey};
use lumbar_dataset::{Dataset, PatientLabels, SplitConfig, split};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// A fold's number, if there are folds, and its parts.
pub(crate) type Fold = (Option<u32>, Parts);

/// The samples of each fold, by patient; the data set's own split where no folds are asked for.
pub(crate) fn parts(job: &TrainJob<'_>) -> Result<Vec<Fold>, TrainError> {
    let samples = job.dataset.samples();
    let used: Vec<usize> = (0..samples.len())
        .filter(|i| belongs(&samples[*i], job.config))
        .collect();
    let Some(n_folds) = job.folds else {
        let mut parts = Parts::default();
        for i in used {
            match samples[i].assignment.part {
                lumbar_dataset::Part::Train => parts.train.push(i),
                lumbar_dataset::Part::Valid => parts.valid.push(i),
                lumbar_dataset::Part::Test => parts.test.push(i),
            }
        }
        return Ok(vec![(None, parts)]);
    };
    let labels = patient_labels(job.dataset);
    if n_folds < 2 || n_folds > labels.len() {
        let expected = format!("2 to the number of patients, {}", labels.len());
        return Err(TrainError::Config {
            key: "folds",
            found: n_folds.to_string(),
            expected,
        });
    }
    let config = SplitConfig {
        folds: n_folds,
        ..job.dataset.config().split.clone()
    };
    let held_out = split(&labels, &config, &BTreeMap::new())?;
    (0..n_folds as u32)
        .map(|fold| {
            let rest: BTreeMap<PatientKey, PatientLabels> = labels
                .iter()
                .filter(|(p, _)| held_out[*p].fold != fold)
                .map(|(p, l)| (p.clone(), l.clone()))
                .collect();
            let inner = SplitConfig {
                valid: job.config.data.validation_share,
                test: 0.0,
                ..config.clone()
            };
            let inner = SplitConfig {
                test_sites: Vec::new(),
                ..inner
            };
            let divided = split(&rest, &inner, &BTreeMap::new())?;
            let mut parts = Parts::default();
            for i in &used {
                match divided
                    .get(&samples[*i].patient)
                    .map(|assignment| assignment.part)
                {
                    None => parts.test.push(*i),
                    Some(lumbar_dataset::Part::Valid) => parts.valid.push(*i),
                    Some(_) => parts.train.push(*i),
                }
            }
            Ok((Some(fold), parts))
        })
        .collect()
}

/// Does `work` for each number below `n`, at most `at_once` at a time, and returns what came of each in order. After a
/// failure nothing new is begun; what was not begun is `None`.
pub(crate) fn side_by_side<T: Send>(
    n: usize,
    at_once: usize,
    work: impl Fn(usize) -> Result<Option<T>, TrainError> + Sync,
) -> Vec<Result<Option<T>, TrainError>> {
    let outcomes: Vec<Mutex<Result<Option<T>, TrainError>>> = (0..n).map(|_| Mutex::new(Ok(None))).collect();
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = outcomes.get(index) else {
                return;
            };
            let outcome = work(index);
            if outcome.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            *place.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
        }
    };
    // Threads of their own, not rayon's: a fold waits for its loader and its tensors, which must find rayon's free.
    std::thread::scope(|scope| {
        for _ in 1..at_once.min(n) {
            scope.spawn(worker);
        }
        worker();
    });
    outcomes
        .into_iter()
        .map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

/// Grades of each patient, a stratum for each condition group and grade; a target on two views counts once.
fn patient_labels(dataset: &Dataset) -> BTreeMap<PatientKey, PatientLabels> {
    let scheme = dataset.config().grades;
    let n_grades = scheme.n_grades();
    let mut seen = BTreeSet::new();
    let mut labels: BTreeMap<PatientKey, PatientLabels> = BTreeMap::new();
    for sample in dataset.samples() {
        let entry = labels
            .entry(sample.patient.clone())
            .or_insert_with(|| PatientLabels {
                counts: vec![0; ConditionGroup::ALL.len() * n_grades],
                ..PatientLabels::default()
            });
        entry.sites.extend(sample.site.clone());
        let grade = sample.severity.and_then(|severity| scheme.index_of(severity));
        if let Some(grade) = grade.filter(|_| seen.insert((&sample.study, sample.target))) {
            entry.counts[sample.target.condition.group().index() * n_grades + grade] += 1;
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_stand_in_order_whoever_is_first() {
        let slow_first = |index: usize| {
            std::thread::sleep(std::time::Duration::from_millis(20 * (3 - index as u64)));
            Ok(Some(index))
        };
        let outcomes = side_by_side(3, 3, slow_first);
        let values: Vec<Option<usize>> = outcomes.into_iter().map(|o| o.ok().flatten()).collect();
        assert_eq!(values, [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn nothing_is_begun_after_a_failure() {
        let bad_second = |index: usize| match index {
            1 => Err(TrainError::Diverged {
                epoch: 0,
                loss: f64::NAN,
            }),
            _ => Ok(Some(index)),
        };
        let outcomes = side_by_side(4, 1, bad_second);
        assert!(matches!(outcomes[0], Ok(Some(0))));
        assert!(outcomes[1].is_err());
        assert!(outcomes[2..].iter().all(|outcome| matches!(outcome, Ok(None))));
    }
}
