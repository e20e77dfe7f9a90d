//! Folders, indexing, and the library as it is after each.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::Result;
use sightline_core::engine::IndexReport;
use sightline_core::index::{FolderRecord, Snapshot};
use sightline_core::search::Filter;

use super::query::{change, search};
use super::{failed, set};
use crate::gui::finding::{Choice, LibraryRead};
use crate::gui::state::{Chip, Folder, Indexing, LastIndexing, Page, State, photos_in};
use crate::gui::task::{Pace, Task};
use crate::gui::text;
use crate::gui::translate::{tr, tr_with};

pub fn add_folder(state: &mut State, path: PathBuf) -> Vec<Task> {
    state.is_path_asked = false;
    state.page = Page::Photos;
    if state.indexing.is_none() {
        return index(state, vec![path]);
    }
    if !state.waiting_folders.contains(&path) {
        state.waiting_folders.push(path);
    }
    Vec::new()
}

/// Starts indexing. No folders: all that were added.
pub fn index(state: &mut State, folders: Vec<PathBuf>) -> Vec<Task> {
    let subject = folders.first().map_or_else(|| tr("all folders").to_owned(), |folder| text::name(folder));
    let progress = sightline_core::jobs::Ticker::silent().progress();
    state.indexing = Some(Indexing { progress, subject, rate: None, is_stopping: false, is_paused: false });
    state.error = None;
    // All folders: this is the look that was due.
    state.is_look_due &= !folders.is_empty();
    vec![Task::Index(folders)]
}

/// Looks at the folders now, or once more when the look that goes on is over: it may have passed the change already.
pub fn folders_changed(state: &mut State) -> Vec<Task> {
    match &state.indexing {
        None => index(state, Vec::new()),
        // Whoever stops it wants no other look.
        Some(indexing) => {
            state.is_look_due = !indexing.is_stopping;
            Vec::new()
        }
    }
}

/// Lets the indexing wait, or go on.
pub fn pause_indexing(state: &mut State, is_paused: bool) -> Vec<Task> {
    if let Some(indexing) = &mut state.indexing {
        indexing.is_paused = is_paused;
    }
    vec![Task::PauseIndexing(is_paused)]
}

pub fn stop_indexing(state: &mut State) -> Vec<Task> {
    state.waiting_folders.clear();
    state.is_look_due = false;
    if let Some(indexing) = &mut state.indexing {
        indexing.is_stopping = true;
    }
    vec![Task::StopIndexing]
}

pub fn remove_folder(state: &mut State, path: PathBuf) -> Vec<Task> {
    if state.query.folder() == Some(&path) {
        state.query.filter.folders.clear();
    }
    vec![Task::RemoveFolder(path)]
}

pub fn folder_chosen(state: &mut State, choice: Choice) -> Vec<Task> {
    match choice {
        Choice::Path(path) => add_folder(state, path),
        Choice::Nothing => Vec::new(),
        Choice::NoDialog => set(&mut state.is_path_asked, true),
    }
}

pub fn indexing_went_on(state: &mut State, now: Indexing) -> Vec<Task> {
    if let Some(indexing) = &mut state.indexing {
        *indexing = Indexing { subject: std::mem::take(&mut indexing.subject), ..now };
    }
    Vec::new()
}

pub fn indexed(state: &mut State, result: Result<IndexReport>) -> Vec<Task> {
    let indexing = state.indexing.take();
    match result {
        Ok(report) => {
            state.notices.extend(report.offline.iter().map(|folder| offline_notice(folder)));
            state.last_indexing = Some(LastIndexing::Done(Box::new(report)));
        }
        Err(error) => {
            let progress = indexing.map(|indexing| indexing.progress);
            state.last_indexing = progress.map(LastIndexing::Ended);
            // Another look would fail in the same way, and take the error away.
            state.is_look_due = false;
            failed(state, &error);
        }
    }
    let mut tasks = vec![Task::ReadLibrary];
    if !state.waiting_folders.is_empty() {
        let next = state.waiting_folders.remove(0);
        tasks.extend(index(state, vec![next]));
    } else if state.is_look_due {
        tasks.extend(index(state, Vec::new()));
    }
    tasks
}

fn offline_notice(folder: &std::path::Path) -> String {
    let path = folder.display().to_string();
    tr_with("This folder is not there now; its photos are kept until it is back: {}", &[&path])
}

pub fn changed(state: &mut State, snapshot: &Arc<Snapshot>) -> Vec<Task> {
    state.library.snapshot = Some(Arc::clone(snapshot));
    state.library.photos = snapshot.entries.len();
    state.library.waiting = snapshot.entries.iter().filter(|entry| entry.row.is_none()).count();
    state.library.by_preview = snapshot.vectors.first_looks().len();
    for folder in state.library.folders.iter_mut().flatten() {
        folder.photos = photos_in(&snapshot.entries, &folder.record.path);
    }
    let mut tasks = vec![Task::ReadLibrary];
    tasks.extend(search(state, Pace::Now));
    if state.filters.is_open {
        tasks.push(Task::ReadFacets(Filter::default()));
    }
    if state.page == Page::Learn {
        tasks.extend(super::learning::ask(state));
    }
    tasks
}

pub fn read(state: &mut State, result: Result<LibraryRead>) -> Vec<Task> {
    let read = match result {
        Ok(read) => read,
        Err(error) => return failed(state, &error),
    };
    let is_watched = is_watched(state, &read.folders);
    let entries = state.library.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.entries);
    let folder = |record: FolderRecord| Folder { photos: photos_in(entries, &record.path), record };
    state.library.folders = Some(read.folders.into_iter().map(folder).collect());
    state.library.albums = read.albums;
    state.library.searches = read.searches;
    state.library.problems = read.problems;
    state.library.tags = read.tags;
    state.library.favourites = read.favourites;
    if is_watched { Vec::new() } else { vec![Task::Watch] }
}

/// Whether these folders are the ones known so far. A drive that is back counts as another folder.
fn is_watched(state: &State, records: &[FolderRecord]) -> bool {
    let watched = state.library.folders.iter().flatten().map(|folder| (&folder.record.path, folder.record.is_offline));
    watched.eq(records.iter().map(|record| (&record.path, record.is_offline)))
}

/// Folders are added. Pictures are searched by: the first few together, for nobody means a thousand.
pub fn dropped(state: &mut State, folders: Vec<PathBuf>, files: Vec<PathBuf>) -> Vec<Task> {
    if folders.is_empty() {
        return files_dropped(state, files);
    }
    folders.into_iter().flat_map(|folder| add_folder(state, folder)).collect()
}

/// So many pictures make one query.
const PICTURES_AT_MOST: usize = 8;

fn files_dropped(state: &mut State, mut files: Vec<PathBuf>) -> Vec<Task> {
    let count = files.len();
    if count > PICTURES_AT_MOST {
        files.truncate(PICTURES_AT_MOST);
        let notice = tr_with(
            "{} files were dropped; the search is by the first {}. Drop their folder to add all of them.",
            &[&text::count(count as u64), &text::count(PICTURES_AT_MOST as u64)],
        );
        state.notices.push(notice);
    }
    change(state, |query| {
        query.chips.extend(Chip::typed(&std::mem::take(&mut query.draft)));
        query.chips.extend(files.into_iter().map(Chip::picture));
    })
}
