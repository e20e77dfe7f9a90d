//! Keys and values on the disk. In: parts, keys, values. Out: the same, also after a crash at any moment. The only file
//! that names sled; knows nothing of what the values mean.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use super::layout::{Layout, storage_error};
use crate::error::{Error, Result};

/// sled's own cache. Everything is read once, in order, so more brings nothing.
const CACHE_BYTES: u64 = 16 << 20;

/// What lies apart from the rest.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// Numbers about the store itself.
    Notes,
    /// Blocks of files.
    Files,
    /// The copy of what the user made.
    Made,
    /// What is kept of each model's vectors.
    Models,
    /// Chunks of vectors.
    Chunks,
}

/// A key with its new value; `None` removes it.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    More,
    Enough,
}

/// An open shelf. Shared by reference between threads. Every method fails with [`Error::BrokenLibrary`] or
/// [`Error::DiskFull`].
pub(super) struct Shelf {
    layout: Layout,
    db: sled::Db,
    files: sled::Tree,
    made: sled::Tree,
    models: sled::Tree,
    chunks: sled::Tree,
}

impl Shelf {
    /// Opens or makes a library's shelf; it flushes itself every `flush_every`.
    ///
    /// # Errors
    /// [`Error::LibraryInUse`] and those of every method.
    pub fn open(layout: &Layout, flush_every: Duration) -> Result<Self> {
        let path = layout.store();
        guard(&path, || {
            let config = sled::Config::new().path(&path).cache_capacity(CACHE_BYTES);
            let db = config.flush_every_ms(Some(flush_every.as_millis() as u64)).open()?;
            let tree = |name: &str| db.open_tree(name);
            let (files, made) = (tree("blocks of files")?, tree("made by the user")?);
            let (models, chunks) = (tree("models with vectors")?, tree("vectors")?);
            Ok(Self { layout: layout.clone(), db, files, made, models, chunks })
        })
    }

    pub fn get(&self, part: Part, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.guard(|| Ok(self.tree(part).get(key)?.map(|value| value.to_vec())))
    }

    /// All of the changes or, after a crash, none.
    pub fn change(&self, part: Part, changes: impl IntoIterator<Item = Change>) -> Result<()> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.guard(|| self.tree(part).apply_batch(batch))
    }

    pub fn put(&self, part: Part, key: &[u8], value: Vec<u8>) -> Result<()> {
        self.guard(|| self.tree(part).insert(key, value)).map(drop)
    }

    /// The last key that is not after `key`, with its value.
    pub fn at_or_before(&self, part: Part, key: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        self.guard(|| {
            let last = self.tree(part).range(..=key).next_back().transpose()?;
            Ok(last.map(|(key, value)| (key.to_vec(), value.to_vec())))
        })
    }

    /// The first key after `key`.
    pub fn key_after(&self, part: Part, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let after = (Bound::Excluded(key), Bound::Unbounded);
        self.guard(|| Ok(self.tree(part).range::<&[u8], _>(after).keys().next().transpose()?.map(|key| key.to_vec())))
    }

    /// Every key from `first` on with its value, in order, until `each` says that it has enough.
    pub fn each(&self, part: Part, first: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> Result<Next>) -> Result<()> {
        let mut items = self.tree(part).range(first..);
        while let Some((key, value)) = self.guard(|| items.next().transpose())? {
            if each(&key, &value)? == Next::Enough {
                break;
            }
        }
        Ok(())
    }

    /// Brings everything to the disk.
    pub fn flush(&self) -> Result<()> {
        self.guard(|| self.db.flush()).map(drop)
    }

    fn tree(&self, part: Part) -> &sled::Tree {
        match part {
            Part::Notes => &self.db,
            Part::Files => &self.files,
            Part::Made => &self.made,
            Part::Models => &self.models,
            Part::Chunks => &self.chunks,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_condemns_the_shelf() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout { root: root.path().to_owned() };
        let shelf = Shelf::open(&layout, Duration::from_secs(1)).unwrap();
        assert!(matches!(shelf.guard::<()>(|| panic!("on purpose")), Err(Error::BrokenLibrary { .. })));
        assert!(layout.take_condemned().unwrap());
        assert!(!layout.take_condemned().unwrap());
    }

    #[test]
    fn neighbours_are_found_by_the_order_of_their_bytes() {
        let root = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(&Layout { root: root.path().to_owned() }, Duration::from_secs(1)).unwrap();
        let put = |key: &[u8]| (key.to_vec(), Some(key.to_vec()));
        shelf.change(Part::Files, [put(b""), put(b"b"), put(b"bb")]).unwrap();
        let before = |key: &[u8]| shelf.at_or_before(Part::Files, key).unwrap().map(|(key, _)| key);
        assert_eq!([before(b"a"), before(b"b"), before(b"c")], [b"", &b"b"[..], b"bb"].map(|key| Some(key.to_vec())));
        assert_eq!(shelf.key_after(Part::Files, b"").unwrap().as_deref(), Some(&b"b"[..]));
        assert_eq!(shelf.key_after(Part::Files, b"bb").unwrap(), None);
        assert_eq!(shelf.at_or_before(Part::Made, b"b").unwrap(), None);
    }
}
