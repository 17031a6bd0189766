//! Reliability diagrams of the grades of a condition group.

use super::{grade_stroke, square::Square, svg::Figure};
use lumbar_evaluate::Curves;
use lumbar_metrics::calibration::ReliabilityBin;

/// Bins of fewer cases are drawn as rings and left out of the line: one case more would move them across the panel.
pub(crate) const FEWEST_IN_BIN: f64 = 10.0;

/// One panel: predicted against observed, a dot per bin with its interval. The dot's area follows the cases in it.
pub(crate) fn reliability(title: &str, curves: &[&Curves], legends: &[String], n_grades: usize) -> Figure {
    let mut square = Square::new("predicted probability", "share of cases", curves.len());
    let mut entries = Vec::new();
    for (i, curve) in curves.iter().enumerate() {
        let stroke = grade_stroke(i, n_grades);
        // Bars of different grades in one bin stand side by side.
        let shift = 3.0 * (i as f64 - 0.5 * (n_grades - 1) as f64);
        let place = |square: &Square, bin: &ReliabilityBin, height: f64| {
            let [x, y] = square.at([bin.predicted, height]);
            [x + shift, y]
        };
        for bin in &curve.reliability {
            let low = place(&square, bin, bin.interval.low);
            let high = place(&square, bin, bin.interval.high);
            square.canvas.line(low, high, stroke.colour, 0.9);
        }
        let full = |bin: &&ReliabilityBin| bin.weight >= FEWEST_IN_BIN;
        let line: Vec<[f64; 2]> = curve
            .reliability
            .iter()
            .filter(full)
            .map(|bin| place(&square, bin, bin.observed))
            .collect();
        square.canvas.path(&line, stroke.colour, 1.4, stroke.dashes);
        for bin in &curve.reliability {
            let at = place(&square, bin, bin.observed);
            if full(&bin) {
                let share = bin.weight / curve.n_cases.max(1) as f64;
                let radius = (2.4 + 4.0 * share.sqrt()).min(6.0);
                square
                    .canvas
                    .dot(at, (radius * 10.0).round() / 10.0, stroke.colour);
            } else {
                square.canvas.ring(at, 2.4, stroke.colour);
            }
        }
        entries.push((stroke, legends[i].clone()));
    }
    square.finish(
        &entries,
        &format!("Reliability diagram, {title}: {}", legends.join("; ")),
    )
}
