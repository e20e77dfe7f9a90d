//! All vectors of one model as one contiguous matrix of f16: an immutable value, mapped from the model's files or held
//! in memory. Behind them those of previews, while a run of indexing has nothing better. In: whole rows. Out: slices. Knows
//! neither where the rows came from nor what a row means.

use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;
use memmap2::Mmap;

use super::{ContentHash, FirstLooks};
use crate::error::{Error, Result};
use crate::models::{ModelIdentity, UnitVector};

/// Length of a matrix file's header: the rows begin on a cache line, and any longer vector register is content too.
pub(super) const MATRIX_HEADER: usize = 64;
/// Length of a key file's header.
pub(super) const KEYS_HEADER: usize = 512;
/// Length of one row's key: hash, check of the row, check of the key.
pub(super) const KEY: usize = 32 + 8 + 8;

/// The vectors of one model, one row a photo.
pub struct Vectors {
    identity: ModelIdentity,
    dim: usize,
    rows: usize,
    source: Source,
    first_looks: FirstLooks,
}

enum Source {
    Mapped { matrix: Mmap, keys: Mmap },
    Owned { matrix: Vec<f16>, hashes: Vec<ContentHash> },
}

impl Vectors {
    /// No vectors yet, of length `dim`; a `dim` of 0 is right where it is not known.
    pub fn empty(identity: ModelIdentity, dim: usize) -> Self {
        let source = Source::Owned { matrix: Vec::new(), hashes: Vec::new() };
        Self { identity, dim, rows: 0, source, first_looks: FirstLooks::default() }
    }

    /// Vectors in memory: `hashes.len()` rows of `dim` numbers.
    ///
    /// # Errors
    /// A matrix of another length than rows times `dim`.
    pub fn new(identity: ModelIdentity, dim: usize, hashes: Vec<ContentHash>, matrix: Vec<f16>) -> Result<Self> {
        let rows = hashes.len();
        if matrix.len() != rows * dim {
            let what = format!("{} numbers are not {rows} vectors of {dim}", matrix.len());
            return Err(Error::bad_request(what, "give one vector a photo"));
        }
        let source = Source::Owned { matrix, hashes };
        Ok(Self { identity, dim, rows, source, first_looks: FirstLooks::default() })
    }

    /// Vectors in mapped files whose headers were checked; `None` when they are too short for `rows`.
    pub(super) fn mapped(identity: ModelIdentity, dim: usize, rows: usize, maps: (Mmap, Mmap)) -> Option<Self> {
        let (matrix, keys) = maps;
        let matrix_len = rows.checked_mul(dim)?.checked_mul(2)?.checked_add(MATRIX_HEADER)?;
        let keys_len = rows.checked_mul(KEY)?.checked_add(KEYS_HEADER)?;
        if matrix.len() < matrix_len || keys.len() < keys_len {
            return None;
        }
        let source = Source::Mapped { matrix, keys };
        Some(Self { identity, dim, rows, source, first_looks: FirstLooks::default() })
    }

    /// The same with the vectors of previews behind them: of the same model, and of photos that have no row yet.
    ///
    /// # Panics
    /// For vectors of another length.
    pub fn with_first_looks(self, first_looks: FirstLooks) -> Self {
        let dim = if self.rows == 0 && !first_looks.is_empty() { first_looks.dim() } else { self.dim };
        assert!(first_looks.is_empty() || first_looks.dim() == dim, "vectors of one model");
        Self { dim, first_looks, ..self }
    }

    /// What made them.
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// Length of one vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many there are, those of previews too.
    pub fn rows(&self) -> usize {
        self.rows + self.first_looks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Whether a row is of a preview.
    pub fn is_first_look(&self, row: u32) -> bool {
        row as usize >= self.rows
    }

    /// Those of previews: the last rows.
    pub fn first_looks(&self) -> &FirstLooks {
        &self.first_looks
    }

    /// Those of whole photos, row after row. Its first row lies on a 64-byte boundary where it is mapped.
    pub fn matrix(&self) -> &[f16] {
        match &self.source {
            Source::Owned { matrix, .. } => matrix,
            Source::Mapped { matrix, .. } => {
                bytemuck::cast_slice(&matrix[MATRIX_HEADER..MATRIX_HEADER + 2 * self.rows * self.dim])
            }
        }
    }

    /// One vector.
    ///
    /// # Panics
    /// For a row that is not there.
    pub fn row(&self, row: usize) -> &[f16] {
        let (values, row) =
            if row < self.rows { (self.matrix(), row) } else { (self.first_looks.matrix(), row - self.rows) };
        &values[row * self.dim..(row + 1) * self.dim]
    }

    /// One vector as the model gave it, up to f16's precision; `None` for a damaged row without a direction.
    ///
    /// # Panics
    /// For a row that is not there.
    pub fn unit_vector(&self, row: usize) -> Option<UnitVector> {
        UnitVector::normalised(self.row(row).to_f32_vec())
    }

    /// The photo of one row.
    ///
    /// # Panics
    /// For a row that is not there.
    pub fn hash(&self, row: usize) -> ContentHash {
        match &self.source {
            _ if row >= self.rows => self.first_looks.hashes()[row - self.rows],
            Source::Owned { hashes, .. } => hashes[row],
            Source::Mapped { keys, .. } => {
                let mut hash = [0; 32];
                hash.copy_from_slice(&keys[key_range(row)][..32]);
                ContentHash(hash)
            }
        }
    }
}

/// Where a row's key lies in the key file.
pub(super) fn key_range(row: usize) -> Range<usize> {
    KEYS_HEADER + row * KEY..KEYS_HEADER + (row + 1) * KEY
}
