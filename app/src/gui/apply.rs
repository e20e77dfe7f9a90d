//! The one place that changes [`State`]. In: a command. Out: the changed state, and the work that must be started. Pure:
//! no files, no threads, no clocks, no egui.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine::{IndexReport, SearchReport};
use sightline_core::index::{FolderRecord, Snapshot};
use sightline_core::{Error, Problem, Result};

use super::command::{Choice, Command, Finding, Pace, Task};
use super::state::{Answer, Folder, Indexing, Loaded, ModelStatus, Page, Query, State, Viewer, Zoom};
use super::state::{photos_in, sections};
use super::text;

/// Does what `command` says, and names the work that follows from it.
pub fn apply(state: &mut State, command: Command) -> Vec<Task> {
    match command {
        Command::ChooseFolder => vec![Task::ChooseFolder],
        Command::ChoosePicture => vec![Task::ChoosePicture],
        Command::AddFolder(path) => add_folder(state, path),
        Command::RemoveFolder(path) => remove_folder(state, path),
        Command::RefreshFolders => index(state, Vec::new()),
        Command::StopIndexing => stop_indexing(state),
        Command::AskForPath(is_asked) => set(&mut state.is_path_asked, is_asked),
        Command::Drop(paths) => vec![Task::LookAt(paths)],

        Command::SearchText(text) => change_query(state, Pace::WhenTypingPauses, |query| query.text = text),
        Command::SearchPicture(path) => search_picture(state, path),
        Command::ClearPicture => change_query(state, Pace::Now, |query| query.picture = None),
        Command::ClearQuery => change_query(state, Pace::Now, |query| {
            *query = Query { sort: query.sort, folder: query.folder.take(), ..Query::default() };
        }),
        Command::ShowFolder(folder) => show_folder(state, folder),
        Command::SortBy(sort) => change_query(state, Pace::Now, |query| query.sort = sort),

        Command::Select(index) => select(state, index),
        Command::OpenViewer(index) => open_viewer(state, index),
        Command::CloseViewer => set(&mut state.viewer, None),
        Command::ZoomTo(zoom) => zoom_to(state, zoom),
        Command::OpenPage(page) => open_page(state, page),
        Command::OpenSidebar(is_open) => set(&mut state.is_sidebar_open, is_open),
        Command::DismissError => set(&mut state.error, None),
        Command::DismissNotices => set(&mut state.notices, Vec::new()),
        Command::SetAppearance(appearance) => {
            state.appearance = appearance;
            vec![Task::RememberAppearance(appearance)]
        }
        Command::CopyText(text) => vec![Task::CopyText(text)],
        Command::Found(finding) => apply_finding(state, finding),
    }
}

fn apply_finding(state: &mut State, finding: Finding) -> Vec<Task> {
    match finding {
        Finding::FolderChosen(choice) => folder_chosen(state, choice),
        Finding::PictureChosen(Choice::Path(path)) => search_picture(state, path),
        Finding::PictureChosen(Choice::Nothing) => Vec::new(),
        Finding::PictureChosen(Choice::NoDialog) => fail(state, NO_DIALOG_FOR_PICTURES),
        Finding::Dropped { folders, files } => dropped(state, folders, files),
        Finding::Indexing(indexing) => indexing_went_on(state, indexing),
        Finding::Indexed(result) => indexed(state, result),
        Finding::FoldersChanged => folders_changed(state),
        Finding::Done => Vec::new(),
        Finding::Library(snapshot) => library_changed(state, &snapshot),
        Finding::LibraryRead(result) => library_read(state, result),
        Finding::Answer(number, result) => answered(state, number, result),
        Finding::Model(result) => model_loaded(state, result),
        Finding::Picture(path, result) => picture_loaded(state, path, result),
        Finding::Failed(error) => failed(state, &error),
        Finding::Notice(text) => {
            state.notices.push(text);
            Vec::new()
        }
    }
}

const NO_DIALOG_FOR_PICTURES: &str = "this desktop has no dialog to choose files with (xdg-desktop-portal and zenity \
     are both missing); drop a picture onto the window instead";

fn set<T>(place: &mut T, value: T) -> Vec<Task> {
    *place = value;
    Vec::new()
}

fn fail(state: &mut State, error: &str) -> Vec<Task> {
    state.error = Some(text::sentence(error));
    Vec::new()
}

/// An error that ends a request. Stopping is what the person wanted, and no error.
fn failed(state: &mut State, error: &Error) -> Vec<Task> {
    if matches!(error, Error::Cancelled) { Vec::new() } else { fail(state, &error.to_string()) }
}

fn add_folder(state: &mut State, path: PathBuf) -> Vec<Task> {
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
fn index(state: &mut State, folders: Vec<PathBuf>) -> Vec<Task> {
    let subject = folders.first().map_or("all folders".to_owned(), |folder| text::name(folder));
    let progress = sightline_core::jobs::Ticker::silent().progress();
    state.indexing = Some(Indexing { progress, subject, rate: None, is_stopping: false });
    state.error = None;
    // All folders: this is the look that was due.
    state.is_look_due &= !folders.is_empty();
    vec![Task::Index(folders)]
}

/// Looks at the folders now, or once more when the look that goes on is over: it may have passed the change already.
fn folders_changed(state: &mut State) -> Vec<Task> {
    match &state.indexing {
        None => index(state, Vec::new()),
        // Whoever stops it wants no other look.
        Some(indexing) => {
            state.is_look_due = !indexing.is_stopping;
            Vec::new()
        }
    }
}

fn stop_indexing(state: &mut State) -> Vec<Task> {
    state.waiting_folders.clear();
    state.is_look_due = false;
    if let Some(indexing) = &mut state.indexing {
        indexing.is_stopping = true;
    }
    vec![Task::StopIndexing]
}

fn remove_folder(state: &mut State, path: PathBuf) -> Vec<Task> {
    if state.query.folder.as_ref() == Some(&path) {
        state.query.folder = None;
    }
    vec![Task::RemoveFolder(path)]
}

fn folder_chosen(state: &mut State, choice: Choice) -> Vec<Task> {
    match choice {
        Choice::Path(path) => add_folder(state, path),
        Choice::Nothing => Vec::new(),
        Choice::NoDialog => set(&mut state.is_path_asked, true),
    }
}

fn dropped(state: &mut State, folders: Vec<PathBuf>, mut files: Vec<PathBuf>) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for folder in folders {
        tasks.extend(add_folder(state, folder));
    }
    if tasks.is_empty() && !files.is_empty() {
        tasks.extend(search_picture(state, files.swap_remove(0)));
    }
    tasks
}

fn indexing_went_on(state: &mut State, now: Indexing) -> Vec<Task> {
    if let Some(indexing) = &mut state.indexing {
        *indexing = Indexing { subject: std::mem::take(&mut indexing.subject), ..now };
    }
    Vec::new()
}

fn indexed(state: &mut State, result: Result<IndexReport>) -> Vec<Task> {
    state.indexing = None;
    match result {
        Ok(report) => {
            state.last_indexing = Some(summary(&report));
            state.notices.extend(report.offline.iter().map(|folder| offline_notice(folder)));
        }
        Err(error) => {
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

fn summary(report: &IndexReport) -> String {
    let seconds = text::duration(report.seconds * 1e3);
    match report.indexed {
        0 => format!("Up to date, looked in {seconds}"),
        indexed => format!("{} indexed in {seconds}", text::counted(indexed, "photo")),
    }
}

fn offline_notice(folder: &std::path::Path) -> String {
    format!("This folder is not there now; its photos are kept until it is back: {}", folder.display())
}

fn library_changed(state: &mut State, snapshot: &Arc<Snapshot>) -> Vec<Task> {
    state.library.snapshot = Some(Arc::clone(snapshot));
    state.library.photos = snapshot.entries.len();
    state.library.waiting = snapshot.entries.iter().filter(|entry| entry.row.is_none()).count();
    for folder in state.library.folders.iter_mut().flatten() {
        folder.photos = photos_in(&snapshot.entries, &folder.record.path);
    }
    let mut tasks = vec![Task::ReadLibrary];
    tasks.extend(search(state, Pace::Now));
    tasks
}

fn library_read(state: &mut State, result: Result<(Vec<FolderRecord>, Vec<Problem>)>) -> Vec<Task> {
    let (records, problems) = match result {
        Ok(read) => read,
        Err(error) => return failed(state, &error),
    };
    let is_watched = is_watched(state, &records);
    let entries = state.library.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.entries);
    let folder = |record: FolderRecord| Folder { photos: photos_in(entries, &record.path), record };
    state.library.folders = Some(records.into_iter().map(folder).collect());
    state.library.problems = problems;
    if is_watched { Vec::new() } else { vec![Task::Watch] }
}

/// Whether these folders are the ones known so far. A drive that is back counts as another folder.
fn is_watched(state: &State, records: &[FolderRecord]) -> bool {
    let watched = state.library.folders.iter().flatten().map(|folder| (&folder.record.path, folder.record.is_offline));
    watched.eq(records.iter().map(|record| (&record.path, record.is_offline)))
}

fn change_query(state: &mut State, pace: Pace, change: impl FnOnce(&mut Query)) -> Vec<Task> {
    let before = state.query.clone();
    change(&mut state.query);
    if state.query == before {
        return Vec::new();
    }
    state.page = Page::Photos;
    state.viewer = None;
    state.error = None;
    // Looking at everything again needs no patience: no further letter is coming.
    let pace = if state.query.is_browsing() { Pace::Now } else { pace };
    search(state, pace)
}

fn search(state: &mut State, pace: Pace) -> Vec<Task> {
    state.newest_search += 1;
    state.is_searching = true;
    vec![Task::Search { number: state.newest_search, request: state.query.request(), pace }]
}

/// Photos like this one: the words of the query no longer count.
fn search_picture(state: &mut State, path: PathBuf) -> Vec<Task> {
    change_query(state, Pace::Now, |query| {
        query.text.clear();
        query.picture = Some(path);
    })
}

fn show_folder(state: &mut State, folder: Option<PathBuf>) -> Vec<Task> {
    state.is_sidebar_open = false;
    state.page = Page::Photos;
    change_query(state, Pace::Now, |query| query.folder = folder)
}

/// An answer to anything but the newest search comes too late.
fn answered(state: &mut State, number: u64, result: Result<SearchReport>) -> Vec<Task> {
    if number != state.newest_search {
        return Vec::new();
    }
    state.is_searching = false;
    match result {
        Ok(report) => show(state, number, report),
        Err(error) => {
            failed(state, &error);
        }
    }
    Vec::new()
}

fn show(state: &mut State, number: u64, report: SearchReport) {
    let chosen = state.selected().map(|entry| entry.hash);
    let is_same_query = state.answer.query == state.query;
    state.answer = Answer {
        sections: sections(&report.hits, &state.query),
        query: state.query.clone(),
        number,
        snapshot: Some(report.snapshot),
        hits: report.hits,
        notes: report.notes,
        milliseconds: report.milliseconds,
    };
    let kept = chosen.filter(|_| is_same_query).and_then(|hash| state.answer.position(&hash));
    let first = (!state.answer.hits.is_empty()).then_some(0);
    state.selection = kept.or(first);
    if kept.is_none() {
        state.viewer = None;
    }
}

fn model_loaded(state: &mut State, result: Result<()>) -> Vec<Task> {
    match result {
        Ok(()) => set(&mut state.model.status, ModelStatus::Ready),
        Err(error) => {
            state.model.status = ModelStatus::Failed;
            failed(state, &error)
        }
    }
}

fn select(state: &mut State, index: usize) -> Vec<Task> {
    state.selection = Some(index.min(state.answer.hits.len().saturating_sub(1)));
    match &state.viewer {
        Some(viewer) => show_large(state, viewer.zoom),
        None => Vec::new(),
    }
}

fn open_viewer(state: &mut State, index: usize) -> Vec<Task> {
    state.selection = Some(index);
    show_large(state, Zoom::Fit)
}

fn show_large(state: &mut State, zoom: Zoom) -> Vec<Task> {
    let Some(path) = state.selected().map(|entry| entry.path.clone()) else { return Vec::new() };
    state.viewer = Some(Viewer { path: path.clone(), zoom, picture: Loaded::Waiting });
    vec![Task::LoadPicture(path)]
}

fn picture_loaded(state: &mut State, path: PathBuf, result: Result<super::state::Picture>) -> Vec<Task> {
    if let Some(viewer) = state.viewer.as_mut().filter(|viewer| viewer.path == path) {
        viewer.picture = match result {
            Ok(picture) => Loaded::Ready(Arc::new(picture)),
            Err(error) => Loaded::Failed(text::sentence(&error.to_string())),
        };
    }
    Vec::new()
}

fn zoom_to(state: &mut State, zoom: Zoom) -> Vec<Task> {
    if let Some(viewer) = &mut state.viewer {
        viewer.zoom = zoom;
    }
    Vec::new()
}

fn open_page(state: &mut State, page: Page) -> Vec<Task> {
    state.page = page;
    state.viewer = None;
    state.is_sidebar_open = false;
    Vec::new()
}

#[cfg(test)]
mod tests;
