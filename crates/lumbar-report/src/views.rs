//! Sagittal against axial, by condition.

use crate::{
    format::{Cell, Notes, Sign, short},
    plot::{self, Figure, ForestRow},
    results::in_words,
    table::{Row, Table},
};
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_evaluate::{Domain, EvaluationReport, Scope, ViewComparison};
use lumbar_metrics::Comparison;

/// What the page says of the views.
pub(crate) struct Views {
    pub(crate) table: Table,
    pub(crate) forest: Figure,
    /// One per condition group and pair of views.
    pub(crate) sentences: Vec<String>,
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
    for group in ConditionGroup::ALL {
        let of_group = || {
            evaluation
                .views
                .iter()
                .filter(|c| group_of(c).is_some_and(|(g, _)| g == group))
        };
        if of_group().next().is_none() {
            continue;
        }
        rows.push(Row::heading(group.display_name()));
        for comparison in of_group() {
            let is_group = group_of(comparison).is_some_and(|(_, is_group)| is_group);
            if is_group {
                sentences.extend(sentence(group, comparison, evaluation.domain));
            } else if group.conditions().len() == 1 {
                continue; // the canal has no sides: its condition is its group
            }
            rows.push(table_row(comparison, is_group, notes));
        }
    }
    Some(Views {
        table: Table {
            caption: String::new(),
            head: [
                "",
                "Targets",
                "AUROC sagittal",
                "AUROC axial",
                "Sagittal − axial",
                "Level alone",
                "Log loss, sagittal − axial",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
        },
        forest: forest(evaluation),
        sentences,
    })
}

fn table_row(comparison: &ViewComparison, is_group: bool, notes: &mut Notes) -> Row {
    let measure = |name: &str| comparison.comparisons.iter().find(|c| c.a.measure == name);
    let (auroc, loss) = (measure("auroc_macro"), measure("log_loss_grade_weighted"));
    let floor = comparison.prior.iter().find(|e| e.measure == "auroc_macro");
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
    let views = format!(
        "{} / {}",
        comparison.sagittal.description(),
        comparison.axial.description()
    );
    let cells = if is_group {
        cells.into_iter().map(Cell::strong).collect()
    } else {
        cells
    };
    Row::new(label, cells).with_detail(views)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
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
    let verdict = match (auroc.excludes_zero(), auroc.difference.value) {
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

fn value(estimate: &lumbar_metrics::Estimate) -> String {
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
            let floor = comparison.prior.iter().find(|e| e.measure == "auroc_macro");
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
        "macro AUROC, 95% interval (grey mark: level alone)",
        (low * 10.0).floor() / 10.0,
        &rows,
    )
}
