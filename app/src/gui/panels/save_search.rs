//! Keeping the query under a name.

use egui::{Key, Popup, PopupCloseBehavior, TextEdit, Ui};

use super::Cx;
use crate::gui::command::Command;
use crate::gui::translate::tr;
use crate::gui::{icons, widgets};

/// A button that asks for the name; there is one only where there is something to keep.
pub fn save_button(cx: &Cx<'_>, ui: &mut Ui) {
    let query = &cx.state.query;
    if query.is_browsing() && !query.is_filtered() {
        return;
    }
    let button = widgets::button(ui, widgets::Kind::Primary, "", tr("Save search"));
    let popup = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        let id = egui::Id::unique("save-search-name");
        let suggested = query.term_names().join(", ");
        let mut name = ui.data(|data| data.get_temp::<String>(id)).unwrap_or(suggested);
        let field = ui.add(TextEdit::singleline(&mut name).hint_text(tr("Name of the search")).desired_width(220.0));
        let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let is_saved = widgets::button(ui, widgets::Kind::Primary, icons::CHECK, tr("Save")).clicked() || is_entered;
        if is_saved {
            cx.send(Command::SaveSearch(std::mem::take(&mut name)));
            ui.data_mut(|data| data.remove::<String>(id));
            ui.close();
        } else if field.changed() {
            ui.data_mut(|data| data.insert_temp(id, name));
        }
    });
}
