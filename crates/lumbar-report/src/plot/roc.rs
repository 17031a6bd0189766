//! ROC curves of the grades of a condition group.

use super::{GREY, Stroke, grade_stroke, square::Square, svg::Figure};
use lumbar_evaluate::Curves;

const DOTTED: &str = "1 3";

/// One panel: a curve with its band per grade, the level-only floor as a thin dotted line of the same colour.
///
/// `legends` holds the text of each curve, the same order as `curves`.
pub(crate) fn roc(title: &str, curves: &[&Curves], legends: &[String], n_grades: usize) -> Figure {
    let mut square = Square::new("1 − specificity", "sensitivity", curves.len() + 1);
    let mut entries = Vec::new();
    for (i, curve) in curves.iter().enumerate() {
        let stroke = grade_stroke(i, n_grades);
        let low = curve.roc_band.iter().map(|[x, low, _]| [*x, *low]);
        let high = curve.roc_band.iter().rev().map(|[x, _, high]| [*x, *high]);
        let outline: Vec<[f64; 2]> = low.chain(high).map(|point| square.at(point)).collect();
        square.canvas.area(&outline, stroke.colour, 0.10);
        entries.push((stroke, legends[i].clone()));
    }
    for (i, curve) in curves.iter().enumerate() {
        let stroke = grade_stroke(i, n_grades);
        let dotted = Stroke {
            dashes: DOTTED,
            ..stroke
        };
        square.curve(&curve.roc_level_only, dotted, 1.2);
        square.curve(&curve.roc, stroke, 2.2);
    }
    let floor = Stroke {
        colour: GREY,
        dashes: DOTTED,
    };
    entries.push((floor, "level alone, same colours".to_owned()));
    square.finish(&entries, &format!("ROC curves, {title}: {}", legends.join("; ")))
}
