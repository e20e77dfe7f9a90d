//! What lies over the window until it is closed: all keys, and the palette of everything that can be done.

use egui::{Align2, Grid, Id, Key, Modal, RichText, ScrollArea, TextEdit, Ui};
use sightline_core::search::Sort;

use super::{Cx, Panel};
use crate::gui::command::{Command, ExportKind, LookChange, MarkEdit};
use crate::gui::state::{Appearance, Cover, Page, State};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{LANGUAGES, tr, tr_with};
use crate::gui::widgets;

/// See the module.
#[derive(Default)]
pub struct Covers {
    /// What is typed into the palette, and which line is under the cursor.
    typed: String,
    line: usize,
}

impl Panel for Covers {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        match cx.state.cover {
            Some(Cover::Keys) => keys_ui(cx, ui),
            Some(Cover::Palette) => self.palette_ui(cx, ui),
            None => *self = Self::default(),
        }
    }
}

/// What keys are for, and each key with what it does.
type Group = (&'static str, &'static [(&'static str, &'static str)]);

/// Keys and what they do, group by group.
const KEYS: &[Group] = &[
    (
        "Search",
        &[
            ("Ctrl F, /", "Type what to look for"),
            ("Enter", "Keep the words as a chip"),
            ("-word, not word", "Push such photos away"),
            ("Ctrl V", "Search by what is on the clipboard"),
            ("Esc", "One step back"),
        ],
    ),
    (
        "Photos",
        &[
            ("Arrows, Page, Home, End", "Go to another photo"),
            ("Enter, Space, double click", "View large, and back"),
            ("Shift", "Choose a range"),
            ("Ctrl click, Ctrl A", "Choose one more, choose all"),
            ("+ −", "Larger and smaller"),
            ("F, 0 to 5", "Favourite, stars"),
            ("C", "Compare two to four chosen photos"),
        ],
    ),
    (
        "Large view",
        &[
            ("Arrows", "Next and previous photo"),
            ("Z, double click", "One pixel for one, and all of it"),
            ("Wheel", "Closer and farther, at the pointer"),
            ("R", "Turn"),
            ("W", "Why it matches"),
            ("P", "Let it move or stand still"),
            ("Drag a box", "Search by this part"),
        ],
    ),
    (
        "Inspect",
        &[
            ("Arrows", "Next and previous part, worst first"),
            ("A, R", "Accept, reject"),
            ("U", "Take the last decision back"),
            ("H", "Heatmap on and off"),
            ("+ −", "More and less of the heatmap"),
            ("B", "Blink between the part and the nearest good one"),
            ("Z, double click", "One pixel for one, and all of it"),
        ],
    ),
    (
        "Everywhere",
        &[
            ("Ctrl K", "Everything that can be done, by name"),
            ("Ctrl Z, Ctrl Shift Z", "Undo, redo"),
            ("Ctrl + −", "Size of everything"),
            ("F5", "Look for changes"),
            ("?, F1", "These keys"),
        ],
    ),
];

fn keys_ui(cx: &Cx<'_>, ui: &Ui) {
    let modal = Modal::new(Id::unique("keys")).frame(widgets::modal_frame(ui)).show(ui.ctx(), |ui| {
        let width = 860.0_f32.min(ui.ctx().content_rect().width() - 60.0);
        ui.set_width(width);
        let tokens = theme::tokens(ui);
        ui.label(RichText::new(tr("Keys")).font(font::page()).color(tokens.text));
        ui.add_space(space::M);
        ScrollArea::vertical().max_height(ui.ctx().content_rect().height() - 160.0).show(ui, |ui| {
            ui.set_width(width);
            // Two groups side by side where there is room for both.
            let beside = if width > 700.0 { 2 } else { 1 };
            for groups in KEYS.chunks(beside) {
                let group_ui = |(ui, group): (&mut Ui, &Group)| group_ui(group, ui);
                ui.columns(beside, |columns| columns.iter_mut().zip(groups).for_each(group_ui));
                ui.add_space(space::M);
            }
        });
        widgets::button(ui, widgets::Kind::Quiet, "", tr("Close")).clicked()
    });
    if modal.inner || modal.should_close() {
        cx.send(Command::Cover(None));
    }
}

fn group_ui((group, keys): &Group, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.label(RichText::new(tr(group)).font(font::heading()).color(tokens.text));
    Grid::new(*group).num_columns(2).min_col_width(160.0).spacing([space::L, 0.0]).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        for (key, what) in *keys {
            ui.label(RichText::new(tr(key)).font(font::small()).color(tokens.accent));
            ui.label(RichText::new(tr(what)).font(font::small()).color(tokens.text));
            ui.end_row();
        }
    });
}

/// Something that can be done, by name.
struct Action {
    name: String,
    command: Command,
}

fn actions(state: &State) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    let mut add = |name: &str, command: Command| actions.push(Action { name: name.to_owned(), command });
    add(tr("Add folder"), Command::ChooseFolder);
    add(tr("Search by a picture"), Command::ChoosePicture);
    add(tr("Look for changes"), Command::RefreshFolders);
    add(tr("Clear the search"), Command::ClearQuery);
    add(tr("All photos"), Command::ShowAll);
    add(tr("Problems"), Command::OpenPage(Page::Problems));
    add(tr("Map"), Command::OpenPage(Page::Map));
    add(tr("Duplicates"), Command::OpenPage(Page::Duplicates));
    add(tr("Inspect"), Command::OpenPage(Page::Inspect));
    add(tr("Models"), Command::OpenPage(Page::Models));
    add(tr("Jobs"), Command::OpenPage(Page::Jobs));
    add(tr("Compare side by side"), Command::Compare(true));
    add(tr("Filters"), Command::OpenFilters(!state.filters.is_open));
    add(tr("Copy the chosen photos to a folder"), Command::Export(ExportKind::Copies));
    add(tr("Contact sheet of the chosen photos"), Command::Export(ExportKind::Sheet));
    add(tr("Undo"), Command::Undo);
    add(tr("Redo"), Command::Redo);
    add(tr("Choose all photos"), Command::SelectAll);
    add(tr("Favourite"), Command::Mark(MarkEdit::Favourite(true)));
    add(tr("No longer a favourite"), Command::Mark(MarkEdit::Favourite(false)));
    add(tr("By relevance"), Command::SortBy(Sort::Score));
    add(tr("Newest first"), Command::SortBy(Sort::NewestFirst));
    add(tr("Oldest first"), Command::SortBy(Sort::OldestFirst));
    add(tr("Theme of the system"), Command::Look(LookChange::Appearance(Appearance::System)));
    add(tr("Light theme"), Command::Look(LookChange::Appearance(Appearance::Light)));
    add(tr("Dark theme"), Command::Look(LookChange::Appearance(Appearance::Dark)));
    add(tr("Movement as the system says"), Command::Look(LookChange::Calm(None)));
    add(tr("Things may move by themselves"), Command::Look(LookChange::Calm(Some(false))));
    add(tr("Nothing moves by itself"), Command::Look(LookChange::Calm(Some(true))));
    add(tr("All keys"), Command::Cover(Some(Cover::Keys)));
    for (language, name) in LANGUAGES {
        add(&format!("{}: {name}", tr("Language")), Command::Look(LookChange::Language(*language)));
    }
    for album in &state.library.albums {
        let name = tr_with("Album {}", &[&album.name]);
        actions.push(Action { name, command: Command::ShowAlbum(Some(album.name.clone())) });
    }
    for search in &state.library.searches {
        let name = tr_with("Search {}", &[&search.name]);
        actions.push(Action { name, command: Command::OpenSearch(search.name.clone()) });
    }
    for folder in state.library.folders.iter().flatten() {
        let name = tr_with("Folder {}", &[&crate::gui::text::name(&folder.record.path)]);
        actions.push(Action { name, command: Command::ShowFolder(Some(folder.record.path.clone())) });
    }
    actions
}

/// Whether all typed words are in a name, in any order and case.
fn is_meant(name: &str, typed: &str) -> bool {
    let name = name.to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| name.contains(word))
}

impl Covers {
    fn palette_ui(&mut self, cx: &Cx<'_>, ui: &Ui) {
        let meant = |action: &Action| is_meant(&action.name, &self.typed);
        let mut actions: Vec<Action> = actions(cx.state).into_iter().filter(meant).collect();
        let area = Modal::default_area(Id::unique("palette")).anchor(Align2::CENTER_TOP, [0.0, 80.0]);
        let modal = Modal::new(Id::unique("palette")).area(area).frame(widgets::modal_frame(ui)).show(ui.ctx(), |ui| {
            ui.set_width(460.0);
            self.field_ui(actions.len(), ui);
            self.lines_ui(&actions, ui)
        });
        if let Some(line) = modal.inner.filter(|line| *line < actions.len()) {
            cx.send(Command::Cover(None));
            cx.send(actions.swap_remove(line).command);
        } else if modal.should_close() {
            cx.send(Command::Cover(None));
        }
    }

    fn field_ui(&mut self, count: usize, ui: &mut Ui) {
        let hint = RichText::new(tr("What would you like to do?")).color(theme::tokens(ui).muted);
        let edit = TextEdit::singleline(&mut self.typed).hint_text(hint).font(font::field());
        let field = ui.add(edit.desired_width(f32::INFINITY));
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, tr("Command palette")));
        field.request_focus();
        if field.changed() {
            self.line = 0;
        }
        let pressed = |key: Key| ui.input(|input| input.key_pressed(key));
        if pressed(Key::ArrowDown) {
            self.line = (self.line + 1).min(count.saturating_sub(1));
        }
        if pressed(Key::ArrowUp) {
            self.line = self.line.saturating_sub(1);
        }
    }

    /// The lines, and which one was chosen.
    fn lines_ui(&self, actions: &[Action], ui: &mut Ui) -> Option<usize> {
        let mut chosen = ui.input(|input| input.key_pressed(Key::Enter)).then_some(self.line);
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for (line, action) in actions.iter().enumerate() {
                let row = widgets::Row { icon: "", label: &action.name, trailing: "", is_chosen: line == self.line };
                let response = widgets::row(ui, &row);
                if response.clicked() {
                    chosen = Some(line);
                }
                if row.is_chosen {
                    response.scroll_to_me(None);
                }
            }
            if actions.is_empty() {
                ui.label(RichText::new(tr("Nothing is called that")).color(theme::tokens(ui).muted));
            }
        });
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_an_action_in_any_order_and_case() {
        assert!(is_meant("Add folder", "FOLD add"));
        assert!(is_meant("Add folder", ""));
        assert!(!is_meant("Add folder", "photo"));
    }

    #[test]
    fn what_the_person_made_can_be_gone_to_by_name() {
        let mut state = State::default();
        state.library.albums.push(sightline_core::engine::Album { name: "Snow".to_owned(), photos: Vec::new() });
        let found: Vec<String> = actions(&state).into_iter().map(|action| action.name).collect();
        assert!(found.contains(&"Album Snow".to_owned()));
    }
}
