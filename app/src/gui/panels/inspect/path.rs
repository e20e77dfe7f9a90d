//! Asks for a path, where there is no dialog to choose one in.

use std::path::PathBuf;

use egui::{Id, Key, Modal, RichText, TextEdit, Ui};

use crate::gui::dialogs;
use crate::gui::inspect_command::InspectCommand;
use crate::gui::panels::Cx;
use crate::gui::theme::{self, font, space};
use crate::gui::translate::tr;
use crate::gui::widgets;

/// The half-typed path.
#[derive(Default)]
pub struct PathOf {
    typed: String,
}

impl PathOf {
    /// The question, while it is asked.
    pub fn ui(&mut self, cx: &Cx<'_>, ui: &Ui) {
        let Some(wanted) = cx.state.inspection.asked_path else { return };
        let modal = Modal::new(Id::unique("inspect-path")).frame(widgets::modal_frame(ui)).show(ui.ctx(), |ui| {
            let tokens = theme::tokens(ui);
            ui.set_width(420.0_f32.min(ui.ctx().content_rect().width() - 60.0));
            ui.label(RichText::new(dialogs::title(wanted)).font(font::title()).color(tokens.text));
            let why = tr(
                "Where no dialog opens (it needs xdg-desktop-portal or zenity), type or paste the path here, or drop \
                 files and folders onto the page.",
            );
            ui.label(RichText::new(why).font(font::small()).color(tokens.muted));
            ui.add_space(space::S);
            let is_entered = self.field_ui(ui);
            ui.add_space(space::M);
            let (is_chosen, is_left) = ui
                .horizontal(|ui| {
                    let is_chosen = widgets::button(ui, widgets::Kind::Primary, "", tr("Choose")).clicked();
                    (is_chosen, widgets::button(ui, widgets::Kind::Quiet, "", tr("Cancel")).clicked())
                })
                .inner;
            if (is_chosen || is_entered) && !self.typed.trim().is_empty() {
                let path = PathBuf::from(std::mem::take(&mut self.typed).trim());
                cx.inspect(InspectCommand::Bring(wanted, vec![path]));
            }
            is_left
        });
        if modal.inner || modal.should_close() {
            cx.inspect(InspectCommand::AskForPath(None));
        }
    }

    /// Whether the path was entered.
    fn field_ui(&mut self, ui: &mut Ui) -> bool {
        let edit = TextEdit::singleline(&mut self.typed).desired_width(f32::INFINITY);
        let response = ui.add(edit.margin(egui::Margin::symmetric(8, 6)));
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::text_edit(true, "", &self.typed, "");
            info.label = Some(tr("Path").to_owned());
            info
        });
        let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if !is_entered {
            response.request_focus();
        }
        is_entered
    }
}
