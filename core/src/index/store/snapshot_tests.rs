//! Tests of snapshots over a store that goes on: files that come and go, rows that move.

use std::path::{Path, PathBuf};

use super::tests::{hash, indexed, model, open, vector};
use super::*;
use crate::index::{Entry, FirstLooks, Indexed, Snapshot};

#[test]
fn rows_that_moved_since_the_vectors_were_taken_are_nobodys() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let path = |number| PathBuf::from(format!("/p/{number}.jpg"));
    let batch: Vec<Indexed> = (0..8).map(|number| indexed(path(number), number, 4)).collect();
    store.record(&model("a"), &batch).unwrap();
    let taken = store.vectors(&model("a")).unwrap();
    // Of eight rows the first four go: what was the fifth is the first now, and a new photo has the fifth.
    store.forget_files(&(0..4).map(path).collect::<Vec<_>>()).unwrap();
    store.compact_vectors().unwrap();
    store.record(&model("a"), &[indexed(path(9), 9, 4)]).unwrap();
    let mut looks = FirstLooks::default();
    (4..7).for_each(|number| looks.add(hash(number), &vector(number, 4)));
    let snapshot = Snapshot::over(&store, taken, &looks).unwrap();
    let photo_of_row = |entry: &Entry| entry.row.map(|row| snapshot.vectors.hash(row as usize));
    let shown: Vec<_> = snapshot.entries.iter().map(|entry| (entry.hash, photo_of_row(entry))).collect();
    // 4 to 6 by their previews; 7 and 9 wait for the next snapshot.
    let by_preview = (4..7).map(|number| (hash(number), Some(hash(number))));
    assert_eq!(shown, by_preview.chain([(hash(7), None), (hash(9), None)]).collect::<Vec<_>>());
}

#[test]
fn a_snapshot_after_opening_knows_what_changed_since() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let paths = |store: &Store| -> Vec<PathBuf> {
        let snapshot = Snapshot::build(store, &model("a")).unwrap();
        snapshot.entries.iter().map(|entry| entry.path.clone()).collect()
    };
    store.record(&model("a"), &[indexed("/p/1.jpg", 1, 4), indexed("/p/2.jpg", 2, 4)]).unwrap();
    drop(store);
    let store = open(root.path());
    store.forget_files(&["/p/1.jpg"]).unwrap();
    store.record(&model("a"), &[indexed("/p/3.jpg", 3, 4)]).unwrap();
    assert_eq!(paths(&store), [Path::new("/p/2.jpg"), Path::new("/p/3.jpg")]);
    drop(store);
    let store = open(root.path());
    // What was read at opening is given once; then it is read again.
    assert_eq!(paths(&store), paths(&store));
    store.forget_files(&["/p/2.jpg"]).unwrap();
    assert_eq!(paths(&store), [Path::new("/p/3.jpg")]);
}

#[test]
fn compacting_drops_the_vectors_of_photos_that_are_gone() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let batch: Vec<Indexed> = (0..8).map(|number| indexed(format!("/p/{number}.jpg"), number, 4)).collect();
    store.record(&model("a"), &batch).unwrap();
    let before = Snapshot::build(&store, &model("a")).unwrap();
    store.forget_files(&["/p/0.jpg", "/p/3.jpg", "/p/5.jpg"]).unwrap();
    store.compact_vectors().unwrap();
    store.record(&model("a"), &[indexed("/p/new.jpg", 9, 4)]).unwrap();
    drop(store);
    let snapshot = Snapshot::build(&open(root.path()), &model("a")).unwrap();
    assert_eq!(snapshot.vectors.rows(), 6);
    for entry in &snapshot.entries {
        assert_eq!(snapshot.vectors.hash(entry.row.unwrap() as usize), entry.hash);
    }
    assert_eq!(before.vectors.hash(7), hash(7));
}
