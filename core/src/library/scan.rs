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
        // The folder that it leads to is the mount point, not the link.
        if fs_err::canonicalize(&link).is_ok_and(|real| is_mount_point(&real)) {
            walk.scan.drives.push(link.clone());
        }
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
        let known = known.filter(|path| !self.excluded.contains(*path));
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
mod tests;
