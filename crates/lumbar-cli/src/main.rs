//! The `lumbar` command.

use std::{io::IsTerminal, process::ExitCode};

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    let mut err = std::io::stderr();
    let terminal = std::io::stderr().is_terminal();
    lumbar_cli::run(std::env::args_os(), &mut out, &mut err, terminal)
}
