//! The tables and figures of the scores.

use crate::{
    format::{Cell, Notes, Sign, count, number, short},
    plot::{self, Figure},
    table::{Head, Row, Table},
};
use lumbar_core::{Condition, ConditionGroup, Level};
use lumbar_evaluate::{Curves, EvaluationReport, Scope, Subset};
use lumbar_metrics::{Binning, Ece, EceOf, Estimate, Measure, Undefined};

/// The figure of a condition group.
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) figure: Figure,
}

/// Names of the official score's parts, in its order.
const RSNA_ROWS: [(&str, &str); 5] = [
    ("RSNA 2024 score", "plain mean of the four parts"),
    ("Spinal canal", "weighted log loss"),
    ("Foraminal", "weighted log loss, both sides"),
    ("Subarticular", "weighted log loss, both sides"),
    ("Any severe canal", "one case per study"),
];

pub(crate) fn rsna_table(evaluation: &EvaluationReport, notes: &mut Notes) -> Table {
    let rsna = &evaluation.rsna;
    let is_partial = evaluation.counts.is_partial();
    let rows = RSNA_ROWS.iter().enumerate().map(|(i, (label, detail))| {
        let label = match i == 0 && is_partial {
            true => format!("{label}, partial"),
            false => (*label).to_owned(),
        };
        let mut cells = vec![
            notes.cell(rsna.model.get(i), Sign::Plain),
            notes.bare(rsna.prior.get(i)),
            notes.bare(rsna.level_only.get(i)),
        ];
        if let Some(oracle) = &rsna.oracle {
            cells.push(notes.bare(oracle.get(i)));
        }
        cells.push(notes.cell(rsna.minus_prior.get(i), Sign::Always));
        if i == 0 {
            cells = cells.into_iter().map(Cell::strong).collect();
        }
        Row::new(label, cells).with_detail(*detail)
    });
    Table {
        caption: String::new(),
        rows: rows.collect(),
        head: with_oracle(
            &["Lower is better", "Model", "No-image prior", "Level alone"],
            rsna.oracle.is_some(),
            &["Model − prior"],
        ),
    }
}

fn with_oracle(before: &[&str], has_oracle: bool, after: &[&str]) -> Vec<Head> {
    let oracle: &[&str] = if has_oracle { &["Oracle"] } else { &[] };
    Head::row(&[before, oracle, after].concat())
}

/// Measures by condition group: all cases and the three groups side by side.
pub(crate) fn group_table(evaluation: &EvaluationReport, notes: &mut Notes) -> Table {
    let groups = ConditionGroup::ALL
        .into_iter()
        .map(|group| Scope::Group { group });
    let subsets: Vec<&Subset> = std::iter::once(Scope::All)
        .chain(groups)
        .filter_map(|scope| evaluation.subset(scope))
        .collect();
    let mut head = vec![Head::text("Measure")];
    head.extend(subsets.iter().map(|subset| match subset.scope {
        Scope::All => Head::number("All conditions"),
        scope => Head::number(scope.to_string()),
    }));
    let mut rows = vec![Row::new(
        "Graded targets",
        subsets
            .iter()
            .map(|subset| case_counts(subset, evaluation))
            .collect(),
    )];
    for (label, detail, measure) in group_measures(evaluation) {
        let cells = subsets.iter().map(|subset| {
            let model = subset.model(measure);
            let cell = match measure {
                // Resampling makes every bin noisier and so the error larger: its interval may lie above it.
                Measure::Ece(_) => notes.bare(model),
                _ => notes.cell(model, Sign::Plain),
            };
            with_references(cell, subset, measure, notes)
        });
        rows.push(Row::new(label, cells.collect()).with_detail(detail));
    }
    Table {
        caption: String::new(),
        head,
        rows,
    }
}

/// Cases, and below them those of each grade.
fn case_counts(subset: &Subset, evaluation: &EvaluationReport) -> Cell {
    let named = evaluation.grades.iter().zip(&subset.n_of_grade);
    named.fold(Cell::count(subset.n_cases as u64), |cell, (grade, n)| {
        cell.with_below(format!(
            "{} {}",
            count(*n as u64),
            grade.display_name().to_lowercase()
        ))
    })
}

/// The one that `metrics.json` holds.
const CALIBRATION_ERROR: Ece = Ece {
    of: EceOf::ClassWise,
    binning: Binning::EqualWidth(lumbar_evaluate::curves::N_RELIABILITY_BINS),
};

fn group_measures(evaluation: &EvaluationReport) -> Vec<(String, String, Measure)> {
    let worst = evaluation.grades.len() - 1;
    let mut all = vec![
        row("AUROC, macro", "grades one against the rest", Measure::MacroAuroc),
        row("AUROC, at least moderate", "", Measure::AurocAtLeast(worst - 1)),
        row("AUROC, severe", "", Measure::AurocAtLeast(worst)),
        row(
            "Sensitivity for severe",
            "called severe, of the severe",
            Measure::Recall(worst),
        ),
        row(
            "Specificity for severe",
            "not called severe, of the others",
            Measure::Specificity(worst),
        ),
        row("Kappa, quadratic", "", Measure::QuadraticKappa),
        row("Accuracy", "", Measure::Accuracy),
        row("F1, macro", "", Measure::MacroF1),
    ];
    for (idx, grade) in evaluation.grades.iter().enumerate() {
        all.push(row(
            &format!("F1, {}", grade.display_name().to_lowercase()),
            "",
            Measure::F1(idx),
        ));
    }
    all.push(row(
        "Log loss, weighted 1/2/4",
        "lower is better",
        Measure::GradeWeightedLogLoss,
    ));
    all.push(row("Log loss", "lower is better", Measure::LogLoss));
    all.push(row(
        "Calibration error",
        "class-wise, 10 bins; lower is better; without interval",
        Measure::Ece(CALIBRATION_ERROR),
    ));
    all
}

fn row(label: &str, detail: &str, measure: Measure) -> (String, String, Measure) {
    (label.to_owned(), detail.to_owned(), measure)
}

/// Below the model's number: `prior 0.712 · level alone 0.724`, and `oracle 0.961`.
fn with_references(cell: Cell, subset: &Subset, measure: Measure, notes: &mut Notes) -> Cell {
    let mut named = |name: &str, estimate: Option<&Estimate>| {
        Some(format!("{name} {}", notes.value(estimate?.value, Sign::Plain)))
    };
    let without_image = [
        named("prior", subset.prior(measure)),
        named("level alone", subset.level_only(measure)),
    ];
    let without_image: Vec<String> = without_image.into_iter().flatten().collect();
    let oracle = named("oracle", subset.oracle(measure));
    cell.with_below(without_image.join(" · "))
        .with_below(oracle.unwrap_or_default())
}

/// Conditions and levels, one row each.
pub(crate) fn breakdown_table(evaluation: &EvaluationReport, notes: &mut Notes) -> Table {
    let measures = [
        Measure::MacroAuroc,
        Measure::QuadraticKappa,
        Measure::MacroF1,
        Measure::GradeWeightedLogLoss,
    ];
    let conditions: Vec<Scope> = Condition::ALL
        .into_iter()
        .map(|condition| Scope::Condition { condition })
        .collect();
    let levels: Vec<Scope> = Level::ALL
        .into_iter()
        .map(|level| Scope::Level { level })
        .collect();
    let mut rows = Vec::new();
    for (heading, scopes) in [("By condition", conditions), ("By level, all conditions", levels)] {
        let subsets: Vec<&Subset> = scopes
            .into_iter()
            .filter_map(|scope| evaluation.subset(scope))
            .collect();
        if subsets.is_empty() {
            continue;
        }
        rows.push(Row::heading(heading));
        for subset in subsets {
            let severe = subset.n_of_grade.last().copied().unwrap_or_default();
            let targets = Cell::count(subset.n_cases as u64);
            let mut cells = vec![targets.with_below(format!("{} severe", count(severe as u64)))];
            for measure in measures {
                let cell = notes.cell(subset.model(measure), Sign::Plain);
                cells.push(with_references(cell, subset, measure, notes));
            }
            rows.push(Row::new(subset.scope.to_string(), cells));
        }
    }
    Table {
        caption: String::new(),
        head: Head::row(&[
            "",
            "Targets",
            "AUROC, macro",
            "Kappa, quadratic",
            "F1, macro",
            "Log loss, weighted",
        ]),
        rows,
    }
}

/// Fewer targets than this in a cell of [`heat_table`] rank nothing that could be read off.
const FEWEST_IN_CELL: usize = 10;

/// AUROC of each condition at each level, shaded; a dash where there are too few targets.
pub(crate) fn heat_table(evaluation: &EvaluationReport, notes: &mut Notes) -> Table {
    let mut head = Head::row(&["AUROC, macro"]);
    head.extend(Level::ALL.map(|level| Head::number(level.display_name())));
    let rows = ConditionGroup::ALL.into_iter().filter_map(|group| {
        evaluation.subset(Scope::Group { group })?;
        let cells = Level::ALL.map(
            |level| match evaluation.subset(Scope::GroupLevel { group, level }) {
                Some(subset) => heat_cell(subset, notes),
                None => Cell::default(),
            },
        );
        Some(Row::new(group.display_name(), cells.into()))
    });
    Table {
        caption: String::new(),
        rows: rows.collect(),
        head,
    }
}

fn heat_cell(subset: &Subset, notes: &mut Notes) -> Cell {
    let severe = subset.n_of_grade.last().copied().unwrap_or_default();
    let counts = format!("{} targets, {severe} severe", count(subset.n_cases as u64));
    let estimate = subset.model(Measure::MacroAuroc);
    if subset.n_cases < FEWEST_IN_CELL {
        let suppressed = Undefined::Suppressed {
            n: subset.n_cases,
            minimum: FEWEST_IN_CELL,
        };
        return Cell::text(notes.value(Err(suppressed), Sign::Plain)).with_below(counts);
    }
    let cell = notes
        .cell(estimate, Sign::Plain)
        .interval_below()
        .with_below(counts);
    match estimate.map(|estimate| estimate.value) {
        Some(Ok(auroc)) if auroc > 0.5 => cell.shaded(plot::shade(2.0 * (auroc - 0.5))),
        _ => cell,
    }
}

/// Kappa beside what is published of human readers.
pub(crate) fn kappa_table(evaluation: &EvaluationReport, notes: &mut Notes) -> Table {
    let has_oracle = evaluation.rsna.oracle.is_some();
    let rows = ConditionGroup::ALL.into_iter().filter_map(|group| {
        let subset = evaluation.subset(Scope::Group { group })?;
        let mut cells = vec![notes.cell(subset.model(Measure::QuadraticKappa), Sign::Plain)];
        if has_oracle {
            cells.push(notes.bare(subset.oracle(Measure::QuadraticKappa)));
        }
        let published = evaluation
            .human_agreement
            .iter()
            .filter(|human| human.group == group);
        let lines: Vec<String> = published
            .map(|human| {
                let kappa = if (human.kappa_high - human.kappa_low).abs() < 1e-9 {
                    format!("{:.2}", human.kappa_low)
                } else {
                    format!("{:.2} to {:.2}", human.kappa_low, human.kappa_high)
                };
                format!("{kappa}, {} ({})", human.between, human.source)
            })
            .collect();
        cells.push(Cell::lines(&lines));
        Some(Row::new(group.display_name(), cells))
    });
    Table {
        caption: String::new(),
        rows: rows.collect(),
        head: {
            let mut head = with_oracle(&["Quadratic kappa", "Model"], has_oracle, &[]);
            head.push(Head::text("Published agreement of human readers"));
            head
        },
    }
}

pub(crate) fn confusion_panels(evaluation: &EvaluationReport) -> Vec<Panel> {
    let grades: Vec<String> = evaluation
        .grades
        .iter()
        .map(|grade| grade.display_name().to_owned())
        .collect();
    let groups = ConditionGroup::ALL.into_iter();
    groups
        .filter_map(|group| {
            let subset = evaluation.subset(Scope::Group { group })?;
            Some(Panel {
                title: group.display_name().to_owned(),
                detail: format!("{} targets, {} patients", subset.n_cases, subset.n_patients),
                figure: plot::confusion(group.display_name(), &grades, &subset.confusion),
            })
        })
        .collect()
}

pub(crate) fn roc_panels(evaluation: &EvaluationReport) -> Vec<Panel> {
    curve_panels(evaluation, plot::roc, |curve, subset, idx| {
        let estimate = subset.model(Measure::Auroc(idx));
        let area = estimate.map_or("–".to_owned(), short);
        format!("{} (n={}): {area}", curve.grade.display_name(), curve.n_of_grade)
    })
}

pub(crate) fn reliability_panels(evaluation: &EvaluationReport) -> Vec<Panel> {
    curve_panels(evaluation, plot::reliability, |curve, _, _| {
        format!("{} (n={})", curve.grade.display_name(), curve.n_of_grade)
    })
}

fn curve_panels(
    evaluation: &EvaluationReport,
    draw: impl Fn(&str, &[&Curves], &[String], usize) -> Figure,
    legend: impl Fn(&Curves, &Subset, usize) -> String,
) -> Vec<Panel> {
    let groups = ConditionGroup::ALL.into_iter();
    groups
        .filter_map(|group| {
            let subset = evaluation.subset(Scope::Group { group })?;
            let curves: Vec<&Curves> = evaluation
                .curves
                .iter()
                .filter(|curve| curve.group == group)
                .collect();
            let legends: Vec<String> = curves
                .iter()
                .enumerate()
                .map(|(i, c)| legend(c, subset, i))
                .collect();
            Some(Panel {
                title: group.display_name().to_owned(),
                detail: format!("{} targets, {} patients", subset.n_cases, subset.n_patients),
                figure: draw(group.display_name(), &curves, &legends, evaluation.grades.len()),
            })
        })
        .collect()
}

/// `0.912 (0.881 to 0.941)` as text; used in sentences.
pub(crate) fn in_words(estimate: &Estimate, sign: Sign) -> String {
    match (estimate.value, &estimate.interval) {
        (Ok(value), Some(Ok(i))) => {
            let [low, high] = [i.low, i.high].map(|end| number(end, sign));
            format!(
                "{} ({}% interval {low} to {high})",
                number(value, sign),
                (1000.0 * i.level).round() / 10.0
            )
        }
        (Ok(value), _) => number(value, sign),
        (Err(reason), _) => format!("undefined ({reason})"),
    }
}
