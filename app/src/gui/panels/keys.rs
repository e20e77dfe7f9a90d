//! Keys that mean the same everywhere, and files that fall onto the window.

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::Page;
use crate::gui::theme::{self, font, radius, space};

/// See the module.
pub struct Keys;

impl Panel for Keys {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let dropped =
            ui.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect::<Vec<_>>());
        if !dropped.is_empty() {
            cx.send(Command::Drop(dropped));
        }
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            drop_hint(ui);
        }
        if !cx.state.is_path_asked && ui.input(|input| input.key_pressed(Key::Escape)) {
            escape(cx, ui);
        }
        let refresh = KeyboardShortcut::new(Modifiers::NONE, Key::F5);
        if ui.input_mut(|input| input.consume_shortcut(&refresh)) && cx.state.indexing.is_none() {
            cx.send(Command::RefreshFolders);
        }
    }
}

/// One step back: out of the large view, off the page, out of the query.
fn escape(cx: &Cx<'_>, ui: &Ui) {
    match () {
        () if cx.state.viewer.is_some() => cx.send(Command::CloseViewer),
        () if cx.state.is_sidebar_open => cx.send(Command::OpenSidebar(false)),
        () if cx.state.page != Page::Photos => cx.send(Command::OpenPage(Page::Photos)),
        () if !cx.state.query.is_browsing() => cx.send(Command::ClearQuery),
        () => ui.memory_mut(|memory| memory.stop_text_input()),
    }
}

fn drop_hint(ui: &Ui) {
    let tokens = theme::tokens(ui);
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop-hint"));
    let painter = ui.ctx().layer_painter(layer);
    let rect = ui.ctx().content_rect().shrink(space::M);
    painter.rect(
        rect,
        radius::L,
        tokens.accent_soft.gamma_multiply(0.92),
        egui::Stroke::new(2.0, tokens.accent),
        egui::StrokeKind::Inside,
    );
    let text = "Drop a folder to add it, or a picture to search by it";
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, font::page(), tokens.text);
}
