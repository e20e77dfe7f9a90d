//! The library's storage. In: a library's folder; records, vectors and what the user made. Out: the same, also after a
//! crash at any moment. The only file that names sled; knows no picture and no window.
//!
//! sled holds the files with their photos, the vectors in chunks, and a copy of what the user made. Everything in it can
//! be rebuilt: the records from the photos, the vectors from their tables (see `keeping`), the rest from the journal.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::chunk::{Chunk, Kept};
use super::journal::Journal;
use super::keeping::TableOf;
use super::layout::{self, Layout, Lock, storage_error};
use super::made::{Change, Made};
use super::opening::{Tables, User, open_tables};
use super::record::{Stored, decode, decode_file, encode, encode_file, folder_prefix, path_key, path_of_key};
use super::table::HashTable;
use super::{ContentHash, FileRecord, PhotoRecord};
use crate::error::{Error, Result};
use crate::models::{ModelIdentity, UnitVector};

/// So long may work be lost to a crash.
const FLUSH_EVERY: Duration = Duration::from_secs(3);
/// sled's own cache. Records are read once, in order, so more brings nothing.
const CACHE_BYTES: u64 = 16 << 20;
/// Version of the keys under which sled keeps its copy of what the user made.
const SLOT_VERSION: u8 = 1;
/// In sled once the copy of what the user made was complete.
const COPY_IS_COMPLETE: &[u8] = b"copy is complete";

/// In sled: how long the journal was when the copy was last brought up to date.
const JOURNAL_BYTES: &[u8] = b"journal bytes";
/// In sled: how often the store was closed in order. The last thing that is written.
const CLOSINGS: &[u8] = b"closings";

/// An open library. Shared by reference between threads.
pub struct Store {
    files: sled::Tree,
    copy: sled::Tree,
    models: sled::Tree,
    chunks: sled::Tree,
    db: sled::Db,
    user: Mutex<User>,
    pub(super) tables: RwLock<TableOf>,
    /// What sled has of them. Locked after `tables`.
    pub(super) kept: Mutex<BTreeMap<ModelIdentity, Kept>>,
    photos: RwLock<HashTable<Arc<PhotoRecord>>>,
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

/// A file that was looked at, and what was found in it.
#[derive(Debug, Clone)]
pub struct Indexed {
    /// The file.
    pub file: FileRecord,
    /// The photo in it; `None` for a file that could not be used, or whose photo the store knows already.
    pub photo: Option<PhotoRecord>,
    /// Its vector; `None` where the store has it already.
    pub vector: Option<UnitVector>,
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
        let shelf = open_or_rebuild(&layout, &mut findings)?;
        let closings = check_end(&layout, &shelf, &mut findings)?;
        let user = User::open(
            &layout,
            (journal, replayed),
            shelf.made.as_ref().map(|made| (made, shelf.journal_bytes)),
            &mut findings,
        )?;
        let Tables { open: tables, damaged } = open_tables(&layout.vectors())?;
        let Shelf { db, files, copy, models, chunks, photos, kept, .. } = shelf;
        let (user, tables, photos) = (Mutex::new(user), RwLock::new(tables), RwLock::new(photos));
        let (kept, flushed) = (Mutex::new(kept), Mutex::new(Instant::now()));
        let _lock = lock;
        let store =
            Self { files, copy, models, chunks, db, user, tables, kept, photos, flushed, closings, layout, _lock };
        store.bring_copy_up_to_date()?;
        store.mend_tables(&damaged, &mut findings)?;
        Ok(Opened { store, findings })
    }

    /// The library's folder.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }

    /// Keeps what was found in a batch of files: all of it or, after a crash, none. On the disk for certain after
    /// [`Store::flush`], which happens by itself every few seconds of recording.
    ///
    /// # Errors
    /// [`Error::DiskFull`]; [`Error::ModelMismatch`] for a vector of another length than the model's others.
    pub fn record(&self, identity: &ModelIdentity, batch: &[Indexed]) -> Result<()> {
        self.append_vectors(identity, batch)?;
        let mut changes = sled::Batch::default();
        for indexed in batch {
            let file = indexed.file.clone();
            let photo = self.shared_photo(indexed);
            changes.insert(path_key(&file.path), encode_file(&Stored { file, photo }));
        }
        self.guard(|| self.files.apply_batch(changes))?;
        self.flush_now_and_then()
    }

    /// The photo of a file, one value for all its copies.
    fn shared_photo(&self, indexed: &Indexed) -> Option<Arc<PhotoRecord>> {
        let hash = indexed.file.hash?;
        match &indexed.photo {
            None => self.photo(&hash),
            Some(photo) => {
                let photo = Arc::new(photo.clone());
                write(&self.photos).insert(hash, Arc::clone(&photo));
                Some(photo)
            }
        }
    }

    /// Brings everything that was recorded to the disk.
    ///
    /// # Errors
    /// [`Error::DiskFull`], or a disk that fails.
    pub fn flush(&self) -> Result<()> {
        self.keep_vectors(true)?;
        self.guard(|| self.db.flush())?;
        *lock(&self.flushed) = Instant::now();
        Ok(())
    }

    fn flush_now_and_then(&self) -> Result<()> {
        let is_due = lock(&self.flushed).elapsed() >= FLUSH_EVERY;
        if is_due { self.flush_full_chunks() } else { Ok(()) }
    }

    /// As [`Store::flush`], but the last vectors stay only in their table as long as they do not fill a chunk.
    fn flush_full_chunks(&self) -> Result<()> {
        self.keep_vectors(false)?;
        self.guard(|| self.db.flush())?;
        *lock(&self.flushed) = Instant::now();
        Ok(())
    }

    /// Keeps a chunk of vectors, then the record of what is kept with it: a crash may leave it without its record, not
    /// the record without it.
    pub(super) fn keep_chunk(&self, kept: &Kept, first_row: u32, chunk: Vec<u8>) -> Result<()> {
        self.guard(|| self.chunks.insert(Kept::chunk_key(&kept.identity, first_row), chunk))?;
        self.keep_record(kept)
    }

    pub(super) fn keep_record(&self, kept: &Kept) -> Result<()> {
        self.guard(|| self.models.insert(Kept::key(&kept.identity), kept.encode())).map(drop)
    }

    /// All readable chunks of a model, in the order of their rows.
    pub(super) fn each_chunk(&self, identity: &ModelIdentity, mut each: impl FnMut(Chunk) -> Result<()>) -> Result<()> {
        let mut chunks = self.chunks.scan_prefix(Kept::key(identity));
        while let Some((_, bytes)) = self.guard(|| chunks.next().transpose())? {
            Chunk::decode(&bytes).map_or(Ok(()), &mut each)?;
        }
        Ok(())
    }

    /// Removes those chunks of a model whose first rows are no longer of use.
    pub(super) fn remove_chunks(&self, identity: &ModelIdentity, is_useless: impl Fn(u32) -> bool) -> Result<()> {
        self.guard(|| {
            for key in self.chunks.scan_prefix(Kept::key(identity)).keys() {
                let key = key?;
                let first_row = key.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
                if is_useless(first_row) {
                    self.chunks.remove(key)?;
                }
            }
            Ok(())
        })
    }

    /// Removes all that is kept of a model's vectors: the record first.
    pub(super) fn remove_kept(&self, identity: &ModelIdentity) -> Result<()> {
        self.guard(|| self.models.remove(Kept::key(identity)))?;
        self.remove_chunks(identity, |_| true)?;
        self.guard(|| self.db.flush()).map(drop)
    }

    /// All files in a folder and below, in the order of their paths' bytes.
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`].
    pub fn files_under(&self, folder: &Path) -> Result<Vec<FileRecord>> {
        Ok(self.stored(&folder_prefix(folder))?.into_iter().map(|stored| stored.file).collect())
    }

    /// All files, in the order of their paths' bytes.
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`].
    pub fn files(&self) -> Result<Vec<FileRecord>> {
        Ok(self.stored(&[])?.into_iter().map(|stored| stored.file).collect())
    }

    /// One file.
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`].
    pub fn file(&self, path: &Path) -> Result<Option<FileRecord>> {
        let value = self.guard(|| self.files.get(path_key(path)))?;
        Ok(value.and_then(|value| decode_file(path.to_owned(), &value)).map(|stored| stored.file))
    }

    /// The files whose keys begin with `prefix`, and their photos.
    pub(super) fn stored(&self, prefix: &[u8]) -> Result<Vec<Stored>> {
        let photos = read(&self.photos);
        self.guard(|| {
            let mut found = Vec::new();
            for item in self.files.scan_prefix(prefix) {
                let (key, value) = item?;
                let Some(mut stored) = decode_file(path_of_key(&key), &value) else { continue };
                // Copies share one value with what is in memory already.
                let shared = stored.file.hash.and_then(|hash| photos.get(&hash).cloned());
                stored.photo = shared.or(stored.photo);
                found.push(stored);
            }
            Ok(found)
        })
    }

    /// Gives a file that was moved or renamed its new path; its photo, vector and tags stay with it.
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`], [`Error::DiskFull`].
    pub fn move_file(&self, old: &Path, new: &Path) -> Result<()> {
        let Some(value) = self.guard(|| self.files.get(path_key(old)))? else { return Ok(()) };
        let mut changes = sled::Batch::default();
        changes.remove(path_key(old));
        changes.insert(path_key(new), value);
        self.guard(|| self.files.apply_batch(changes))
    }

    /// Forgets files. What the user made of their photos stays, and so do their vectors until
    /// [`Store::compact_vectors`].
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`], [`Error::DiskFull`].
    pub fn forget_files<P: AsRef<Path>>(&self, paths: &[P]) -> Result<()> {
        let mut changes = sled::Batch::default();
        for path in paths {
            changes.remove(path_key(path.as_ref()));
        }
        self.guard(|| self.files.apply_batch(changes))
    }

    /// What is known of a photo.
    pub fn photo(&self, hash: &ContentHash) -> Option<Arc<PhotoRecord>> {
        read(&self.photos).get(hash).cloned()
    }

    /// Keeps what the user made: on the disk in the journal, then in sled, before this returns.
    pub(super) fn change(&self, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut user = lock(&self.user);
        user.journal.append(changes)?;
        user.made.apply(changes);
        let User { journal, made } = &mut *user;
        journal.compact(made)?;
        self.copy_to_sled(changes, journal.size())
    }

    /// Looks at what the user made.
    pub(super) fn made<T>(&self, look: impl FnOnce(&Made) -> T) -> T {
        look(&lock(&self.user).made)
    }

    fn copy_to_sled(&self, changes: &[Change], journal_bytes: u64) -> Result<()> {
        let mut batch = sled::Batch::default();
        for Change { slot, value } in changes {
            let key = encode(SLOT_VERSION, slot);
            match value {
                Some(value) => batch.insert(key, value.as_slice()),
                None => batch.remove(key),
            }
        }
        self.guard(|| {
            self.copy.apply_batch(batch)?;
            self.db.insert(JOURNAL_BYTES, journal_bytes.to_string().as_bytes())?;
            self.db.flush()
        })?;
        Ok(())
    }

    /// sled's copy may lack the last change, or be of a store that was just rebuilt.
    fn bring_copy_up_to_date(&self) -> Result<()> {
        let copied = self.guard(|| read_copy(&self.copy))?;
        let user = lock(&self.user);
        let mut changes = Vec::new();
        if copied != user.made {
            changes.extend(copied.changes().into_iter().map(|change| Change::clear(change.slot)));
            changes.extend(user.made.changes());
        }
        self.copy_to_sled(&changes, user.journal.size())?;
        self.guard(|| self.db.insert(COPY_IS_COMPLETE, &[])).map(drop)
    }

    /// Flushes, and leaves the same number at the end of sled's log and beside it: sled takes a damaged end of its log
    /// for one that a crash cut short, and drops it in silence.
    fn close(&self) -> Result<()> {
        let number = (self.closings + 1).to_string();
        self.guard(|| self.db.insert(CLOSINGS, number.as_bytes()))?;
        self.flush()?;
        layout::write_whole(&self.layout.closings(), number.as_bytes())
    }

    fn guard<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T> {
        let result = guard(&self.layout.store(), work);
        if let Err(Error::BrokenLibrary { .. }) = result {
            // Damage that opening does not see must not come back for ever. Without the mark it is only found later.
            self.layout.condemn_store().ok();
        }
        result
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Nobody is left to tell; what is not flushed is found missing by the next run and done again.
        self.close().ok();
    }
}

/// sled, open, with everything in it read once.
struct Shelf {
    db: sled::Db,
    files: sled::Tree,
    copy: sled::Tree,
    models: sled::Tree,
    chunks: sled::Tree,
    kept: BTreeMap<ModelIdentity, Kept>,
    photos: HashTable<Arc<PhotoRecord>>,
    /// What the user made according to sled; `None` where the copy was never complete.
    made: Option<Made>,
    journal_bytes: u64,
    closings: u64,
    unreadable: usize,
}

/// Opens sled; a broken one is set aside and an empty one made.
fn open_or_rebuild(layout: &Layout, findings: &mut Vec<String>) -> Result<Shelf> {
    let path = layout.store();
    let condemned = || Error::BrokenLibrary { reason: "it failed while it was used".to_owned(), path: path.clone() };
    let opened = if layout.take_condemned()? { Err(condemned()) } else { layout::patiently(|| open_shelf(&path)) };
    let shelf = match opened {
        Ok(shelf) => shelf,
        Err(Error::BrokenLibrary { reason, .. }) => {
            let aside = layout::set_aside(&path)?;
            findings.push(format!(
                "the store was damaged ({reason}); it was set aside and a new one made: tags, favourites, albums and \
                 saved searches are kept, run `sightline index` to read the photos again: {}",
                aside.display()
            ));
            open_shelf(&path)?
        }
        Err(error) => return Err(error),
    };
    if shelf.unreadable > 0 {
        findings.push(format!("{} records could not be read; their files will be indexed again", shelf.unreadable));
    }
    Ok(shelf)
}

/// Opens sled and reads all of it but the vectors, so that damage shows now and not in the middle of the work.
fn open_shelf(path: &Path) -> Result<Shelf> {
    guard(path, || {
        let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES);
        let db = config.flush_every_ms(Some(FLUSH_EVERY.as_millis() as u64)).open()?;
        let (files, copy) = (db.open_tree("files")?, db.open_tree("made by the user")?);
        let mut photos = HashTable::default();
        let mut unreadable = 0;
        for item in &files {
            let (key, value) = item?;
            match decode_file(path_of_key(&key), &value) {
                Some(Stored { file, photo }) => photos.extend(file.hash.zip(photo)),
                None => {
                    unreadable += 1;
                    files.remove(key)?;
                }
            }
        }
        let (models, chunks) = (db.open_tree("models with vectors")?, db.open_tree("vectors")?);
        let kept = read_kept(&models)?;
        let made = if db.contains_key(COPY_IS_COMPLETE)? { Some(read_copy(&copy)?) } else { None };
        let number = |key: &[u8]| sled::Result::Ok(db.get(key)?.and_then(|bytes| layout::number(&bytes)).unwrap_or(0));
        let (journal_bytes, closings) = (number(JOURNAL_BYTES)?, number(CLOSINGS)?);
        Ok(Shelf { db, files, copy, models, chunks, kept, photos, made, journal_bytes, closings, unreadable })
    })
}

/// Whether sled still has the end of its log; how often the library was closed so far.
fn check_end(layout: &Layout, shelf: &Shelf, findings: &mut Vec<String>) -> Result<u64> {
    let closed = layout::take_number(&layout.closings())?;
    let is_rebuilt = shelf.made.is_none();
    if closed.is_some_and(|closed| closed != shelf.closings) && !is_rebuilt {
        let path = layout.store();
        findings.push(format!(
            "the last records of the store were lost to damage; `sightline index` reads their photos again: {}",
            path.display()
        ));
    }
    Ok(shelf.closings.max(closed.unwrap_or(0)))
}

/// What sled has of each model's vectors. An unreadable record is none: the vectors are kept again.
fn read_kept(models: &sled::Tree) -> sled::Result<BTreeMap<ModelIdentity, Kept>> {
    let kept = models.iter().values().filter_map(|value| value.map(|bytes| Kept::decode(&bytes)).transpose());
    kept.map(|kept| kept.map(|kept| (kept.identity.clone(), kept))).collect()
}

fn read_copy(copy: &sled::Tree) -> sled::Result<Made> {
    let mut made = Made::default();
    for item in copy {
        let (key, value) = item?;
        if let Some((&SLOT_VERSION, rest)) = key.split_first()
            && let Some(slot) = decode(rest)
        {
            made.apply(&[Change { slot, value: Some(value.to_vec()) }]);
        }
    }
    Ok(made)
}

/// Runs what uses sled: its panics and errors become ours.
fn guard<T>(path: &Path, work: impl FnOnce() -> sled::Result<T>) -> Result<T> {
    let broken = |reason: String| Error::BrokenLibrary { reason, path: path.to_owned() };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) => Err(storage_failure(error, path)),
        Ok(Err(error)) => Err(broken(error.to_string())),
        Err(_) => Err(broken("its storage stopped in the middle".to_owned())),
    }
}

/// An error of the system that has nothing to do with what is in the store, or else damage.
fn storage_failure(error: std::io::Error, path: &Path) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        // sled's own lock has no kind of its own.
        ErrorKind::Other if error.to_string().contains("acquire lock") => Error::LibraryInUse { path: path.to_owned() },
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
            Error::BrokenLibrary { reason: error.to_string(), path: path.to_owned() }
        }
        _ => storage_error(error, path),
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
mod tests;
