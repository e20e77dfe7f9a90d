//! Eigenvalues and eigenvectors of a symmetric matrix. In: the matrix. Out: the values, largest first, and a vector each.
//!
//! Householder's reduction and the implicit QL iteration: tred2 and tql2 of EISPACK (Bowdler, Martin, Reinsch and
//! Wilkinson 1968). What both do to the vectors is written down and done to a few components of all vectors at a time, which
//! stay in the cache: one step after the other would read all vectors thousands of times.

use rayon::prelude::*;

/// Values, largest first, and one row of `vectors` (`dim × dim`, orthonormal) for each.
pub(super) struct Eigen {
    pub values: Vec<f64>,
    pub vectors: Vec<f64>,
}

/// No eigenvalue of a finite matrix has ever needed as many steps (EISPACK stops at 30).
const MOST_STEPS: usize = 60;
/// Components of all vectors that one thread turns at a time.
const BAND: usize = 32;
/// Sums that the compiler adds up at once.
const LANES: usize = 8;

/// The decomposition of a symmetric `dim × dim` matrix.
pub(super) fn symmetric_eigen(matrix: Vec<f64>, dim: usize) -> Eigen {
    assert_eq!(matrix.len(), dim * dim, "a square matrix");
    let (mut tridiagonal, reflections) = reduced(matrix, dim);
    let rotations = iterate(&mut tridiagonal);
    let bands: Vec<Vec<f64>> = (0..dim.div_ceil(BAND))
        .into_par_iter()
        .map(|band| {
            let mut vectors = band_of_identity(band * BAND, dim);
            reflections.iter().for_each(|reflection| reflection.turn(&mut vectors));
            rotations.iter().for_each(|rotation| rotation.turn(&mut vectors));
            vectors
        })
        .collect();
    let diagonal = tridiagonal.diagonal;
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|a, b| diagonal[*b].total_cmp(&diagonal[*a]));
    let mut vectors = Vec::with_capacity(dim * dim);
    for at in &order {
        vectors.extend(bands.iter().flat_map(|band| &band[at * BAND..][..BAND]).take(dim));
    }
    Eigen { values: order.iter().map(|at| diagonal[*at]).collect(), vectors }
}

/// Components `first..first + BAND` of the basis vectors, a row a vector.
fn band_of_identity(first: usize, dim: usize) -> Vec<f64> {
    let mut vectors = vec![0.0; dim * BAND];
    (first..dim.min(first + BAND)).for_each(|at| vectors[at * BAND + at - first] = 1.0);
    vectors
}

struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Beside the diagonal; the last is 0.
    beside: Vec<f64>,
}

/// `I − factor v vᵀ` on the vectors from `first`.
struct Reflection {
    first: usize,
    v: Vec<f64>,
    factor: f64,
}

impl Reflection {
    /// `Q ← Q H` for a band of Q's rows, which is kept with columns as rows.
    fn turn(&self, vectors: &mut [f64]) {
        let rows = &mut vectors[self.first * BAND..];
        let mut share = [0.0; BAND];
        for (row, v) in rows.chunks_exact(BAND).zip(&self.v) {
            share.iter_mut().zip(row).for_each(|(sum, value)| *sum += v * value);
        }
        share.iter_mut().for_each(|share| *share *= self.factor);
        for (row, v) in rows.chunks_exact_mut(BAND).zip(&self.v) {
            row.iter_mut().zip(&share).for_each(|(value, share)| *value -= share * v);
        }
    }
}

/// Mixes the vectors `at` and `at + 1`.
struct Rotation {
    at: u32,
    sine: f64,
    cosine: f64,
}

impl Rotation {
    fn turn(&self, vectors: &mut [f64]) {
        let (first, second) = vectors[self.at as usize * BAND..][..2 * BAND].split_at_mut(BAND);
        for (a, b) in first.iter_mut().zip(second) {
            (*a, *b) = (self.cosine * *a - self.sine * *b, self.sine * *a + self.cosine * *b);
        }
    }
}

/// Householder's reflections, one column after the other.
fn reduced(mut a: Vec<f64>, dim: usize) -> (Tridiagonal, Vec<Reflection>) {
    let mut beside = vec![0.0; dim];
    let mut reflections = Vec::with_capacity(dim);
    for k in 0..dim.saturating_sub(2) {
        // By symmetry the column below the diagonal is the row beside it.
        let mut v = a[k * dim + k + 1..][..dim - k - 1].to_vec();
        let length = product(&v, &v).sqrt();
        if length == 0.0 {
            continue;
        }
        let alpha = if v[0] > 0.0 { -length } else { length };
        beside[k] = alpha;
        v[0] -= alpha;
        let norm = product(&v, &v);
        if norm > 0.0 {
            let reflection = Reflection { first: k + 1, v, factor: 2.0 / norm };
            reflect(&mut a, &reflection, dim);
            reflections.push(reflection);
        }
    }
    if dim >= 2 {
        beside[dim - 2] = a[(dim - 1) * dim + dim - 2];
    }
    let diagonal = (0..dim).map(|i| a[i * dim + i]).collect();
    (Tridiagonal { diagonal, beside }, reflections)
}

/// `A ← H A H` on the block from the reflection's first row.
fn reflect(a: &mut [f64], Reflection { first, v, factor }: &Reflection, dim: usize) {
    let rows = &mut a[first * dim..];
    let p: Vec<f64> =
        rows.par_chunks_exact(dim).with_min_len(64).map(|row| product(&row[*first..], v) * factor).collect();
    let half = 0.5 * factor * product(&p, v);
    let w: Vec<f64> = p.iter().zip(v).map(|(p, v)| p - half * v).collect();
    rows.par_chunks_exact_mut(dim).with_min_len(64).enumerate().for_each(|(i, row)| {
        for ((value, w_j), v_j) in row[*first..].iter_mut().zip(&w).zip(v) {
            *value -= v[i] * w_j + w[i] * v_j;
        }
    });
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

/// The implicit QL iteration: rotations make what is beside the diagonal vanish.
fn iterate(t: &mut Tridiagonal) -> Vec<Rotation> {
    let mut rotations = Vec::new();
    for low in 0..t.diagonal.len() {
        for _ in 0..MOST_STEPS {
            let high = block_end(t, low);
            if high == low {
                break;
            }
            sweep(t, low, high, &mut rotations);
        }
    }
    rotations
}

/// The last place of the block from `low` that nothing separates.
fn block_end(t: &Tridiagonal, low: usize) -> usize {
    let is_split = |at: &usize| {
        let size = t.diagonal[*at].abs() + t.diagonal[at + 1].abs();
        t.beside[*at].abs() <= f64::EPSILON * size
    };
    (low..t.diagonal.len() - 1).find(is_split).unwrap_or(t.diagonal.len() - 1)
}

fn sweep(t: &mut Tridiagonal, low: usize, high: usize, rotations: &mut Vec<Rotation>) {
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
        rotations.push(Rotation { at: at as u32, sine, cosine });
    }
    t.diagonal[low] -= p;
    t.beside[low] = g;
    t.beside[high] = 0.0;
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
