//! Few rows that cover all. In: features. Out: which of them. After Sener and Savarese 2018 (greedy k-centre), which PatchCore
//! uses (Roth et al. 2022, algorithm 1).

use candle_core::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::projection::random_projection;

/// The random projection that a coreset is chosen in has so many numbers a feature (Johnson and Lindenstrauss 1984; PatchCore
/// uses one as well, Roth et al. 2022, section 3.2).
const PROJECTED: usize = 64;
/// Rows that one thread takes at once.
const TAKEN: usize = 2048;

/// The `count` rows of `values` (`rows × dim`) that cover all others best, in ascending order. Chosen on a random
/// projection, begun with the row that is farthest from the mean. The work is `rows × count`.
///
/// # Errors
/// candle's.
pub(super) fn coreset(values: &Tensor, count: usize) -> candle_core::Result<Vec<u32>> {
    let dim = values.dim(1)?;
    let short = if dim <= PROJECTED { values.clone() } else { random_projection(values, PROJECTED)? };
    let mut chosen = k_centres(&short.flatten_all()?.to_vec1()?, dim.min(PROJECTED), count);
    chosen.sort_unstable();
    Ok(chosen)
}

/// The row that is farthest from all that were chosen.
type Farthest = (f32, usize);

fn k_centres(rows: &[f32], dim: usize, count: usize) -> Vec<u32> {
    let total = rows.len() / dim.max(1);
    let mut far = vec![f32::INFINITY; total];
    let mut farthest = come_nearer(rows, &mean(rows, dim), &mut far);
    // Only the first was far from the mean: from here on rows are far from those that were chosen.
    far.fill(f32::INFINITY);
    let mut chosen = Vec::with_capacity(count.min(total));
    while chosen.len() < count.min(total) {
        let next = farthest.1;
        far[next] = CHOSEN;
        farthest = come_nearer(rows, &rows[next * dim..][..dim], &mut far);
        chosen.push(next as u32);
    }
    chosen
}

/// Nearer than any row can be.
const CHOSEN: f32 = -1.0;

/// Takes another centre into the squared distances `far` of all rows, and says which is the farthest now.
fn come_nearer(rows: &[f32], centre: &[f32], far: &mut [f32]) -> Farthest {
    let nearer = |(block, (far, rows)): (usize, (&mut [f32], &[f32]))| {
        let (distance, row) = Arch::new().dispatch(Nearer { rows, centre, far });
        (distance, block * TAKEN + row)
    };
    let blocks = far.par_chunks_mut(TAKEN).zip(rows.par_chunks(TAKEN * centre.len().max(1)));
    blocks.enumerate().map(nearer).reduce(|| (f32::NEG_INFINITY, 0), farther)
}

/// The first of the farthest, whatever the order in which threads are done.
fn farther(a: Farthest, b: Farthest) -> Farthest {
    if b.0 > a.0 || (b.0 == a.0 && b.1 < a.1) { b } else { a }
}

struct Nearer<'a> {
    rows: &'a [f32],
    centre: &'a [f32],
    far: &'a mut [f32],
}

impl WithSimd for Nearer<'_> {
    type Output = Farthest;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Farthest {
        let (centre, centre_rest) = S::as_simd_f32s(self.centre);
        let mut farthest = (f32::NEG_INFINITY, 0);
        for (at, (row, far)) in self.rows.chunks_exact(self.centre.len()).zip(self.far).enumerate() {
            let (row, row_rest) = S::as_simd_f32s(row);
            // Two sums: a multiply-add waits for the one before.
            let mut sums = [simd.splat_f32s(0.0); 2];
            for (lane, (a, b)) in row.iter().zip(centre).enumerate() {
                let apart = simd.sub_f32s(*a, *b);
                sums[lane % 2] = simd.mul_add_f32s(apart, apart, sums[lane % 2]);
            }
            let rest: f32 = row_rest.iter().zip(centre_rest).map(|(a, b)| (a - b) * (a - b)).sum();
            let distance = rest + simd.reduce_sum_f32s(simd.add_f32s(sums[0], sums[1]));
            *far = far.min(distance);
            if *far > farthest.0 {
                farthest = (*far, at);
            }
        }
        farthest
    }
}

fn mean(rows: &[f32], dim: usize) -> Vec<f32> {
    let mut mean = vec![0.0; dim];
    let share = dim as f32 / rows.len().max(1) as f32;
    for row in rows.chunks_exact(dim.max(1)) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value * share);
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::super::testing::unit_noise;
    use super::*;

    /// One row after the other, by the definition.
    fn plain(rows: &[Vec<f32>], count: usize) -> Vec<u32> {
        let squared = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let middle = mean(&rows.concat(), rows[0].len());
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count {
            let far = |row: &usize| match chosen.as_slice() {
                [] => squared(&rows[*row], &middle),
                chosen => chosen.iter().map(|of| squared(&rows[*row], &rows[*of])).fold(f32::INFINITY, f32::min),
            };
            let left = (0..rows.len()).filter(|row| !chosen.contains(row));
            chosen.push(left.max_by(|a, b| far(a).total_cmp(&far(b))).unwrap());
        }
        chosen.into_iter().map(|row| row as u32).collect()
    }

    #[test]
    fn the_rows_are_those_of_the_definition_whatever_their_length() {
        for dim in [1, 3, 16, 21, 64] {
            let noise = unit_noise(0, (20, 20, dim + 1), 3);
            let rows: Vec<Vec<f32>> = noise.values.chunks_exact(dim + 1).map(|row| row[..dim].to_vec()).collect();
            assert_eq!(k_centres(&rows.concat(), dim, 30), plain(&rows, 30), "{dim}");
        }
    }

    #[test]
    fn all_rows_are_chosen_where_there_are_no_more_and_equal_ones_end_it_well() {
        let mut all = k_centres(&[0.0, 1.0, 5.0], 1, 9);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
        let mut alike = k_centres(&[2.0; 6], 1, 4);
        alike.sort_unstable();
        alike.dedup();
        assert_eq!(alike.len(), 4);
    }

    #[test]
    fn blocks_of_several_threads_make_one_choice() {
        let mut rows = vec![0.0_f32; 3 * TAKEN + 7];
        (rows[TAKEN + 5], rows[3 * TAKEN + 2]) = (9.0, -7.0);
        assert_eq!(k_centres(&rows, 1, 3)[..2], [(TAKEN + 5) as u32, (3 * TAKEN + 2) as u32]);
        // Of two that are as far, the first, whichever thread is done before the other.
        rows[7] = 9.0;
        assert_eq!(k_centres(&rows, 1, 1), [7]);
    }
}
