//! The library's storage. In: a library's folder; records, vectors and what the user made. Out: the same, also after a
//! crash at any moment. Knows no picture and no window.
//!
//! The shelf holds the files with their photos (see `files`), the vectors in chunks (see `keeping`), and a copy of what
//! the user made. Everything on it can be rebuilt: the records from the photos, the vectors from their tables, the rest
//! from the journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::PhotoRecord;
use super::chunk::Kept;
use super::files::share_photos;
use super::hash_table::HashTable;
use super::journal::Journal;
use super::keeping::TableOf;
use super::layout::{self, Layout, Lock};
use super::made::{Change, Made};
use super::opening::{Contents, Tables, User, check_end, open_shelf, open_tables, read_copy};
use super::record::{Stored, encode};
use super::shelf::{Part, Shelf};
use crate::error::Result;
use crate::models::ModelIdentity;

/// So long may work be lost to a crash.
pub(super) const FLUSH_EVERY: Duration = Duration::from_secs(3);
/// Version of the keys of the copy of what the user made.
pub(super) const SLOT_VERSION: u8 = 1;
/// A note that is there once the copy of what the user made was complete.
pub(super) const COPY_IS_COMPLETE: &[u8] = b"copy is complete";
/// A note: how long the journal was when the copy was last brought up to date.
pub(super) const JOURNAL_BYTES: &[u8] = b"journal bytes";
/// A note: how often the store was closed in order. The last thing that is written.
pub(super) const CLOSINGS: &[u8] = b"closings";

/// An open library. Shared by reference between threads.
pub struct Store {
    pub(super) shelf: Shelf,
    user: Mutex<User>,
    pub(super) tables: RwLock<TableOf>,
    /// What the shelf has of them. Locked after `tables`.
    pub(super) kept: Mutex<BTreeMap<ModelIdentity, Kept>>,
    pub(super) photos: RwLock<HashTable<Arc<PhotoRecord>>>,
    /// All files as they were read at opening, until somebody asks for them or one changes. Locked while blocks of files
    /// are changed.
    pub(super) files_as_opened: Mutex<Option<Vec<Stored>>>,
    flushed: Mutex<Instant>,
    closings: u64,
    pub(super) layout: Layout,
    _lock: Lock,
}

/// A library that was opened.
pub struct Opened {
    /// The library.
    pub store: Store,
    /// What was found damaged and what was done about it, a sentence each without a full stop.
    pub findings: Vec<String>,
}

impl Store {
    /// Opens or makes the library in `root`. Broken parts are set aside and rebuilt, and said in the findings.
    ///
    /// # Errors
    /// [`Error::LibraryInUse`], [`Error::NewerLibrary`], [`Error::DiskFull`], or a folder that cannot be written to.
    pub fn open(root: &Path) -> Result<Opened> {
        let (layout, lock) = layout::enter(root)?;
        let mut findings = Vec::new();
        let (journal, replayed) = Journal::open(&layout.journal())?;
        let (shelf, contents) = open_shelf(&layout, &mut findings)?;
        let closings = check_end(&layout, &contents, &mut findings)?;
        let Contents { mut files, kept, made, journal_bytes, .. } = contents;
        let copy = made.as_ref().map(|made| (made, journal_bytes));
        let user = Mutex::new(User::open(&layout, (journal, replayed), copy, &mut findings)?);
        let (photos, tables) = rayon::join(|| share_photos(&mut files), || open_tables(&layout.vectors()));
        let Tables { open: tables, damaged } = tables?;
        let (tables, photos) = (RwLock::new(tables), RwLock::new(photos));
        let (kept, flushed) = (Mutex::new(kept), Mutex::new(Instant::now()));
        let (files_as_opened, _lock) = (Mutex::new(Some(files)), lock);
        let store = Self { shelf, user, tables, kept, photos, files_as_opened, flushed, closings, layout, _lock };
        store.bring_copy_up_to_date()?;
        store.mend_tables(&damaged, &mut findings)?;
        Ok(Opened { store, findings })
    }

    /// The library's folder.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }

    /// Brings everything that was recorded to the disk.
    ///
    /// # Errors
    /// [`Error::DiskFull`], or a disk that fails.
    pub fn flush(&self) -> Result<()> {
        self.keep_vectors(true)?;
        self.shelf.flush()?;
        *lock(&self.flushed) = Instant::now();
        Ok(())
    }

    pub(super) fn flush_now_and_then(&self) -> Result<()> {
        let is_due = lock(&self.flushed).elapsed() >= FLUSH_EVERY;
        if is_due { self.flush_full_chunks() } else { Ok(()) }
    }

    /// As [`Store::flush`], but the last vectors stay only in their table as long as they do not fill a chunk.
    fn flush_full_chunks(&self) -> Result<()> {
        self.keep_vectors(false)?;
        self.shelf.flush()?;
        *lock(&self.flushed) = Instant::now();
        Ok(())
    }

    /// Keeps what the user made: on the disk in the journal, then on the shelf, before this returns.
    pub(super) fn change(&self, changes: &[Change]) -> Result<()> {
        self.change_by(|_| changes.to_vec())
    }

    /// As [`Store::change`], with changes that depend on what is there: nobody else changes it meanwhile.
    pub(super) fn change_by(&self, changes: impl FnOnce(&Made) -> Vec<Change>) -> Result<()> {
        let mut user = lock(&self.user);
        let changes = changes(&user.made);
        if changes.is_empty() {
            return Ok(());
        }
        user.journal.append(&changes)?;
        user.made.apply(&changes);
        let User { journal, made } = &mut *user;
        journal.compact(made)?;
        self.copy_to_shelf(&changes, journal.size())
    }

    /// Looks at what the user made.
    pub(super) fn made<T>(&self, look: impl FnOnce(&Made) -> T) -> T {
        look(&lock(&self.user).made)
    }

    fn copy_to_shelf(&self, changes: &[Change], journal_bytes: u64) -> Result<()> {
        let copied = changes.iter().map(|Change { slot, value }| (encode(SLOT_VERSION, slot), value.clone()));
        self.shelf.change(Part::Made, copied)?;
        self.shelf.put(Part::Notes, JOURNAL_BYTES, journal_bytes.to_string().into_bytes())?;
        self.shelf.flush()
    }

    /// The copy may lack the last change, or be on a shelf that was just rebuilt.
    fn bring_copy_up_to_date(&self) -> Result<()> {
        let copied = read_copy(&self.shelf)?;
        let user = lock(&self.user);
        let mut changes = Vec::new();
        if copied != user.made {
            changes.extend(copied.changes().into_iter().map(|change| Change::clear(change.slot)));
            changes.extend(user.made.changes());
        }
        self.copy_to_shelf(&changes, user.journal.size())?;
        self.shelf.put(Part::Notes, COPY_IS_COMPLETE, Vec::new())
    }

    /// Flushes, and leaves the same number at the end of the shelf's log and beside it: sled takes a damaged end of
    /// its log for one that a crash cut short, and drops it in silence.
    fn close(&self) -> Result<()> {
        let number = (self.closings + 1).to_string();
        self.shelf.put(Part::Notes, CLOSINGS, number.clone().into_bytes())?;
        self.flush()?;
        layout::write_whole(&self.layout.closings(), number.as_bytes())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Nobody is left to tell; what is not flushed is found missing by the next run and done again.
        self.close().ok();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod snapshot_tests;
#[cfg(test)]
mod tests;
