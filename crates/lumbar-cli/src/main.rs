//! The `lumbar` command.

use lumbar_cli::Host;
use std::{io::IsTerminal, process::ExitCode};

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    let mut err = std::io::stderr();
    let host = Host {
        terminal: std::io::stderr().is_terminal(),
        program: std::env::current_exe().ok(),
    };
    lumbar_cli::run_on(&host, std::env::args_os(), &mut out, &mut err)
}
