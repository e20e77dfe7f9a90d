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
fn a_picture_that_moves_moves_and_can_be_held() {
    let mut window = Window::new();
    let folder = window.folder_of("Moving", &[]);
    let mut gif = image::codecs::gif::GifEncoder::new(fs_err::File::create(folder.join("a.gif")).unwrap());
    for color in [[200, 30, 30, 255], [30, 30, 200, 255]] {
        let picture = image::RgbaImage::from_pixel(40, 30, image::Rgba(color));
        let lasts = image::Delay::from_numer_denom_ms(30, 1);
        gif.encode_frame(image::Frame::from_parts(picture, 0, 0, lasts)).unwrap();
    }
    drop(gif);
    window.index(&folder);
    window.app().send(Command::OpenViewer(0));
    window.harness.step();
    let shows = |state: &State, of: fn(egui::Color32) -> u8| {
        let motion = state.viewer.as_ref().and_then(|viewer| viewer.motion.as_ref());
        motion.is_some_and(|motion| of(motion.frame.pixels[0]) > 150)
    };
    window.wait_until("it is red", |state| shows(state, |color| color.r()));
    window.wait_until("it is blue", |state| shows(state, |color| color.b()));
    window.wait_until("it is red once more", |state| shows(state, |color| color.r()));
    window.harness.key_press(Key::P);
    window.harness.run_steps(3);
    window.harness.get_by_label("Let it move").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("Let it stand still");
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
