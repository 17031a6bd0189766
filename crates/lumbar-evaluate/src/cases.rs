//! One prediction per graded target, out of the rows of one or several runs.

use crate::{
    Combine, Domain, EvaluateError, EvaluateOptions, Localisation, Part, Prediction, PredictionTable,
};
use lumbar_core::{ConditionGroup, GradingScheme, SeriesKind, StudyId, Target};
use std::collections::{BTreeMap, BTreeSet};

/// A target of a study with the combined prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The study.
    pub study: StudyId,
    /// Its patient.
    pub patient: String,
    /// What is graded.
    pub target: Target,
    /// Class index of the reader's grade, `None` if there is none.
    pub grade_idx: Option<usize>,
    /// The fold that predicted it, if all its predictions are of one fold.
    pub fold: Option<u32>,
    /// The combined probabilities, at natural prevalence.
    pub probabilities: Vec<f64>,
    /// The combined prior: what one would say without an image.
    pub prior: Vec<f64>,
    /// What the oracle says, if one was given.
    pub oracle: Option<Vec<f64>>,
    /// The views the prediction rests on.
    pub views: BTreeSet<SeriesKind>,
    /// The number of rows it rests on.
    pub n_rows: usize,
}

/// The cases of one or several runs, ordered by study and target.
#[derive(Debug, Clone, PartialEq)]
pub struct Cases {
    /// The grades.
    pub scheme: GradingScheme,
    /// Phantoms or patients.
    pub domain: Domain,
    /// Who found the targets.
    pub localisation: Localisation,
    /// The part evaluated.
    pub part: Part,
    /// One entry per (study, target).
    pub cases: Vec<Case>,
}

impl Cases {
    /// Puts the rows of all tables together, one case per (study, target).
    ///
    /// # Errors
    /// If tables differ in scheme, domain or localisation, no row is of the wanted part, rows of one case disagree on
    /// grade or patient, or the oracle leaves out a case.
    pub fn combine(tables: &[PredictionTable], options: &EvaluateOptions) -> Result<Cases, EvaluateError> {
        Cases::of_rows(tables, options, options.combine, |_| true)
    }

    /// The same from the rows of one view alone.
    pub(crate) fn of_view(
        tables: &[PredictionTable],
        options: &EvaluateOptions,
        view: SeriesKind,
    ) -> Result<Cases, EvaluateError> {
        Cases::of_rows(tables, options, Combine::Mean, |row| row.view == view)
    }

    fn of_rows(
        tables: &[PredictionTable],
        options: &EvaluateOptions,
        combine: Combine,
        wanted: impl Fn(&Prediction) -> bool,
    ) -> Result<Cases, EvaluateError> {
        let first = check_alike(tables)?;
        let part = choose_part(tables, options.part)?;
        let mut grouped: BTreeMap<(&StudyId, Target), Vec<(usize, &Prediction)>> = BTreeMap::new();
        for (run_idx, table) in tables.iter().enumerate() {
            for row in table.rows.iter().filter(|row| row.part == part && wanted(row)) {
                grouped
                    .entry((&row.study, row.target))
                    .or_default()
                    .push((run_idx, row));
            }
        }
        let oracle = options.oracle.as_ref().map(oracle_rows).transpose()?;
        let cases = grouped
            .into_values()
            .map(|rows| one_case(&rows, first.scheme, combine, oracle.as_ref()))
            .collect::<Result<Vec<Case>, EvaluateError>>()?;
        Ok(Cases {
            scheme: first.scheme,
            domain: first.domain,
            localisation: first.localisation,
            part,
            cases,
        })
    }

    /// The cases with a grade.
    pub fn labelled(&self) -> Vec<&Case> {
        self.cases
            .iter()
            .filter(|case| case.grade_idx.is_some())
            .collect()
    }
}

/// The rows of the tables that belong to the chosen part.
pub(crate) fn views_present(tables: &[PredictionTable], part: Part) -> BTreeSet<SeriesKind> {
    let rows = tables.iter().flat_map(|table| &table.rows);
    rows.filter(|row| row.part == part).map(|row| row.view).collect()
}

fn check_alike(tables: &[PredictionTable]) -> Result<&PredictionTable, EvaluateError> {
    let first = tables.first().ok_or(EvaluateError::NoTables)?;
    for table in tables {
        table.check()?;
        let differ = |what, a: String, b: String| match a == b {
            true => Ok(()),
            false => Err(EvaluateError::Mixed {
                what,
                first: a,
                other: b,
            }),
        };
        differ(
            "grading scheme",
            format!("{:?}", first.scheme),
            format!("{:?}", table.scheme),
        )?;
        differ("domain", first.domain.to_string(), table.domain.to_string())?;
        differ(
            "localisation",
            first.localisation.to_string(),
            table.localisation.to_string(),
        )?;
    }
    Ok(first)
}

fn choose_part(tables: &[PredictionTable], wanted: Option<Part>) -> Result<Part, EvaluateError> {
    let mut n_rows: BTreeMap<Part, usize> = BTreeMap::new();
    for row in tables.iter().flat_map(|table| &table.rows) {
        *n_rows.entry(row.part).or_default() += 1;
    }
    let choices = match &wanted {
        Some(part) => std::slice::from_ref(part),
        None => &[Part::OutOfFold, Part::Test],
    };
    let found = choices.iter().find(|part| n_rows.contains_key(part));
    found.copied().ok_or_else(|| {
        let name = |parts: &[Part]| parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>();
        let counts: Vec<String> = n_rows
            .iter()
            .map(|(part, n)| format!("{n} of `{part}`"))
            .collect();
        EvaluateError::NoRows {
            wanted: name(choices).join(" or "),
            found: match counts.is_empty() {
                true => "no rows".to_owned(),
                false => counts.join(", "),
            },
        }
    })
}

type OracleRows<'a> = BTreeMap<(&'a StudyId, Target), &'a [f64]>;

fn oracle_rows(table: &PredictionTable) -> Result<OracleRows<'_>, EvaluateError> {
    table.check()?;
    let rows = table.rows.iter();
    Ok(rows
        .map(|row| ((&row.study, row.target), row.probabilities.as_slice()))
        .collect())
}

fn one_case(
    rows: &[(usize, &Prediction)],
    scheme: GradingScheme,
    combine: Combine,
    oracle: Option<&OracleRows<'_>>,
) -> Result<Case, EvaluateError> {
    let (_, first) = rows[0];
    let mut grade_idx = None;
    for (_, row) in rows {
        let conflict = |what, a: String, b: String| EvaluateError::Conflict {
            study: first.study.clone(),
            target: first.target,
            what,
            first: a,
            other: b,
        };
        if row.patient != first.patient {
            // Patient keys are hashes, but even those stay out of messages.
            return Err(conflict("patient", "one".to_owned(), "another".to_owned()));
        }
        let grade = row.severity.and_then(|severity| scheme.index_of(severity));
        match (grade_idx, grade) {
            (Some(a), Some(b)) if a != b => {
                let name = |idx| scheme.grade(idx).map_or(String::new(), |grade| grade.to_string());
                return Err(conflict("grade", name(a), name(b)));
            }
            (None, Some(_)) => grade_idx = grade,
            _ => {}
        }
    }
    let used = rows_used(rows, combine);
    let oracle = match oracle {
        None => None,
        Some(oracle) => Some(
            oracle
                .get(&(&first.study, first.target))
                .ok_or_else(|| EvaluateError::OracleIncomplete {
                    study: first.study.clone(),
                    target: first.target,
                })?
                .to_vec(),
        ),
    };
    let folds: BTreeSet<Option<u32>> = used.iter().map(|(_, row)| row.fold).collect();
    Ok(Case {
        study: first.study.clone(),
        patient: first.patient.clone(),
        target: first.target,
        grade_idx,
        fold: folds.first().copied().flatten().filter(|_| folds.len() == 1),
        probabilities: mean_over_runs(&used, |row| &row.probabilities),
        prior: mean_over_runs(&used, |row| &row.prior),
        oracle,
        views: used.iter().map(|(_, row)| row.view).collect(),
        n_rows: used.len(),
    })
}

fn rows_used<'a>(rows: &[(usize, &'a Prediction)], combine: Combine) -> Vec<(usize, &'a Prediction)> {
    let proper =
        |row: &&(usize, &Prediction)| row.1.view == SeriesKind::proper_for(row.1.target.condition.group());
    match combine {
        Combine::ProperView if rows.iter().any(|row| proper(&row)) => {
            rows.iter().filter(proper).copied().collect()
        }
        _ => rows.to_vec(),
    }
}

/// The mean within each (run, view), then over these. Ordered, so that it does not depend on the order of rows.
fn mean_over_runs<'a>(
    rows: &[(usize, &'a Prediction)],
    of: impl Fn(&'a Prediction) -> &'a Vec<f64>,
) -> Vec<f64> {
    let mut by_run: BTreeMap<(usize, SeriesKind), BTreeMap<&str, &Vec<f64>>> = BTreeMap::new();
    for (run_idx, row) in rows {
        let samples = by_run.entry((*run_idx, row.view)).or_default();
        samples.insert(&row.sample_id, of(row));
    }
    let run_means: Vec<Vec<f64>> = by_run
        .into_values()
        .map(|samples| mean(samples.into_values().map(Vec::as_slice)))
        .collect();
    mean(run_means.iter().map(Vec::as_slice))
}

fn mean<'a>(rows: impl ExactSizeIterator<Item = &'a [f64]>) -> Vec<f64> {
    let n = rows.len() as f64;
    let mut sum: Vec<f64> = Vec::new();
    for row in rows {
        sum.resize(row.len(), 0.0);
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sum.into_iter().map(|sum| sum / n).collect()
}

/// Patients numbered by key, so that the order of cases does not show in a draw.
pub(crate) fn number_patients<'a>(cases: &[&'a Case]) -> BTreeMap<&'a str, usize> {
    let mut numbers: BTreeMap<&str, usize> = cases.iter().map(|case| (case.patient.as_str(), 0)).collect();
    numbers
        .values_mut()
        .enumerate()
        .for_each(|(i, number)| *number = i);
    numbers
}

/// The cases of each condition group that has any.
pub(crate) fn by_group<'a>(cases: &[&'a Case]) -> Vec<(ConditionGroup, Vec<&'a Case>)> {
    let of = |group| -> Vec<&'a Case> {
        let cases = cases.iter().copied();
        cases
            .filter(|case| case.target.condition.group() == group)
            .collect()
    };
    let groups = ConditionGroup::ALL.into_iter().map(|group| (group, of(group)));
    groups.filter(|(_, cases)| !cases.is_empty()).collect()
}
