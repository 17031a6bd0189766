//! A worker that obeys files which tell it to do its worst. Only tests start it.

use std::{fs, hint::black_box, io, path::Path, process::ExitCode, process::abort};

fn main() -> ExitCode {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    match lumbar_dicom::worker::serve_with(&mut input, &mut output, &mut obey) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn obey(path: &Path) {
    let Ok(bytes) = fs::read(path) else { return };
    // Where a preamble would be.
    match bytes.get(..8) {
        Some(b"EVIL:ABT") => abort(),
        Some(b"EVIL:RUN") => loop {
            black_box(0);
        },
        Some(b"EVIL:MEM") => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(vec![1u8; 1 << 20]);
                black_box(&hoard);
            }
        }
        _ => {}
    }
}
