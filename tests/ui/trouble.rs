//! What goes wrong is said, and nothing else stops for it.

use egui_kittest::kittest::Queryable;
use sightline_app::gui::command::Command;
use sightline_app::gui::state::Page;

use crate::support::{COLORS, Window};

#[test]
fn a_file_that_cannot_be_used_is_listed_with_the_reason() {
    let mut window = Window::new();
    let folder = window.folder_of("Mixed", &COLORS);
    fs_err::write(folder.join("torn.jpg"), b"no picture at all").unwrap();
    window.index(&folder);
    window.wait_until("the problem is known", |state| !state.library.problems.is_empty());
    assert_eq!(window.state().answer.hits.len(), 3);
    window.harness.get_by_label("Problems").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("torn.jpg");
    window.harness.get_by_label("Copy the list");
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_steps(3);
    window.harness.get_by_role_and_label(egui::Role::Button, "red.png");
}

#[test]
fn a_list_is_no_wider_than_can_be_read() {
    let (width, most) = (2560.0, 1100.0);
    let mut window = Window::sized(width, 1440.0);
    let folder = window.folder_of("Mixed", &COLORS);
    let name = format!("{}.jpg", "long ".repeat(48));
    fs_err::write(folder.join(&name), b"no picture at all").unwrap();
    window.index(&folder);
    window.wait_until("the problem is known", |state| !state.library.problems.is_empty());
    window.app().send(Command::OpenPage(Page::Problems));
    window.harness.run_steps(3);
    // The line, and the reason in it.
    let line = window.harness.get_all_by_label_contains(&name).next().unwrap().rect();
    assert!(line.width() > 0.9 * most && line.width() <= most, "{line:?}");
    // The page itself begins behind the sidebar.
    assert!(line.left() > (width - most) / 2.0 - 1.0 && line.right() < width - 300.0, "{line:?}");
}

#[test]
fn a_folder_that_is_not_there_is_said_in_a_line_that_can_be_dismissed() {
    let mut window = Window::new();
    window.app().send(Command::AddFolder("/no/such/folder".into()));
    window.harness.step();
    window.wait_until("it is said", |state| state.error.is_some() || !state.notices.is_empty());
    window.harness.get_by_label_contains("/no/such/folder");
    let dismiss = window.harness.get_all_by_label_contains("Dismiss").next().unwrap();
    dismiss.click();
    window.wait_until("it is gone", |state| state.error.is_none() && state.notices.is_empty());
}

#[test]
fn indexing_can_be_stopped_and_what_is_done_stays() {
    let mut window = Window::new();
    let names: Vec<String> = (0..200).map(|i| format!("{i:03}.png")).collect();
    let files: Vec<(&str, [u8; 3])> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), [i as u8, 90, 90])).collect();
    let folder = window.folder_of("Many", &files);
    window.app().send(Command::AddFolder(folder));
    window.harness.run_steps(2);
    window.harness.get_by_label("Stop indexing").click();
    window.harness.run_steps(2);
    window.wait_until("indexing has stopped", |state| state.indexing.is_none());
    assert_eq!(window.state().error, None, "stopping is what was wanted, and no error");
}

#[test]
fn a_picture_that_cannot_be_searched_by_is_an_error_that_says_what_to_do() {
    let mut window = Window::new();
    let folder = window.folder_of("Colors", &COLORS);
    window.index(&folder);
    let text = folder.join("notes.txt");
    fs_err::write(&text, b"words").unwrap();
    window.app().send(Command::Drop(vec![text]));
    window.harness.step();
    window.wait_until("it is said", |state| state.error.is_some());
    assert!(
        window.state().error.as_ref().is_some_and(|error| error.contains("notes.txt")),
        "{:?}",
        window.state().error
    );
    window.harness.get_by_label("Dismiss the error");
}
