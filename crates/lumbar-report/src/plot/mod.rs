//! The figures, as SVG text. They draw what they are given and compute nothing.
//!
//! An own small writer: a plotting crate would compute its own AUROC with intervals for independent rows (kuva 0.6), and
//! knows no reliability diagram.

mod axes;
mod confusion;
mod forest;
mod learning;
mod reliability;
mod roc;
mod square;
mod svg;

pub(crate) use confusion::{confusion, shade};
pub(crate) use forest::{ForestRow, forest};
pub(crate) use learning::learning_curves;
pub(crate) use reliability::{FEWEST_IN_BIN, reliability};
pub(crate) use roc::roc;
pub(crate) use svg::{Anchor, Canvas, Figure, TextStyle, escaped};

/// How a series of a figure is drawn: colour and dashes, so that it can be told apart without seeing colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stroke {
    pub(crate) colour: &'static str,
    pub(crate) dashes: &'static str,
}

/// Text.
pub(crate) const INK: &str = "#1a1a1a";
/// Secondary text and references.
pub(crate) const GREY: &str = "#595959";
/// Grid lines.
pub(crate) const FAINT: &str = "#e3e3e3";

/// Grades from best to worst. Blue, orange and vermilion of Okabe and Ito's palette, darkened to at least 3:1 against
/// white (WCAG 1.4.11).
pub(crate) fn grade_stroke(grade_idx: usize, n_grades: usize) -> Stroke {
    const BLUE: Stroke = Stroke {
        colour: "#0067a5",
        dashes: "",
    };
    const GREEN: Stroke = Stroke {
        colour: "#00805c",
        dashes: "2 2",
    };
    const ORANGE: Stroke = Stroke {
        colour: "#b97a00",
        dashes: "7 3",
    };
    const VERMILION: Stroke = Stroke {
        colour: "#c04000",
        dashes: "",
    };
    match (n_grades - 1 - grade_idx.min(n_grades - 1), grade_idx) {
        (0, _) => VERMILION,
        (1, _) => ORANGE,
        (_, 0) => BLUE,
        _ => GREEN,
    }
}
