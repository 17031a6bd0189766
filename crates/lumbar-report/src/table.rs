//! Tables of the page.

use crate::format::Cell;
use askama::Template;

/// A table with a caption; numbers are aligned by their decimal point, as all have three decimals.
#[derive(Debug, Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    pub(crate) caption: String,
    /// Heads of the columns, the first of the row labels.
    pub(crate) head: Vec<Head>,
    pub(crate) rows: Vec<Row>,
}

/// The head of a column.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) text: String,
    /// Over text, not numbers: set to the left.
    pub(crate) is_text: bool,
}

impl Head {
    pub(crate) fn number(text: impl Into<String>) -> Head {
        Head {
            text: text.into(),
            is_text: false,
        }
    }

    pub(crate) fn text(text: impl Into<String>) -> Head {
        Head {
            text: text.into(),
            is_text: true,
        }
    }

    /// The first over text (row labels), all others over numbers.
    pub(crate) fn row(texts: &[&str]) -> Vec<Head> {
        let heads = texts.iter().enumerate();
        heads
            .map(|(i, text)| {
                if i == 0 {
                    Head::text(*text)
                } else {
                    Head::number(*text)
                }
            })
            .collect()
    }
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
