//! What the window remembers between frames. Plain values: only apply.rs changes them, panels read them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightline_core::index::Entry;
use sightline_core::jobs::Progress;

use super::translate::Language;

mod answer;
mod history;
mod indexing;
mod inspection;
mod library;
mod organising;
mod query;
mod saved;
mod selection;
mod viewer;

pub use answer::{Answer, Section, band_name, sections};
pub use history::{Edit, History};
pub use indexing::{Indexing, LastIndexing};
pub use inspection::{Beside, Heat, HeatTexels, Histogram, Inspection, JudgedPart, LargePart, Nearest, Part, PartMap};
pub use inspection::{Decision, Decisions, Limit, Parts, Ruling, SCORE_BINS, Wanted, at_most, count, moved};
pub use library::{Folder, Library, Model, ModelStatus};
pub use organising::{Duplicates, Filters, Learning, MapPage, Models, Question};
pub use query::{Chip, Picked, Query, Sign};
pub use saved::SavedQuery;
pub use selection::Selection;
pub use viewer::{BINS, Compared, Loaded, Motion, Picture, Viewer, Why, Zoom};

/// The height that rows of photos begin with, in points.
const ROW_HEIGHT: f32 = 150.0;

/// Everything that is remembered.
pub struct State {
    /// Folders, photos, problems.
    pub library: Library,
    /// The model in use.
    pub model: Model,
    /// What is looked for.
    pub query: Query,
    /// What can be undone and redone.
    pub history: History,
    /// The number of the newest search; answers to older ones are dropped.
    pub newest_search: u64,
    /// Whether its answer is still awaited.
    pub is_searching: bool,
    /// What the grid shows.
    pub answer: Answer,
    /// The chosen photos: indices into the answer's hits.
    pub selection: Selection,
    /// The large view, while it is open. It shows the chosen photo.
    pub viewer: Option<Viewer>,
    /// Whether the large view says why its photos match.
    pub is_explaining: bool,
    /// The indexing that goes on.
    pub indexing: Option<Indexing>,
    /// Folders that wait for their turn.
    pub waiting_folders: Vec<PathBuf>,
    /// Whether something changed while indexing went on, so that one more look is due.
    pub is_look_due: bool,
    /// How the last indexing ended.
    pub last_indexing: Option<LastIndexing>,
    /// What the middle of the window shows.
    pub page: Page,
    /// What went wrong last, and what to do about it.
    pub error: Option<String>,
    /// What the person should know.
    pub notices: Vec<String>,
    /// Dark, light, or what the system says.
    pub appearance: Appearance,
    /// The person's own folder of pictures, where the system names one.
    pub suggested_folder: Option<PathBuf>,
    /// Whether the path of a folder is asked for, because there is no dialog to choose one.
    pub is_path_asked: bool,
    /// The filters, and what they can be set to.
    pub filters: Filters,
    /// The map of the library.
    pub map: MapPage,
    /// Photos that are nearly the same.
    pub duplicates: Duplicates,
    /// The tag that is learnt.
    pub learning: Option<Learning>,
    /// The inspection page.
    pub inspection: Inspection,
    /// Models.
    pub models: Models,
    /// What the person is asked before it is done.
    pub question: Option<Question>,
    /// What was found of a file that was asked about.
    pub absence: Option<(PathBuf, String)>,
    /// How far copies or the trash are.
    pub writing: Option<Progress>,
    /// What was done last, and can be undone.
    pub done: Option<String>,
    /// What lies over the window.
    pub cover: Option<Cover>,
    /// How high rows of photos are, in points.
    pub row_height: f32,
    /// Whether photos keep their shapes in the grid.
    pub shapes: Shapes,
    /// Photos that are shown side by side.
    pub compared: Option<Vec<Compared>>,
    /// The language of the window.
    pub language: Language,
    /// Whether nothing shall move by itself, if the person said so here.
    pub calm: Option<bool>,
    /// Whether the system says so.
    pub is_system_calm: bool,
    /// Whether a window too narrow for the sidebar shows it all the same.
    pub is_sidebar_open: bool,
}

/// What the middle of the window shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Page {
    /// Photos.
    #[default]
    Photos,
    /// The map of the library.
    Map,
    /// Photos that are nearly the same.
    Duplicates,
    /// Photos that a tag may fit.
    Learn,
    /// Parts that are compared with good ones.
    Inspect,
    /// Models: installed, available, in use.
    Models,
    /// What goes on: phases, counts, speed.
    Jobs,
    /// Files that could not be used.
    Problems,
}

/// Whether photos keep their shapes in the grid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shapes {
    /// They do: rows are filled from edge to edge.
    #[default]
    Justified,
    /// All are squares.
    Square,
}

/// What lies over the window until it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// All keys.
    Keys,
    /// Everything that can be done, by name.
    Palette,
}

/// Dark, light, or what the system says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Appearance {
    /// What the system says.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// Why there are no photos to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// Nothing is known yet: the window has just opened.
    NotYet,
    /// No folder was added.
    NoFolder,
    /// Indexing has found nothing yet.
    StillIndexing,
    /// The folders hold no photos.
    NoPhotos,
    /// The folder that is looked into has none that match.
    AllFilteredOut,
    /// Nothing matches.
    NoMatch,
}

impl Default for State {
    fn default() -> Self {
        Self {
            library: Library::default(),
            model: Model::default(),
            query: Query::default(),
            history: History::default(),
            newest_search: 0,
            is_searching: false,
            answer: Answer::default(),
            selection: Selection::default(),
            viewer: None,
            is_explaining: false,
            indexing: None,
            waiting_folders: Vec::new(),
            is_look_due: false,
            last_indexing: None,
            page: Page::default(),
            error: None,
            notices: Vec::new(),
            appearance: Appearance::default(),
            suggested_folder: None,
            is_path_asked: false,
            filters: Filters::default(),
            map: MapPage::default(),
            duplicates: Duplicates::default(),
            learning: None,
            inspection: Inspection::default(),
            models: Models::default(),
            question: None,
            absence: None,
            writing: None,
            done: None,
            cover: None,
            row_height: ROW_HEIGHT,
            shapes: Shapes::default(),
            compared: None,
            language: Language::default(),
            calm: None,
            is_system_calm: false,
            is_sidebar_open: false,
        }
    }
}

impl State {
    /// Why the grid is empty; `None` if it is not.
    pub fn empty(&self) -> Option<Empty> {
        let Some(folders) = &self.library.folders else { return Some(Empty::NotYet) };
        if !self.answer.hits.is_empty() {
            return None;
        }
        let is_indexing = self.indexing.is_some() || !self.waiting_folders.is_empty();
        Some(match () {
            () if folders.is_empty() && !is_indexing => Empty::NoFolder,
            () if self.library.photos == 0 && is_indexing => Empty::StillIndexing,
            () if self.is_searching || self.answer.snapshot.is_none() => Empty::NotYet,
            () if self.library.photos == 0 => Empty::NoPhotos,
            () if self.query.is_filtered() => Empty::AllFilteredOut,
            () if is_indexing => Empty::StillIndexing,
            () => Empty::NoMatch,
        })
    }

    /// Whether nothing moves by itself: the person's word, or else the system's.
    pub fn is_calm(&self) -> bool {
        self.calm.unwrap_or(self.is_system_calm)
    }

    /// Whether something lies over the window that keys are for.
    pub fn is_covered(&self) -> bool {
        self.cover.is_some() || self.question.is_some()
    }

    /// The files of all chosen photos.
    pub fn chosen_files(&self) -> Vec<PathBuf> {
        let files = self.selection.photos().into_iter().filter_map(|photo| self.answer.entry(photo));
        files.map(|entry| entry.path.clone()).collect()
    }

    /// The file that is chosen.
    pub fn selected(&self) -> Option<&Entry> {
        self.answer.entry(self.selection.cursor()?)
    }
}

/// How many of the entries, which are sorted by path, lie in `folder`.
pub fn photos_in(entries: &[Entry], folder: &Path) -> usize {
    let first = entries.partition_point(|entry| entry.path.as_path() < folder);
    entries[first..].partition_point(|entry| entry.path.starts_with(folder))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use sightline_core::index::{ContentHash, FolderRecord, PhotoRecord, Snapshot};
    use sightline_core::search::{Band, Hit, Why};

    use super::*;

    /// A file of the library.
    pub fn entry(path: &str) -> Entry {
        let photo = PhotoRecord {
            width: 300,
            height: 200,
            format: "jpeg".to_owned(),
            taken: None,
            camera: None,
            lens: None,
            exposure: Default::default(),
            position: None,
        };
        let mut hash = [0; 32];
        path.bytes().take(32).enumerate().for_each(|(i, byte)| hash[i] = byte);
        Entry {
            path: PathBuf::from(path),
            hash: ContentHash(hash),
            size: 1,
            modified_ns: 0,
            photo: Arc::new(photo),
            row: None,
            tags: Arc::from([]),
            is_favourite: false,
            rating: 0,
            note: None,
            is_offline: false,
        }
    }

    /// A hit of the entry at this index.
    pub fn hit(entry: u32, why: Why, band: Option<Band>) -> Hit {
        Hit { entry, score: 0.3, rank: entry as usize + 1, why, cosines: vec![0.3], band, copies: 1 }
    }

    /// A library of these files, without vectors.
    pub fn snapshot(entries: Vec<Entry>) -> Snapshot {
        let identity = sightline_core::models::ModelIdentity { id: "toy".to_owned(), digest: "0".to_owned() };
        let vectors = Arc::new(sightline_core::index::Vectors::empty(identity, 1));
        Snapshot { entries, vectors, entries_of_row: Vec::new() }
    }

    #[test]
    fn a_folder_counts_what_is_below_it_and_not_its_namesakes() {
        let entries: Vec<Entry> = ["/a/b/1.jpg", "/a/b/c/2.jpg", "/a/bc/3.jpg", "/b/4.jpg"].map(entry).into();
        let counts = ["/a", "/a/b", "/a/bc", "/c"].map(|folder| photos_in(&entries, Path::new(folder)));
        assert_eq!(counts, [3, 2, 1, 0]);
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut State), expected: Option<Empty>) {
        let mut state = State::default();
        state.library.folders = Some(Vec::new());
        change(&mut state);
        assert_eq!(state.empty(), expected);
    }

    fn answered(state: &mut State) {
        let record = FolderRecord::new("/a".into());
        state.library.folders = Some(vec![Folder { record, photos: 1 }]);
        state.answer.snapshot = Some(Arc::new(snapshot(Vec::new())));
    }

    #[test]
    fn every_reason_for_an_empty_grid_has_its_own_page() {
        check(|state| state.library.folders = None, Some(Empty::NotYet));
        check(|_| {}, Some(Empty::NoFolder));
        check(|state| state.waiting_folders.push("/a".into()), Some(Empty::StillIndexing));
        check(answered, Some(Empty::NoPhotos));
        check(|state| state.answer.hits.push(hit(0, Why::Filter, None)), None);
        let with_photos = |state: &mut State| {
            answered(state);
            state.library.photos = 5;
        };
        check(with_photos, Some(Empty::NoMatch));
        let filtered = |state: &mut State| {
            with_photos(state);
            state.query.filter.folders = vec!["/b".into()];
        };
        check(filtered, Some(Empty::AllFilteredOut));
    }
}
