//! One child process, seen from its parent.

use super::{
    WorkerCommand, WorkerError,
    protocol::{self, GREETING, Job, Reply, Setup},
};
use crate::{Limits, ReadError};
use std::{
    io::Write,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// A program starts slowly on a machine under load.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// What a worker gets on top of a file's time to say so itself.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<Vec<u8>>,
    n_jobs: u32,
    memory_bytes: u64,
}

impl Process {
    pub(super) fn start(command: &WorkerCommand) -> Result<Process, WorkerError> {
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Third-party code may print what it found in a file.
            .stderr(Stdio::null())
            .spawn()
            .map_err(WorkerError::Start)?;
        let (Some(requests), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
            let _ = child.kill();
            return Err(WorkerError::Greeting);
        };
        let (sender, replies) = mpsc::channel();
        // Ends with the pipe, so at the latest when the child does.
        thread::spawn(move || {
            while let Ok(Some(message)) = protocol::read_message(&mut output, protocol::MOST_REPLY_BYTES) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut process = Process {
            child,
            requests,
            replies,
            n_jobs: 0,
            memory_bytes: command.memory_bytes,
        };
        let setup = Setup {
            memory_bytes: command.memory_bytes,
        };
        let greeted = process.send(&setup.to_bytes()).is_ok()
            && process.replies.recv_timeout(STARTS_WITHIN).as_deref() == Ok(GREETING);
        if greeted {
            Ok(process)
        } else {
            Err(WorkerError::Greeting)
        }
    }

    pub(super) fn n_jobs(&self) -> u32 {
        self.n_jobs
    }

    pub(super) fn is_alive(&self) -> bool {
        // A child that ended has closed its pipe, and the thread behind `replies` with it.
        matches!(self.replies.try_recv(), Err(mpsc::TryRecvError::Empty))
    }

    /// The answer to a job. After an error the process is of no more use.
    pub(super) fn ask(&mut self, job: &Job, limits: &Limits) -> Result<Reply, ReadError> {
        self.n_jobs += 1;
        let failed = |what: &str| ReadError::WorkerFailed {
            what: what.to_owned(),
        };
        if self.send(&job.to_bytes(limits)).is_err() {
            return Err(failed(&self.how_it_ended()));
        }
        match self.replies.recv_timeout(limits.max_time.saturating_add(GRACE)) {
            Ok(message) => Reply::from_bytes(&message).ok_or_else(|| failed("gave an answer that is none")),
            Err(RecvTimeoutError::Timeout) => Err(ReadError::TimedOut {
                limit: limits.max_time,
            }),
            Err(RecvTimeoutError::Disconnected) => Err(failed(&self.how_it_ended())),
        }
    }

    fn send(&mut self, message: &[u8]) -> std::io::Result<()> {
        protocol::write_message(&mut self.requests, message)?;
        self.requests.flush()
    }

    fn how_it_ended(&mut self) -> String {
        let _ = self.child.kill();
        let how = self.child.wait().map_or("in an unknown way".to_owned(), describe);
        format!("ended {how} (memory cap {} MiB)", self.memory_bytes >> 20)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => format!("by signal {signal}"),
        None => status.code().map_or("in an unknown way".to_owned(), with_code),
    }
}

#[cfg(not(unix))]
fn describe(status: ExitStatus) -> String {
    status.code().map_or("in an unknown way".to_owned(), with_code)
}

fn with_code(code: i32) -> String {
    format!("with status {code}")
}
