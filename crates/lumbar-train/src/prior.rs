//! What is known of a target before looking at the image.

use crate::loss::Label;
use lumbar_core::{GradingScheme, Target};

/// The distribution of grades of each of the 25 targets among labelled samples.
///
/// # Definition
/// Row t is (n_t + a * m_g) / (sum n_t + a), where n_t counts the grades of target t, m_g is the distribution of its
/// condition group over all levels (itself with one count a grade added), and a = 3 pseudo-cases: rare grades of a
/// column (two severe foramina at L1/L2 in all of RSNA) borrow from their group instead of becoming impossible.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnPrior {
    rows: Vec<Vec<f64>>,
}

const PSEUDO_CASES: f64 = 3.0;

impl ColumnPrior {
    /// Fits the prior to labelled targets; missing labels are passed over.
    pub fn fit(cases: impl Iterator<Item = (Target, Label)>, scheme: GradingScheme) -> ColumnPrior {
        let n_grades = scheme.n_grades();
        let mut column_counts = vec![vec![0.0; n_grades]; Target::COUNT];
        let mut group_counts = vec![vec![1.0; n_grades]; 3];
        for (target, label) in cases {
            if let Some(grade) = label.and_then(|severity| scheme.index_of(severity)) {
                column_counts[target.index()][grade] += 1.0;
                group_counts[target.condition.group().index()][grade] += 1.0;
            }
        }
        let rows = Target::all()
            .map(|target| {
                let counts = &column_counts[target.index()];
                let group = &group_counts[target.condition.group().index()];
                let (n, n_group): (f64, f64) = (counts.iter().sum(), group.iter().sum());
                counts
                    .iter()
                    .zip(group)
                    .map(|(count, group)| (count + PSEUDO_CASES * group / n_group) / (n + PSEUDO_CASES))
                    .collect()
            })
            .collect();
        ColumnPrior { rows }
    }

    /// Probabilities of the grades of a target, at natural prevalence.
    pub fn of(&self, target: Target) -> &[f64] {
        &self.rows[target.index()]
    }

    /// The prior of a world in which grade k is `weights[k]` times as common: what a weighted loss is smallest at.
    pub fn weighted(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        self.rows
            .iter()
            .map(|row| {
                let sum: f64 = row.iter().zip(weights).map(|(p, w)| p * w).sum();
                row.iter().zip(weights).map(|(p, w)| p * w / sum).collect()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_core::{Condition, Level, Severity};

    fn canal(level: Level) -> Target {
        Target::new(Condition::SpinalCanalStenosis, level)
    }

    #[test]
    fn rows_are_distributions_and_follow_the_counts() {
        let mut cases = vec![(canal(Level::L4L5), Some(Severity::Severe)); 60];
        cases.extend(vec![(canal(Level::L4L5), Some(Severity::NormalMild)); 40]);
        cases.push((canal(Level::L1L2), None));
        let prior = ColumnPrior::fit(cases.into_iter(), GradingScheme::ThreeGrades);
        for target in Target::all() {
            let sum: f64 = prior.of(target).iter().sum();
            assert!((sum - 1.0).abs() < 1e-12);
            assert!(prior.of(target).iter().all(|p| *p > 0.0));
        }
        assert!((prior.of(canal(Level::L4L5))[2] - 0.6).abs() < 0.02);
        // A column without cases is its group's distribution.
        assert!((prior.of(canal(Level::L1L2))[2] - 61.0 / 103.0).abs() < 1e-12);
        // A group without cases is uniform.
        let recess = Target::new(Condition::LeftSubarticularStenosis, Level::L1L2);
        assert!((prior.of(recess)[1] - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn weighting_moves_mass_to_the_severe_end() {
        let cases = vec![(canal(Level::L4L5), Some(Severity::NormalMild)); 10];
        let prior = ColumnPrior::fit(cases.into_iter(), GradingScheme::ThreeGrades);
        let weighted = prior.weighted(&[1.0, 2.0, 4.0]);
        let target = canal(Level::L4L5);
        assert!(weighted[target.index()][2] > prior.of(target)[2]);
        assert!((weighted[target.index()].iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
