//! Near rows of a matrix without comparing all with all. In: unit vectors. Out: cells of rows that lie together, and for
//! every row the rows near to it. Deterministic; knows no photos.
//!
//! The rows are parted into about √n cells around centres (spherical k-means on a sample, Dhillon and Modha 2001), and
//! rows are compared only with those of the nearest cells: an inverted file (Jégou et al. 2011, section 4). The time
//! grows with n·√n. A near row in a cell that is not looked at is missed.

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;

use super::dot::Kernel;
use super::nearest::Matrix;
use crate::error::Result;
use crate::jobs::Ticker;

/// Sampled rows for each centre: more moves the centres hardly.
const SAMPLE_PER_CELL: usize = 48;
/// Rounds of k-means: later ones move few rows.
const ROUNDS: usize = 6;
/// Cells that a row is compared with, its own among them. What is found so is printed by the last test here.
const PROBED: usize = 12;

/// Rows between two looks at the ticker: a cell may hold many.
const BATCH: usize = 128;

/// A row near to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub row: u32,
    pub cosine: f32,
}

/// What neighbours are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// How many a row at most.
    pub limit: usize,
    /// The least cosine.
    pub floor: f32,
}

/// Rows parted by where they lie.
pub(super) struct Cells {
    dim: usize,
    /// `cells × dim`, unit vectors.
    centres: Vec<f16>,
    /// The rows of each cell, ascending.
    rows: Vec<Vec<u32>>,
}

impl Cells {
    /// Parts `rows` of the matrix.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn new(matrix: &Matrix<'_>, rows: &[u32], ticker: &Ticker) -> Result<Self> {
        let (dim, count) = (matrix.dim(), (rows.len() as f64).sqrt().round().max(1.0) as usize);
        let sample = every(rows, count * SAMPLE_PER_CELL);
        let mut cells = Self { dim, centres: Vec::new(), rows: Vec::new() };
        for row in every(rows, count) {
            cells.centres.extend_from_slice(matrix.row(*row as usize));
        }
        for _ in 0..ROUNDS {
            ticker.check()?;
            let places = cells.places(matrix, &sample);
            cells.move_centres(matrix, &sample, &places);
        }
        ticker.check()?;
        cells.rows = vec![Vec::new(); cells.centres.len() / dim.max(1)];
        let owned: Vec<&u32> = rows.iter().collect();
        for (row, place) in rows.iter().zip(cells.places(matrix, &owned)) {
            cells.rows[place].push(*row);
        }
        Ok(cells)
    }

    /// The cell of each row: that of the centre with the highest cosine; the first one for a row that is no number.
    fn places(&self, matrix: &Matrix<'_>, rows: &[&u32]) -> Vec<usize> {
        let kernel = Kernel::fastest();
        let place = |cosines: &mut Vec<f32>, row: &&u32| {
            kernel.dots(&self.centres, &matrix.row(**row as usize).to_f32_vec(), cosines);
            best(cosines)
        };
        let cells = self.centres.len() / self.dim.max(1);
        rows.par_iter().with_min_len(256).map_init(|| vec![0.0; cells], place).collect()
    }

    /// Each centre becomes the direction of its rows' sum; one without rows stays.
    fn move_centres(&mut self, matrix: &Matrix<'_>, rows: &[&u32], places: &[usize]) {
        let mut members = vec![Vec::new(); self.centres.len() / self.dim.max(1)];
        rows.iter().zip(places).for_each(|(row, place)| members[*place].push(**row));
        self.centres.par_chunks_exact_mut(self.dim).zip(&members).for_each(|(centre, members)| {
            let sum = sum(matrix, members);
            let length = sum.iter().map(|v| v * v).sum::<f64>().sqrt();
            if length.is_normal() {
                centre.iter_mut().zip(&sum).for_each(|(c, s)| *c = f16::from_f64(s / length));
            }
        });
    }

    /// For every row of the cells the near ones, nearest first, in the order of the matrix; rows that are in no cell
    /// have none. Counts rows with `ticker`.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn neighbours(&self, matrix: &Matrix<'_>, wanted: Wanted, ticker: &Ticker) -> Result<Vec<Vec<Near>>> {
        let near_cells = self.near_cells();
        let of_cell = |(cell, near_cells): (usize, &Vec<usize>)| -> Result<Vec<(u32, Vec<Near>)>> {
            let candidates: Vec<u32> = near_cells.iter().flat_map(|near| &self.rows[*near]).copied().collect();
            let mut vectors = Vec::with_capacity(candidates.len() * self.dim);
            candidates.iter().for_each(|row| vectors.extend_from_slice(matrix.row(*row as usize)));
            let (kernel, mut cosines) = (Kernel::fastest(), vec![0.0; candidates.len()]);
            let mut found = Vec::with_capacity(self.rows[cell].len());
            for batch in self.rows[cell].chunks(BATCH) {
                for row in batch {
                    kernel.dots(&vectors, &matrix.row(*row as usize).to_f32_vec(), &mut cosines);
                    found.push((*row, nearest_of(*row, &candidates, &cosines, wanted)));
                }
                ticker.tick(batch.len())?;
            }
            Ok(found)
        };
        let parts: Result<Vec<_>> = near_cells.par_iter().enumerate().with_max_len(1).map(of_cell).collect();
        let mut neighbours = vec![Vec::new(); matrix.rows()];
        for (row, near) in parts?.into_iter().flatten() {
            neighbours[row as usize] = near;
        }
        Ok(neighbours)
    }

    /// For each cell the nearest ones, itself first.
    fn near_cells(&self) -> Vec<Vec<usize>> {
        let kernel = Kernel::fastest();
        let near = |(cell, centre): (usize, &[f16])| {
            let mut cosines = vec![0.0; self.rows.len()];
            kernel.dots(&self.centres, &centre.to_f32_vec(), &mut cosines);
            let mut order: Vec<usize> = (0..self.rows.len()).collect();
            order.sort_by(|a, b| (*b == cell).cmp(&(*a == cell)).then(cosines[*b].total_cmp(&cosines[*a])));
            order.truncate(PROBED);
            order
        };
        self.centres.par_chunks_exact(self.dim.max(1)).enumerate().map(near).collect()
    }
}

/// The sum of some rows.
pub(super) fn sum(matrix: &Matrix<'_>, rows: &[u32]) -> Vec<f64> {
    let mut sum = vec![0.0; matrix.dim()];
    for row in rows {
        let values = matrix.row(*row as usize).iter().map(|value| value.to_f64());
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// At most `count` of the rows, evenly spread.
pub(super) fn every(rows: &[u32], count: usize) -> Vec<&u32> {
    let count = count.min(rows.len());
    (0..count).map(|i| &rows[i * rows.len() / count]).collect()
}

fn best(cosines: &[f32]) -> usize {
    let finite = cosines.iter().enumerate().filter(|(_, cosine)| cosine.is_finite());
    finite.max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i))).map_or(0, |(place, _)| place)
}

/// The best candidates for a row, itself left out; of equals the lower row.
fn nearest_of(row: u32, candidates: &[u32], cosines: &[f32], wanted: Wanted) -> Vec<Near> {
    let order = |a: &Near, b: &Near| b.cosine.total_cmp(&a.cosine).then(a.row.cmp(&b.row));
    let near = candidates.iter().zip(cosines).filter(|(other, cosine)| **other != row && **cosine >= wanted.floor);
    let mut near: Vec<Near> = near.map(|(row, cosine)| Near { row: *row, cosine: *cosine }).collect();
    near.retain(|near| near.cosine.is_finite());
    if near.len() > wanted.limit && wanted.limit > 0 {
        near.select_nth_unstable_by(wanted.limit - 1, order);
    }
    near.truncate(wanted.limit);
    near.sort_unstable_by(order);
    // These are kept for every photo; the room for all candidates must not be (30 kB each of 100,000 photos).
    near.shrink_to_fit();
    near
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers between −1 and 1 that look random and are the same everywhere.
    pub(in crate::search) fn noise(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        }
    }

    /// `count` unit rows in clumps of `clump`, the spread of a clump being `spread` of its length.
    pub(in crate::search) fn clumps(count: usize, dim: usize, clump: usize, spread: f32) -> Vec<f16> {
        let mut random = noise(count as u64);
        let mut values = Vec::with_capacity(count * dim);
        let mut centre = vec![0.0; dim];
        for row in 0..count {
            if row % clump == 0 {
                centre = unit((0..dim).map(|_| random()).collect());
            }
            let step = unit((0..dim).map(|_| random()).collect());
            let moved = unit(centre.iter().zip(&step).map(|(c, s)| c + spread * s).collect());
            values.extend(moved.into_iter().map(f16::from_f32));
        }
        values
    }

    fn unit(values: Vec<f32>) -> Vec<f32> {
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        values.into_iter().map(|v| v / length).collect()
    }

    fn neighbours(values: &[f16], dim: usize, wanted: Wanted) -> Vec<Vec<Near>> {
        let matrix = Matrix::new(dim, values);
        let rows: Vec<u32> = (0..matrix.rows() as u32).collect();
        let cells = Cells::new(&matrix, &rows, &Ticker::silent()).unwrap();
        cells.neighbours(&matrix, wanted, &Ticker::silent()).unwrap()
    }

    #[test]
    fn rows_of_a_clump_find_each_other() {
        let found = neighbours(&clumps(60, 16, 3, 0.1), 16, Wanted { limit: 5, floor: 0.9 });
        for (row, near) in found.iter().enumerate() {
            let mut rows: Vec<usize> = near.iter().map(|near| near.row as usize).collect();
            rows.push(row);
            rows.sort_unstable();
            let first = row - row % 3;
            assert_eq!(rows, [first, first + 1, first + 2], "row {row}");
        }
    }

    #[test]
    fn no_rows_and_one_row_have_no_neighbours() {
        assert!(neighbours(&[], 4, Wanted { limit: 5, floor: -1.0 }).is_empty());
        assert_eq!(neighbours(&clumps(1, 4, 1, 0.0), 4, Wanted { limit: 5, floor: -1.0 }), [vec![]]);
    }

    #[test]
    fn a_row_that_is_no_number_is_near_to_none() {
        let mut values = clumps(9, 4, 9, 0.1);
        values[4..8].fill(f16::NAN);
        let found = neighbours(&values, 4, Wanted { limit: 9, floor: -1.0 });
        assert!(found[1].is_empty());
        assert!(found.iter().flatten().all(|near| near.row != 1));
    }

    #[test]
    fn neighbours_keep_no_room_for_those_that_were_left() {
        let candidates: Vec<u32> = (0..4_000).collect();
        let near = nearest_of(7, &candidates, &vec![0.5; 4_000], Wanted { limit: 30, floor: -1.5 });
        assert_eq!(near.len(), 30);
        assert!(near.capacity() < 60, "{}", near.capacity());
    }

    #[test]
    fn a_cancelled_search_stops() {
        let values = clumps(30, 4, 3, 0.1);
        let (matrix, ticker) = (Matrix::new(4, &values), Ticker::silent());
        ticker.cancel();
        assert!(Cells::new(&matrix, &[0, 1, 2], &ticker).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Up to 144 rows there are no more than twelve cells, and all are looked at.
        #[test]
        fn few_rows_are_compared_with_all(count in 0_usize..140, clump in 1_usize..9, limit in 0_usize..6) {
            let values = clumps(count, 8, clump, 0.5);
            let found = neighbours(&values, 8, Wanted { limit, floor: 0.2 });
            let matrix = Matrix::new(8, &values);
            let rows: Vec<u32> = (0..count as u32).collect();
            for (row, near) in found.iter().enumerate() {
                let mut cosines = vec![0.0; count];
                Kernel::fastest().dots(&values, &matrix.row(row).to_f32_vec(), &mut cosines);
                prop_assert_eq!(near, &nearest_of(row as u32, &rows, &cosines, Wanted { limit, floor: 0.2 }));
            }
        }
    }

    /// `SLOW_TESTS=1 NEAR_ROWS=100000 cargo test -p sightline-core --lib neighbours_of_many -- --nocapture` prints time
    /// and recall.
    #[test]
    fn neighbours_of_many_rows_are_nearly_all_found() {
        let asked = std::env::var("NEAR_ROWS").ok().and_then(|count| count.parse().ok());
        let many = asked.unwrap_or(10_000);
        let (count, dim) = if std::env::var_os("SLOW_TESTS").is_some() { (many, 512) } else { (2_000, 64) };
        let values = clumps(count, dim, 4, 0.45);
        let started = std::time::Instant::now();
        let found = neighbours(&values, dim, Wanted { limit: 24, floor: 0.7 });
        let seconds = started.elapsed().as_secs_f64();
        let pairs = found.iter().map(Vec::len).sum::<usize>();
        let (matrix, mut exact) = (Matrix::new(dim, &values), 0);
        for row in (0..count).step_by(count / 200) {
            let mut cosines = vec![0.0; count];
            Kernel::fastest().dots(&values, &matrix.row(row).to_f32_vec(), &mut cosines);
            exact += cosines.iter().filter(|cosine| **cosine >= 0.7).count() - 1;
        }
        let found: usize = (0..count).step_by(count / 200).map(|row| found[row].len()).sum();
        println!("{count} rows: {seconds:.1} s, {pairs} neighbours, recall {:.3}", found as f64 / exact as f64);
        assert!(found as f64 > 0.9 * exact as f64, "{found} of {exact}");
    }
}
