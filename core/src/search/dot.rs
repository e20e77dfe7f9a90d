//! Dot products of f16 rows with an f32 vector, with the widest instructions that the machine has. In: rows and a
//! vector. Out: one f32 a row. Knows nothing of photos or queries.
//!
//! A row's result does not depend on its place among the rows, so equal rows have equal scores.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// One way to compute dot products; it exists only where the machine can run it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    #[cfg_attr(not(test), expect(dead_code, reason = "tells a failed comparison which kernel it was"))]
    name: &'static str,
    /// Safe to call on this machine: [`Kernel::available`] gives only what was detected.
    dots: unsafe fn(&[f16], &[f32], &mut [f32]),
}

impl Kernel {
    /// The fastest one that this machine can run.
    pub(super) fn fastest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = x86::available().first() {
            return *kernel;
        }
        PORTABLE
    }

    /// Dot products of every row of `rows` (row-major, `rows.len() / vector.len()` of them) with `vector`, into the
    /// first items of `out`.
    pub(super) fn dots(self, rows: &[f16], vector: &[f32], out: &mut [f32]) {
        assert!(!vector.is_empty() && rows.len().is_multiple_of(vector.len()), "whole rows");
        assert!(out.len() >= rows.len() / vector.len(), "a place for every row");
        // SAFETY: kernels other than the portable one are made only after their features were detected.
        unsafe { (self.dots)(rows, vector, out) }
    }
}

const PORTABLE: Kernel = Kernel { name: "portable", dots: dots_portable };

/// Eight sums side by side, which compilers turn into whatever vectors the target has.
fn dots_portable(rows: &[f16], vector: &[f32], out: &mut [f32]) {
    let mut row = vec![0.0; vector.len()];
    for (halves, out) in rows.chunks_exact(vector.len()).zip(out) {
        halves.convert_to_f32_slice(&mut row);
        *out = dot_portable(&row, vector);
    }
}

fn dot_portable(row: &[f32], vector: &[f32]) -> f32 {
    let (rows, row_rest) = row.as_chunks::<8>();
    let (vectors, vector_rest) = vector.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (a, b) in rows.iter().zip(vectors) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + row_rest.iter().zip(vector_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// The few items at the end of a row that fill no register.
#[cfg(target_arch = "x86_64")]
fn dot_rest(row: &[f16], vector: &[f32]) -> f32 {
    row.iter().zip(vector).map(|(a, b)| a.to_f32() * b).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use half::f16;

    use super::{Kernel, dot_rest};

    /// What this machine can run, fastest first.
    pub(super) fn available() -> Vec<Kernel> {
        let mut kernels = Vec::new();
        if is_x86_feature_detected!("avx512f") {
            kernels.push(Kernel { name: "avx512", dots: dots_avx512 });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
            kernels.push(Kernel { name: "avx2", dots: dots_avx2 });
        }
        kernels
    }

    #[target_feature(enable = "avx512f")]
    fn dots_avx512(rows: &[f16], vector: &[f32], out: &mut [f32]) {
        for (row, out) in rows.chunks_exact(vector.len()).zip(out) {
            *out = dot_avx512(row, vector);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn dot_avx512(row: &[f16], vector: &[f32]) -> f32 {
        let (row_blocks, row_rest) = row.as_chunks::<64>();
        let (vector_blocks, vector_rest) = vector.as_chunks::<64>();
        // Four sums, because a multiply-add takes four cycles and one can start in each.
        let mut sums = [_mm512_setzero_ps(); 4];
        for (a, b) in row_blocks.iter().zip(vector_blocks) {
            for (lane, (a, b)) in a.as_chunks().0.iter().zip(b.as_chunks().0).enumerate() {
                sums[lane] = add_product_avx512(sums[lane], a, b);
            }
        }
        let (row_lanes, row_rest) = row_rest.as_chunks();
        let (vector_lanes, vector_rest) = vector_rest.as_chunks();
        for (a, b) in row_lanes.iter().zip(vector_lanes) {
            sums[0] = add_product_avx512(sums[0], a, b);
        }
        let sum = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
        _mm512_reduce_add_ps(sum) + dot_rest(row_rest, vector_rest)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add_product_avx512(sum: __m512, row: &[f16; 16], vector: &[f32; 16]) -> __m512 {
        // SAFETY: both arrays are as long as what is read (32 and 64 bytes), and the loads need no alignment.
        let (halves, vector) = unsafe { (_mm256_loadu_si256(row.as_ptr().cast()), _mm512_loadu_ps(vector.as_ptr())) };
        _mm512_fmadd_ps(_mm512_cvtph_ps(halves), vector, sum)
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    fn dots_avx2(rows: &[f16], vector: &[f32], out: &mut [f32]) {
        for (row, out) in rows.chunks_exact(vector.len()).zip(out) {
            *out = dot_avx2(row, vector);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn dot_avx2(row: &[f16], vector: &[f32]) -> f32 {
        let (row_blocks, row_rest) = row.as_chunks::<32>();
        let (vector_blocks, vector_rest) = vector.as_chunks::<32>();
        let mut sums = [_mm256_setzero_ps(); 4];
        for (a, b) in row_blocks.iter().zip(vector_blocks) {
            for (lane, (a, b)) in a.as_chunks().0.iter().zip(b.as_chunks().0).enumerate() {
                sums[lane] = add_product_avx2(sums[lane], a, b);
            }
        }
        let (row_lanes, row_rest) = row_rest.as_chunks();
        let (vector_lanes, vector_rest) = vector_rest.as_chunks();
        for (a, b) in row_lanes.iter().zip(vector_lanes) {
            sums[0] = add_product_avx2(sums[0], a, b);
        }
        let sum = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
        reduce_add_avx2(sum) + dot_rest(row_rest, vector_rest)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn add_product_avx2(sum: __m256, row: &[f16; 8], vector: &[f32; 8]) -> __m256 {
        // SAFETY: both arrays are as long as what is read (16 and 32 bytes), and the loads need no alignment.
        let (halves, vector) = unsafe { (_mm_loadu_si128(row.as_ptr().cast()), _mm256_loadu_ps(vector.as_ptr())) };
        _mm256_fmadd_ps(_mm256_cvtph_ps(halves), vector, sum)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn reduce_add_avx2(sum: __m256) -> f32 {
        let quarter = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
        let pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
        _mm_cvtss_f32(_mm_add_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every kernel of this machine.
    fn available() -> Vec<Kernel> {
        #[cfg(target_arch = "x86_64")]
        return x86::available().into_iter().chain([PORTABLE]).collect();
        #[cfg(not(target_arch = "x86_64"))]
        return vec![PORTABLE];
    }

    /// Compares every kernel of this machine with sums in f64.
    #[track_caller]
    fn check(rows: &[f16], vector: &[f32]) {
        let exact = |row: &[f16]| row.iter().zip(vector).map(|(a, b)| a.to_f64() * f64::from(*b)).sum::<f64>();
        let expected: Vec<f64> = rows.chunks_exact(vector.len()).map(exact).collect();
        let room: f64 = vector.iter().map(|v| f64::from(v.abs())).sum::<f64>() * 1e-6;
        for kernel in available() {
            let mut found = vec![0.0; expected.len()];
            kernel.dots(rows, vector, &mut found);
            for (found, expected) in found.iter().zip(&expected) {
                let is_close = (f64::from(*found) - expected).abs() <= room;
                assert!(is_close, "{}: {found} where the exact sum is {expected}", kernel.name);
            }
        }
    }

    fn rows_and_vector() -> impl Strategy<Value = (Vec<f16>, Vec<f32>)> {
        (1usize..150, 0usize..5).prop_flat_map(|(dim, rows)| {
            let row = prop::collection::vec((-1.0f32..1.0).prop_map(f16::from_f32), dim * rows);
            (row, prop::collection::vec(-1.0f32..1.0, dim))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_kernel_agrees_with_exact_sums((rows, vector) in rows_and_vector()) {
            check(&rows, &vector);
        }
    }

    #[test]
    fn small_halves_count_too() {
        check(&[f16::MIN_POSITIVE_SUBNORMAL; 37], &[1.0; 37]);
    }

    #[test]
    fn no_rows_are_no_work() {
        check(&[], &[1.0; 16]);
    }

    #[test]
    fn equal_rows_have_equal_products_wherever_they_stand() {
        let row: Vec<f16> = (0..83).map(|i| f16::from_f32((i as f32 * 0.37).sin())).collect();
        let vector: Vec<f32> = (0..83).map(|i| (i as f32 * 0.11).cos()).collect();
        for kernel in available() {
            let mut found = [0.0; 9];
            kernel.dots(&row.repeat(9), &vector, &mut found);
            assert!(found.iter().all(|product| product.to_bits() == found[0].to_bits()), "{}", kernel.name);
        }
    }
}
