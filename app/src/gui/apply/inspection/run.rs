//! Parts are judged: begun, as they come, at the end, and written as a report.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::anomaly::Inspector;
use sightline_core::engine::RunReport;
use sightline_core::{Problem, Result};

use super::{begun, fail, failed, no_references, review};
use crate::gui::inspect_command::{InspectErrand, InspectTask};
use crate::gui::state::{Decision, JudgedPart, Page, Parts, State};
use crate::gui::task::Task;
use crate::gui::translate::tr;

/// Judges these files and folders in place of what was judged before.
pub fn judge(state: &mut State, sources: Vec<PathBuf>) -> Vec<Task> {
    match begin(state, sources.clone()) {
        Ok((inspector, product)) => vec![Task::Inspect(InspectTask::Run(inspector, sources, product))],
        Err(tasks) => tasks,
    }
}

/// Judges what is in a folder and what comes into it, in place of what was judged before.
pub fn watch(state: &mut State, folder: PathBuf) -> Vec<Task> {
    match begin(state, vec![folder.clone()]) {
        Ok((inspector, product)) => {
            state.inspection.is_watching = true;
            vec![Task::Inspect(InspectTask::Watch(inspector, folder, product))]
        }
        Err(tasks) => tasks,
    }
}

/// The page is ready for other parts: who judges them, and by which product. Otherwise what is done instead.
fn begin(state: &mut State, sources: Vec<PathBuf>) -> std::result::Result<(Arc<Inspector>, String), Vec<Task>> {
    state.page = Page::Inspect;
    state.viewer = None;
    let inspection = &mut state.inspection;
    let Some(inspector) = inspection.inspector.clone() else {
        return Err(if inspection.is_learning() {
            fail(state, tr("the good parts are being learnt still; choose the parts again in a moment"))
        } else {
            no_references(state)
        });
    };
    let product = inspection.product.as_ref().map(|product| product.name().to_owned()).unwrap_or_default();
    inspection.sources = sources;
    inspection.is_watching = false;
    inspection.parts = Parts::of_filter(inspection.parts.filter);
    inspection.judged_by = inspection.product.as_ref().map(|product| product.version().number);
    inspection.large = None;
    inspection.is_paused = false;
    inspection.run = begun();
    state.error = None;
    Ok((inspector, product))
}

/// Judges the same parts with the product as it is now.
pub fn again(state: &mut State) -> Vec<Task> {
    let sources = state.inspection.sources.clone();
    match sources.first() {
        None => Vec::new(),
        Some(folder) if state.inspection.is_watching => watch(state, folder.clone()),
        Some(_) => judge(state, sources),
    }
}

/// Some more parts are there; the worst of the first ones is looked at.
pub fn judged(state: &mut State, parts: Vec<JudgedPart>, decisions: Vec<Decision>) -> Vec<Task> {
    let inspection = &mut state.inspection;
    let Some(calibration) = &inspection.calibration else { return Vec::new() };
    decisions.into_iter().for_each(|decision| inspection.decisions.recall(decision));
    let shown = inspection.large.as_ref().map(|large| large.path.clone());
    let is_replaced = shown.is_some_and(|shown| parts.iter().any(|part| part.result.path == shown));
    if inspection.is_watching {
        inspection.parts.replace(parts, calibration);
    } else {
        inspection.parts.add(parts, calibration);
    }
    match inspection.parts.cursor {
        None => review::step(state, 0),
        Some(row) if is_replaced => review::select(state, row),
        Some(_) => Vec::new(),
    }
}

/// Files that came into a watched folder could not be judged.
pub fn unreadable(state: &mut State, problems: Vec<Problem>) -> Vec<Task> {
    let known = &mut state.inspection.parts.problems;
    known.retain(|old| problems.iter().all(|new| new.path != old.path));
    known.extend(problems);
    Vec::new()
}

/// All parts are there, or the person ended it.
pub fn ended(state: &mut State, result: Result<RunReport>) -> Vec<Task> {
    state.inspection.run = None;
    state.inspection.is_paused = false;
    let report = match result {
        Ok(report) => report,
        Err(error) => return failed(state, &error),
    };
    if report.judged == 0 && report.problems.is_empty() {
        return fail(state, tr("there is no picture in it; choose a folder with pictures of parts"));
    }
    state.inspection.parts.problems = report.problems;
    let tasks = if state.inspection.parts.is_chosen_by_hand { Vec::new() } else { review::step(state, isize::MIN) };
    if report.has_drifted {
        state.notices.push(
            tr("Good parts no longer look as the references did: check light, focus and position, or add newer good parts.")
                .to_owned(),
        );
    }
    tasks
}

/// Writes the report of the parts into a new folder in `target`.
pub fn write_report(state: &mut State, target: PathBuf) -> Vec<Task> {
    let inspection = &mut state.inspection;
    let Some(product) = inspection.product.clone() else { return no_references(state) };
    if inspection.sources.is_empty() {
        return fail(state, tr("no parts were judged yet; choose the parts to judge first"));
    }
    inspection.writing = begun();
    let sources = inspection.sources.clone();
    vec![
        Task::Inspect(InspectTask::Stop(InspectErrand::Writing)),
        Task::Inspect(InspectTask::WriteReport(product, sources, target)),
    ]
}
