//! One view against another, on the targets graded from both.

use crate::{
    Case, Cases, EvaluateError, Scope,
    level_only::LevelOnly,
    measured::{Measured, Predictor},
};
use lumbar_core::{Condition, ConditionGroup, GradingScheme, Plane, SeriesKind};
use lumbar_metrics::{Bootstrap, Comparison, Estimate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A sagittal view and the axial one on the same graded targets, paired by patient.
///
/// Both are predicted by models trained on their own view, so a difference is one between views *and* the models
/// made for them, on the data at hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewComparison {
    /// A condition group or a condition.
    pub scope: Scope,
    /// The sagittal view: `a` of the comparisons.
    pub sagittal: SeriesKind,
    /// The axial view: `b` of the comparisons.
    pub axial: SeriesKind,
    /// Cases graded from both.
    pub n_cases: usize,
    /// Patients of these cases.
    pub n_patients: usize,
    /// Sagittal, axial, and sagittal minus axial, each with its interval: weighted log loss, macro AUROC, quadratic
    /// kappa.
    pub comparisons: Vec<Comparison>,
    /// The same measures of the no-image prior on these cases.
    pub prior: Vec<Estimate>,
    /// The same measures of the level-only floor, fitted on the cases graded from both views.
    pub level_only: Vec<Estimate>,
}

pub(crate) fn compare_views(
    of_views: &[(SeriesKind, Cases)],
    scheme: GradingScheme,
    bootstrap: &Bootstrap,
) -> Result<Vec<ViewComparison>, EvaluateError> {
    let of_plane = |plane: Plane| of_views.iter().filter(move |(view, _)| view.plane() == plane);
    let groups = ConditionGroup::ALL
        .into_iter()
        .map(|group| Scope::Group { group });
    let conditions = Condition::ALL
        .into_iter()
        .map(|condition| Scope::Condition { condition });
    let mut comparisons = Vec::new();
    for scope in groups.chain(conditions) {
        for (sagittal, sagittal_cases) in of_plane(Plane::Sagittal) {
            for (axial, axial_cases) in of_plane(Plane::Axial) {
                let (a, b) = shared(sagittal_cases, axial_cases, scope);
                if a.is_empty() {
                    continue;
                }
                let (graded_from_both, _) = shared(sagittal_cases, axial_cases, Scope::All);
                let level_only = LevelOnly::fitted(&graded_from_both, scheme);
                let floor = Measured::new(&b, scheme, Predictor::LevelOnly(&level_only))?;
                let sagittal_measured = Measured::new(&a, scheme, Predictor::Model)?;
                let axial_measured = Measured::new(&b, scheme, Predictor::Model)?;
                comparisons.push(ViewComparison {
                    scope,
                    sagittal: *sagittal,
                    axial: *axial,
                    n_cases: a.len(),
                    n_patients: a.iter().map(|case| &case.patient).collect::<BTreeSet<_>>().len(),
                    comparisons: with_intervals(&sagittal_measured, &axial_measured, bootstrap)?,
                    prior: Measured::new(&b, scheme, Predictor::Prior)?.compared_estimates(bootstrap),
                    level_only: floor.compared_estimates(bootstrap),
                });
            }
        }
    }
    Ok(comparisons)
}

fn with_intervals(
    sagittal: &Measured,
    axial: &Measured,
    bootstrap: &Bootstrap,
) -> Result<Vec<Comparison>, EvaluateError> {
    let each = sagittal.compare(axial, bootstrap)?.into_iter();
    let sides = sagittal
        .compared_estimates(bootstrap)
        .into_iter()
        .zip(axial.compared_estimates(bootstrap));
    let merged = each.zip(sides);
    Ok(merged
        .map(|(comparison, (a, b))| Comparison { a, b, ..comparison })
        .collect())
}

/// The labelled cases of a scope that both have, in one order.
pub(crate) fn shared<'a>(a: &'a Cases, b: &'a Cases, scope: Scope) -> (Vec<&'a Case>, Vec<&'a Case>) {
    let key = |case: &Case| (case.study.clone(), case.target);
    let labelled_of_b: std::collections::BTreeMap<_, &Case> =
        b.labelled().into_iter().map(|case| (key(case), case)).collect();
    let of_scope = a.labelled().into_iter().filter(|case| scope.holds(case));
    of_scope
        .filter_map(|case| Some((case, *labelled_of_b.get(&key(case))?)))
        .unzip()
}
