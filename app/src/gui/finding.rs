//! What work has found, on its way to the state: data. Nothing here does anything.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine::{Album, DuplicatesReport, Explanation, ExportReport, IndexReport, LearnReport};
use sightline_core::engine::{Made, MapReport, ModelRow, Precision, PrecisionReport, SearchReport, TrashReport};
use sightline_core::index::{FolderRecord, SavedSearch, Snapshot};
use sightline_core::jobs::Progress;
use sightline_core::search::Facets;
use sightline_core::{Problem, Result};

use super::command::{Direction, Errand, ExportKind};
use super::inspect_command::InspectFinding;
use super::state::{Indexing, Picture};

/// What work has found.
pub enum Finding {
    /// A folder of photos was chosen, or not.
    FolderChosen(Choice),
    /// A picture to search by was chosen, or not.
    PictureChosen(Choice),
    /// A file that is not in the library was chosen, or not.
    MissingChosen(Choice),
    /// What fell onto the window, or was on the clipboard.
    Dropped {
        /// Folders.
        folders: Vec<PathBuf>,
        /// Anything else.
        files: Vec<PathBuf>,
    },
    /// A text was on the clipboard.
    PastedText(String),
    /// How far indexing is.
    Indexing(Indexing),
    /// Indexing is over.
    Indexed(Result<IndexReport>),
    /// Something in an added folder changed.
    FoldersChanged,
    /// The library is another one now.
    Library(Arc<Snapshot>),
    /// The library was read.
    LibraryRead(Result<LibraryRead>),
    /// The answer to the search of this number.
    Answer(u64, Result<SearchReport>),
    /// Things of this name were made; the values that they had before.
    Made(String, Direction, Result<Vec<Made>>),
    /// The model is there, or cannot be.
    Model(Result<()>),
    /// A picture for the large view.
    Picture(PathBuf, Result<Picture>),
    /// The next frame of a picture that moves.
    Frame(PathBuf, Arc<egui::ColorImage>),
    /// How far an errand is; `None`: it is over.
    Progress(Errand, Option<Progress>),
    /// What the library is made of.
    Facets(Arc<Facets>),
    /// A first map.
    Map(Arc<MapReport>),
    /// A better one.
    RefinedMap(Arc<MapReport>),
    /// Photos that are nearly the same.
    Duplicates(Arc<DuplicatesReport>),
    /// Suggestions for a tag.
    Learnt(String, Result<LearnReport>),
    /// Why a photo matches.
    Explained(PathBuf, Result<Explanation>),
    /// Files went to the trash.
    Trashed(TrashReport),
    /// Copies were written.
    Exported(ExportReport),
    /// A sheet was written as this file.
    SheetWritten(PathBuf),
    /// The person chose where to write.
    ExportChosen(ExportKind, Choice),
    /// Which models there are.
    ModelsRead(Result<Vec<ModelRow>>),
    /// A model was fetched, or its speed is known.
    ModelsChanged,
    /// The engine searches with this model now, and computes pictures so.
    ModelUsed(Result<(String, Precision)>),
    /// What 8 bits would change.
    PrecisionsCompared(PrecisionReport),
    /// Why a file is not in the library.
    Absence(PathBuf, Result<String>),
    /// Pixels for the clipboard.
    Pixels(egui::ColorImage),
    /// A pasted picture was kept as this file.
    Pasted(PathBuf),
    /// A picture for a view of several.
    Compared(PathBuf, Result<Picture>),
    /// Whether the system wants nothing to move.
    SystemIsCalm(bool),
    /// Something for the inspection page.
    Inspect(InspectFinding),
    /// Work is done, and there is nothing to tell.
    Done,
    /// Work could not be done.
    Failed(sightline_core::Error),
    /// Something the person should know.
    Notice(String),
}

/// What the sidebar shows, and what could not be used.
pub struct LibraryRead {
    /// The added folders.
    pub folders: Vec<FolderRecord>,
    /// The albums, sorted by name.
    pub albums: Vec<Album>,
    /// The saved searches, sorted by name.
    pub searches: Vec<SavedSearch>,
    /// Files that could not be used.
    pub problems: Vec<Problem>,
    /// Every tag and how many files have it, sorted by name.
    pub tags: Vec<(String, usize)>,
    /// Files of favourites.
    pub favourites: usize,
}

/// How a dialog ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// With this path.
    Path(PathBuf),
    /// With nothing.
    Nothing,
    /// It could not be shown.
    NoDialog,
}
