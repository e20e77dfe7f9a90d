//! Indexing as a whole: what a library keeps when runs are killed, drives unplugged, models changed and stores broken.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sightline_core::Error;
use sightline_core::engine::{Chip, Engine, IndexReport, Precision, SearchReport, SearchRequest, Settings, Subject};
use sightline_core::index::Snapshot;
use sightline_core::jobs::Ticker;

use super::home::Home;

impl Home {
    fn engine(&self, model: Option<&Path>) -> Engine {
        let model = model.map(|path| path.to_str().unwrap().to_owned());
        Engine::open(Settings { library: self.library(), model, precision: Precision::Auto }).unwrap()
    }

    fn index(&self, engine: &Engine) -> IndexReport {
        engine.index(&[self.pictures()], &Ticker::silent()).unwrap()
    }
}

fn like(path: PathBuf) -> SearchRequest {
    let chip = Chip { subject: Subject::Picture { path, region: None }, weight: 1.0 };
    SearchRequest { chips: vec![chip], limit: 5, ..SearchRequest::default() }
}

fn first_path(report: &SearchReport) -> &Path {
    report.path(&report.hits[0])
}

/// Every picture is there and has a vector.
#[track_caller]
fn check_complete(snapshot: &Snapshot, count: usize) {
    assert_eq!(snapshot.entries.len(), count);
    assert!(snapshot.entries.iter().all(|entry| entry.row.is_some()));
}

/// A tiny model of another family member than the starter, from the parity fixtures.
fn tiny_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/fixtures/checkpoints/clip_hf_quickgelu")
}

#[test]
fn a_killed_run_is_continued() {
    let home = Home::with_pictures(120);
    let mut child = Command::new(env!("CARGO_BIN_EXE_sightline-under-test"))
        .args(["--threads", "1", "--quiet", "--library"])
        .arg(home.library())
        .arg("index")
        .arg(home.pictures())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Killed as soon as the first vectors are written.
    // A file may be renamed between its listing and the look at it.
    let written = |entry: std::io::Result<fs_err::DirEntry>| {
        entry.and_then(|entry| entry.metadata()).is_ok_and(|metadata| metadata.len() > 4096)
    };
    let has_begun = || fs_err::read_dir(home.library().join("vectors")).is_ok_and(|mut entries| entries.any(written));
    while child.try_wait().unwrap().is_none() && !has_begun() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let engine = home.engine(None);
    let report = home.index(&engine);
    assert_eq!(report.indexed + report.unchanged, 120);
    assert!(report.failed.is_empty());
    check_complete(&engine.snapshot(), 120);
}

#[test]
fn a_second_process_is_told_in_one_line() {
    let home = Home::with_pictures(1);
    let engine = home.engine(None);
    let error =
        Engine::open(Settings { library: home.library(), model: None, precision: Precision::Auto }).err().unwrap();
    assert!(matches!(error, Error::LibraryInUse { .. }), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
    drop(engine);
    home.engine(None);
}

#[test]
fn an_unplugged_drive_keeps_its_photos() {
    let home = Home::with_pictures(3);
    let engine = home.engine(None);
    home.index(&engine);
    let away = home.folder.path().join("unplugged");
    fs_err::rename(home.pictures(), &away).unwrap();
    let report = engine.index(&[], &Ticker::silent()).unwrap();
    assert_eq!((report.gone, report.offline.len()), (0, 1));
    check_complete(&engine.snapshot(), 3);
    assert!(engine.snapshot().entries.iter().all(|entry| entry.is_offline));
    fs_err::rename(&away, home.pictures()).unwrap();
    let report = engine.index(&[], &Ticker::silent()).unwrap();
    assert_eq!((report.unchanged, report.indexed, report.offline.len()), (3, 0, 0));
    assert!(engine.snapshot().entries.iter().all(|entry| !entry.is_offline));
}

#[cfg(unix)]
#[test]
fn photos_behind_a_link_to_an_unplugged_drive_are_kept() {
    let home = Home::with_pictures(3);
    let drive = home.folder.path().join("drive");
    fs_err::create_dir_all(&drive).unwrap();
    fs_err::rename(home.picture(0), drive.join("away.png")).unwrap();
    fs_err::os::unix::fs::symlink(&drive, home.pictures().join("archive")).unwrap();
    let engine = home.engine(None);
    assert_eq!(home.index(&engine).indexed, 3);
    fs_err::rename(&drive, home.folder.path().join("unplugged")).unwrap();
    let report = home.index(&engine);
    assert_eq!((report.unchanged, report.gone), (2, 0));
    assert_eq!(engine.snapshot().entries.len(), 3);
}

#[test]
fn copies_are_found_once_and_embedded_once() {
    let home = Home::with_pictures(2);
    fs_err::copy(home.picture(0), home.pictures().join("copy.png")).unwrap();
    let engine = home.engine(None);
    home.index(&engine);
    assert_eq!(engine.snapshot().vectors.rows(), 2);
    assert_eq!(engine.search(&like(home.picture(0))).unwrap().hits.len(), 2);
}

#[test]
fn another_model_has_its_own_vectors_and_the_old_ones_stay() {
    let home = Home::with_pictures(4);
    let model = tiny_model();
    home.index(&home.engine(None));
    {
        // The library's model is still the starter: the other one has no vectors yet, and the answer says so.
        let engine = home.engine(Some(&model));
        assert!(engine.search(&like(home.picture(2))).unwrap().notes[0].contains("4 of 4"));
        let report = home.index(&engine);
        assert_eq!((report.indexed, report.unchanged), (4, 0));
        assert_eq!(first_path(&engine.search(&like(home.picture(2))).unwrap()), home.picture(2));
    }
    // Complete: it is the library's model now.
    assert_eq!(Path::new(home.engine(None).model_id()), fs_err::canonicalize(&model).unwrap());
    let starter = home.engine(Some(Path::new("starter")));
    let report = starter.search(&like(home.picture(1))).unwrap();
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    assert_eq!(first_path(&report), home.picture(1));
}

#[test]
fn a_broken_store_is_rebuilt_and_said() {
    let home = Home::with_pictures(3);
    home.index(&home.engine(None));
    for entry in fs_err::read_dir(home.library().join("store")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs_err::write(path, b"nothing of sled's").unwrap();
        }
    }
    let engine = home.engine(None);
    assert!(!engine.notices().is_empty());
    home.index(&engine);
    check_complete(&engine.snapshot(), 3);
}

#[test]
fn stopping_keeps_what_is_done() {
    let home = Home::with_pictures(40);
    let engine = home.engine(None);
    let ticker = Ticker::silent();
    ticker.cancel();
    assert!(matches!(engine.index(&[home.pictures()], &ticker), Err(Error::Cancelled)));
    let report = home.index(&engine);
    assert_eq!(report.indexed + report.unchanged, 40);
}

#[test]
fn two_runs_at_once_are_refused() {
    let home = Home::with_pictures(60);
    let engine = home.engine(None);
    let job = engine.start_index(vec![home.pictures()], std::sync::Arc::new(|| {})).unwrap();
    while job.progress().total == 0 {
        std::thread::yield_now();
    }
    let second = engine.index(&[home.pictures()], &Ticker::silent());
    assert_eq!(job.wait().unwrap().indexed, 60);
    match second {
        Err(error) => assert!(error.to_string().contains("indexed already"), "{error}"),
        // The first was quicker than this thread: everything was done.
        Ok(report) => assert_eq!((report.indexed, report.unchanged), (0, 60)),
    }
}

#[test]
fn a_search_does_not_wait_for_indexing() {
    let home = Home::with_pictures(400);
    let engine = home.engine(None);
    engine.encoder().unwrap();
    let job = engine.start_index(vec![home.pictures()], std::sync::Arc::new(|| {})).unwrap();
    while job.progress().done == 0 {
        std::thread::yield_now();
    }
    engine.search(&like(home.picture(3))).unwrap();
    let progress = job.progress();
    assert!(progress.done < progress.total, "the search came back only after {progress:?}");
    job.wait().unwrap();
}
