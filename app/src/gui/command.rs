//! What can be asked of the window, and what work it starts: data. Nothing here does anything.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine::{self, Album, DuplicatesReport, Explanation, ExportReport, IndexReport, LearnReport};
use sightline_core::engine::{LearnRequest, Made, MapReport, ModelRow, SearchReport, SearchRequest, TrashReport};
use sightline_core::index::{ContentHash, FolderRecord, SavedSearch, Snapshot};
use sightline_core::jobs::Progress;
use sightline_core::search::{Facets, Filter, Sort};
use sightline_core::{Problem, Result};

use super::inspect_command::{InspectCommand, InspectFinding, InspectTask};
use super::long_work::LongTask;
use super::preferences::Look;
use super::state::{Appearance, Chip, Indexing, Page, Picked, Picture, Question, Shapes, Zoom};
use super::translate::{Language, tr};

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
    /// Let the indexing wait, or go on.
    PauseIndexing(bool),
    /// Ask for the path of a folder, or stop asking.
    AskForPath(bool),
    /// Files and folders fell onto the window.
    Drop(Vec<PathBuf>),

    /// Search for these words, which are being typed.
    SearchText(String),
    /// The typed words become a chip.
    KeepDraft,
    /// Search by this chip alone.
    SearchBy(Chip),
    /// Search by this chip too.
    AddChip(Chip),
    /// Change a chip.
    Chip(usize, ChipEdit),
    /// Look at everything again.
    ClearQuery,
    /// Only photos in this folder.
    ShowFolder(Option<PathBuf>),
    /// All photos: no filter, no album; what is looked for stays.
    ShowAll,
    /// Only photos of this album.
    ShowAlbum(Option<String>),
    /// Only photos like this.
    SetFilter(Box<Filter>),
    /// In this order.
    SortBy(Sort),
    /// Search as it was saved under this name.
    OpenSearch(String),

    /// Choose a photo and no other.
    Select(usize),
    /// Choose a photo too, or no longer.
    ToggleSelect(usize),
    /// Choose all photos up to this one.
    SelectTo(usize),
    /// Choose these photos, in place of or beside those that are chosen.
    SelectThese(Vec<usize>, Beside),
    /// Choose every photo.
    SelectAll,
    /// Show a photo large.
    OpenViewer(usize),
    /// Back to the grid.
    CloseViewer,
    /// Show it so large.
    ZoomTo(Zoom),
    /// Show the chosen photos side by side, or no longer.
    Compare(bool),
    /// Turn the large view by a quarter to the right; the photo stays as it is.
    Turn,

    /// Mark the chosen photos.
    Mark(MarkEdit),
    /// Put the chosen photos into an album, or take them out of one; change or delete an album.
    Album(String, AlbumEdit),
    /// Keep the query under a name.
    SaveSearch(String),
    /// Forget a saved search.
    DeleteSearch(String),
    /// Go back one step.
    Undo,
    /// Do again what was undone.
    Redo,

    /// Show or hide the filters.
    OpenFilters(bool),
    /// Only these photos, chosen by hand, and what they are called.
    ShowPicked(Picked),
    /// Lay the library out as a map.
    DrawMap,
    /// Look for photos that are nearly the same.
    FindDuplicates,
    /// Let a file of a group of duplicates go, or stay.
    ToggleDuplicate(PathBuf),
    /// Suggest photos for this tag.
    Learn(String),
    /// A suggested photo has the tag, or has it not.
    Judge(ContentHash, Judgement),
    /// Say why the photo in the large view matches, or stop saying so.
    Explain(bool),
    /// Ask before something is done.
    Ask(Option<Question>),
    /// Move files to the system's trash: the person has agreed.
    Trash(Vec<PathBuf>),
    /// Write the chosen photos somewhere.
    Export(ExportKind),
    /// Fetch a model.
    Download(String),
    /// Search with this model from now on.
    UseModel(String),
    /// Say why a file is not in the library.
    AskAbout(PathBuf),
    /// End an errand; what is done stays.
    StopErrand(Errand),
    /// Show this page.
    OpenPage(Page),
    /// Show or hide the sidebar of a narrow window.
    OpenSidebar(bool),
    /// Show or hide something that lies over the window.
    Cover(Option<super::state::Cover>),
    /// Photos of the grid in rows so high, in points.
    SizePhotos(f32),
    /// Photos of the grid in these shapes.
    ShapePhotos(Shapes),
    /// Take the error line away.
    DismissError,
    /// Take the notices away.
    DismissNotices,
    /// Dark or light.
    SetAppearance(Appearance),
    /// The words of the window in this language.
    SetLanguage(Language),
    /// Put a text on the clipboard.
    CopyText(String),
    /// Put a photo's pixels on the clipboard.
    CopyPicture(PathBuf),
    /// Search by a picture that was on the clipboard.
    PastePicture(Arc<egui::ColorImage>),
    /// Search by a text that was on the clipboard, or by the files that it names.
    PasteText(String),
    /// Show a file in the system's file manager.
    Reveal(PathBuf),
    /// Open a file with the program that the system has for it.
    OpenOutside(PathBuf),

    /// Something of the inspection page.
    Inspect(InspectCommand),
    /// Work answers.
    Found(Finding),
}

/// A change of one chip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChipEdit {
    /// Take it out.
    Remove,
    /// Let it count so much, above 0.
    Weigh(f32),
    /// Let it count, or not.
    Mute,
    /// Wanted becomes unwanted, and the other way round.
    Flip,
    /// Put it where this one is.
    MoveTo(usize),
}

/// Whether chosen photos stay chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// They do.
    Others,
    /// They do not.
    None,
}

/// A change of what is said of photos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkEdit {
    /// A favourite, or not.
    Favourite(bool),
    /// So many stars.
    Rate(u8),
    /// With this tag.
    AddTag(String),
    /// Without it.
    RemoveTag(String),
    /// With this note; empty: none.
    Note(String),
}

impl MarkEdit {
    /// What it is called when it is done.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Favourite(true) => tr("Made a favourite"),
            Self::Favourite(false) => tr("No longer a favourite"),
            Self::Rate(_) => tr("Rated"),
            Self::AddTag(_) => tr("Tagged"),
            Self::RemoveTag(_) => tr("Tag removed"),
            Self::Note(_) => tr("Note changed"),
        }
    }
}

/// A change of an album.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlbumEdit {
    /// Put the chosen photos into it; it is made if it is not there.
    Add,
    /// Take the chosen photos out of it.
    Remove,
    /// Give it another name.
    Rename(String),
    /// Delete it; its photos stay.
    Delete,
}

/// Work that can be watched and stopped; of each there is one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// The map of the library.
    Map,
    /// The search for duplicates.
    Duplicates,
    /// A model that is fetched.
    Download,
    /// Copies that are written.
    Export,
    /// Files that go to the trash.
    Trash,
}

/// How chosen photos are written somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// A copy of each file.
    Copies,
    /// One picture with all of them, small.
    Sheet,
    /// The files that could not be used, as a table.
    Problems,
}

/// What the person says of a suggested photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It has the tag.
    Confirmed,
    /// It has it not.
    Rejected,
}

/// Whether something is done, undone or done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Done.
    Do,
    /// Undone.
    Undo,
    /// Done again.
    Redo,
}

/// What work has found.
pub enum Finding {
    /// A dialog was closed.
    FolderChosen(Choice),
    /// A dialog was closed.
    PictureChosen(Choice),
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
    /// A model was fetched.
    Downloaded,
    /// The engine searches with this model now.
    ModelUsed(Result<String>),
    /// Why a file is not in the library.
    Absence(PathBuf, Result<String>),
    /// Pixels for the clipboard.
    Pixels(egui::ColorImage),
    /// A pasted picture was kept as this file.
    Pasted(PathBuf),
    /// A picture for a view of several.
    Compared(PathBuf, Result<Picture>),
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

/// Work that a command asks for; work.rs does it away from the frame.
#[derive(Debug, Clone)]
pub enum Task {
    /// Index these folders, or all added ones.
    Index(Vec<PathBuf>),
    /// End the indexing.
    StopIndexing,
    /// Let the indexing wait, or go on.
    PauseIndexing(bool),
    /// Read folders, albums, saved searches and problems.
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
    /// Make things of the person's own.
    Make {
        /// Each with its whole new value.
        things: Vec<Made>,
        /// What that is called.
        name: String,
        /// Whether it is done for the first time.
        direction: Direction,
    },
    /// Decode a picture for the large view.
    LoadPicture(PathBuf),
    /// Decode a picture for a view of several.
    LoadCompared(PathBuf),
    /// Something that takes long.
    Long(LongTask),
    /// End an errand.
    StopErrand(Errand),
    /// Count what the photos that pass a filter are made of.
    ReadFacets(Filter),
    /// Learn a tag.
    Learn(LearnRequest),
    /// Say why a photo matches a chip.
    Explain(PathBuf, engine::Chip),
    /// Ask where to write.
    ChooseExport(ExportKind),
    /// Read which models there are.
    ReadModels,
    /// Search with another model.
    UseModel(String),
    /// Say why a file is not in the library.
    WhyAbsent(PathBuf),
    /// Show a dialog for a folder.
    ChooseFolder,
    /// Show a dialog for a picture.
    ChoosePicture,
    /// Tell folders from files.
    LookAt(Vec<PathBuf>),
    /// Put a text on the clipboard.
    CopyText(String),
    /// Put a photo's pixels on the clipboard.
    CopyPicture(PathBuf),
    /// Put pixels on the clipboard.
    CopyPixels(egui::ColorImage),
    /// Keep a pasted picture as a file of the library.
    KeepPasted(Arc<egui::ColorImage>),
    /// Tell paths from words.
    LookAtText(String),
    /// Show a file in the file manager.
    Reveal(PathBuf),
    /// Open a file with another program.
    OpenOutside(PathBuf),
    /// Work of the inspection page.
    Inspect(InspectTask),
    /// Keep how the window looks for the next start.
    Remember(Look),
}

/// When a search starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Now.
    Now,
    /// When no further letter came for a moment.
    WhenTypingPauses,
}
