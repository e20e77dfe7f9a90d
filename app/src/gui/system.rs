//! What the system says of the person's wishes: whether things may move by themselves. In: nothing. Out: findings, when
//! polled once a frame; the system may take a moment, may never answer, and may change its mind. Knows no state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mundy::{Interest, Preferences, Subscription};
use sightline_core::jobs::Wake;

use super::finding::Finding;

/// Listens to the system as long as it lives.
pub struct System {
    is_calm: Arc<AtomicBool>,
    told: bool,
    _subscription: Subscription,
}

impl System {
    /// Begins to listen. Call it on the main thread: macOS wants that.
    pub fn listen(wake: Wake) -> Self {
        let is_calm = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&is_calm);
        let hear = move |preferences: Preferences| {
            heard.store(preferences.reduced_motion.is_reduce(), Ordering::Relaxed);
            wake();
        };
        Self { is_calm, told: false, _subscription: Preferences::subscribe(Interest::ReducedMotion, hear) }
    }

    /// What was heard since the last frame, if it is another than before.
    pub fn poll(&mut self) -> Option<Finding> {
        let is_calm = self.is_calm.load(Ordering::Relaxed);
        let is_news = std::mem::replace(&mut self.told, is_calm) != is_calm;
        is_news.then_some(Finding::SystemIsCalm(is_calm))
    }
}
