//! The frame of a plot: scales, grid, ticks, labels.

use super::{
    FAINT, GREY,
    svg::{Anchor, Canvas, TextStyle},
};

/// A linear scale with its ticks.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    decimals: usize,
}

impl Scale {
    /// From one end to the other in equal steps.
    pub(crate) fn fixed(low: f64, high: f64, n_steps: usize, decimals: usize) -> Scale {
        let step = (high - low) / n_steps as f64;
        Scale {
            low,
            high,
            ticks: (0..=n_steps).map(|i| low + i as f64 * step).collect(),
            decimals,
        }
    }

    /// Covers the values with round ticks: steps of 1, 2 or 5 times a power of ten, about `n` of them.
    pub(crate) fn covering(low: f64, high: f64, n: usize) -> Scale {
        // A flat line still gets an axis with numbers one can read.
        let span = (high - low).max(0.05 * high.abs()).max(1e-3);
        let raw = span / n as f64;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|step| *step >= raw * (1.0 - 1e-9));
        let step = step.unwrap_or(10.0 * power);
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let n_ticks = (last - first).max(1.0) as usize;
        Scale {
            low: first * step,
            high: (first + n_ticks as f64) * step,
            ticks: (0..=n_ticks).map(|i| (first + i as f64) * step).collect(),
            decimals: (-step.log10() - 1e-9).ceil().max(0.0) as usize,
        }
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// Where the data of a plot go.
pub(crate) struct Frame {
    /// Left, top.
    pub(crate) corner: [f64; 2],
    /// Width, height.
    pub(crate) size: [f64; 2],
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

impl Frame {
    /// A point of the data on the canvas; what lies outside is put on the border.
    pub(crate) fn at(&self, x: f64, y: f64) -> [f64; 2] {
        [self.x_at(x), self.y_at(y)]
    }

    pub(crate) fn x_at(&self, x: f64) -> f64 {
        self.corner[0] + self.x.share(x).clamp(0.0, 1.0) * self.size[0]
    }

    pub(crate) fn y_at(&self, y: f64) -> f64 {
        self.corner[1] + (1.0 - self.y.share(y).clamp(0.0, 1.0)) * self.size[1]
    }

    /// Grid, tick numbers and labels of both axes.
    pub(crate) fn draw(&self, canvas: &mut Canvas, x_label: &str, y_label: &str) {
        let ([left, top], [width, height]) = (self.corner, self.size);
        let (right, bottom) = (left + width, top + height);
        self.draw_x(canvas, x_label);
        for tick in &self.y.ticks {
            let y = self.y_at(*tick);
            canvas.line([left, y], [right, y], FAINT, 1.0);
            let text = format!("{tick:.*}", self.y.decimals);
            canvas.text([left - 6.0, y + 4.0], Anchor::End, TICK, &text);
        }
        canvas.line([left, top], [left, bottom], GREY, 1.0);
        let middle = [left - 38.0, top + 0.5 * height];
        canvas.text(middle, Anchor::Middle, LABEL.turned(), y_label);
    }

    /// Grid, tick numbers and label of the x axis alone.
    pub(crate) fn draw_x(&self, canvas: &mut Canvas, label: &str) {
        let ([left, top], [width, height]) = (self.corner, self.size);
        let bottom = top + height;
        for tick in &self.x.ticks {
            let x = self.x_at(*tick);
            canvas.line([x, top], [x, bottom], FAINT, 1.0);
            let text = format!("{tick:.*}", self.x.decimals);
            canvas.text([x, bottom + 15.0], Anchor::Middle, TICK, &text);
        }
        canvas.line([left, bottom], [left + width, bottom], GREY, 1.0);
        canvas.text([left + 0.5 * width, bottom + 33.0], Anchor::Middle, LABEL, label);
    }
}

const TICK: TextStyle = TextStyle::new(11.0).colour(GREY);
const LABEL: TextStyle = TextStyle::new(12.0);

/// Entries of a legend, one below the other: a piece of the line, then its name.
pub(crate) fn legend(canvas: &mut Canvas, at: [f64; 2], entries: &[(super::Stroke, String)]) {
    for (i, (stroke, name)) in entries.iter().enumerate() {
        let [x, y] = [at[0], at[1] + 16.0 * i as f64];
        canvas.path(&[[x, y], [x + 22.0, y]], stroke.colour, 2.2, stroke.dashes);
        canvas.text([x + 28.0, y + 4.0], Anchor::Start, TextStyle::new(11.5), name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.12, 0.87, 0.0, 1.0, 1)]
    #[case(0.0, 30.0, 0.0, 30.0, 0)]
    #[case(0.512, 0.531, 0.51, 0.54, 2)]
    #[case(1.0, 1.0, 1.0, 1.01, 2)]
    #[case(0.0, 0.0, 0.0, 0.0002, 4)]
    fn ticks_are_round_and_cover(
        #[case] low: f64,
        #[case] high: f64,
        #[case] from: f64,
        #[case] to: f64,
        #[case] decimals: usize,
    ) {
        let scale = Scale::covering(low, high, 5);
        assert!(
            (scale.low - from).abs() < 1e-6 && (scale.high - to).abs() < 1e-6,
            "{scale:?}"
        );
        assert!(scale.low <= low && scale.high >= high && scale.ticks.len() <= 7);
        assert_eq!(scale.decimals, decimals);
    }
}
