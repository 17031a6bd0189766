//! Numbers as they stand in the page.

use lumbar_metrics::{Estimate, Interval, IntervalMethod, Undefined, WILSON_CLUSTERS};
use std::fmt;

/// A cell of a table: a number, perhaps with its interval and smaller lines below.
///
/// Everything in it was escaped or is a number, so a page takes it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    text: String,
    interval: String,
    below: Vec<String>,
    strong: bool,
    is_text: bool,
    /// A background: CSS of a colour.
    shade: Option<String>,
}

impl Cell {
    pub(crate) fn count(n: u64) -> Cell {
        Cell {
            text: count(n),
            ..Cell::default()
        }
    }

    /// Text that is HTML already.
    pub(crate) fn text(text: String) -> Cell {
        Cell {
            text,
            ..Cell::default()
        }
    }

    /// The interval on a line of its own.
    pub(crate) fn interval_below(mut self) -> Cell {
        let interval = std::mem::take(&mut self.interval);
        self.with_below(interval)
    }

    /// Several lines of text.
    pub(crate) fn lines(lines: &[String]) -> Cell {
        let escaped: Vec<String> = lines.iter().map(|line| crate::plot::escaped(line)).collect();
        Cell {
            text: escaped.join("<br>"),
            is_text: true,
            ..Cell::default()
        }
    }

    /// A smaller line below, which the caller has escaped.
    pub(crate) fn with_below(mut self, line: String) -> Cell {
        if !line.is_empty() {
            self.below.push(line);
        }
        self
    }

    pub(crate) fn shaded(self, colour: String) -> Cell {
        Cell {
            shade: Some(colour),
            ..self
        }
    }

    pub(crate) fn strong(self) -> Cell {
        Cell { strong: true, ..self }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = if self.is_text { "text" } else { "num" };
        let (open, close) = if self.strong {
            ("<strong>", "</strong>")
        } else {
            ("", "")
        };
        let shade = match &self.shade {
            Some(colour) => format!(" style=\"background:{colour}\""),
            None => String::new(),
        };
        write!(f, "<td class=\"{class}\"{shade}>{open}{}{close}", self.text)?;
        if !self.interval.is_empty() {
            write!(f, " <span class=\"ci\">{}</span>", self.interval)?;
        }
        for line in &self.below {
            write!(f, "<span class=\"below\">{line}</span>")?;
        }
        f.write_str("</td>")
    }
}

impl askama::filters::HtmlSafe for Cell {}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// `0.912`.
    Plain,
    /// `+0.012` or `−0.031`: a difference.
    Always,
}

/// Reasons of undefined numbers on the page, each explained once at its end.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    texts: Vec<String>,
}

impl Notes {
    /// A value with its interval.
    pub(crate) fn cell(&mut self, estimate: Option<&Estimate>, sign: Sign) -> Cell {
        let Some(estimate) = estimate else {
            return Cell::default();
        };
        Cell {
            text: self.value(estimate.value, sign),
            interval: self.interval(estimate, |end| number(end, sign)),
            ..Cell::default()
        }
    }

    /// A value alone.
    pub(crate) fn bare(&mut self, estimate: Option<&Estimate>) -> Cell {
        Cell {
            text: estimate.map_or(String::new(), |e| self.value(e.value, Sign::Plain)),
            ..Cell::default()
        }
    }

    pub(crate) fn value(&mut self, value: Result<f64, Undefined>, sign: Sign) -> String {
        match value {
            Ok(value) => number(value, sign),
            Err(reason) => format!("–{}", self.mark(reason)),
        }
    }

    /// `(0.881 to 0.941)` with its ends written so, or a dash with the reason; nothing for what has no value. As HTML.
    pub(crate) fn interval(&mut self, estimate: &Estimate, end: impl Fn(f64) -> String) -> String {
        match (estimate.value, &estimate.interval) {
            (Ok(_), Some(Ok(interval))) => {
                let mark = match interval.method {
                    IntervalMethod::WilsonClusters => self.mark_text(WILSON_CLUSTERS.to_owned()),
                    _ => String::new(),
                };
                format!("({} to {}){mark}", end(interval.low), end(interval.high))
            }
            (Ok(_), Some(Err(reason))) => format!("(–&#8239;{})", self.mark(*reason)),
            _ => String::new(),
        }
    }

    /// The number of a reason, as a link to its footnote.
    pub(crate) fn mark(&mut self, reason: Undefined) -> String {
        self.mark_text(explained(reason))
    }

    fn mark_text(&mut self, text: String) -> String {
        let known = self.texts.iter().position(|known| *known == text);
        let number = known.unwrap_or_else(|| {
            self.texts.push(text);
            self.texts.len() - 1
        }) + 1;
        format!("<sup><a href=\"#note-{number}\">{number}</a></sup>")
    }

    /// The footnotes, in the order of their numbers.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.texts.clone()
    }
}

/// A reason without the numbers of the one cell it came from.
fn explained(reason: Undefined) -> String {
    match reason {
        Undefined::TooFewEvents { .. } => {
            "no interval: there are so few cases of a grade that more than 5% of the \
             resampled sets of patients have none"
                .to_owned()
        }
        Undefined::AbsentGrades { .. } => "some grades have no cases".to_owned(),
        Undefined::Suppressed { minimum, .. } => format!("suppressed: fewer than {minimum} cases"),
        other => other.to_string(),
    }
}

/// Fewer patients than this decide nothing: a percentile bootstrap over few clusters is too narrow (Cameron, Gelbach and
/// Miller 2008 see it fail below about 20 to 30 of them).
pub(crate) const FEWEST_PATIENTS: usize = 20;

/// The interval of an estimate, if it rests on enough patients to draw a conclusion from.
pub(crate) fn conclusive(estimate: &Estimate) -> Option<Interval> {
    let enough = estimate.n_clusters.is_some_and(|n| n >= FEWEST_PATIENTS);
    estimate.interval.and_then(Result::ok).filter(|_| enough)
}

/// `0.912`, `+0.012`, `−0.031`, with a true minus.
pub(crate) fn number(value: f64, sign: Sign) -> String {
    let text = format!("{:.3}", value.abs());
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    match (value < 0.0 && !is_zero, sign) {
        (true, _) => format!("−{text}"),
        (false, Sign::Always) if !is_zero => format!("+{text}"),
        _ => text,
    }
}

/// `0.93 (0.90 to 0.96)` for figures and sentences, a dash for what is undefined.
pub(crate) fn short(estimate: &Estimate) -> String {
    match (estimate.value, &estimate.interval) {
        (Ok(value), Some(Ok(i))) => format!("{value:.2} ({:.2} to {:.2})", i.low, i.high),
        (Ok(value), Some(Err(_))) => format!("{value:.2} (–)"),
        (Ok(value), None) => format!("{value:.2}"),
        (Err(_), _) => "–".to_owned(),
    }
}

/// `12,345`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3.2 s`, `2 min 5 s`, `1 h 2 min`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 59.5 => format!("{s:.0} s"),
        s if s < 3570.0 => {
            let whole = s.round() as u64;
            format!("{} min {} s", whole / 60, whole % 60)
        }
        s => {
            let minutes = (s / 60.0).round() as u64;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.9124, Sign::Plain, "0.912")]
    #[case(-0.0312, Sign::Plain, "−0.031")]
    #[case(0.0312, Sign::Always, "+0.031")]
    #[case(-0.0001, Sign::Always, "0.000")]
    fn numbers(#[case] value: f64, #[case] sign: Sign, #[case] text: &str) {
        assert_eq!(number(value, sign), text);
    }

    #[rstest]
    #[case(7, "7")]
    #[case(1_000, "1,000")]
    #[case(147_218, "147,218")]
    #[case(12_345_678, "12,345,678")]
    fn counts(#[case] n: u64, #[case] text: &str) {
        assert_eq!(count(n), text);
    }

    #[rstest]
    #[case(0.04, "0.0 s")]
    #[case(12.4, "12 s")]
    #[case(59.7, "1 min 0 s")]
    #[case(125.0, "2 min 5 s")]
    #[case(3725.0, "1 h 2 min")]
    fn durations(#[case] seconds: f64, #[case] text: &str) {
        assert_eq!(duration(seconds), text);
    }

    #[test]
    fn each_reason_has_one_footnote() {
        let mut notes = Notes::default();
        assert!(
            notes
                .value(Err(Undefined::NoPositives), Sign::Plain)
                .contains("#note-1")
        );
        assert!(
            notes
                .value(Err(Undefined::NoCases), Sign::Plain)
                .contains("#note-2")
        );
        assert!(
            notes
                .value(Err(Undefined::NoPositives), Sign::Plain)
                .contains("#note-1")
        );
        assert_eq!(notes.lines().len(), 2);
    }
}
