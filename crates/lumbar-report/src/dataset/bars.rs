//! Bars, as SVG.

use super::HistogramBlock;
use crate::format::count;
use crate::plot::{Anchor, Canvas, TextStyle};
use crate::plot::{FAINT, Figure, GREY};

const WIDTH: f64 = 340.0;
const PLOT: f64 = 130.0;
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
    let bottom = 30.0;
    let mut canvas = Canvas::new(WIDTH, top + PLOT + bottom);
    let step = (WIDTH - left - right) / block.bars.len() as f64;
    for (share, n) in [(0.5, most as f64 / 2.0), (1.0, most as f64)] {
        let y = top + PLOT * (1.0 - share);
        canvas.line([left, y], [WIDTH - right, y], FAINT, 1.0);
        if n.fract() == 0.0 {
            canvas.text([left - 5.0, y + 4.0], Anchor::End, small(), &count(n as u64));
        }
    }
    // A label under every bar, or under as many as there is room for.
    let every = (34.0 / step).ceil().max(1.0) as usize;
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
        if i % every == 0 {
            canvas.text(
                [x + step / 2.0, top + PLOT + 15.0],
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

fn small() -> TextStyle {
    TextStyle::new(11.0).colour(GREY)
}
