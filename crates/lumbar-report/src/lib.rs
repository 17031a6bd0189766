//! A run as one self-contained page: HTML without scripts, without network, with its figures and pictures inside.
//!
//! The caller fills a [`ReportInput`] with plain data; this crate lays it out and computes no measure of its own. What
//! has no value is a dash with a footnote. A page of phantoms says so, and every page says "research use only".
//!
//! ```
//! use lumbar_core::{GradingScheme, SeriesKind, StudyId};
//! use lumbar_evaluate::{Domain, EvaluateOptions, Localisation, Part, Prediction, PredictionTable, evaluate};
//! use lumbar_report::{ReportInput, StageTime, render};
//!
//! let row = |i: usize| Prediction {
//!     sample_id: format!("sample-{i}"),
//!     study: StudyId::new(format!("{i}")).unwrap(),
//!     patient: format!("patient-{i}"),
//!     target: "spinal_canal_stenosis_l4_l5".parse().unwrap(),
//!     view: SeriesKind::SagittalT2,
//!     severity: GradingScheme::ThreeGrades.grade(i % 3),
//!     part: Part::Test,
//!     fold: None,
//!     probabilities: vec![0.5, 0.3, 0.2],
//!     prior: vec![0.6, 0.2, 0.2],
//! };
//! let table = PredictionTable {
//!     scheme: GradingScheme::ThreeGrades,
//!     domain: Domain::Synthetic,
//!     localisation: Localisation::Given,
//!     n_graded: Default::default(),
//!     rows: (0..9).map(row).collect(),
//! };
//! let options = EvaluateOptions { n_resamples: 100, ..EvaluateOptions::default() };
//! let input = ReportInput {
//!     title: "My run".into(),
//!     flow: vec![],
//!     splits: vec![],
//!     examples: vec![],
//!     runs: vec![],
//!     evaluation: evaluate(&[table], &options)?,
//!     controls: vec![],
//!     stages: vec![StageTime { name: "Train".into(), seconds: 61.0 }],
//!     notes: vec![],
//!     provenance: vec![("lumbar".into(), "0.1.0".into())],
//! };
//! let html = render(&input)?;
//! assert!(html.contains("<strong>Synthetic data.</strong>") && html.contains("1 min 1 s"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To look at a page of made-up numbers: `cargo run -p lumbar-report --example made_up_report -- page.html`.

mod controls;
mod crops;
mod dataset;
mod error;
mod flow;
mod format;
mod input;
mod page;
mod plot;
mod results;
mod summary;
mod table;
mod views;

pub use dataset::{CountBlock, CountRow, DatasetPage, HistogramBlock, MissingBlock, Montage, Origin, Tile};
pub use error::ReportError;
pub use input::{
    Control, EpochRecord, ExampleCrop, Exclusion, FlowStage, LearningCurve, ReportInput, RunFacts, SplitSize,
    StageTime,
};

use std::{fs, path::Path};

/// The page as HTML.
///
/// The same input gives the same text.
///
/// # Errors
/// [`ReportError::Crop`] if the pixels of an example do not fill it.
pub fn render(input: &ReportInput) -> Result<String, ReportError> {
    page::page(input)
}

/// Whether a file is a page of this crate, of whatever version.
pub fn is_page(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.starts_with("<!DOCTYPE html>")
        && text.contains("<p class=\"use\">Research use only, not a medical device.</p>")
}

/// Writes the page, beside its place first, so that no half page ever stands there.
///
/// # Errors
/// As [`render`], and on disk errors.
pub fn write(input: &ReportInput, path: &Path) -> Result<(), ReportError> {
    write_page(&render(input)?, path)
}

fn write_page(html: &str, path: &Path) -> Result<(), ReportError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.partial-{}", std::process::id()));
    let error = |action: &'static str| {
        move |source| ReportError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    };
    let written = fs::write(&partial, html).map_err(error("write"));
    let moved = written.and_then(|()| fs::rename(&partial, path).map_err(error("rename")));
    if moved.is_err() {
        // The error that counts is already known.
        let _ = fs::remove_file(&partial);
    }
    moved
}
