//! What went wrong and what to do about it, and what the person should know: lines over the photos.

use egui::{Align, Color32, Frame, Layout, Margin, RichText, Ui};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::theme::{self, font, space};
use crate::gui::translate::tr;
use crate::gui::{icons, widgets};

/// See the module.
pub struct Messages;

impl Panel for Messages {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        if let Some(error) = &cx.state.error {
            let line = Line { name: "error", icon: icons::WARNING, color: tokens.fail, text: error };
            if line_ui(ui, &line, tr("Dismiss the error")) {
                cx.send(Command::DismissError);
            }
        }
        if let Some(notice) = cx.state.notices.last() {
            let line = Line { name: "notice", icon: icons::INFO, color: tokens.accent, text: notice };
            if line_ui(ui, &line, tr("Dismiss the notices")) {
                cx.send(Command::DismissNotices);
            }
        }
    }
}

struct Line<'a> {
    name: &'static str,
    icon: &'a str,
    color: Color32,
    text: &'a str,
}

/// Draws a line over the whole width; true once it is dismissed.
fn line_ui(ui: &mut Ui, line: &Line<'_>, dismiss: &str) -> bool {
    let tokens = theme::tokens(ui);
    let frame = Frame::new().fill(tokens.panel).inner_margin(Margin::symmetric(space::L as i8, space::S as i8));
    let panel = egui::Panel::top(line.name).resizable(false).frame(frame);
    let shown = panel.show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_dismissed = widgets::icon_button(ui, icons::X, dismiss, false).clicked();
            ui.with_layout(Layout::left_to_right(Align::Center).with_main_wrap(false), |ui| {
                ui.label(RichText::new(line.icon).font(font::icon()).color(line.color));
                let text = RichText::new(line.text).font(font::body()).color(tokens.text);
                ui.add(egui::Label::new(text).wrap().selectable(true));
            });
            is_dismissed
        })
        .inner
    });
    shown.inner
}
