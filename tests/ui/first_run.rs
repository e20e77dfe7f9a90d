//! From an empty library to the first photos.

use egui::Role;
use egui_kittest::kittest::Queryable;

use crate::support::{COLORS, Window};

#[test]
fn an_empty_library_offers_to_add_a_folder_and_says_what_happens_to_photos() {
    let mut window = Window::new();
    window.wait_until("folders are read", |state| state.library.folders.is_some());
    window.harness.get_by_label("Add folder");
    window.harness.get_by_label("Find your photos by what is on them");
    window.harness.get_by_label_contains("never leave this machine");
    window.harness.get_by_label("0 photos");
}

#[test]
fn a_folder_is_added_by_its_path_and_its_photos_appear() {
    let mut window = Window::new();
    let folder = window.folder_of("Holiday", &COLORS);
    window.wait_until("folders are read", |state| state.library.folders.is_some());
    window.harness.get_by_label("or type its path").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("Path of the folder").type_text(&folder.to_string_lossy());
    window.harness.run_steps(2);
    window.harness.get_by_label("Add").click();
    window.harness.run_steps(2);
    window.wait_until("photos are shown", |state| state.indexing.is_none() && state.answer.hits.len() == 3);
    for (name, _) in COLORS {
        window.harness.get_by_role_and_label(Role::Button, name);
    }
    window.wait_until("the folder is listed", |state| {
        state.library.folders.iter().flatten().any(|folder| folder.photos == 3)
    });
    window.harness.get_by_role_and_label(Role::Button, "Holiday");
    assert!(!window.state().is_path_asked);
}

#[test]
fn a_narrow_window_hides_the_sidebar_behind_a_button() {
    let mut window = Window::sized(640.0, 420.0);
    window.wait_until("folders are read", |state| state.library.folders.is_some());
    assert!(window.harness.query_by_label("All photos").is_none());
    window.harness.get_by_label("Folders and pages").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("All photos");
}

#[test]
fn the_theme_is_remembered() {
    use sightline_app::gui::state::Appearance;
    let mut window = Window::new();
    window.harness.run_steps(2);
    window.harness.get_by_label("Light theme").click();
    window.wait_until("the theme is light", |state| state.appearance == Appearance::Light);
    window.harness.run_steps(2);
    assert_eq!(window.harness.ctx.theme(), egui::Theme::Light);
}

#[test]
fn the_whole_window_speaks_another_language_at_once() {
    use sightline_app::gui::translate::Language;
    let mut window = Window::new();
    window.wait_until("folders are read", |state| state.library.folders.is_some());
    window.harness.get_by_label("Language").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("Deutsch").click();
    window.wait_until("the language is German", |state| state.language == Language::German);
    window.harness.run_steps(2);
    window.harness.get_by_label("Ordner hinzufügen");
    window.harness.get_by_label("0 Fotos");
    window.harness.get_by_label("Alle Fotos");
    assert!(window.harness.query_by_label("Add folder").is_none());
}
