//! The measures by name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// A measure one can ask an [`Evaluation`](crate::Evaluation) for.
///
/// Its text form (`auroc_grade_2`, `auroc_at_least_1`, `kappa_quadratic`, ...) is its name in `metrics.json`; parsing
/// gives it back. "Grade 2" is one grade against all others, "at least 1" is all grades from 1 up against those below:
/// the cumulative form, which respects the order of grades.
///
/// ```
/// use lumbar_metrics::Measure;
/// assert_eq!(Measure::AurocAtLeast(1).to_string(), "auroc_at_least_1");
/// assert_eq!("kappa_quadratic".parse(), Ok(Measure::QuadraticKappa));
/// assert!(Measure::LogLoss.lower_is_better());
/// ```
///
/// What each one is, its ties, when it is undefined and which scikit-learn call it equals stands in
/// [`Confusion`](crate::Confusion) for measures of the confusion matrix, in [`ranking`](crate::ranking) for AUROC and
/// average precision, in [`proper`](crate::proper) for log loss, Brier and ranked probability score, and in
/// [`calibration`](crate::calibration) for calibration error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Measure {
    /// Share of cases called by their true grade.
    Accuracy,
    /// Share of cases called at most one grade off.
    AdjacentAccuracy,
    /// Plain mean of recall over grades.
    BalancedAccuracy,
    /// By how many grades the call is off, on average.
    MeanAbsoluteError,
    /// Of the cases called a grade, the share that are.
    Precision(usize),
    /// Of the cases of a grade, the share called so.
    Recall(usize),
    /// Of the cases not of a grade, the share not called so.
    Specificity(usize),
    /// Harmonic mean of precision and recall of a grade.
    F1(usize),
    /// Plain mean of F1 over grades.
    MacroF1,
    /// Mean of F1 over grades, weighted by their cases.
    WeightedF1,
    /// F1 of all decisions together: accuracy.
    MicroF1,
    /// Cohen's kappa.
    Kappa,
    /// Kappa with disagreement by grades apart.
    LinearKappa,
    /// Kappa with disagreement by grades apart, squared ("QWK").
    QuadraticKappa,
    /// Matthews' correlation coefficient.
    Mcc,
    /// Area under the ROC curve of a grade against the rest.
    Auroc(usize),
    /// Plain mean of one-vs-rest AUROC over grades.
    MacroAuroc,
    /// Mean of one-vs-rest AUROC over grades, weighted by their cases.
    WeightedAuroc,
    /// Mean of AUROC over pairs of grades (Hand and Till's M).
    OvoAuroc,
    /// AUROC of "at least this grade", ranked by the summed probability of those grades.
    AurocAtLeast(usize),
    /// Average precision of a grade against the rest.
    AveragePrecision(usize),
    /// Plain mean of average precision over grades.
    MacroAveragePrecision,
    /// Average precision of "at least this grade".
    AveragePrecisionAtLeast(usize),
    /// Mean negative log probability of the true grade.
    LogLoss,
    /// The same, each case also weighted by its true grade (1, 2, 4: the RSNA weights).
    GradeWeightedLogLoss,
    /// Squared distance of probabilities and truth, summed over grades (Brier 1950: from 0 to 2).
    Brier,
    /// Half of it (from 0 to 1; for two grades the familiar one-sided form).
    HalfBrier,
    /// Ranked probability score: squared distance of cumulative probabilities, summed over thresholds.
    RankedProbability,
    /// Expected calibration error.
    Ece(Ece),
}

/// Which expected calibration error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ece {
    /// The probability looked at.
    pub of: EceOf,
    /// How it is cut into bins.
    pub binning: Binning,
}

/// Whose calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EceOf {
    /// The probability of the most probable grade, against whether it is the true one.
    TopLabel,
    /// The probability of each grade against whether it is the true one; the mean over grades.
    ClassWise,
    /// The probability of "at least" each grade from 1 up; the mean over thresholds.
    Cumulative,
}

/// How probabilities are cut into bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// So many bins of equal width on [0, 1]: [a, b), the last one closed.
    EqualWidth(u16),
    /// So many bins of (as nearly as ties allow) equal weight; tied probabilities stay together.
    EqualMass(u16),
}

impl Measure {
    /// The measures of a report, for a scheme of so many grades: all of them, one calibration error of each kind.
    pub fn full_set(n_grades: usize) -> Vec<Measure> {
        use Measure::*;
        let mut all = vec![
            Accuracy,
            AdjacentAccuracy,
            BalancedAccuracy,
            MeanAbsoluteError,
            MacroF1,
            WeightedF1,
            MicroF1,
            Kappa,
            LinearKappa,
            QuadraticKappa,
            Mcc,
            MacroAuroc,
            WeightedAuroc,
            OvoAuroc,
            MacroAveragePrecision,
            LogLoss,
            GradeWeightedLogLoss,
            Brier,
            HalfBrier,
            RankedProbability,
        ];
        for grade in 0..n_grades {
            all.extend([Precision(grade), Recall(grade), Specificity(grade), F1(grade)]);
            all.extend([Auroc(grade), AveragePrecision(grade)]);
        }
        for grade in 1..n_grades {
            all.extend([AurocAtLeast(grade), AveragePrecisionAtLeast(grade)]);
        }
        for of in [EceOf::TopLabel, EceOf::ClassWise, EceOf::Cumulative] {
            let binning = Binning::EqualWidth(15);
            all.push(Ece(crate::Ece { of, binning }));
        }
        let (of, binning) = (EceOf::TopLabel, Binning::EqualMass(15));
        all.push(Ece(crate::Ece { of, binning }));
        all
    }

    /// Whether a smaller value is a better one.
    pub fn lower_is_better(self) -> bool {
        use Measure::*;
        matches!(
            self,
            MeanAbsoluteError
                | LogLoss
                | GradeWeightedLogLoss
                | Brier
                | HalfBrier
                | RankedProbability
                | Ece(_)
        )
    }

    /// Whether the measure respects the order of grades: reversing them leaves it, permuting them changes it.
    pub fn is_ordinal(self) -> bool {
        use Measure::*;
        matches!(
            self,
            AdjacentAccuracy | MeanAbsoluteError | LinearKappa | QuadraticKappa | RankedProbability
        )
    }
}

/// A name that is not one of a measure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{name}` is not a measure (such as `accuracy`, `kappa_quadratic`, `auroc_grade_2` or `log_loss`)")]
pub struct UnknownMeasure {
    /// The name given.
    pub name: String,
}

/// Measures without a grade in their name.
const PLAIN: [(&str, Measure); 20] = [
    ("accuracy", Measure::Accuracy),
    ("accuracy_adjacent", Measure::AdjacentAccuracy),
    ("accuracy_balanced", Measure::BalancedAccuracy),
    ("mean_absolute_error", Measure::MeanAbsoluteError),
    ("f1_macro", Measure::MacroF1),
    ("f1_weighted", Measure::WeightedF1),
    ("f1_micro", Measure::MicroF1),
    ("kappa", Measure::Kappa),
    ("kappa_linear", Measure::LinearKappa),
    ("kappa_quadratic", Measure::QuadraticKappa),
    ("mcc", Measure::Mcc),
    ("auroc_macro", Measure::MacroAuroc),
    ("auroc_weighted", Measure::WeightedAuroc),
    ("auroc_ovo", Measure::OvoAuroc),
    ("average_precision_macro", Measure::MacroAveragePrecision),
    ("log_loss", Measure::LogLoss),
    ("log_loss_grade_weighted", Measure::GradeWeightedLogLoss),
    ("brier", Measure::Brier),
    ("brier_half", Measure::HalfBrier),
    ("ranked_probability", Measure::RankedProbability),
];

type OfGrade = fn(usize) -> Measure;

/// Measures of one grade: the part of the name before the number.
const GRADED: [(&str, OfGrade); 8] = [
    ("precision_grade_", Measure::Precision),
    ("recall_grade_", Measure::Recall),
    ("specificity_grade_", Measure::Specificity),
    ("f1_grade_", Measure::F1),
    ("auroc_grade_", Measure::Auroc),
    ("auroc_at_least_", Measure::AurocAtLeast),
    ("average_precision_grade_", Measure::AveragePrecision),
    ("average_precision_at_least_", Measure::AveragePrecisionAtLeast),
];

const ECE_OF: [(&str, EceOf); 3] = [
    ("ece_top_label_", EceOf::TopLabel),
    ("ece_class_wise_", EceOf::ClassWise),
    ("ece_cumulative_", EceOf::Cumulative),
];

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Measure::*;
        if let Some((name, _)) = PLAIN.iter().find(|(_, measure)| measure == self) {
            return f.pad(name);
        }
        let graded = |grade: usize| {
            let (prefix, _) = GRADED
                .iter()
                .find(|(_, of)| of(grade) == *self)
                .expect("each has a row");
            format!("{prefix}{grade}")
        };
        let name = match *self {
            Precision(g) | Recall(g) | Specificity(g) | F1(g) | Auroc(g) | AurocAtLeast(g) => graded(g),
            AveragePrecision(g) | AveragePrecisionAtLeast(g) => graded(g),
            Ece(ece) => {
                let (prefix, _) = ECE_OF
                    .iter()
                    .find(|(_, of)| *of == ece.of)
                    .expect("each has a row");
                match ece.binning {
                    Binning::EqualWidth(n) => format!("{prefix}width_{n}"),
                    Binning::EqualMass(n) => format!("{prefix}mass_{n}"),
                }
            }
            _ => unreachable!("plain names are in the table"),
        };
        f.pad(&name)
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(name: &str) -> Result<Measure, UnknownMeasure> {
        let plain = PLAIN.iter().find(|(n, _)| *n == name).map(|(_, m)| *m);
        let graded = || {
            GRADED
                .iter()
                .find_map(|(prefix, of)| name.strip_prefix(prefix)?.parse().ok().map(of))
        };
        let ece = || {
            let (rest, of) = ECE_OF
                .iter()
                .find_map(|(prefix, of)| Some((name.strip_prefix(prefix)?, *of)))?;
            let binning = match rest.split_once('_')? {
                ("width", n) => Binning::EqualWidth(n.parse().ok()?),
                ("mass", n) => Binning::EqualMass(n.parse().ok()?),
                _ => return None,
            };
            Some(Measure::Ece(Ece { of, binning }))
        };
        plain.or_else(graded).or_else(ece).ok_or_else(|| UnknownMeasure {
            name: name.to_owned(),
        })
    }
}

impl From<Measure> for String {
    fn from(measure: Measure) -> String {
        measure.to_string()
    }
}

impl TryFrom<String> for Measure {
    type Error = UnknownMeasure;

    fn try_from(name: String) -> Result<Measure, UnknownMeasure> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_the_measure_and_are_distinct() {
        let all = Measure::full_set(4);
        let names: std::collections::BTreeSet<String> = all.iter().map(Measure::to_string).collect();
        assert_eq!(names.len(), all.len());
        for measure in all {
            assert_eq!(measure.to_string().parse(), Ok(measure));
        }
        for wrong in [
            "",
            "auroc_grade_",
            "auroc_grade_x",
            "ece_top_label_width",
            "Accuracy",
        ] {
            assert!(wrong.parse::<Measure>().is_err(), "{wrong}");
        }
    }
}
