//! A set of cases and who predicted them, ready for the metrics.

use crate::{Case, EvaluateError, level_only::LevelOnly, score_mapped};
use lumbar_core::{ConditionGroup, GradingScheme};
use lumbar_metrics::{
    Binning, Bootstrap, Comparison, EceOf, Estimate, Evaluation, Measure, RowSums, RsnaGroup, RsnaRow,
    RsnaTable,
};

/// Whose probabilities are measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Predictor<'a> {
    Model,
    Prior,
    LevelOnly(&'a LevelOnly),
    Oracle,
}

impl<'a> Predictor<'a> {
    pub(crate) fn of(self, case: &'a Case) -> &'a [f64] {
        match self {
            Predictor::Model => &case.probabilities,
            Predictor::Prior => &case.prior,
            Predictor::LevelOnly(level_only) => level_only.of(case),
            // `Cases::combine` gives all cases an oracle or none, and asks for it only where there is one.
            Predictor::Oracle => case.oracle.as_deref().unwrap_or(&case.prior),
        }
    }
}

/// Truth and probabilities of cases, at natural prevalence and mapped for the weighted loss.
pub(crate) struct Measured {
    pub(crate) natural: Evaluation,
    mapped: Evaluation,
}

impl Measured {
    /// Of cases that all have a grade.
    pub(crate) fn new(
        cases: &[&Case],
        scheme: GradingScheme,
        predictor: Predictor<'_>,
    ) -> Result<Measured, EvaluateError> {
        let weights = scheme.rsna_weights();
        let truth: Vec<usize> = cases.iter().filter_map(|case| case.grade_idx).collect();
        let patients: Vec<&str> = cases.iter().map(|case| case.patient.as_str()).collect();
        let evaluation = |map: &dyn Fn(&[f64]) -> Vec<f64>| {
            let p: Vec<f64> = cases.iter().flat_map(|case| map(predictor.of(case))).collect();
            Evaluation::new(scheme.n_grades(), &truth, &p)?
                .with_clusters(&patients)?
                .with_grade_weights(weights)
        };
        Ok(Measured {
            natural: evaluation(&|p| p.to_vec())?,
            mapped: evaluation(&|p| score_mapped(p, weights))?,
        })
    }

    /// The row of measures of an evaluation, with intervals if a bootstrap is given.
    pub(crate) fn estimates(&self, bootstrap: Option<&Bootstrap>) -> Vec<Estimate> {
        let estimate = |evaluation: &Evaluation, measures: &[Measure]| match bootstrap {
            Some(bootstrap) => bootstrap.estimate(evaluation, measures),
            None => evaluation.estimates(measures),
        };
        let mut all = estimate(&self.natural, &measures(self.natural.n_grades()));
        all.extend(estimate(&self.mapped, &[Measure::GradeWeightedLogLoss]));
        all
    }

    /// Paired comparison on the same cases: weighted log loss, macro AUROC, quadratic kappa.
    pub(crate) fn compare(
        &self,
        other: &Measured,
        bootstrap: &Bootstrap,
    ) -> Result<Vec<Comparison>, EvaluateError> {
        let mut all = bootstrap.compare(&self.mapped, &other.mapped, &[Measure::GradeWeightedLogLoss])?;
        all.extend(bootstrap.compare(&self.natural, &other.natural, &COMPARED_ON_NATURAL)?);
        Ok(all)
    }

    /// The measures of [`compare`](Measured::compare), in its order, with intervals of their own.
    pub(crate) fn compared_estimates(&self, bootstrap: &Bootstrap) -> Vec<Estimate> {
        let mut all = bootstrap.estimate(&self.mapped, &[Measure::GradeWeightedLogLoss]);
        all.extend(bootstrap.estimate(&self.natural, &COMPARED_ON_NATURAL));
        all
    }
}

const COMPARED_ON_NATURAL: [Measure; 2] = [Measure::MacroAuroc, Measure::QuadraticKappa];

/// What is measured of every subset, on probabilities at natural prevalence.
///
/// Weighted log loss stands apart: under weights 1, 2, 4 the best probabilities are the mapped ones.
fn measures(n_grades: usize) -> Vec<Measure> {
    use Measure::*;
    let calibration_error = lumbar_metrics::Ece {
        of: EceOf::ClassWise,
        binning: Binning::EqualWidth(crate::curves::N_RELIABILITY_BINS),
    };
    let mut all = vec![
        Accuracy,
        AdjacentAccuracy,
        BalancedAccuracy,
        MacroF1,
        MacroAuroc,
        MacroAveragePrecision,
        QuadraticKappa,
        LinearKappa,
        MeanAbsoluteError,
        LogLoss,
        Brier,
        RankedProbability,
        Ece(calibration_error),
    ];
    for grade in 0..n_grades {
        all.extend([Precision(grade), Recall(grade), Specificity(grade), F1(grade)]);
        all.extend([Auroc(grade), AveragePrecision(grade)]);
    }
    all.extend((1..n_grades).map(AurocAtLeast));
    all
}

/// The rows of the official score. Four grades are brought to the challenge's three.
pub(crate) fn rsna_table(
    cases: &[&Case],
    scheme: GradingScheme,
    predictor: Predictor<'_>,
) -> Result<RsnaTable, EvaluateError> {
    let rows: Vec<RsnaRow<'_>> = cases
        .iter()
        .filter_map(|case| {
            Some(RsnaRow {
                study: case.study.as_str(),
                group: match case.target.condition.group() {
                    ConditionGroup::SpinalCanal => RsnaGroup::Spinal,
                    ConditionGroup::NeuralForaminal => RsnaGroup::Foraminal,
                    ConditionGroup::Subarticular => RsnaGroup::Subarticular,
                },
                truth: three_grade_index(case.grade_idx?, scheme),
                probabilities: submission_row(predictor.of(case), scheme),
            })
        })
        .collect();
    Ok(RsnaTable::new(&rows, RowSums::AsGiven)?)
}

/// What stands in `submission.csv` for natural probabilities: three grades, mapped for the weights 1, 2, 4.
pub(crate) fn submission_row(natural: &[f64], scheme: GradingScheme) -> [f64; 3] {
    let mut three = [0.0; 3];
    for (grade_idx, p) in natural.iter().enumerate() {
        three[three_grade_index(grade_idx, scheme)] += p;
    }
    let mapped = score_mapped(&three, GradingScheme::ThreeGrades.rsna_weights());
    // Rounding may leave a certainty a hair above 1, which the score refuses.
    std::array::from_fn(|grade| mapped[grade].min(1.0))
}

pub(crate) fn three_grade_index(grade_idx: usize, scheme: GradingScheme) -> usize {
    let three = scheme
        .grade(grade_idx)
        .and_then(|grade| GradingScheme::ThreeGrades.index_of(grade));
    three.expect("every grade of a scheme has its place among the three")
}
