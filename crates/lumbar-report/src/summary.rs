//! The first screen: what a clinician wants to know in half a minute.

use crate::{
    format::{FEWEST_PATIENTS, Notes, Sign, conclusive, count, number},
    results::in_words,
};
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_evaluate::{Basis, EvaluationReport, Localisation, Part, Scope, Subset};
use lumbar_metrics::{Estimate, Measure};

/// A number to remember.
pub(crate) struct KeyNumber {
    pub(crate) name: String,
    pub(crate) value: String,
    /// HTML: may hold the link of a footnote.
    pub(crate) interval: String,
    pub(crate) beside: String,
}

pub(crate) fn key_numbers(evaluation: &EvaluationReport, notes: &mut Notes) -> Vec<KeyNumber> {
    let mut all = Vec::new();
    let rsna = &evaluation.rsna;
    if let Some(score) = rsna.model.first() {
        let oracle = rsna.oracle.as_ref().and_then(|oracle| oracle.first());
        let beside = references(rsna.prior.first(), rsna.level_only.first(), oracle);
        let name = match evaluation.counts.is_partial() {
            true => "RSNA 2024 score of part of the targets, lower is better",
            false => "RSNA 2024 score, lower is better",
        };
        all.push(key_number(name, score, beside, notes));
    }
    let proper = evaluation
        .group_mean_auroc
        .iter()
        .find(|m| m.basis == Basis::ProperView);
    if let Some(mean) = proper.or(evaluation.group_mean_auroc.first()) {
        let beside = references(Some(&mean.prior), Some(&mean.level_only), mean.oracle.as_ref());
        all.push(key_number(
            "AUROC, mean over conditions",
            &mean.model,
            beside,
            notes,
        ));
    }
    if let Some(subset) = evaluation.subset(Scope::All) {
        let measure = Measure::QuadraticKappa;
        if let Some(kappa) = subset.model(measure) {
            let beside = references(
                subset.prior(measure),
                subset.level_only(measure),
                subset.oracle(measure),
            );
            all.push(key_number(
                "Agreement with the reader, quadratic kappa",
                kappa,
                beside,
                notes,
            ));
        }
        if let Some((found, severe, missed)) = severe_found(subset) {
            let sensitivity = subset.model(Measure::Recall(subset.confusion.len() - 1));
            all.push(KeyNumber {
                name: "Severe targets called severe (sensitivity)".to_owned(),
                value: format!("{} of {}", count(found), count(severe)),
                interval: sensitivity.map_or(String::new(), |share| in_percent(share, notes)),
                beside: format!("{} called {}", count(missed), lowest_grade(evaluation)),
            });
        }
    }
    all
}

/// `prior 0.71 · level alone 0.70 · oracle 0.41`.
fn references(prior: Option<&Estimate>, level_only: Option<&Estimate>, oracle: Option<&Estimate>) -> String {
    let named = [("prior", prior), ("level alone", level_only), ("oracle", oracle)].into_iter();
    let parts = named.filter_map(|(name, estimate)| Some(format!("{name} {}", plain(estimate?))));
    parts.collect::<Vec<_>>().join(" · ")
}

fn key_number(name: &str, estimate: &Estimate, beside: String, notes: &mut Notes) -> KeyNumber {
    KeyNumber {
        name: name.to_owned(),
        value: plain(estimate),
        interval: notes.interval(estimate, |end| number(end, Sign::Plain)),
        beside,
    }
}

fn plain(estimate: &Estimate) -> String {
    estimate
        .value
        .map_or("–".to_owned(), |value| number(value, Sign::Plain))
}

/// `45% (33% to 56%)`.
fn in_percent(share: &Estimate, notes: &mut Notes) -> String {
    let percent = |share: f64| format!("{:.0}%", 100.0 * share);
    match share.value {
        Ok(value) => format!("{} {}", percent(value), notes.interval(share, percent)),
        Err(_) => String::new(),
    }
}

fn lowest_grade(evaluation: &EvaluationReport) -> String {
    let lowest = evaluation.grades.first();
    lowest.map_or(String::new(), |grade| grade.display_name().to_lowercase())
}

/// (called severe, severe, called the lowest grade), read off the confusion matrix.
fn severe_found(subset: &Subset) -> Option<(u64, u64, u64)> {
    let row = subset.confusion.last()?;
    let severe: usize = row.iter().sum();
    Some((*row.last()? as u64, severe as u64, *row.first()? as u64)).filter(|_| severe > 0)
}

/// The findings as sentences.
pub(crate) fn sentences(evaluation: &EvaluationReport) -> Vec<String> {
    let counts = &evaluation.counts;
    let part = match evaluation.settings.part {
        Part::OutOfFold => "each study graded by a network that was not trained on its patient (out-of-fold)",
        Part::Test => "on patients kept out of training",
        Part::Valid => "on the validation part, on which the checkpoint was chosen, so the numbers flatter",
    };
    let points = match evaluation.localisation {
        Localisation::Given => "The places to grade were given, not found by the model.",
        Localisation::Predicted => "The places to grade were found by a model.",
    };
    let runs = match evaluation.settings.n_runs {
        1 => "One run".to_owned(),
        n => format!("{n} runs together"),
    };
    let mut all = vec![format!(
        "{runs} graded {} targets in {} studies of {} patients, {part}. {points}",
        count(counts.n_cases as u64),
        count(counts.n_studies as u64),
        count(counts.n_patients as u64),
    )];
    all.extend(coverage(evaluation));
    if counts.n_patients < FEWEST_PATIENTS {
        all.push(format!(
            "{} patients are too few to conclude anything: intervals over fewer than {FEWEST_PATIENTS} are unreliable.",
            counts.n_patients
        ));
    } else {
        all.extend(against_prior(evaluation));
    }
    all
}

/// How many of the graded targets were graded, and what it means where not all were.
fn coverage(evaluation: &EvaluationReport) -> Option<String> {
    let counts = &evaluation.counts;
    let of = format!(
        "{} of {} graded targets have a prediction",
        count(counts.n_cases as u64),
        count(counts.n_graded? as u64)
    );
    Some(match counts.is_partial() {
        false => format!("{of}."),
        true => format!(
            "Partial: {of}. All numbers are of these alone and do not compare with those of a run that graded all; runs on \
             the other views and conditions complete them (lumbar evaluate RUN RUN RUN --out DIR)."
        ),
    })
}

/// Whether looking at the image helped, group by group.
fn against_prior(evaluation: &EvaluationReport) -> Option<String> {
    let mut better = Vec::new();
    let mut other = Vec::new();
    for group in ConditionGroup::ALL {
        let view = SeriesKind::proper_for(group);
        let subset = evaluation
            .subset(Scope::GroupView { group, view })
            .or_else(|| evaluation.subset(Scope::Group { group }));
        let Some(difference) = subset.and_then(|s| s.minus_prior(Measure::GradeWeightedLogLoss)) else {
            continue;
        };
        let name = group.display_name().to_lowercase();
        match conclusive(difference) {
            Some(interval) if interval.high < 0.0 => better.push(name),
            _ => other.push(format!(
                "{name} (difference {})",
                in_words(difference, Sign::Always)
            )),
        }
    }
    let helped = "than always saying how common each grade is at that level (the no-image prior)";
    match (better.as_slice(), other.as_slice()) {
        ([], []) => None,
        ([], other) => Some(format!(
            "Seeing the image was not shown to help: {} not graded better {helped}, by weighted log loss.",
            listed(other)
        )),
        (better, []) => Some(format!(
            "Seeing the image helped in every condition graded: {} graded better {helped}, by weighted log loss, \
             with intervals over patients.",
            listed(better)
        )),
        (better, other) => Some(format!(
            "Seeing the image helped for {}, graded better {helped}. It was not shown to help for {}.",
            joined(better),
            joined(other)
        )),
    }
}

/// The items as the subject of a sentence.
fn listed(items: &[String]) -> String {
    let verb = if items.len() == 1 { "was" } else { "were" };
    format!("{} {verb}", joined(items))
}

pub(crate) fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
