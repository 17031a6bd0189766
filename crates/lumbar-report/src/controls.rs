//! Runs that were made to fail, beside the one that was not.

use crate::{
    Control,
    format::{Cell, Notes, Sign, conclusive},
    table::{Head, Row, Table},
};
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_evaluate::{EvaluationReport, Scope, Subset};
use lumbar_metrics::{Estimate, Measure};

pub(crate) fn controls_table(
    evaluation: &EvaluationReport,
    controls: &[Control],
    notes: &mut Notes,
) -> Option<Table> {
    if controls.is_empty() {
        return None;
    }
    let mut rows = Vec::new();
    let real = ("The run itself", "for comparison", evaluation);
    let made = controls
        .iter()
        .map(|c| (c.name.as_str(), c.expectation.as_str(), &c.evaluation));
    for (name, expectation, evaluation) in std::iter::once(real).chain(made) {
        rows.push(Row::heading(match expectation {
            "" => name.to_owned(),
            expectation => format!("{name}: {expectation}"),
        }));
        for group in ConditionGroup::ALL {
            if let Some(subset) = on_proper_view(evaluation, group) {
                rows.push(control_row(group, subset, notes));
            }
        }
    }
    Some(Table {
        caption: String::new(),
        head: {
            let mut head = Head::row(&[
                "",
                "AUROC, macro",
                "Level alone",
                "AUROC − level alone",
                "Log loss, weighted − prior",
            ]);
            head.push(Head::text("Reading"));
            head
        },
        rows,
    })
}

fn on_proper_view(evaluation: &EvaluationReport, group: ConditionGroup) -> Option<&Subset> {
    let view = SeriesKind::proper_for(group);
    evaluation
        .subset(Scope::GroupView { group, view })
        .or_else(|| evaluation.subset(Scope::Group { group }))
}

fn control_row(group: ConditionGroup, subset: &Subset, notes: &mut Notes) -> Row {
    let auroc = subset.minus_level_only(Measure::MacroAuroc);
    let loss = subset.minus_prior(Measure::GradeWeightedLogLoss);
    Row::new(
        group.display_name(),
        vec![
            notes.cell(subset.model(Measure::MacroAuroc), Sign::Plain),
            notes.bare(subset.level_only(Measure::MacroAuroc)),
            notes.cell(auroc, Sign::Always),
            notes.cell(loss, Sign::Always),
            Cell::lines(&reading(auroc, loss)),
        ],
    )
}

/// What the two intervals say: above the floor or not, better than the prior or not.
fn reading(auroc: Option<&Estimate>, loss: Option<&Estimate>) -> [String; 2] {
    let interval = |estimate: Option<&Estimate>| conclusive(estimate?);
    let ranking = match interval(auroc) {
        Some(i) if i.low > 0.0 => "above",
        Some(i) if i.high < 0.0 => "below",
        Some(_) => "no different",
        None => "undecided",
    };
    let scoring = match interval(loss) {
        Some(i) if i.high < 0.0 => "better",
        Some(i) if i.low > 0.0 => "worse",
        Some(_) => "no different",
        None => "undecided",
    };
    [format!("AUROC {ranking}"), format!("loss {scoring}")]
}
