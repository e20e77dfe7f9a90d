//! The façade: a library, its model, and what can be asked of them. In and out: plain structs. Threads start here and
//! in `jobs`; everything below is called.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::error::{Problem, Result};
use crate::index::{FolderRecord, Snapshot, Store};
use crate::jobs::{self, Job, Ticker, Wake};
use crate::library::{Watch, WatchEvent, noticed, watch};
use crate::models::{Encoder, ModelIdentity};

mod absent;
mod agreement;
mod audit;
mod demo;
mod doctor;
mod evaluate;
mod explain;
mod export;
mod find;
mod fingerprints;
mod ingest;
mod inspect;
mod inspection_run;
mod inspection_watch;
mod made;
mod map;
mod model;
mod model_list;
mod organise;
mod pictures;
mod pipeline;
mod precision;
mod request;
mod speed;

pub use absent::Absence;
pub use agreement::Agreement;
pub use demo::{DemoReport, DemoRequest, draw_demo};
pub use doctor::{examine, repair};
pub use evaluate::{EvaluateReport, EvaluateRequest, EvaluatedImage, evaluate};
pub use explain::{Explanation, Grid, WordShare};
pub use export::{ExportReport, SheetStyle, TrashReport};
pub use ingest::first_look::FirstLookReport;
pub use inspect::{PartResult, Pixels, RunReport, TeachRequest, Teaching, inspect, judge, pictures_in, teach};
pub use inspection_run::{TaughtProduct, run_inspection, teach_product};
pub use inspection_watch::{Arrival, watch_inspection};
pub use made::{Album, Made};
pub use map::{LiveMap, MapReport, NamedCluster};
pub use model::{Choice, LoadedModel};
pub use model_list::{ModelRow, ModelState, add_model, download_model, model_row, model_rows, remove_model};
pub use organise::{DuplicatesReport, LearnReport, LearnRequest, SuggestedPhoto};
pub use pictures::THUMBNAIL;
pub use precision::{LayerRange, PrecisionReport, compare_precisions};
pub use request::{
    Chip, Finding, IndexReport, Precision, Region, SearchReport, SearchRequest, Settings, Severity, Subject,
};
pub use speed::measure_speed;

/// An open library. Cheap to clone; every clone is the same library.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    store: Arc<Store>,
    notices: Vec<String>,
    model_name: String,
    precision: Precision,
    encoder: Mutex<Option<Arc<dyn Encoder>>>,
    snapshot: ArcSwap<Snapshot>,
    /// What a run of indexing knows of photos by their previews; kept until a run is through.
    first_looks: Mutex<Option<ingest::first_look::Kept>>,
    /// What clumps of the map are called, once it was asked for.
    words: Mutex<Option<Arc<map::WordVectors>>>,
    /// Searches have threads of their own: in the common pool they would queue behind the products of indexing.
    search_pool: rayon::ThreadPool,
    /// Held while indexing, with whatever model: two runs at once would do the same work twice.
    indexing: Arc<Mutex<()>>,
    /// Held while the snapshot is replaced.
    refreshing: Mutex<()>,
}

impl Engine {
    /// Opens a library, or makes a new one. The model is loaded when it is first needed.
    ///
    /// # Errors
    /// A library that another process has open or that is of a newer format; a model that is not there.
    pub fn open(settings: Settings) -> Result<Self> {
        let opened = Store::open(&settings.library)?;
        Self::over((Arc::new(opened.store), Arc::default()), opened.findings, settings)
    }

    /// The same library, searched with another model. The vectors of both are kept; the new one's are made by the next
    /// indexing. Loads the model: call it from a worker.
    ///
    /// # Errors
    /// A model that is not there.
    pub fn with_model(&self, name: &str) -> Result<Self> {
        let shared = &self.shared;
        // The other model is as the library remembers it, not in the precision of this one.
        let (model, precision) = (Some(name.to_owned()), Precision::Auto);
        let settings = Settings { model, precision, ..shared.settings.clone() };
        Self::over((Arc::clone(&shared.store), Arc::clone(&shared.indexing)), shared.notices.clone(), settings)
    }

    /// The same library, its pictures computed otherwise: as [`Engine::with_model`], and the vectors of both are kept too.
    /// The library remembers it once a run of indexing is through.
    ///
    /// # Errors
    /// A model for which 8 bits bring nothing.
    pub fn with_precision(&self, precision: Precision) -> Result<Self> {
        let shared = &self.shared;
        let settings = Settings { model: Some(shared.model_name.clone()), precision, ..shared.settings.clone() };
        Self::over((Arc::clone(&shared.store), Arc::clone(&shared.indexing)), shared.notices.clone(), settings)
    }

    fn over((store, indexing): (Arc<Store>, Arc<Mutex<()>>), notices: Vec<String>, settings: Settings) -> Result<Self> {
        let model_name = model::chosen_name(&settings)?;
        let precision = model::chosen_precision(&settings, &model_name)?;
        let (identity, encoder) = known_identity(&settings, &model_name, precision)?;
        let snapshot = Snapshot::build(&store, &identity)?;
        let shared = Shared {
            words: Mutex::default(),
            store,
            notices,
            model_name,
            precision,
            encoder: Mutex::new(encoder),
            snapshot: ArcSwap::from_pointee(snapshot),
            first_looks: Mutex::default(),
            search_pool: search_pool()?,
            indexing,
            refreshing: Mutex::new(()),
            settings,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What opening found that the person should know: a broken store that was set aside, a torn journal.
    pub fn notices(&self) -> &[String] {
        &self.shared.notices
    }

    /// Where the library is.
    pub fn library_folder(&self) -> &Path {
        &self.shared.settings.library
    }

    /// What the model in use is called.
    pub fn model_id(&self) -> &str {
        &self.shared.model_name
    }

    /// How pictures are computed: never `Auto`.
    pub fn precision(&self) -> Precision {
        self.shared.precision
    }

    /// The model, loaded once; the first call takes as long as that does.
    ///
    /// # Errors
    /// A model that is not there, or whose files are not what they should be.
    pub fn encoder(&self) -> Result<Arc<dyn Encoder>> {
        let mut slot = lock(&self.shared.encoder);
        if let Some(encoder) = &*slot {
            return Ok(Arc::clone(encoder));
        }
        let encoder = load(&self.shared.model_name, self.shared.precision, &self.shared.settings.library)?;
        *slot = Some(Arc::clone(&encoder));
        drop(slot);
        self.follow(encoder.identity())?;
        Ok(encoder)
    }

    /// The library at this moment. Never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// The folders that the user added.
    pub fn folders(&self) -> Vec<FolderRecord> {
        self.shared.store.folders()
    }

    /// Forgets a folder and its files. Tags, favourites and albums stay with the photos.
    ///
    /// # Errors
    /// A store that cannot be written to.
    pub fn remove_folder(&self, path: &Path) -> Result<()> {
        self.shared.store.remove_folder(path)?;
        self.refresh()
    }

    /// The files that could not be used, with the reasons.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn problems(&self) -> Result<Vec<Problem>> {
        self.shared.store.problems()
    }

    /// [`Engine::index`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_index(&self, folders: Vec<PathBuf>, wake: Wake) -> Result<Job<IndexReport>> {
        let engine = self.clone();
        jobs::spawn("index", wake, move |ticker: &Ticker| engine.index(&folders, ticker))
    }

    /// [`Engine::search`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_search(&self, request: SearchRequest, wake: Wake) -> Result<Job<SearchReport>> {
        let engine = self.clone();
        jobs::spawn("search", wake, move |_: &Ticker| engine.search(&request))
    }

    /// Watches the added folders; `notify` is called when something in them changed.
    ///
    /// # Errors
    /// The system's limit of watches, with how to raise it.
    pub fn start_watch(&self, notify: impl Fn(WatchEvent) + Send + 'static) -> Result<Watch> {
        let folders = self.folders();
        let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.path.clone()).collect();
        // Events have real paths, as the added folders do.
        let library = fs_err::canonicalize(&self.shared.settings.library)?;
        let passed_on = move |event| {
            if let Some(event) = noticed(event, &folders, &library) {
                notify(event);
            }
        };
        watch(&paths, passed_on)
    }

    /// Held by whoever replaces the snapshot by what is made of the store.
    fn refreshing(&self) -> MutexGuard<'_, ()> {
        lock(&self.shared.refreshing)
    }

    /// Replaces the snapshot by one of this moment.
    fn refresh(&self) -> Result<()> {
        let _refreshing = self.refreshing();
        let identity = self.snapshot().vectors.identity().clone();
        self.shared.snapshot.store(Arc::new(self.snapshot_of(&identity)?));
        Ok(())
    }

    /// Shows the vectors of `identity`: the model on disk may be another one than the library remembers.
    fn follow(&self, identity: &ModelIdentity) -> Result<()> {
        let _refreshing = self.refreshing();
        if self.snapshot().vectors.identity() != identity {
            self.shared.snapshot.store(Arc::new(self.snapshot_of(identity)?));
        }
        Ok(())
    }
}

/// What the vectors of the model are kept under: remembered by the library, or asked of the model, which is then loaded.
fn known_identity(
    settings: &Settings,
    name: &str,
    precision: Precision,
) -> Result<(ModelIdentity, Option<Arc<dyn Encoder>>)> {
    let is_meant = |choice: &Choice| choice.name == name && choice.identity.is_int8() == (precision == Precision::Int8);
    if let Some(choice) = Choice::read(&settings.library)?.filter(is_meant) {
        return Ok((choice.identity, None));
    }
    let encoder = load(name, precision, &settings.library)?;
    Ok((encoder.identity().clone(), Some(encoder)))
}

fn load(name: &str, precision: Precision, library: &Path) -> Result<Arc<dyn Encoder>> {
    Ok(Arc::from(model::load(name, precision, library)?))
}

/// What a panic left is whole: everything behind these locks is replaced at once.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn search_pool() -> Result<rayon::ThreadPool> {
    let threads = rayon::ThreadPoolBuilder::new().thread_name(|number| format!("search-{number}"));
    Ok(threads.num_threads(rayon::current_num_threads()).build().map_err(std::io::Error::other)?)
}
