//! The pages beside the photos: filters, the map, duplicates, models, problems; and what is written or thrown away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightline_core::Result;
use sightline_core::engine::{DuplicatesReport, ExportReport, LiveMap, MapReport, ModelRow, Precision, TrashReport};
use sightline_core::jobs::{Progress, Ticker};
use sightline_core::search::Filter;

use super::{fail, failed, set};
use crate::gui::command::{Errand, ExportKind, ModelCommand};
use crate::gui::finding::Choice;
use crate::gui::inspect_command::InspectTask;
use crate::gui::long_work::{LongTask, Shown};
use crate::gui::state::{Model, ModelStatus, Page, State};
use crate::gui::task::Task;
use crate::gui::text;
use crate::gui::translate::{tr, tr_with};

/// Another page in the middle of the window, with what it needs to show anything.
pub fn open(state: &mut State, page: Page) -> Vec<Task> {
    state.page = page;
    state.viewer = None;
    state.is_sidebar_open = false;
    match page {
        Page::Map if state.map.report.is_none() && state.map.progress.is_none() => begin(state, LongTask::Map),
        Page::Duplicates if state.duplicates.report.is_none() && state.duplicates.progress.is_none() => {
            begin(state, LongTask::Duplicates)
        }
        Page::Models => vec![Task::ReadModels],
        Page::Inspect => vec![Task::Inspect(InspectTask::ReadProducts)],
        _ => Vec::new(),
    }
}

/// Starts an errand; it is under way at once, so that it is not started twice.
pub fn begin(state: &mut State, task: LongTask) -> Vec<Task> {
    progress(state, task.errand(), Some(Ticker::silent().progress()));
    vec![Task::Long(task)]
}

/// Shows or hides the filters. What they can be set to is counted anew.
pub fn open_filters(state: &mut State, is_open: bool) -> Vec<Task> {
    state.filters.is_open = is_open;
    if is_open { vec![Task::ReadFacets(Filter::default())] } else { Vec::new() }
}

/// How far an errand is.
pub fn progress(state: &mut State, errand: Errand, progress: Option<Progress>) -> Vec<Task> {
    match errand {
        Errand::Map => state.map.progress = progress,
        Errand::Duplicates => state.duplicates.progress = progress,
        Errand::Download => match progress {
            Some(progress) => state.models.download.iter_mut().for_each(|(_, shown)| *shown = progress),
            None => state.models.download = None,
        },
        Errand::Measure if progress.is_none() => state.models.measuring = None,
        Errand::Measure => {}
        Errand::Precisions => state.models.comparing = progress,
        Errand::Export | Errand::Trash => state.writing = progress,
    }
    Vec::new()
}

/// Ends an errand.
pub fn stop(state: &mut State, errand: Errand) -> Vec<Task> {
    progress(state, errand, None);
    if errand == Errand::Map {
        state.map.live = None;
    }
    vec![Task::StopErrand(errand)]
}

/// A first map is shown, and made better meanwhile.
pub fn map_drawn(state: &mut State, report: Arc<MapReport>) -> Vec<Task> {
    let live: LiveMap = Arc::new(arc_swap::ArcSwap::new(Arc::clone(&report.map)));
    state.map.report = Some(Arc::clone(&report));
    state.map.live = Some(Arc::clone(&live));
    begin(state, LongTask::RefineMap(Shown(report), Shown(live)))
}

/// The map is as good as it gets.
pub fn map_refined(state: &mut State, report: Arc<MapReport>) -> Vec<Task> {
    state.map.live = None;
    set(&mut state.map.report, Some(report))
}

/// Groups of photos that are nearly the same. Files with the same bytes as the best one of their group are chosen to
/// go; of the others nothing is: that is the person's to say.
pub fn duplicates_found(state: &mut State, report: Arc<DuplicatesReport>) -> Vec<Task> {
    use sightline_core::search::Likeness;
    let others = report.groups.iter().flat_map(|group| group.members.iter().skip(1));
    let others = others.filter(|member| member.likeness == Likeness::Exact);
    let path = |entry: u32| report.snapshot.entries.get(entry as usize).map(|entry| entry.path.clone());
    state.duplicates.chosen = others.filter_map(|member| path(member.entry)).collect();
    set(&mut state.duplicates.report, Some(report))
}

/// Lets a file go, or stay.
pub fn toggle_duplicate(state: &mut State, path: PathBuf) -> Vec<Task> {
    let chosen: &mut BTreeSet<PathBuf> = &mut state.duplicates.chosen;
    if !chosen.remove(&path) {
        chosen.insert(path);
    }
    Vec::new()
}

/// Moves files to the trash: the person has agreed.
pub fn trash(state: &mut State, files: Vec<PathBuf>) -> Vec<Task> {
    state.question = None;
    begin(state, LongTask::Trash(files))
}

/// Files are in the trash. What is there to be found is asked anew.
pub fn trashed(state: &mut State, report: &TrashReport) -> Vec<Task> {
    let count = text::files(report.trashed.len());
    state.done = Some(tr_with("{} moved to the trash", &[&count]));
    state.notices.extend(report.failed.iter().map(|problem| text::sentence(&problem.reason)));
    for path in &report.trashed {
        state.duplicates.chosen.remove(path);
    }
    if state.page == Page::Duplicates { begin(state, LongTask::Duplicates) } else { Vec::new() }
}

/// The person chose where to write.
pub fn export_chosen(state: &mut State, kind: ExportKind, choice: Choice) -> Vec<Task> {
    let folder = match choice {
        Choice::Path(folder) => folder,
        Choice::Nothing => return Vec::new(),
        Choice::NoDialog => {
            return fail(state, tr("this desktop has no dialog to choose a folder with; install zenity"));
        }
    };
    let photos = state.selection.photos();
    let Some(snapshot) = state.answer.snapshot.clone() else { return Vec::new() };
    let entries: Vec<u32> = photos.iter().filter_map(|photo| Some(state.answer.hits.get(*photo)?.entry)).collect();
    let file = |entry: &u32| snapshot.entries.get(*entry as usize).map(|entry| entry.path.clone());
    let task = match kind {
        ExportKind::Copies => LongTask::Copy(entries.iter().filter_map(file).collect(), folder),
        ExportKind::Problems => LongTask::Problems(folder.join("sightline-problems.csv")),
        ExportKind::Sheet => LongTask::Sheet(Shown(snapshot), entries, folder.join("contact-sheet.png")),
    };
    begin(state, task)
}

/// Copies were written.
pub fn exported(state: &mut State, report: &ExportReport) -> Vec<Task> {
    state.done = Some(tr_with("{} copied", &[&text::files(report.copied.len())]));
    state.notices.extend(report.failed.iter().map(|problem| text::sentence(&problem.reason)));
    Vec::new()
}

/// A sheet or a table was written.
pub fn sheet_written(state: &mut State, path: &Path) -> Vec<Task> {
    set(&mut state.done, Some(tr_with("Written: {}", &[&path.display().to_string()])))
}

/// Which models there are.
pub fn models_read(state: &mut State, result: Result<Vec<ModelRow>>) -> Vec<Task> {
    match result {
        Ok(rows) => set(&mut state.models.rows, Some(Arc::new(rows))),
        Err(error) => failed(state, &error),
    }
}

/// What is asked of models.
pub fn model(state: &mut State, command: ModelCommand) -> Vec<Task> {
    match command {
        ModelCommand::Fetch(id) => download(state, id),
        ModelCommand::Use(id) => vec![Task::UseModel(id)],
        ModelCommand::Measure(id) => measure(state, id),
        ModelCommand::ComparePrecisions => begin(state, LongTask::ComparePrecisions),
        ModelCommand::UsePrecision(precision) => vec![Task::UsePrecision(precision)],
    }
}

/// Fetches a model: the person asked for it.
fn download(state: &mut State, id: String) -> Vec<Task> {
    let task = LongTask::Download(id.clone());
    state.models.download = Some((id, Ticker::silent().progress()));
    vec![Task::Long(task)]
}

/// Measures how fast a model is.
fn measure(state: &mut State, id: String) -> Vec<Task> {
    state.models.measuring = Some(id.clone());
    vec![Task::Long(LongTask::Measure(id))]
}

/// Another model is searched with, or the same one in another precision: it is loaded, and what it has not seen yet is
/// indexed.
pub fn model_used(state: &mut State, result: Result<(String, Precision)>) -> Vec<Task> {
    match result {
        Ok((name, precision)) => {
            state.model = Model { name, precision, status: ModelStatus::Loading };
            state.models.precisions = None;
            // What is being compared is the model that was in use before.
            let mut tasks = stop(state, Errand::Precisions);
            tasks.extend([Task::LoadModel, Task::ReadModels]);
            tasks.extend(super::library::folders_changed(state));
            tasks
        }
        Err(error) => failed(state, &error),
    }
}

/// Why a file is not in the library.
pub fn absence(state: &mut State, path: PathBuf, result: Result<String>) -> Vec<Task> {
    match result {
        Ok(reason) => set(&mut state.absence, Some((path, text::sentence(&reason)))),
        Err(error) => set(&mut state.absence, Some((path, text::sentence(&error.to_string())))),
    }
}
