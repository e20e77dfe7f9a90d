//! The middle of the window when there is no photo to see: why, and what to do.

use egui::{CentralPanel, Frame, Margin, RichText, Ui, vec2};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::{Empty, Page, State};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct EmptyPage;

impl Panel for EmptyPage {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let Some(empty) = cx.state.empty().filter(|_| cx.state.page == Page::Photos) else { return };
        let fill = theme::tokens(ui).background;
        let frame = Frame::new().fill(fill).inner_margin(Margin::same(space::L as i8));
        CentralPanel::default().frame(frame).show(ui, |ui| match empty {
            Empty::NotYet => {}
            Empty::NoFolder => no_folder_ui(cx, ui),
            Empty::StillIndexing => still_indexing_ui(cx, ui),
            Empty::NoPhotos => no_photos_ui(cx, ui),
            Empty::AllFilteredOut => all_filtered_out_ui(cx, ui),
            Empty::NoMatch => no_match_ui(cx, ui),
        });
    }
}

fn no_folder_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let text = tr(
        "Add a folder, or drop one here. Sightline looks at every photo once, on this machine, and finds it again by \
         what you say is on it. Your photos are never changed and never leave this machine.",
    );
    widgets::page(ui, icons::IMAGES, tr("Find your photos by what is on them"), text, |ui| {
        if widgets::button(ui, widgets::Kind::Primary, icons::FOLDER_PLUS, tr("Add folder")).clicked() {
            cx.send(Command::ChooseFolder);
        }
        let muted = theme::tokens(ui).muted;
        let path = RichText::new(tr("or type its path")).font(font::small()).color(muted).underline();
        if ui.add(egui::Button::new(path).frame(false)).clicked() {
            cx.send(Command::AskForPath(true));
        }
        if let Some(pictures) = &cx.state.suggested_folder {
            let label = tr_with("Add {}", &[&text::name(pictures)]);
            let add = widgets::button(ui, widgets::Kind::Quiet, icons::IMAGES, &label);
            if add.on_hover_text(pictures.to_string_lossy()).clicked() {
                cx.send(Command::AddFolder(pictures.clone()));
            }
        }
        ui.add_space(space::L);
        models_card_ui(cx, ui);
    });
}

/// That better models are to be had: said once, quietly, and never fetched unasked.
fn models_card_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let frame = Frame::new().fill(tokens.panel).corner_radius(theme::radius::L).inner_margin(Margin::same(12));
    frame.show(ui, |ui| {
        ui.set_width(theme::size::SENTENCE);
        let words = tr(
            "The built-in model works at once and is small. Larger ones find more; each shows its size and its licence, \
             and is fetched only when you ask for it.",
        );
        ui.add(egui::Label::new(RichText::new(words).font(font::small()).color(tokens.muted)).wrap());
        if widgets::button(ui, widgets::Kind::Plain, icons::MODEL, tr("Look at the models")).clicked() {
            cx.send(Command::OpenPage(Page::Models));
        }
    });
}

fn still_indexing_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let text =
        tr("Photos appear here as they are indexed, and can be searched at once. You can go on working meanwhile.");
    widgets::page(ui, icons::APERTURE, &indexing_heading(cx.state), text, |ui| {
        let fraction = cx.state.indexing.as_ref().and_then(|indexing| indexing.fraction());
        let accent = theme::tokens(ui).accent;
        widgets::progress_bar(ui, tr("Indexing"), fraction, accent, vec2(260.0, 6.0));
        if widgets::button(ui, widgets::Kind::Quiet, icons::STOP, tr("Stop")).clicked() {
            cx.send(Command::StopIndexing);
        }
    });
}

fn indexing_heading(state: &State) -> String {
    match state.indexing.as_ref().map(|indexing| indexing.progress) {
        Some(progress) if progress.total > 0 => {
            format!("{} {}", tr(progress.phase), text::part(progress.done, progress.total))
        }
        Some(progress) if !progress.phase.is_empty() => format!("{} …", tr(progress.phase)),
        _ => tr("Starting …").to_owned(),
    }
}

fn no_photos_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let text = match cx.state.library.problems.len() {
        0 => tr("Your folders hold no pictures that Sightline knows. Add another folder."),
        _ => tr("None of the pictures in your folders could be used; the problems say why."),
    };
    widgets::page(ui, icons::IMAGE_BROKEN, tr("No photos here"), text, |ui| {
        if widgets::button(ui, widgets::Kind::Primary, icons::FOLDER_PLUS, tr("Add folder")).clicked() {
            cx.send(Command::ChooseFolder);
        }
        if !cx.state.library.problems.is_empty()
            && widgets::button(ui, widgets::Kind::Quiet, icons::WARNING, tr("Show problems")).clicked()
        {
            cx.send(Command::OpenPage(Page::Problems));
        }
    });
}

fn all_filtered_out_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let text = match cx.state.query.folder().map(text::name) {
        Some(folder) => tr_with("There are photos in your library, but none that match in {}.", &[&folder]),
        None => tr("There are photos in your library, but none of them is what the filters ask for.").to_owned(),
    };
    widgets::page(ui, icons::FUNNEL, tr("All photos are filtered out"), &text, |ui| {
        if widgets::button(ui, widgets::Kind::Primary, "", tr("Look at all photos")).clicked() {
            cx.send(Command::ShowAll);
        }
    });
}

fn no_match_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let text = tr("Nothing in your library matches. Try other words, or a picture.");
    widgets::page(ui, icons::MAGNIFYING_GLASS, tr("No match"), text, |ui| {
        if widgets::button(ui, widgets::Kind::Primary, "", tr("Show all photos")).clicked() {
            cx.send(Command::ClearQuery);
        }
    });
}
