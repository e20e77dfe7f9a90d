//! What the person made, in the sidebar: albums, saved searches, tags.

use egui::{Key, Popup, PopupCloseBehavior, TextEdit, Ui};
use sightline_core::search::Filter;

use super::Cx;
use crate::gui::command::{AlbumEdit, Command};
use crate::gui::state::Page;
use crate::gui::theme::space;
use crate::gui::translate::tr;
use crate::gui::{icons, text, widgets};

/// So many tags are shown; the others are found by typing them.
const TAGS_AT_MOST: usize = 40;

/// The albums, and a way to make one of the chosen photos.
pub fn albums_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ui.add_space(space::M);
    widgets::group_heading(ui, tr("Albums"), |ui| {
        let add = widgets::icon_button(ui, icons::PLUS, tr("New album of the chosen photos"), false);
        let popup = Popup::menu(&add).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.show(|ui| name_ui(ui, "new-album", "", |name| cx.send(Command::Album(name, AlbumEdit::Add))));
    });
    for album in &cx.state.library.albums {
        let row = widgets::Row {
            icon: icons::ALBUM,
            label: &album.name,
            trailing: &text::count(album.photos.len() as u64),
            is_chosen: cx.state.page == Page::Photos && cx.state.query.album.as_ref() == Some(&album.name),
        };
        let response = widgets::row(ui, &row);
        if response.clicked() {
            cx.send(Command::ShowAlbum((!row.is_chosen).then(|| album.name.clone())));
        }
        response.context_menu(|ui| album_menu(cx, &album.name, ui));
    }
}

fn album_menu(cx: &Cx<'_>, name: &str, ui: &mut Ui) {
    let mut item = |icon: &str, label: &str, edit: AlbumEdit| {
        if widgets::button(ui, widgets::Kind::Plain, icon, label).clicked() {
            cx.send(Command::Album(name.to_owned(), edit));
            ui.close();
        }
    };
    item(icons::PLUS, tr("Put the chosen photos into it"), AlbumEdit::Add);
    item(icons::X, tr("Take the chosen photos out"), AlbumEdit::Remove);
    item(icons::TRASH, tr("Delete the album; the photos stay"), AlbumEdit::Delete);
    name_ui(ui, "rename-album", name, |new| cx.send(Command::Album(name.to_owned(), AlbumEdit::Rename(new))));
}

/// A field for a name. Enter or the button sends it.
fn name_ui(ui: &mut Ui, salt: &'static str, begins_with: &str, send: impl FnOnce(String)) {
    let id = egui::Id::unique(salt).with(begins_with);
    let mut name = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_else(|| begins_with.to_owned());
    ui.horizontal(|ui| {
        let field = ui.add(TextEdit::singleline(&mut name).hint_text(tr("Name")).desired_width(160.0));
        let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if widgets::icon_button(ui, icons::CHECK, tr("Use this name"), false).clicked() || is_entered {
            ui.data_mut(|data| data.remove::<String>(id));
            send(name);
            ui.close();
        } else if field.changed() {
            ui.data_mut(|data| data.insert_temp(id, name));
        }
    });
}

/// The saved searches, if there are any.
pub fn searches_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let searches = &cx.state.library.searches;
    if searches.is_empty() {
        return;
    }
    ui.add_space(space::M);
    widgets::group_heading(ui, tr("Saved searches"), |_| {});
    for search in searches {
        let row = widgets::Row { icon: icons::SAVED, label: &search.name, trailing: "", is_chosen: false };
        let response = widgets::row(ui, &row);
        if response.clicked() {
            cx.send(Command::OpenSearch(search.name.clone()));
        }
        response.context_menu(|ui| {
            if widgets::button(ui, widgets::Kind::Plain, icons::TRASH, tr("Delete this search")).clicked() {
                cx.send(Command::DeleteSearch(search.name.clone()));
                ui.close();
            }
        });
    }
}

/// The tags, if there are any: a click shows photos with the tag, another one all again.
pub fn tags_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tags = &cx.state.library.tags;
    if tags.is_empty() {
        return;
    }
    ui.add_space(space::M);
    widgets::group_heading(ui, tr("Tags"), |_| {});
    let filter = &cx.state.query.filter;
    for (tag, count) in tags.iter().take(TAGS_AT_MOST) {
        let row = widgets::Row {
            icon: icons::TAG,
            label: tag,
            trailing: &text::count(*count as u64),
            is_chosen: cx.state.page == Page::Photos && filter.tags.contains(tag),
        };
        let response = widgets::row(ui, &row);
        response.context_menu(|ui| {
            if widgets::button(ui, widgets::Kind::Plain, icons::WAND, tr("Suggest photos for this tag")).clicked() {
                cx.send(Command::Learn(tag.clone()));
                ui.close();
            }
        });
        if response.clicked() {
            let mut tags = filter.tags.clone();
            if row.is_chosen {
                tags.retain(|chosen| chosen != tag);
            } else {
                tags.push(tag.clone());
            }
            cx.send(Command::SetFilter(Box::new(Filter { tags, ..filter.clone() })));
        }
    }
}
