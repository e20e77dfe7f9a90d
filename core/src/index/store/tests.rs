//! Tests of the store as its users see it: what survives what.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::index::{ContentHash, Drive, FileRecord, FolderRecord, Indexed, SavedSearch, Snapshot};
use crate::models::UnitVector;

pub(super) fn model(id: &str) -> ModelIdentity {
    ModelIdentity { id: id.to_owned(), digest: "0123456789abcdef".to_owned() }
}

pub(super) fn hash(number: u64) -> ContentHash {
    ContentHash::of(&number.to_le_bytes())
}

pub(super) fn vector(number: u64, dim: usize) -> UnitVector {
    let value = |place: usize| ((number as f32 + 1.0) * (place as f32 + 1.0)).sin();
    UnitVector::normalised((0..dim).map(value).collect()).unwrap()
}

fn photo(number: u64) -> PhotoRecord {
    PhotoRecord {
        width: 4032,
        height: 3024,
        format: "jpeg".to_owned(),
        taken: Some(1_600_000_000 + number as i64),
        camera: Some("FUJIFILM X-T30".to_owned()),
        lens: Some("XF18-55mmF2.8-4 R LM OIS".to_owned()),
        exposure: Default::default(),
        position: Some((48.1, 11.5 + number as f64 * 1e-5)),
    }
}

pub(super) fn indexed(path: impl Into<PathBuf>, number: u64, dim: usize) -> Indexed {
    let (size, modified_ns) = (3_000_000 + number, 1_600_000_000_123_456_789 + number as i64);
    let file = FileRecord { path: path.into(), size, modified_ns, hash: Some(hash(number)), problem: None };
    Indexed { file, photo: Some(photo(number)), vector: Some(vector(number, dim)) }
}

fn folder(path: &str) -> FolderRecord {
    FolderRecord { excluded: vec!["private".into()], ..FolderRecord::new(path.into()) }
}

pub(super) fn open(root: &Path) -> Store {
    let Opened { store, findings } = Store::open(root).unwrap();
    assert_eq!(findings, Vec::<String>::new());
    store
}

/// What the user made, in every form there is.
pub(super) fn make_something(store: &Store) {
    store.add_folder(&folder("/pictures")).unwrap();
    store.set_tags(&hash(1), &["snow".to_owned(), "dog".to_owned(), "dog".to_owned()]).unwrap();
    store.set_favourite(&hash(2), true).unwrap();
    store.create_album("summer").unwrap();
    store.add_to_album("summer", &[hash(1), hash(3)]).unwrap();
    store.save_search(&SavedSearch { name: "dogs".to_owned(), json: "{}".to_owned() }).unwrap();
    store.set_active_model(&model("a")).unwrap();
}

#[track_caller]
pub(super) fn check_something_is_made(store: &Store) {
    assert_eq!(store.folders(), [folder("/pictures")]);
    assert_eq!(store.tags(&hash(1)), ["dog", "snow"]);
    assert!(store.is_favourite(&hash(2)));
    assert_eq!(store.albums(), ["summer"]);
    assert_eq!(BTreeSet::from_iter(store.album("summer")), BTreeSet::from([hash(1), hash(3)]));
    assert_eq!(store.saved_searches().len(), 1);
    assert_eq!(store.active_model(), Some(model("a")));
}

#[test]
fn what_was_recorded_is_there_after_opening_again() {
    let root = tempfile::tempdir().unwrap();
    let batch = [indexed("/p/a.jpg", 1, 8), indexed("/p/b.jpg", 2, 8)];
    open(root.path()).record(&model("a"), &batch).unwrap();
    let store = open(root.path());
    let files: Vec<FileRecord> = batch.iter().map(|indexed| indexed.file.clone()).collect();
    assert_eq!(store.files_under(Path::new("/p")).unwrap(), files);
    assert_eq!(store.photo(&hash(1)).as_deref(), Some(&photo(1)));
    let vectors = store.vectors(&model("a")).unwrap();
    let row = store.row(&model("a"), &hash(2)).unwrap() as usize;
    assert!(vectors.unit_vector(row).unwrap().cosine(&vector(2, 8)) > 0.999);
}

#[test]
fn a_folder_is_not_one_whose_name_begins_the_same() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4), indexed("/p2/b.jpg", 2, 4)]).unwrap();
    assert_eq!(store.files_under(Path::new("/p")).unwrap().len(), 1);
    assert_eq!(store.files_under(Path::new("/")).unwrap().len(), 2);
}

#[cfg(unix)]
#[test]
fn any_bytes_make_a_path() {
    use std::os::unix::ffi::OsStringExt;
    let root = tempfile::tempdir().unwrap();
    let path = PathBuf::from(std::ffi::OsString::from_vec(b"/p/\xff\n\x01.jpg".to_vec()));
    open(root.path()).record(&model("a"), &[indexed(&path, 1, 4)]).unwrap();
    assert_eq!(open(root.path()).files().unwrap()[0].path, path);
}

#[test]
fn a_moved_file_keeps_its_vector_and_its_tags() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4)]).unwrap();
    store.set_tags(&hash(1), &["dog".to_owned()]).unwrap();
    let moved = Indexed { photo: None, vector: None, ..indexed("/p/new/b.jpg", 1, 4) };
    store.record(&model("a"), &[moved]).unwrap();
    store.forget_files(&["/p/a.jpg"]).unwrap();
    let snapshot = Snapshot::build(&store, &model("a")).unwrap();
    let [entry] = &snapshot.entries[..] else { panic!("{} entries", snapshot.entries.len()) };
    assert_eq!(entry.path, Path::new("/p/new/b.jpg"));
    assert_eq!((entry.row, &*entry.tags), (Some(0), &["dog".to_owned()][..]));
}

#[test]
fn a_copy_needs_neither_photo_nor_vector_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4)]).unwrap();
    let copy = Indexed { photo: None, vector: None, ..indexed("/p/copy.jpg", 1, 4) };
    store.record(&model("a"), &[copy]).unwrap();
    store.forget_files(&["/p/a.jpg"]).unwrap();
    drop(store);
    let snapshot = Snapshot::build(&open(root.path()), &model("a")).unwrap();
    assert_eq!(snapshot.entries[0].photo.taken, photo(1).taken);
    assert_eq!(snapshot.entries_of_row, [[0]]);
}

#[test]
fn a_new_model_waits_until_it_is_complete_and_the_old_one_stays() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4), indexed("/p/b.jpg", 2, 4)]).unwrap();
    assert_eq!(store.missing_vectors(&model("b")).unwrap().len(), 2);
    store.record(&model("b"), &[indexed("/p/a.jpg", 1, 6)]).unwrap();
    assert_eq!(store.missing_vectors(&model("b")).unwrap(), [(hash(2), PathBuf::from("/p/b.jpg"))]);
    assert_eq!(store.models(), [model("a"), model("b")]);
    store.remove_model_vectors(&model("b")).unwrap();
    drop(store);
    assert_eq!(open(root.path()).models(), [model("a")]);
}

#[test]
fn vectors_of_another_length_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4)]).unwrap();
    let error = store.record(&model("a"), &[indexed("/p/b.jpg", 2, 5)]).unwrap_err();
    assert!(matches!(error, Error::ModelMismatch { .. }), "{error}");
}

#[test]
fn photos_on_an_unplugged_drive_are_kept_and_marked() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.add_folder(&folder("/p")).unwrap();
    store.add_folder(&folder("/p/drive")).unwrap();
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4), indexed("/p/drive/b.jpg", 2, 4)]).unwrap();
    store.set_presence(Path::new("/p/drive"), true, Vec::new()).unwrap();
    check_b_is_away(&store);
}

#[test]
fn photos_on_an_unplugged_drive_inside_of_a_folder_are_kept_and_marked() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.add_folder(&folder("/p")).unwrap();
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4), indexed("/p/drive/b.jpg", 2, 4)]).unwrap();
    store.set_presence(Path::new("/p"), false, vec![Drive { path: "/p/drive".into(), is_offline: true }]).unwrap();
    check_b_is_away(&store);
    drop(store);
    check_b_is_away(&open(root.path()));
}

/// Of `a.jpg` and `b.jpg`, in this order.
#[track_caller]
fn check_b_is_away(store: &Store) {
    let snapshot = Snapshot::build(store, &model("a")).unwrap();
    let marked: Vec<bool> = snapshot.entries.iter().map(|entry| entry.is_offline).collect();
    assert_eq!(marked, [false, true]);
    assert!(store.missing_vectors(&model("b")).unwrap().iter().all(|(_, path)| path.ends_with("a.jpg")));
}

#[test]
fn a_removed_folder_takes_its_files_but_not_those_of_a_folder_inside_it() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.add_folder(&folder("/p")).unwrap();
    store.add_folder(&folder("/p/kept")).unwrap();
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4), indexed("/p/kept/b.jpg", 2, 4)]).unwrap();
    store.remove_folder(Path::new("/p")).unwrap();
    assert_eq!(store.files().unwrap().len(), 1);
    assert!(store.remove_folder(Path::new("/p")).is_err());
}

#[test]
fn what_the_user_made_is_there_after_opening_again() {
    let root = tempfile::tempdir().unwrap();
    make_something(&open(root.path()));
    check_something_is_made(&open(root.path()));
}

#[test]
fn albums_are_renamed_with_their_photos_and_deleted_without_them() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    make_something(&store);
    store.rename_album("summer", "winter").unwrap();
    store.remove_from_album("winter", &[hash(3)]).unwrap();
    assert_eq!((store.album("summer"), store.album("winter")), (vec![], vec![hash(1)]));
    store.delete_album("winter").unwrap();
    assert!(store.albums().is_empty() && store.album("winter").is_empty());
    assert!(store.add_to_album("winter", &[hash(1)]).is_err());
}

#[test]
fn a_second_opening_is_refused_in_one_line() {
    let root = tempfile::tempdir().unwrap();
    let _first = open(root.path());
    let error = Store::open(root.path()).err().unwrap();
    assert!(matches!(error, Error::LibraryInUse { .. }), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn a_library_of_a_newer_program_is_not_touched() {
    let root = tempfile::tempdir().unwrap();
    fs_err::write(root.path().join("format"), "2\n").unwrap();
    let error = Store::open(root.path()).err().unwrap();
    assert!(matches!(error, Error::NewerLibrary { found: 2, known: 1, .. }), "{error}");
}

/// Overwrites bytes of every file under `folder` that is larger than a header, from `start` (a fraction) on.
fn damage(folder: &Path, start: f64, length: usize) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            damage(&path, start, length);
            continue;
        }
        let mut bytes = fs_err::read(&path).unwrap();
        let start = (bytes.len() as f64 * start) as usize;
        let end = bytes.len().min(start + length);
        for (place, byte) in bytes[start..end].iter_mut().enumerate() {
            *byte ^= (place * 31 + 7) as u8 | 1;
        }
        fs_err::write(&path, bytes).unwrap();
    }
}

/// A library of 200 photos whose store is then damaged: what the user made survives, and the work can go on.
#[track_caller]
fn check_survives_damage(start: f64, length: usize) {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    make_something(&store);
    let batch: Vec<Indexed> = (0..200).map(|number| indexed(format!("/p/{number}.jpg"), number, 8)).collect();
    store.record(&model("a"), &batch).unwrap();
    drop(store);
    damage(&root.path().join("store"), start, length);
    let Opened { store, findings } = Store::open(root.path()).unwrap();
    check_something_is_made(&store);
    if store.files().unwrap().len() < 200 {
        assert!(!findings.is_empty(), "files were lost without a word");
    }
    store.record(&model("a"), &batch).unwrap();
    drop(store);
    let store = open(root.path());
    check_something_is_made(&store);
    assert_eq!(store.files().unwrap().len(), 200);
}

#[test]
fn a_store_of_nonsense_is_set_aside_and_nothing_of_the_users_is_lost() {
    check_survives_damage(0.0, usize::MAX);
}

#[test]
fn a_store_with_a_hole_is_set_aside_or_read_around() {
    for tenth in 0..10 {
        check_survives_damage(f64::from(tenth) / 10.0, 4096);
    }
}

#[test]
fn a_store_that_failed_while_it_was_used_is_set_aside_by_the_next_opening() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    make_something(&store);
    store.layout.condemn_store().unwrap();
    drop(store);
    let Opened { store, findings } = Store::open(root.path()).unwrap();
    assert!(findings.len() == 1 && findings[0].contains("set aside"), "{findings:?}");
    check_something_is_made(&store);
    drop(store);
    open(root.path());
}

#[test]
fn a_removed_store_is_made_again() {
    let root = tempfile::tempdir().unwrap();
    make_something(&open(root.path()));
    fs_err::remove_dir_all(root.path().join("store")).unwrap();
    check_something_is_made(&open(root.path()));
}

#[test]
fn a_damaged_journal_is_made_whole_from_the_store() {
    let root = tempfile::tempdir().unwrap();
    make_something(&open(root.path()));
    let journal = root.path().join("journal");
    let mut bytes = fs_err::read(&journal).unwrap();
    bytes[40] ^= 1;
    bytes.truncate(bytes.len() - 3);
    fs_err::write(&journal, bytes).unwrap();
    let Opened { store, findings } = Store::open(root.path()).unwrap();
    assert!(findings[0].contains("nothing is lost"), "{findings:?}");
    check_something_is_made(&store);
    drop(store);
    check_something_is_made(&open(root.path()));
}

#[test]
fn a_removed_journal_is_made_again_from_the_store() {
    let root = tempfile::tempdir().unwrap();
    make_something(&open(root.path()));
    fs_err::remove_file(root.path().join("journal")).unwrap();
    let Opened { store, findings } = Store::open(root.path()).unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    check_something_is_made(&store);
    drop(store);
    fs_err::remove_dir_all(root.path().join("store")).unwrap();
    check_something_is_made(&open(root.path()));
}

#[test]
fn damaged_vectors_are_set_aside_and_come_back_from_the_store() {
    let root = tempfile::tempdir().unwrap();
    open(root.path()).record(&model("a"), &[indexed("/p/a.jpg", 1, 4)]).unwrap();
    damage(&root.path().join("vectors"), 0.0, 64);
    let Opened { store, findings } = Store::open(root.path()).unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(store.missing_vectors(&model("a")).unwrap(), []);
    store.record(&model("a"), &[indexed("/p/a.jpg", 1, 4)]).unwrap();
    assert_eq!(store.damaged_vectors().unwrap(), 0);
}

/// Runs as a child of the next test: records without end until it is killed.
#[test]
fn child_that_records_until_it_is_killed() {
    let Some(root) = std::env::var_os("SIGHTLINE_TEST_KILLED") else { return };
    let store = Store::open(Path::new(&root)).unwrap().store;
    for number in store.files().unwrap().len() as u64.. {
        let batch: Vec<Indexed> =
            (number * 16..number * 16 + 16).map(|number| indexed(format!("/p/{number}.jpg"), number, 64)).collect();
        store.record(&model("a"), &batch).unwrap();
        store.set_tags(&hash(number), &[number.to_string()]).unwrap();
        println!("confirmed {number}");
    }
}

#[test]
fn a_process_killed_in_the_middle_loses_nothing_that_was_confirmed() {
    use std::io::{BufRead, BufReader};
    let root = tempfile::tempdir().unwrap();
    for confirmed in [3, 17, 40] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "index::store::tests::child_that_records_until_it_is_killed", "--nocapture"])
            .env("SIGHTLINE_TEST_KILLED", root.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(|line| line.ok());
        let numbers = lines.filter_map(|line| line.strip_prefix("confirmed ")?.parse::<u64>().ok());
        let numbers: Vec<u64> = numbers.take(confirmed).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let Opened { store, findings } = Store::open(root.path()).unwrap();
        assert!(findings.iter().all(|finding| finding.contains("cut short")), "{findings:?}");
        for number in numbers {
            assert_eq!(store.tags(&hash(number)), [number.to_string()]);
        }
        for file in store.files().unwrap() {
            assert!(store.is_known(&model("a"), &file.hash.unwrap()), "{}", file.path.display());
        }
        assert_eq!(store.damaged_vectors().unwrap(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_to_the_store_nothing_of_the_users_is_lost(start in 0.0..1.0, length in 1_usize..100_000) {
        check_survives_damage(start, length);
    }
}
