//! How severe: grades and the schemes they belong to.

use crate::ParseError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A degree of narrowing, as a reader names it.
///
/// `NormalMild` belongs to the three-grade scheme, `Normal` and `Mild` to the four-grade one; `Moderate` and `Severe`
/// to both. The class index of a grade is meaningful only within a [`GradingScheme`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Normal or mild, not told apart (RSNA 2024).
    #[serde(rename = "Normal/Mild")]
    NormalMild,
    /// Normal.
    Normal,
    /// Mild.
    Mild,
    /// Moderate.
    Moderate,
    /// Severe.
    Severe,
}

impl Severity {
    /// The spelling of the RSNA label table.
    pub fn display_name(self) -> &'static str {
        match self {
            Severity::NormalMild => "Normal/Mild",
            Severity::Normal => "Normal",
            Severity::Mild => "Mild",
            Severity::Moderate => "Moderate",
            Severity::Severe => "Severe",
        }
    }

    /// `normal_mild`, `moderate`, ...: the column names of a submission.
    pub fn column_name(self) -> &'static str {
        match self {
            Severity::NormalMild => "normal_mild",
            Severity::Normal => "normal",
            Severity::Mild => "mild",
            Severity::Moderate => "moderate",
            Severity::Severe => "severe",
        }
    }

    /// The grade in the three-grade scheme: `Normal` and `Mild` become `NormalMild`.
    pub fn to_three_grades(self) -> Severity {
        match self {
            Severity::Normal | Severity::Mild => Severity::NormalMild,
            other => other,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.display_name())
    }
}

impl FromStr for Severity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "normal/mild" | "normal_mild" => Ok(Severity::NormalMild),
            "normal" => Ok(Severity::Normal),
            "mild" => Ok(Severity::Mild),
            "moderate" => Ok(Severity::Moderate),
            "severe" => Ok(Severity::Severe),
            _ => Err(ParseError::new(
                text,
                "a grade (Normal/Mild, Normal, Mild, Moderate or Severe)",
            )),
        }
    }
}

/// The set of grades a label table uses, ordered from best to worst.
///
/// ```
/// use lumbar_core::{GradingScheme, Severity};
/// assert_eq!(GradingScheme::ThreeGrades.index_of(Severity::Severe), Some(2));
/// assert_eq!(GradingScheme::FourGrades.index_of(Severity::Severe), Some(3));
/// assert_eq!(GradingScheme::FourGrades.index_of(Severity::NormalMild), None); // cannot be told apart
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum GradingScheme {
    /// Normal/Mild, Moderate, Severe: RSNA 2024.
    #[default]
    ThreeGrades,
    /// Normal, Mild, Moderate, Severe.
    FourGrades,
}

impl GradingScheme {
    /// The grades from best to worst; the position is the class index.
    pub fn grades(self) -> &'static [Severity] {
        match self {
            GradingScheme::ThreeGrades => &[Severity::NormalMild, Severity::Moderate, Severity::Severe],
            GradingScheme::FourGrades => &[
                Severity::Normal,
                Severity::Mild,
                Severity::Moderate,
                Severity::Severe,
            ],
        }
    }

    /// Number of grades.
    pub fn n_grades(self) -> usize {
        self.grades().len()
    }

    /// Class index of a grade. The three-grade scheme takes `Normal` and `Mild` as `NormalMild`; the four-grade
    /// scheme cannot take `NormalMild`.
    pub fn index_of(self, severity: Severity) -> Option<usize> {
        let severity = match self {
            GradingScheme::ThreeGrades => severity.to_three_grades(),
            GradingScheme::FourGrades => severity,
        };
        self.grades().iter().position(|grade| *grade == severity)
    }

    /// The grade of a class index.
    pub fn grade(self, index: usize) -> Option<Severity> {
        self.grades().get(index).copied()
    }

    /// Weight of each grade in the weighted log loss: 1, 2, 4 for the RSNA grades; in the four-grade scheme normal
    /// and mild share the weight of Normal/Mild.
    pub fn rsna_weights(self) -> &'static [f64] {
        match self {
            GradingScheme::ThreeGrades => &[1.0, 2.0, 4.0],
            GradingScheme::FourGrades => &[1.0, 1.0, 2.0, 4.0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Normal/Mild", Severity::NormalMild)]
    #[case(" normal_mild\r", Severity::NormalMild)]
    #[case("Moderate", Severity::Moderate)]
    #[case("SEVERE", Severity::Severe)]
    fn grades_parse(#[case] text: &str, #[case] expected: Severity) {
        assert_eq!(text.parse::<Severity>(), Ok(expected));
    }

    #[test]
    fn unknown_grade_names_what_was_expected() {
        let error = "Sever".parse::<Severity>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`Sever` is not a grade (Normal/Mild, Normal, Mild, Moderate or Severe)"
        );
    }

    #[test]
    fn schemes_are_ordered_and_round_trip() {
        for scheme in [GradingScheme::ThreeGrades, GradingScheme::FourGrades] {
            assert_eq!(scheme.rsna_weights().len(), scheme.n_grades());
            for (i, grade) in scheme.grades().iter().enumerate() {
                assert_eq!(scheme.index_of(*grade), Some(i));
                assert_eq!(scheme.grade(i), Some(*grade));
            }
        }
        assert_eq!(GradingScheme::ThreeGrades.index_of(Severity::Mild), Some(0));
    }
}
