//! The system's dialogs for files and folders. They wait for the person: call them from a job. Out: what was chosen.

use std::time::{Duration, Instant};

use super::command::Choice;
use super::translate::tr;

/// A dialog that is gone sooner was never there: nobody closes one that fast.
const NOT_SHOWN: Duration = Duration::from_millis(700);

/// Asks for a folder with photos.
pub fn choose_folder() -> Choice {
    choice(|| rfd::FileDialog::new().set_title(tr("Add a folder of photos")).pick_folder())
}

/// Asks for a picture to search by.
pub fn choose_picture() -> Choice {
    let extensions = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "jxl", "qoi"];
    let dialog = rfd::FileDialog::new().set_title(tr("Search by a picture")).add_filter(tr("Pictures"), &extensions);
    choice(|| dialog.pick_file())
}

/// Asks for a folder to write into.
pub fn choose_target() -> Choice {
    choice(|| rfd::FileDialog::new().set_title(tr("Where to write")).pick_folder())
}

fn choice(ask: impl FnOnce() -> Option<std::path::PathBuf>) -> Choice {
    let asked = Instant::now();
    match ask() {
        Some(path) => Choice::Path(path),
        // rfd does not tell a cancelled dialog from one that could not be shown.
        None if asked.elapsed() < NOT_SHOWN => Choice::NoDialog,
        None => Choice::Nothing,
    }
}
