//! Which photos are chosen, and the large view.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightline_core::Result;
use sightline_core::engine::Explanation;
use sightline_core::media;

use crate::gui::player::PlayTask;
use crate::gui::state::{Compared, Loaded, Motion, Picture, Selection, State, Viewer, Why, Zoom};
use crate::gui::task::Task;
use crate::gui::text;

/// One photo and no other; the large view follows.
pub fn select(state: &mut State, index: usize) -> Vec<Task> {
    let last = state.answer.hits.len().saturating_sub(1);
    state.selection = Selection::one(Some(index.min(last)));
    match &state.viewer {
        Some(viewer) => show_large(state, viewer.zoom),
        None => Vec::new(),
    }
}

/// Changes which photos are chosen, as far as they are there.
pub fn choose(state: &mut State, photos: &[usize], change: impl FnOnce(&mut Selection)) -> Vec<Task> {
    let count = state.answer.hits.len();
    if photos.iter().all(|photo| *photo < count) {
        change(&mut state.selection);
    }
    Vec::new()
}

/// Every photo of the answer.
pub fn select_all(state: &mut State) -> Vec<Task> {
    let cursor = state.selection.cursor();
    state.selection = Selection::one(cursor);
    state.selection.add(0..state.answer.hits.len());
    Vec::new()
}

/// Shows a photo large; it alone is chosen.
pub fn open_viewer(state: &mut State, index: usize) -> Vec<Task> {
    state.selection = Selection::one(Some(index));
    show_large(state, Zoom::Fit)
}

fn show_large(state: &mut State, zoom: Zoom) -> Vec<Task> {
    let Some(path) = state.selected().map(|entry| entry.path.clone()) else { return Vec::new() };
    let (picture, why) = (Loaded::Waiting, Why::default());
    state.viewer = Some(Viewer { path: path.clone(), zoom, turns: 0, picture, motion: None, why });
    let mut tasks = vec![Task::LoadPicture(path)];
    if state.is_explaining {
        tasks.extend(explain(state, true));
    }
    tasks
}

/// The large view takes only the picture that it shows.
pub fn picture_loaded(state: &mut State, path: PathBuf, result: Result<Picture>) -> Vec<Task> {
    let Some(viewer) = state.viewer.as_mut().filter(|viewer| viewer.path == path) else { return Vec::new() };
    viewer.picture = loaded(result);
    let moves = matches!(viewer.picture, Loaded::Ready(_)) && media::may_move(&path);
    let begin = PlayTask::Begin { path, is_paused: state.is_calm() };
    if moves { vec![Task::Play(begin)] } else { Vec::new() }
}

/// The next frame of the picture in the large view. One that is shown no longer plays no longer.
pub fn moved_on(state: &mut State, path: &Path, frame: Arc<egui::ColorImage>) -> Vec<Task> {
    let is_calm = state.is_calm();
    let shown = state.viewer.as_mut().filter(|viewer| viewer.path == path);
    let Some(viewer) = shown else { return vec![Task::Play(PlayTask::Stop)] };
    let is_paused = viewer.motion.as_ref().map_or(is_calm, |motion| motion.is_paused);
    viewer.motion = Some(Motion { frame, is_paused });
    Vec::new()
}

/// Lets the picture in the large view move, or stand still.
pub fn play(state: &mut State, is_moving: bool) -> Vec<Task> {
    let Some(motion) = state.viewer.as_mut().and_then(|viewer| viewer.motion.as_mut()) else { return Vec::new() };
    motion.is_paused = !is_moving;
    vec![Task::Play(PlayTask::Pause(!is_moving))]
}

/// Changes how the large view shows its photo.
pub fn change_view(state: &mut State, change: impl FnOnce(&mut Viewer)) -> Vec<Task> {
    if let Some(viewer) = &mut state.viewer {
        change(viewer);
    }
    Vec::new()
}

/// Says why the photo in the large view matches the query, or stops saying so.
pub fn explain(state: &mut State, is_wanted: bool) -> Vec<Task> {
    let chip = state.query.request(None).chips.into_iter().next();
    let Some((viewer, chip)) = state.viewer.as_mut().zip(chip).filter(|_| is_wanted) else {
        state.is_explaining = false;
        if let Some(viewer) = &mut state.viewer {
            viewer.why = Why::Unasked;
        }
        return Vec::new();
    };
    state.is_explaining = true;
    viewer.why = Why::Waiting;
    vec![Task::Explain(viewer.path.clone(), chip)]
}

/// The reasons are shown on the photo that they are of.
pub fn explained(state: &mut State, path: &Path, result: Result<Explanation>) -> Vec<Task> {
    if let Some(viewer) = state.viewer.as_mut().filter(|viewer| viewer.path == path) {
        viewer.why = match result {
            Ok(explanation) => Why::Ready(Arc::new(explanation)),
            Err(error) => Why::Failed(text::sentence(&error.to_string())),
        };
    }
    Vec::new()
}

/// So many photos are shown side by side.
pub const SIDE_BY_SIDE: usize = 4;

/// Shows the chosen photos side by side, up to four of them, or no longer.
pub fn compare(state: &mut State, is_wanted: bool) -> Vec<Task> {
    let files: Vec<PathBuf> = state.chosen_files().into_iter().take(SIDE_BY_SIDE).collect();
    if !is_wanted || files.len() < 2 {
        state.compared = None;
        return Vec::new();
    }
    state.viewer = None;
    let waiting = |path: &PathBuf| Compared { path: path.clone(), picture: Loaded::Waiting };
    state.compared = Some(files.iter().map(waiting).collect());
    files.into_iter().map(Task::LoadCompared).collect()
}

/// A picture for the view of several.
pub fn compared(state: &mut State, path: &Path, result: Result<Picture>) -> Vec<Task> {
    let mut shown = state.compared.iter_mut().flatten();
    if let Some(compared) = shown.find(|compared| compared.path == path) {
        compared.picture = loaded(result);
    }
    Vec::new()
}

fn loaded(result: Result<Picture>) -> Loaded {
    match result {
        Ok(picture) => Loaded::Ready(Arc::new(picture)),
        Err(error) => Loaded::Failed(text::sentence(&error.to_string())),
    }
}
