//! The indexing that goes on, as the window shows it, and how the last one ended.

use sightline_core::engine::IndexReport;
use sightline_core::jobs::Progress;

/// The indexing that goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexing {
    /// Its phase and counts.
    pub progress: Progress,
    /// What is indexed: a folder's name, or "all folders".
    pub subject: String,
    /// Photos a second in this phase while it went on, once that can be said.
    pub rate: Option<f64>,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// Whether it waits until it may go on.
    pub is_paused: bool,
}

/// How the last indexing ended.
#[derive(Debug)]
pub enum LastIndexing {
    /// Everything was looked at.
    Done(Box<IndexReport>),
    /// It was stopped, or an error ended it, when it was so far.
    Ended(Progress),
}

impl Indexing {
    /// Photos a second, once that can be said; none while nothing goes on.
    pub fn rate_now(&self) -> Option<f64> {
        self.rate.filter(|_| !self.is_stopping && !self.is_paused)
    }

    /// Seconds until this phase is done, once that can be said; none while nothing goes on.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.progress.total.checked_sub(self.progress.done)?;
        let rate = self.rate_now().filter(|rate| *rate > 0.0)?;
        (self.progress.total > 0).then_some(left as f64 / rate)
    }

    /// From 0 to 1, once that can be said.
    pub fn fraction(&self) -> Option<f32> {
        (self.progress.total > 0).then(|| (self.progress.done as f32 / self.progress.total as f32).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(indexing: &Indexing, rate: Option<f64>, seconds_left: Option<f64>) {
        assert_eq!((indexing.rate_now(), indexing.seconds_left()), (rate, seconds_left));
    }

    #[test]
    fn speed_and_time_left_are_said_only_while_the_run_goes_on() {
        let progress = Progress { phase: "Indexing", done: 20, total: 80, failed: 0 };
        let subject = "photos".to_owned();
        let going = Indexing { progress, subject, rate: Some(12.0), is_stopping: false, is_paused: false };
        check(&going, Some(12.0), Some(5.0));
        check(&Indexing { is_paused: true, ..going.clone() }, None, None);
        check(&Indexing { is_stopping: true, ..going }, None, None);
    }
}
