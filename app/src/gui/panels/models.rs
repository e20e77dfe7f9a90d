//! Models: the one in use, those on this machine, those that can be had; each with its size, its licence and what it is
//! good at. Nothing is fetched before the person asks for it.

use egui::{Frame, Margin, RichText, ScrollArea, Ui, vec2};
use sightline_core::engine::{ModelRow, ModelState};
use sightline_core::models::Quality;

use super::precision::precision_ui;
use super::{Cx, Panel, column_ui, page_ui, title_ui};
use crate::gui::command::{Command, Errand, ModelCommand};
use crate::gui::state::{Page, State};
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::{tr, tr_data, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Models;

impl Panel for Models {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        page_ui(cx, Page::Models, ui, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| column_ui(ui, |ui| models_ui(cx, ui)));
        });
    }
}

fn models_ui(cx: &Cx<'_>, ui: &mut Ui) {
    title_ui(tr("Models"), ui);
    let what = tr(
        "A model looks at every photo once. Another one makes an index of its own beside the old one, which stays until \
         you remove it. A model is fetched from the hub only when you ask for it, and never by itself.",
    );
    ui.add(egui::Label::new(RichText::new(what).font(font::body()).color(theme::tokens(ui).muted)).wrap());
    ui.add_space(space::S);
    match &cx.state.models.rows {
        Some(rows) => rows.iter().for_each(|row| row_ui(cx, row, ui)),
        None => {
            widgets::spinner(ui);
        }
    }
}

fn row_ui(cx: &Cx<'_>, row: &ModelRow, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let is_used = row.id == cx.state.model.name;
    let frame = Frame::new().fill(tokens.panel).corner_radius(radius::M).inner_margin(Margin::same(space::M as i8));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_width(ui.available_width());
            let room = ui.available_width() - 190.0;
            ui.vertical(|ui| {
                ui.set_width(room);
                words_ui(cx.state, row, ui);
                // The built-in tower is a convolution: 8 bits bring it nothing.
                if is_used && row.state != ModelState::BuiltIn {
                    precision_ui(cx, ui);
                }
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| action_ui(cx, row, is_used, ui));
        });
    });
    ui.add_space(space::XS);
}

/// What it is called, how it is here, what it is good at, and its facts.
fn words_ui(state: &State, row: &ModelRow, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(&row.id).font(font::heading()).color(tokens.text));
        let color = if row.id == state.model.name { tokens.pass } else { tokens.muted };
        ui.label(RichText::new(status(state, row)).font(font::small()).color(color));
    });
    ui.add(egui::Label::new(RichText::new(tr_data(&row.good_at)).font(font::small()).color(tokens.text)).wrap());
    ui.add(egui::Label::new(RichText::new(facts(row)).font(font::caption()).color(tokens.muted)).wrap());
    for words in [row.quality.as_ref().map(quality), row.photos_a_second.map(speed)].into_iter().flatten() {
        ui.label(RichText::new(words).font(font::caption()).color(tokens.text));
    }
}

/// As published: not measured here.
fn quality(quality: &Quality) -> String {
    let percent = |figure: f32| text::decimal(figure, 1);
    tr_with(
        "Without training, as published: {} % of ImageNet's photos named, {} % of COCO's captions find their photo first",
        &[&percent(quality.imagenet), &percent(quality.coco)],
    )
}

fn speed(photos_a_second: f64) -> String {
    let digits = usize::from(photos_a_second < 9.95);
    tr_with("{} photos a second on this machine", &[&text::decimal(photos_a_second, digits)])
}

fn status(state: &State, row: &ModelRow) -> &'static str {
    match row.state {
        _ if row.id == state.model.name => tr("in use"),
        ModelState::BuiltIn => tr("built in"),
        ModelState::Added => tr("your own folder"),
        ModelState::Downloaded => tr("on this machine"),
        ModelState::Available => tr("can be fetched"),
    }
}

fn facts(row: &ModelRow) -> String {
    let size = row.size_mb.map(|size| format!("{size:.0} MB"));
    let side = row.input_size.map(|side| format!("{side} px"));
    let dim = row.dim.map(|dim| tr_with("{} numbers a photo", &[&dim.to_string()]));
    let licence = tr_with("licence {}", &[tr_data(&row.licence)]);
    let parts = [size, side, dim, row.repository.clone(), Some(licence)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Measure how fast it is, or wait until it is measured.
fn measure_ui(cx: &Cx<'_>, row: &ModelRow, ui: &mut Ui) {
    match &cx.state.models.measuring {
        Some(id) if *id == row.id => {
            widgets::spinner(ui).on_hover_text(tr("Measuring the speed"));
            if widgets::icon_button(ui, icons::STOP, tr("Stop measuring"), false).clicked() {
                cx.send(Command::StopErrand(Errand::Measure));
            }
        }
        Some(_) => {}
        None => {
            if widgets::icon_button(ui, icons::GAUGE, tr("Measure how fast it is here"), false).clicked() {
                cx.send(Command::Model(ModelCommand::Measure(row.id.clone())));
            }
        }
    }
}

/// Use it, fetch it, or stop fetching it.
fn action_ui(cx: &Cx<'_>, row: &ModelRow, is_used: bool, ui: &mut Ui) {
    if row.state != ModelState::Available {
        measure_ui(cx, row, ui);
    }
    let downloading = cx.state.models.download.as_ref().filter(|(id, _)| *id == row.id);
    match (downloading, row.state) {
        _ if is_used => {}
        (Some((_, progress)), _) => {
            if widgets::icon_button(ui, icons::STOP, tr("Stop fetching"), false).clicked() {
                cx.send(Command::StopErrand(Errand::Download));
            }
            let fraction = (progress.total > 0).then(|| progress.done as f32 / progress.total as f32);
            let accent = theme::tokens(ui).accent;
            widgets::progress_bar(ui, tr("Download"), fraction, accent, vec2(110.0, size::PROGRESS.1));
        }
        (None, ModelState::Available) => {
            let is_free = cx.state.models.download.is_none();
            let label = tr_with("Fetch {}", &[&row.size_mb.map(|size| format!("{size:.0} MB")).unwrap_or_default()]);
            let button =
                ui.add_enabled_ui(is_free, |ui| widgets::button(ui, widgets::Kind::Quiet, icons::DOWNLOAD, &label));
            if button.inner.clicked() {
                cx.send(Command::Model(ModelCommand::Fetch(row.id.clone())));
            }
        }
        (None, _) => {
            if widgets::button(ui, widgets::Kind::Quiet, icons::CHECK, tr("Use this model")).clicked() {
                cx.send(Command::Model(ModelCommand::Use(row.id.clone())));
            }
        }
    }
}
