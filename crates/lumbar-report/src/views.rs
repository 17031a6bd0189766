//! Sagittal against axial, by condition.

use crate::{
    format::{Cell, Notes, Sign, conclusive, short},
    plot::{self, Figure, ForestRow},
    results::in_words,
    table::{Head, Row, Table},
};
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_evaluate::{Domain, EvaluationReport, Scope, ViewComparison};
use lumbar_metrics::{Comparison, Estimate};

/// What the page says of the views.
pub(crate) struct Views {
    pub(crate) table: Table,
    pub(crate) forest: Figure,
    /// One per condition group and pair of views.
    pub(crate) sentences: Vec<String>,
    /// All of them in one sentence.
    pub(crate) headline: String,
}

const SAGITTAL: &str = "#0067a5";
const AXIAL: &str = "#c04000";

/// `None` where no condition was graded from both planes.
pub(crate) fn views(evaluation: &EvaluationReport, notes: &mut Notes) -> Option<Views> {
    if evaluation.views.is_empty() {
        return None;
    }
    let group_of = |comparison: &ViewComparison| match comparison.scope {
        Scope::Condition { condition } => Some((condition.group(), false)),
        Scope::Group { group } => Some((group, true)),
        _ => None,
    };
    let mut rows = Vec::new();
    let mut sentences = Vec::new();
    let mut verdicts = Vec::new();
    for group in ConditionGroup::ALL {
        let of_group = |comparison: &&ViewComparison| group_of(comparison).is_some_and(|(g, _)| g == group);
        for pooled in evaluation
            .views
            .iter()
            .filter(of_group)
            .filter(|c| matches!(c.scope, Scope::Group { .. }))
        {
            let (sagittal, axial) = (pooled.sagittal, pooled.axial);
            let pair = format!("{} or {}", sagittal.description(), axial.description());
            rows.push(Row::heading(format!("{}: {pair}", group.display_name())));
            let of_pair = |c: &&ViewComparison| c.sagittal == sagittal && c.axial == axial;
            for comparison in evaluation.views.iter().filter(of_group).filter(of_pair) {
                let is_group = group_of(comparison).is_some_and(|(_, is_group)| is_group);
                // The canal has no sides: its condition is its group.
                if is_group || group.conditions().len() > 1 {
                    rows.push(table_row(comparison, is_group, notes));
                }
            }
            sentences.extend(sentence(group, pooled, evaluation.domain));
            verdicts.extend(verdict(group, pooled));
        }
    }
    Some(Views {
        table: Table {
            caption: String::new(),
            head: Head::row(&[
                "",
                "Targets",
                "AUROC sagittal",
                "AUROC axial",
                "Sagittal − axial",
                "Level alone",
                "Log loss, sagittal − axial",
            ]),
            rows,
        },
        forest: forest(evaluation),
        sentences,
        headline: headline(&verdicts, evaluation.domain),
    })
}

fn table_row(comparison: &ViewComparison, is_group: bool, notes: &mut Notes) -> Row {
    let measure = |name: &str| comparison.comparisons.iter().find(|c| c.a.measure == name);
    let (auroc, loss) = (measure("auroc_macro"), measure("log_loss_grade_weighted"));
    let floor = floor(comparison);
    let cells = vec![
        Cell::count(comparison.n_cases as u64),
        notes.cell(auroc.map(|c| &c.a), Sign::Plain),
        notes.cell(auroc.map(|c| &c.b), Sign::Plain),
        notes.cell(auroc.map(|c| &c.difference), Sign::Always),
        notes.bare(floor),
        notes.cell(loss.map(|c| &c.difference), Sign::Always),
    ];
    let label = match comparison.scope {
        Scope::Group { group } if group.conditions().len() > 1 => "Both sides".to_owned(),
        Scope::Condition { condition } => match condition.side() {
            Some(side) => capitalised(&side.to_string()),
            None => condition.to_string(),
        },
        _ => "All levels".to_owned(),
    };
    let cells = if is_group {
        cells.into_iter().map(Cell::strong).collect()
    } else {
        cells
    };
    Row::new(label, cells)
}

/// What knowing the level alone gives on the same targets.
fn floor(comparison: &ViewComparison) -> Option<&Estimate> {
    comparison.level_only.iter().find(|e| e.measure == "auroc_macro")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// `spinal canal stenosis better from sagittal T2/STIR than axial T2`.
fn verdict(group: ConditionGroup, comparison: &ViewComparison) -> Option<String> {
    let auroc = comparison
        .comparisons
        .iter()
        .find(|c| c.a.measure == "auroc_macro")?;
    let condition = group.display_name().to_lowercase();
    let (sagittal, axial) = (plain(comparison.sagittal), plain(comparison.axial));
    let difference = auroc.difference.value.ok()?;
    let interval = conclusive(&auroc.difference)?;
    Some(match !interval.contains(0.0) {
        true if difference > 0.0 => format!("{condition} better from {sagittal} than from {axial}"),
        true => format!("{condition} better from {axial} than from {sagittal}"),
        false => format!("{condition} no differently from {sagittal} and {axial}"),
    })
}

fn headline(verdicts: &[String], domain: Domain) -> String {
    let scope = match domain {
        Domain::Synthetic => "what the phantoms encode, not evidence about patients",
        Domain::Clinical => "each view with a model of its own",
    };
    match verdicts {
        [] => String::new(),
        verdicts => format!("Sagittal or axial ({scope}): {}, by AUROC.", verdicts.join("; ")),
    }
}

fn sentence(group: ConditionGroup, comparison: &ViewComparison, domain: Domain) -> Option<String> {
    let auroc = comparison
        .comparisons
        .iter()
        .find(|c| c.a.measure == "auroc_macro")?;
    let where_ = match domain {
        Domain::Synthetic => "In these phantoms, ",
        Domain::Clinical => "In these patients, ",
    };
    let condition = group.display_name().to_lowercase();
    let (sagittal, axial) = (plain(comparison.sagittal), plain(comparison.axial));
    let difference = in_words(&auroc.difference, Sign::Always);
    let decided = conclusive(&auroc.difference).map(|interval| !interval.contains(0.0));
    let verdict = match (decided, auroc.difference.value) {
        (Some(true), Ok(d)) if d > 0.0 => format!("was graded better from {sagittal} than from {axial}"),
        (Some(true), Ok(_)) => format!("was graded better from {axial} than from {sagittal}"),
        (Some(false), Ok(_)) => {
            format!("was graded about equally well from {sagittal} and from {axial}; no difference was shown")
        }
        _ => {
            return Some(format!(
                "{where_}{condition} could not be compared between {sagittal} and {axial}."
            ));
        }
    };
    Some(format!(
        "{where_}{condition} {verdict}: AUROC {} and {}, difference {difference}.",
        value(&auroc.a),
        value(&auroc.b),
    ))
}

fn value(estimate: &Estimate) -> String {
    estimate
        .value
        .map_or("–".to_owned(), |value| format!("{value:.3}"))
}

fn plain(view: SeriesKind) -> &'static str {
    match view {
        SeriesKind::SagittalT1 => "sagittal T1",
        SeriesKind::SagittalT2 => "sagittal T2/STIR",
        SeriesKind::AxialT2 => "axial T2",
    }
}

fn forest(evaluation: &EvaluationReport) -> Figure {
    let mut rows = Vec::new();
    for group in ConditionGroup::ALL {
        let of_group: Vec<&ViewComparison> = evaluation
            .views
            .iter()
            .filter(|comparison| comparison.scope == Scope::Group { group })
            .collect();
        if of_group.is_empty() {
            continue;
        }
        rows.push(ForestRow {
            label: group.display_name().to_owned(),
            heading: true,
            value: None,
            reference: None,
            text: String::new(),
            colour: "",
        });
        for comparison in of_group {
            let floor = floor(comparison);
            let auroc: Option<&Comparison> = comparison
                .comparisons
                .iter()
                .find(|c| c.a.measure == "auroc_macro");
            let sides = auroc.map(|c| {
                [
                    (comparison.sagittal, &c.a, SAGITTAL),
                    (comparison.axial, &c.b, AXIAL),
                ]
            });
            for (view, estimate, colour) in sides.into_iter().flatten() {
                let value = match (estimate.value, &estimate.interval) {
                    (Ok(value), Some(Ok(interval))) => Some([value, interval.low, interval.high]),
                    (Ok(value), _) => Some([value; 3]),
                    (Err(_), _) => None,
                };
                rows.push(ForestRow {
                    label: view.description().to_owned(),
                    heading: false,
                    value,
                    reference: floor.and_then(|floor| floor.value.ok()),
                    text: short(estimate),
                    colour,
                });
            }
        }
    }
    let lowest = rows
        .iter()
        .flat_map(|row| row.value.map(|v| v[1]).into_iter().chain(row.reference));
    let low = lowest.fold(0.5_f64, f64::min);
    let spoken: Vec<String> = rows
        .iter()
        .filter(|row| !row.heading)
        .map(|r| format!("{} {}", r.label, r.text))
        .collect();
    plot::forest(
        &format!("AUROC by view: {}", spoken.join("; ")),
        "macro AUROC with interval (grey mark: level alone)",
        (low * 10.0).floor() / 10.0,
        &rows,
    )
}
