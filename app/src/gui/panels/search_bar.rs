//! The search bar: words, and a picture whose like is wanted.

use egui::{Align, Frame, Key, KeyboardShortcut, Layout, Margin, Modifiers, RichText, Stroke, TextEdit, Ui, vec2};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::{icons, text, widgets};

/// See the module.
#[derive(Default)]
pub struct SearchBar {
    /// What stands in the field; the state has what is searched for.
    typed: String,
    /// What the state had when the two were last the same.
    known: String,
}

impl Panel for SearchBar {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let fill = theme::tokens(ui).panel;
        let frame = Frame::new().fill(fill).inner_margin(Margin::symmetric(space::L as i8, 0));
        egui::Panel::top("search").exact_size(size::SEARCH_BAR).resizable(false).frame(frame).show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                if ui.ctx().content_rect().width() < size::HIDES_SIDEBAR {
                    sidebar_button(cx, ui);
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    picture_button(cx, ui);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| self.field_ui(cx, ui));
                });
            });
        });
    }
}

fn picture_button(cx: &Cx<'_>, ui: &mut Ui) {
    let button = widgets::button(ui, widgets::Kind::Quiet, icons::IMAGE, "By picture");
    if button.on_hover_text("Search by a picture: choose one here, or drop it anywhere").clicked() {
        cx.send(Command::ChoosePicture);
    }
}

fn clear_button(cx: &Cx<'_>, ui: &mut Ui) {
    let is_needed = !cx.state.query.is_browsing();
    if is_needed && widgets::icon_button(ui, icons::X, "Clear the search", false).clicked() {
        cx.send(Command::ClearQuery);
    }
}

fn sidebar_button(cx: &Cx<'_>, ui: &mut Ui) {
    let is_open = cx.state.is_sidebar_open;
    if widgets::icon_button(ui, icons::LIST, "Folders and pages", is_open).clicked() {
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
                picture_chip(cx, ui);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    clear_button(cx, ui);
                    self.text_ui(cx, ui);
                });
            });
        });
    }

    fn text_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if self.known != cx.state.query.text {
            self.known.clone_from(&cx.state.query.text);
            self.typed.clone_from(&cx.state.query.text);
        }
        let hint = RichText::new("What is on the photo?").color(theme::tokens(ui).muted);
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
            let mut info = egui::WidgetInfo::text_edit(true, &self.known, &self.typed, "What is on the photo?");
            info.label = Some("Search".to_owned());
            info
        });
        if response.changed() {
            self.known.clone_from(&self.typed);
            cx.send(Command::SearchText(self.typed.clone()));
        }
        if focus_asked(ui) {
            response.request_focus();
        }
        if response.has_focus() && ui.input(|input| input.key_pressed(Key::ArrowDown)) {
            response.surrender_focus();
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

/// The picture whose like is wanted, with a way to take it out.
fn picture_chip(cx: &Cx<'_>, ui: &mut Ui) {
    let Some(path) = &cx.state.query.picture else { return };
    let tokens = theme::tokens(ui);
    let frame = Frame::new().fill(tokens.accent_soft).corner_radius(radius::S).inner_margin(Margin {
        left: space::S as i8,
        right: 0,
        top: 0,
        bottom: 0,
    });
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_height(22.0);
            ui.spacing_mut().interact_size = vec2(20.0, 20.0);
            ui.label(RichText::new(icons::SPARKLE).font(font::icon()).color(tokens.text));
            let name = shortened(&text::name(path));
            ui.label(RichText::new(format!("like {name}")).font(font::small()).color(tokens.text))
                .on_hover_text(path.to_string_lossy());
            let close = RichText::new(icons::X).font(font::small()).color(tokens.muted);
            let close = ui.add(egui::Button::new(close).frame(false));
            close.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Remove the picture"));
            if close.clicked() {
                cx.send(Command::ClearPicture);
            }
        });
    });
}

fn shortened(name: &str) -> String {
    const LONGEST: usize = 24;
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let start: String = name.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}
