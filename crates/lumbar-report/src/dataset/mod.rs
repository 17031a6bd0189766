//! A page on a dataset: what is in it, what was left out, what its pictures look like.

mod bars;
mod page;

use crate::{Exclusion, FlowStage, ReportError};
use std::path::Path;

/// What the page on a dataset shows. The caller counts; this crate lays out. Any text may come from outside: none of
/// it becomes markup.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetPage {
    /// Heading.
    pub title: String,
    /// Whether the pictures are synthetic.
    pub origin: Origin,
    /// Sentences a reader must know.
    pub notes: Vec<String>,
    /// Totals: name and number.
    pub totals: Vec<(String, u64)>,
    /// From files to samples.
    pub flow: Vec<FlowStage>,
    /// Names of the grades, best first, then `missing`: the columns of all counts below.
    pub grades: Vec<String>,
    /// Grades of the label table by condition, and within by level.
    pub conditions: Vec<CountBlock>,
    /// Grades by site.
    pub sites: Vec<CountRow>,
    /// Samples by part of the split, and by view.
    pub samples: Vec<CountBlock>,
    /// Distributions of matrices and spacings.
    pub histograms: Vec<HistogramBlock>,
    /// What files lack.
    pub missing: Vec<MissingBlock>,
    /// Oddities of labels: code, meaning, number.
    pub findings: Vec<Exclusion>,
    /// Example pictures.
    pub montages: Vec<Montage>,
    /// Made with: name and value.
    pub provenance: Vec<(String, String)>,
}

/// Where the pictures of a dataset come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// All from patients.
    Clinical,
    /// None.
    Synthetic,
    /// Some.
    Mixed,
}

/// Rows of counts under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountBlock {
    /// The heading.
    pub name: String,
    /// Its rows.
    pub rows: Vec<CountRow>,
}

/// Counts by grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountRow {
    /// What is counted.
    pub name: String,
    /// In a smaller line below, such as the number of patients.
    pub detail: String,
    /// One for each of [`DatasetPage::grades`].
    pub counts: Vec<u64>,
}

/// A distribution as bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramBlock {
    /// What is distributed, with its unit.
    pub name: String,
    /// Of what: `slices`, `series`.
    pub of: String,
    /// Label and number of each bar, in order.
    pub bars: Vec<(String, u64)>,
}

/// How many of some things lack what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingBlock {
    /// `series`, `slices`, ...
    pub of: String,
    /// How many there are.
    pub total: u64,
    /// What is lacking, and how often.
    pub rows: Vec<(String, u64)>,
}

/// Pictures of one grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Montage {
    /// The grade.
    pub grade: String,
    /// Rows of pictures, each with a name: a condition on a view.
    pub rows: Vec<(String, Vec<Tile>)>,
}

/// A picture of a montage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Below the picture.
    pub caption: String,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Grey values, row by row.
    pub pixels: Vec<u8>,
}

impl DatasetPage {
    /// The page as HTML: without scripts, without network. The same input gives the same text.
    ///
    /// # Errors
    /// [`ReportError::Crop`] if the pixels of a tile do not fill it.
    pub fn render(&self) -> Result<String, ReportError> {
        page::page(self)
    }

    /// Writes the page, beside its place first.
    ///
    /// # Errors
    /// As [`DatasetPage::render`], and on disk errors.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        crate::write_page(&self.render()?, path)
    }
}
