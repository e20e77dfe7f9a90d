//! Tests of the vectors' two places: what either lost comes back from the other, bit by bit.

use std::path::Path;

use half::f16;
use proptest::prelude::*;

use super::*;
use crate::index::{FileRecord, Opened, PhotoRecord};
use crate::models::UnitVector;

const DIM: usize = 32;

fn model() -> ModelIdentity {
    ModelIdentity { id: "a".to_owned(), digest: "0123456789abcdef".to_owned() }
}

fn indexed(number: u64) -> Indexed {
    let hash = Some(ContentHash::of(&number.to_le_bytes()));
    let file = FileRecord { path: format!("/p/{number}.jpg").into(), size: 1, modified_ns: 1, hash, problem: None };
    let (format, taken, camera, lens, position) = ("jpeg".to_owned(), None, None, None, None);
    let photo =
        PhotoRecord { width: 1, height: 1, format, taken, camera, lens, exposure: Default::default(), position };
    let values = (0..DIM).map(|place| ((number as f32 + 1.0) * (place as f32 + 1.0)).sin()).collect();
    Indexed { file, photo: Some(photo), vector: UnitVector::normalised(values) }
}

fn record(store: &Store, numbers: std::ops::Range<u64>) {
    let batch: Vec<Indexed> = numbers.map(indexed).collect();
    store.record(&model(), &batch).unwrap();
}

/// A closed library of so many photos.
fn library(photos: u64) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap().store;
    for start in (0..photos).step_by(100) {
        record(&store, start..photos.min(start + 100));
        store.flush().unwrap();
    }
    root
}

fn open(root: &Path) -> Store {
    let Opened { store, findings } = Store::open(root).unwrap();
    assert_eq!(findings, Vec::<String>::new());
    store
}

/// Opens a library that was damaged: one finding that contains `word`.
#[track_caller]
fn open_mended(root: &Path, word: &str) -> Store {
    let Opened { store, findings } = Store::open(root).unwrap();
    assert!(findings.len() == 1 && findings[0].contains(word), "{findings:?}");
    store
}

/// Every photo has its vector, equal in every bit; none has two.
#[track_caller]
fn check_whole(store: &Store, photos: u64) {
    let vectors = store.vectors(&model()).unwrap();
    assert_eq!((vectors.rows() as u64, store.damaged_vectors().unwrap()), (photos, 0));
    for Indexed { file, vector, .. } in (0..photos).map(indexed) {
        let row = store.row(&model(), &file.hash.unwrap()).unwrap() as usize;
        let expected: Vec<f16> = vector.unwrap().as_slice().iter().map(|value| f16::from_f32(*value)).collect();
        assert_eq!((vectors.hash(row), vectors.row(row)), (file.hash.unwrap(), &expected[..]));
    }
}

fn table_file(root: &Path, extension: &str) -> PathBuf {
    root.join("vectors").join(stem_name(&model())).with_extension(extension)
}

fn remove_tables(root: &Path) {
    fs_err::remove_dir_all(root.join("vectors")).unwrap();
}

#[test]
fn removed_tables_are_made_again_from_the_store() {
    let root = library(1300);
    remove_tables(root.path());
    check_whole(&open_mended(root.path(), "brought back"), 1300);
    check_whole(&open(root.path()), 1300);
}

#[test]
fn a_table_without_one_of_its_files_is_made_again() {
    for extension in ["matrix", "keys"] {
        let root = library(20);
        fs_err::remove_file(table_file(root.path(), extension)).unwrap();
        check_whole(&open_mended(root.path(), "brought back"), 20);
        check_whole(&open(root.path()), 20);
    }
}

#[test]
fn vectors_recorded_after_a_repair_are_kept_too() {
    let root = library(700);
    remove_tables(root.path());
    record(&open_mended(root.path(), "brought back"), 700..900);
    remove_tables(root.path());
    check_whole(&open_mended(root.path(), "900 vectors"), 900);
}

#[test]
fn a_store_set_aside_is_filled_again_from_the_tables() {
    let root = library(700);
    fs_err::write(root.path().join("store-failed"), "1").unwrap();
    let store = open_mended(root.path(), "set aside");
    assert_eq!(store.files().unwrap(), []);
    check_whole(&store, 700);
    drop(store);
    remove_tables(root.path());
    check_whole(&open_mended(root.path(), "700 vectors"), 700);
}

#[test]
fn a_row_damaged_where_opening_does_not_look_comes_back_by_repairing() {
    let root = library(5000);
    let path = table_file(root.path(), "matrix");
    let mut bytes = fs_err::read(&path).unwrap();
    bytes[64 + 5] ^= 1;
    fs_err::write(&path, bytes).unwrap();
    let store = open(root.path());
    assert_eq!(store.damaged_vectors().unwrap(), 1);
    // Compacting has nothing to give back, and does not look.
    store.compact_vectors().unwrap();
    assert_eq!(store.damaged_vectors().unwrap(), 1);
    store.repair_vectors().unwrap();
    check_whole(&store, 5000);
    drop(store);
    remove_tables(root.path());
    check_whole(&open_mended(root.path(), "5000 vectors"), 5000);
}

#[test]
fn vectors_that_were_compacted_away_do_not_come_back() {
    let root = library(1300);
    let store = open(root.path());
    let gone: Vec<PathBuf> = (600..1300).map(|number| format!("/p/{number}.jpg").into()).collect();
    store.forget_files(&gone).unwrap();
    store.compact_vectors().unwrap();
    check_whole(&store, 600);
    drop(store);
    check_whole(&open(root.path()), 600);
    remove_tables(root.path());
    check_whole(&open_mended(root.path(), "600 vectors"), 600);
}

#[test]
fn a_crash_after_a_table_was_compacted_leaves_both_in_step() {
    let root = library(1300);
    let store = open(root.path());
    // The table is written anew, the store is not.
    let odd = |hash: &ContentHash| hash.0[0] % 2 == 1;
    for table in write(&store.tables).values_mut() {
        assert_eq!(table.compact(odd).unwrap(), Some(0));
    }
    drop(store);
    check_whole(&open_mended(root.path(), "brought back"), 1300);
    remove_tables(root.path());
    check_whole(&open_mended(root.path(), "1300 vectors"), 1300);
}

#[test]
fn a_crash_between_the_two_files_of_a_compacted_table_gives_no_photo_the_vector_of_another() {
    // More rows than opening compares with their checks.
    let root = library(6000);
    for half_done in ["keys", "matrix"] {
        let path = table_file(root.path(), half_done);
        let old = fs_err::read(&path).unwrap();
        let store = open(root.path());
        for table in write(&store.tables).values_mut() {
            table.rewrite(|hash| *hash != ContentHash::of(&0_u64.to_le_bytes())).unwrap();
        }
        drop(store);
        fs_err::write(&path, old).unwrap();
        check_whole(&open_mended(root.path(), "brought back"), 6000);
        check_whole(&open(root.path()), 6000);
    }
}

#[test]
fn vectors_of_a_removed_model_do_not_come_back() {
    let root = library(600);
    open(root.path()).remove_model_vectors(&model()).unwrap();
    let store = open(root.path());
    assert_eq!(store.models(), []);
    record(&store, 0..10);
    check_whole(&store, 10);
    drop(store);
    remove_tables(root.path());
    check_whole(&open_mended(root.path(), "10 vectors"), 10);
}

#[test]
fn opening_reads_no_chunk_while_the_table_is_whole() {
    let root = library(600);
    let store = open(root.path());
    // A chunk of nonsense would be noticed only by reading it.
    let kept = lock(&store.kept)[&model()].clone();
    store.keep_chunk(&kept, 0, b"nonsense".to_vec()).unwrap();
    drop(store);
    check_whole(&open(root.path()), 600);
    remove_tables(root.path());
    let first = Chunk::full(DIM) as u64;
    let store = open_mended(root.path(), &format!("{} vectors", 600 - first));
    assert_eq!(store.missing_vectors(&model()).unwrap().len() as u64, first);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_to_a_table_its_vectors_come_back(cut in 0.0..1.0, is_cut: bool, is_key: bool) {
        let root = library(600);
        let path = table_file(root.path(), if is_key { "keys" } else { "matrix" });
        let mut bytes = fs_err::read(&path).unwrap();
        let place = (bytes.len() as f64 * cut) as usize;
        if is_cut { bytes.truncate(place) } else { bytes[place] ^= 0x55 }
        fs_err::write(&path, bytes).unwrap();
        check_whole(&Store::open(root.path()).unwrap().store, 600);
        check_whole(&open(root.path()), 600);
    }
}
