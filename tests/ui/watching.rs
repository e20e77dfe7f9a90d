//! What changes in an added folder is noticed by itself.

use std::time::{Duration, Instant};

use crate::support::{COLORS, Window};

/// Frame after frame until nothing goes on: the system watches.
#[track_caller]
fn rest(window: &mut Window) {
    let end = Instant::now() + Duration::from_secs(60);
    while window.app().is_busy() {
        assert!(Instant::now() < end, "still busy");
        window.harness.step();
        std::thread::yield_now();
    }
}

#[test]
fn a_photo_that_is_copied_into_an_added_folder_appears_by_itself() {
    let mut window = Window::new();
    let folder = window.folder_of("Colors", &COLORS);
    window.index(&folder);
    rest(&mut window);
    window.folder_of("Colors", &[("yellow.png", [190, 190, 20])]);
    window.wait_until("the new photo is there", |state| state.answer.hits.len() == 4);
}
