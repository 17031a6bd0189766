//! The page: sections put together and filled into the template.

use crate::{
    ReportError, ReportInput, RunFacts, SplitSize,
    controls::controls_table,
    crops::{CropRow, crop_rows},
    flow::{Flow, flow},
    format::{Cell, Notes, count, duration},
    plot::{self, Figure},
    results::{
        Panel, breakdown_table, confusion_panels, group_table, heat_table, kappa_table, reliability_panels,
        roc_panels, rsna_table,
    },
    summary::{KeyNumber, joined, key_numbers, sentences},
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
    mirrors_right: bool,
    runs: Vec<RunPanel<'a>>,
    rsna: Table,
    groups: Table,
    confusion: Vec<Panel>,
    roc: Vec<Panel>,
    reliability: Vec<Panel>,
    kappa: Table,
    views: Option<Views>,
    heat: Table,
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

/// The reason code of a target without a grade.
const NO_GRADE: &str = "NoGrade";

/// The whole page as one string of HTML.
pub(crate) fn page(input: &ReportInput) -> Result<String, ReportError> {
    let evaluation = &input.evaluation;
    // Tables first, in the order of the page: they number the footnotes.
    let mut notes = Notes::default();
    let key_numbers = key_numbers(evaluation, &mut notes);
    let rsna = rsna_table(evaluation, &mut notes);
    let groups = group_table(evaluation, &mut notes);
    let kappa = kappa_table(evaluation, &mut notes);
    let views = views(evaluation, &mut notes);
    let heat = heat_table(evaluation, &mut notes);
    let breakdown = breakdown_table(evaluation, &mut notes);
    let controls = controls_table(evaluation, &input.controls, &mut notes);
    let total: f64 = input.stages.iter().map(|stage| stage.seconds).sum();
    let page = Page {
        title: &input.title,
        is_synthetic: evaluation.domain == Domain::Synthetic,
        notes: &input.notes,
        sentences: sentences(evaluation),
        key_numbers,
        flow: input.flow.iter().map(flow).collect(),
        splits: splits_table(&input.splits, evaluation),
        crops: crop_rows(input)?,
        mirrors_right: input.runs.iter().any(|run| run.mirrors_right),
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
        heat,
        breakdown,
        controls,
        stages: bars(input),
        total_time: duration(total),
        method: method(input),
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

fn method(input: &ReportInput) -> Vec<String> {
    let evaluation = &input.evaluation;
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
            "Intervals are {} percentile intervals from a bootstrap of {} resamples (seed {}) that draws patients with \
             replacement, because the up to 25 grades of a patient are alike. The official score draws studies. Pointwise bands round \
             ROC curves are made the same way; the bars of reliability diagrams are Wilson intervals, which take cases as \
             independent and so are too narrow.",
            confidence(evaluation),
            count(settings.bootstrap.n_resamples() as u64),
            settings.bootstrap.seed(),
        ),
        format!(
            "Only targets with a grade are scored. {}, and {} with a prediction have none.",
            without_grade(input),
            count(evaluation.counts.n_unlabelled as u64),
        ),
        format!(
            "{} A target is called by its most probable grade. Weighted log loss and the RSNA score are computed from \
             q = w p / Σ w p with w = 1, 2, 4, which is best under those weights.",
            calibration(&input.runs)
        ),
    ]
}

/// What became of targets without a grade when the data set was made; how many, where the data section has it.
fn without_grade(input: &ReportInput) -> String {
    let excluded = input.flow.iter().flat_map(|stage| &stage.excluded);
    let n: u64 = excluded
        .filter(|exclusion| exclusion.reason == NO_GRADE)
        .map(|exclusion| exclusion.count)
        .sum();
    match input.flow.is_empty() {
        true => {
            "Those without one that were left out when the data set was made are not counted on this page"
                .to_owned()
        }
        false => format!(
            "{} without one were left out when the data set was made, counted once a view",
            count(n)
        ),
    }
}

/// What was done to the networks' answers, run by run.
fn calibration(runs: &[RunFacts]) -> String {
    let weights =
        "The weights of the training loss are taken back, so that probabilities are at natural prevalence";
    let of = |wanted: bool| -> Vec<String> {
        let runs = runs.iter().filter(|run| run.calibrated == Some(wanted));
        runs.map(|run| run.name.clone()).collect()
    };
    match (of(true), of(false)) {
        (with, without) if with.is_empty() && without.is_empty() => {
            "Probabilities are taken as the predictions give them.".to_owned()
        }
        (_, without) if without.is_empty() => {
            format!("{weights}, and each network has a temperature fitted on its validation part.")
        }
        (with, _) if with.is_empty() => {
            format!(
                "{weights}; no temperature was fitted, so they are not calibrated beyond that: see Reliability."
            )
        }
        (with, without) => format!(
            "{weights}. A temperature was fitted on the validation part for {}; not for {}, whose probabilities are not \
             calibrated beyond that.",
            joined(&with),
            joined(&without)
        ),
    }
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
