//! ROC curves of the grades of a condition group.

use super::{
    GREY, Stroke,
    axes::{Frame, Scale, legend},
    grade_stroke,
    svg::{Canvas, Figure},
};
use lumbar_evaluate::Curves;

/// One panel: a curve with its band per grade, the level-only floor as a thin dotted line of the same colour.
///
/// `legends` holds the text of each curve, the same order as `curves`.
pub(crate) fn roc(title: &str, curves: &[&Curves], legends: &[String], n_grades: usize) -> Figure {
    const SIDE: f64 = 260.0;
    let frame = Frame {
        corner: [52.0, 10.0],
        size: [SIDE, SIDE],
        x: Scale::fixed(0.0, 1.0, 5, 1),
        y: Scale::fixed(0.0, 1.0, 5, 1),
    };
    let legend_top = 10.0 + SIDE + 56.0;
    let mut canvas = Canvas::new(340.0, legend_top + 16.0 * (curves.len() + 1) as f64);
    frame.draw(&mut canvas, "1 − specificity", "sensitivity");
    canvas.path(&[frame.at(0.0, 0.0), frame.at(1.0, 1.0)], GREY, 1.0, "1 4");
    let mut entries = Vec::new();
    for (i, curve) in curves.iter().enumerate() {
        let stroke = grade_stroke(i, n_grades);
        let low = curve.roc_band.iter().map(|[x, low, _]| frame.at(*x, *low));
        let high = curve
            .roc_band
            .iter()
            .rev()
            .map(|[x, _, high]| frame.at(*x, *high));
        canvas.area(&low.chain(high).collect::<Vec<_>>(), stroke.colour, 0.10);
        entries.push((stroke, legends[i].clone()));
    }
    for (i, curve) in curves.iter().enumerate() {
        let stroke = grade_stroke(i, n_grades);
        let on_canvas =
            |points: &[[f64; 2]]| points.iter().map(|[x, y]| frame.at(*x, *y)).collect::<Vec<_>>();
        canvas.path(&on_canvas(&curve.roc_level_only), stroke.colour, 1.2, "1 3");
        canvas.path(&on_canvas(&curve.roc), stroke.colour, 2.2, stroke.dashes);
    }
    entries.push((
        Stroke {
            colour: GREY,
            dashes: "1 3",
        },
        "level alone, same colours".to_owned(),
    ));
    legend(&mut canvas, [40.0, legend_top], &entries);
    canvas.finish(&format!("ROC curves, {title}: {}", legends.join("; ")))
}
