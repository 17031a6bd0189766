//! `lumbar worker`: the other end of a worker pool.

use std::io;

pub fn run() -> anyhow::Result<()> {
    lumbar_dicom::worker::serve(&mut io::stdin().lock(), &mut io::stdout().lock())?;
    Ok(())
}
