//! What the system says of the person's wishes: whether things may move by themselves. In: nothing. Out: findings, when
//! polled once a frame; the system may take a moment, may never answer, and may change its mind.

use crossbeam_channel::{Receiver, unbounded};
use mundy::{Interest, Preferences, Subscription};
use sightline_core::jobs::Wake;

use super::finding::Finding;

/// Listens to the system as long as it lives.
pub struct System {
    heard: Receiver<bool>,
    _subscription: Subscription,
}

impl System {
    /// Begins to listen. Call it on the main thread: macOS wants that.
    pub fn listen(wake: Wake) -> Self {
        let (sender, heard) = unbounded();
        let hear = move |preferences: Preferences| {
            // Nobody listens any longer when the window closes.
            if sender.send(preferences.reduced_motion.is_reduce()).is_ok() {
                wake();
            }
        };
        Self { heard, _subscription: Preferences::subscribe(Interest::ReducedMotion, hear) }
    }

    /// What was heard since the last frame.
    pub fn poll(&self) -> Option<Finding> {
        self.heard.try_iter().last().map(Finding::SystemIsCalm)
    }
}
