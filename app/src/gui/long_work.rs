//! Work that takes long enough to be watched and stopped: the map, duplicates, downloads, copies, the trash. In: tasks.
//! Out: how far each is and what it found, when polled once a frame.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::Result;
use sightline_core::engine::{self, Engine, LiveMap, MapReport, SheetStyle};
use sightline_core::index::Snapshot;
use sightline_core::jobs::{self, Job, Ticker, Wake};
use sightline_core::search::Alike;

use super::command::Errand;
use super::finding::Finding;

/// A long task.
#[derive(Debug, Clone)]
pub enum LongTask {
    /// The map by principal components.
    Map,
    /// A better map, shown while it becomes better.
    RefineMap(Shown<Arc<MapReport>>, Shown<LiveMap>),
    /// Photos that are nearly the same.
    Duplicates,
    /// Fetch a model.
    Download(String),
    /// Measure how fast a model is.
    Measure(String),
    /// Compare 8 bits with 32 on photos of the library.
    ComparePrecisions,
    /// Write copies of files into a folder.
    Copy(Vec<PathBuf>, PathBuf),
    /// Write a sheet of thumbnails of these entries as a picture.
    Sheet(Shown<Arc<Snapshot>>, Vec<u32>, PathBuf),
    /// Write the files that could not be used, as CSV.
    Problems(PathBuf),
    /// Move files to the system's trash.
    Trash(Vec<PathBuf>),
}

/// A value that has no text of its own.
#[derive(Clone)]
pub struct Shown<T>(pub T);

impl<T> std::fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl LongTask {
    /// What it is, without its details.
    pub fn errand(&self) -> Errand {
        match self {
            Self::Map | Self::RefineMap(..) => Errand::Map,
            Self::Duplicates => Errand::Duplicates,
            Self::Download(_) => Errand::Download,
            Self::Measure(_) => Errand::Measure,
            Self::ComparePrecisions => Errand::Precisions,
            Self::Copy(..) | Self::Sheet(..) | Self::Problems(_) => Errand::Export,
            Self::Trash(_) => Errand::Trash,
        }
    }
}

/// All long work that goes on; of each errand there is one at a time.
#[derive(Default)]
pub struct LongWork {
    running: Vec<Running>,
}

struct Running {
    errand: Errand,
    job: Job<Finding>,
}

impl LongWork {
    /// Starts a task in place of one of the same errand.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(&mut self, engine: &Engine, task: LongTask, wake: Wake) -> Result<()> {
        let errand = task.errand();
        self.stop(errand);
        let engine = engine.clone();
        let job = jobs::spawn("errand", wake, move |ticker: &Ticker| done(&engine, task, ticker))?;
        self.running.push(Running { errand, job });
        Ok(())
    }

    /// Ends an errand; what is done stays.
    pub fn stop(&mut self, errand: Errand) {
        self.running.retain(|running| running.errand != errand);
    }

    /// How far each is, and what those that are over have found.
    pub fn poll(&mut self) -> Vec<Finding> {
        let mut found = Vec::new();
        self.running.retain(|running| match running.job.poll() {
            None => {
                found.push(Finding::Progress(running.errand, Some(running.job.progress())));
                true
            }
            Some(result) => {
                found.push(Finding::Progress(running.errand, None));
                found.push(result.unwrap_or_else(Finding::Failed));
                false
            }
        });
        found
    }

    /// Whether anything goes on.
    pub fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }
}

fn done(engine: &Engine, task: LongTask, ticker: &Ticker) -> Result<Finding> {
    Ok(match task {
        LongTask::Map => Finding::Map(Arc::new(engine.map(ticker)?)),
        LongTask::RefineMap(Shown(start), Shown(live)) => {
            Finding::RefinedMap(Arc::new(engine.refined_map(&start, &live, ticker)?))
        }
        LongTask::Duplicates => Finding::Duplicates(Arc::new(engine.duplicates(&Alike::default(), ticker)?)),
        LongTask::Download(id) => {
            engine::download_model(&id, ticker)?;
            Finding::ModelsChanged
        }
        LongTask::Measure(id) => {
            engine::measure_speed(engine.library_folder(), &id, ticker)?;
            Finding::ModelsChanged
        }
        LongTask::ComparePrecisions => Finding::PrecisionsCompared(engine.compare_precisions(ticker)?),
        LongTask::Copy(files, folder) => Finding::Exported(engine.copy_originals(&files, &folder, ticker)?),
        LongTask::Sheet(Shown(snapshot), entries, target) => {
            let style = (target.as_path(), SheetStyle::default());
            Finding::SheetWritten(engine.write_contact_sheet(&snapshot, &entries, style, ticker)?)
        }
        LongTask::Problems(target) => Finding::SheetWritten(engine.write_problems(&target)?),
        LongTask::Trash(files) => Finding::Trashed(engine.trash(&files, ticker)?),
    })
}
