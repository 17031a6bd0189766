//! The square from 0 to 1 by 0 to 1 that ROC curves and reliability diagrams are drawn in, with its legend below.

use super::{
    GREY, Stroke,
    axes::{Frame, Scale, legend},
    svg::{Canvas, Figure},
};

/// Side of the square, in units of the canvas.
const SIDE: f64 = 260.0;
const LEGEND_TOP: f64 = 10.0 + SIDE + 56.0;

pub(super) struct Square {
    pub(super) canvas: Canvas,
    frame: Frame,
}

impl Square {
    /// Axes, grid and diagonal, with room for a legend of so many lines.
    pub(super) fn new(x_label: &str, y_label: &str, n_legends: usize) -> Square {
        let frame = Frame {
            corner: [52.0, 10.0],
            size: [SIDE, SIDE],
            x: Scale::fixed(0.0, 1.0, 5, 1),
            y: Scale::fixed(0.0, 1.0, 5, 1),
        };
        let mut canvas = Canvas::new(340.0, LEGEND_TOP + 16.0 * n_legends as f64);
        frame.draw(&mut canvas, x_label, y_label);
        canvas.path(&[frame.at(0.0, 0.0), frame.at(1.0, 1.0)], GREY, 1.0, "1 4");
        Square { canvas, frame }
    }

    /// A point of the data on the canvas.
    pub(super) fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        self.frame.at(x, y)
    }

    pub(super) fn curve(&mut self, points: &[[f64; 2]], stroke: Stroke, width: f64) {
        let points: Vec<[f64; 2]> = points.iter().map(|point| self.at(*point)).collect();
        self.canvas.path(&points, stroke.colour, width, stroke.dashes);
    }

    pub(super) fn finish(mut self, legends: &[(Stroke, String)], description: &str) -> Figure {
        legend(&mut self.canvas, [40.0, LEGEND_TOP], legends);
        self.canvas.finish(description)
    }
}
