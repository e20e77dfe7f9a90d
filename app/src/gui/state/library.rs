//! The library and its model, as the window shows them.

use std::sync::Arc;

use sightline_core::Problem;
use sightline_core::engine::{Album, Precision};
use sightline_core::index::{FolderRecord, SavedSearch, Snapshot};

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
    /// Photos that are found by their previews, until they were looked at themselves.
    pub by_preview: usize,
    /// Files that could not be used.
    pub problems: Vec<Problem>,
    /// The albums, sorted by name.
    pub albums: Vec<Album>,
    /// The saved searches, sorted by name.
    pub searches: Vec<SavedSearch>,
    /// Every tag and how many files have it, sorted by name.
    pub tags: Vec<(String, usize)>,
    /// Files of favourites.
    pub favourites: usize,
}

impl Library {
    /// The album of this name.
    pub fn album(&self, name: &str) -> Option<&Album> {
        self.albums.iter().find(|album| album.name == name)
    }
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
    /// How it computes pictures.
    pub precision: Precision,
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
