//! Where words go: results to stdout, everything else to stderr, progress as a bar or as a line now and then.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What was done.
    Normal,
    /// And how.
    Verbose,
}

/// The two outputs of a command and how it should speak.
pub struct Console<'a> {
    out: Mutex<&'a mut (dyn Write + Send)>,
    /// The first failure of stdout.
    lost: Mutex<Option<io::Error>>,
    err: Mutex<&'a mut (dyn Write + Send)>,
    /// One JSON object on stdout instead of text for people.
    pub json: bool,
    /// How much is said on stderr.
    pub verbosity: Verbosity,
    /// Whether progress is shown at all.
    pub progress: bool,
    /// Whether stderr is a terminal that can redraw a line.
    pub terminal: bool,
    /// This command as a program, for worker processes.
    pub program: Option<PathBuf>,
}

/// Between two progress lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl<'a> Console<'a> {
    /// A console that speaks to two writers.
    pub fn new(
        out: &'a mut (dyn Write + Send),
        err: &'a mut (dyn Write + Send),
        terminal: bool,
    ) -> Console<'a> {
        Console {
            out: Mutex::new(out),
            lost: Mutex::new(None),
            err: Mutex::new(err),
            json: false,
            verbosity: Verbosity::Normal,
            progress: true,
            terminal,
            program: None,
        }
    }

    /// A result for people, on stdout; nothing under `--json`.
    pub fn result(&self, text: impl AsRef<str>) {
        if !self.json {
            self.print(text.as_ref());
        }
    }

    /// Ends stdout.
    ///
    /// # Errors
    /// If results did not arrive there, as on a full disk.
    pub fn close(&self) -> io::Result<()> {
        if let Ok(mut out) = self.out.lock() {
            self.keep(out.flush());
        }
        let lost = self.lost.lock().ok().and_then(|mut lost| lost.take());
        lost.map_or(Ok(()), Err)
    }

    fn print(&self, text: &str) {
        if let Ok(mut out) = self.out.lock() {
            self.keep(writeln!(out, "{text}"));
        }
    }

    /// A reader that went away (`| head`) ends the output, not the program; any other failure is one of the command.
    fn keep(&self, written: io::Result<()>) {
        if let (Err(error), Ok(mut lost)) = (written, self.lost.lock())
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            lost.get_or_insert(error);
        }
    }

    /// The result as one JSON object on stdout; nothing without `--json`.
    ///
    /// # Errors
    /// If the value cannot be serialised.
    pub fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            self.print(&serde_json::to_string_pretty(value)?);
        }
        Ok(())
    }

    /// What is going on, on stderr.
    pub fn note(&self, text: impl AsRef<str>) {
        if self.verbosity >= Verbosity::Normal {
            write_line(&self.err, text.as_ref());
        }
    }

    /// Details, on stderr, with `-v`.
    pub fn detail(&self, text: impl AsRef<str>) {
        if self.verbosity >= Verbosity::Verbose {
            write_line(&self.err, text.as_ref());
        }
    }

    /// An error or warning, on stderr, always.
    pub fn complain(&self, text: impl AsRef<str>) {
        write_line(&self.err, text.as_ref());
    }

    /// Progress of a task, counted in `unit` ("files").
    pub fn progress(&self, what: &str, unit: &'static str) -> Progress<'_, 'a> {
        let shown = self.progress && self.verbosity >= Verbosity::Normal;
        let bar = (shown && self.terminal).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(&format!(
                "{{prefix:>12}} [{{bar:32}}] {{pos}}/{{len}} {unit} {{elapsed}} (left {{eta}}) {{msg}}"
            ));
            bar.set_style(
                style
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("=> "),
            );
            bar.set_prefix(what.to_owned());
            bar
        });
        let lines = (shown && !self.terminal).then(|| Mutex::new(Instant::now()));
        Progress {
            console: self,
            what: what.to_owned(),
            unit,
            begun: Instant::now(),
            bar,
            lines,
        }
    }
}

/// A running count.
pub struct Progress<'c, 'a> {
    console: &'c Console<'a>,
    what: String,
    unit: &'static str,
    begun: Instant,
    bar: Option<ProgressBar>,
    /// When the last line was printed, where lines are.
    lines: Option<Mutex<Instant>>,
}

impl Progress<'_, '_> {
    /// Sets how far it is, with a word on how it goes.
    pub fn set(&self, done: u64, total: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(message.to_owned());
        }
        if let Some(Ok(mut last)) = self.lines.as_ref().map(Mutex::lock)
            && last.elapsed() >= LINE_EVERY
        {
            *last = Instant::now();
            let space = if message.is_empty() { "" } else { ", " };
            self.console.note(format!(
                "{}: {done} of {total} {} after {:.0} s{space}{message}",
                self.what,
                self.unit,
                self.begun.elapsed().as_secs_f64()
            ));
        }
    }

    /// Clears the bar and says in a line how it went.
    pub fn finish(self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.console.note(format!(
            "{}: {message} ({:.1} s)",
            self.what,
            self.begun.elapsed().as_secs_f64()
        ));
    }
}

/// Notes and progress are no result: where they cannot be written the command goes on.
fn write_line(writer: &Mutex<&mut (dyn Write + Send)>, text: &str) {
    if let Ok(mut writer) = writer.lock() {
        let _ = writeln!(writer, "{text}");
    }
}
