//! Tables of the page.

use crate::format::Cell;
use askama::Template;

/// A table with a caption; numbers are aligned by their decimal point, as all have three decimals.
#[derive(Debug, Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    pub(crate) caption: String,
    /// Heads of the columns, the first of the row labels.
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) label: String,
    /// A line below the label.
    pub(crate) detail: String,
    /// A heading over the rows that follow; has no cells.
    pub(crate) is_heading: bool,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    pub(crate) fn new(label: impl Into<String>, cells: Vec<Cell>) -> Row {
        Row {
            label: label.into(),
            cells,
            ..Row::default()
        }
    }

    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Row {
        Row {
            detail: detail.into(),
            ..self
        }
    }

    pub(crate) fn heading(label: impl Into<String>) -> Row {
        Row {
            label: label.into(),
            is_heading: true,
            ..Row::default()
        }
    }
}

impl askama::filters::HtmlSafe for Table {}
