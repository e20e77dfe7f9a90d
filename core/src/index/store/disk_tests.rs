//! Tests of what the store does with a disk: a full one, and how much of it is used.

use super::tests::{check_something_is_made, indexed, make_something, model, open};
use super::*;
use crate::error::Error;
use crate::index::{Indexed, Snapshot};
use crate::models::UnitVector;

/// Needs a file system of some megabytes: SIGHTLINE_SMALL_DISK names a folder on it.
#[test]
fn a_full_disk_is_said_and_what_was_done_is_kept() {
    let Some(disk) = std::env::var_os("SIGHTLINE_SMALL_DISK") else {
        println!("skipped: set SIGHTLINE_SMALL_DISK to a folder on a file system of 32 megabytes");
        return;
    };
    // Short vectors fill the store first, long ones the vectors' files.
    for dim in [4, 512] {
        check_survives_a_full_disk(Path::new(&disk), dim);
    }
}

#[track_caller]
fn check_survives_a_full_disk(disk: &Path, dim: usize) {
    let (root, ballast) = (disk.join(dim.to_string()), disk.join("ballast"));
    fs_err::write(&ballast, vec![0; 10 << 20]).unwrap();
    let store = open(&root);
    make_something(&store);
    let batch = |number: u64| -> Vec<Indexed> {
        (number * 16..number * 16 + 16).map(|number| indexed(format!("/p/{number}.jpg"), number, dim)).collect()
    };
    let record = |number| store.record(&model("a"), &batch(number)).and_then(|()| store.flush());
    let (number, error) = (0..).find_map(|number| Some((number, record(number).err()?))).unwrap();
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
    drop(store);
    fs_err::remove_file(ballast).unwrap();
    let store = open(&root);
    assert!(store.files().unwrap().len() as u64 >= number * 16);
    check_something_is_made(&store);
    store.record(&model("a"), &batch(number)).unwrap();
    store.flush().unwrap();
    drop(store);
    fs_err::remove_dir_all(root).unwrap();
}

fn size_on_disk(folder: &Path) -> u64 {
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let size = |entry: fs_err::DirEntry| {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() { size_on_disk(&entry.path()) } else { metadata.len() }
    };
    entries.map(size).sum()
}

/// As hard to pack as the vectors of a model: the sum of four uniform numbers is nearly normal.
fn noise(number: u64, dim: usize) -> UnitVector {
    let mut bytes = vec![0; 4 * dim];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
    let sum = |bytes: &[u8; 4]| bytes.iter().map(|byte| f32::from(*byte) - 127.5).sum();
    UnitVector::normalised(bytes.as_chunks().0.iter().map(sum).collect()).unwrap()
}

/// Fills a library as indexing does, then opens it: bytes a photo, seconds to open and to take a snapshot.
fn filled(root: &Path, photos: u64, dim: usize) -> (f64, Duration) {
    let store = open(root);
    let started = Instant::now();
    for start in (0..photos).step_by(16) {
        let path = |number| format!("/home/someone/Pictures/2023/{:04}/IMG_{number:06}.jpg", number / 200);
        let noisy = |path, number| Indexed { vector: Some(noise(number, dim)), ..indexed(path, number, 1) };
        let batch: Vec<Indexed> = (start..photos.min(start + 16)).map(|number| noisy(path(number), number)).collect();
        store.record(&model("a"), &batch).unwrap();
        // At 30 photos a second three seconds are 90 photos.
        if start % 96 == 0 {
            store.flush_full_chunks().unwrap();
        }
    }
    drop(store);
    println!("written in {:?}", started.elapsed());
    let started = Instant::now();
    let store = open(root);
    let opened = started.elapsed();
    let snapshot = Snapshot::build(&store, &model("a")).unwrap();
    println!("opened after {opened:?}, snapshot after {:?}", started.elapsed());
    assert_eq!(snapshot.entries.len() as u64, photos);
    (size_on_disk(root) as f64 / photos as f64, started.elapsed())
}

#[test]
fn a_hundred_thousand_photos_take_little_space_and_open_quickly() {
    if std::env::var_os("SLOW_TESTS").is_none() {
        println!("skipped: set SLOW_TESTS=1");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (bytes, seconds) = filled(root.path(), 100_000, 512);
    println!("{bytes:.0} bytes a photo, {seconds:?} to start");
    // About 2,430, a little more or less as sled's flushes fall; the aim is 2,500.
    assert!(bytes <= 2600.0, "{bytes:.0} bytes a photo");
}
