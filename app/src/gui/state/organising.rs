//! What the pages beside the photos show: filters, the map, duplicates, a tag that is learnt, models, a question.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine::{DuplicatesReport, LearnReport, LiveMap, MapReport, ModelRow, PrecisionReport};
use sightline_core::index::ContentHash;
use sightline_core::jobs::Progress;
use sightline_core::search::Facets;

/// The filters, and what they can be set to.
#[derive(Default)]
pub struct Filters {
    /// Whether they are shown.
    pub is_open: bool,
    /// What the library is made of; `None` until it was counted.
    pub facets: Option<Arc<Facets>>,
}

/// The map of the library.
#[derive(Default)]
pub struct MapPage {
    /// The newest finished map.
    pub report: Option<Arc<MapReport>>,
    /// The one that is being refined.
    pub live: Option<LiveMap>,
    /// How far that is.
    pub progress: Option<Progress>,
}

/// Photos that are nearly the same.
#[derive(Default)]
pub struct Duplicates {
    /// The groups that were found last.
    pub report: Option<Arc<DuplicatesReport>>,
    /// How far the search for them is.
    pub progress: Option<Progress>,
    /// Files that are to go, as the person left them.
    pub chosen: BTreeSet<PathBuf>,
}

/// A tag that is learnt from photos that have it.
pub struct Learning {
    /// The tag.
    pub tag: String,
    /// Photos that it does not fit, as the person said.
    pub rejected: Vec<ContentHash>,
    /// The newest suggestions; `None` until there are some.
    pub report: Option<Arc<LearnReport>>,
    /// Whether newer ones are awaited.
    pub is_waiting: bool,
}

/// Models: installed, available, in use.
#[derive(Default)]
pub struct Models {
    /// All that are known; `None` until they have been read.
    pub rows: Option<Arc<Vec<ModelRow>>>,
    /// The one that is being fetched, and how far that is.
    pub download: Option<(String, Progress)>,
    /// The one whose speed is being measured.
    pub measuring: Option<String>,
    /// What 8 bits would change for the model in use, once that was measured.
    pub precisions: Option<PrecisionReport>,
    /// How far the measuring of it is.
    pub comparing: Option<Progress>,
}

/// What the person is asked before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether these files may go to the system's trash.
    Trash(Vec<PathBuf>),
}
