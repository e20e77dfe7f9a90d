//! The indexing that goes on, as the window shows it.

use sightline_core::jobs::Progress;

/// The indexing that goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexing {
    /// Its phase and counts.
    pub progress: Progress,
    /// What is indexed: a folder's name, or "all folders".
    pub subject: String,
    /// Photos a second in this phase, once that can be said.
    pub rate: Option<f64>,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// Whether it waits until it may go on.
    pub is_paused: bool,
}

impl Indexing {
    /// Seconds until this phase is done, once that can be said; none while nothing goes on.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.is_stopping || self.is_paused {
            return None;
        }
        let left = self.progress.total.checked_sub(self.progress.done)?;
        let rate = self.rate.filter(|rate| *rate > 0.0)?;
        (self.progress.total > 0).then_some(left as f64 / rate)
    }

    /// From 0 to 1, once that can be said.
    pub fn fraction(&self) -> Option<f32> {
        (self.progress.total > 0).then(|| (self.progress.done as f32 / self.progress.total as f32).min(1.0))
    }
}
