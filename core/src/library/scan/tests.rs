//! Tests of the walk on real folders.

use super::*;
use crate::index::Drive;

/// A folder with the files of these names, empty ones.
fn folder_of(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "x").unwrap();
    }
    folder
}

fn record(path: &Path, excluded: &[&str]) -> FolderRecord {
    let excluded = excluded.iter().map(PathBuf::from).collect();
    FolderRecord { excluded, ..FolderRecord::new(path.to_owned()) }
}

fn scan_all(folders: &[FolderRecord]) -> Scan {
    scan(folders, |path| path.extension().is_some_and(|extension| extension == "jpg"), &Ticker::silent()).unwrap()
}

/// The found pictures relative to `root`, sorted.
fn names(scan: &Scan, root: &Path) -> Vec<String> {
    let name = |found: &Found| found.path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    let mut names: Vec<String> = scan.found.iter().map(name).collect();
    names.sort();
    names
}

#[track_caller]
fn check(files: &[&str], excluded: &[&str], expected: &[&str]) {
    let folder = folder_of(files);
    let scan = scan_all(&[record(folder.path(), excluded)]);
    assert_eq!(names(&scan, folder.path()), expected);
    assert_eq!(scan.problems, []);
}

#[test]
fn pictures_are_found_in_all_subfolders() {
    check(&["a.jpg", "b/c.jpg", "b/d/e.jpg", "b/notes.txt"], &[], &["a.jpg", "b/c.jpg", "b/d/e.jpg"]);
}

#[test]
fn hidden_files_and_folders_are_left_out() {
    check(&["a.jpg", ".b.jpg", ".cache/c.jpg"], &[], &["a.jpg"]);
}

#[test]
fn folders_with_nomedia_are_left_out_with_all_below_them() {
    check(&["a.jpg", "b/.nomedia", "b/c.jpg", "b/d/e.jpg"], &[], &["a.jpg"]);
}

#[test]
fn excluded_folders_are_left_out() {
    check(&["a.jpg", "b/c.jpg", "b/d/e.jpg", "b/dd/e.jpg"], &["b/d"], &["a.jpg", "b/c.jpg", "b/dd/e.jpg"]);
}

#[test]
fn folders_inside_added_folders_count_once() {
    let folder = folder_of(&["a.jpg", "b/c.jpg"]);
    let (outer, inner) = (record(folder.path(), &[]), record(&folder.path().join("b"), &[]));
    for folders in [[outer.clone(), inner.clone()], [inner, outer]] {
        assert_eq!(names(&scan_all(&folders), folder.path()), ["a.jpg", "b/c.jpg"]);
    }
}

#[test]
fn an_added_folder_counts_also_where_another_one_leaves_it_out() {
    let folder = folder_of(&["a.jpg", "b/c.jpg", ".d/e.jpg"]);
    let inner = |name| record(&folder.path().join(name), &[]);
    let scan = scan_all(&[record(folder.path(), &["b"]), inner("b"), inner(".d")]);
    assert_eq!(names(&scan, folder.path()), [".d/e.jpg", "a.jpg", "b/c.jpg"]);
}

#[test]
fn a_folder_that_is_not_there_is_missing_and_an_empty_one_is_empty() {
    let folder = folder_of(&["a.jpg"]);
    let (gone, empty) = (folder.path().join("gone"), folder.path().join("empty"));
    fs_err::create_dir_all(&empty).unwrap();
    let scan = scan_all(&[record(&gone, &[]), record(&empty, &[])]);
    assert_eq!((scan.missing, scan.empty, scan.problems.len()), (vec![gone], vec![empty], 0));
}

#[test]
fn a_drive_inside_that_leaves_an_empty_folder_or_none_is_unplugged() {
    let folder = folder_of(&["a folder now/b.jpg", "c.jpg"]);
    fs_err::create_dir_all(folder.path().join("empty")).unwrap();
    let drive = |name: &str| Drive { path: folder.path().join(name), is_offline: false };
    let drives = ["a folder now", "empty", "removed"].map(drive).to_vec();
    let scan = scan_all(&[FolderRecord { drives, ..record(folder.path(), &[]) }]);
    assert_eq!(scan.unplugged, ["empty", "removed"].map(|name| folder.path().join(name)));
    assert_eq!(scan.drives, Vec::<PathBuf>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_mount_point_is_told_from_a_folder() {
    assert!(is_mount_point(Path::new("/proc")));
    let folder = folder_of(&["a/b.jpg"]);
    assert!(!is_mount_point(&folder.path().join("a")));
}

#[test]
fn an_added_folder_with_nomedia_says_why_it_shows_nothing() {
    let folder = folder_of(&["a.jpg", ".nomedia"]);
    let scan = scan_all(&[record(folder.path(), &[])]);
    assert!(scan.found.is_empty());
    assert!(scan.problems[0].reason.contains(".nomedia"));
}

#[test]
fn size_and_time_are_those_of_the_file() {
    let folder = folder_of(&["a.jpg"]);
    let file = fs_err::OpenOptions::new().append(true).open(folder.path().join("a.jpg")).unwrap();
    let before_1970 = UNIX_EPOCH - std::time::Duration::from_nanos(1_500_000_000);
    file.file().set_modified(before_1970).unwrap();
    let scan = scan_all(&[record(folder.path(), &[])]);
    assert_eq!((scan.found[0].size, scan.found[0].modified_ns), (1, -1_500_000_000));
}

#[test]
fn a_cancelled_scan_stops() {
    let folder = folder_of(&["a.jpg"]);
    let ticker = Ticker::silent();
    ticker.cancel();
    assert!(scan(&[record(folder.path(), &[])], |_| true, &ticker).is_err());
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn loops_of_links_end() {
        let folder = folder_of(&["a.jpg", "b/c.jpg"]);
        symlink(folder.path(), folder.path().join("b/up")).unwrap();
        symlink("itself", folder.path().join("itself")).unwrap();
        let scan = scan_all(&[record(folder.path(), &[])]);
        assert_eq!(names(&scan, folder.path()), ["a.jpg", "b/c.jpg"]);
        assert_eq!(scan.problems, []);
    }

    #[test]
    fn broken_links_are_no_stop_and_what_is_behind_them_is_not_known_to_be_gone() {
        let folder = folder_of(&["b.jpg"]);
        symlink("nowhere", folder.path().join("a")).unwrap();
        let scan = scan_all(&[record(folder.path(), &[])]);
        assert_eq!(names(&scan, folder.path()), ["b.jpg"]);
        assert_eq!((scan.unreadable, scan.problems), (vec![folder.path().join("a")], vec![]));
    }

    /// The drive of an added folder with `a.jpg` and `b/c.jpg` goes while its first picture is looked at; `mount`
    /// makes what is at its place then.
    #[track_caller]
    fn check_unplugged(mount: impl Fn(&Path)) {
        let folder = folder_of(&["root/a.jpg", "root/b/c.jpg"]);
        let (root, away) = (folder.path().join("root"), folder.path().join("away"));
        let unplug = |path: &Path| {
            if !away.exists() {
                fs_err::rename(&root, &away).unwrap();
                mount(&root);
            }
            path.extension().is_some_and(|extension| extension == "jpg")
        };
        let scan = scan(&[record(&root, &[])], unplug, &Ticker::silent()).unwrap();
        assert_eq!(scan.missing, [root]);
    }

    #[test]
    fn a_folder_whose_drive_goes_during_the_walk_is_missing() {
        check_unplugged(|_| ());
        check_unplugged(|root| fs_err::create_dir_all(root).unwrap());
        check_unplugged(|root| {
            fs_err::create_dir_all(root.join("b")).unwrap();
            fs_err::write(root.join("b/notes.txt"), "x").unwrap();
        });
    }

    #[test]
    fn a_folder_that_is_emptied_during_the_walk_is_missing() {
        let folder = folder_of(&["a.jpg"]);
        let emptied = |path: &Path| fs_err::remove_file(path).is_ok();
        let scan = scan(&[record(folder.path(), &[])], emptied, &Ticker::silent()).unwrap();
        assert_eq!((scan.missing, scan.found), (vec![folder.path().to_owned()], vec![]));
    }

    #[test]
    fn a_picture_that_cannot_be_looked_at_is_not_known_to_be_gone() {
        let folder = folder_of(&["a.jpg", "b.jpg"]);
        let removed = |path: &Path| !path.ends_with("a.jpg") || fs_err::remove_file(path).is_ok();
        let scan = scan(&[record(folder.path(), &[])], removed, &Ticker::silent()).unwrap();
        assert_eq!((names(&scan, folder.path()), scan.problems.len()), (vec!["b.jpg".to_owned()], 1));
        assert_eq!(scan.unreadable, [folder.path().join("a.jpg")]);
    }

    #[test]
    fn what_is_there_itself_is_not_taken_again_through_a_link() {
        let folder = folder_of(&["z/a.jpg"]);
        symlink(folder.path().join("z"), folder.path().join("a link")).unwrap();
        symlink(folder.path().join("z/a.jpg"), folder.path().join("b.jpg")).unwrap();
        assert_eq!(names(&scan_all(&[record(folder.path(), &[])]), folder.path()), ["z/a.jpg"]);
    }

    #[test]
    fn links_to_somewhere_else_are_followed() {
        let (folder, elsewhere) = (folder_of(&["a.jpg"]), folder_of(&["b.jpg", "c/d.jpg", ".hidden/e.jpg"]));
        symlink(elsewhere.path(), folder.path().join("link")).unwrap();
        let found = names(&scan_all(&[record(folder.path(), &[])]), folder.path());
        assert_eq!(found, ["a.jpg", "link/b.jpg", "link/c/d.jpg"]);
    }

    #[test]
    fn names_may_be_any_bytes() {
        let folder = folder_of(&[]);
        let path = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff\n.jpg"));
        fs_err::write(&path, "x").unwrap();
        assert_eq!(scan_all(&[record(folder.path(), &[])]).found[0].path, path);
    }

    #[test]
    fn an_unreadable_folder_is_a_problem_and_no_stop() {
        let folder = folder_of(&["a/b.jpg", "c.jpg"]);
        let closed = folder.path().join("a");
        fs_err::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
        // The system's administrator may read everything.
        let is_closed = fs_err::read_dir(&closed).is_err();
        let scan = scan_all(&[record(folder.path(), &[])]);
        fs_err::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
        if is_closed {
            assert_eq!(names(&scan, folder.path()), ["c.jpg"]);
            assert_eq!((scan.unreadable, scan.problems.len()), (vec![closed], 1));
        }
    }
}
