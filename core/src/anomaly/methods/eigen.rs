//! Eigenvalues and eigenvectors of a symmetric matrix. In: the matrix. Out: the values, largest first, and a vector each.
//!
//! Householder's reduction and the implicit QL iteration: tred2 and tql2 of EISPACK (Bowdler, Martin, Reinsch and
//! Wilkinson 1968), on transposed vectors so that inner loops run along memory.

use rayon::prelude::*;

/// Values, largest first, and one row of `vectors` (`dim × dim`, orthonormal) for each.
pub(super) struct Eigen {
    pub values: Vec<f64>,
    pub vectors: Vec<f64>,
}

/// No eigenvalue of a finite matrix has ever needed as many steps (EISPACK stops at 30).
const MOST_STEPS: usize = 60;

/// The decomposition of a symmetric `dim × dim` matrix.
pub(super) fn symmetric_eigen(matrix: Vec<f64>, dim: usize) -> Eigen {
    assert_eq!(matrix.len(), dim * dim, "a square matrix");
    let mut tridiagonal = reduced(matrix, dim);
    iterate(&mut tridiagonal, dim);
    let Tridiagonal { diagonal, vectors, .. } = tridiagonal;
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|a, b| diagonal[*b].total_cmp(&diagonal[*a]));
    Eigen {
        values: order.iter().map(|at| diagonal[*at]).collect(),
        vectors: order.iter().flat_map(|at| &vectors[at * dim..][..dim]).copied().collect(),
    }
}

struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Beside the diagonal; the last is 0.
    beside: Vec<f64>,
    /// Row i is the i-th basis vector.
    vectors: Vec<f64>,
}

/// Householder's reflections, one column after the other, gathered in the basis.
fn reduced(mut a: Vec<f64>, dim: usize) -> Tridiagonal {
    let mut beside = vec![0.0; dim];
    let mut vectors = vec![0.0; dim * dim];
    (0..dim).for_each(|i| vectors[i * dim + i] = 1.0);
    for k in 0..dim.saturating_sub(2) {
        let mut v: Vec<f64> = (k + 1..dim).map(|row| a[row * dim + k]).collect();
        let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length == 0.0 {
            continue;
        }
        let alpha = if v[0] > 0.0 { -length } else { length };
        beside[k] = alpha;
        v[0] -= alpha;
        let norm = v.iter().map(|x| x * x).sum::<f64>();
        if norm > 0.0 {
            reflect(&mut a, &v, 2.0 / norm, k + 1);
            turn(&mut vectors, &v, 2.0 / norm, k + 1);
        }
    }
    if dim >= 2 {
        beside[dim - 2] = a[(dim - 1) * dim + dim - 2];
    }
    // The basis was built with vectors as columns of rows: row i of `vectors` holds component i of all of them.
    let diagonal = (0..dim).map(|i| a[i * dim + i]).collect();
    Tridiagonal { diagonal, beside, vectors: transposed(&vectors, dim) }
}

/// `A ← H A H` on the block from `first`, with `H = I − factor v vᵀ`.
fn reflect(a: &mut [f64], v: &[f64], factor: f64, first: usize) {
    let dim = first + v.len();
    let product = |row: &[f64]| row[first..].iter().zip(v).map(|(a, v)| a * v).sum::<f64>() * factor;
    let p: Vec<f64> = a[first * dim..].par_chunks_exact(dim).with_min_len(64).map(product).collect();
    let half = 0.5 * factor * p.iter().zip(v).map(|(p, v)| p * v).sum::<f64>();
    let w: Vec<f64> = p.iter().zip(v).map(|(p, v)| p - half * v).collect();
    a[first * dim..].par_chunks_exact_mut(dim).with_min_len(64).enumerate().for_each(|(i, row)| {
        for ((value, w_j), v_j) in row[first..].iter_mut().zip(&w).zip(v) {
            *value -= v[i] * w_j + w[i] * v_j;
        }
    });
}

/// `Q ← Q H`.
fn turn(q: &mut [f64], v: &[f64], factor: f64, first: usize) {
    let dim = first + v.len();
    q.par_chunks_exact_mut(dim).with_min_len(64).for_each(|row| {
        let share = factor * row[first..].iter().zip(v).map(|(q, v)| q * v).sum::<f64>();
        row[first..].iter_mut().zip(v).for_each(|(q, v)| *q -= share * v);
    });
}

fn transposed(a: &[f64], dim: usize) -> Vec<f64> {
    (0..dim * dim).map(|at| a[at % dim * dim + at / dim]).collect()
}

/// The implicit QL iteration: rotations make what is beside the diagonal vanish.
fn iterate(t: &mut Tridiagonal, dim: usize) {
    for low in 0..dim {
        for _ in 0..MOST_STEPS {
            let high = block_end(t, low);
            if high == low {
                break;
            }
            sweep(t, low, high, dim);
        }
    }
}

/// The last place of the block from `low` that nothing separates.
fn block_end(t: &Tridiagonal, low: usize) -> usize {
    let is_split = |at: &usize| {
        let size = t.diagonal[*at].abs() + t.diagonal[at + 1].abs();
        t.beside[*at].abs() <= f64::EPSILON * size
    };
    (low..t.diagonal.len() - 1).find(is_split).unwrap_or(t.diagonal.len() - 1)
}

fn sweep(t: &mut Tridiagonal, low: usize, high: usize, dim: usize) {
    let shift = (t.diagonal[low + 1] - t.diagonal[low]) / (2.0 * t.beside[low]);
    let root = shift.hypot(1.0);
    let mut g = t.diagonal[high] - t.diagonal[low] + t.beside[low] / (shift + root.copysign(shift));
    let (mut sine, mut cosine, mut p) = (1.0, 1.0, 0.0);
    for at in (low..high).rev() {
        let (f, b) = (sine * t.beside[at], cosine * t.beside[at]);
        let length = f.hypot(g);
        t.beside[at + 1] = length;
        if length == 0.0 {
            t.diagonal[at + 1] -= p;
            t.beside[high] = 0.0;
            return;
        }
        (sine, cosine) = (f / length, g / length);
        g = t.diagonal[at + 1] - p;
        let r = (t.diagonal[at] - g) * sine + 2.0 * cosine * b;
        p = sine * r;
        t.diagonal[at + 1] = g + p;
        g = cosine * r - b;
        rotate(&mut t.vectors[at * dim..][..2 * dim], sine, cosine);
    }
    t.diagonal[low] -= p;
    t.beside[low] = g;
    t.beside[high] = 0.0;
}

fn rotate(pair: &mut [f64], sine: f64, cosine: f64) {
    let (first, second) = pair.split_at_mut(pair.len() / 2);
    for (a, b) in first.iter_mut().zip(second) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(matrix: Vec<f64>, dim: usize) {
        let Eigen { values, vectors } = symmetric_eigen(matrix.clone(), dim);
        let size = matrix.iter().map(|x| x.abs()).fold(1.0, f64::max);
        for (value, vector) in values.iter().zip(vectors.chunks_exact(dim)) {
            for (row, x) in matrix.chunks_exact(dim).zip(vector) {
                let product: f64 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                assert!((product - value * x).abs() < 1e-10 * size * dim as f64, "{product} {value} {x}");
            }
        }
        for (i, a) in vectors.chunks_exact(dim).enumerate() {
            for (j, b) in vectors.chunks_exact(dim).enumerate() {
                let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-10);
            }
        }
        assert!(values.is_sorted_by(|a, b| a >= b));
    }

    fn symmetric(dim: usize, rank: usize) -> Vec<f64> {
        let number = |i: usize, j: usize| ((i * 37 + j * 101 + 13) as f64).sin();
        let mut matrix = vec![0.0; dim * dim];
        for (at, value) in matrix.iter_mut().enumerate() {
            *value = (0..rank).map(|k| number(at / dim, k) * number(at % dim, k)).sum();
        }
        matrix
    }

    #[test]
    fn every_vector_is_only_stretched() {
        check(vec![2.0], 1);
        check(vec![2.0, 1.0, 1.0, 2.0], 2);
        check(vec![0.0; 9], 3);
        check(vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 3);
        check(symmetric(40, 80), 40);
        check(symmetric(130, 5), 130);
    }

    #[test]
    fn known_values_come_largest_first() {
        let Eigen { values, .. } = symmetric_eigen(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12);
    }
}
