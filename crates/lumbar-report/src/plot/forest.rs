//! Estimates with their intervals, one below the other.

use super::{
    GREY, INK,
    axes::{Frame, Scale},
    svg::{Anchor, Canvas, Figure, TextStyle},
};

/// A row of a forest plot.
pub(crate) struct ForestRow {
    pub(crate) label: String,
    /// A heading has no number.
    pub(crate) heading: bool,
    /// Value, low, high.
    pub(crate) value: Option<[f64; 3]>,
    /// A mark to compare with.
    pub(crate) reference: Option<f64>,
    /// `0.93 (0.90 to 0.96)`.
    pub(crate) text: String,
    /// Colour of the mark.
    pub(crate) colour: &'static str,
}

/// The whole plot; `low` is where the axis begins, it ends at 1.
pub(crate) fn forest(description: &str, label: &str, low: f64, rows: &[ForestRow]) -> Figure {
    const ROW: f64 = 22.0;
    const LEFT: f64 = 220.0;
    const WIDTH: f64 = 300.0;
    let height = ROW * rows.len() as f64 + 6.0;
    let frame = Frame {
        corner: [LEFT, 6.0],
        size: [WIDTH, height],
        x: Scale::fixed(low, 1.0, ((1.0 - low) * 10.0).round() as usize, 1),
        y: Scale::fixed(0.0, 1.0, 1, 0),
    };
    let mut canvas = Canvas::new(LEFT + WIDTH + 150.0, height + 50.0);
    frame.draw_x(&mut canvas, label);
    for (i, row) in rows.iter().enumerate() {
        let y = 6.0 + (i as f64 + 0.6) * ROW;
        let style = TextStyle::new(12.0);
        if row.heading {
            canvas.text([4.0, y + 4.0], Anchor::Start, style.bold(), &row.label);
            continue;
        }
        canvas.text([16.0, y + 4.0], Anchor::Start, style, &row.label);
        if let Some(reference) = row.reference {
            let x = frame.x_at(reference);
            canvas.line([x, y - 7.0], [x, y + 7.0], GREY, 2.0);
        }
        if let Some([value, low, high]) = row.value {
            canvas.line([frame.x_at(low), y], [frame.x_at(high), y], row.colour, 2.0);
            canvas.dot([frame.x_at(value), y], 4.5, row.colour);
        }
        let text = style.colour(INK);
        canvas.text([LEFT + WIDTH + 10.0, y + 4.0], Anchor::Start, text, &row.text);
    }
    canvas.finish(description)
}
