//! The vectors of a library: appended to their tables, kept in the store chunk by chunk, made whole again from there. In:
//! vectors of any model. Out: the same, though the tables' files be lost. Knows neither the files' bytes nor sled.
//!
//! The store is the keeper and the tables are its cache. A row goes to its table first and to the store with the next
//! flush, when the table is on the disk: after a crash the store may lack rows, the table does not. Where a table is
//! behind the store it was damaged or replaced, and gets every row that it lacks. Rows are told apart by their photo, so
//! the order in the two may differ; then the store's is written anew.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::chunk::{Chunk, Kept};
use super::hash_table::HashTable;
use super::shelf::{Next, Part};
use super::store::{lock, read, write};
use super::table::{Table, stem_name};
use super::{ContentHash, Indexed, Store, Vectors};
use crate::error::{Error, Result};
use crate::models::ModelIdentity;

/// The table of each model.
pub(super) type TableOf = BTreeMap<ModelIdentity, Table>;

/// So many chunks are written together while photos are added: a node of sled's tree takes 16 of them, and is written
/// again, with what it holds, after every few changes. One chunk at a time takes a tenth more space.
const TOGETHER: usize = 32;

impl Store {
    /// Whether a photo has a vector of this model.
    pub fn has_vector(&self, identity: &ModelIdentity, hash: &ContentHash) -> bool {
        self.row(identity, hash).is_some()
    }

    /// Whether nothing needs to be computed for a photo: it is known and has a vector of this model.
    pub fn is_known(&self, identity: &ModelIdentity, hash: &ContentHash) -> bool {
        self.has_vector(identity, hash) && self.photo(hash).is_some()
    }

    /// The row of a photo in the vectors of a model.
    pub fn row(&self, identity: &ModelIdentity, hash: &ContentHash) -> Option<u32> {
        read(&self.tables).get(identity)?.row(hash)
    }

    /// Asks for the rows of many photos in the vectors of a model, without waiting in between: threads of a pool must not wait
    /// for a lock whose holder waits for them.
    pub(super) fn with_rows<T>(
        &self,
        identity: &ModelIdentity,
        ask: impl FnOnce(&(dyn Fn(&ContentHash) -> Option<u32> + Sync)) -> T,
    ) -> T {
        let tables = read(&self.tables);
        let table = tables.get(identity);
        ask(&|hash| table?.row(hash))
    }

    /// All vectors of a model as of now; none for a model that embedded nothing yet.
    ///
    /// # Errors
    /// Files that cannot be mapped.
    pub fn vectors(&self, identity: &ModelIdentity) -> Result<Vectors> {
        let tables = read(&self.tables);
        tables.get(identity).map_or_else(|| Ok(Vectors::empty(identity.clone(), 0)), Table::vectors)
    }

    /// The models that have vectors here.
    pub fn models(&self) -> Vec<ModelIdentity> {
        read(&self.tables).keys().cloned().collect()
    }

    /// Removes all vectors of a model.
    ///
    /// # Errors
    /// Files that cannot be removed.
    pub fn remove_model_vectors(&self, identity: &ModelIdentity) -> Result<()> {
        let mut tables = write(&self.tables);
        // The store first: what is only in a table comes back to the store, what is only there to a table.
        lock(&self.kept).remove(identity);
        self.remove_kept(identity)?;
        tables.remove(identity).map_or(Ok(()), Table::remove)
    }

    /// Gives back the space of vectors whose photos are gone, once they are a quarter of a model's; reads nothing of
    /// the others. Snapshots taken before stay true.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn compact_vectors(&self) -> Result<()> {
        self.rewrite_tables(|table, is_wanted| table.compact(is_wanted))
    }

    /// Replaces damaged vectors by the store's, or drops them: they are missing then. Reads everything; snapshots taken
    /// before stay true.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn repair_vectors(&self) -> Result<()> {
        self.rewrite_tables(|table, is_wanted| match table.damaged_rows()? {
            0 => Ok(None),
            _ => table.rewrite(is_wanted).map(Some),
        })
    }

    /// `rewrite` says how many rows it found damaged, or that it left the table as it is.
    fn rewrite_tables(
        &self,
        rewrite: impl Fn(&mut Table, &dyn Fn(&ContentHash) -> bool) -> Result<Option<usize>>,
    ) -> Result<()> {
        let wanted: HashTable<()> = self.files()?.into_iter().filter_map(|file| Some((file.hash?, ()))).collect();
        let is_wanted = |hash: &ContentHash| wanted.contains_key(hash);
        for table in write(&self.tables).values_mut() {
            // Should anything fail after this, the next flush or opening writes the store's anew.
            let kept = lock(&self.kept).remove(table.identity());
            match rewrite(table, &is_wanted)? {
                Some(damaged) => {
                    if damaged > 0 {
                        self.refill(table, is_wanted)?;
                    }
                    self.keep_anew(table)?;
                }
                None => lock(&self.kept).extend(kept.map(|kept| (kept.identity.clone(), kept))),
            }
        }
        Ok(())
    }

    /// Compares every vector with its check, in all models; says how many are damaged. Reads everything.
    ///
    /// # Errors
    /// Files that cannot be mapped.
    pub fn damaged_vectors(&self) -> Result<usize> {
        read(&self.tables).values().map(Table::damaged_rows).sum()
    }

    pub(super) fn append_vectors(&self, identity: &ModelIdentity, batch: &[Indexed]) -> Result<()> {
        let with_vector = |indexed: &&Indexed| indexed.vector.is_some() && indexed.file.hash.is_some();
        let Some(dim) = batch.iter().find(with_vector).and_then(|indexed| Some(indexed.vector.as_ref()?.dim())) else {
            return Ok(());
        };
        let vectors = batch.iter().filter_map(|indexed| Some((indexed.file.hash?, indexed.vector.as_ref()?)));
        self.table_of(&mut write(&self.tables), identity, dim)?.append(vectors)
    }

    /// The table of a model; a new one if it has none.
    fn table_of<'a>(&self, tables: &'a mut TableOf, identity: &ModelIdentity, dim: usize) -> Result<&'a mut Table> {
        use std::collections::btree_map::Entry;
        match tables.entry(identity.clone()) {
            Entry::Occupied(table) => Ok(table.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Table::create(&self.layout.vectors(), identity, dim)?)),
        }
    }

    /// Brings the tables to the disk, then the rows that the store lacks into it. Leaves out those that do not fill a
    /// chunk unless `is_last`: each time they come the chunk is written again.
    pub(super) fn keep_vectors(&self, is_last: bool) -> Result<()> {
        for table in read(&self.tables).values() {
            table.flush()?;
            self.keep_rows(table, is_last)?;
        }
        Ok(())
    }

    fn keep_rows(&self, table: &Table, is_last: bool) -> Result<()> {
        let mut all = lock(&self.kept);
        let nothing = || Kept::nothing(table.identity().clone(), table.dim());
        let kept = all.entry(table.identity().clone()).or_insert_with(nothing);
        let waiting = table.rows().saturating_sub(kept.rows as usize);
        if !is_last && waiting < TOGETHER * Chunk::full(table.dim()) {
            return Ok(());
        }
        while let Some((first, chunk, next)) = next_chunk(table, kept, is_last)? {
            self.keep_chunk(&next, first, chunk.encode()?)?;
            *kept = next;
        }
        Ok(())
    }

    /// Keeps a chunk of vectors, then the record of what is kept with it: a crash may leave it without its record, not
    /// the record without it.
    fn keep_chunk(&self, kept: &Kept, first_row: u32, chunk: Vec<u8>) -> Result<()> {
        self.layout.check_space()?;
        self.shelf.put(Part::Chunks, &Kept::chunk_key(&kept.identity, first_row), chunk)?;
        self.keep_record(kept)
    }

    fn keep_record(&self, kept: &Kept) -> Result<()> {
        self.shelf.put(Part::Models, &Kept::key(&kept.identity), kept.encode())
    }

    /// All readable chunks of a model, in the order of their rows.
    fn each_chunk(&self, identity: &ModelIdentity, mut each: impl FnMut(Chunk) -> Result<()>) -> Result<()> {
        let model = Kept::key(identity);
        self.shelf.each(Part::Chunks, &model, |key, bytes| {
            if !key.starts_with(&model) {
                return Ok(Next::Enough);
            }
            Chunk::decode(bytes).map_or(Ok(()), &mut each)?;
            Ok(Next::More)
        })
    }

    /// Removes those chunks of a model whose first rows are no longer of use.
    fn remove_chunks(&self, identity: &ModelIdentity, is_useless: impl Fn(u32) -> bool) -> Result<()> {
        let (model, mut useless) = (Kept::key(identity), Vec::new());
        self.shelf.each(Part::Chunks, &model, |key, _| {
            if !key.starts_with(&model) {
                return Ok(Next::Enough);
            }
            let first_row = key.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            useless.extend(is_useless(first_row).then(|| (key.to_vec(), None)));
            Ok(Next::More)
        })?;
        self.shelf.change(Part::Chunks, useless)
    }

    /// Removes all that is kept of a model's vectors: the record first.
    fn remove_kept(&self, identity: &ModelIdentity) -> Result<()> {
        self.shelf.change(Part::Models, [(Kept::key(identity).to_vec(), None)])?;
        self.remove_chunks(identity, |_| true)?;
        self.shelf.flush()
    }

    /// Writes all rows of a table over those in the store.
    fn keep_anew(&self, table: &Table) -> Result<()> {
        let identity = table.identity();
        lock(&self.kept).remove(identity);
        // From here until the end the store has part of both orders, and says that it has nothing.
        self.keep_record(&Kept::nothing(identity.clone(), table.dim()))?;
        table.flush()?;
        self.keep_rows(table, true)?;
        let (full, rows) = (Chunk::full(table.dim()), table.rows());
        self.remove_chunks(identity, |first| !(first as usize).is_multiple_of(full) || first as usize >= rows)
    }

    /// Appends the rows that a table lacks and the store has; says how many.
    fn refill(&self, table: &mut Table, is_wanted: impl Fn(&ContentHash) -> bool) -> Result<usize> {
        let mut count = 0;
        let identity = table.identity().clone();
        let read = self.each_chunk(&identity, |chunk| {
            if chunk.dim == table.dim() {
                count += table.append_chunk(&chunk, &is_wanted)?;
            }
            Ok(())
        });
        // What was read is kept, the rest is missing: it is embedded again.
        unless_broken(read).map(|()| count)
    }

    /// Brings back what the tables lack and the store has, and says so, and what is lost.
    pub(super) fn mend_tables(&self, damaged: &[(OsString, PathBuf)], findings: &mut Vec<String>) -> Result<()> {
        let kept: Vec<Kept> = lock(&self.kept).values().cloned().collect();
        let mut tables = write(&self.tables);
        for kept in kept {
            let is_missing = !tables.contains_key(&kept.identity);
            if is_missing && kept.rows == 0 {
                continue;
            }
            let table = self.table_of(&mut tables, &kept.identity, kept.dim as usize)?;
            if is_missing || !is_up_to(table, &kept) {
                findings.extend(self.mend(table, &kept)?);
            }
        }
        let is_back = |name: &OsString| tables.keys().any(|identity| *name == *stem_name(identity));
        for (_, aside) in damaged.iter().filter(|(name, _)| !is_back(name)) {
            let aside = aside.display();
            findings.push(format!(
                "the vectors of a model were damaged and will be computed again by `sightline index`: {aside}"
            ));
        }
        Ok(())
    }

    /// What came back, if anything did.
    fn mend(&self, table: &mut Table, kept: &Kept) -> Result<Option<String>> {
        let has_holes = table.has_holes();
        let count = self.refill(table, |_| true)?;
        if has_holes {
            table.rewrite(|_| true)?;
        }
        table.flush()?;
        // A table that only lost its end has the store's order again.
        if table.rows() != kept.rows as usize || !is_up_to(table, kept) {
            unless_broken(self.keep_anew(table))?;
        }
        let finding = || {
            format!(
                "{count} vectors of the model {} were missing or damaged; they were brought back from the store and \
                 need not be embedded again",
                kept.identity
            )
        };
        Ok((count > 0).then(finding))
    }
}

/// A store that fails is condemned already: the next opening sets it aside and fills a new one from the tables.
fn unless_broken(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::BrokenLibrary { .. }) => Ok(()),
        other => other,
    }
}

/// Whether a table has all rows that the store has, as far as can be seen without reading them.
fn is_up_to(table: &Table, kept: &Kept) -> bool {
    let has_last = || kept.rows == 0 || table.hash(kept.rows as usize - 1).is_ok_and(|last| last == Some(kept.last));
    table.dim() == kept.dim as usize && !table.has_holes() && has_last()
}

/// The next rows that the store lacks: the first one's number, the rows, and what is kept after them.
fn next_chunk(table: &Table, kept: &Kept, is_last: bool) -> Result<Option<(u32, Chunk, Kept)>> {
    let (full, have) = (Chunk::full(table.dim()), kept.rows as usize);
    let start = have - have % full;
    let end = table.rows().min(start + full);
    if end <= have || (end < start + full && !is_last) {
        return Ok(None);
    }
    let mut first = start;
    let mut chunk = table.chunk(start..end)?;
    if chunk.hashes.len() < end - start {
        // The store may still have what the table has lost: do not write over it.
        first = have;
        chunk = table.chunk(have..end)?;
    }
    let last = table.hash(end - 1)?.unwrap_or(kept.last);
    Ok(Some((first as u32, chunk, Kept { rows: end as u32, last, ..kept.clone() })))
}

#[cfg(test)]
mod tests;
