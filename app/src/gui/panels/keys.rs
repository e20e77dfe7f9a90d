//! Keys that mean the same everywhere, and files that fall onto the window.

use egui::{Event, Key, KeyboardShortcut, Modifiers, Ui};
use sightline_core::index::MOST_STARS;

use super::{Cx, Panel};
use crate::gui::command::{Command, MarkEdit};
use crate::gui::inspect_command::InspectCommand;
use crate::gui::state::{Cover, Page, Question};
use crate::gui::theme::{self, font, radius, space};
use crate::gui::translate::tr;

/// See the module.
pub struct Keys;

impl Panel for Keys {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let dropped =
            ui.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect::<Vec<_>>());
        if !dropped.is_empty() {
            // On the page of problems the question is why a file is not here.
            match (cx.state.page, dropped.first()) {
                (Page::Problems, Some(file)) => cx.send(Command::AskAbout(file.clone())),
                (Page::Inspect, _) => cx.inspect(InspectCommand::Drop(dropped)),
                _ => cx.send(Command::Drop(dropped)),
            }
        }
        paste(cx, ui);
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            drop_hint(cx, ui);
        }
        if !cx.state.is_path_asked && ui.input(|input| input.key_pressed(Key::Escape)) {
            escape(cx, ui);
        }
        if !super::is_typing(cx, ui) && cx.state.page != Page::Inspect {
            marks(cx, ui);
        }
        shortcuts(cx, ui);
    }
}

/// What is pasted outside of a text is searched by; a picture anywhere.
fn paste(cx: &Cx<'_>, ui: &Ui) {
    let is_typing = super::is_typing(cx, ui);
    let pasted = ui.input(|input| {
        let is_pasted = |event: &&Event| matches!(event, Event::PasteImage(_) | Event::Paste(_));
        input.events.iter().filter(is_pasted).cloned().collect::<Vec<_>>()
    });
    for event in pasted {
        match event {
            Event::PasteImage(picture) => cx.send(Command::PastePicture(picture)),
            Event::Paste(words) if !is_typing => cx.send(Command::PasteText(words)),
            _ => {}
        }
    }
}

/// Keys with control, and function keys: they mean the same while words are typed.
fn shortcuts(cx: &Cx<'_>, ui: &mut Ui) {
    let is_typing = ui.ctx().text_edit_focused();
    let pressed = |modifiers: Modifiers, key: Key| {
        ui.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(modifiers, key)))
    };
    let command_shift = Modifiers::COMMAND.plus(Modifiers::SHIFT);
    match () {
        () if pressed(Modifiers::NONE, Key::F5) && cx.state.indexing.is_none() => cx.send(Command::RefreshFolders),
        () if pressed(Modifiers::NONE, Key::F1) => cx.send(Command::Cover(Some(Cover::Keys))),
        () if pressed(Modifiers::COMMAND, Key::K) => cx.send(Command::Cover(Some(Cover::Palette))),
        // A text field undoes its own letters.
        () if is_typing => {}
        () if pressed(command_shift, Key::Z) || pressed(Modifiers::COMMAND, Key::Y) => cx.send(Command::Redo),
        () if pressed(Modifiers::COMMAND, Key::Z) => cx.send(Command::Undo),
        () if pressed(Modifiers::COMMAND, Key::A) => cx.send(Command::SelectAll),
        () if is_photo_chosen(cx) && pressed(Modifiers::NONE, Key::Delete) => {
            cx.send(Command::Ask(Some(Question::Trash(cx.state.chosen_files()))));
        }
        () => {}
    }
}

fn is_photo_chosen(cx: &Cx<'_>) -> bool {
    cx.state.page == Page::Photos && !cx.state.is_covered() && !cx.state.selection.is_empty()
}

/// Stars by number, F for favourite, a question mark for the keys.
fn marks(cx: &Cx<'_>, ui: &Ui) {
    let typed = ui.input(|input| {
        let text = |event: &Event| if let Event::Text(text) = event { Some(text.clone()) } else { None };
        input.events.iter().find_map(text)
    });
    let Some(typed) = typed else { return };
    match typed.as_str() {
        "?" => cx.send(Command::Cover(Some(Cover::Keys))),
        "c" => cx.send(Command::Compare(cx.state.compared.is_none())),
        "f" => {
            let is_favourite = cx.state.selected().is_some_and(|entry| entry.is_favourite);
            cx.send(Command::Mark(MarkEdit::Favourite(!is_favourite)));
        }
        digit => {
            if let Some(stars) = digit.parse().ok().filter(|stars| *stars <= MOST_STARS) {
                cx.send(Command::Mark(MarkEdit::Rate(stars)));
            }
        }
    }
}

/// One step back: out of the large view, off the page, out of the query.
fn escape(cx: &Cx<'_>, ui: &Ui) {
    match () {
        () if cx.state.question.is_some() => cx.send(Command::Ask(None)),
        () if cx.state.cover.is_some() => cx.send(Command::Cover(None)),
        () if cx.state.inspection.asked_path.is_some() => cx.inspect(InspectCommand::AskForPath(None)),
        () if cx.state.compared.is_some() => cx.send(Command::Compare(false)),
        () if cx.state.viewer.is_some() => cx.send(Command::CloseViewer),
        () if cx.state.is_sidebar_open => cx.send(Command::OpenSidebar(false)),
        () if cx.state.page != Page::Photos => cx.send(Command::OpenPage(Page::Photos)),
        () if !cx.state.query.is_browsing() => cx.send(Command::ClearQuery),
        () => ui.memory_mut(|memory| memory.stop_text_input()),
    }
}

fn drop_hint(cx: &Cx<'_>, ui: &Ui) {
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
    let text = match cx.state.page {
        Page::Inspect if cx.state.inspection.references() == 0 => {
            tr("Drop pictures of good parts, or a folder of them")
        }
        Page::Inspect => tr("Drop the parts to judge, or a folder of them"),
        _ => tr("Drop a folder to add it, or pictures to search by them"),
    };
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, font::page(), tokens.text);
}
