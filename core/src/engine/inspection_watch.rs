//! An inspection of what comes into a folder: a camera's, mostly. In: an inspector and the folder. Out: each part as soon as
//! it is judged, until the job is cancelled. Judges through `inspect`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::Engine;
use super::inspect::{PartResult, inspect, pictures_in};
use super::inspection_run::reported;
use crate::anomaly::Inspector;
use crate::anomaly::report::{PartRow, Report, part_names};
use crate::error::{Error, Problem, Result};
use crate::jobs::{self, Job, Ticker, Wake};
use crate::library::{WatchEvent, watch};
use crate::media;

/// How long a look at whether to stop may take.
const PATIENCE: Duration = Duration::from_millis(200);

/// What became of a picture that came into a watched folder.
#[derive(Debug)]
pub enum Arrival<'a> {
    /// It was judged.
    Judged(&'a PartRow),
    /// It could not be.
    Failed(&'a Problem),
}

/// Judges what is in `folder` and what comes into it, until the job is cancelled; `sink` is told of each picture as soon as
/// it is judged. With `out` the results are written anew after every batch. A picture that is replaced is judged again.
///
/// # Errors
/// A folder that cannot be watched or written to; [`Error::Cancelled`] at the end.
pub fn watch_inspection(
    inspector: &Inspector,
    folder: &Path,
    out: Option<&Path>,
    ticker: &Ticker,
    sink: &mut dyn FnMut(Arrival<'_>) -> Result<()>,
) -> Result<()> {
    let mut report = Report::begin(inspector, out, None)?;
    let mut problems = Vec::new();
    // The results may lie within the watched folder: they are no parts.
    let is_own = |file: &Path| out.is_some_and(|out| fs_err::canonicalize(out).is_ok_and(|out| file.starts_with(out)));
    arrivals(folder, &is_own, ticker, &mut |files| {
        let run = inspect(inspector, files, ticker, &mut |part, pixels| {
            let name = part_names(std::slice::from_ref(&part.path)).remove(0);
            let name = report.free_name(&name, &part.path);
            sink(Arrival::Judged(report.add(&reported(&part, &name, pixels))?))
        })?;
        for problem in run.problems {
            sink(Arrival::Failed(&problem))?;
            problems.push(problem);
        }
        report.write_results(&problems)
    })
}

impl Engine {
    /// Judges what is in `folder` and what comes into it on a thread of its own, until the job is cancelled: each part, or
    /// why a file could not be judged, goes to `sink` as soon as it is there, on the job's thread. A picture that is replaced
    /// is judged again.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_watching(
        inspector: Arc<Inspector>,
        folder: PathBuf,
        mut sink: impl FnMut(std::result::Result<PartResult, Problem>) + Send + 'static,
        wake: Wake,
    ) -> Result<Job<()>> {
        jobs::spawn("watch", wake, move |ticker: &Ticker| {
            arrivals(&folder, &|_| false, ticker, &mut |files| {
                let run = inspect(&inspector, files, ticker, &mut |part, _| {
                    sink(Ok(part));
                    Ok(())
                })?;
                run.problems.into_iter().for_each(|problem| sink(Err(problem)));
                Ok(())
            })
        })
    }
}

/// Gives `judge` the pictures that are in `folder`, then those that come into it or are replaced there, but never those that
/// `is_own` says are no parts. Ends only with an error.
fn arrivals(
    folder: &Path,
    is_own: &dyn Fn(&Path) -> bool,
    ticker: &Ticker,
    judge: &mut dyn FnMut(&[PathBuf]) -> Result<()>,
) -> Result<()> {
    let folder = fs_err::canonicalize(folder)?;
    let (sender, receiver) = bounded(64);
    // A queue that is full makes the watcher wait, which loses nothing: a lost event asks for a look at everything.
    let watched = watch(std::slice::from_ref(&folder), move |event| {
        sender.send(event).ok();
    })?;
    if let Some(problem) = watched.unwatched().first() {
        return Err(Error::bad_file(&folder, problem.reason.clone(), "watch another folder"));
    }
    let mut judged: HashSet<PathBuf> = HashSet::new();
    let (mut files, mut is_replaced) = (pictures_in(std::slice::from_ref(&folder))?, false);
    loop {
        files.retain(|file| {
            media::is_picture_path(file) && file.is_file() && !is_own(file) && (is_replaced || !judged.contains(file))
        });
        if !files.is_empty() {
            judge(&files)?;
            judged.extend(files);
        }
        ticker.check()?;
        (files, is_replaced) = match receiver.recv_timeout(PATIENCE) {
            Ok(WatchEvent::Changed(paths)) => (paths, true),
            Ok(WatchEvent::Overflow) => (pictures_in(std::slice::from_ref(&folder))?, false),
            Ok(WatchEvent::Unwatched(problem)) => {
                return Err(Error::bad_file(&problem.path, problem.reason, "watch another folder"));
            }
            Err(RecvTimeoutError::Timeout) => (Vec::new(), false),
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
        };
    }
}
