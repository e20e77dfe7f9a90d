//! The files of a library and the photos in them, kept by the store. In: records. Out: the same. Knows neither sled nor the
//! bytes of a record.
//!
//! The shelf holds blocks of files, each under a key: a block has all files from its key up to the next block's. What
//! comes before all blocks belongs to one whose key is empty.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::block::{Block, Changes};
use super::hash_table::HashTable;
use super::record::{Stored, decode_file, encode_file, folder_prefix, path_key, path_of_key};
use super::shelf::{Next, Part, Shelf};
use super::store::{lock, read, write};
use super::{ContentHash, FileRecord, PhotoRecord, Store};
use crate::error::Result;
use crate::models::{ModelIdentity, UnitVector};

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
    /// Keeps what was found in a batch of files: all of it or, after a crash, none. On the disk for certain after
    /// [`Store::flush`], which happens by itself every few seconds of recording.
    ///
    /// # Errors
    /// [`Error::DiskFull`]; [`Error::ModelMismatch`] for a vector of another length than the model's others.
    pub fn record(&self, identity: &ModelIdentity, batch: &[Indexed]) -> Result<()> {
        self.layout.check_space()?;
        self.append_vectors(identity, batch)?;
        let value = |indexed: &Indexed| {
            let file = indexed.file.clone();
            (path_key(&file.path), Some(encode_file(&Stored { file, photo: self.shared_photo(indexed) })))
        };
        self.change_files(batch.iter().map(value).collect())?;
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
        let key = path_key(path);
        let value = self.block_of(&key)?.1.files.remove(&key);
        Ok(value.and_then(|value| decode_file(path.to_owned(), &value)).map(|stored| stored.file))
    }

    /// The files whose keys begin with `prefix`, and their photos.
    pub(super) fn stored(&self, prefix: &[u8]) -> Result<Vec<Stored>> {
        // A block that is split meanwhile would be met twice.
        let mut as_opened = lock(&self.files_as_opened);
        if let Some(files) = as_opened.take_if(|_| prefix.is_empty()) {
            return Ok(files);
        }
        let photos = read(&self.photos);
        let (first, _) = self.block_of(prefix)?;
        let mut found = Vec::new();
        each_block(
            &self.shelf,
            &first,
            |_, block| wanted(block, prefix, &photos),
            |Wanted { files, is_last }| {
                found.extend(files);
                Ok(if is_last { Next::Enough } else { Next::More })
            },
        )?;
        Ok(found)
    }

    /// Forgets files. What the user made of their photos stays, and so do their vectors until
    /// [`Store::compact_vectors`].
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`], [`Error::DiskFull`].
    pub fn forget_files<P: AsRef<Path>>(&self, paths: &[P]) -> Result<()> {
        self.change_files(paths.iter().map(|path| (path_key(path.as_ref()), None)).collect())
    }

    /// What is known of a photo.
    pub fn photo(&self, hash: &ContentHash) -> Option<Arc<PhotoRecord>> {
        read(&self.photos).get(hash).cloned()
    }

    /// All of the changes or, after a crash, none.
    fn change_files(&self, mut changes: Changes) -> Result<()> {
        // A block is read, changed and written as one.
        let mut as_opened = lock(&self.files_as_opened);
        // The next snapshot would show them as they were.
        *as_opened = None;
        let mut written = Vec::new();
        while let Some((key, _)) = changes.first_key_value() {
            let (start, block) = self.block_of(key)?;
            let end = self.shelf.key_after(Part::Files, &start)?;
            let later = end.map(|end| changes.split_off(&end)).unwrap_or_default();
            let blocks = block.changed(changes);
            if blocks.is_empty() {
                written.push((start.clone(), None));
            }
            for (place, block) in blocks.iter().enumerate() {
                let key = if place == 0 { start.clone() } else { block.first().to_vec() };
                written.push((key, Some(block.encode()?)));
            }
            changes = later;
        }
        self.shelf.change(Part::Files, written)
    }

    /// The block in which a key has its place, and the block's own key.
    fn block_of(&self, key: &[u8]) -> Result<(Vec<u8>, Block)> {
        let found = self.shelf.at_or_before(Part::Files, key)?;
        // A block that was damaged since opening is written over: what it had is found missing by the next run.
        Ok(found.map(|(start, bytes)| (start, Block::decode(&bytes).unwrap_or_default())).unwrap_or_default())
    }
}

/// So many blocks are unpacked together, on all cores: about 16,000 files.
const TOGETHER: usize = 512;

/// Every block from that of this key on: `unpack` on many threads, then `each` in order, until it says that it has enough.
fn each_block<T: Send>(
    shelf: &Shelf,
    first: &[u8],
    unpack: impl Fn(Vec<u8>, Block) -> T + Sync,
    mut each: impl FnMut(T) -> Result<Next>,
) -> Result<()> {
    let mut packed: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(TOGETHER);
    let mut give = |packed: &mut Vec<(Vec<u8>, Vec<u8>)>| {
        let unpacked = |(start, bytes): (Vec<u8>, Vec<u8>)| unpack(start, Block::decode(&bytes).unwrap_or_default());
        let blocks: Vec<T> = packed.par_drain(..).map(unpacked).collect();
        for block in blocks {
            if each(block)? == Next::Enough {
                return Ok(Next::Enough);
            }
        }
        Ok(Next::More)
    };
    let mut next = Next::More;
    shelf.each(Part::Files, first, |start, bytes| {
        packed.push((start.to_vec(), bytes.to_vec()));
        next = if packed.len() < TOGETHER { Next::More } else { give(&mut packed)? };
        Ok(next)
    })?;
    if next == Next::More { give(&mut packed).map(drop) } else { Ok(()) }
}

/// What was looked for in a block.
struct Wanted {
    files: Vec<Stored>,
    /// Whether no later block has more of it.
    is_last: bool,
}

/// The files of a block whose keys begin with `prefix`. Copies of a photo share one value with what is in memory already.
fn wanted(block: Block, prefix: &[u8], photos: &HashTable<Arc<PhotoRecord>>) -> Wanted {
    let is_after = |key: &Vec<u8>| key.as_slice() > prefix && !key.starts_with(prefix);
    let is_last = block.files.keys().next_back().is_some_and(is_after);
    let files = block.files.iter().filter(|(key, _)| key.starts_with(prefix)).filter_map(|(key, value)| {
        let mut stored = decode_file(path_of_key(key), value)?;
        let shared = stored.file.hash.and_then(|hash| photos.get(&hash).cloned());
        stored.photo = shared.or(stored.photo);
        Some(stored)
    });
    Wanted { files: files.collect(), is_last }
}

/// All files, and whether all could be read. What cannot be read is removed: it counts as new.
pub(super) fn read_files(shelf: &Shelf) -> Result<(Vec<Stored>, bool)> {
    let (mut files, mut changes) = (Vec::new(), Vec::new());
    each_block(shelf, &[], readable, |found| {
        files.extend(found.files);
        changes.extend(found.change);
        Ok(Next::More)
    })?;
    let is_whole = changes.is_empty();
    let encoded: Result<Vec<_>> = changes
        .into_iter()
        .map(|(start, left)| Ok((start, left.map(|block: Block| block.encode()).transpose()?)))
        .collect();
    shelf.change(Part::Files, encoded?)?;
    Ok((files, is_whole))
}

/// The files of a block, and what must become of it where not all could be read.
struct Readable {
    files: Vec<Stored>,
    change: Option<(Vec<u8>, Option<Block>)>,
}

fn readable(start: Vec<u8>, mut block: Block) -> Readable {
    let (mut files, found) = (Vec::with_capacity(block.files.len()), block.files.len());
    block.files.retain(|key, value| {
        let file = decode_file(path_of_key(key), value);
        let is_readable = file.is_some();
        files.extend(file);
        is_readable
    });
    let left = block.files.len();
    let change = (left < found || left == 0).then(|| (start, (left > 0).then_some(block)));
    Readable { files, change }
}

/// All photos in these files: one value each, which its copies share from now on.
pub(super) fn share_photos(files: &mut [Stored]) -> HashTable<Arc<PhotoRecord>> {
    let mut photos = HashTable::with_capacity_and_hasher(files.len(), Default::default());
    for Stored { file, photo } in files.iter_mut() {
        if let (Some(hash), Some(photo)) = (file.hash, photo) {
            *photo = Arc::clone(photos.entry(hash).or_insert_with(|| Arc::clone(photo)));
        }
    }
    for Stored { file, photo } in files.iter_mut().filter(|stored| stored.photo.is_none()) {
        *photo = file.hash.and_then(|hash| photos.get(&hash).cloned());
    }
    photos
}
