//! Reading in worker processes, so that the worst file costs one file.
//!
//! The reader itself is safe Rust under [`Limits`], but two things in it are not ours: the decoders of JPEG with
//! DCT, JPEG 2000 and deflate, which may abort, corrupt memory or not return. [`Workers`] reads what is ordinary and
//! native (raw, RLE, JPEG Lossless, JPEG-LS) in the caller's process and hands the rest to child processes with a cap on memory and a time limit: files
//! of other codecs, compressed files, and any file that the first attempt under strict limits did not accept. A child
//! that ends, hangs or takes too much memory is one [`ReadError`], and the next file gets a new child.
//!
//! ```no_run
//! use lumbar_dicom::{Limits, Workers, WorkerCommand};
//! use std::path::Path;
//!
//! // The program that `serve` runs in: this crate's own `lumbar-dicom-worker`, `lumbar worker`, or one of yours.
//! let workers = Workers::start(WorkerCommand::new("lumbar-dicom-worker"))?;
//! let image = workers.read_image(Path::new("scan.dcm"), &Limits::default())?;
//! assert_eq!(image.pixels.n_frames(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a child may do
//!
//! It opens the path it is given and answers with values and pixels: as many bytes as the limits allow, checked before
//! they are reserved. Its memory is capped on Unix (`RLIMIT_DATA` on Linux, `RLIMIT_AS` elsewhere), it writes no core
//! file, and it ends when its parent is gone. It is no sandbox: a decoder that is taken over has the rights of the
//! user who runs it.

mod process;
mod protocol;
mod serve;

pub use serve::{serve, serve_with};

use crate::{
    Header, Image, Limits, ReadError,
    read::{self, Attempt},
};
use process::Process;
use protocol::{Job, Reply};
use std::{
    ffi::OsString,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// How to start a worker process: a program that calls [`serve`] on its standard input and output.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) memory_bytes: u64,
}

impl WorkerCommand {
    /// A program without arguments, and a memory cap of 1 GiB: the default limits let an image of 512 MiB be decoded.
    pub fn new(program: impl Into<PathBuf>) -> WorkerCommand {
        WorkerCommand {
            program: program.into(),
            arguments: Vec::new(),
            memory_bytes: 1 << 30,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> WorkerCommand {
        self.arguments.push(argument.into());
        self
    }

    /// Sets the most memory a worker may take, bytes.
    pub fn memory_bytes(mut self, bytes: u64) -> WorkerCommand {
        self.memory_bytes = bytes;
        self
    }
}

/// Why there are no workers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The program could not be started.
    #[error("the worker program could not be started")]
    Start(#[source] std::io::Error),
    /// The program is not a worker, or one of another version.
    #[error("the worker program does not answer as one of this version does")]
    Greeting,
}

/// Worker processes: as many as there are threads that ask at one time, started when needed. Clones share them.
#[derive(Debug, Clone)]
pub struct Workers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    command: WorkerCommand,
    idle: Mutex<Vec<Process>>,
}

/// Jobs after which a worker is let go, so that what third-party code leaks does not add up.
const MOST_JOBS: u32 = 2000;

impl Workers {
    /// Starts one worker, to see that the program is one; others follow when they are needed.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub fn start(command: WorkerCommand) -> Result<Workers, WorkerError> {
        let first = Process::start(&command)?;
        Ok(Workers(Arc::new(Pool {
            command,
            idle: Mutex::new(vec![first]),
        })))
    }

    /// As [`read_header`](crate::read_header), in a worker where need be.
    ///
    /// # Errors
    /// As [`read_header`](crate::read_header), [`ReadError::InWorker`], and [`ReadError::WorkerFailed`] or
    /// [`ReadError::TimedOut`] for a file that ended its worker.
    pub fn read_header(&self, path: &Path, limits: &Limits) -> Result<Header, ReadError> {
        match read::try_header(path, limits)? {
            Attempt::Done(header) => Ok(header),
            Attempt::Suspect => self.ask(&Job::header(path), limits, Reply::into_header),
        }
    }

    /// As [`read_image`](crate::read_image), in a worker where need be.
    ///
    /// # Errors
    /// As [`Workers::read_header`].
    pub fn read_image(&self, path: &Path, limits: &Limits) -> Result<Image, ReadError> {
        self.frames(path, None, limits)
    }

    /// As [`read_frame`](crate::read_frame), in a worker where need be.
    ///
    /// # Errors
    /// As [`Workers::read_header`].
    pub fn read_frame(&self, path: &Path, frame: u32, limits: &Limits) -> Result<Image, ReadError> {
        self.frames(path, Some(read::one_frame(frame)?), limits)
    }

    fn frames(&self, path: &Path, frames: Option<Range<u32>>, limits: &Limits) -> Result<Image, ReadError> {
        match read::try_image(path, frames.clone(), limits)? {
            Attempt::Done(image) => Ok(image),
            Attempt::Suspect => self.ask(&Job::image(path, frames), limits, Reply::into_image),
        }
    }

    /// Decodes all frames for the error alone.
    pub(crate) fn check_image(&self, path: &Path, limits: &Limits) -> Result<(), ReadError> {
        match read::try_image(path, None, limits)? {
            Attempt::Done(_) => Ok(()),
            Attempt::Suspect => self.ask(&Job::check(path), limits, Reply::into_checked),
        }
    }

    fn ask<T>(
        &self,
        job: &Job,
        limits: &Limits,
        take: fn(Reply, &Limits) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let idle = || self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut process = match waiting.filter(Process::is_alive) {
            Some(process) => process,
            None => Process::start(&self.0.command).map_err(|error| ReadError::WorkerFailed {
                what: format!("could not be started: {error}"),
            })?,
        };
        let reply = process.ask(job, limits)?;
        if process.n_jobs() < MOST_JOBS {
            idle().push(process);
        }
        take(reply, limits)
    }
}
