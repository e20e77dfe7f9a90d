//! Parts are judged: begun, as they come, at the end, and written as a report.

use std::path::PathBuf;

use sightline_core::Result;
use sightline_core::engine::{PartResult, RunReport};

use super::{begun, fail, failed, no_references, review};
use crate::gui::inspect_command::{InspectErrand, InspectTask};
use crate::gui::state::{Page, Parts, State};
use crate::gui::task::Task;
use crate::gui::translate::tr;

/// Judges these files and folders in place of what was judged before.
pub fn judge(state: &mut State, sources: Vec<PathBuf>) -> Vec<Task> {
    state.page = Page::Inspect;
    state.viewer = None;
    let inspection = &mut state.inspection;
    let Some(inspector) = inspection.inspector.clone() else {
        return if inspection.is_learning() {
            fail(state, tr("the good parts are being learnt still; choose the parts again in a moment"))
        } else {
            no_references(state)
        };
    };
    inspection.sources.clone_from(&sources);
    inspection.parts = Parts::of_filter(inspection.parts.filter);
    inspection.judged_by = inspection.product.as_ref().map(|product| product.version().number);
    inspection.large = None;
    inspection.is_paused = false;
    inspection.run = begun();
    state.error = None;
    vec![Task::Inspect(InspectTask::Run(inspector, sources))]
}

/// Judges the same parts with the product as it is now.
pub fn again(state: &mut State) -> Vec<Task> {
    let sources = state.inspection.sources.clone();
    if sources.is_empty() { Vec::new() } else { judge(state, sources) }
}

/// Some more parts are there; the worst of the first ones is looked at.
pub fn judged(state: &mut State, parts: Vec<PartResult>) -> Vec<Task> {
    let inspection = &mut state.inspection;
    let Some(calibration) = &inspection.calibration else { return Vec::new() };
    inspection.parts.add(parts, calibration);
    match inspection.parts.cursor {
        None => review::step(state, 0),
        Some(_) => Vec::new(),
    }
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
