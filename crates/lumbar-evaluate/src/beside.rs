//! Files written beside their place and renamed, so that a killed process leaves no half file under a final name.

use crate::EvaluateError;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

/// Writes a file through `fill`, then moves it to its place.
pub(crate) fn write(
    path: &Path,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), EvaluateError> {
    let error = |action: &'static str| {
        move |source| EvaluateError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.partial-{}", std::process::id()));
    let written = fill_file(&partial, fill).map_err(error("write"));
    let moved = written.and_then(|()| fs::rename(&partial, path).map_err(error("rename")));
    if moved.is_err() {
        // The error that counts is already known; a partial file that cannot be removed either changes nothing.
        let _ = fs::remove_file(&partial);
    }
    moved
}

fn fill_file(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(path)?);
    fill(&mut writer)?;
    writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

/// Writes a value as indented JSON with a final newline.
pub(crate) fn write_json(value: &impl serde::Serialize, path: &Path) -> Result<(), EvaluateError> {
    write(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}
