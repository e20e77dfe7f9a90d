//! A job's progress as a bar on stderr. In: a job. Out: its result, once it is done.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sightline_core::Result;
use sightline_core::jobs::{Job, Progress};

use super::output::Output;

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// Waits for `job` and shows how far it is.
///
/// # Errors
/// Whatever the job failed with.
pub fn wait<T>(job: Job<T>, output: &Output) -> Result<T> {
    if !output.shows_progress() {
        return job.wait();
    }
    let bar = ProgressBar::new_spinner();
    let result = loop {
        show(&bar, job.progress());
        if let Some(result) = job.wait_for(TICK) {
            break result;
        }
    };
    bar.finish_and_clear();
    result
}

fn show(bar: &ProgressBar, progress: Progress) {
    let known = "{msg} {wide_bar} {pos} of {len} · {per_sec} · {eta} left";
    let unknown = "{spinner} {msg} {pos}";
    let template = if progress.total > 0 { known } else { unknown };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if progress.total > 0 {
        bar.set_length(progress.total);
    }
    bar.set_message(message(progress));
    bar.set_position(progress.done);
}

fn message(progress: Progress) -> String {
    match progress.failed {
        0 => progress.phase.to_owned(),
        failed => format!("{} ({failed} with problems)", progress.phase),
    }
}
