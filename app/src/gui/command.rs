//! What can be asked of the window: data. Nothing here does anything.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine::Precision;
use sightline_core::index::ContentHash;
use sightline_core::search::{Filter, Sort};

use super::finding::Finding;
use super::inspect_command::InspectCommand;
use super::state::{Appearance, Chip, Page, Picked, Question, Shapes, Zoom};
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
    /// Something of the models page.
    Model(ModelCommand),
    /// Say why a file is not in the library.
    AskAbout(PathBuf),
    /// Show a dialog for the file to ask about.
    ChooseMissing,
    /// End an errand; what is done stays.
    StopErrand(Errand),
    /// Show this page.
    OpenPage(Page),
    /// Let the picture in the large view move, or stand still.
    Play(bool),
    /// Show or hide the sidebar of a narrow window.
    OpenSidebar(bool),
    /// Show or hide something that lies over the window.
    Cover(Option<super::state::Cover>),
    /// Change how the window looks.
    Look(LookChange),
    /// Take the error line away.
    DismissError,
    /// Take the notices away.
    DismissNotices,
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

/// A change of how the window looks. It is remembered.
pub enum LookChange {
    /// Dark or light.
    Appearance(Appearance),
    /// The words in this language.
    Language(Language),
    /// Nothing moves by itself, or what moves does; `None`: as the system says.
    Calm(Option<bool>),
    /// Photos of the grid in rows so high, in points.
    RowHeight(f32),
    /// Photos of the grid in these shapes.
    Shapes(Shapes),
}

/// What can be asked of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelCommand {
    /// Fetch this one.
    Fetch(String),
    /// Search with it from now on.
    Use(String),
    /// Measure how fast it is here.
    Measure(String),
    /// Compare 8 bits with 32 on photos of the library.
    ComparePrecisions,
    /// Compute pictures so from now on.
    UsePrecision(Precision),
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
    /// A model whose speed is measured.
    Measure,
    /// 8 bits that are compared with 32.
    Precisions,
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
