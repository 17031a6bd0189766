//! What a share is a share of.

use crate::{Evaluation, Measure};
use std::collections::BTreeSet;

/// Clusters (or rows, where there are none or they are to be ignored) with a row in the denominator of a share; `None`
/// for a measure that is no share of rows.
pub(super) fn n_units(evaluation: &Evaluation, measure: Measure, by_cluster: bool) -> Option<usize> {
    let (truth, predicted) = (evaluation.truth(), evaluation.predicted());
    let is_of = |row: usize| match measure {
        Measure::Accuracy | Measure::AdjacentAccuracy => Some(true),
        Measure::Recall(grade) => Some(truth[row] == grade),
        Measure::Specificity(grade) => Some(truth[row] != grade),
        Measure::Precision(grade) => Some(predicted[row] == grade),
        _ => None,
    };
    let mut rows = Vec::new();
    for row in 0..evaluation.n_rows() {
        if is_of(row)? && evaluation.weight(row) > 0.0 {
            rows.push(row);
        }
    }
    match evaluation.clusters().filter(|_| by_cluster) {
        Some(clusters) => Some(
            rows.iter()
                .map(|row| clusters.of_row[*row])
                .collect::<BTreeSet<_>>()
                .len(),
        ),
        None => Some(rows.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_count_where_they_have_a_case_in_the_denominator() {
        let p = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
        let evaluation = Evaluation::new(2, &[0, 1, 1, 1], &p).unwrap();
        let evaluation = evaluation.with_clusters(&["a", "b", "b", "c"]).unwrap();
        let count = |measure, by_cluster| n_units(&evaluation, measure, by_cluster);
        assert_eq!(count(Measure::Recall(1), true), Some(2));
        assert_eq!(count(Measure::Recall(1), false), Some(3));
        assert_eq!(count(Measure::Specificity(1), true), Some(1));
        assert_eq!(count(Measure::Precision(1), true), Some(1));
        assert_eq!(count(Measure::Accuracy, true), Some(3));
        assert_eq!(count(Measure::QuadraticKappa, true), None);
        let without_b = evaluation.with_weights(&[1.0, 0.0, 0.0, 1.0]).unwrap();
        assert_eq!(n_units(&without_b, Measure::Recall(1), true), Some(1));
    }
}
