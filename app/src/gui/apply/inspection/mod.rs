//! The inspection page: commands and findings → its state, and the work that follows.

use sightline_core::Result;
use sightline_core::jobs::{Progress, Ticker};

use super::{fail, failed, set};
use crate::gui::inspect_command::{Chosen, HeatEdit, InspectCommand, InspectErrand, InspectFinding, InspectTask};
use crate::gui::state::{Inspection, State, Wanted};
use crate::gui::task::Task;
use crate::gui::translate::{tr, tr_with};

mod product;
mod review;
mod run;

/// Does what `command` says, and names the work that follows from it.
pub fn apply(state: &mut State, command: InspectCommand) -> Vec<Task> {
    match command {
        InspectCommand::Choose(wanted) => vec![Task::Inspect(InspectTask::Choose(wanted))],
        InspectCommand::AskForPath(wanted) => set(&mut state.inspection.asked_path, wanted),
        InspectCommand::Bring(wanted, paths) => bring(state, wanted, paths),
        InspectCommand::Drop(paths) => dropped(state, paths),
        InspectCommand::BeginProduct => product::begin(state),
        InspectCommand::OpenProduct(folder) => product::open(state, folder),
        InspectCommand::Change(change) => product::change(state, change),
        InspectCommand::ExportProduct => vec![Task::Inspect(InspectTask::Choose(Wanted::ExportFolder))],
        InspectCommand::WriteReport => vec![Task::Inspect(InspectTask::Choose(Wanted::ReportFolder))],
        InspectCommand::TeachAgain => product::teach(state),
        InspectCommand::Stop(errand) => {
            went_on(&mut state.inspection, errand, None);
            vec![Task::Inspect(InspectTask::Stop(errand))]
        }
        InspectCommand::Pause(is_paused) => {
            state.inspection.is_paused = is_paused;
            vec![Task::Inspect(InspectTask::Pause(is_paused))]
        }
        InspectCommand::JudgeAgain => run::again(state),

        InspectCommand::Select(row) => {
            state.inspection.parts.is_chosen_by_hand = true;
            review::select(state, row)
        }
        InspectCommand::Step(step) => {
            state.inspection.parts.is_chosen_by_hand = true;
            review::step(state, step)
        }
        InspectCommand::Filter(verdict) => review::filter(state, verdict),
        InspectCommand::MoveThreshold(limit, score) => review::move_threshold(state, limit, score),
        InspectCommand::KeepThresholds => product::keep_thresholds(state),
        InspectCommand::ResetThresholds => review::reset_thresholds(state),
        InspectCommand::Decide(ruling, at) => review::decide(state, ruling, at),
        InspectCommand::UndoDecision => review::undo(state),
        InspectCommand::SetOperator(name) => set(&mut state.inspection.operator, name),
        InspectCommand::SetReason(reason) => set(&mut state.inspection.reason, reason),
        InspectCommand::Heat(edit) => heat(&mut state.inspection, edit),
        InspectCommand::ShowBeside(beside) => set(&mut state.inspection.beside, beside),
    }
}

/// What work of the page has found.
pub fn found(state: &mut State, finding: InspectFinding) -> Vec<Task> {
    match finding {
        InspectFinding::Chosen(wanted, Chosen::Paths(paths)) => bring(state, wanted, paths),
        InspectFinding::Chosen(_, Chosen::Nothing) => Vec::new(),
        InspectFinding::Chosen(wanted, Chosen::NoDialog) => set(&mut state.inspection.asked_path, Some(wanted)),
        InspectFinding::Products(result) => product::listed(state, result),
        InspectFinding::Changed(result) => product::changed(state, result),
        InspectFinding::Progress(errand, progress) => went_on(&mut state.inspection, errand, progress),
        InspectFinding::Taught(result) => product::taught(state, result),
        InspectFinding::Kept(result) => product::kept(state, result),
        InspectFinding::Judged(parts, decisions) => run::judged(state, parts, decisions),
        InspectFinding::Unreadable(problems) => run::unreadable(state, problems),
        InspectFinding::RunEnded(result) => run::ended(state, result),
        InspectFinding::Picture(path, result) => review::picture_loaded(state, &path, result),
        InspectFinding::Map(path, result) => review::map_made(state, &path, result),
        InspectFinding::Nearest(path, result) => review::nearest_found(state, &path, result),
        InspectFinding::Recorded(result) => result.map_or_else(|error| failed(state, &error), |()| Vec::new()),
        InspectFinding::Written(result) => written(state, result),
    }
}

/// Files or folders for what is wanted.
fn bring(state: &mut State, wanted: Wanted, paths: Vec<std::path::PathBuf>) -> Vec<Task> {
    state.inspection.asked_path = None;
    let Some(first) = paths.first().cloned() else { return Vec::new() };
    match wanted {
        Wanted::GoodFiles | Wanted::GoodFolder => product::add_good(state, paths),
        Wanted::OkFolder => product::add_ok(state, paths),
        Wanted::PartFiles | Wanted::PartFolder => run::judge(state, paths),
        Wanted::CameraFolder => run::watch(state, first),
        Wanted::ProductFile => product::import(state, first),
        Wanted::AuditFolder => product::export_audit(state, first),
        Wanted::ReportFolder => run::write_report(state, first),
        Wanted::ExportFolder => product::export(state, first),
    }
}

/// What falls onto the page: a product's file, good parts while there are none, else parts to judge.
fn dropped(state: &mut State, paths: Vec<std::path::PathBuf>) -> Vec<Task> {
    let is_zip = |path: &std::path::PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    let wanted = match () {
        () if paths.first().is_some_and(is_zip) => Wanted::ProductFile,
        () if state.inspection.references() == 0 => Wanted::GoodFiles,
        () => Wanted::PartFiles,
    };
    bring(state, wanted, paths)
}

fn went_on(inspection: &mut Inspection, errand: InspectErrand, progress: Option<Progress>) -> Vec<Task> {
    match errand {
        InspectErrand::Teaching => inspection.teaching = progress,
        InspectErrand::Run => inspection.run = progress,
        InspectErrand::Writing => inspection.writing = progress,
    }
    Vec::new()
}

/// Work that begins now: it is under way at once, so that it is not started twice.
fn begun() -> Option<Progress> {
    Some(Ticker::silent().progress())
}

fn written(state: &mut State, result: Result<std::path::PathBuf>) -> Vec<Task> {
    state.inspection.writing = None;
    match result {
        Ok(path) => {
            set(&mut state.done, Some(tr_with("Written: {}", &[&path.display().to_string()])));
            let is_report = path.extension().is_some_and(|ending| ending == "html");
            if is_report { vec![Task::OpenOutside(path)] } else { Vec::new() }
        }
        Err(error) => failed(state, &error),
    }
}

fn heat(inspection: &mut Inspection, edit: HeatEdit) -> Vec<Task> {
    let heat = &mut inspection.heat;
    match edit {
        HeatEdit::Toggle => heat.is_shown = !heat.is_shown,
        HeatEdit::ToggleOutlines => heat.has_outlines = !heat.has_outlines,
        HeatEdit::ToggleBoxes => heat.has_boxes = !heat.has_boxes,
        HeatEdit::Opacity(opacity) => heat.opacity = opacity.clamp(0.0, 1.0),
        HeatEdit::MoreOpacity(more) => heat.opacity = (heat.opacity + more).clamp(0.0, 1.0),
        HeatEdit::Floor(floor) => heat.floor = Some(floor.max(0.0)),
        HeatEdit::Colours(table) => heat.table = table,
    }
    Vec::new()
}

/// What is asked for before there are good parts.
fn no_references(state: &mut State) -> Vec<Task> {
    fail(state, tr("there are no good parts to compare with; bring some pictures of good parts first"))
}
