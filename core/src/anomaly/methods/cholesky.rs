//! The inverse of a matrix's triangular half. In: a symmetric positive definite matrix. Out: L⁻¹ with A = L Lᵀ.
//!
//! By rows (Cholesky and Banachiewicz; Golub and Van Loan 2013, sections 3.1 and 4.2), so that what is added up lies side by
//! side.

/// Sums that the compiler adds up at once.
const LANES: usize = 8;

/// L⁻¹, `dim × dim`, zeros above its diagonal. A pivot that rounding has made nothing becomes the smallest one that counts.
pub(super) fn inverse_factor(mut matrix: Vec<f64>, dim: usize) -> Vec<f64> {
    assert_eq!(matrix.len(), dim * dim, "a square matrix");
    let largest = matrix.iter().copied().step_by(dim + 1).fold(0.0, f64::max);
    let least = (largest * f64::EPSILON).max(f64::MIN_POSITIVE);
    for row in 0..dim {
        let (above, own) = matrix.split_at_mut(row * dim);
        for column in 0..row {
            let other = &above[column * dim..][..=column];
            own[column] = (own[column] - dot(&own[..column], &other[..column])) / other[column];
        }
        own[row] = (own[row] - dot(&own[..row], &own[..row])).max(least).sqrt();
    }
    inverse(&matrix, dim)
}

/// The inverse of the lower triangle.
fn inverse(factor: &[f64], dim: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; dim * dim];
    for row in 0..dim {
        let (above, own) = inverse.split_at_mut(row * dim);
        let (factors, own) = (&factor[row * dim..][..=row], &mut own[..=row]);
        for (column, share) in factors[..row].iter().enumerate() {
            let other = &above[column * dim..][..=column];
            own.iter_mut().zip(other).for_each(|(sum, value)| *sum -= share * value);
        }
        own[row] = 1.0;
        own.iter_mut().for_each(|value| *value /= factors[row]);
    }
    inverse
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn product(a: &[f64], b: impl Fn(usize, usize) -> f64, dim: usize) -> Vec<f64> {
        let one = |at: usize| (0..dim).map(|inner| a[at / dim * dim + inner] * b(inner, at % dim)).sum();
        (0..dim * dim).map(one).collect()
    }

    proptest! {
        #[test]
        fn the_inverse_factor_makes_the_identity(dim in 1_usize..24, seed in any::<u64>()) {
            let numbers = std::iter::successors(Some(seed | 1), |x| Some(x.wrapping_mul(6_364_136_223_846_793_005)));
            let noise: Vec<f64> = numbers.map(|x| (x >> 40) as f64 / (1 << 23) as f64 - 1.0).take(dim * dim).collect();
            let mut matrix = product(&noise, |inner, column| noise[column * dim + inner], dim);
            (0..dim).for_each(|at| matrix[at * dim + at] += 0.5);
            let inverse = inverse_factor(matrix.clone(), dim);
            // L⁻¹ A L⁻ᵀ
            let half = product(&inverse, |inner, column| matrix[inner * dim + column], dim);
            let identity = product(&half, |inner, column| inverse[column * dim + inner], dim);
            for (at, value) in identity.iter().enumerate() {
                let expected = f64::from(u8::from(at / dim == at % dim));
                prop_assert!((value - expected).abs() < 1e-8, "{at}: {value}");
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_quite_positive_gives_finite_numbers() {
        assert!(inverse_factor(vec![1.0, 1.0, 1.0, 1.0], 2).iter().all(|value| value.is_finite()));
    }
}
