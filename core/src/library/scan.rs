//! Added folders → the pictures in them. In: folders, what a picture is. Out: paths with size and time, and the parts
//! that could not be looked at. Opens no picture; knows no record.

use std::collections::{HashSet, VecDeque};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::{DirEntry, WalkDir};

use crate::error::{Problem, Result};
use crate::index::FolderRecord;
use crate::jobs::Ticker;

/// A picture by its name; nobody has opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Absolute, if the folder was.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970 (UTC), negative before.
    pub modified_ns: i64,
}

/// What lies in the added folders.
#[derive(Debug, Default)]
pub struct Scan {
    /// The pictures, each once, in the order of the walk.
    pub found: Vec<Found>,
    /// Added folders that are not there: on a drive that is unplugged.
    pub missing: Vec<PathBuf>,
    /// Added folders with nothing at all in them: perhaps the mount point of a drive that is unplugged.
    pub empty: Vec<PathBuf>,
    /// Folders inside at which other drives are mounted.
    pub drives: Vec<PathBuf>,
    /// Folders inside at which drives were mounted at the last look: now gone or empty.
    pub unplugged: Vec<PathBuf>,
    /// Folders inside that could not be read. What was in them is not known to be gone.
    pub unreadable: Vec<PathBuf>,
    /// The same with reasons, and files that could not be looked at.
    pub problems: Vec<Problem>,
}

/// Walks the folders. Hidden files and folders, excluded folders and those that hold `.nomedia` are left out; links are
/// followed, but each real folder is visited once, whichever ways lead to it, and a picture that is there itself is not
/// taken a second time through a link. Counts pictures with `ticker`.
///
/// # Errors
/// [`crate::Error::Cancelled`]. What cannot be read is in the result.
pub fn scan(folders: &[FolderRecord], is_picture: impl Fn(&Path) -> bool, ticker: &Ticker) -> Result<Scan> {
    let mut walk = Walk::new(folders, is_picture);
    for folder in folders {
        walk.root(&folder.path, ticker)?;
    }
    // Links come last, so that what is there itself keeps its own path.
    while let Some(link) = walk.links.pop_front() {
        walk.folder(&link, ticker)?;
    }
    walk.add_linked_files();
    walk.note_unplugged(folders);
    Ok(walk.scan)
}

/// What tells two paths of one file or folder.
#[cfg(unix)]
type Id = (u64, u64);
#[cfg(not(unix))]
type Id = PathBuf;

struct Walk<F> {
    scan: Scan,
    is_picture: F,
    roots: HashSet<PathBuf>,
    excluded: HashSet<PathBuf>,
    visited: HashSet<Id>,
    files: HashSet<Id>,
    links: VecDeque<PathBuf>,
    linked_files: Vec<(Id, Found)>,
}

impl<F: Fn(&Path) -> bool> Walk<F> {
    fn new(folders: &[FolderRecord], is_picture: F) -> Self {
        let excluded = folders.iter().flat_map(|folder| folder.excluded.iter().map(|path| folder.path.join(path)));
        Self {
            scan: Scan::default(),
            is_picture,
            roots: folders.iter().map(|folder| folder.path.clone()).collect(),
            excluded: excluded.collect(),
            visited: HashSet::new(),
            files: HashSet::new(),
            links: VecDeque::new(),
            linked_files: Vec::new(),
        }
    }

    /// An added folder.
    fn root(&mut self, root: &Path, ticker: &Ticker) -> Result<()> {
        let before = root_id(root);
        match fs_err::read_dir(root) {
            Ok(mut entries) => {
                let is_empty = entries.next().is_none();
                if is_empty {
                    self.scan.empty.push(root.to_owned());
                } else if root.join(".nomedia").exists() {
                    self.problem(root, "this folder holds a file .nomedia; remove that file to see its photos".into());
                }
                self.folder(root, ticker)?;
                // Its drive may have been unplugged meanwhile: what the walk did not find then is not gone.
                if root_id(root) != before || is_empty != is_nothing_in(root) {
                    self.scan.missing.push(root.to_owned());
                }
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.scan.missing.push(root.to_owned());
                Ok(())
            }
            Err(error) => {
                self.unreadable(root, &error);
                Ok(())
            }
        }
    }

    /// A folder and all below it.
    fn folder(&mut self, folder: &Path, ticker: &Ticker) -> Result<()> {
        let mut entries = WalkDir::new(folder).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Err(error) => self.failed(folder, &error),
                Ok(entry) if entry.depth() > 0 && self.is_left_out(&entry) => {
                    if entry.file_type().is_dir() {
                        entries.skip_current_dir();
                    }
                }
                // Only the folder that the walk begins with may be a link here.
                Ok(entry) if entry.file_type().is_dir() || entry.depth() == 0 => {
                    if !self.enters(entry.path()) {
                        entries.skip_current_dir();
                    } else if entry.depth() > 0 && is_mount_point(entry.path()) {
                        self.scan.drives.push(entry.into_path());
                    }
                    ticker.check()?;
                }
                Ok(entry) if entry.file_type().is_symlink() => self.link(entry.path()),
                Ok(entry) => self.file(&entry, ticker)?,
            }
        }
        Ok(())
    }

    /// A drive that is gone leaves an empty folder, or none. One with something in it is a folder like others now.
    fn note_unplugged(&mut self, folders: &[FolderRecord]) {
        let known = folders.iter().flat_map(|folder| &folder.drives).map(|drive| &drive.path);
        let gone = known.filter(|path| !self.scan.drives.contains(path) && (!path.exists() || is_nothing_in(path)));
        self.scan.unplugged = gone.cloned().collect();
    }

    fn is_left_out(&self, entry: &DirEntry) -> bool {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // An added folder counts also inside of one that leaves it out.
        (is_hidden || self.excluded.contains(entry.path())) && !self.roots.contains(entry.path())
    }

    /// Whether a folder is to be visited: not yet, and not closed to us.
    fn enters(&mut self, path: &Path) -> bool {
        let Ok(metadata) = fs_err::metadata(path) else { return true };
        let is_first = id(path, &metadata).is_none_or(|id| self.visited.insert(id));
        is_first && !path.join(".nomedia").exists()
    }

    fn link(&mut self, path: &Path) {
        let Ok(metadata) = fs_err::metadata(path) else {
            // Perhaps to a drive that is unplugged: what was behind it is not known to be gone.
            self.scan.unreadable.push(path.to_owned());
            return;
        };
        if metadata.is_dir() {
            self.links.push_back(path.to_owned());
        } else if metadata.is_file() && (self.is_picture)(path) {
            let found = found(path, &metadata);
            self.linked_files.extend(id(path, &metadata).map(|id| (id, found)));
        }
    }

    fn file(&mut self, entry: &DirEntry, ticker: &Ticker) -> Result<()> {
        if !entry.file_type().is_file() || !(self.is_picture)(entry.path()) {
            return Ok(());
        }
        match entry.metadata() {
            Ok(metadata) => {
                self.scan.found.push(found(entry.path(), &metadata));
                self.files.extend(id(entry.path(), &metadata));
                ticker.tick(1)
            }
            Err(error) => {
                self.scan.unreadable.push(entry.path().to_owned());
                self.problem(entry.path(), format!("the file cannot be looked at ({error}); check its permissions"));
                ticker.check()
            }
        }
    }

    fn add_linked_files(&mut self) {
        for (id, found) in std::mem::take(&mut self.linked_files) {
            if self.files.insert(id) {
                self.scan.found.push(found);
            }
        }
    }

    fn failed(&mut self, folder: &Path, error: &walkdir::Error) {
        let path = error.path().unwrap_or(folder).to_owned();
        match error.io_error() {
            // It was removed while the walk went on, or its drive was: the next walk tells.
            Some(error) if error.kind() == std::io::ErrorKind::NotFound => self.scan.unreadable.push(path),
            Some(error) => self.unreadable(&path, error),
            None => (),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        self.scan.unreadable.push(path.to_owned());
        let kind = error.kind();
        self.problem(
            path,
            format!("this folder cannot be read ({kind}); check its permissions, what was known of it is kept"),
        );
    }

    fn problem(&mut self, path: &Path, reason: String) {
        self.scan.problems.push(Problem { path: path.to_owned(), reason });
    }
}

/// Which folder is at this path now; `None` if none is.
fn root_id(root: &Path) -> Option<Id> {
    id(root, &fs_err::metadata(root).ok()?)
}

/// Whether a folder is of another file system than the one that it lies in.
#[cfg(unix)]
fn is_mount_point(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs_err::metadata(path).ok().map(|metadata| metadata.dev());
    folder.parent().is_some_and(|parent| device(parent) != device(folder))
}

/// Whether a folder is of another file system than the one that it lies in: drives have letters here.
#[cfg(not(unix))]
fn is_mount_point(_: &Path) -> bool {
    false
}

fn is_nothing_in(folder: &Path) -> bool {
    fs_err::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(unix)]
fn id(_: &Path, metadata: &Metadata) -> Option<Id> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn id(path: &Path, _: &Metadata) -> Option<Id> {
    fs_err::canonicalize(path).ok()
}

fn found(path: &Path, metadata: &Metadata) -> Found {
    let modified_ns = metadata.modified().map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    });
    Found { path: path.to_owned(), size: metadata.len(), modified_ns }
}

#[cfg(test)]
mod tests {
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
}
