//! The main job in the real window, from the first start to the right photo, with nothing but a keyboard.

use std::path::PathBuf;

use image::{Rgb, RgbImage};
use tempfile::TempDir;

use crate::desktop::Desktop;

const RED: [u8; 3] = [190, 20, 20];
const GREEN: [u8; 3] = [20, 160, 30];
const BLUE: [u8; 3] = [20, 30, 190];

fn is_near(pixel: &Rgb<u8>, color: [u8; 3]) -> bool {
    pixel.0.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 24)
}

/// The photos that the grid shows, from the top and the left, by color.
fn photos(screen: &RgbImage) -> Vec<[u8; 3]> {
    // Between the sidebar and the details, under the bars.
    let is_grid = |x: u32, y: u32| (240..960).contains(&x) && (90..760).contains(&y);
    let mut found = Vec::new();
    for (_, _, pixel) in screen.enumerate_pixels().filter(|(x, y, _)| is_grid(*x, *y)) {
        let color = [RED, GREEN, BLUE].into_iter().find(|color| is_near(pixel, *color));
        found.extend(color.filter(|color| !found.contains(color)));
    }
    found
}

#[test]
fn a_folder_is_added_indexed_and_searched_with_the_keyboard_alone() {
    let Some(mut desktop) = Desktop::start() else { return };
    let folder = TempDir::new().unwrap();
    let photos_folder = folder.path().join("photos");
    fs_err::create_dir(&photos_folder).unwrap();
    for (name, color) in [("red", RED), ("green", GREEN), ("blue", BLUE)] {
        RgbImage::from_pixel(300, 200, Rgb(color)).save(photos_folder.join(format!("{name}.png"))).unwrap();
    }
    desktop.open(&folder.path().join("library"));

    desktop.press("ctrl+k");
    desktop.type_words("add folder");
    desktop.press("Return");
    // No dialog is to be had here: the window asks for the path itself.
    desktop.type_words(&photos_folder.to_string_lossy());
    desktop.press("Return");
    let shown = |desktop: &Desktop| desktop.screen().map(|screen| photos(&screen)).unwrap_or_default();
    desktop.wait_for("three photos", |desktop| shown(desktop).len() == 3);

    for (word, color) in [("green", GREEN), ("blue", BLUE)] {
        desktop.press("slash");
        desktop.press("ctrl+a");
        desktop.type_words(word);
        desktop.wait_for(word, |desktop| shown(desktop).first() == Some(&color));
    }
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("window.png");
    desktop.screen().unwrap().save(&target).unwrap();
    println!("the window: {}", target.display());
}
