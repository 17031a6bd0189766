//! Work done by several threads, results in order, memory bounded.

use crate::DatasetError;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Runs `job(0), job(1), ... job(n_jobs - 1)` on `n_workers` threads and gives the results in order.
///
/// At most `n_workers + window` results exist at a time. With no workers the jobs run on the calling thread, one at a
/// time, when asked for. A job that panics gives an error in its place; nothing hangs. Dropping the iterator stops
/// the workers after their present job.
pub(crate) fn ordered_map<T: Send + 'static>(
    n_jobs: usize,
    n_workers: usize,
    window: usize,
    job: impl Fn(usize) -> T + Send + Sync + 'static,
) -> OrderedMap<T> {
    let job: Arc<Job<T>> = Arc::new(job);
    let shared = Arc::new(Shared {
        progress: Mutex::new(Progress {
            next_job: 0,
            n_taken: 0,
            stopped: false,
        }),
        changed: Condvar::new(),
    });
    let (sender, receiver) = channel();
    let workers = (0..n_workers.min(n_jobs))
        .map(|_| {
            let (shared, job, sender) = (shared.clone(), job.clone(), sender.clone());
            let limit = n_workers + window;
            std::thread::spawn(move || work(&shared, &*job, &sender, (n_jobs, limit)))
        })
        .collect();
    OrderedMap {
        n_jobs,
        next: 0,
        job,
        waiting: BTreeMap::new(),
        receiver,
        shared,
        workers,
    }
}

type Job<T> = dyn Fn(usize) -> T + Send + Sync;

/// The results of [`ordered_map`].
pub(crate) struct OrderedMap<T> {
    n_jobs: usize,
    next: usize,
    job: Arc<Job<T>>,
    waiting: BTreeMap<usize, Option<T>>,
    receiver: Receiver<(usize, Option<T>)>,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
}

struct Progress {
    next_job: usize,
    n_taken: usize,
    stopped: bool,
}

fn work<T>(
    shared: &Shared,
    job: &Job<T>,
    sender: &Sender<(usize, Option<T>)>,
    (n_jobs, limit): (usize, usize),
) {
    loop {
        let index = {
            let mut progress = lock(shared);
            while !progress.stopped && progress.next_job >= progress.n_taken + limit {
                progress = shared
                    .changed
                    .wait(progress)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if progress.stopped || progress.next_job >= n_jobs {
                return;
            }
            progress.next_job += 1;
            progress.next_job - 1
        };
        // The job's own state is dropped with it; what it shares with others is behind locks of its own.
        let result = catch_unwind(AssertUnwindSafe(|| job(index))).ok();
        if sender.send((index, result)).is_err() {
            return;
        }
    }
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Progress> {
    // No code panics while holding it; a poisoned lock would still hold valid counts.
    shared.progress.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Iterator for OrderedMap<T> {
    type Item = Result<T, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.n_jobs {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let result = if self.workers.is_empty() {
            catch_unwind(AssertUnwindSafe(|| (self.job)(index))).ok()
        } else {
            self.receive(index)
        };
        Some(result.ok_or_else(|| DatasetError::WorkerPanicked {
            doing: format!("job {index}"),
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n_left(), Some(self.n_left()))
    }
}

impl<T> OrderedMap<T> {
    fn receive(&mut self, index: usize) -> Option<T> {
        let result = loop {
            if let Some(result) = self.waiting.remove(&index) {
                break result;
            }
            match self.receiver.recv() {
                Ok((done, result)) => {
                    self.waiting.insert(done, result);
                }
                // All workers ended without this result: their threads died.
                Err(_) => break None,
            }
        };
        lock(&self.shared).n_taken += 1;
        self.shared.changed.notify_all();
        result
    }
}

impl<T> OrderedMap<T> {
    /// Results not yet given.
    pub fn n_left(&self) -> usize {
        self.n_jobs - self.next
    }
}

impl<T> Drop for OrderedMap<T> {
    fn drop(&mut self) {
        lock(&self.shared).stopped = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A panic was already reported in its place.
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[rstest]
    fn results_come_in_order(#[values(0, 1, 2, 8)] n_workers: usize) {
        let results: Vec<usize> = ordered_map(100, n_workers, 2, |i| {
            // The later a job, the sooner it ends.
            std::thread::sleep(std::time::Duration::from_micros((100 - i as u64) * 5));
            i * i
        })
        .map(Result::unwrap)
        .collect();
        assert_eq!(results, (0..100).map(|i| i * i).collect::<Vec<_>>());
    }

    #[test]
    fn memory_is_bounded() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let mut results = ordered_map(1000, 4, 3, |i| {
            STARTED.fetch_add(1, Ordering::SeqCst);
            i
        });
        for taken in 1..50 {
            results.next().unwrap().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
            assert!(STARTED.load(Ordering::SeqCst) <= taken + 4 + 3);
        }
    }

    #[rstest]
    fn a_panic_becomes_an_error_in_its_place(#[values(0, 3)] n_workers: usize) {
        let results: Vec<bool> = ordered_map(10, n_workers, 2, |i| assert_ne!(i, 4))
            .map(|result| result.is_ok())
            .collect();
        assert_eq!(results.iter().position(|ok| !ok), Some(4));
        assert_eq!(results.len(), 10);
    }

    #[test]
    fn dropping_early_ends_the_workers() {
        let mut results = ordered_map(1_000_000, 4, 2, |i| i);
        assert_eq!(results.next().unwrap().unwrap(), 0);
        drop(results);
    }
}
