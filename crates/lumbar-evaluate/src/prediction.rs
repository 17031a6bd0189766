//! What a model said about each sample, and what was true.

use crate::EvaluateError;
use lumbar_core::{GradingScheme, ParseError, SeriesKind, Severity, StudyId, Target};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// One graded sample: the probabilities of a model, the grade of the reader, and what is known without the image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The sample in the data set.
    pub sample_id: String,
    /// The study.
    pub study: StudyId,
    /// The patient the study is of: a keyed hash, or the study id where no patient is known. Intervals resample it.
    pub patient: String,
    /// What was graded.
    pub target: Target,
    /// The kind of series it was graded from.
    pub view: SeriesKind,
    /// The reader's grade, `None` if there is none.
    pub severity: Option<Severity>,
    /// On which side of the split the sample stood.
    pub part: Part,
    /// The fold whose model made the prediction, if there were folds.
    pub fold: Option<u32>,
    /// The probability of each grade of the scheme, calibrated, at natural prevalence.
    pub probabilities: Vec<f64>,
    /// The distribution of grades of this target among the training labels of the same fold: what one would say
    /// without an image.
    pub prior: Vec<f64>,
}

/// The predictions of one run, with what is common to all of its rows.
///
/// ```
/// use lumbar_evaluate::{Domain, Localisation, Part, Prediction, PredictionTable};
/// use lumbar_core::{GradingScheme, SeriesKind, Severity, StudyId};
///
/// let table = PredictionTable {
///     scheme: GradingScheme::ThreeGrades,
///     domain: Domain::Synthetic,
///     localisation: Localisation::Given,
///     n_graded: [(Part::Test, 25)].into(),
///     rows: vec![Prediction {
///         sample_id: "s1".into(),
///         study: StudyId::new("4003253")?,
///         patient: "4003253".into(),
///         target: "spinal_canal_stenosis_l4_l5".parse()?,
///         view: SeriesKind::SagittalT2,
///         severity: Some(Severity::Severe),
///         part: Part::Test,
///         fold: None,
///         probabilities: vec![0.1, 0.2, 0.7],
///         prior: vec![0.75, 0.12, 0.13],
///     }],
/// };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("predictions.parquet");
/// table.write(&path)?;
/// assert_eq!(PredictionTable::read(&path)?, table);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionTable {
    /// The grades.
    pub scheme: GradingScheme,
    /// Whether the studies are phantoms or patients.
    pub domain: Domain,
    /// Whether the targets were found by a reader or by a model.
    pub localisation: Localisation,
    /// Graded targets the data set has on each side of the split, in whatever view or condition: of how many the rows
    /// are a part. A side that is not known is left out.
    pub n_graded: BTreeMap<Part, usize>,
    /// One row a sample.
    pub rows: Vec<Prediction>,
}

impl PredictionTable {
    /// SHA-256 of what measures are made of: grades, domain and rows, in whatever order the rows stand.
    ///
    /// `metrics.json` holds it, so that one can tell whether it was measured on these predictions.
    pub fn digest(&self) -> String {
        let mut rows: Vec<Vec<u8>> = self.rows.iter().map(Prediction::bytes).collect();
        rows.sort_unstable();
        let mut hasher = Sha256::new();
        hasher.update(format!(
            "{:?} {} {}\n",
            self.scheme, self.domain, self.localisation
        ));
        rows.iter().for_each(|row| hasher.update(row));
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Checks that each row has a distribution over the grades of the scheme, and a grade of it if any.
    ///
    /// # Errors
    /// [`EvaluateError::Probabilities`] or [`EvaluateError::Grade`], naming the sample.
    pub fn check(&self) -> Result<(), EvaluateError> {
        for row in &self.rows {
            check_distribution(row, "probabilities", &row.probabilities, self.scheme)?;
            check_distribution(row, "prior", &row.prior, self.scheme)?;
            if let Some(grade) = row.severity
                && self.scheme.index_of(grade).is_none()
            {
                return Err(EvaluateError::Grade {
                    sample_id: row.sample_id.clone(),
                    grade,
                    scheme: self.scheme,
                });
            }
        }
        Ok(())
    }
}

impl Prediction {
    /// The row as bytes, no two rows alike.
    fn bytes(&self) -> Vec<u8> {
        let target = self.target.column_name();
        let fold = self.fold.map_or(String::new(), |fold| fold.to_string());
        let text: [&str; 8] = [
            &self.sample_id,
            self.study.as_str(),
            &self.patient,
            &target,
            self.view.name(),
            self.severity.map_or("", |severity| severity.display_name()),
            self.part.name(),
            &fold,
        ];
        let mut bytes = text.join("\0").into_bytes();
        let numbers = self.probabilities.iter().chain(&self.prior);
        bytes.extend(numbers.flat_map(|p| p.to_bits().to_le_bytes()));
        bytes.push(b'\n');
        bytes
    }
}

fn check_distribution(
    row: &Prediction,
    what: &'static str,
    values: &[f64],
    scheme: GradingScheme,
) -> Result<(), EvaluateError> {
    let refuse = |found: String, expected: String| {
        Err(EvaluateError::Probabilities {
            sample_id: row.sample_id.clone(),
            what,
            found,
            expected,
        })
    };
    if values.len() != scheme.n_grades() {
        return refuse(
            format!("for {} grades", values.len()),
            format!("{}", scheme.n_grades()),
        );
    }
    if let Some(value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return refuse(format!("of {value}"), "numbers from 0 to 1".to_owned());
    }
    let sum: f64 = values.iter().sum();
    if (sum - 1.0).abs() > lumbar_metrics::ROW_SUM_TOLERANCE {
        return refuse(format!("that sum to {sum}"), "a sum of 1 within 1e-6".to_owned());
    }
    Ok(())
}

/// The probabilities that minimise a loss in which grade k weighs `weights[k]`: q_k = w_k p_k / Σ w_j p_j.
///
/// `p` is at natural prevalence; the RSNA score and `submission.csv` take q. Probabilities that are all zero where
/// the weights are not are returned as they are.
///
/// ```
/// let q = lumbar_evaluate::score_mapped(&[0.8, 0.1, 0.1], &[1.0, 2.0, 4.0]);
/// assert!((q[0] - 0.8 / 1.4).abs() < 1e-15 && (q[2] - 0.4 / 1.4).abs() < 1e-15);
/// ```
pub fn score_mapped(probabilities: &[f64], weights: &[f64]) -> Vec<f64> {
    let weighted = || probabilities.iter().zip(weights).map(|(p, w)| p * w);
    let sum: f64 = weighted().sum();
    if sum > 0.0 {
        weighted().map(|q| q / sum).collect()
    } else {
        probabilities.to_vec()
    }
}

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident, $expected:literal, { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The name in files.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $name {
            type Err = ParseError;
            fn from_str(text: &str) -> Result<Self, ParseError> {
                match text.trim() {
                    $($text => Ok($name::$variant),)+
                    _ => Err(ParseError::new(text, $expected)),
                }
            }
        }
    };
}

named_enum!(
    /// On which side of the split a sample stood when it was predicted.
    Part, "a part of the split (valid, test or out_of_fold)", {
    /// Held out for choosing the checkpoint and fitting the calibration.
    Valid = "valid",
    /// Held out from everything.
    Test = "test",
    /// Predicted by the model of the fold that did not see its patient.
    OutOfFold = "out_of_fold",
});

named_enum!(
    /// Where the studies come from. Every number says so.
    Domain, "a domain (synthetic or clinical)", {
    /// Phantoms: evidence about the software, not about patients.
    Synthetic = "synthetic",
    /// Patients.
    Clinical = "clinical",
});

named_enum!(
    /// Who found the place that was graded.
    Localisation, "a localisation (given or predicted)", {
    /// A reader's point, or the phantom's.
    Given = "given",
    /// A model's point.
    Predicted = "predicted",
});

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn table(probabilities: Vec<f64>, severity: Option<Severity>) -> PredictionTable {
        PredictionTable {
            scheme: GradingScheme::ThreeGrades,
            domain: Domain::Synthetic,
            localisation: Localisation::Given,
            n_graded: BTreeMap::new(),
            rows: vec![Prediction {
                sample_id: "s1".into(),
                study: StudyId::new("1").unwrap(),
                patient: "1".into(),
                target: Target::from_index(3).unwrap(),
                view: SeriesKind::AxialT2,
                severity,
                part: Part::Test,
                fold: None,
                probabilities,
                prior: vec![0.8, 0.1, 0.1],
            }],
        }
    }

    #[rstest]
    #[case(vec![0.5, 0.5], "probabilities for 2 grades, expected 3")]
    #[case(vec![0.5, 0.6, -0.1], "probabilities of -0.1, expected numbers from 0 to 1")]
    #[case(vec![0.5, f64::NAN, 0.5], "probabilities of NaN, expected numbers from 0 to 1")]
    #[case(vec![0.5, 0.25, 0.0], "probabilities that sum to 0.75, expected a sum of 1 within 1e-6")]
    fn what_is_no_distribution_is_refused_by_name(#[case] p: Vec<f64>, #[case] message: &str) {
        let error = table(p, None).check().unwrap_err().to_string();
        assert_eq!(error, format!("sample `s1`: {message}"));
    }

    #[test]
    fn a_grade_outside_the_scheme_is_refused() {
        let mut four = table(vec![0.25; 4], Some(Severity::NormalMild));
        four.scheme = GradingScheme::FourGrades;
        four.rows[0].prior = vec![0.25; 4];
        assert!(matches!(four.check(), Err(EvaluateError::Grade { .. })));
        assert!(table(vec![0.25, 0.25, 0.5], Some(Severity::Mild)).check().is_ok());
    }

    #[test]
    fn the_digest_is_of_the_rows_in_any_order() {
        let mut two = table(vec![0.5, 0.25, 0.25], Some(Severity::Severe));
        let mut other = two.rows[0].clone();
        other.sample_id = "s2".into();
        two.rows.push(other);
        let digest = two.digest();
        two.rows.reverse();
        assert_eq!(two.digest(), digest);
        two.rows[0].probabilities = vec![0.5, 0.3, 0.2];
        assert_ne!(two.digest(), digest);
    }

    #[test]
    fn names_come_back() {
        for part in [Part::Valid, Part::Test, Part::OutOfFold] {
            assert_eq!(part.name().parse(), Ok(part));
        }
        assert!("train".parse::<Part>().is_err());
    }

    #[test]
    fn the_score_map_keeps_a_certainty_and_survives_zeros() {
        assert_eq!(score_mapped(&[0.0, 0.0, 1.0], &[1.0, 2.0, 4.0]), [0.0, 0.0, 1.0]);
        assert_eq!(score_mapped(&[1.0, 0.0], &[0.0, 1.0]), [1.0, 0.0]);
    }
}
