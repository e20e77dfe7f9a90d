//! The system's dialogs for files and folders. They wait for the person: call them from a job. Out: what was chosen.

use std::time::{Duration, Instant};

use super::finding::Choice;
use super::inspect_command::Chosen;
use super::inspect_work::wants_files;
use super::state::Wanted;
use super::translate::tr;

/// A dialog that is gone sooner was never there: nobody closes one that fast.
const NOT_SHOWN: Duration = Duration::from_millis(700);

/// Endings of pictures.
const PICTURES: [&str; 12] = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "jxl", "qoi"];

/// Asks for a folder with photos.
pub fn choose_folder() -> Choice {
    choice(|| rfd::FileDialog::new().set_title(tr("Add a folder of photos")).pick_folder())
}

/// Asks for a picture to search by.
pub fn choose_picture() -> Choice {
    let dialog = rfd::FileDialog::new().set_title(tr("Search by a picture")).add_filter(tr("Pictures"), &PICTURES);
    choice(|| dialog.pick_file())
}

/// Asks for a file that is not in the library; of any ending, since that may be why.
pub fn choose_missing() -> Choice {
    choice(|| rfd::FileDialog::new().set_title(tr("Choose a missing photo …")).pick_file())
}

/// Asks for a folder to write into.
pub fn choose_target() -> Choice {
    choice(|| rfd::FileDialog::new().set_title(tr("Where to write")).pick_folder())
}

/// Asks for what the inspection page wants.
pub fn choose_for_inspection(wanted: Wanted) -> Chosen {
    let dialog = rfd::FileDialog::new().set_title(title(wanted));
    let asked = Instant::now();
    let paths = match wanted {
        Wanted::ProductFile => dialog.add_filter(tr("Products"), &["zip"]).pick_file().map(|file| vec![file]),
        wanted if wants_files(wanted) => dialog.add_filter(tr("Pictures"), &PICTURES).pick_files(),
        _ => dialog.pick_folder().map(|folder| vec![folder]),
    };
    match paths {
        Some(paths) => Chosen::Paths(paths),
        None if asked.elapsed() < NOT_SHOWN => Chosen::NoDialog,
        None => Chosen::Nothing,
    }
}

/// What is asked for, in words.
pub fn title(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::GoodFiles => tr("Pictures of good parts"),
        Wanted::GoodFolder => tr("A folder with pictures of good parts"),
        Wanted::OkFolder => tr("A folder of more good parts, for the thresholds"),
        Wanted::PartFiles => tr("Pictures of parts to judge"),
        Wanted::PartFolder => tr("A folder of parts to judge"),
        Wanted::CameraFolder => tr("A folder that a camera writes into"),
        Wanted::AuditFolder => tr("Where to write the decisions"),
        Wanted::ReportFolder => tr("Where to write the report"),
        Wanted::ExportFolder => tr("Where to write the product"),
        Wanted::ProductFile => tr("A product's file"),
    }
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
