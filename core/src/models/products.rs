//! Products of matrices in plain memory, and matrices whose parts are written by several threads at once. In: contiguous
//! f32 numbers. Out: the same. Must never know a tensor or a model.

use std::marker::PhantomData;
use std::ops::Range;

/// A matrix within a slice: where it begins, and its steps.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    pub at: usize,
    pub row: usize,
    pub column: usize,
}

impl Steps {
    /// Where the last of `rows` × `columns` elements lies.
    fn last(self, rows: usize, columns: usize) -> usize {
        self.at + (rows - 1) * self.row + (columns - 1) * self.column
    }
}

/// A matrix `[rows, columns]` that is written block by block, by several threads.
pub(super) struct Blocks<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    numbers: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer is that of a slice which is borrowed alone for 'a, and [`Blocks::block`] asks its callers for blocks
// that do not overlap, so no number is reached from two threads.
unsafe impl Sync for Blocks<'_> {}

impl<'a> Blocks<'a> {
    /// The rows of `numbers`, each `columns` long; what is left over at the end is in no block.
    pub fn new(numbers: &'a mut [f32], columns: usize) -> Self {
        Self { first: numbers.as_mut_ptr(), rows: numbers.len() / columns, columns, numbers: PhantomData }
    }

    /// The numbers of `rows` and `columns`.
    ///
    /// # Safety
    /// No two blocks that are in use at once overlap.
    pub unsafe fn block(&self, rows: Range<usize>, columns: Range<usize>) -> Block<'a> {
        assert!(rows.start < rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert!(columns.start < columns.end && columns.end <= self.columns, "columns {columns:?} of {}", self.columns);
        // SAFETY: by the asserts the first number lies within the slice.
        let first = unsafe { self.first.add(rows.start * self.columns + columns.start) };
        Block { first, rows: rows.len(), columns: columns.len(), step: self.columns, numbers: PhantomData }
    }
}

/// A part of a matrix, which is written by one thread.
pub(super) struct Block<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    step: usize,
    numbers: PhantomData<&'a mut [f32]>,
}

/// What becomes of the numbers that a block holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Replaced,
    AddedTo,
}

impl Block<'_> {
    /// The product of [rows, inner] and [inner, columns], into the block, on this thread.
    pub fn product(&mut self, inner: usize, (lhs, left): (&[f32], Steps), (rhs, right): (&[f32], Steps), held: Held) {
        assert!(inner > 0, "an empty product");
        assert!(left.last(self.rows, inner) < lhs.len() && right.last(inner, self.columns) < rhs.len());
        let is_kept = held == Held::AddedTo;
        // SAFETY: the asserts say that the first and the last element of both factors lie within their slices, and all
        // steps are positive, so every element does. The block is this thread's alone and overlaps with none of them.
        unsafe {
            gemm::gemm(
                self.rows,
                self.columns,
                inner,
                self.first,
                1,
                self.step as isize,
                is_kept,
                lhs.as_ptr().add(left.at),
                left.column as isize,
                left.row as isize,
                rhs.as_ptr().add(right.at),
                right.column as isize,
                right.row as isize,
                if is_kept { 1.0 } else { 0.0 },
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Some of its rows and columns.
    pub fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> Block<'_> {
        assert!(rows.start < rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert!(columns.start < columns.end && columns.end <= self.columns, "columns {columns:?} of {}", self.columns);
        // SAFETY: by the asserts the first number lies within the block, which is lent for as long as its part.
        let first = unsafe { self.first.add(rows.start * self.step + columns.start) };
        Block { first, rows: rows.len(), columns: columns.len(), step: self.step, numbers: PhantomData }
    }

    /// `M` rows from `first` on.
    #[inline(always)]
    pub fn next_rows<const M: usize>(&mut self, first: usize) -> [&mut [f32]; M] {
        assert!(first + M <= self.rows, "{M} rows from {first} on of {}", self.rows);
        // SAFETY: the rows of a block lie within its matrix and do not overlap; `&mut self` lends all of them.
        std::array::from_fn(|row| unsafe {
            std::slice::from_raw_parts_mut(self.first.add((first + row) * self.step), self.columns)
        })
    }

    /// One row.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the rows of a block lie within its matrix and do not overlap; `&mut self` lends one at a time.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.step), self.columns) }
    }
}

/// The product of [m, k] and [k, n] into `target`, which begins at a number and has a step from row to row, on this thread.
pub(crate) fn product(
    [m, k, n]: [usize; 3],
    (target, step): (&mut [f32], usize),
    lhs: (&[f32], Steps),
    rhs: (&[f32], Steps),
) {
    let blocks = Blocks::new(target, step);
    // SAFETY: it is the only block.
    let mut block = unsafe { blocks.block(0..m, 0..n) };
    block.product(k, lhs, rhs, Held::Replaced);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_written_and_nothing_beside_it() {
        let mut numbers = vec![1.0; 4 * 5];
        let blocks = Blocks::new(&mut numbers, 5);
        // SAFETY: it is the only block.
        let mut block = unsafe { blocks.block(1..3, 2..4) };
        let (lhs, rhs) = ([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 0.0, 1.0]);
        let plain = Steps { at: 0, row: 2, column: 1 };
        block.product(2, (&lhs, plain), (&rhs, plain), Held::AddedTo);
        let expected = [1., 1., 1., 1., 1., 1., 1., 2., 3., 1., 1., 1., 4., 5., 1., 1., 1., 1., 1., 1.];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_part_of_a_block_is_some_of_its_rows_and_columns() {
        let mut numbers = vec![0.0; 4 * 5];
        let blocks = Blocks::new(&mut numbers, 5);
        // SAFETY: it is the only block.
        let mut block = unsafe { blocks.block(1..4, 1..4) };
        let mut part = block.part(1..3, 1..3);
        part.row(0).fill(1.0);
        part.row(1).fill(2.0);
        assert_eq!(numbers[10..], [0., 0., 1., 1., 0., 0., 0., 2., 2., 0.]);
    }

    #[test]
    #[should_panic(expected = "columns 4..6 of 5")]
    fn a_block_beyond_the_matrix_is_refused() {
        let mut numbers = vec![0.0; 20];
        // SAFETY: it is the only block.
        unsafe { Blocks::new(&mut numbers, 5).block(0..1, 4..6) };
    }
}
