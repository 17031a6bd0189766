//! The `lumbar` command as a library: [`run`] takes arguments and two writers and returns an exit code, so that the
//! whole command can be called from another program or a test.
//!
//! ```
//! use std::process::ExitCode;
//! let (mut out, mut err) = (Vec::new(), Vec::new());
//! let code = lumbar_cli::run(["lumbar", "--version"], &mut out, &mut err, false);
//! assert_eq!(code, ExitCode::SUCCESS);
//! assert!(String::from_utf8(out)?.starts_with("lumbar "));
//! # Ok::<(), std::string::FromUtf8Error>(())
//! ```
//!
//! # Conventions
//!
//! Results go to stdout, everything else (progress, notes, errors) to stderr. `--json` prints exactly one JSON object on
//! stdout. Exit codes: 0 done, 1 failed, 2 wrong usage. A flag beats `--set`, which beats the file, which beats the
//! default; nothing is taken from environment variables but `RUST_LOG` and `NO_COLOR`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this crate is the one that prints"
)]

mod args;
mod commands;
mod config;
mod console;
mod flow;
mod oracle;

use args::{Cli, Command};
use clap::{CommandFactory, FromArgMatches, error::ErrorKind};
use config::{Hinted, WrongUsage};
use console::{Console, Verbosity};
use lumbar_dataset::DatasetError;
use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode};

/// What the command runs in.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Whether the second output is a terminal.
    pub terminal: bool,
    /// A program that is this command, to be started as `PROGRAM worker` for files better read in a process of their
    /// own; `None` reads everything in the caller's process.
    pub program: Option<PathBuf>,
}

/// Columns of help that goes to a file.
const WIDTH: usize = 100;

/// Runs the command with its arguments (the first being the program's name), its two outputs, and whether the second
/// is a terminal. Everything happens in the caller's process; see [`run_on`] for worker processes.
pub fn run<I, T>(
    args: I,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
    terminal: bool,
) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let host = Host {
        terminal,
        program: None,
    };
    run_on(&host, args, out, err)
}

/// As [`run`], on a host that has a program for worker processes.
pub fn run_on<I, T>(
    host: &Host,
    args: I,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    // Help is wrapped to the terminal's width; where there is none it must not depend on the machine.
    let command = if host.terminal {
        Cli::command()
    } else {
        Cli::command().term_width(WIDTH)
    };
    let parsed = command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error, out, err),
    };
    let mut console = Console::new(out, err, host.terminal);
    console.program = host.program.clone();
    console.json = cli.global.json;
    console.progress = !cli.global.no_progress;
    console.verbosity = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, _) => Verbosity::Verbose,
    };
    init_log(cli.global.verbose);
    if let Some(threads) = cli.global.threads {
        // Fails only if a pool exists already, as in a second call within one process: that pool then stays.
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global();
    }
    match dispatch(&cli, &console) {
        Ok(()) => match console.close() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                console.complain(format!("error: cannot write to stdout\n  caused by: {error}"));
                ExitCode::from(1)
            }
        },
        Err(error) => {
            console.complain(describe(&error));
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<WrongUsage>())
}

fn dispatch(cli: &Cli, console: &Console<'_>) -> anyhow::Result<()> {
    let global = &cli.global;
    match &cli.command {
        Command::Demo(args) => commands::demo::run(args, global, console),
        Command::Phantom(args) => commands::phantom::run(args, console),
        Command::Ingest(args) => commands::ingest::run(args, console),
        Command::Dataset(args) => commands::dataset::run(args, console),
        Command::Train(args) => commands::train::run(args, global, console),
        Command::Evaluate(args) => commands::evaluate::run(args, global, console),
        Command::Report(args) => commands::report::run(args, console),
        Command::Compare(args) => commands::compare::run(args, console),
        Command::Bundle(args) => commands::bundle::run(args, console),
        Command::Score(args) => commands::score::run(args, console),
        Command::Doctor => commands::doctor::run(global, console),
        Command::Worker => commands::worker::run(),
    }
}

/// `error:` with every cause on a line of its own, then `hint:`.
fn describe(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    let hint = error.chain().find_map(|cause| {
        let ours = cause.downcast_ref::<Hinted>().map(|error| error.hint.as_str());
        let ours = ours.or_else(|| cause.downcast_ref::<WrongUsage>()?.hint.as_deref());
        ours.or_else(|| cause.downcast_ref::<DatasetError>()?.hint())
    });
    if let Some(hint) = hint {
        text.push_str(&format!("\nhint: {hint}"));
    }
    text
}

/// clap's own words: help and version to stdout with 0, wrong usage to stderr with 2.
fn usage(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let (writer, code): (&mut dyn Write, u8) = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => (out, 0),
        _ => (&mut *err, 2),
    };
    match write!(writer, "{error}").and_then(|()| writer.flush()) {
        Err(cause) if code == 0 && cause.kind() != std::io::ErrorKind::BrokenPipe => {
            let _ = writeln!(err, "error: cannot write to stdout\n  caused by: {cause}");
            ExitCode::from(1)
        }
        _ => ExitCode::from(code),
    }
}

fn init_log(verbose: u8) {
    use tracing_subscriber::{EnvFilter, fmt, prelude::*};
    let default = if verbose > 1 { "info" } else { "error" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let layer = fmt::layer().with_writer(std::io::stderr).without_time();
    // A second call in one process keeps the first subscriber.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
}
