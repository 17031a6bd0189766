//! A picture in the making: grey levels, coloured marks, captions.

use super::font::glyph;

/// A colour: red, green, blue.
pub(super) type Colour = [u8; 3];

/// Height of a line of text of scale 1, pixels.
pub(super) const LINE: usize = 10;

/// Pixels of three bytes, row by row.
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

impl Canvas {
    pub fn new(width: usize, height: usize, ground: Colour) -> Canvas {
        Canvas {
            width,
            height,
            pixels: ground.repeat(width * height),
        }
    }

    /// Sets a pixel; places outside are left out.
    pub fn set(&mut self, x: i64, y: i64, colour: Colour) {
        if (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y) {
            let at = (y as usize * self.width + x as usize) * 3;
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    /// Fills a rectangle of `width` x `height` pixels.
    pub fn fill(&mut self, [x, y]: [i64; 2], [width, height]: [i64; 2], colour: Colour) {
        for row in y..y + height {
            for column in x..x + width {
                self.set(column, row, colour);
            }
        }
    }

    /// A frame of one pixel just inside a rectangle.
    pub fn frame(&mut self, [x, y]: [i64; 2], [width, height]: [i64; 2], colour: Colour) {
        self.fill([x, y], [width, 1], colour);
        self.fill([x, y + height - 1], [width, 1], colour);
        self.fill([x, y], [1, height], colour);
        self.fill([x + width - 1, y], [1, height], colour);
    }

    /// A ring of two pixels with a dark edge, so that it is seen on any ground.
    pub fn ring(&mut self, [x, y]: [f64; 2], radius: f64, colour: Colour) {
        let reach = radius.ceil() as i64 + 3;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (px, py) = (x.round() as i64 + dx, y.round() as i64 + dy);
                let away = ((px as f64 - x).hypot(py as f64 - y) - radius).abs();
                if away <= 1.0 {
                    self.set(px, py, colour);
                } else if away <= 2.0 {
                    self.set(px, py, [0, 0, 0]);
                }
            }
        }
    }

    /// A line of text with its upper left corner at a place.
    pub fn text(&mut self, [x, y]: [i64; 2], text: &str, (scale, colour): (i64, Colour)) {
        for (k, letter) in text.chars().enumerate() {
            for (row, bits) in glyph(letter).into_iter().enumerate() {
                for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                    let at = [x + (k as i64 * 6 + column) * scale, y + row as i64 * scale];
                    self.fill(at, [scale, scale], colour);
                }
            }
        }
    }

    /// A line of text with a dark edge, for pictures as ground.
    pub fn text_on_picture(&mut self, [x, y]: [i64; 2], text: &str, (scale, colour): (i64, Colour)) {
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            self.text([x + dx, y + dy], text, (scale, [0, 0, 0]));
        }
        self.text([x, y], text, (scale, colour));
    }
}

/// Letters of a scale that fit into a width, pixels.
pub(super) fn n_letters(width: i64, scale: i64) -> usize {
    usize::try_from((width / scale.max(1) + 1) / 6).unwrap_or(0)
}
