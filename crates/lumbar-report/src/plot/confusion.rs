//! Confusion matrices.

use super::{
    GREY,
    svg::{Anchor, Canvas, Figure, TextStyle},
};

/// One panel: a row per true grade, shaded by its share of the row, with share and count written into each cell.
pub(crate) fn confusion(title: &str, grades: &[String], counts: &[Vec<usize>]) -> Figure {
    const CELL: [f64; 2] = [74.0, 56.0];
    const LEFT: f64 = 104.0;
    const TOP: f64 = 44.0;
    let n = grades.len() as f64;
    let mut canvas = Canvas::new(LEFT + n * CELL[0] + 4.0, TOP + n * CELL[1] + 4.0);
    let head = TextStyle::new(12.0);
    canvas.text(
        [LEFT + 0.5 * n * CELL[0], 14.0],
        Anchor::Middle,
        head.colour(GREY),
        "called by the model",
    );
    canvas.text(
        [12.0, TOP + 0.5 * n * CELL[1]],
        Anchor::Middle,
        head.colour(GREY).turned(),
        "graded by the reader",
    );
    for (i, grade) in grades.iter().enumerate() {
        let x = LEFT + (i as f64 + 0.5) * CELL[0];
        canvas.text([x, TOP - 8.0], Anchor::Middle, head, grade);
        let y = TOP + (i as f64 + 0.5) * CELL[1];
        canvas.text([LEFT - 6.0, y + 4.0], Anchor::End, head, grade);
    }
    let mut spoken = Vec::new();
    for (truth, row) in counts.iter().enumerate() {
        let of_row: usize = row.iter().sum();
        for (predicted, count) in row.iter().enumerate() {
            let corner = [LEFT + predicted as f64 * CELL[0], TOP + truth as f64 * CELL[1]];
            let share = *count as f64 / of_row.max(1) as f64;
            canvas.rect(
                [corner[0] + 1.0, corner[1] + 1.0],
                [CELL[0] - 2.0, CELL[1] - 2.0],
                &shade_of_row(share, of_row),
            );
            let middle = [corner[0] + 0.5 * CELL[0], corner[1] + 0.5 * CELL[1]];
            let text = match of_row {
                0 => "–".to_owned(),
                _ => format!("{:.0}%", 100.0 * share),
            };
            let big = TextStyle::new(15.0);
            let big = if truth == predicted { big.bold() } else { big };
            canvas.text([middle[0], middle[1] - 1.0], Anchor::Middle, big, &text);
            let small = TextStyle::new(11.0);
            canvas.text(
                [middle[0], middle[1] + 16.0],
                Anchor::Middle,
                small,
                &crate::format::count(*count as u64),
            );
            spoken.push(format!("{} called {}: {count}", grades[truth], grades[predicted]));
        }
    }
    canvas.finish(&format!("Confusion matrix, {title}. {}", spoken.join("; ")))
}

/// From white to a blue that black text keeps 8:1 on (WCAG 1.4.6 asks 7:1); grey for a row without cases.
fn shade_of_row(share: f64, of_row: usize) -> String {
    match of_row {
        0 => "#f2f2f2".to_owned(),
        _ => shade(share),
    }
}

/// From white at 0 to blue at 1.
pub(crate) fn shade(share: f64) -> String {
    let mix = |from: f64, to: f64| (from + share.clamp(0.0, 1.0) * (to - from)).round() as u8;
    format!(
        "#{:02x}{:02x}{:02x}",
        mix(244.0, 110.0),
        mix(248.0, 168.0),
        mix(252.0, 220.0)
    )
}
