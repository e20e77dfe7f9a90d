//! The files of one model's vectors: a matrix that only grows and the keys of its rows. In: unit vectors by content
//! hash. Out: [`Vectors`] mapped from the files. Knows no other model, and no record.
//!
//! The store keeps every row too (see `keeping`); these files are what search maps, and can be made again from it. Rows
//! are appended and never changed, so that maps of them stay true: first the row, then its key with a check of both.
//! What a crash leaves half-written is cut off by the next opening.

mod header;
mod row;

use std::collections::HashSet;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use self::header::{NEW, generation, keys_header, matrix_header, read_headers};
pub(super) use self::row::digest8;
use self::row::{Rows, f16_bytes, hash_of, is_row_whole, is_whole, push_key, read_rows, row_range};
use super::ContentHash;
use super::chunk::Chunk;
use super::hash_table::HashTable;
use super::layout::storage_error;
use super::vectors::{KEY, KEYS_HEADER, MATRIX_HEADER, Vectors, key_range};
use crate::error::{Error, Result};
use crate::models::{ModelIdentity, UnitVector};

/// The vectors of one model, open for appending.
pub(super) struct Table {
    stem: PathBuf,
    identity: ModelIdentity,
    dim: usize,
    matrix: fs_err::File,
    keys: fs_err::File,
    rows: usize,
    row_of: HashTable<u32>,
}

impl Table {
    /// Makes the files of a model that has none.
    pub fn create(folder: &Path, identity: &ModelIdentity, dim: usize) -> Result<Self> {
        let stem = folder.join(stem_name(identity));
        let (matrix, keys) = (matrix_path(&stem), keys_path(&stem));
        let headers =
            [(matrix, matrix_header(identity, dim, &NEW).to_vec()), (keys, keys_header(identity, dim, &NEW)?)];
        for (path, header) in headers {
            super::layout::write_whole(&path, &header)?;
        }
        Self::open(&stem)?.ok_or_else(|| Error::BrokenLibrary {
            reason: "new vector files cannot be read back".to_owned(),
            path: stem,
        })
    }

    /// Opens the files that begin with `stem`; `None` when they are damaged beyond use.
    pub fn open(stem: &Path) -> Result<Option<Self>> {
        let open = |path| fs_err::OpenOptions::new().read(true).append(true).open(path);
        let (matrix, keys) = match (open(matrix_path(stem)), open(keys_path(stem))) {
            (Ok(matrix), Ok(keys)) => (matrix, keys),
            (Err(error), _) | (_, Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            (Err(error), _) | (_, Err(error)) => return Err(error.into()),
        };
        let maps = (map(&matrix)?, map(&keys)?);
        let Some((identity, dim)) = read_headers(&maps.0, &maps.1) else { return Ok(None) };
        let (rows, row_of) = read_rows(&maps.0, &maps.1, dim);
        drop(maps);
        matrix.set_len((MATRIX_HEADER + 2 * rows * dim) as u64)?;
        keys.set_len((KEYS_HEADER + rows * KEY) as u64)?;
        Ok(Some(Self { stem: stem.to_owned(), identity, dim, matrix, keys, rows, row_of }))
    }

    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    pub fn row(&self, hash: &ContentHash) -> Option<u32> {
        self.row_of.get(hash).copied()
    }

    /// Length of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The photo of a row, whole or not; `None` for a row that is not there.
    pub fn hash(&self, row: usize) -> Result<Option<ContentHash>> {
        let keys = map(&self.keys)?;
        Ok((row < self.rows && key_range(row).end <= keys.len()).then(|| hash_of(&keys, row)))
    }

    /// Whether rows are known to be damaged; [`Table::damaged_rows`] looks at all.
    pub fn has_holes(&self) -> bool {
        self.row_of.len() < self.rows
    }

    /// The whole ones of these rows.
    pub fn chunk(&self, rows: Range<usize>) -> Result<Chunk> {
        let (matrix, keys) = (map(&self.matrix)?, map(&self.keys)?);
        let mut chunk = Chunk { dim: self.dim, hashes: Vec::new(), matrix: Vec::new() };
        for row in rows.filter(|row| is_whole(&matrix, &keys, *row, self.dim)) {
            chunk.hashes.push(hash_of(&keys, row));
            chunk.matrix.extend_from_slice(&matrix[row_range(row, self.dim)]);
        }
        Ok(chunk)
    }

    /// Appends those rows of a chunk that are wanted and whose photos have none yet; says how many.
    pub fn append_chunk(&mut self, chunk: &Chunk, is_wanted: impl Fn(&ContentHash) -> bool) -> Result<usize> {
        let mut rows = Rows::default();
        let mut seen = HashSet::new();
        for (hash, row) in chunk.rows() {
            if is_wanted(&hash) && !self.row_of.contains_key(&hash) && seen.insert(hash) {
                rows.push(self.rows, hash, row);
            }
        }
        let count = rows.hashes.len();
        self.write(rows).map(|()| count)
    }

    /// Appends the vectors of photos that have none yet.
    pub fn append<'a>(&mut self, vectors: impl Iterator<Item = (ContentHash, &'a UnitVector)>) -> Result<()> {
        let mut rows = Rows::default();
        let mut seen = HashSet::new();
        for (hash, vector) in vectors {
            if vector.dim() != self.dim {
                let found = format!("{} with {} numbers", self.identity, vector.dim());
                return Err(Error::ModelMismatch { expected: format!("{} with {}", self.identity, self.dim), found });
            }
            if !self.row_of.contains_key(&hash) && seen.insert(hash) {
                rows.push(self.rows, hash, &f16_bytes(vector));
            }
        }
        self.write(rows)
    }

    fn write(&mut self, rows: Rows) -> Result<()> {
        let written = self.matrix.write_all(&rows.matrix).and_then(|()| self.keys.write_all(&rows.keys));
        if let Err(error) = written {
            // Cut back to whole rows; if even this fails, the next opening does it.
            self.matrix.set_len((MATRIX_HEADER + 2 * self.rows * self.dim) as u64).ok();
            self.keys.set_len((KEYS_HEADER + self.rows * KEY) as u64).ok();
            return Err(storage_error(error, &self.stem));
        }
        for hash in rows.hashes {
            self.row_of.insert(hash, self.rows as u32);
            self.rows += 1;
        }
        Ok(())
    }

    /// Brings everything to the disk: rows before keys.
    pub fn flush(&self) -> Result<()> {
        let synced = self.matrix.sync_data().and_then(|()| self.keys.sync_data());
        synced.map_err(|error| storage_error(error, &self.stem))
    }

    /// All rows as of now.
    pub fn vectors(&self) -> Result<Vectors> {
        let maps = (map(&self.matrix)?, map(&self.keys)?);
        Vectors::mapped(self.identity.clone(), self.dim, self.rows, maps).ok_or_else(|| Error::BrokenLibrary {
            reason: "the vectors were cut short by another program".to_owned(),
            path: self.stem.clone(),
        })
    }

    /// [`Table::rewrite`] if at least a quarter of the rows is not kept; else looks at no row and says `None`.
    pub fn compact(&mut self, is_kept: impl Fn(&ContentHash) -> bool) -> Result<Option<usize>> {
        let kept = self.row_of.keys().filter(|hash| is_kept(hash)).count();
        let is_wasteful = kept < self.rows && (self.rows - kept) * 4 >= self.rows;
        if is_wasteful { self.rewrite(is_kept).map(Some) } else { Ok(None) }
    }

    /// Writes the files anew with only the whole rows that `is_kept`; says how many rows of kept photos were damaged.
    /// Maps of the old files stay whole.
    pub fn rewrite(&mut self, is_kept: impl Fn(&ContentHash) -> bool) -> Result<usize> {
        let (matrix, keys) = (map(&self.matrix)?, map(&self.keys)?);
        let mut rows: Vec<usize> =
            self.row_of.iter().filter(|(hash, _)| is_kept(hash)).map(|(_, row)| *row as usize).collect();
        rows.sort_unstable();
        let (kept, holes) = (rows.len(), self.rows - self.row_of.len());
        rows.retain(|row| is_row_whole(&matrix, &keys, *row, self.dim));
        self.replace(&matrix, &keys, &rows)?;
        Ok(kept - rows.len() + holes)
    }

    /// Replaces the files by ones of these rows. The matrix, which may be large, goes from file to file.
    fn replace(&mut self, matrix: &[u8], keys: &[u8], rows: &[usize]) -> Result<()> {
        let generation = generation(rows.iter().map(|row| hash_of(keys, *row)));
        let header = matrix_header(&self.identity, self.dim, &generation);
        let mut new_keys = keys_header(&self.identity, self.dim, &generation)?;
        for (place, row) in rows.iter().enumerate() {
            push_key(&mut new_keys, place, &hash_of(keys, *row), &matrix[row_range(*row, self.dim)]);
        }
        // A crash between the two leaves headers of different generations: old keys beside a new matrix would give
        // photos each other's vectors. Such a table is made again from the store.
        let pieces = rows.iter().map(|row| &matrix[row_range(*row, self.dim)]);
        super::layout::write_pieces(&matrix_path(&self.stem), [&header[..]].into_iter().chain(pieces))?;
        super::layout::write_whole(&keys_path(&self.stem), &new_keys)?;
        if let Some(fresh) = Self::open(&self.stem)? {
            *self = fresh;
        }
        Ok(())
    }

    /// Compares every row with its check; says how many do not fit, or have lost their photo.
    pub fn damaged_rows(&self) -> Result<usize> {
        let (matrix, keys) = (map(&self.matrix)?, map(&self.keys)?);
        let damaged =
            self.row_of.values().filter(|row| !is_row_whole(&matrix, &keys, **row as usize, self.dim)).count();
        Ok(damaged + self.rows - self.row_of.len())
    }

    /// Removes the files.
    pub fn remove(self) -> Result<()> {
        let Self { stem, matrix, keys, .. } = self;
        drop((matrix, keys));
        fs_err::remove_file(keys_path(&stem))?;
        Ok(fs_err::remove_file(matrix_path(&stem))?)
    }
}

/// The model's own name would not do for a file: it may hold anything.
pub(super) fn stem_name(identity: &ModelIdentity) -> String {
    blake3::hash(identity.to_string().as_bytes()).to_hex()[..16].to_owned()
}

fn matrix_path(stem: &Path) -> PathBuf {
    stem.with_extension("matrix")
}

fn keys_path(stem: &Path) -> PathBuf {
    stem.with_extension("keys")
}

fn map(file: &fs_err::File) -> Result<Mmap> {
    // SAFETY: The library's lock keeps other Sightlines out, and this one only appends behind what is mapped, or cuts a
    // file before anything maps it. A foreign program that shortens the file meanwhile is not guarded against.
    Ok(unsafe { Mmap::map(file.file()) }?)
}

#[cfg(test)]
mod tests;
