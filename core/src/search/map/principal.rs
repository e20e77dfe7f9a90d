//! Principal components of rows. In: unit vectors. Out: each row's place along the two directions of most variance.
//! Exact up to rounding: subspace iteration (Golub and Van Loan 2013, section 8.2.4) on the covariance, which is never
//! formed; first on a sample, then on all rows.

use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;

use super::is_finite;
use crate::error::Result;
use crate::jobs::Ticker;
use crate::search::cells::every;
use crate::search::dot::Kernel;
use crate::search::nearest::Matrix;

/// Directions that are followed: more than the two that are wanted, so that those come out the sooner.
const FOLLOWED: usize = 6;
const SAMPLE: usize = 8192;
const SAMPLE_ROUNDS: usize = 40;
const ROUNDS: usize = 6;
/// Rows that are taken together; the blocks' sums are added in order, so that threads change nothing.
const BLOCK: usize = 512;

/// The places of `rows`; a row that is no number lies at the middle.
pub(super) fn places(matrix: &Matrix<'_>, rows: &[u32], ticker: &Ticker) -> Result<Vec<[f32; 2]>> {
    let usable: Vec<u32> = rows.iter().copied().filter(|row| is_finite(matrix.row(*row as usize))).collect();
    let sample: Vec<u32> = every(&usable, SAMPLE).into_iter().copied().collect();
    let mut basis = start(matrix.dim());
    ticker.expect(SAMPLE_ROUNDS + ROUNDS);
    let mean = mean(matrix, &usable);
    for (rows, rounds) in [(&sample, SAMPLE_ROUNDS), (&usable, ROUNDS)] {
        for _ in 0..rounds {
            basis = turned(matrix, rows, &mean, &basis);
            ticker.tick(1)?;
        }
    }
    let [first, second] = [0, 1].map(|axis| basis.get(axis).cloned().unwrap_or_else(|| vec![0.0; matrix.dim()]));
    let along = |axis: &[f32], row: &[f32]| dot(axis, row) - dot(axis, &mean);
    let place = |row: &u32| {
        let row = matrix.row(*row as usize);
        let values = row.to_f32_vec();
        if is_finite(row) { [along(&first, &values), along(&second, &values)] } else { [0.0; 2] }
    };
    Ok(rows.par_iter().map(place).collect())
}

/// Directions that look random and are the same everywhere.
fn start(dim: usize) -> Vec<Vec<f32>> {
    let number = |at: usize| (at as f32 * 12.9898 + 1.0).sin() * 43_758.547;
    let direction = |k: usize| (0..dim).map(|i| number(k * dim + i).fract() - 0.1 * k as f32).collect();
    orthonormal((0..FOLLOWED.min(dim)).map(direction).collect())
}

fn mean(matrix: &Matrix<'_>, rows: &[u32]) -> Vec<f32> {
    let parts: Vec<Vec<f64>> = rows.par_chunks(BLOCK).map(|rows| crate::search::cells::sum(matrix, rows)).collect();
    let mut mean = vec![0.0; matrix.dim()];
    for part in parts {
        mean.iter_mut().zip(part).for_each(|(mean, part)| *mean += part / rows.len() as f64);
    }
    mean.into_iter().map(|value| value as f32).collect()
}

/// The basis multiplied by the covariance of the rows, orthonormal again, the direction of most variance first.
fn turned(matrix: &Matrix<'_>, rows: &[u32], mean: &[f32], basis: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let offsets: Vec<f32> = basis.iter().map(|axis| dot(axis, mean)).collect();
    let parts: Vec<Vec<Vec<f32>>> =
        rows.par_chunks(BLOCK).map(|rows| block(matrix, rows, mean, (basis, &offsets))).collect();
    let mut sums = vec![vec![0.0_f64; matrix.dim()]; basis.len()];
    for part in parts {
        for (sum, part) in sums.iter_mut().zip(part) {
            sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += f64::from(value));
        }
    }
    let count = rows.len().max(1) as f64;
    let images: Vec<Vec<f32>> =
        sums.into_iter().map(|sum| sum.into_iter().map(|value| (value / count) as f32).collect()).collect();
    // ⟨axis, C·axis⟩ is the variance along an axis: the axes come in its order.
    let variance = |k: &usize| dot(&basis[*k], &images[*k]);
    let mut order: Vec<usize> = (0..basis.len()).collect();
    order.sort_by(|a, b| variance(b).total_cmp(&variance(a)));
    orthonormal(order.into_iter().map(|k| images[k].clone()).collect())
}

/// Σ (x − mean)·⟨x − mean, axis⟩ over the rows, for every axis.
fn block(matrix: &Matrix<'_>, rows: &[u32], mean: &[f32], (basis, offsets): (&[Vec<f32>], &[f32])) -> Vec<Vec<f32>> {
    let kernel = Kernel::fastest();
    let mut sums = vec![vec![0.0_f32; matrix.dim()]; basis.len()];
    let mut cosine = [0.0];
    for row in rows {
        let halves = matrix.row(*row as usize);
        let mut values = halves.to_f32_vec();
        values.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
        for ((axis, offset), sum) in basis.iter().zip(offsets).zip(&mut sums) {
            kernel.dots(halves, axis, &mut cosine);
            let along = cosine[0] - offset;
            sum.iter_mut().zip(&values).for_each(|(sum, value)| *sum += along * value);
        }
    }
    sums
}

/// Gram and Schmidt, twice for the digits; a direction that is left with nothing is dropped. Each points to where its
/// largest number is positive: a mirrored map would be another one.
fn orthonormal(vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let mut basis: Vec<Vec<f32>> = Vec::with_capacity(vectors.len());
    for mut vector in vectors {
        let before = dot(&vector, &vector).sqrt();
        for axis in basis.iter().chain(&basis) {
            let along = dot(axis, &vector);
            vector.iter_mut().zip(axis).for_each(|(value, axis)| *value -= along * axis);
        }
        let length = dot(&vector, &vector).sqrt();
        if length > 1e-5 * before && length > 0.0 {
            let largest = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
            vector.iter_mut().for_each(|value| *value /= length.copysign(largest));
            basis.push(vector);
        }
    }
    basis
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32
}
