//! Favourites, stars, tags, notes, albums, saved searches, and undoing them: through the window's own controls.

use egui::Key;
use egui_kittest::kittest::Queryable;
use sightline_app::gui::command::{AlbumEdit, Command};
use sightline_app::gui::state::State;
use sightline_app::gui::translate::Language;

use crate::support::Window;

/// A window with three photos, the green one chosen.
fn with_green_chosen() -> Window {
    let mut window = Window::indexed();
    let green = window.photo("green.png");
    window.app().send(Command::Select(green));
    window.harness.run_steps(3);
    window
}

fn marked(state: &State, is_marked: impl Fn(&sightline_core::index::Entry) -> bool) -> Vec<String> {
    let entries = (0..state.answer.hits.len()).filter_map(|photo| state.answer.entry(photo));
    let marked = entries.filter(|entry| is_marked(entry));
    marked.map(|entry| entry.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn keys_make_favourites_and_stars_and_undo_takes_them_back() {
    let mut window = with_green_chosen();
    window.harness.event(egui::Event::Text("f".to_owned()));
    window.wait_until("green is a favourite", |state| marked(state, |entry| entry.is_favourite) == ["green.png"]);
    window.harness.event(egui::Event::Text("4".to_owned()));
    window.wait_until("green has four stars", |state| marked(state, |entry| entry.rating == 4) == ["green.png"]);
    for _ in 0..2 {
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::Z);
        window.harness.run_steps(2);
        window.wait_until("it is undone", |state| !state.is_searching && state.history.can_redo());
    }
    window.wait_until("nothing is marked", |state| {
        marked(state, |entry| entry.is_favourite || entry.rating > 0).is_empty()
    });
}

#[test]
fn a_tag_is_typed_found_and_removed() {
    let mut window = with_green_chosen();
    window.harness.get_by_label("Add a tag").click();
    window.harness.run_steps(2);
    window.harness.get_by_label("Add a tag").type_text("meadow");
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(2);
    window.wait_until("green is tagged", |state| marked(state, |entry| !entry.tags.is_empty()) == ["green.png"]);
    window.app().send(Command::SearchText("meadow".to_owned()));
    window.harness.step();
    window.wait_until("the tag is found first", |state| {
        !state.is_searching
            && state.answer.query.draft == "meadow"
            && state.answer.sections[0].name.as_deref() == Some("Name or tag")
    });
    window.harness.get_by_label("Remove the tag meadow").click();
    window.wait_until("the tag is gone", |state| state.library.tags.is_empty());
}

#[test]
fn an_album_is_made_shown_and_deleted() {
    let mut window = with_green_chosen();
    window.app().send(Command::Album("Meadows".to_owned(), AlbumEdit::Add));
    window.harness.step();
    window.wait_until("the album is there", |state| state.library.album("Meadows").is_some());
    window.harness.get_by_label_contains("Meadows").click();
    window.wait_until("only its photo is shown", |state| !state.is_searching && state.answer.hits.len() == 1);
    window.app().send(Command::Album("Meadows".to_owned(), AlbumEdit::Delete));
    window.harness.step();
    window.wait_until("all photos are shown again", |state| !state.is_searching && state.answer.hits.len() == 3);
}

#[test]
fn a_search_is_saved_under_a_name_and_opened_again() {
    let mut window = with_green_chosen();
    window.app().send(Command::SearchText("something blue".to_owned()));
    window.harness.step();
    window.wait_until("the answer is there", |state| !state.is_searching);
    window.harness.get_by_label("Save search").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("Save").click();
    window.wait_until("the search is kept", |state| state.library.searches.len() == 1);
    window.app().send(Command::ClearQuery);
    window.harness.run_steps(2);
    window.wait_until("all photos are shown", |state| !state.is_searching && state.answer.query.is_browsing());
    window.harness.get_by_label("something blue").click();
    window.wait_until("it is searched again", |state| !state.is_searching && state.answer.query.chips.len() == 1);
}

#[test]
fn the_palette_does_what_it_is_told_by_name() {
    let mut window = with_green_chosen();
    tell(&mut window, "Command palette", "dark");
    window.wait_until("the theme is dark", |state| {
        state.appearance == sightline_app::gui::state::Appearance::Dark && state.cover.is_none()
    });
    let heading = |state: &State| state.answer.sections.first().and_then(|section| section.name.clone());
    window.app().send(Command::SearchText("green".to_owned()));
    window.wait_until("a name is found", |state| heading(state).is_some_and(|name| name == "Name or tag"));
    let english = heading(window.state());
    tell(&mut window, "Command palette", "deutsch");
    window.wait_until("headings are German", |state| state.language == Language::German && heading(state) != english);
    tell(&mut window, "Befehlspalette", "english");
    window.wait_until("headings are English", |state| state.language == Language::English && heading(state) == english);
}

fn tell(window: &mut Window, palette: &str, words: &str) {
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::K);
    window.harness.run_steps(3);
    window.harness.get_by_label(palette).type_text(words);
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(2);
}

#[test]
fn a_question_mark_shows_all_keys() {
    let mut window = with_green_chosen();
    window.harness.event(egui::Event::Text("?".to_owned()));
    window.harness.run_steps(3);
    window.harness.get_by_label("Keep the words as a chip");
    window.harness.key_press(Key::Escape);
    window.wait_until("they are gone", |state| state.cover.is_none());
}
