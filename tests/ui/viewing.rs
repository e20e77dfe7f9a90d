//! The large view and the keys of the grid.

use egui::Key;
use egui_kittest::kittest::Queryable;
use sightline_app::gui::command::Command;
use sightline_app::gui::state::{Loaded, State, Zoom};

use crate::support::Window;

fn is_shown(state: &State) -> bool {
    state.viewer.as_ref().is_some_and(|viewer| matches!(viewer.picture, Loaded::Ready(_)))
}

#[test]
fn a_photo_is_shown_large_arrows_go_on_and_escape_goes_back() {
    let mut window = Window::indexed();
    let green = window.photo("green.png");
    window.app().send(Command::OpenViewer(green));
    window.harness.run_steps(2);
    window.wait_until("the picture is decoded", is_shown);
    window.harness.get_by_label("Large view of green.png");
    let first = window.state().selection.cursor().unwrap();
    let key = if first == 0 { Key::ArrowRight } else { Key::ArrowLeft };
    window.harness.key_press(key);
    window.harness.run_steps(2);
    window.wait_until("the next picture is decoded", is_shown);
    assert_ne!(window.state().selection.cursor(), Some(first));
    window.harness.key_press(Key::Escape);
    window.wait_until("the grid is back", |state| state.viewer.is_none());
    window.harness.get_by_role_and_label(egui::Role::Button, "green.png");
}

#[test]
fn one_key_shows_pixel_by_pixel_and_back() {
    let mut window = Window::indexed();
    window.app().send(Command::OpenViewer(0));
    window.harness.step();
    window.wait_until("the picture is decoded", is_shown);
    let zoom = |window: &Window| window.state().viewer.as_ref().map(|viewer| viewer.zoom);
    window.harness.get_by_label("1:1").click();
    window.harness.run_steps(3);
    assert_eq!(zoom(&window), Some(Zoom::ACTUAL));
    window.harness.key_press(Key::Z);
    window.harness.run_steps(3);
    assert_eq!(zoom(&window), Some(Zoom::Fit));
}

#[test]
fn arrows_home_end_and_enter_work_in_the_grid() {
    let mut window = Window::indexed();
    let mut press = |key: Key, expected: usize| {
        window.harness.key_press(key);
        window.harness.run_steps(3);
        assert_eq!(window.state().selection.cursor(), Some(expected), "after {key:?}");
    };
    press(Key::ArrowRight, 1);
    press(Key::ArrowRight, 2);
    press(Key::ArrowRight, 2);
    press(Key::Home, 0);
    press(Key::End, 2);
    press(Key::ArrowLeft, 1);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    assert!(window.state().viewer.is_some());
}
