//! The search bar: chips, and the words that are being typed.

use egui::{Align, Frame, Key, KeyboardShortcut, Layout, Margin, Modifiers, RichText, Stroke, TextEdit, Ui, vec2};

use super::{Cx, Panel};
use crate::gui::command::{ChipEdit, Command};
use crate::gui::state::Page;
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::tr;
use crate::gui::{icons, widgets};

/// See the module.
#[derive(Default)]
pub struct SearchBar {
    /// What stands in the field; the state has what is searched for.
    typed: String,
    /// What the state had when the two were last the same.
    known: String,
    /// Whether the field was empty before the keys of this frame.
    was_empty: bool,
}

impl Panel for SearchBar {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        // That page has a bar of its own.
        if cx.state.page == Page::Inspect {
            return;
        }
        let fill = theme::tokens(ui).panel;
        let frame = Frame::new().fill(fill).inner_margin(Margin::symmetric(space::L as i8, 0));
        egui::Panel::top("search").exact_size(size::SEARCH_BAR).resizable(false).frame(frame).show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                if ui.ctx().content_rect().width() < size::HIDES_SIDEBAR {
                    sidebar_button(cx, ui);
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    super::save_search::save_button(cx, ui);
                    picture_button(cx, ui);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| self.field_ui(cx, ui));
                });
            });
        });
    }
}

fn picture_button(cx: &Cx<'_>, ui: &mut Ui) {
    let button = widgets::button(ui, widgets::Kind::Quiet, icons::IMAGE, tr("By picture"));
    if button.on_hover_text(tr("Search by a picture: choose one here, drop it anywhere, or paste it")).clicked() {
        cx.send(Command::ChoosePicture);
    }
}

fn clear_button(cx: &Cx<'_>, ui: &mut Ui) {
    let is_needed = !cx.state.query.chips.is_empty() || !cx.state.query.draft.is_empty();
    if is_needed && widgets::icon_button(ui, icons::X, tr("Clear the search"), false).clicked() {
        cx.send(Command::ClearQuery);
    }
}

pub(super) fn sidebar_button(cx: &Cx<'_>, ui: &mut Ui) {
    let is_open = cx.state.is_sidebar_open;
    if widgets::icon_button(ui, icons::LIST, tr("Folders and pages"), is_open).clicked() {
        cx.send(Command::OpenSidebar(!is_open));
    }
}

impl SearchBar {
    fn field_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        let frame = Frame::new()
            .fill(tokens.raised)
            .stroke(Stroke::new(1.0, tokens.line))
            .corner_radius(radius::M)
            .inner_margin(Margin::symmetric(space::S as i8, 1));
        frame.show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_height(size::CONTROL + 2.0);
                ui.set_width(ui.available_width());
                ui.label(RichText::new(icons::MAGNIFYING_GLASS).font(font::icon()).color(tokens.muted));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.terms_ui(cx, ui));
            });
        });
    }

    /// From the right: what clears all; then from the left: the chips, and the words in the room that is left.
    fn terms_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        clear_button(cx, ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            super::chips::chips_ui(cx, ui);
            self.text_ui(cx, ui);
        });
    }

    fn text_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if self.known != cx.state.query.draft {
            self.known.clone_from(&cx.state.query.draft);
            self.typed.clone_from(&cx.state.query.draft);
        }
        self.was_empty = self.typed.is_empty();
        let is_alone = cx.state.query.chips.is_empty();
        let hint = if is_alone { tr("What is on the photo?") } else { tr("and …") };
        let hint = RichText::new(hint).color(theme::tokens(ui).muted);
        let edit = TextEdit::singleline(&mut self.typed)
            .id(super::search_field())
            .frame(Frame::NONE)
            .hint_text(hint)
            .font(font::field())
            .align(egui::Align2::LEFT_CENTER)
            .margin(Margin::ZERO)
            .min_size(vec2(0.0, size::CONTROL))
            .desired_width(ui.available_width());
        let response = ui.add(edit);
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::text_edit(true, &self.known, &self.typed, tr("What is on the photo?"));
            info.label = Some(tr("Search").to_owned());
            info
        });
        if response.changed() {
            self.known.clone_from(&self.typed);
            cx.send(Command::SearchText(self.typed.clone()));
        }
        if focus_asked(ui) {
            response.request_focus();
        }
        self.keys(cx, &response, ui);
    }
}

impl SearchBar {
    /// Enter keeps the words as a chip, Backspace before the first letter takes the last chip out, Down goes to the photos.
    fn keys(&self, cx: &Cx<'_>, response: &egui::Response, ui: &Ui) {
        let pressed = |key: Key| ui.input(|input| input.key_pressed(key));
        if response.lost_focus() && pressed(Key::Enter) {
            cx.send(Command::KeepDraft);
            response.request_focus();
        }
        if !response.has_focus() {
            return;
        }
        if pressed(Key::ArrowDown) {
            response.surrender_focus();
        }
        let last = cx.state.query.chips.len().checked_sub(1);
        if let Some(last) = last.filter(|_| self.was_empty && self.typed.is_empty() && pressed(Key::Backspace)) {
            cx.send(Command::Chip(last, ChipEdit::Remove));
        }
    }
}

/// Control-F anywhere, or a slash where no text is typed.
fn focus_asked(ui: &mut Ui) -> bool {
    let find = KeyboardShortcut::new(Modifiers::COMMAND, Key::F);
    let slash = KeyboardShortcut::new(Modifiers::NONE, Key::Slash);
    let is_typing = ui.ctx().text_edit_focused();
    ui.input_mut(|input| input.consume_shortcut(&find) || (!is_typing && input.consume_shortcut(&slash)))
}
