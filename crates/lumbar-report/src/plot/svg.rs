//! SVG elements as text.

use super::INK;
use std::fmt::{self, Write};

/// A finished figure; safe to put into a page as it is, because all text in it was escaped on the way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figure(String);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Figure {}

/// A figure being drawn, in units of about a CSS pixel.
pub(crate) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

/// Which part of a text stands at its position.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    pub(crate) fn new(width: f64, height: f64) -> Canvas {
        Canvas {
            width,
            height,
            body: String::new(),
        }
    }

    pub(crate) fn line(&mut self, from: [f64; 2], to: [f64; 2], colour: &str, width: f64) {
        self.path(&[from, to], colour, width, "");
    }

    pub(crate) fn path(&mut self, points: &[[f64; 2]], colour: &str, width: f64, dashes: &str) {
        let dashes = match dashes {
            "" => String::new(),
            dashes => format!(r#" stroke-dasharray="{dashes}""#),
        };
        self.push(format_args!(
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"{dashes}/>"#,
            Points(points)
        ));
    }

    pub(crate) fn area(&mut self, points: &[[f64; 2]], colour: &str, opacity: f64) {
        self.push(format_args!(
            r#"<polygon points="{}" fill="{colour}" fill-opacity="{opacity}" stroke="none"/>"#,
            Points(points)
        ));
    }

    pub(crate) fn rect(&mut self, corner: [f64; 2], size: [f64; 2], fill: &str) {
        let ([x, y], [w, h]) = (corner, size);
        self.push(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" fill="{fill}"/>"#
        ));
    }

    pub(crate) fn dot(&mut self, at: [f64; 2], radius: f64, colour: &str) {
        let [x, y] = at;
        self.push(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}"/>"#
        ));
    }

    /// A hollow dot.
    pub(crate) fn ring(&mut self, at: [f64; 2], radius: f64, colour: &str) {
        let [x, y] = at;
        self.push(format_args!(
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="#ffffff" stroke="{colour}"/>"##
        ));
    }

    pub(crate) fn text(&mut self, at: [f64; 2], anchor: Anchor, style: TextStyle, text: &str) {
        let [x, y] = at;
        let TextStyle {
            size,
            colour,
            bold,
            turned,
        } = style;
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if bold { r#" font-weight="600""# } else { "" };
        let turn = if turned {
            format!(r#" transform="rotate(-90 {x:.1} {y:.1})""#)
        } else {
            String::new()
        };
        self.push(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"{weight}{turn}>{}</text>"#,
            escaped(text)
        ));
    }

    fn push(&mut self, element: fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("a String takes all text");
    }

    /// The figure, with a sentence for those who cannot see it.
    pub(crate) fn finish(self, description: &str) -> Figure {
        let Canvas { width, height, body } = self;
        let description = escaped(description);
        Figure(format!(
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" aria-label=\"{description}\" \
             xmlns=\"http://www.w3.org/2000/svg\" font-family=\"inherit\">\n<title>{description}</title>\n{body}</svg>"
        ))
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct TextStyle {
    size: f64,
    colour: &'static str,
    bold: bool,
    turned: bool,
}

impl TextStyle {
    pub(crate) const fn new(size: f64) -> TextStyle {
        TextStyle {
            size,
            colour: INK,
            bold: false,
            turned: false,
        }
    }

    pub(crate) const fn colour(self, colour: &'static str) -> TextStyle {
        TextStyle { colour, ..self }
    }

    pub(crate) fn bold(self) -> TextStyle {
        TextStyle { bold: true, ..self }
    }

    pub(crate) fn turned(self) -> TextStyle {
        TextStyle { turned: true, ..self }
    }
}

struct Points<'a>(&'a [[f64; 2]]);

impl fmt::Display for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, [x, y]) in self.0.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{x:.1},{y:.1}")?;
        }
        Ok(())
    }
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text(
            [1.0, 2.0],
            Anchor::Start,
            TextStyle::new(9.0),
            "</text><script>&\"",
        );
        let figure = canvas.finish("a \"b\" <c>").to_string();
        assert!(!figure.contains("<script>") && !figure.contains("<c>"));
        assert!(figure.contains("&lt;/text&gt;&lt;script&gt;&amp;&quot;"));
    }
}
