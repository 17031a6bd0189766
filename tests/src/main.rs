//! The command as a process of its own, for tests that kill it.

fn main() -> std::process::ExitCode {
    lumbar_cli::run(
        std::env::args_os(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
        false,
    )
}
