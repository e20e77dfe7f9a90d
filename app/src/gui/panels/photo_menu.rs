//! What can be done with a photo, wherever it is shown.

use std::path::Path;

use egui::Ui;

use super::Cx;
use crate::gui::apply::SIDE_BY_SIDE;
use crate::gui::command::{AlbumEdit, Command, ExportKind, MarkEdit};
use crate::gui::inspect_command::InspectCommand;
use crate::gui::state::{Chip, Question, Wanted};
use crate::gui::theme::space;
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, widgets};

/// The menu of a photo of the answer.
pub fn photo_menu_ui(cx: &Cx<'_>, photo: usize, ui: &mut Ui) {
    let Some(entry) = cx.state.answer.entry(photo) else { return };
    ui.set_min_width(210.0);
    item(cx, ui, (icons::FIT, tr("View large")), || Command::OpenViewer(photo));
    item(cx, ui, (icons::SPARKLE, tr("Find similar")), || Command::SearchBy(Chip::picture(entry.path.clone())));
    item(cx, ui, (icons::PLUS, tr("Add to the search")), || Command::AddChip(Chip::picture(entry.path.clone())));
    if (2..=SIDE_BY_SIDE).contains(&cx.state.selection.len()) {
        item(cx, ui, (icons::COLUMNS, tr("Compare side by side")), || Command::Compare(true));
    }
    item(cx, ui, (icons::INSPECT, tr("Use as a good part")), || {
        Command::Inspect(InspectCommand::Bring(Wanted::GoodFiles, cx.state.chosen_files()))
    });
    if cx.state.inspection.inspector.is_some() {
        item(cx, ui, (icons::INSPECT, tr("Judge by the good parts")), || {
            Command::Inspect(InspectCommand::Bring(Wanted::PartFiles, cx.state.chosen_files()))
        });
    }
    ui.add_space(space::XS);
    let favourite = if entry.is_favourite { tr("No longer a favourite") } else { tr("Favourite") };
    item(cx, ui, (icons::HEART, favourite), || Command::Mark(MarkEdit::Favourite(!entry.is_favourite)));
    albums_ui(cx, ui);
    ui.add_space(space::XS);
    outside_ui(cx, &entry.path, ui);
    ui.add_space(space::XS);
    item(cx, ui, (icons::EXPORT, tr("Copy to a folder …")), || Command::Export(ExportKind::Copies));
    item(cx, ui, (icons::EXPORT, tr("Contact sheet …")), || Command::Export(ExportKind::Sheet));
    item(cx, ui, (icons::TRASH, tr("Move to the trash …")), || {
        Command::Ask(Some(Question::Trash(cx.state.chosen_files())))
    });
}

/// Albums that the chosen photos can be put into.
fn albums_ui(cx: &Cx<'_>, ui: &mut Ui) {
    for album in cx.state.library.albums.iter().take(8) {
        let is_shown = cx.state.query.album.as_ref() == Some(&album.name);
        let (label, edit) = match is_shown {
            true => (tr_with("Take out of {}", &[&album.name]), AlbumEdit::Remove),
            false => (tr_with("Put into {}", &[&album.name]), AlbumEdit::Add),
        };
        if widgets::button(ui, widgets::Kind::Plain, icons::ALBUM, &label).clicked() {
            cx.send(Command::Album(album.name.clone(), edit));
            ui.close();
        }
    }
}

/// What other programs do with its file.
fn outside_ui(cx: &Cx<'_>, path: &Path, ui: &mut Ui) {
    item(cx, ui, (icons::FOLDER_OPEN, tr("Show in the file manager")), || Command::Reveal(path.to_owned()));
    item(cx, ui, (icons::OUTSIDE, tr("Open with its program")), || Command::OpenOutside(path.to_owned()));
    item(cx, ui, (icons::COPY, tr("Copy the picture")), || Command::CopyPicture(path.to_owned()));
    item(cx, ui, (icons::COPY, tr("Copy path")), || Command::CopyText(path.to_string_lossy().into_owned()));
}

fn item(cx: &Cx<'_>, ui: &mut Ui, (icon, label): (&str, &str), command: impl FnOnce() -> Command) {
    if widgets::button(ui, widgets::Kind::Plain, icon, label).clicked() {
        cx.send(command());
        ui.close();
    }
}
