//! Reliability diagrams of the grades of a condition group.

use super::{
    GREY,
    axes::{Frame, Scale, legend},
    grade_stroke,
    svg::{Canvas, Figure},
};
use lumbar_evaluate::Curves;

/// One panel: predicted against observed, a dot per bin with its interval. The dot's area follows the cases in it.
pub(crate) fn reliability(title: &str, curves: &[&Curves], legends: &[String], n_grades: usize) -> Figure {
    const SIDE: f64 = 260.0;
    let frame = Frame {
        corner: [52.0, 10.0],
        size: [SIDE, SIDE],
        x: Scale::fixed(0.0, 1.0, 5, 1),
        y: Scale::fixed(0.0, 1.0, 5, 1),
    };
    let legend_top = 10.0 + SIDE + 56.0;
    let mut canvas = Canvas::new(340.0, legend_top + 16.0 * curves.len() as f64);
    frame.draw(&mut canvas, "predicted probability", "share of cases");
    canvas.path(&[frame.at(0.0, 0.0), frame.at(1.0, 1.0)], GREY, 1.0, "1 4");
    let mut entries = Vec::new();
    for (i, curve) in curves.iter().enumerate() {
        let stroke = grade_stroke(i, n_grades);
        let bins = &curve.reliability;
        // Bars of different grades in one bin stand side by side.
        let shift = 3.0 * (i as f64 - 0.5 * (n_grades - 1) as f64);
        let at = |x: f64, y: f64| {
            let [x, y] = frame.at(x, y);
            [x + shift, y]
        };
        let points: Vec<[f64; 2]> = bins.iter().map(|bin| at(bin.predicted, bin.observed)).collect();
        for bin in bins {
            let ends = [
                at(bin.predicted, bin.interval.low),
                at(bin.predicted, bin.interval.high),
            ];
            canvas.line(ends[0], ends[1], stroke.colour, 0.9);
        }
        canvas.path(&points, stroke.colour, 1.4, stroke.dashes);
        for (bin, point) in bins.iter().zip(&points) {
            let share = bin.weight / curve.n_cases.max(1) as f64;
            let radius = (1.8 + 4.0 * share.sqrt()).min(6.0);
            canvas.dot(*point, (radius * 10.0).round() / 10.0, stroke.colour);
        }
        entries.push((stroke, legends[i].clone()));
    }
    legend(&mut canvas, [40.0, legend_top], &entries);
    canvas.finish(&format!("Reliability diagram, {title}: {}", legends.join("; ")))
}
