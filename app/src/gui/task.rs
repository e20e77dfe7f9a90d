//! The work that a command starts, away from the frame: data. Nothing here does anything.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine;
use sightline_core::engine::{LearnRequest, Made, Precision, SearchRequest};
use sightline_core::search::Filter;

use super::command::{Direction, Errand, ExportKind};
use super::inspect_command::InspectTask;
use super::long_work::LongTask;
use super::player::PlayTask;
use super::preferences::Look;

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
    /// Play a picture that moves.
    Play(PlayTask),
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
    /// Compute pictures otherwise.
    UsePrecision(Precision),
    /// Say why a file is not in the library.
    WhyAbsent(PathBuf),
    /// Show a dialog for a folder.
    ChooseFolder,
    /// Show a dialog for a picture.
    ChoosePicture,
    /// Show a dialog for a file that is not in the library.
    ChooseMissing,
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
    /// Keep who decides about parts for the next start.
    RememberOperator(String),
}

/// When a search starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Now.
    Now,
    /// When no further letter came for a moment.
    WhenTypingPauses,
}
