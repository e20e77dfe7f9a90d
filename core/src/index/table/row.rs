//! Rows and their keys: how they lie in the files, and whether they are whole. In: bytes of both files, or vectors on their
//! way there. Out: photos and rows; what a crash or a bad disk has changed is no photo's.

use std::hash::BuildHasherDefault;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use super::super::ContentHash;
use super::super::hash_table::HashTable;
use super::super::vectors::{KEY, KEYS_HEADER, MATRIX_HEADER, key_range};
use crate::models::UnitVector;

/// So many of the last rows are compared with their checks on opening: what a crash can have hit.
const CHECKED_ROWS: usize = 4096;

/// Rows on their way to the files.
#[derive(Default)]
pub(super) struct Rows {
    pub matrix: Vec<u8>,
    pub keys: Vec<u8>,
    pub hashes: Vec<ContentHash>,
}

impl Rows {
    /// `first` is the number of rows before these.
    pub fn push(&mut self, first: usize, hash: ContentHash, row: &[u8]) {
        let number = first + self.hashes.len();
        self.matrix.extend_from_slice(row);
        push_key(&mut self.keys, number, &hash, row);
        self.hashes.push(hash);
    }
}

pub(super) fn push_key(keys: &mut Vec<u8>, number: usize, hash: &ContentHash, row: &[u8]) {
    let row_check = digest8(row);
    keys.extend_from_slice(&hash.0);
    keys.extend_from_slice(&row_check);
    keys.extend_from_slice(&key_check(number, &hash.0, &row_check));
}

pub(super) fn f16_bytes(vector: &UnitVector) -> Vec<u8> {
    let mut row = vec![f16::ZERO; vector.dim()];
    row.convert_from_f32_slice(vector.as_slice());
    bytemuck::cast_slice(&row).to_vec()
}

pub(in super::super) fn digest8(bytes: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    check
}

/// The check of a key: of its place too, so that a shifted file is noticed.
fn key_check(row: usize, hash: &[u8], row_check: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&(row as u64).to_le_bytes());
    bytes[8..40].copy_from_slice(hash);
    bytes[40..].copy_from_slice(row_check);
    digest8(&bytes)
}

/// The whole rows of the files and where each photo's is. Rows at the end that are not whole are left out; one in the
/// middle keeps its place but is no photo's.
pub(super) fn read_rows(matrix: &[u8], keys: &[u8], dim: usize) -> (usize, HashTable<u32>) {
    let in_matrix = (matrix.len() - MATRIX_HEADER) / (2 * dim);
    let in_keys = (keys.len() - KEYS_HEADER) / KEY;
    let rows = in_matrix.min(in_keys).min(u32::MAX as usize);
    let is_whole = |row: usize| {
        if row + CHECKED_ROWS < rows { is_key_whole(keys, row) } else { is_whole(matrix, keys, row, dim) }
    };
    let mut row_of = HashTable::with_capacity_and_hasher(rows, BuildHasherDefault::default());
    let mut end = 0;
    let whole: Vec<usize> = (0..rows).into_par_iter().filter(|row| is_whole(*row)).collect();
    for row in whole {
        row_of.insert(hash_of(keys, row), row as u32);
        end = row + 1;
    }
    (end, row_of)
}

pub(super) fn hash_of(keys: &[u8], row: usize) -> ContentHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(&keys[key_range(row)][..32]);
    ContentHash(hash)
}

pub(super) fn row_range(row: usize, dim: usize) -> Range<usize> {
    MATRIX_HEADER + 2 * dim * row..MATRIX_HEADER + 2 * dim * (row + 1)
}

pub(super) fn is_whole(matrix: &[u8], keys: &[u8], row: usize, dim: usize) -> bool {
    is_key_whole(keys, row) && is_row_whole(matrix, keys, row, dim)
}

fn is_key_whole(keys: &[u8], row: usize) -> bool {
    keys.get(key_range(row)).is_some_and(|key| {
        let (hash, checks) = key.split_at(32);
        checks[8..] == key_check(row, hash, &checks[..8])
    })
}

pub(super) fn is_row_whole(matrix: &[u8], keys: &[u8], row: usize, dim: usize) -> bool {
    let bytes = matrix.get(row_range(row, dim));
    bytes.is_some_and(|bytes| keys[key_range(row)][32..40] == digest8(bytes))
}
