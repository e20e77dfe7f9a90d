//! The line over the grid: how many photos, how long it took, in which order.

use egui::{Align, Frame, Layout, Margin, RichText, Ui};
use sightline_core::search::Sort;

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::State;
use crate::gui::theme::{self, font, space};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Results;

impl Panel for Results {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if !super::is_grid_shown(cx.state) {
            return;
        }
        let fill = theme::tokens(ui).background;
        let margin = Margin { left: space::L as i8, right: space::L as i8, top: space::M as i8, bottom: 0 };
        let panel = egui::Panel::top("results").resizable(false).show_separator_line(false);
        panel.frame(Frame::new().fill(fill).inner_margin(margin)).show(ui, |ui| {
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.horizontal(|ui| line_ui(cx, ui));
                for note in notes(cx.state) {
                    let muted = theme::tokens(ui).muted;
                    let note = format!("{}  {}", icons::INFO, text::sentence(&note));
                    ui.label(RichText::new(note).font(font::small()).color(muted));
                }
            });
        });
    }
}

fn line_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        sort_ui(cx, ui);
        if let Some(folder) = cx.state.query.folder() {
            let label = format!("In {}", text::name(folder));
            let clear = widgets::button(ui, widgets::Kind::Quiet, icons::FUNNEL, &label);
            if clear.on_hover_text("Look in all folders again").clicked() {
                cx.send(Command::ShowFolder(None));
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let words = RichText::new(summary(cx.state)).font(font::body()).color(tokens.muted);
            ui.add(egui::Label::new(words).truncate());
        });
    });
}

fn sort_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let is_browsing = cx.state.query.is_browsing();
    let mut choices = vec![(Sort::NewestFirst, "Newest first"), (Sort::OldestFirst, "Oldest first")];
    if !is_browsing {
        choices.insert(0, (Sort::Score, "By relevance"));
    }
    let now = match cx.state.query.sort {
        Sort::Score if is_browsing => Sort::NewestFirst,
        sort => sort,
    };
    let name = choices.iter().find(|(sort, _)| *sort == now).map_or("", |(_, name)| name);
    let combo = egui::ComboBox::from_id_salt("sort").selected_text(RichText::new(name).font(font::body()));
    let shown = combo.show_ui(ui, |ui| {
        for (sort, name) in &choices {
            if ui.selectable_label(*sort == now, *name).clicked() {
                cx.send(Command::SortBy(*sort));
            }
        }
    });
    shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Order of the photos"));
}

fn summary(state: &State) -> String {
    let answer = &state.answer;
    let photos = text::counted(answer.hits.len(), "photo");
    match (answer.query.is_browsing(), answer.query == state.query) {
        (_, false) => "Searching …".to_owned(),
        (true, true) => photos,
        (false, true) => format!("{photos} in {}", text::duration(answer.milliseconds)),
    }
}

fn notes(state: &State) -> Vec<String> {
    let mut notes = state.answer.notes.clone();
    if state.answer.is_only_weak() {
        notes.insert(0, "nothing here stands out for this search; these are merely the nearest photos".to_owned());
    }
    notes
}
