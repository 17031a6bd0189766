//! The child's side.

use super::protocol::{self, GREETING, Job, Reply, Setup};
use std::{
    io::{self, Read, Write},
    path::Path,
};

/// Serves reading jobs until the input ends. A program that calls this on its standard input and output, and does
/// nothing else with them, can be named in a [`WorkerCommand`](super::WorkerCommand).
///
/// The first message sets the memory cap, which then holds for the whole process.
///
/// # Errors
/// If the other side goes away in the middle of a message, or sends none.
pub fn serve(input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
    serve_with(input, output, &mut |_| {})
}

/// As [`serve`], with something to do before each file is read.
///
/// # Errors
/// As [`serve`].
pub fn serve_with(
    input: &mut dyn Read,
    output: &mut dyn Write,
    before: &mut dyn FnMut(&Path),
) -> io::Result<()> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let Some(first) = protocol::read_message(input, protocol::MOST_REQUEST_BYTES)? else {
        return Ok(());
    };
    let setup = Setup::from_bytes(&first).ok_or_else(bad)?;
    end_with_parent();
    cap(setup.memory_bytes);
    protocol::write_message(output, GREETING)?;
    output.flush()?;
    while let Some(message) = protocol::read_message(input, protocol::MOST_REQUEST_BYTES)? {
        let (job, limits) = Job::from_bytes(&message).ok_or_else(bad)?;
        before(job.path());
        let reply = Reply::to(&job, &limits);
        reply.write(output)?;
        output.flush()?;
    }
    Ok(())
}

/// Caps memory and writes no core file, which would hold pixels and names.
#[cfg(unix)]
fn cap(memory_bytes: u64) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // `RLIMIT_DATA` counts what is taken and may be written; address space that is only reserved, as by a large program
    // or the allocator, does no harm. Other systems than Linux count only the break there.
    let memory = if cfg!(target_os = "linux") {
        Resource::Data
    } else {
        Resource::As
    };
    let both = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    // A system that refuses leaves the time limit in force.
    let _ = setrlimit(memory, both(memory_bytes));
    let _ = setrlimit(Resource::Core, both(0));
}

#[cfg(not(unix))]
fn cap(_memory_bytes: u64) {}

/// A parent that was killed cannot end a child that hangs in a decoder, and the child does not see its input end.
#[cfg(unix)]
fn end_with_parent() {
    use std::{os::unix::process::parent_id, process::abort, thread, time::Duration};
    let parent = parent_id();
    thread::spawn(move || {
        while parent_id() == parent {
            thread::sleep(Duration::from_millis(500));
        }
        abort();
    });
}

#[cfg(not(unix))]
fn end_with_parent() {}
