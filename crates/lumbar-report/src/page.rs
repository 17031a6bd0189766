//! The page: sections put together and filled into the template.

use crate::{
    ReportError, ReportInput, SplitSize,
    controls::controls_table,
    crops::{CropRow, crop_rows},
    flow::{Flow, flow},
    format::{Cell, Notes, count, duration},
    plot::{self, Figure},
    results::{
        Panel, breakdown_table, confusion_panels, group_table, kappa_table, reliability_panels, roc_panels,
        rsna_table,
    },
    summary::{KeyNumber, key_numbers, sentences},
    table::{Head, Row, Table},
    views::{Views, views},
};
use askama::Template;
use lumbar_evaluate::{Combine, Domain, EvaluationReport, Part};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    is_synthetic: bool,
    notes: &'a [String],
    sentences: Vec<String>,
    key_numbers: Vec<KeyNumber>,
    flow: Vec<Flow<'a>>,
    splits: Option<Table>,
    crops: Vec<CropRow>,
    runs: Vec<RunPanel<'a>>,
    rsna: Table,
    groups: Table,
    confusion: Vec<Panel>,
    roc: Vec<Panel>,
    reliability: Vec<Panel>,
    kappa: Table,
    views: Option<Views>,
    breakdown: Table,
    controls: Option<Table>,
    stages: Vec<Bar>,
    total_time: String,
    method: Vec<String>,
    has_oracle: bool,
    fewest_in_bin: f64,
    level: String,
    footnotes: Vec<String>,
    provenance: &'a [(String, String)],
}

struct RunPanel<'a> {
    name: &'a str,
    facts: &'a [(String, String)],
    figure: Option<Figure>,
}

struct Bar {
    name: String,
    time: String,
    /// Share of the longest, in percent.
    percent: u32,
}

/// The whole page as one string of HTML.
pub(crate) fn page(input: &ReportInput) -> Result<String, ReportError> {
    let evaluation = &input.evaluation;
    // Tables first, in the order of the page: they number the footnotes.
    let mut notes = Notes::default();
    let rsna = rsna_table(evaluation, &mut notes);
    let groups = group_table(evaluation, &mut notes);
    let kappa = kappa_table(evaluation, &mut notes);
    let views = views(evaluation, &mut notes);
    let breakdown = breakdown_table(evaluation, &mut notes);
    let controls = controls_table(evaluation, &input.controls, &mut notes);
    let total: f64 = input.stages.iter().map(|stage| stage.seconds).sum();
    let page = Page {
        title: &input.title,
        is_synthetic: evaluation.domain == Domain::Synthetic,
        notes: &input.notes,
        sentences: sentences(evaluation),
        key_numbers: key_numbers(evaluation),
        flow: input.flow.iter().map(flow).collect(),
        splits: splits_table(&input.splits, evaluation),
        crops: crop_rows(input)?,
        runs: input
            .runs
            .iter()
            .map(|run| RunPanel {
                name: &run.name,
                facts: &run.facts,
                figure: plot::learning_curves(run),
            })
            .collect(),
        rsna,
        groups,
        confusion: confusion_panels(evaluation),
        roc: roc_panels(evaluation),
        reliability: reliability_panels(evaluation),
        kappa,
        views,
        breakdown,
        controls,
        stages: bars(input),
        total_time: duration(total),
        method: method(evaluation),
        fewest_in_bin: plot::FEWEST_IN_BIN,
        has_oracle: evaluation.rsna.oracle.is_some(),
        level: confidence(evaluation),
        footnotes: notes.lines(),
        provenance: &input.provenance,
    };
    Ok(page.render()?)
}

fn splits_table(splits: &[SplitSize], evaluation: &EvaluationReport) -> Option<Table> {
    if splits.is_empty() {
        return None;
    }
    let mut head = Head::row(&["Part", "Patients", "Studies", "Samples"]);
    head.extend(
        evaluation
            .grades
            .iter()
            .map(|grade| Head::number(grade.display_name())),
    );
    head.push(Head::number("No grade"));
    let n_columns = evaluation.grades.len() + 1;
    let rows = splits.iter().map(|split| {
        let sizes = [split.n_patients, split.n_studies, split.n_samples].into_iter();
        let of_grade = (0..n_columns).map(|i| split.n_of_grade.get(i).copied().unwrap_or(0));
        Row::new(&split.name, sizes.chain(of_grade).map(Cell::count).collect())
    });
    Some(Table {
        caption: String::new(),
        head,
        rows: rows.collect(),
    })
}

fn bars(input: &ReportInput) -> Vec<Bar> {
    let longest = input.stages.iter().map(|stage| stage.seconds).fold(0.0, f64::max);
    let bar = |stage: &crate::StageTime| Bar {
        name: stage.name.clone(),
        time: duration(stage.seconds),
        percent: (100.0 * stage.seconds / longest.max(1e-9)).round() as u32,
    };
    input.stages.iter().map(bar).collect()
}

fn method(evaluation: &EvaluationReport) -> Vec<String> {
    let settings = &evaluation.settings;
    let part = match settings.part {
        Part::OutOfFold => {
            "Out-of-fold predictions: every patient is predicted by the network that did not see them."
        }
        Part::Test => "Predictions of the test part.",
        Part::Valid => "Predictions of the validation part.",
    };
    let combine = match settings.combine {
        Combine::ProperView => {
            "Where a target was graded from several views or by several runs, the predictions on the view it is marked on \
             in RSNA 2024 count (canal: sagittal T2/STIR; foramina: sagittal T1; subarticular: axial T2), averaged over \
             runs."
        }
        Combine::Mean => {
            "Where a target was graded from several views or by several runs, the probabilities are averaged."
        }
    };
    vec![
        part.to_owned(),
        combine.to_owned(),
        format!(
            "Intervals are {} percentile intervals from a bootstrap that draws patients with replacement, because the up \
             to 25 grades of a patient are alike. The official score draws studies. Pointwise bands round \
             ROC curves are made the same way; the bars of reliability diagrams are Wilson intervals, which take cases as \
             independent and so are too narrow.",
            confidence(evaluation)
        ),
        format!(
            "Targets without a grade are not scored ({} here).",
            count(evaluation.counts.n_unlabelled as u64)
        ),
        "Probabilities are calibrated and at natural prevalence; a target is called by its most probable grade. Weighted \
         log loss and the RSNA score are computed from q = w p / Σ w p with w = 1, 2, 4, which is best under those weights."
            .to_owned(),
    ]
}

/// The nominal coverage of the intervals: `95%`.
pub(crate) fn confidence(evaluation: &EvaluationReport) -> String {
    let estimates = evaluation.subsets.iter().flat_map(|subset| &subset.model);
    let level = estimates
        .filter_map(|e| e.interval?.ok())
        .map(|interval| interval.level)
        .next();
    // 97.5% keeps its decimal, 95% has none.
    level.map_or("95%".to_owned(), |level| {
        format!("{}%", (1000.0 * level).round() / 10.0)
    })
}
