//! The evaluation of one or several runs: what `metrics.json` holds.

use crate::{
    Basis, Case, Cases, Combine, Curves, Domain, EvaluateError, EvaluateOptions, GroupMeanAuroc,
    HumanAgreement, Localisation, Part, PredictionTable, Scope, Subset, ViewComparison, beside,
    cases::views_present,
    curves, group_mean, human,
    level_only::LevelOnly,
    measured::{Predictor, rsna_table},
    subset::{differences, has_oracle, measure_scopes, n_patients},
    views,
};
use lumbar_core::{GradingScheme, SeriesKind, Severity};
use lumbar_metrics::{Bootstrap, Estimate};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fs, io, path::Path};

/// Version of the layout of `metrics.json`.
pub const METRICS_SCHEMA_VERSION: u32 = 1;

/// Everything measured on one set of predictions. Serialises to `metrics.json` (see `data-spec/metrics-json.md`).
///
/// Each number is an [`Estimate`]: value or the reason why there is none, interval, number of cases and patients.
/// Beside the model stand the reference predictors on exactly the same cases: the no-image prior of the training labels,
/// the level-only floor and, for phantoms, the oracle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// Version of this layout.
    pub schema_version: u32,
    /// Phantoms or patients.
    pub domain: Domain,
    /// Who found the targets.
    pub localisation: Localisation,
    /// The grading scheme.
    pub scheme: GradingScheme,
    /// Its grades from best to worst; `auroc_grade_1` is of the second one.
    pub grades: Vec<Severity>,
    /// How it was evaluated.
    pub settings: Settings,
    /// How much went in.
    pub counts: Counts,
    /// The official score and its parts.
    pub rsna: RsnaScores,
    /// Macro AUROC pooled within groups, averaged over groups; combined, and on the proper views.
    pub group_mean_auroc: Vec<GroupMeanAuroc>,
    /// The measures of all cases, and of each group, condition, level, group at a level, view, and group on a view.
    pub subsets: Vec<Subset>,
    /// The views against each other, on the targets graded from both.
    pub views: Vec<ViewComparison>,
    /// Curves per group and grade.
    pub curves: Vec<Curves>,
    /// Published agreement of human readers, to print beside kappa.
    pub human_agreement: Vec<HumanAgreement>,
}

/// How an evaluation was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The part evaluated.
    pub part: Part,
    /// Runs whose predictions went in.
    pub n_runs: usize,
    /// How several predictions of a target became one.
    pub combine: Combine,
    /// What happened to targets without a grade: always `drop`.
    pub missing_labels: MissingLabelPolicy,
    /// The intervals.
    pub bootstrap: Bootstrap,
    /// [`PredictionTable::digest`] of each run's predictions, in rising order; empty in a file of an earlier version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predictions_sha256: Vec<String>,
}

/// What happens to targets without a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingLabelPolicy {
    /// They are not scored. (Some RSNA solutions count them as normal, which lowers the loss.)
    Drop,
}

/// How much went into an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows of the evaluated part that the combined predictions rest on.
    pub n_rows: usize,
    /// Graded targets with a prediction: what is measured.
    pub n_cases: usize,
    /// Graded targets the data set has on the evaluated side of the split, with a prediction or without, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_graded: Option<usize>,
    /// Targets with a prediction but no grade.
    pub n_unlabelled: usize,
    /// Studies among the cases.
    pub n_studies: usize,
    /// Patients among the cases: the unit intervals resample.
    pub n_patients: usize,
}

impl Counts {
    /// Whether graded targets are without a prediction, so that the score does not compare with one of all targets;
    /// `false` where it is not known.
    pub fn is_partial(&self) -> bool {
        self.n_graded.is_some_and(|n_graded| self.n_cases < n_graded)
    }
}

/// The official score, its four parts, and those of the reference predictors.
///
/// Computed from the score-mapped probabilities q; targets without a grade are dropped. Intervals resample studies (in
/// the challenge every patient has one).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RsnaScores {
    /// `rsna_score` and its parts, of the model.
    pub model: Vec<Estimate>,
    /// Of the no-image prior.
    pub prior: Vec<Estimate>,
    /// Of the level-only floor.
    pub level_only: Vec<Estimate>,
    /// Of the oracle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<Vec<Estimate>>,
    /// Model minus prior; below zero the model is better.
    pub minus_prior: Vec<Estimate>,
    /// Model minus level-only floor.
    pub minus_level_only: Vec<Estimate>,
}

impl EvaluationReport {
    /// Whether this was measured on these very predictions, one table a run, in any order.
    pub fn is_of(&self, tables: &[PredictionTable]) -> bool {
        !tables.is_empty() && self.settings.predictions_sha256 == digests(tables)
    }

    /// The subset of a scope; `None` where it has no cases.
    pub fn subset(&self, scope: Scope) -> Option<&Subset> {
        self.subsets.iter().find(|subset| subset.scope == scope)
    }

    /// Writes `metrics.json`, beside its place first.
    ///
    /// # Errors
    /// On disk errors.
    pub fn write(&self, path: &Path) -> Result<(), EvaluateError> {
        beside::write_json(self, path)
    }

    /// Reads `metrics.json`.
    ///
    /// # Errors
    /// If the file cannot be read or is not an evaluation of this version.
    pub fn read(path: &Path) -> Result<EvaluationReport, EvaluateError> {
        let text = fs::read_to_string(path).map_err(|source| EvaluateError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let report: EvaluationReport = serde_json::from_str(&text).map_err(|source| EvaluateError::Json {
            path: path.to_owned(),
            source,
        })?;
        match report.schema_version {
            METRICS_SCHEMA_VERSION => Ok(report),
            other => Err(EvaluateError::Io {
                action: "read",
                path: path.to_owned(),
                source: io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("schema version {other}, expected {METRICS_SCHEMA_VERSION}"),
                ),
            }),
        }
    }
}

/// Measures the predictions of one or several runs.
///
/// Several runs are combined target by target as `options.combine` says; the views are also measured one by one, each
/// from the runs that have it. The result is a function of the rows, the options and the seed, at any number of
/// threads and whatever the order of rows.
///
/// # Errors
/// If the tables do not belong together, or hold no row of the wanted part: see [`Cases::combine`].
pub fn evaluate(
    tables: &[PredictionTable],
    options: &EvaluateOptions,
) -> Result<EvaluationReport, EvaluateError> {
    let bootstrap = options.bootstrap()?;
    let combined = Cases::combine(tables, options)?;
    let cases = combined.labelled();
    let mut subsets = measure_scopes(&cases, &Scope::combined(), combined.scheme, &bootstrap)?;
    let mut proper_view = Vec::new();
    let of_views: Vec<(SeriesKind, Cases)> = views_present(tables, combined.part)
        .into_iter()
        .map(|view| Ok((view, Cases::of_view(tables, options, view)?)))
        .collect::<Result<_, EvaluateError>>()?;
    for (view, of_view) in &of_views {
        let cases = of_view.labelled();
        subsets.extend(measure_scopes(
            &cases,
            &Scope::of_view(*view),
            combined.scheme,
            &bootstrap,
        )?);
        let proper = |case: &&Case| SeriesKind::proper_for(case.target.condition.group()) == *view;
        proper_view.extend(cases.into_iter().filter(proper));
    }
    let group_mean =
        |cases: &[&Case], basis| group_mean::group_mean_auroc(cases, combined.scheme, basis, options);
    let mut group_mean_auroc = vec![group_mean(&cases, Basis::Combined)?];
    if !proper_view.is_empty() {
        group_mean_auroc.push(group_mean(&proper_view, Basis::ProperView)?);
    }
    Ok(EvaluationReport {
        schema_version: METRICS_SCHEMA_VERSION,
        domain: combined.domain,
        localisation: combined.localisation,
        scheme: combined.scheme,
        grades: combined.scheme.grades().to_vec(),
        settings: Settings {
            part: combined.part,
            n_runs: tables.len(),
            combine: options.combine,
            missing_labels: MissingLabelPolicy::Drop,
            bootstrap,
            predictions_sha256: digests(tables),
        },
        counts: count(&combined, tables),
        rsna: rsna_scores(&cases, combined.scheme, &bootstrap)?,
        group_mean_auroc,
        subsets,
        views: views::compare_views(&of_views, combined.scheme, &bootstrap)?,
        curves: curves::curves(&cases, combined.scheme, options)?,
        human_agreement: human::published(),
    })
}

/// The digests of predictions, to be found in [`Settings::predictions_sha256`] of their evaluation.
fn digests(tables: &[PredictionTable]) -> Vec<String> {
    let mut digests: Vec<String> = tables.iter().map(PredictionTable::digest).collect();
    digests.sort();
    digests
}

fn count(cases: &Cases, tables: &[PredictionTable]) -> Counts {
    let labelled = cases.labelled();
    let n_graded = tables.iter().filter_map(|table| table.n_graded.get(&cases.part));
    Counts {
        n_rows: cases.cases.iter().map(|case| case.n_rows).sum(),
        n_cases: labelled.len(),
        // Runs on two data sets may together have more than either knows of.
        n_graded: n_graded.copied().max().filter(|n| *n >= labelled.len()),
        n_unlabelled: cases.cases.len() - labelled.len(),
        n_studies: labelled
            .iter()
            .map(|case| &case.study)
            .collect::<BTreeSet<_>>()
            .len(),
        n_patients: n_patients(&labelled),
    }
}

fn rsna_scores(
    cases: &[&Case],
    scheme: GradingScheme,
    bootstrap: &Bootstrap,
) -> Result<RsnaScores, EvaluateError> {
    let model = rsna_table(cases, scheme, Predictor::Model)?;
    let prior = rsna_table(cases, scheme, Predictor::Prior)?;
    let level_only = LevelOnly::fitted(cases, scheme);
    let level_only = rsna_table(cases, scheme, Predictor::LevelOnly(&level_only))?;
    let oracle = has_oracle(cases)
        .then(|| rsna_table(cases, scheme, Predictor::Oracle))
        .transpose()?;
    Ok(RsnaScores {
        model: model.estimate(bootstrap),
        prior: prior.estimate(bootstrap),
        level_only: level_only.estimate(bootstrap),
        oracle: oracle.map(|oracle| oracle.estimate(bootstrap)),
        minus_prior: differences(model.compare(&prior, bootstrap)?),
        minus_level_only: differences(model.compare(&level_only, bootstrap)?),
    })
}
