//! A worker process for programs that embed `lumbar-dicom`: see `lumbar_dicom::worker`.

use std::{io, process::ExitCode};

fn main() -> ExitCode {
    match lumbar_dicom::worker::serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
