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
    /// Added folders that are offline, which are not there or empty where records say that there was something, and
    /// unplugged drives inside of them.
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
    let offline: Vec<PathBuf> = scan.missing.iter().chain(unmounted).chain(&scan.unplugged).cloned().collect();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(path: &str, size: u64) -> Found {
        Found { path: path.into(), size, modified_ns: 7 }
    }

    fn record(path: &str, size: u64, hash: u8) -> FileRecord {
        FileRecord { path: path.into(), size, modified_ns: 7, hash: Some(ContentHash([hash; 32])), problem: None }
    }

    fn scan_of(found: Vec<Found>) -> Scan {
        Scan { found, ..Scan::default() }
    }

    fn paths(files: &[FileRecord]) -> Vec<&str> {
        files.iter().filter_map(|file| file.path.to_str()).collect()
    }

    /// Old files and new files, each a path and a content; the moves that are seen, and what is gone.
    #[track_caller]
    fn check_moves(old: &[(&str, u8)], new: &[(&str, u8)], moved: &[(&str, &str)], gone: &[&str]) {
        let missing: Vec<FileRecord> = old.iter().map(|(path, hash)| record(path, 1, *hash)).collect();
        let hashed: Vec<(PathBuf, ContentHash)> =
            new.iter().map(|(path, hash)| ((*path).into(), ContentHash([*hash; 32]))).collect();
        let moved = moved.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect();
        let gone = gone.iter().map(Into::into).collect();
        assert_eq!(settle(&missing, &hashed), Settled { moved, gone });
    }

    #[test]
    fn files_are_new_changed_unchanged_or_missing() {
        let scan = scan_of(vec![found("/p/same", 1), found("/p/changed", 2), found("/p/new", 1)]);
        let recorded = vec![record("/p/same", 1, 1), record("/p/changed", 1, 2), record("/p/gone", 1, 3)];
        let plan = plan(&scan, recorded);
        assert_eq!((plan.unchanged, plan.kept), (1, 0));
        assert_eq!(plan.new, [found("/p/new", 1)]);
        assert_eq!(plan.changed, [found("/p/changed", 2)]);
        assert_eq!(paths(&plan.missing), ["/p/gone"]);
    }

    #[test]
    fn files_of_an_unplugged_drive_are_kept() {
        let scan = Scan { missing: vec!["/drive".into()], ..Scan::default() };
        let plan = plan(&scan, vec![record("/drive/a", 1, 1), record("/p/b", 1, 2)]);
        assert_eq!((plan.kept, paths(&plan.missing)), (1, vec!["/p/b"]));
        assert_eq!(plan.offline, [PathBuf::from("/drive")]);
    }

    #[test]
    fn a_folder_that_is_suddenly_empty_is_an_unplugged_drive() {
        let scan = Scan { empty: vec!["/drive".into(), "/never used".into()], ..Scan::default() };
        let plan = plan(&scan, vec![record("/drive/a", 1, 1)]);
        assert_eq!((plan.kept, plan.missing.len()), (1, 0));
        assert_eq!(plan.offline, [PathBuf::from("/drive")]);
    }

    #[test]
    fn files_of_an_unplugged_drive_inside_are_kept() {
        let scan = Scan { unplugged: vec!["/p/drive".into()], ..Scan::default() };
        let plan = plan(&scan, vec![record("/p/drive/a", 1, 1), record("/p/drive too/b", 1, 2)]);
        assert_eq!((plan.kept, paths(&plan.missing)), (1, vec!["/p/drive too/b"]));
        assert_eq!(plan.offline, [PathBuf::from("/p/drive")]);
    }

    #[test]
    fn files_of_an_unreadable_folder_are_kept_and_the_folder_is_not_offline() {
        let scan = Scan { unreadable: vec!["/p/closed".into()], ..Scan::default() };
        let plan = plan(&scan, vec![record("/p/closed/a", 1, 1)]);
        assert_eq!((plan.kept, plan.missing.len(), plan.offline.len()), (1, 0, 0));
    }

    #[test]
    fn a_renamed_file_is_moved() {
        check_moves(&[("/p/a", 1)], &[("/p/b", 1)], &[("/p/a", "/p/b")], &[]);
    }

    #[test]
    fn another_content_is_no_move() {
        check_moves(&[("/p/a", 1)], &[("/p/b", 2)], &[], &["/p/a"]);
    }

    #[test]
    fn copies_move_each_to_its_own_name() {
        let (old, new) = ([("/p/a", 1), ("/p/b", 1)], [("/q/b", 1), ("/q/a", 1)]);
        check_moves(&old, &new, &[("/p/a", "/q/a"), ("/p/b", "/q/b")], &[]);
    }

    #[test]
    fn a_copy_without_a_place_is_gone() {
        check_moves(&[("/p/a", 1), ("/p/b", 1)], &[("/q/b", 1)], &[("/p/b", "/q/b")], &["/p/a"]);
    }

    fn files() -> impl Strategy<Value = std::collections::BTreeMap<u8, u64>> {
        proptest::collection::btree_map(0_u8..20, 0_u64..3, 0..20)
    }

    proptest! {
        #[test]
        fn every_file_and_every_record_has_one_place_in_the_plan(there in files(), recorded in files()) {
            let scan = scan_of(there.iter().map(|(name, size)| found(&format!("/p/{name}"), *size)).collect());
            let records: Vec<FileRecord> =
                recorded.iter().map(|(name, size)| record(&format!("/p/{name}"), *size, *name)).collect();
            let plan = plan(&scan, records);
            prop_assert_eq!(plan.unchanged + plan.new.len() + plan.changed.len(), there.len());
            prop_assert_eq!(plan.unchanged + plan.changed.len() + plan.missing.len() + plan.kept, recorded.len());
        }

        #[test]
        fn after_a_plan_was_carried_out_nothing_is_left_to_do(there in files()) {
            let scan = scan_of(there.iter().map(|(name, size)| found(&format!("/p/{name}"), *size)).collect());
            let records = there.iter().map(|(name, size)| record(&format!("/p/{name}"), *size, *name)).collect();
            prop_assert_eq!(plan(&scan, records), Plan { unchanged: there.len(), ..Plan::default() });
        }

        #[test]
        fn every_missing_file_is_moved_or_gone_and_no_place_is_taken_twice(
            old in proptest::collection::vec(0_u8..4, 0..12), new in proptest::collection::vec(0_u8..4, 0..12),
        ) {
            let missing: Vec<FileRecord> =
                old.iter().enumerate().map(|(n, hash)| record(&format!("/old/{n}"), 1, *hash)).collect();
            let hashed: Vec<(PathBuf, ContentHash)> = new.iter().enumerate()
                .map(|(n, hash)| (format!("/new/{n}").into(), ContentHash([*hash; 32]))).collect();
            let settled = settle(&missing, &hashed);
            prop_assert_eq!(settled.moved.len() + settled.gone.len(), missing.len());
            let places: HashSet<&PathBuf> = settled.moved.iter().map(|(_, to)| to).collect();
            prop_assert_eq!(places.len(), settled.moved.len());
            for hash in 0..4 {
                let count = |list: &[u8]| list.iter().filter(|other| **other == hash).count();
                let moved = settled.moved.iter().filter(|(_, to)| hashed.contains(&(to.clone(), ContentHash([hash; 32]))));
                prop_assert_eq!(moved.count(), count(&old).min(count(&new)));
            }
        }
    }
}
