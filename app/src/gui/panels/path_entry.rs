//! Asks for the path of a folder, where there is no dialog to choose one in.

use std::path::PathBuf;

use egui::{Id, Key, Modal, RichText, TextEdit, Ui};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::theme::{self, font, space};
use crate::gui::translate::tr;
use crate::gui::{icons, widgets};

/// See the module.
#[derive(Default)]
pub struct PathEntry {
    typed: String,
}

impl Panel for PathEntry {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if !cx.state.is_path_asked {
            return;
        }
        let frame = egui::Frame::popup(ui.style()).inner_margin(egui::Margin::same(space::L as i8));
        let shown = Modal::new(Id::unique("path-entry")).frame(frame).show(ui.ctx(), |ui| self.form_ui(cx, ui));
        if shown.should_close() {
            cx.send(Command::AskForPath(false));
        }
    }
}

impl PathEntry {
    fn form_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        ui.set_width(420.0_f32.min(ui.ctx().content_rect().width() - 60.0));
        ui.label(RichText::new(tr("Add a folder by its path")).font(font::title()).color(tokens.text));
        let why = tr(
            "Where no folder dialog opens (it needs xdg-desktop-portal or zenity), type or paste the path here, or \
             drop the folder onto the window.",
        );
        ui.label(RichText::new(why).font(font::small()).color(tokens.muted));
        ui.add_space(space::S);
        let edit = TextEdit::singleline(&mut self.typed).hint_text("/home/me/Pictures").desired_width(f32::INFINITY);
        let response = ui.add(edit.margin(egui::Margin::symmetric(8, 6)));
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::text_edit(true, "", &self.typed, "/home/me/Pictures");
            info.label = Some(tr("Path of the folder").to_owned());
            info
        });
        let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if !is_entered {
            response.request_focus();
        }
        ui.add_space(space::M);
        let buttons = egui::Layout::right_to_left(egui::Align::Center);
        ui.allocate_ui_with_layout(egui::vec2(ui.available_width(), 28.0), buttons, |ui| {
            let is_added = widgets::button(ui, widgets::Kind::Primary, icons::FOLDER_PLUS, tr("Add")).clicked();
            if (is_added || is_entered) && !self.typed.trim().is_empty() {
                cx.send(Command::AddFolder(PathBuf::from(self.typed.trim())));
                self.typed.clear();
            }
            if widgets::button(ui, widgets::Kind::Quiet, "", tr("Cancel")).clicked() {
                cx.send(Command::AskForPath(false));
            }
        });
    }
}
