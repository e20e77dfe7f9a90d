//! The best rows of a matrix, exactly. In: rows of f16 unit vectors, terms, optionally which rows may be found. Out:
//! the best rows with their scores. Knows nothing of photos, files or filters.
//!
//! The scan is bound by memory: every row is read once, whatever the number of terms.

use std::cmp::Ordering;
use std::ops::Range;

use half::f16;
use rayon::prelude::*;

use super::Term;
use super::dot::Kernel;
use crate::index::Vectors;

/// Rows that one core takes at a time: 64 kB at 512 dimensions, which stay in its cache from term to term.
const BLOCK_ROWS: usize = 64;

/// A matrix of unit vectors, one a row, in two pieces of memory.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    dim: usize,
    values: &'a [f16],
    /// The rows behind those: of previews, while there are any.
    more: &'a [f16],
}

impl<'a> Matrix<'a> {
    /// `values`, row-major, as rows of `dim` numbers; of no values, `dim` says nothing.
    pub fn new(dim: usize, values: &'a [f16]) -> Self {
        assert!(values.is_empty() || (dim > 0 && values.len().is_multiple_of(dim)), "whole rows");
        Self { dim: dim.max(1), values, more: &[] }
    }

    /// All vectors of a snapshot.
    pub fn of(vectors: &'a Vectors) -> Self {
        Self { more: vectors.first_looks().matrix(), ..Self::new(vectors.dim(), vectors.matrix()) }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.first_rows() + self.more.len() / self.dim
    }

    /// How many rows the first piece has.
    fn first_rows(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Length of a row.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// One row.
    pub(super) fn row(&self, row: usize) -> &'a [f16] {
        self.part(row..row + 1)
    }

    /// The dot product of every row with `vector`.
    pub(super) fn dots(&self, vector: &[f32]) -> Vec<f32> {
        let kernel = Kernel::fastest();
        let mut dots = vec![0.0; self.rows()];
        for rows in self.pieces(0..self.rows()) {
            kernel.dots(self.part(rows.clone()), vector, &mut dots[rows]);
        }
        dots
    }

    /// These rows, as those of each piece of memory that has any.
    fn pieces(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let split = self.first_rows().clamp(rows.start, rows.end);
        [rows.start..split, split..rows.end].into_iter().filter(|rows| !rows.is_empty())
    }

    /// `rows.len()` rows of one piece, row-major.
    fn part(&self, rows: Range<usize>) -> &'a [f16] {
        let first = self.first_rows();
        let (values, rows) =
            if rows.start < first { (self.values, rows) } else { (self.more, rows.start - first..rows.end - first) };
        &values[rows.start * self.dim..rows.end * self.dim]
    }

    /// Whether scores of these terms mean something here.
    fn fits(&self, terms: &[Term]) -> bool {
        self.rows() == 0 || terms.iter().all(|term| term.vector.dim() == self.dim)
    }
}

/// A row and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The row.
    pub row: u32,
    /// Σ wᵢ·cos(vᵢ, row), the cosines of negative terms clamped at zero.
    pub score: f32,
}

impl Scored {
    /// Best first; of equals the lower row.
    fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.row.cmp(&other.row))
    }
}

/// The `limit` best rows, best first; of equals the lower row. A row whose score is no number is never among them.
///
/// `allowed` says of every row whether it may be found; `None`: all may. The vectors of the terms are as long as a row.
pub fn nearest(matrix: &Matrix<'_>, terms: &[Term], allowed: Option<&[bool]>, limit: usize) -> Vec<Scored> {
    let rows = matrix.rows();
    assert!(matrix.fits(terms), "terms of the matrix's space");
    assert!(allowed.is_none_or(|allowed| allowed.len() == rows), "a word about every row");
    if limit == 0 {
        return Vec::new();
    }
    let scan = Scan { matrix: *matrix, terms, allowed, kernel: Kernel::fastest() };
    let blocks = (0..rows.div_ceil(BLOCK_ROWS)).into_par_iter().with_min_len(8);
    let rows_of = |block: usize| block * BLOCK_ROWS..rows.min((block + 1) * BLOCK_ROWS);
    let bests = blocks.fold(|| Best::new(limit), |best, block| scan.block(best, rows_of(block)));
    bests.reduce(|| Best::new(limit), Best::merged).into_sorted()
}

/// The scores of some rows; `NaN` for a row whose score is no number.
pub(super) fn scores(matrix: &Matrix<'_>, terms: &[Term], rows: impl IntoIterator<Item = usize>) -> Vec<f32> {
    rows.into_iter().map(|row| score(terms, &cosines(matrix, terms, row))).collect()
}

/// The cosine of one row with every term.
pub(super) fn cosines(matrix: &Matrix<'_>, terms: &[Term], row: usize) -> Vec<f32> {
    let kernel = Kernel::fastest();
    let mut cosines = vec![0.0; terms.len()];
    for (cosine, term) in cosines.iter_mut().zip(terms) {
        kernel.dots(matrix.part(row..row + 1), term.vector.as_slice(), std::slice::from_mut(cosine));
    }
    cosines
}

fn score(terms: &[Term], cosines: &[f32]) -> f32 {
    terms.iter().zip(cosines).map(|(term, cosine)| term.contribution(*cosine)).fold(0.0, |sum, part| sum + part)
}

/// What is the same for all blocks of one scan.
struct Scan<'a> {
    matrix: Matrix<'a>,
    terms: &'a [Term],
    allowed: Option<&'a [bool]>,
    kernel: Kernel,
}

impl Scan<'_> {
    /// Adds the rows of a block that may be found, one run of them after the other.
    fn block(&self, mut best: Best, rows: Range<usize>) -> Best {
        let Some(allowed) = self.allowed else {
            self.run(&mut best, rows);
            return best;
        };
        let mut start = rows.start;
        for run in allowed[rows].chunk_by(|a, b| a == b) {
            let end = start + run.len();
            if run[0] {
                self.run(&mut best, start..end);
            }
            start = end;
        }
        best
    }

    fn run(&self, best: &mut Best, rows: Range<usize>) {
        self.matrix.pieces(rows).for_each(|rows| self.piece(best, rows));
    }

    fn piece(&self, best: &mut Best, rows: Range<usize>) {
        let (mut cosines, mut scores) = ([0.0; BLOCK_ROWS], [0.0; BLOCK_ROWS]);
        for term in self.terms {
            self.kernel.dots(self.matrix.part(rows.clone()), term.vector.as_slice(), &mut cosines);
            for (score, cosine) in scores.iter_mut().zip(&cosines[..rows.len()]) {
                *score += term.contribution(*cosine);
            }
        }
        for (row, score) in rows.zip(scores) {
            best.push(Scored { row: row as u32, score });
        }
    }
}

/// The best so far, at most twice as many as wanted: sorting out the worse half now and then costs less than a heap.
struct Best {
    limit: usize,
    kept: Vec<Scored>,
    /// What a row must beat, once there are enough.
    floor: Option<Scored>,
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new(), floor: None }
    }

    fn push(&mut self, scored: Scored) {
        let is_beaten = self.floor.is_some_and(|floor| floor.order(&scored).is_lt());
        if is_beaten || !scored.score.is_finite() {
            return;
        }
        self.kept.push(scored);
        if self.kept.len() >= self.limit.saturating_mul(2) {
            self.trim();
        }
    }

    fn trim(&mut self) {
        if self.kept.len() > self.limit {
            self.kept.select_nth_unstable_by(self.limit - 1, Scored::order);
            self.kept.truncate(self.limit);
            self.floor = self.kept.last().copied();
        }
    }

    fn merged(mut self, other: Self) -> Self {
        self.kept.extend(other.kept);
        self.trim();
        self
    }

    fn into_sorted(mut self) -> Vec<Scored> {
        self.trim();
        self.kept.sort_unstable_by(Scored::order);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::UnitVector;

    fn term(vector: &[f32], weight: f32) -> Term {
        Term { vector: UnitVector::normalised(vector.to_vec()).unwrap(), weight }
    }

    fn halves(rows: &[[f32; 2]]) -> Vec<f16> {
        rows.as_flattened().iter().map(|v| f16::from_f32(*v)).collect()
    }

    #[track_caller]
    fn check_allowed(terms: &[Term], rows: &[[f32; 2]], allowed: Option<&[bool]>, limit: usize, expected_rows: &[u32]) {
        let values = halves(rows);
        let matrix = Matrix::new(2, &values);
        let found: Vec<u32> = nearest(&matrix, terms, allowed, limit).iter().map(|scored| scored.row).collect();
        assert_eq!(found, expected_rows);
    }

    #[track_caller]
    fn check(terms: &[Term], rows: &[[f32; 2]], limit: usize, expected_rows: &[u32]) {
        check_allowed(terms, rows, None, limit, expected_rows);
    }

    const EAST: [f32; 2] = [1.0, 0.0];
    const NORTH: [f32; 2] = [0.0, 1.0];
    const WEST: [f32; 2] = [-1.0, 0.0];

    #[test]
    fn the_closest_row_comes_first() {
        check(&[term(&EAST, 1.0)], &[WEST, NORTH, EAST], 2, &[2, 1]);
    }

    #[test]
    fn ties_keep_the_order_of_the_index() {
        check(&[term(&EAST, 1.0)], &[EAST; 200], 3, &[0, 1, 2]);
    }

    #[test]
    fn a_limit_of_zero_finds_nothing() {
        check(&[term(&EAST, 1.0)], &[EAST], 0, &[]);
    }

    #[test]
    fn a_limit_beyond_the_rows_finds_all() {
        check(&[term(&EAST, 1.0)], &[NORTH, EAST], usize::MAX, &[1, 0]);
    }

    #[test]
    fn no_rows_are_no_hits() {
        check(&[term(&EAST, 1.0)], &[], 5, &[]);
    }

    #[test]
    fn what_is_unlike_a_negative_term_gains_nothing() {
        // Without the clamp, west would win over north.
        check(&[term(&EAST, -1.0)], &[EAST, NORTH, WEST], 3, &[1, 2, 0]);
    }

    #[test]
    fn a_negative_term_pushes_away() {
        check(&[term(&[1.0, 1.0], 1.0), term(&EAST, -0.5)], &[EAST, NORTH], 2, &[1, 0]);
    }

    #[test]
    fn a_row_that_is_no_number_is_never_found() {
        check(&[term(&EAST, -1.0)], &[[f32::NAN, 0.0], [f32::INFINITY, 0.0], EAST], 3, &[2]);
    }

    #[test]
    fn rows_that_are_not_allowed_are_not_found() {
        check_allowed(&[term(&EAST, 1.0)], &[EAST, NORTH, EAST, WEST], Some(&[false, true, true, false]), 4, &[2, 1]);
    }

    fn naive(rows: &[[f32; 3]], terms: &[Term], allowed: &[bool], limit: usize) -> Vec<Scored> {
        let score_of = |row: &[f32; 3]| -> f32 {
            let cosine = |term: &Term| term.vector.as_slice().iter().zip(row).map(|(a, b)| a * b).sum::<f32>();
            let part = |t: &Term| t.weight * if t.weight < 0.0 { cosine(t).max(0.0) } else { cosine(t) };
            terms.iter().fold(0.0, |sum, t| sum + part(t))
        };
        let scored = rows.iter().enumerate().map(|(row, values)| Scored { row: row as u32, score: score_of(values) });
        let mut scored: Vec<Scored> = scored.filter(|scored| allowed[scored.row as usize]).collect();
        scored.sort_by(Scored::order);
        scored.truncate(limit);
        scored
    }

    /// Small whole numbers: their sums are exact in f16 and f32, so ties are ties in any order of adding.
    fn whole() -> impl Strategy<Value = f32> {
        (-3i8..=3).prop_map(f32::from)
    }

    proptest! {
        #[test]
        fn the_scan_finds_what_sorting_everything_finds(
            rows in prop::collection::vec(prop::array::uniform3(whole()), 0..300),
            axes in prop::collection::vec((0usize..3, prop::sample::select(vec![-2.0f32, -1.0, 1.0, 2.0])), 1..4),
            seed in any::<u64>(),
            limit in 0usize..320,
            split in 0usize..320,
        ) {
            let terms: Vec<Term> = axes.iter().map(|(axis, weight)| {
                let mut vector = [0.0; 3];
                vector[*axis] = 1.0;
                term(&vector, *weight)
            }).collect();
            let allowed: Vec<bool> = (0..rows.len()).map(|row| seed.rotate_left(row as u32) & 3 != 0).collect();
            let values: Vec<f16> = rows.as_flattened().iter().map(|v| f16::from_f32(*v)).collect();
            // Some of the rows lie elsewhere.
            let (first, more) = values.split_at(3 * split.min(rows.len()));
            let matrix = Matrix { more, ..Matrix::new(3, first) };
            let found = nearest(&matrix, &terms, Some(&allowed), limit);
            // −0 and 0 are the same score here: both sides start to add at +0.
            prop_assert_eq!(found, naive(&rows, &terms, &allowed, limit));
        }
    }
}
