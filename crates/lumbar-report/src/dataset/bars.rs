//! Bars, as SVG.

use super::HistogramBlock;
use crate::format::count;
use crate::plot::{Anchor, Canvas, TextStyle};
use crate::plot::{FAINT, Figure, GREY};

const WIDTH: f64 = 340.0;
const PLOT: f64 = 130.0;
/// Size of labels, and the height of their lines.
const SIZE: f64 = 11.0;
const LINE: f64 = 14.0;
const MOST_LINES: usize = 3;
const BLUE: &str = "#0067a5";

/// Bars side by side for a distribution over numbers.
pub(super) fn columns(block: &HistogramBlock) -> Option<Figure> {
    let most = block
        .bars
        .iter()
        .map(|(_, n)| *n)
        .max()
        .filter(|most| *most > 0)?;
    let (left, right, top) = (46.0, 6.0, 8.0);
    let step = (WIDTH - left - right) / block.bars.len() as f64;
    let labels = Labels::of(block, step);
    let bottom = 16.0 + LINE * labels.lines as f64;
    let mut canvas = Canvas::new(WIDTH, top + PLOT + bottom);
    for (share, n) in [(0.5, most as f64 / 2.0), (1.0, most as f64)] {
        let y = top + PLOT * (1.0 - share);
        canvas.line([left, y], [WIDTH - right, y], FAINT, 1.0);
        if n.fract() == 0.0 {
            canvas.text([left - 5.0, y + 4.0], Anchor::End, small(), &count(n as u64));
        }
    }
    for (i, (label, n)) in block.bars.iter().enumerate() {
        let height = PLOT * *n as f64 / most as f64;
        let x = left + i as f64 * step;
        if *n > 0 {
            let shown = height.max(1.0);
            canvas.rect(
                [x + 1.0, top + PLOT - shown],
                [(step - 2.0).max(1.0), shown],
                BLUE,
            );
        }
        if i % labels.every == 0 {
            let line = i / labels.every % labels.lines;
            canvas.text(
                [x + step / 2.0, top + PLOT + 15.0 + LINE * line as f64],
                Anchor::Middle,
                small(),
                label,
            );
        }
    }
    canvas.line([left, top + PLOT], [WIDTH - right, top + PLOT], GREY, 1.0);
    Some(canvas.finish(&format!(
        "{}: {} bars, the highest of {most} {}",
        block.name,
        block.bars.len(),
        block.of
    )))
}

/// Which bars have a label, and on how many lines labels take turns so that none runs into the next.
struct Labels {
    every: usize,
    lines: usize,
}

impl Labels {
    fn of(block: &HistogramBlock, step: f64) -> Labels {
        let widest = block.bars.iter().map(|(label, _)| label.chars().count()).max();
        // Letters of a sans-serif are at most 0.6 of their size wide on average.
        let room = (0.6 * SIZE * widest.unwrap_or(0) as f64 + 8.0).max(34.0);
        let n = (room / step).ceil().max(1.0) as usize;
        // The names between two numbers can be guessed; those of a matrix cannot.
        let numbers = block.bars.iter().all(|(label, _)| label.parse::<f64>().is_ok());
        let lines = if numbers { 1 } else { n.min(MOST_LINES) };
        Labels {
            every: n.div_ceil(lines),
            lines,
        }
    }
}

fn small() -> TextStyle {
    TextStyle::new(SIZE).colour(GREY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(labels: &[&str]) -> HistogramBlock {
        HistogramBlock {
            name: "matrix".to_owned(),
            of: "slices".to_owned(),
            bars: labels.iter().map(|label| ((*label).to_owned(), 1)).collect(),
        }
    }

    #[test]
    fn every_matrix_is_named_and_numbers_are_skipped() {
        let matrices = block(&["1024x1024"; 10]);
        let labels = Labels::of(&matrices, 28.8);
        assert_eq!((labels.every, labels.lines), (1, 3));
        let numbers = block(&["0.3"; 24]);
        let labels = Labels::of(&numbers, 12.0);
        assert_eq!((labels.every, labels.lines), (3, 1));
        let few = block(&["3.5", "4.0", "4.5"]);
        let labels = Labels::of(&few, 96.0);
        assert_eq!((labels.every, labels.lines), (1, 1));
    }
}
