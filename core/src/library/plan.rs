//! What was found and what is recorded → what must be done. Pure: no files, no clocks.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Found, Scan};
use crate::index::{ContentHash, FileRecord};

/// What a scan means for the records.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files whose size and time are as recorded: they are not read again.
    pub unchanged: usize,
    /// Files with a path that no record has: new, or moved here.
    pub new: Vec<Found>,
    /// Files whose size or time differ from their record.
    pub changed: Vec<Found>,
    /// Records whose files are not there any more: gone, or moved away.
    pub missing: Vec<FileRecord>,
    /// Records of files that could not be looked for: their folder is offline or cannot be read. They are kept.
    pub kept: usize,
    /// Added folders that are offline: not there, or empty where records say that there was something.
    pub offline: Vec<PathBuf>,
}

/// What became of the missing files, once the new ones were hashed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Files that were moved or renamed: from where, to where.
    pub moved: Vec<(PathBuf, PathBuf)>,
    /// Files that are gone.
    pub gone: Vec<PathBuf>,
}

/// Compares a scan of some folders with the records of all files under these folders.
pub fn plan(scan: &Scan, recorded: Vec<FileRecord>) -> Plan {
    let was_empty = |root: &&PathBuf| !recorded.iter().any(|file| file.path.starts_with(root));
    let unmounted = scan.empty.iter().filter(|root| !was_empty(root));
    let offline: Vec<PathBuf> = scan.missing.iter().chain(unmounted).cloned().collect();
    let unknown: Vec<&Path> = offline.iter().chain(&scan.unreadable).map(PathBuf::as_path).collect();

    let mut by_path: HashMap<&Path, &Found> = scan.found.iter().map(|found| (found.path.as_path(), found)).collect();
    let mut plan = Plan::default();
    for file in recorded {
        match by_path.remove(file.path.as_path()) {
            Some(found) if is_same(found, &file) => plan.unchanged += 1,
            Some(found) => plan.changed.push(found.clone()),
            None if unknown.iter().any(|folder| file.path.starts_with(folder)) => plan.kept += 1,
            None => plan.missing.push(file),
        }
    }
    plan.new = scan.found.iter().filter(|found| by_path.contains_key(found.path.as_path())).cloned().collect();
    Plan { offline, ..plan }
}

fn is_same(found: &Found, file: &FileRecord) -> bool {
    found.size == file.size && found.modified_ns == file.modified_ns
}

/// Pairs missing files with new ones of the same content: one new file is the place of at most one missing file, the
/// one of the same name if there is one.
pub fn settle(missing: &[FileRecord], hashed: &[(PathBuf, ContentHash)]) -> Settled {
    let mut places: HashMap<ContentHash, Vec<&Path>> = HashMap::new();
    for (path, hash) in hashed {
        places.entry(*hash).or_default().push(path);
    }
    let mut settled = Settled::default();
    let mut taken = HashSet::new();
    let mut left = Vec::new();
    // The same name in another folder is the surer move; what is left takes what is left.
    for file in missing {
        let candidates = file.hash.and_then(|hash| places.get(&hash)).map_or(&[][..], Vec::as_slice);
        let named = candidates.iter().find(|path| path.file_name() == file.path.file_name() && !taken.contains(*path));
        match named {
            Some(path) => {
                taken.insert(*path);
                settled.moved.push((file.path.clone(), path.to_path_buf()));
            }
            None => left.push((file, candidates)),
        }
    }
    for (file, candidates) in left {
        match candidates.iter().find(|path| !taken.contains(*path)) {
            Some(path) => {
                taken.insert(*path);
                settled.moved.push((file.path.clone(), path.to_path_buf()));
            }
            None => settled.gone.push(file.path.clone()),
        }
    }
    settled
}
