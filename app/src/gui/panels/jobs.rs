//! What goes on: indexing, the map, duplicates, downloads, copies; each with its phase, counts, speed and time left, and
//! ways to let it wait or end it.

use egui::{Frame, Margin, RichText, ScrollArea, Ui, vec2};
use sightline_core::jobs::Progress;

use super::{Cx, Panel, column_ui, last_indexing, page_ui, title_ui};
use crate::gui::command::{Command, Errand};
use crate::gui::state::{Indexing, Page, State};
use crate::gui::theme::{self, font, radius, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Jobs;

impl Panel for Jobs {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        page_ui(cx, Page::Jobs, ui, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| column_ui(ui, |ui| jobs_ui(cx, ui)));
        });
    }
}

fn jobs_ui(cx: &Cx<'_>, ui: &mut Ui) {
    title_ui(tr("Jobs"), ui);
    ui.add_space(space::S);
    if let Some(indexing) = &cx.state.indexing {
        indexing_ui(cx, indexing, ui);
    }
    for (errand, name, progress) in errands(cx.state) {
        errand_ui(cx, (errand, name), progress, ui);
    }
    rest_ui(cx.state, ui);
}

/// The errands that are under way.
fn errands(state: &State) -> Vec<(Errand, &'static str, Progress)> {
    let download = state.models.download.as_ref().map(|(_, progress)| *progress);
    let all = [
        (Errand::Map, tr("Map of the library"), state.map.progress),
        (Errand::Duplicates, tr("Looking for duplicates …"), state.duplicates.progress),
        (Errand::Download, tr("Download"), download),
        (Errand::Export, tr("Writing"), state.writing),
    ];
    all.into_iter().filter_map(|(errand, name, progress)| Some((errand, name, progress?))).collect()
}

fn card(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let fill = theme::tokens(ui).panel;
    let frame = Frame::new().fill(fill).corner_radius(radius::M).inner_margin(Margin::same(space::M as i8));
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        content(ui);
    });
    ui.add_space(space::S);
}

fn indexing_ui(cx: &Cx<'_>, indexing: &Indexing, ui: &mut Ui) {
    card(ui, |ui| {
        ui.horizontal(|ui| {
            let title = tr_with("Indexing {}", &[&indexing.subject]);
            ui.label(RichText::new(title).font(font::heading()).color(theme::tokens(ui).text));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if indexing.is_stopping {
                    widgets::spinner(ui);
                    return;
                }
                if widgets::button(ui, widgets::Kind::Quiet, icons::STOP, tr("Stop")).clicked() {
                    cx.send(Command::StopIndexing);
                }
                let (icon, label) = match indexing.is_paused {
                    true => (icons::PLAY, tr("Go on")),
                    false => (icons::PAUSE, tr("Pause")),
                };
                if widgets::button(ui, widgets::Kind::Quiet, icon, label).clicked() {
                    cx.send(Command::PauseIndexing(!indexing.is_paused));
                }
            });
        });
        bar_ui(tr("Indexing"), indexing.progress, ui);
        let mut facts = vec![counts(indexing.progress)];
        facts.extend(indexing.is_paused.then(|| tr("paused").to_owned()));
        facts.extend(indexing.rate_now().map(|rate| format!("{}/s", text::decimal(rate, 1))));
        facts.extend(indexing.seconds_left().map(text::time_left));
        let by_preview = cx.state.library.by_preview;
        facts.extend(
            (by_preview > 0).then(|| tr_with("{} found by their previews until then", &[&text::photos(by_preview)])),
        );
        facts_ui(&facts, ui);
    });
}

fn errand_ui(cx: &Cx<'_>, (errand, name): (Errand, &str), progress: Progress, ui: &mut Ui) {
    card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(name).font(font::heading()).color(theme::tokens(ui).text));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if widgets::button(ui, widgets::Kind::Quiet, icons::STOP, tr("Stop")).clicked() {
                    cx.send(Command::StopErrand(errand));
                }
            });
        });
        bar_ui(name, progress, ui);
        facts_ui(&[counts(progress)], ui);
    });
}

fn bar_ui(name: &str, progress: Progress, ui: &mut Ui) {
    let fraction = (progress.total > 0).then(|| (progress.done as f32 / progress.total as f32).min(1.0));
    let accent = theme::tokens(ui).accent;
    widgets::progress_bar(ui, name, fraction, accent, vec2(ui.available_width(), 5.0));
}

fn counts(progress: Progress) -> String {
    let counts = match progress.total {
        0 => text::count(progress.done),
        total => text::part(progress.done, total),
    };
    if progress.phase.is_empty() { counts } else { format!("{}: {counts}", tr(progress.phase)) }
}

fn facts_ui(facts: &[String], ui: &mut Ui) {
    let muted = theme::tokens(ui).muted;
    ui.label(RichText::new(facts.join(" · ")).font(font::small()).color(muted));
}

/// What waits, and what was done last.
fn rest_ui(state: &State, ui: &mut Ui) {
    let muted = theme::tokens(ui).muted;
    for folder in &state.waiting_folders {
        let waits = tr_with("{} waits for its turn", &[&text::name(folder)]);
        ui.label(RichText::new(waits).font(font::body()).color(muted));
    }
    if let Some(last) = &state.last_indexing {
        ui.label(RichText::new(last_indexing::summary(last)).font(font::body()).color(muted));
    }
    if state.indexing.is_none() && errands(state).is_empty() {
        ui.label(RichText::new(tr("Nothing goes on now.")).font(font::body()).color(muted));
    }
}
