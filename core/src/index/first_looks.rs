//! Vectors of previews, searched until the photos' own are there. In: unit vectors by content hash. Out: rows behind those
//! of the photos. In memory alone: what a stop leaves of a run of indexing is begun again.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::ContentHash;
use super::hash_table::HashTable;
use crate::models::UnitVector;

/// Vectors of previews, one a photo, of the model whose run of indexing they are part of.
#[derive(Debug, Clone, Default)]
pub struct FirstLooks {
    hashes: Vec<ContentHash>,
    matrix: Vec<f16>,
    row_of: HashTable<u32>,
}

impl FirstLooks {
    /// One more, if the photo has none yet; all are as long as the first.
    ///
    /// # Panics
    /// For a vector of another length.
    pub fn add(&mut self, hash: ContentHash, vector: &UnitVector) {
        let mut row = vec![f16::ZERO; vector.dim()];
        row.convert_from_f32_slice(vector.as_slice());
        self.push(hash, &row);
    }

    fn push(&mut self, hash: ContentHash, row: &[f16]) {
        assert!(self.is_empty() || self.dim() == row.len(), "vectors of one model");
        if self.row(&hash).is_none() {
            self.row_of.insert(hash, self.hashes.len() as u32);
            self.hashes.push(hash);
            self.matrix.extend_from_slice(row);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Length of a vector; 0 where there is none.
    pub fn dim(&self) -> usize {
        self.matrix.len().checked_div(self.hashes.len()).unwrap_or(0)
    }

    /// All of them, row after row.
    pub fn matrix(&self) -> &[f16] {
        &self.matrix
    }

    /// Whose they are, a photo a row.
    pub fn hashes(&self) -> &[ContentHash] {
        &self.hashes
    }

    /// The row of a photo.
    pub fn row(&self, hash: &ContentHash) -> Option<u32> {
        self.row_of.get(hash).copied()
    }

    /// The vector of a row.
    ///
    /// # Panics
    /// For a row that is not there.
    pub fn unit_vector(&self, row: u32) -> Option<UnitVector> {
        UnitVector::normalised(self.values(row as usize).to_f32_vec())
    }

    /// Those of photos that `is_wanted`.
    pub fn only(&self, is_wanted: impl Fn(&ContentHash) -> bool) -> Self {
        let mut kept = Self::default();
        for (row, hash) in self.hashes.iter().enumerate().filter(|(_, hash)| is_wanted(hash)) {
            kept.push(*hash, self.values(row));
        }
        kept
    }

    fn values(&self, row: usize) -> &[f16] {
        &self.matrix[row * self.dim()..(row + 1) * self.dim()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(angle: f32) -> UnitVector {
        UnitVector::normalised(vec![angle.cos(), angle.sin()]).unwrap()
    }

    #[test]
    fn what_is_no_longer_wanted_goes_with_its_row() {
        let mut looks = FirstLooks::default();
        assert_eq!((looks.len(), looks.dim()), (0, 0));
        for (byte, angle) in [(1, 0.0), (2, 1.0), (3, 2.0)] {
            looks.add(ContentHash([byte; 32]), &unit(angle));
        }
        let kept = looks.only(|hash| hash.0[0] != 2);
        assert_eq!(kept.hashes(), [ContentHash([1; 32]), ContentHash([3; 32])]);
        assert_eq!(kept.matrix(), [&looks.matrix()[..2], &looks.matrix()[4..]].concat());
        assert_eq!((kept.dim(), kept.row(&ContentHash([3; 32])), kept.row(&ContentHash([2; 32]))), (2, Some(1), None));
    }

    #[test]
    fn a_photo_is_there_once() {
        let mut looks = FirstLooks::default();
        looks.add(ContentHash([1; 32]), &unit(0.0));
        looks.add(ContentHash([1; 32]), &unit(1.0));
        assert_eq!((looks.len(), looks.unit_vector(0)), (1, Some(unit(0.0))));
    }
}
