//! Threads that stay awake while a model computes. In: work that is split again and again. Out: what it gives. Must never
//! know what the work is.
//!
//! One picture is a hundred products, one after the other, each split over all cores for less than a millisecond. A thread
//! of the pool that finds nothing to do between two of them falls asleep, and waking it takes as long as its part.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;

/// A pool of more threads is left alone: some of them would sleep all the same, and every split wakes one.
const MOST: usize = 8;
/// So long a thread that is awake gives the others to be so, too: looking for work, it would take their staying awake for it.
const GATHERING: Duration = Duration::from_micros(200);

/// What `work` gives, which may split itself over the pool of threads: until it is done they do not sleep.
///
/// For one picture or a few words: whoever calls this on every core at once keeps threads waiting that have work. `work` must
/// not wait for another pool of threads, whose own might wait for this one's.
pub(super) fn awake<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    awake_while(|_| work())
}

fn awake_while<T: Send>(work: impl FnOnce(&Vigil) -> T + Send) -> T {
    // Within the pool, but no job of the scope: a thread that takes other work while it is awake is not waited for.
    rayon::scope(|_| {
        let threads = rayon::current_num_threads();
        let helpers = if threads > MOST { 0 } else { threads - 1 };
        let vigil = Arc::new(Vigil::default());
        // Set even if the work panics: the others would look for work for ever.
        let done = Done::new(&vigil);
        for _ in 0..helpers {
            let vigil = Arc::clone(&vigil);
            rayon::spawn(move || vigil.keep(helpers));
        }
        let found = work(&vigil);
        drop(done);
        found
    })
}

/// What the threads know that are kept awake for one piece of work.
#[derive(Default)]
struct Vigil {
    is_done: AtomicBool,
    /// A bit for each thread of the pool that is awake for it.
    threads: AtomicU64,
}

impl Vigil {
    /// Takes what work there is until all is done.
    fn keep(&self, helpers: usize) {
        let own = rayon::current_thread_index().unwrap_or_default();
        self.threads.fetch_or(1 << own, Ordering::AcqRel);
        let begun = Instant::now();
        while self.count() < helpers && !self.is_done() && begun.elapsed() < GATHERING {
            std::thread::yield_now();
        }
        while !self.is_done() {
            if rayon::yield_now() != Some(Yield::Executed) {
                std::hint::spin_loop();
            }
        }
    }

    fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    fn count(&self) -> usize {
        self.threads.load(Ordering::Acquire).count_ones() as usize
    }
}

thread_local! {
    static IS_AWAKE: Cell<bool> = const { Cell::new(false) };
}

/// Whether what this thread begins is what the threads are kept awake for.
pub(super) fn is_awake() -> bool {
    IS_AWAKE.get()
}

struct Done<'a> {
    vigil: &'a Vigil,
    was_awake: bool,
}

impl<'a> Done<'a> {
    fn new(vigil: &'a Vigil) -> Self {
        Self { vigil, was_awake: IS_AWAKE.replace(true) }
    }
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        IS_AWAKE.set(self.was_awake);
        self.vigil.is_done.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use rayon::prelude::*;

    use super::*;

    fn sum(to: u64) -> u64 {
        awake(|| (0..to).into_par_iter().sum())
    }

    #[test]
    fn work_is_done_within_work_and_beside_it() {
        assert_eq!(sum(1000), 499_500);
        assert_eq!(awake(|| (0..20).into_par_iter().map(sum).sum::<u64>()), 1140);
        assert!(pool(2).install(|| awake(is_awake) && !is_awake()));
        let many: Vec<u64> = (0..50_u64).into_par_iter().map(|_| sum(100)).collect();
        assert!(many.iter().all(|sum| *sum == 4950));
    }

    #[test]
    fn work_that_panics_ends() {
        assert!(std::panic::catch_unwind(|| awake::<()>(|| panic!("as it should"))).is_err());
        assert!(!is_awake());
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    /// How many threads were awake in a pool of so many; a busy machine may need some tries.
    fn most_awake(threads: usize) -> usize {
        let pool = pool(threads);
        let look = |vigil: &Vigil| {
            let begun = Instant::now();
            while vigil.count() + 1 < threads && begun.elapsed() < Duration::from_millis(50) {
                std::thread::yield_now();
            }
            vigil.count() + 1
        };
        (0..100).map(|_| pool.install(|| awake_while(look))).find(|count| *count == threads).unwrap_or_default()
    }

    #[test]
    fn every_thread_of_a_small_pool_is_awake_and_a_large_pool_is_left_alone() {
        assert_eq!(most_awake(4), 4);
        assert_eq!(pool(MOST + 1).install(|| awake_while(Vigil::count)), 0);
    }

    #[test]
    fn other_work_that_a_thread_took_is_not_waited_for() {
        let (free, freed) = sync_channel::<()>(1);
        let (say, said) = sync_channel::<bool>(1);
        let began = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&began);
        pool(2).install(|| {
            awake_while(|vigil| {
                while vigil.count() == 0 {
                    std::thread::yield_now();
                }
                rayon::spawn(move || {
                    begins.store(true, Ordering::Release);
                    say.send(freed.recv_timeout(Duration::from_secs(10)).is_ok()).unwrap();
                });
                while !began.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
            });
        });
        free.send(()).unwrap();
        assert!(said.recv().unwrap(), "it ended before it was let go");
    }
}
