//! Writes a report of made-up numbers, to look at the page: `made_up_report [FILE] [--bare]`.

#[path = "../tests/made_up/mod.rs"]
mod made_up;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let bare = arguments.iter().any(|argument| argument == "--bare");
    let file = arguments.iter().find(|argument| !argument.starts_with("--"));
    let path = PathBuf::from(file.map_or("target/made_up_report.html", String::as_str));
    let input = if bare {
        made_up::bare_input()
    } else {
        made_up::input(60, 500)
    };
    lumbar_report::write(&input, &path)?;
    Ok(())
}
