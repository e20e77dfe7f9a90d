//! The product: its good parts, its versions, what it was taught.

use std::path::PathBuf;

use sightline_core::anomaly::product::{Product, ProductRow, Role};
use sightline_core::{Problem, Result};

use super::{begun, failed, no_references};
use crate::gui::inspect_command::{InspectTask, ProductChange, Taught};
use crate::gui::state::{Inspection, Page, State};
use crate::gui::task::Task;
use crate::gui::translate::tr;

/// The page without a product: another one is begun.
pub fn begin(state: &mut State) -> Vec<Task> {
    let mut tasks = stopped(&state.inspection);
    let before = std::mem::take(&mut state.inspection);
    // What was said of parts is in the audit log, and recalled with them.
    let Inspection { products, heat, beside, operator, .. } = before;
    state.inspection = Inspection { products, heat, beside, operator, ..Inspection::default() };
    tasks.push(Task::Inspect(InspectTask::ReadProducts));
    tasks
}

/// Goes on with another product.
pub fn open(state: &mut State, name: String) -> Vec<Task> {
    state.page = Page::Inspect;
    state.viewer = None;
    let mut tasks = begin(state);
    state.inspection.is_changing = true;
    tasks.push(Task::Inspect(InspectTask::OpenProduct(name)));
    tasks
}

/// The products are listed; what is wrong with a folder is said, and hides no other.
pub fn listed(state: &mut State, result: Result<(Vec<ProductRow>, Vec<Problem>)>) -> Vec<Task> {
    match result {
        Ok((rows, problems)) => {
            state.inspection.products = Some(rows);
            let notice = |problem: &Problem| format!("{}: {}", problem.path.display(), problem.reason);
            let known = std::mem::take(&mut state.notices);
            let new = problems.iter().map(notice).filter(|notice| !known.contains(notice)).collect::<Vec<_>>();
            state.notices = [known, new].concat();
            Vec::new()
        }
        Err(error) => failed(state, &error),
    }
}

/// A product from its file.
pub fn import(state: &mut State, zip: PathBuf) -> Vec<Task> {
    let mut tasks = begin(state);
    state.inspection.is_changing = true;
    tasks.push(Task::Inspect(InspectTask::ImportProduct(zip)));
    tasks
}

/// Writes the product as one file.
pub fn export(state: &mut State, target: PathBuf) -> Vec<Task> {
    let Some(product) = state.inspection.product.clone() else { return no_references(state) };
    state.inspection.writing = begun();
    vec![Task::Inspect(InspectTask::ExportProduct(product, target))]
}

/// Writes what people decided about the product's parts.
pub fn export_audit(state: &mut State, target: PathBuf) -> Vec<Task> {
    let Some(product) = &state.inspection.product else { return no_references(state) };
    let name = product.name().to_owned();
    state.inspection.writing = begun();
    vec![Task::Inspect(InspectTask::ExportAudit(name, target))]
}

/// Good parts that are learnt: the first ones make a product.
pub fn add_good(state: &mut State, paths: Vec<PathBuf>) -> Vec<Task> {
    state.page = Page::Inspect;
    state.viewer = None;
    if state.inspection.product.is_some() {
        return change(state, ProductChange::Add(paths, Role::Normal));
    }
    if state.inspection.is_changing {
        return Vec::new();
    }
    state.inspection.is_changing = true;
    state.error = None;
    vec![Task::Inspect(InspectTask::CreateProduct(paths))]
}

/// Good parts that set the thresholds only.
pub fn add_ok(state: &mut State, paths: Vec<PathBuf>) -> Vec<Task> {
    change(state, ProductChange::Add(paths, Role::Ok))
}

/// Another version. One at a time: the next one is made from what this one becomes.
pub fn change(state: &mut State, change: ProductChange) -> Vec<Task> {
    let Some(product) = state.inspection.product.clone() else { return no_references(state) };
    if state.inspection.is_changing {
        state.notices.push(tr("The product is being changed still; try again in a moment.").to_owned());
        return Vec::new();
    }
    state.inspection.is_changing = true;
    state.error = None;
    vec![Task::Inspect(InspectTask::Change(product, change))]
}

/// Learns the product as it is: the teaching was ended.
pub fn teach(state: &mut State) -> Vec<Task> {
    match state.inspection.product.clone() {
        Some(product) => changed(state, Ok(product)),
        None => no_references(state),
    }
}

/// The product has another version, or is another one: it is learnt.
pub fn changed(state: &mut State, result: Result<Product>) -> Vec<Task> {
    state.inspection.is_changing = false;
    let product = match result {
        Ok(product) => product,
        Err(error) => return failed(state, &error),
    };
    let inspection = &mut state.inspection;
    inspection.product = Some(product.clone());
    inspection.problems.clear();
    let read = Task::Inspect(InspectTask::ReadProducts);
    if inspection.references() == 0 {
        (inspection.inspector, inspection.calibration, inspection.teaching) = (None, None, None);
        return vec![read];
    }
    inspection.teaching = begun();
    vec![read, Task::Inspect(InspectTask::Teach(product))]
}

/// The product was learnt: parts that are there are judged by its thresholds, and the shown one is looked at anew.
pub fn taught(state: &mut State, result: Result<Box<Taught>>) -> Vec<Task> {
    state.inspection.teaching = None;
    let Taught { product, inspector, problems, escapes } = match result {
        Ok(taught) => *taught,
        Err(error) => return failed(state, &error),
    };
    let inspection = &mut state.inspection;
    // The product's own names the good parts as the person does, not by their hashes.
    let calibration = product.version().calibration.clone().unwrap_or_else(|| inspector.calibration().clone());
    inspection.parts.judge_again(&calibration);
    (inspection.problems, inspection.escapes) = (problems, escapes);
    (inspection.product, inspection.calibration) = (Some(product), Some(calibration));
    inspection.inspector = Some(inspector);
    Vec::new()
}

/// The thresholds as they are now belong to the product.
pub fn keep_thresholds(state: &mut State) -> Vec<Task> {
    let inspection = &state.inspection;
    let all = inspection.product.clone().zip(inspection.inspector.clone()).zip(inspection.calibration.clone());
    let Some(((product, inspector), calibration)) = all.filter(|_| !inspection.is_learning()) else {
        return Vec::new();
    };
    vec![Task::Inspect(InspectTask::KeepThresholds(product, inspector, calibration))]
}

/// They do, unless another version has come meanwhile.
pub fn kept(state: &mut State, result: Result<Product>) -> Vec<Task> {
    match result {
        Ok(product) => {
            let inspection = &mut state.inspection;
            let is_same = |now: &Product| now.version().number == product.version().number;
            if !inspection.is_learning() && inspection.product.as_ref().is_some_and(is_same) {
                inspection.product = Some(product);
            }
            Vec::new()
        }
        Err(error) => failed(state, &error),
    }
}

/// What goes on for the product that is left.
fn stopped(inspection: &Inspection) -> Vec<Task> {
    use crate::gui::inspect_command::InspectErrand::{Run, Teaching};
    let stop = |errand| Task::Inspect(InspectTask::Stop(errand));
    let mut tasks = Vec::new();
    tasks.extend(inspection.teaching.map(|_| stop(Teaching)));
    tasks.extend(inspection.run.map(|_| stop(Run)));
    tasks
}
