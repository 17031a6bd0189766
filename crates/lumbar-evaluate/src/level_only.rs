//! The level-only floor: what one would say who knows the condition and the level, and has seen no image.

use crate::Case;
use lumbar_core::{ConditionGroup, GradingScheme, Level};
use std::collections::BTreeMap;

/// How common each grade is per condition group and level, both sides together, among the very cases that are measured.
///
/// It is fitted on what it is measured on, so it says at most what the level is worth: a ceiling of that knowledge. The
/// prior of the training folds cannot serve as this floor. A fold with more severe cases than the others is predicted
/// from folds that have fewer, so pooled over folds its AUROC falls below what the level gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LevelOnly {
    shares: BTreeMap<(ConditionGroup, Level), Vec<f64>>,
}

impl LevelOnly {
    /// From cases that all have a grade.
    pub(crate) fn fitted(cases: &[&Case], scheme: GradingScheme) -> LevelOnly {
        let mut shares: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for case in cases {
            let counts = shares
                .entry(place(case))
                .or_insert_with(|| vec![0.0; scheme.n_grades()]);
            if let Some(count) = case.grade_idx.and_then(|grade| counts.get_mut(grade)) {
                *count += 1.0;
            }
        }
        for counts in shares.values_mut() {
            let n: f64 = counts.iter().sum();
            counts.iter_mut().for_each(|count| *count /= n);
        }
        LevelOnly { shares }
    }

    /// What it says of one of the cases it was fitted on.
    pub(crate) fn of(&self, case: &Case) -> &[f64] {
        let shares = self.shares.get(&place(case));
        shares.expect("a case is measured against the set it belongs to")
    }
}

fn place(case: &Case) -> (ConditionGroup, Level) {
    (case.target.condition.group(), case.target.level)
}
