//! Copies, sheets, lists and the trash, in folders made for it.

use std::process::Command;

use image::RgbImage;

use super::*;
use crate::engine::{Settings, SheetStyle};
use crate::index::{ContentHash, FileRecord, FolderRecord, Indexed, PhotoRecord};

/// A library with three pictures in a folder, and one file that could not be used.
struct Place {
    folder: tempfile::TempDir,
    engine: Engine,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let photos = folder.path().join("photos");
        fs_err::create_dir_all(&photos).unwrap();
        let settings = Settings { library: folder.path().join("library"), model: None, precision: Default::default() };
        let engine = Engine::open(settings).unwrap();
        let store = &engine.shared.store;
        store.add_folder(&FolderRecord::new(photos.clone())).unwrap();
        let mut batch = Vec::new();
        for name in ["a.png", "b.png", "<c>.png"] {
            let path = photos.join(name);
            RgbImage::from_pixel(40, 30, image::Rgb([name.len() as u8 * 20, 9, 9])).save(&path).unwrap();
            let hash = ContentHash::of(&fs_err::read(&path).unwrap());
            batch.push(record(path, Some(hash), None));
        }
        batch.push(record(photos.join("bad \"one\".png"), None, Some("it is empty; remove it".to_owned())));
        store.record(engine.snapshot().vectors.identity(), &batch).unwrap();
        engine.refresh().unwrap();
        Self { folder, engine }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        self.engine.snapshot().entries.iter().map(|entry| name(&entry.path)).collect()
    }
}

fn record(path: PathBuf, hash: Option<ContentHash>, problem: Option<String>) -> Indexed {
    let photo = PhotoRecord {
        width: 40,
        height: 30,
        format: "png".to_owned(),
        taken: None,
        camera: None,
        lens: None,
        exposure: Default::default(),
        position: None,
    };
    let photo = hash.map(|_| photo);
    Indexed { file: FileRecord { path, size: 1, modified_ns: 0, hash, problem }, photo, vector: None }
}

#[test]
fn copies_are_whole_keep_their_time_and_write_over_nothing() {
    let place = Place::new();
    let (file, target) = (place.at("photos/a.png"), place.at("out"));
    let export = || place.engine.copy_originals(std::slice::from_ref(&file), &target, &Ticker::silent()).unwrap();
    assert_eq!(export().copied, [(file.clone(), target.join("a.png"))]);
    fs_err::write(target.join("a.png"), "mine").unwrap();
    assert_eq!(export().copied, [(file.clone(), target.join("a (2).png"))]);
    assert_eq!(export().copied, [(file.clone(), target.join("a (3).png"))]);
    assert_eq!(fs_err::read(target.join("a.png")).unwrap(), b"mine");
    assert_eq!(fs_err::read(target.join("a (2).png")).unwrap(), fs_err::read(&file).unwrap());
    let time = |path: &Path| fs_err::metadata(path).unwrap().modified().unwrap();
    assert_eq!(time(&target.join("a (2).png")), time(&file));
}

#[test]
fn a_file_that_is_gone_does_not_end_an_export() {
    let place = Place::new();
    let files = [place.at("photos/gone.png"), place.at("photos/b.png")];
    let report = place.engine.copy_originals(&files, &place.at("out"), &Ticker::silent()).unwrap();
    assert_eq!((report.copied.len(), report.failed.len()), (1, 1));
    assert_eq!(report.failed[0].path, files[0]);
}

#[test]
fn a_sheet_is_a_picture_with_all_photos_or_a_page_with_their_names() {
    let place = Place::new();
    let style = SheetStyle { columns: 2, cell: 32, gap: 4 };
    let write = |name: &str| {
        let snapshot = place.engine.snapshot();
        place.engine.write_contact_sheet(&snapshot, &[0, 1, 2], (&place.at(name), style), &Ticker::silent())
    };
    for name in ["sheet.png", "sheet.jpg"] {
        let page = image::open(write(name).unwrap()).unwrap().into_rgb8();
        assert_eq!(page.dimensions(), (76, 76));
        let dark = [(20, 20), (56, 20), (20, 56)].map(|(x, y)| page.get_pixel(x, y).0[1] < 40);
        assert_eq!(dark, [true; 3], "{name}");
        assert!(page.get_pixel(56, 56).0[1] > 240, "the fourth place is empty");
    }
    let page = fs_err::read_to_string(write("sheet.html").unwrap()).unwrap();
    assert!(page.contains("<figcaption>&lt;c&gt;.png</figcaption>") && !page.contains("<c>"));
    assert_eq!(page.matches("data:image/jpeg;base64,").count(), 3);
    assert_eq!(write("sheet.html").unwrap(), place.at("sheet (2).html"));
    assert!(write("sheet.pdf").is_err());
}

#[test]
fn a_sheet_that_no_memory_holds_is_refused() {
    assert!(SheetStyle::default().checked(1_000_000).is_err());
    assert!(SheetStyle::default().checked(0).is_err());
    assert!(SheetStyle { columns: 0, ..SheetStyle::default() }.checked(5).is_err());
    assert!(SheetStyle::default().checked(600).is_ok());
}

#[test]
fn problems_are_a_table_that_any_program_reads() {
    let place = Place::new();
    let path = place.engine.write_problems(&place.at("problems.csv")).unwrap();
    let text = fs_err::read_to_string(path).unwrap();
    let bad = place.at("photos/bad \"\"one\"\".png");
    assert_eq!(text, format!("path,reason\r\n\"{}\",\"it is empty; remove it\"\r\n", bad.display()));
}

#[test]
fn what_is_in_the_trash_is_out_of_the_library_and_the_rest_stays() {
    let place = Place::new();
    let into_trash = |path: &Path| match path.ends_with("b.png") {
        true => Err("it is held".to_owned()),
        false => fs_err::remove_file(path).map_err(|error| error.to_string()),
    };
    let stranger = place.at("photos/stranger.txt");
    fs_err::write(&stranger, "not ours").unwrap();
    let files = [place.at("photos/a.png"), place.at("photos/b.png"), stranger.clone()];
    let report = place.engine.trash_by(&files, &into_trash, &Ticker::silent()).unwrap();
    assert_eq!(report.trashed, [files[0].clone()]);
    assert_eq!(report.failed.len(), 2);
    assert!(stranger.exists(), "what is not in the library is not touched");
    assert_eq!(place.names(), ["<c>.png", "b.png"]);
}

#[test]
fn what_was_trashed_before_a_stop_is_forgotten_all_the_same() {
    let place = Place::new();
    let ticker = Ticker::silent();
    let stopping = ticker.clone();
    let into_trash = move |path: &Path| {
        stopping.cancel();
        fs_err::remove_file(path).map_err(|error| error.to_string())
    };
    let files = [place.at("photos/a.png"), place.at("photos/b.png")];
    assert!(matches!(place.engine.trash_by(&files, &into_trash, &ticker), Err(Error::Cancelled)));
    assert_eq!(place.names(), ["<c>.png", "b.png"]);
}

const TRASH_HERE: &str = "SIGHTLINE_TEST_TRASH";

/// The system's trash is found by the environment, so the test runs once more in a process with one of its own.
#[test]
#[cfg(target_os = "linux")]
fn the_system_s_trash_takes_a_file() {
    if std::env::var_os(TRASH_HERE).is_some() {
        let place = Place::new();
        let report = place.engine.trash(&[place.at("photos/a.png")], &Ticker::silent()).unwrap();
        assert_eq!((report.trashed.len(), report.failed), (1, vec![]));
        assert!(!place.at("photos/a.png").exists());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let name = "engine::export::tests::the_system_s_trash_takes_a_file";
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", name]).env("XDG_DATA_HOME", home.path()).env(TRASH_HERE, "1");
    assert!(again.output().unwrap().status.success());
    let files: Vec<_> = fs_err::read_dir(home.path().join("Trash/files")).unwrap().collect();
    assert_eq!(files.len(), 1);
}
