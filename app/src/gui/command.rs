//! What can be asked of the window, and what work it starts: data. Nothing here does anything.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine::{IndexReport, SearchReport, SearchRequest};
use sightline_core::index::{FolderRecord, Snapshot};
use sightline_core::search::Sort;
use sightline_core::{Problem, Result};

use super::state::{Appearance, Indexing, Page, Picture, Zoom};

/// Something that changes the state: what the person wants, or what work has found.
pub enum Command {
    /// Choose a folder in a dialog, and add it.
    ChooseFolder,
    /// Choose a picture in a dialog, and search by it.
    ChoosePicture,
    /// Add a folder, or look at it again.
    AddFolder(PathBuf),
    /// Forget a folder.
    RemoveFolder(PathBuf),
    /// Look at all folders again.
    RefreshFolders,
    /// End the indexing; what is done stays.
    StopIndexing,
    /// Ask for the path of a folder, or stop asking.
    AskForPath(bool),
    /// Files and folders fell onto the window.
    Drop(Vec<PathBuf>),

    /// Search for these words.
    SearchText(String),
    /// Search by a picture.
    SearchPicture(PathBuf),
    /// Take the picture out of the query.
    ClearPicture,
    /// Look at everything again.
    ClearQuery,
    /// Only photos in this folder.
    ShowFolder(Option<PathBuf>),
    /// In this order.
    SortBy(Sort),

    /// Choose a photo.
    Select(usize),
    /// Show a photo large.
    OpenViewer(usize),
    /// Back to the grid.
    CloseViewer,
    /// Show it so large.
    ZoomTo(Zoom),
    /// Show this page.
    OpenPage(Page),
    /// Show or hide the sidebar of a narrow window.
    OpenSidebar(bool),
    /// Take the error line away.
    DismissError,
    /// Take the notices away.
    DismissNotices,
    /// Dark or light.
    SetAppearance(Appearance),
    /// Put a text on the clipboard.
    CopyText(String),

    /// Work answers.
    Found(Finding),
}

/// What work has found.
pub enum Finding {
    /// A dialog was closed.
    FolderChosen(Choice),
    /// A dialog was closed.
    PictureChosen(Choice),
    /// What fell onto the window.
    Dropped {
        /// Folders.
        folders: Vec<PathBuf>,
        /// Anything else.
        files: Vec<PathBuf>,
    },
    /// How far indexing is.
    Indexing(Indexing),
    /// Indexing is over.
    Indexed(Result<IndexReport>),
    /// Something in an added folder changed.
    FoldersChanged,
    /// The library is another one now.
    Library(Arc<Snapshot>),
    /// Folders and problems were read.
    LibraryRead(Result<(Vec<FolderRecord>, Vec<Problem>)>),
    /// The answer to the search of this number.
    Answer(u64, Result<SearchReport>),
    /// The model is there, or cannot be.
    Model(Result<()>),
    /// A picture for the large view.
    Picture(PathBuf, Result<Picture>),
    /// Work is done, and there is nothing to tell.
    Done,
    /// Work could not be done.
    Failed(sightline_core::Error),
    /// Something the person should know.
    Notice(String),
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

/// Work that a command asks for; work.rs does it away from the frame.
#[derive(Debug)]
pub enum Task {
    /// Index these folders, or all added ones.
    Index(Vec<PathBuf>),
    /// End the indexing.
    StopIndexing,
    /// Read folders and problems.
    ReadLibrary,
    /// Watch the folders as they are now.
    Watch,
    /// Forget a folder.
    RemoveFolder(PathBuf),
    /// Load the model.
    LoadModel,
    /// Search at once, or when typing pauses.
    Search {
        /// The number of the search.
        number: u64,
        /// What is asked.
        request: SearchRequest,
        /// Whether more letters may follow.
        pace: Pace,
    },
    /// Decode a picture for the large view.
    LoadPicture(PathBuf),
    /// Show a dialog for a folder.
    ChooseFolder,
    /// Show a dialog for a picture.
    ChoosePicture,
    /// Tell folders from files.
    LookAt(Vec<PathBuf>),
    /// Put a text on the clipboard.
    CopyText(String),
    /// Keep the appearance for the next start.
    RememberAppearance(Appearance),
}

/// When a search starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Now.
    Now,
    /// When no further letter came for a moment.
    WhenTypingPauses,
}
