//! One part after the other: which is shown, thresholds, and what the person says.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sightline_core::anomaly::{Calibration, Verdict};
use sightline_core::{Error, Result};

use super::{fail, product};
use crate::gui::inspect_command::InspectTask;
use crate::gui::state::{Decision, LargePart, Limit, Loaded, Nearest, PartMap, Picture, Ruling, State, moved};
use crate::gui::task::Task;
use crate::gui::text;
use crate::gui::translate::tr;

/// Shows this part.
pub fn select(state: &mut State, row: usize) -> Vec<Task> {
    let inspection = &mut state.inspection;
    let Some(part) = inspection.parts.rows.get(row) else { return Vec::new() };
    let Some(inspector) = inspection.inspector.clone() else { return Vec::new() };
    let (path, judgement) = (part.path.clone(), part.judgement.clone());
    inspection.parts.cursor = Some(row);
    inspection.reason.clear();
    inspection.large = Some(LargePart::waiting(path.clone()));
    vec![Task::Inspect(InspectTask::Look(inspector, path, judgement))]
}

/// Shows a part so many places further down the list.
pub fn step(state: &mut State, step: isize) -> Vec<Task> {
    let parts = &state.inspection.parts;
    match parts.beside(step) {
        Some(row) if parts.cursor != Some(row) => select(state, row),
        _ => Vec::new(),
    }
}

/// Only parts of this verdict; the first of them is shown if the shown one is none of them.
pub fn filter(state: &mut State, verdict: Option<Verdict>) -> Vec<Task> {
    let parts = &mut state.inspection.parts;
    parts.show(verdict);
    if parts.place().is_some() { Vec::new() } else { step(state, 0) }
}

/// Moves a threshold: all parts are judged again at once.
pub fn move_threshold(state: &mut State, limit: Limit, score: f32) -> Vec<Task> {
    let Some(before) = &state.inspection.calibration else { return Vec::new() };
    let after = moved(before, limit, score);
    use_thresholds(state, after)
}

/// The thresholds that the good parts make.
pub fn reset_thresholds(state: &mut State) -> Vec<Task> {
    let inspection = &state.inspection;
    let Some((before, inspector)) = inspection.calibration.as_ref().zip(inspection.inspector.as_ref()) else {
        return Vec::new();
    };
    match Calibration::of(before.ok.clone(), before.basis, inspector.settings()) {
        Some(after) => {
            use_thresholds(state, after);
            product::keep_thresholds(state)
        }
        None => Vec::new(),
    }
}

fn use_thresholds(state: &mut State, calibration: Calibration) -> Vec<Task> {
    state.inspection.parts.judge_again(&calibration);
    state.inspection.calibration = Some(calibration);
    Vec::new()
}

/// The person's own verdict on the shown part; the next one is shown.
pub fn decide(state: &mut State, ruling: Ruling, at: Timestamp) -> Vec<Task> {
    let inspection = &mut state.inspection;
    let Some(part) = inspection.parts.chosen() else { return Vec::new() };
    let Some(hash) = part.hash else {
        return fail(state, tr("the part's file could not be read once more; judge the parts again"));
    };
    let product = inspection.product.as_ref();
    let decision = Decision {
        path: part.path.clone(),
        hash,
        ruling: Some(ruling),
        score: part.score,
        verdict: part.verdict,
        product: product.map(|product| product.name().to_owned()).unwrap_or_default(),
        version: inspection.judged_by.unwrap_or_default(),
        model: inspection.inspector.as_ref().map(|inspector| inspector.model().to_string()).unwrap_or_default(),
        threshold: inspection.calibration.as_ref().map_or(0.0, |calibration| calibration.review.score),
        operator: inspection.operator.clone(),
        reason: std::mem::take(&mut inspection.reason),
        at,
    };
    inspection.decisions.make(decision.clone());
    let mut tasks = vec![Task::RememberOperator(decision.operator.clone())];
    tasks.push(Task::Inspect(InspectTask::Record(decision)));
    tasks.extend(step(state, 1));
    tasks
}

/// Takes the last such verdict back, and shows its part.
pub fn undo(state: &mut State) -> Vec<Task> {
    let Some(path) = state.inspection.decisions.undo() else { return Vec::new() };
    let mut tasks = Vec::new();
    // What was taken back is one more entry.
    tasks.extend(state.inspection.decisions.all().last().cloned().map(|undo| Task::Inspect(InspectTask::Record(undo))));
    let row = state.inspection.parts.rows.iter().position(|part| part.path == path);
    if let Some(row) = row.filter(|row| state.inspection.parts.cursor != Some(*row)) {
        tasks.extend(select(state, row));
    }
    tasks
}

/// The large view, while it still shows this part.
fn large<'a>(state: &'a mut State, path: &Path) -> Option<&'a mut LargePart> {
    state.inspection.large.as_mut().filter(|large| large.path == path)
}

pub fn picture_loaded(state: &mut State, path: &Path, result: Result<Arc<Picture>>) -> Vec<Task> {
    if let Some(large) = large(state, path) {
        large.picture = match result {
            Ok(picture) => Loaded::Ready(picture),
            Err(error) => Loaded::Failed(text::sentence(&error.to_string())),
        };
    }
    Vec::new()
}

pub fn map_made(state: &mut State, path: &Path, result: Result<Arc<PartMap>>) -> Vec<Task> {
    if let Some(large) = large(state, path) {
        match result {
            Ok(map) => (large.map, large.map_error) = (Some(map), None),
            Err(error) => large.map_error = Some(text::sentence(&error.to_string())),
        }
    }
    Vec::new()
}

pub fn nearest_found(state: &mut State, path: &Path, result: Result<Option<Nearest>>) -> Vec<Task> {
    match (result, large(state, path)) {
        (Ok(nearest), Some(large)) => large.nearest = nearest,
        (Err(error), Some(_)) if !matches!(error, Error::Cancelled) => return super::failed(state, &error),
        _ => {}
    }
    Vec::new()
}
