//! Work on untrusted bytes, held apart. In: a function and its budget. Out: its result, or a refusal when it panicked or
//! took too long. Knows nothing of pictures.
//!
//! The work runs on a thread of its own. When the time is over the caller goes on at once and the thread is left to
//! end by itself; while [`MAX_ABANDONED`] such threads are still running, further work is refused. The share of the
//! memory that a thread reserved goes back when it is left, so that the others go on; what it really holds it keeps
//! until it ends. At worst that is [`MAX_ABANDONED`] times what one picture may hold, beyond what is counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Once};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::budget::{Budget, Outcome, Refusal};
use crate::error::plain;

/// The name of the threads, by which the panic hook knows them.
const THREAD_NAME: &str = "picture";

// Decoders recurse little, but a hostile file must not reach the end of the stack: 16 MiB are only reserved, not used.
const STACK_BYTES: usize = 16 << 20;

/// Most threads that were given up on and have not ended. One that never ends keeps its place, and its memory, until the
/// program ends.
const MAX_ABANDONED: usize = 8;

// How much longer than the work's own deadline the caller waits: a decoder that looks at the clock says more.
const GRACE: Duration = Duration::from_millis(500);

static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` on a thread of its own and waits for it as long as the budget lasts and a little more.
pub(super) fn isolated<T: Send + 'static>(
    budget: &Budget,
    work: impl FnOnce(&Budget) -> Outcome<T> + Send + 'static,
) -> Outcome<T> {
    if ABANDONED.load(Ordering::Relaxed) >= MAX_ABANDONED {
        return Err(Refusal::passing(
            "Sightline is still busy with pictures that take too long",
            "try this one again later",
        ));
    }
    quiet_panics();
    let settled = Arc::new(AtomicBool::new(false));
    let own = budget.clone();
    let receiver = start(Arc::clone(&settled), move || work(&own))?;
    let left = budget.deadline.saturating_duration_since(Instant::now());
    match receiver.recv_timeout(left + GRACE) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => abandon(&receiver, &settled, budget),
        Err(RecvTimeoutError::Disconnected) => Err(panicked()),
    }
}

// `std::thread::Builder` rather than `jobs::spawn`: a job has the default stack and its panics are ours.
fn start<T: Send + 'static>(
    settled: Arc<AtomicBool>,
    work: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Outcome<Receiver<Outcome<T>>> {
    let (sender, receiver) = sync_channel(1);
    let run = move || {
        let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()));
        // The other end is gone when the caller gave up: nobody wants the result any more.
        sender.send(outcome).ok();
        if settled.swap(true, Ordering::AcqRel) {
            ABANDONED.fetch_sub(1, Ordering::Relaxed);
        }
    };
    let builder = Builder::new().name(THREAD_NAME.to_owned()).stack_size(STACK_BYTES);
    builder.spawn(run).map_err(|error| {
        Refusal::passing(
            format!("the system gave no thread to decode it ({})", plain(&error)),
            "close other programs and try again",
        )
    })?;
    Ok(receiver)
}

/// Leaves the thread to itself, unless it finished in this very moment.
fn abandon<T>(receiver: &Receiver<Outcome<T>>, settled: &AtomicBool, budget: &Budget) -> Outcome<T> {
    ABANDONED.fetch_add(1, Ordering::Relaxed);
    if settled.swap(true, Ordering::AcqRel) {
        ABANDONED.fetch_sub(1, Ordering::Relaxed);
        return receiver.try_recv().unwrap_or_else(|_| Err(panicked()));
    }
    budget.give_up();
    Err(budget.too_slow())
}

fn panicked() -> Refusal {
    Refusal::new("the decoder stumbled over this picture, which is probably damaged", "restore it from a copy")
}

/// Keeps the panics of decoding threads off stderr: they become refusals, and the text would only frighten. There is no
/// way to do so without the process-wide hook, so the hook that was there before still gets every other panic.
fn quiet_panics() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let is_decoding = thread.name().is_some_and(|name| name == THREAD_NAME || name.starts_with("rav1d-worker"));
            if !is_decoding {
                previous(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Limits;
    use std::sync::mpsc::sync_channel;

    fn lasting(timeout: Duration) -> Budget {
        Budget::starting(&Limits { timeout, ..Limits::default() })
    }

    #[track_caller]
    fn check(budget: &Budget, work: impl FnOnce(&Budget) -> Outcome<u8> + Send + 'static, expected: Result<u8, &str>) {
        match (isolated(budget, work), expected) {
            (Ok(found), Ok(value)) => assert_eq!(found, value),
            (Err(refusal), Err(part)) => assert!(refusal.what.contains(part), "{refusal:?}"),
            (found, _) => panic!("{found:?} where {expected:?} was expected"),
        }
    }

    #[test]
    fn work_that_ends_gives_its_result() {
        check(&lasting(Duration::from_secs(60)), |_| Ok(7), Ok(7));
    }

    #[test]
    fn a_panic_becomes_a_refusal() {
        check(&lasting(Duration::from_secs(60)), |_| panic!("on purpose"), Err("stumbled"));
    }

    #[test]
    fn work_without_end_is_left_behind_and_its_memory_counted_no_more() {
        let (stop, stopped) = sync_channel::<()>(0);
        let endless = move |budget: &Budget| -> Outcome<u8> {
            let _share = budget.reserve(1 << 20)?;
            stopped.recv().ok();
            Ok(1)
        };
        let budget = lasting(Duration::from_secs(1));
        check(&budget, endless, Err("was not decoded within"));
        assert_eq!(budget.held(), 0);
        drop(stop);
    }
}
