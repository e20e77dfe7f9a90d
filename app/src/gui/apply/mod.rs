//! The one place that changes [`State`]. In: a command. Out: the changed state, and the work that must be started. Pure:
//! no files, no threads, no clocks, no egui.

use std::path::PathBuf;

use sightline_core::{Error, Result};

use super::command::{AlbumEdit, Beside, ChipEdit, Command, LookChange};
use super::finding::{Choice, Finding};
use super::long_work::LongTask;
use super::preferences::Look;
use super::state::{Chip, ModelStatus, Selection, State};
use super::task::{Pace, Task};
use super::text;
use super::translate::{Language, tr};

mod inspection;
mod learning;
mod library;
mod organise;
mod pages;
mod photos;
mod query;

pub use photos::SIDE_BY_SIDE;

/// The lowest and the highest row of photos, in points.
pub const ROW_HEIGHTS: (f32, f32) = (70.0, 420.0);

/// Does what `command` says, and names the work that follows from it.
pub fn apply(state: &mut State, command: Command) -> Vec<Task> {
    match command {
        Command::ChooseFolder => vec![Task::ChooseFolder],
        Command::ChoosePicture => vec![Task::ChoosePicture],
        Command::AddFolder(path) => library::add_folder(state, path),
        Command::RemoveFolder(path) => library::remove_folder(state, path),
        Command::RefreshFolders => library::index(state, Vec::new()),
        Command::StopIndexing => library::stop_indexing(state),
        Command::PauseIndexing(is_paused) => library::pause_indexing(state, is_paused),
        Command::AskForPath(is_asked) => set(&mut state.is_path_asked, is_asked),
        Command::Drop(paths) => vec![Task::LookAt(paths)],

        Command::SearchText(words) => query::type_words(state, words),
        Command::KeepDraft => query::keep_draft(state),
        Command::SearchBy(chip) => query::search_by(state, chip),
        Command::AddChip(chip) => query::add_chip(state, chip),
        Command::Chip(place, edit) => change_chip(state, place, edit),
        Command::ClearQuery => query::change(state, |query| *query = query.without_terms()),
        Command::ShowFolder(folder) => query::show_folder(state, folder),
        Command::ShowAll => query::show_all(state),
        Command::ShowAlbum(album) => query::show_album(state, album),
        Command::SetFilter(filter) => query::change(state, |query| query.filter = *filter),
        Command::SortBy(sort) => query::change(state, |query| query.sort = sort),
        Command::OpenSearch(name) => organise::open_search(state, &name),

        Command::Select(photo) => photos::select(state, photo),
        Command::ToggleSelect(photo) => photos::choose(state, &[photo], |selection| selection.toggle(photo)),
        Command::SelectTo(photo) => photos::choose(state, &[photo], |selection| selection.extend_to(photo)),
        Command::SelectThese(photos, beside) => photos::choose(state, &photos, |selection| match beside {
            Beside::Others => selection.add(photos.iter().copied()),
            Beside::None => *selection = Selection::these(photos.iter().copied()),
        }),
        Command::SelectAll => photos::select_all(state),
        Command::OpenViewer(photo) => photos::open_viewer(state, photo),
        Command::CloseViewer => set(&mut state.viewer, None),
        Command::ZoomTo(zoom) => photos::change_view(state, |viewer| viewer.zoom = zoom),
        Command::Turn => photos::change_view(state, |viewer| viewer.turns = (viewer.turns + 1) % 4),

        Command::Play(is_moving) => photos::play(state, is_moving),

        Command::Mark(edit) => organise::mark(state, &edit),
        Command::Album(name, edit) => change_album(state, &name, &edit),
        Command::SaveSearch(name) => organise::save_search(state, &name),
        Command::DeleteSearch(name) => organise::delete_search(&name),
        Command::Undo => organise::undo(state),
        Command::Redo => organise::redo(state),

        Command::OpenFilters(is_open) => pages::open_filters(state, is_open),
        Command::ShowPicked(picked) => query::show_picked(state, picked),
        Command::DrawMap => vec![Task::Long(LongTask::Map)],
        Command::FindDuplicates => vec![Task::Long(LongTask::Duplicates)],
        Command::ToggleDuplicate(path) => pages::toggle_duplicate(state, path),
        Command::Learn(tag) => learning::learn(state, tag),
        Command::Judge(photo, judgement) => learning::judge(state, photo, judgement),
        Command::Explain(is_wanted) => photos::explain(state, is_wanted),
        Command::Ask(question) => set(&mut state.question, question),
        Command::Trash(files) => pages::trash(state, files),
        Command::Export(kind) => vec![Task::ChooseExport(kind)],
        Command::Model(command) => pages::model(state, command),
        Command::AskAbout(path) => vec![Task::WhyAbsent(path)],
        Command::ChooseMissing => vec![Task::ChooseMissing],
        Command::StopErrand(errand) => pages::stop(state, errand),
        Command::OpenPage(page) => pages::open(state, page),
        Command::OpenSidebar(is_open) => set(&mut state.is_sidebar_open, is_open),
        Command::Cover(cover) => set(&mut state.cover, cover),
        Command::Look(change) => look(state, change),
        Command::Compare(is_wanted) => photos::compare(state, is_wanted),
        Command::DismissError => set(&mut state.error, None),
        Command::DismissNotices => set(&mut state.notices, Vec::new()),
        Command::CopyText(text) => vec![Task::CopyText(text)],
        Command::CopyPicture(path) => vec![Task::CopyPicture(path)],
        Command::PastePicture(picture) => vec![Task::KeepPasted(picture)],
        Command::PasteText(words) => vec![Task::LookAtText(words)],
        Command::Reveal(path) => vec![Task::Reveal(path)],
        Command::OpenOutside(path) => vec![Task::OpenOutside(path)],
        Command::Inspect(command) => inspection::apply(state, command),
        Command::Found(finding) => apply_finding(state, finding),
    }
}

/// After a change that may ask for calm: what plays by itself stands still then.
fn calmed(state: &mut State, change: impl FnOnce(&mut State) -> Vec<Task>) -> Vec<Task> {
    let was_calm = state.is_calm();
    let mut tasks = change(state);
    if state.is_calm() && !was_calm {
        tasks.extend(photos::play(state, false));
    }
    tasks
}

/// Changes how the window looks, and remembers it.
fn look(state: &mut State, change: LookChange) -> Vec<Task> {
    let mut tasks = match change {
        LookChange::Appearance(appearance) => set(&mut state.appearance, appearance),
        LookChange::Language(language) => speak(state, language),
        LookChange::Calm(calm) => calmed(state, |state| set(&mut state.calm, calm)),
        LookChange::RowHeight(height) => set(&mut state.row_height, height.clamp(ROW_HEIGHTS.0, ROW_HEIGHTS.1)),
        LookChange::Shapes(shapes) => set(&mut state.shapes, shapes),
    };
    tasks.push(Task::Remember(Look {
        appearance: state.appearance,
        language: state.language,
        row_height: Some(state.row_height),
        shapes: state.shapes,
        calm: state.calm,
    }));
    tasks
}

/// Days and bands over the photos are named when an answer comes: it is asked for anew.
fn speak(state: &mut State, language: Language) -> Vec<Task> {
    if state.language == language {
        return Vec::new();
    }
    state.language = language;
    query::search(state, Pace::Now)
}

fn change_chip(state: &mut State, place: usize, edit: ChipEdit) -> Vec<Task> {
    match edit {
        ChipEdit::Remove => query::remove_chip(state, place),
        ChipEdit::MoveTo(other) => query::move_chip(state, place, other),
        ChipEdit::Weigh(weight) => query::change_chip(state, place, |chip| chip.weight = weight.clamp(0.05, 3.0)),
        ChipEdit::Mute => query::change_chip(state, place, |chip| chip.is_muted = !chip.is_muted),
        ChipEdit::Flip => query::change_chip(state, place, query::flip),
    }
}

fn change_album(state: &mut State, name: &str, edit: &AlbumEdit) -> Vec<Task> {
    match edit {
        AlbumEdit::Add => organise::add_to_album(state, name),
        AlbumEdit::Remove => organise::remove_from_album(state, name),
        AlbumEdit::Rename(new) => organise::rename_album(state, name, new),
        AlbumEdit::Delete => organise::delete_album(state, name),
    }
}

fn apply_finding(state: &mut State, finding: Finding) -> Vec<Task> {
    match finding {
        Finding::FolderChosen(choice) => library::folder_chosen(state, choice),
        Finding::PictureChosen(choice) => {
            file_chosen(state, choice, |state, path| query::add_chip(state, Chip::picture(path)))
        }
        Finding::MissingChosen(choice) => file_chosen(state, choice, |_, path| vec![Task::WhyAbsent(path)]),
        Finding::Dropped { folders, files } => library::dropped(state, folders, files),
        Finding::PastedText(words) => query::type_words(state, words),
        Finding::Indexing(indexing) => library::indexing_went_on(state, indexing),
        Finding::Indexed(result) => library::indexed(state, result),
        Finding::FoldersChanged => library::folders_changed(state),
        Finding::Done => Vec::new(),
        Finding::Inspect(finding) => inspection::found(state, finding),
        Finding::Library(snapshot) => library::changed(state, &snapshot),
        Finding::LibraryRead(result) => library::read(state, result),
        Finding::Answer(number, result) => query::answered(state, number, result),
        Finding::Made(name, direction, before) => organise::made(state, (name, direction), before),
        Finding::Model(result) => model_loaded(state, result),
        Finding::Picture(path, result) => photos::picture_loaded(state, path, result),
        Finding::Frame(path, frame) => photos::moved_on(state, &path, frame),
        Finding::Compared(path, result) => photos::compared(state, &path, result),
        Finding::Progress(errand, progress) => pages::progress(state, errand, progress),
        Finding::Facets(facets) => set(&mut state.filters.facets, Some(facets)),
        Finding::Map(report) => pages::map_drawn(state, report),
        Finding::RefinedMap(report) => pages::map_refined(state, report),
        Finding::Duplicates(report) => pages::duplicates_found(state, report),
        Finding::Learnt(tag, result) => learning::learnt(state, &tag, result),
        Finding::Explained(path, result) => photos::explained(state, &path, result),
        Finding::Trashed(report) => pages::trashed(state, &report),
        Finding::Exported(report) => pages::exported(state, &report),
        Finding::SheetWritten(path) => pages::sheet_written(state, &path),
        Finding::ExportChosen(kind, choice) => pages::export_chosen(state, kind, choice),
        Finding::ModelsRead(result) => pages::models_read(state, result),
        Finding::ModelsChanged => vec![Task::ReadModels],
        Finding::ModelUsed(result) => pages::model_used(state, result),
        Finding::PrecisionsCompared(report) => set(&mut state.models.precisions, Some(report)),
        Finding::Absence(path, result) => pages::absence(state, path, result),
        Finding::SystemIsCalm(is_calm) => calmed(state, |state| set(&mut state.is_system_calm, is_calm)),
        Finding::Pixels(pixels) => vec![Task::CopyPixels(pixels)],
        Finding::Pasted(path) => query::add_chip(state, Chip::picture(path)),
        Finding::Failed(error) => failed(state, &error),
        Finding::Notice(text) => {
            state.notices.push(text);
            Vec::new()
        }
    }
}

/// What to do with the file that a dialog was asked for.
fn file_chosen(state: &mut State, choice: Choice, then: impl FnOnce(&mut State, PathBuf) -> Vec<Task>) -> Vec<Task> {
    match choice {
        Choice::Path(path) => then(state, path),
        Choice::Nothing => Vec::new(),
        Choice::NoDialog => fail(state, tr(NO_DIALOG_FOR_PICTURES)),
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

fn model_loaded(state: &mut State, result: Result<()>) -> Vec<Task> {
    match result {
        Ok(()) => set(&mut state.model.status, ModelStatus::Ready),
        Err(error) => {
            state.model.status = ModelStatus::Failed;
            failed(state, &error)
        }
    }
}

#[cfg(test)]
mod tests;
