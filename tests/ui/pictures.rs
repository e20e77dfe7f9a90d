//! The main screens, drawn once in both themes: something is there, and no two screens are the same.

use sightline_app::gui::adapter_finding;
use sightline_app::gui::command::Command;
use sightline_app::gui::state::{Appearance, Loaded};
use sightline_core::engine::Severity;

use crate::support::{COLORS, Window};

/// Whether there is an adapter to draw with; says so, or fails where nothing may be skipped.
fn can_draw() -> bool {
    let finding = adapter_finding();
    if finding.severity == Severity::Good {
        return true;
    }
    let may_skip = std::env::var_os("SIGHTLINE_NO_SKIP").is_none_or(|value| value != "1");
    assert!(may_skip, "no graphics adapter, and SIGHTLINE_NO_SKIP=1: {}", finding.text);
    println!("skipped: {}", finding.text);
    false
}

/// How many different colors the window shows now.
#[track_caller]
fn check(window: &mut Window, least_colors: usize) {
    window.harness.run_steps(4);
    let image = window.harness.render().unwrap();
    let colors: std::collections::BTreeSet<[u8; 4]> = image.pixels().map(|pixel| pixel.0).collect();
    assert!(colors.len() >= least_colors, "only {} colors", colors.len());
}

#[test]
fn every_screen_is_drawn_in_both_themes() {
    if !can_draw() {
        return;
    }
    for appearance in [Appearance::Dark, Appearance::Light] {
        let mut window = Window::new();
        window.app().send(Command::SetAppearance(appearance));
        window.wait_until("folders are read", |state| state.library.folders.is_some());
        check(&mut window, 50);
        let folder = window.folder_of("Colors", &COLORS);
        window.index(&folder);
        check(&mut window, 60);
        window.app().send(Command::OpenViewer(0));
        window.harness.step();
        window.wait_until("the picture is decoded", |state| {
            state.viewer.as_ref().is_some_and(|viewer| matches!(viewer.picture, Loaded::Ready(_)))
        });
        check(&mut window, 50);
    }
}
