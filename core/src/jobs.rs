//! Work on its own thread. In: a function that takes a `Ticker`. Out: a `Job` to poll, whose drop cancels the work.
//!
//! Knows nothing of what the work is, and nothing of the window: it calls the `Wake` it was given.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};

/// Called from a job's thread whenever its progress changed or its result is there.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Counts the work of one job and tells it when to stop.
///
/// Work calls [`Ticker::expect`] once it knows how much there is and [`Ticker::tick`] once per batch.
#[derive(Clone)]
pub struct Ticker {
    shared: Arc<Shared>,
}

struct Shared {
    done: AtomicU64,
    total: AtomicU64,
    failed: AtomicU64,
    phase: Mutex<&'static str>,
    is_cancelled: AtomicBool,
    is_paused: Mutex<bool>,
    went_on: Condvar,
    wake: Wake,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing, as a present participle ("Indexing").
    pub phase: &'static str,
    /// Items done in this phase.
    pub done: u64,
    /// Items expected in this phase; 0 while not known.
    pub total: u64,
    /// Items of the whole job that had problems.
    pub failed: u64,
}

impl Ticker {
    /// A ticker that nobody watches: for tests and for work that is waited for.
    pub fn silent() -> Self {
        Self::waking(Arc::new(|| {}))
    }

    /// A ticker that calls `wake` on every change.
    pub fn waking(wake: Wake) -> Self {
        let shared = Shared {
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            phase: Mutex::new(""),
            is_cancelled: AtomicBool::new(false),
            is_paused: Mutex::new(false),
            went_on: Condvar::new(),
            wake,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Starts a phase with an unknown amount of work.
    pub fn phase(&self, name: &'static str) {
        *self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner) = name;
        self.shared.done.store(0, Ordering::Relaxed);
        self.shared.total.store(0, Ordering::Relaxed);
        (self.shared.wake)();
    }

    /// Says how many items this phase has.
    pub fn expect(&self, total: usize) {
        self.shared.total.store(total as u64, Ordering::Relaxed);
        (self.shared.wake)();
    }

    /// Counts `done` more items.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the job was cancelled.
    pub fn tick(&self, done: usize) -> Result<()> {
        self.shared.done.fetch_add(done as u64, Ordering::Relaxed);
        (self.shared.wake)();
        self.check()
    }

    /// Counts one item that had a problem.
    pub fn fail(&self) {
        self.shared.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks whether to go on. Waits as long as the work is paused.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the job was cancelled.
    pub fn check(&self) -> Result<()> {
        let mut is_paused = self.shared.is_paused.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_paused && !self.is_cancelled() {
            is_paused = self.shared.went_on.wait(is_paused).unwrap_or_else(PoisonError::into_inner);
        }
        drop(is_paused);
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Lets the work wait at its next step, or go on.
    pub fn pause(&self, is_paused: bool) {
        *self.shared.is_paused.lock().unwrap_or_else(PoisonError::into_inner) = is_paused;
        self.shared.went_on.notify_all();
    }

    /// Whether the work should stop.
    pub fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::Relaxed)
    }

    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.shared.is_cancelled.store(true, Ordering::Relaxed);
        self.pause(false);
    }

    /// How far the work is.
    pub fn progress(&self) -> Progress {
        Progress {
            phase: *self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner),
            done: self.shared.done.load(Ordering::Relaxed),
            total: self.shared.total.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
        }
    }
}

/// Work under way on its own thread. Dropping it asks the work to stop and does not wait.
pub struct Job<T> {
    ticker: Ticker,
    receiver: Receiver<Result<T>>,
}

impl<T> Job<T> {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.ticker.progress()
    }

    /// The result, once; `None` while the work goes on. A job whose thread died gives [`Error::Cancelled`].
    pub fn poll(&self) -> Option<Result<T>> {
        match self.receiver.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(Error::Cancelled)),
        }
    }

    /// The result, once, if it comes within `patience`; `None` while the work goes on.
    pub fn wait_for(&self, patience: Duration) -> Option<Result<T>> {
        match self.receiver.recv_timeout(patience) {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(Error::Cancelled)),
        }
    }

    /// Lets the work wait at its next step, or go on.
    pub fn pause(&self, is_paused: bool) {
        self.ticker.pause(is_paused);
    }

    /// Asks the work to stop; the result is then [`Error::Cancelled`] or whatever was finished first.
    pub fn cancel(&self) {
        self.ticker.cancel();
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// Whatever the work failed with.
    pub fn wait(self) -> Result<T> {
        self.receiver.recv().unwrap_or(Err(Error::Cancelled))
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.ticker.cancel();
    }
}

/// Starts `work` on a thread called `name`. A panic in it becomes an error, not a dead window.
///
/// # Errors
/// [`Error::Io`] when the system gives no thread.
pub fn spawn<T: Send + 'static>(
    name: &'static str,
    wake: Wake,
    work: impl FnOnce(&Ticker) -> Result<T> + Send + 'static,
) -> Result<Job<T>> {
    let ticker = Ticker::waking(Arc::clone(&wake));
    let (sender, receiver) = sync_channel(1);
    let theirs = ticker.clone();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&theirs)));
        let result = result.unwrap_or_else(|_| Err(panicked(name)));
        // The other end is gone when the job was dropped: nobody wants the result any more.
        sender.send(result).ok();
        wake();
    })?;
    Ok(Job { ticker, receiver })
}

fn panicked(name: &str) -> Error {
    Error::bad_request(
        format!("the job {name:?} stopped through a fault of Sightline's own"),
        "try again, and report it with the log if it happens again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Wake {
        Arc::new(|| {})
    }

    #[test]
    fn a_job_gives_its_result_once_it_is_done() {
        let job = spawn("test", quiet(), |ticker| {
            ticker.expect(2);
            ticker.tick(2)?;
            Ok(ticker.progress().done)
        });
        assert_eq!(job.unwrap().wait().unwrap(), 2);
    }

    #[test]
    fn a_dropped_job_stops_at_its_next_tick() {
        let (sender, receiver) = sync_channel(1);
        let job = spawn("test", quiet(), move |ticker| {
            while ticker.tick(1).is_ok() {
                std::thread::yield_now();
            }
            sender.send(()).ok();
            Ok(())
        });
        drop(job.unwrap());
        receiver.recv().unwrap();
    }

    #[test]
    fn a_paused_job_waits_until_it_may_go_on_or_is_dropped() {
        let job = |count: usize| {
            let (sender, receiver) = sync_channel(0);
            let work = move |ticker: &Ticker| {
                for i in 0..count {
                    sender.send(i).map_err(|_| Error::Cancelled)?;
                    ticker.tick(1)?;
                }
                Ok(())
            };
            (spawn("test", quiet(), work).unwrap(), receiver)
        };
        let (paused, steps) = job(2);
        paused.pause(true);
        assert_eq!(steps.recv(), Ok(0));
        assert!(steps.recv_timeout(Duration::from_millis(50)).is_err(), "it went on while it was paused");
        paused.pause(false);
        assert_eq!(steps.recv(), Ok(1));
        assert!(paused.wait().is_ok());
        let (dropped, steps) = job(9);
        dropped.pause(true);
        assert_eq!(steps.recv(), Ok(0));
        drop(dropped);
        assert!(steps.recv().is_err(), "a paused job ends when it is dropped");
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let job = spawn("test", quiet(), |_| -> Result<()> { panic!("on purpose") });
        let error = job.unwrap().wait().unwrap_err();
        assert!(error.to_string().contains("fault of Sightline's own"), "{error}");
    }
}
