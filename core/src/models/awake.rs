//! Threads that stay awake while a model computes. In: work that is split again and again. Out: what it gives. Must never
//! know what the work is.
//!
//! One picture is a hundred products, one after the other, each split over all cores for less than a millisecond. A thread
//! of the pool that finds nothing to do between two of them falls asleep, and waking it takes as long as its part.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::Yield;

/// So many are kept awake: more would look for work in each other's way, and one picture is no more than a dozen parts.
const MOST: usize = 8;

/// What `work` gives, which may split itself over the pool of threads: until it is done they do not sleep.
///
/// For one picture or a few words: whoever calls this on every core at once keeps threads waiting that have work.
pub(super) fn awake<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let is_done = AtomicBool::new(false);
    rayon::scope(|scope| {
        // Set even if the work panics: the others would wait for ever.
        let done = Done(&is_done);
        for _ in 1..rayon::current_num_threads().min(MOST) {
            scope.spawn(|_| wait(&is_done));
        }
        let found = work();
        drop(done);
        found
    })
}

/// Takes what work there is until all is done.
fn wait(is_done: &AtomicBool) {
    while !is_done.load(Ordering::Acquire) {
        if rayon::yield_now() != Some(Yield::Executed) {
            std::hint::spin_loop();
        }
    }
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    fn sum(to: u64) -> u64 {
        awake(|| (0..to).into_par_iter().sum())
    }

    #[test]
    fn work_is_done_within_work_and_beside_it() {
        assert_eq!(sum(1000), 499_500);
        assert_eq!(awake(|| (0..20).into_par_iter().map(sum).sum::<u64>()), 1140);
        let many: Vec<u64> = (0..50_u64).into_par_iter().map(|_| sum(100)).collect();
        assert!(many.iter().all(|sum| *sum == 4950));
    }

    #[test]
    fn work_that_panics_ends() {
        assert!(std::panic::catch_unwind(|| awake::<()>(|| panic!("as it should"))).is_err());
    }
}
