//! What the person is asked before it is done, and what was done last, with a way to undo it.

use egui::{Align2, Area, Frame, Id, Modal, RichText, Ui};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::Question;
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
#[derive(Default)]
pub struct Questions {
    /// What was done last, and since when that is shown.
    shown: Option<(String, f64)>,
}

/// What was done is shown for so long.
const SECONDS: f64 = 6.0;
/// Files that are named in a question.
const NAMED: usize = 6;

impl Panel for Questions {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if let Some(Question::Trash(files)) = &cx.state.question {
            trash_ui(cx, files, ui);
        }
        self.done_ui(cx, ui);
    }
}

fn trash_ui(cx: &Cx<'_>, files: &[std::path::PathBuf], ui: &Ui) {
    let modal = Modal::new(Id::unique("question")).frame(widgets::modal_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        let tokens = theme::tokens(ui);
        let count = text::files(files.len());
        let title = tr_with("Move {} to the trash?", &[&count]);
        ui.label(RichText::new(title).font(font::title()).color(tokens.text));
        let what = tr("They can be taken out of the system's trash again. Tags, stars and notes are kept for that.");
        ui.label(RichText::new(what).font(font::body()).color(tokens.muted));
        ui.add_space(space::S);
        for file in files.iter().take(NAMED) {
            let name = RichText::new(file.to_string_lossy()).font(font::small()).color(tokens.text);
            ui.add(egui::Label::new(name).truncate());
        }
        if files.len() > NAMED {
            let rest = tr_with("and {} more", &[&text::count((files.len() - NAMED) as u64)]);
            ui.label(RichText::new(rest).font(font::small()).color(tokens.muted));
        }
        ui.add_space(space::M);
        ui.horizontal(|ui| {
            if widgets::button(ui, widgets::Kind::Primary, icons::TRASH, tr("Move to the trash")).clicked() {
                cx.send(Command::Trash(files.to_vec()));
            }
            widgets::button(ui, widgets::Kind::Quiet, "", tr("Keep them")).clicked()
        })
        .inner
    });
    if modal.inner || modal.should_close() {
        cx.send(Command::Ask(None));
    }
}

impl Questions {
    /// What was done last: a line at the bottom that goes by itself.
    fn done_ui(&mut self, cx: &Cx<'_>, ui: &Ui) {
        let now = ui.input(|input| input.time);
        match (&cx.state.done, &self.shown) {
            (Some(done), Some((shown, _))) if done == shown => {}
            (Some(done), _) => self.shown = Some((done.clone(), now)),
            (None, _) => self.shown = None,
        }
        let Some((words, since)) = self.shown.as_ref().filter(|(_, since)| now - since < SECONDS) else { return };
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64((since + SECONDS - now).max(0.0)));
        let above = [0.0, -(size::STATUS_BAR + space::L)];
        let area = Area::new(Id::unique("done")).anchor(Align2::CENTER_BOTTOM, above).order(egui::Order::Foreground);
        area.show(ui.ctx(), |ui| {
            Frame::popup(ui.style()).show(ui, |ui| ui.horizontal(|ui| done_line(cx, words, ui)));
        });
    }
}

fn done_line(cx: &Cx<'_>, words: &str, ui: &mut Ui) {
    ui.label(RichText::new(words).font(font::body()).color(theme::tokens(ui).text));
    let can_undo = cx.state.history.can_undo();
    if can_undo && widgets::button(ui, widgets::Kind::Plain, "", tr("Undo")).clicked() {
        cx.send(Command::Undo);
    }
}
