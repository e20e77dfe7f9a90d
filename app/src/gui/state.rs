//! What the window remembers between frames. Plain values: only apply.rs changes them, panels read them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sightline_core::Problem;
use sightline_core::engine::{Chip, SearchRequest, Subject};
use sightline_core::index::{ContentHash, Entry, FolderRecord, Snapshot};
use sightline_core::jobs::Progress;
use sightline_core::search::{Band, Filter, Hit, Sort, Why};

/// A search shows at most so many photos; the bands say where it stops being worth looking.
const FOUND_AT_MOST: usize = 2_000;

/// Everything that is remembered.
#[derive(Default)]
pub struct State {
    /// Folders, photos, problems.
    pub library: Library,
    /// The model in use.
    pub model: Model,
    /// What is looked for.
    pub query: Query,
    /// The number of the newest search; answers to older ones are dropped.
    pub newest_search: u64,
    /// Whether its answer is still awaited.
    pub is_searching: bool,
    /// What the grid shows.
    pub answer: Answer,
    /// The chosen photo: an index into the answer's hits.
    pub selection: Option<usize>,
    /// The large view, while it is open. It shows the chosen photo.
    pub viewer: Option<Viewer>,
    /// The indexing that goes on.
    pub indexing: Option<Indexing>,
    /// Folders that wait for their turn.
    pub waiting_folders: Vec<PathBuf>,
    /// Whether something changed while indexing went on, so that one more look is due.
    pub is_look_due: bool,
    /// What the last indexing did.
    pub last_indexing: Option<String>,
    /// What the middle of the window shows.
    pub page: Page,
    /// What went wrong last, and what to do about it.
    pub error: Option<String>,
    /// What the person should know.
    pub notices: Vec<String>,
    /// Dark, light, or what the system says.
    pub appearance: Appearance,
    /// Whether the path of a folder is asked for, because there is no dialog to choose one.
    pub is_path_asked: bool,
    /// Whether a window too narrow for the sidebar shows it all the same.
    pub is_sidebar_open: bool,
}

/// The library as the sidebar and the status bar show it.
#[derive(Default)]
pub struct Library {
    /// The folders that were added; `None` until they have been read.
    pub folders: Option<Vec<Folder>>,
    /// The library at the last look; `None` until then.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Files.
    pub photos: usize,
    /// Files that wait for their embedding.
    pub waiting: usize,
    /// Files that could not be used.
    pub problems: Vec<Problem>,
}

/// An added folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub record: FolderRecord,
    /// Files in it.
    pub photos: usize,
}

/// The model in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Its id ("starter").
    pub name: String,
    /// Whether it can be asked.
    pub status: ModelStatus,
}

/// Whether a model can be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ModelStatus {
    /// Not yet: searches wait for it.
    #[default]
    Loading,
    /// Yes.
    Ready,
    /// It cannot be used; the error says why.
    Failed,
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Words, as typed.
    pub text: String,
    /// A picture whose like is wanted.
    pub picture: Option<PathBuf>,
    /// Only photos in this folder.
    pub folder: Option<PathBuf>,
    /// In which order.
    pub sort: Sort,
}

impl Query {
    /// Whether the whole library is looked at, or a folder of it.
    pub fn is_browsing(&self) -> bool {
        self.text.trim().is_empty() && self.picture.is_none()
    }

    /// What the engine is asked.
    pub fn request(&self) -> SearchRequest {
        let limit = if self.is_browsing() { usize::MAX } else { FOUND_AT_MOST };
        let filter = Filter { folders: self.folder.iter().cloned().collect(), ..Filter::default() };
        SearchRequest { chips: self.chips(), filter, sort: self.sort, limit }
    }

    /// What its terms are called, in the order of [`Query::request`]'s chips and of a hit's cosines.
    pub fn term_names(&self) -> Vec<String> {
        let words = self.text.trim();
        let text = (!words.is_empty()).then(|| words.to_owned());
        text.into_iter().chain(self.picture.iter().map(|_| "like this".to_owned())).collect()
    }

    fn chips(&self) -> Vec<Chip> {
        let words = self.text.trim();
        let text = (!words.is_empty()).then(|| Subject::Text(words.to_owned()));
        let picture = self.picture.clone().map(|path| Subject::Picture { path, region: None });
        text.into_iter().chain(picture).map(|subject| Chip { subject, weight: 1.0 }).collect()
    }
}

/// What the grid shows: the answer to a query.
#[derive(Default)]
pub struct Answer {
    /// The query that was answered.
    pub query: Query,
    /// Counts answers: another number, another answer.
    pub number: u64,
    /// The library as it was searched; `None` before the first answer.
    pub snapshot: Option<Arc<Snapshot>>,
    /// In the order in which they are shown.
    pub hits: Vec<Hit>,
    /// Runs of hits that belong together.
    pub sections: Vec<Section>,
    /// What the person should know of the answer.
    pub notes: Vec<String>,
    /// How long it took.
    pub milliseconds: f64,
}

impl Answer {
    /// The file of a hit.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        let hit = self.hits.get(index)?;
        self.snapshot.as_ref()?.entries.get(hit.entry as usize)
    }

    /// The hit that is this photo.
    pub fn position(&self, hash: &ContentHash) -> Option<usize> {
        (0..self.hits.len()).find(|index| self.entry(*index).is_some_and(|entry| entry.hash == *hash))
    }

    /// Whether nothing stands out from the library: the photos shown are merely the nearest.
    pub fn is_only_weak(&self) -> bool {
        let is_weak = |hit: &Hit| hit.band == Some(Band::Weak) && hit.why == Why::Semantic;
        !self.hits.is_empty() && self.hits.iter().all(is_weak)
    }
}

/// A run of hits under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What they have in common; `None`: no heading.
    pub name: Option<&'static str>,
    /// The first of them.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// The sections of hits in order of score: exact matches, then the bands.
pub fn sections(hits: &[Hit], query: &Query) -> Vec<Section> {
    if query.is_browsing() || query.sort != Sort::Score {
        return vec![Section { name: None, first: 0, count: hits.len() }];
    }
    let mut sections: Vec<Section> = Vec::new();
    for (first, hit) in hits.iter().enumerate() {
        let name = section_name(hit);
        match sections.last_mut() {
            Some(last) if last.name == name => last.count += 1,
            _ => sections.push(Section { name, first, count: 1 }),
        }
    }
    sections
}

fn section_name(hit: &Hit) -> Option<&'static str> {
    match (hit.why, hit.band) {
        (Why::Exact, _) => Some("Name or tag"),
        (_, Some(band)) => Some(band_name(band)),
        _ => None,
    }
}

/// What a band is called.
pub fn band_name(band: Band) -> &'static str {
    match band {
        Band::Strong => "Strong",
        Band::Fair => "Fair",
        Band::Weak => "Weak",
    }
}

/// The large view.
pub struct Viewer {
    /// The file it shows.
    pub path: PathBuf,
    /// How large.
    pub zoom: Zoom,
    /// Its pixels.
    pub picture: Loaded,
}

/// How large the large view shows a photo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zoom {
    /// All of it.
    #[default]
    Fit,
    /// One pixel of the photo is one of the display.
    Actual,
}

/// A picture that is read in the background.
pub enum Loaded {
    /// Not there yet.
    Waiting,
    /// There.
    Ready(Arc<Picture>),
    /// It cannot be read, and why.
    Failed(String),
}

/// A decoded picture in two sizes, ready for the graphics card.
pub struct Picture {
    /// Small enough to look good when all of it is shown.
    pub fit: egui::ColorImage,
    /// As it is in the file, unless a graphics card could not take it.
    pub full: egui::ColorImage,
    /// Width and height in the file.
    pub size: (u32, u32),
}

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
}

impl Indexing {
    /// Seconds until this phase is done, once that can be said.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.progress.total.checked_sub(self.progress.done)?;
        let rate = self.rate.filter(|rate| *rate > 0.0)?;
        (self.progress.total > 0).then_some(left as f64 / rate)
    }

    /// From 0 to 1, once that can be said.
    pub fn fraction(&self) -> Option<f32> {
        (self.progress.total > 0).then(|| (self.progress.done as f32 / self.progress.total as f32).min(1.0))
    }
}

/// What the middle of the window shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Page {
    /// Photos.
    #[default]
    Photos,
    /// Files that could not be used.
    Problems,
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
            () if self.query.folder.is_some() => Empty::AllFilteredOut,
            () if is_indexing => Empty::StillIndexing,
            () => Empty::NoMatch,
        })
    }

    /// The file that is chosen.
    pub fn selected(&self) -> Option<&Entry> {
        self.answer.entry(self.selection?)
    }
}

/// How many of the entries, which are sorted by path, lie in `folder`.
pub fn photos_in(entries: &[Entry], folder: &Path) -> usize {
    let first = entries.partition_point(|entry| entry.path.as_path() < folder);
    entries[first..].partition_point(|entry| entry.path.starts_with(folder))
}

#[cfg(test)]
pub(super) mod tests {
    use sightline_core::index::PhotoRecord;

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
            is_offline: false,
        }
    }

    /// A hit of the entry at this index.
    pub fn hit(entry: u32, why: Why, band: Option<Band>) -> Hit {
        Hit { entry, score: 0.3, rank: entry as usize + 1, why, cosines: vec![0.3], band, copies: 1 }
    }

    #[test]
    fn a_folder_counts_what_is_below_it_and_not_its_namesakes() {
        let entries: Vec<Entry> = ["/a/b/1.jpg", "/a/b/c/2.jpg", "/a/bc/3.jpg", "/b/4.jpg"].map(entry).into();
        let counts = ["/a", "/a/b", "/a/bc", "/c"].map(|folder| photos_in(&entries, Path::new(folder)));
        assert_eq!(counts, [3, 2, 1, 0]);
    }

    #[test]
    fn bands_become_sections_and_exact_matches_come_first() {
        let hits = [
            hit(0, Why::Exact, Some(Band::Weak)),
            hit(1, Why::Semantic, Some(Band::Strong)),
            hit(2, Why::Semantic, Some(Band::Weak)),
            hit(3, Why::Semantic, Some(Band::Weak)),
        ];
        let query = Query { text: "dog".to_owned(), ..Query::default() };
        let found: Vec<_> = sections(&hits, &query).into_iter().map(|s| (s.name, s.first, s.count)).collect();
        assert_eq!(found, [(Some("Name or tag"), 0, 1), (Some("Strong"), 1, 1), (Some("Weak"), 2, 2)]);
    }

    #[test]
    fn browsing_and_dates_have_no_bands() {
        let hits = [hit(0, Why::Semantic, Some(Band::Strong)), hit(1, Why::Semantic, Some(Band::Weak))];
        let by_date = Query { text: "dog".to_owned(), sort: Sort::NewestFirst, ..Query::default() };
        for query in [Query::default(), by_date] {
            assert_eq!(sections(&hits, &query), [Section { name: None, first: 0, count: 2 }]);
        }
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
        let identity = sightline_core::models::ModelIdentity { id: "toy".to_owned(), digest: "0".to_owned() };
        let vectors = Arc::new(sightline_core::index::Vectors::empty(identity, 1));
        state.answer.snapshot = Some(Arc::new(Snapshot { entries: Vec::new(), vectors, entries_of_row: Vec::new() }));
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
            state.query.folder = Some("/b".into());
        };
        check(filtered, Some(Empty::AllFilteredOut));
    }
}
