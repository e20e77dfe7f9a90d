//! The sums with instructions of x86. AVX-512 and AVX have one for four products of bytes (VNNI); AVX2 multiplies pairs of
//! 16-bit numbers, because its instruction for bytes cuts sums off at 32,767.

use std::arch::x86_64::*;

use super::{Codes, Kernel, PANEL, QUAD, Step, Sums, by_row_count};

/// What this machine can run, fastest first.
pub(super) fn available() -> impl Iterator<Item = Kernel> {
    let kernels = [
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")).then_some(Kernel {
            name: "avx512-vnni",
            centre: 0,
            sums: sums_avx512_vnni,
        }),
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni")).then_some(Kernel {
            name: "avx-vnni",
            centre: 0,
            sums: sums_avx_vnni,
        }),
        is_x86_feature_detected!("avx2").then_some(Kernel { name: "avx2", centre: 0, sums: sums_avx2 }),
    ];
    kernels.into_iter().flatten()
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn sums_avx512_vnni(rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
    by_row_count!(tile_avx512_vnni, rows, panel, sums);
}

#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn tile_avx512_vnni<const M: usize>(rows: [&[Codes]; M], panel: &[Step], sums: &mut [Sums; M]) {
    let mut held = [[_mm512_setzero_si512(); 4]; M];
    for (at, step) in panel.iter().enumerate() {
        let mut weights = [_mm512_setzero_si512(); 4];
        for (weights, bytes) in weights.iter_mut().zip(step.as_chunks::<64>().0) {
            // SAFETY: the array has the 64 bytes that are read, and the load needs no alignment.
            *weights = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
        }
        for (held, row) in held.iter_mut().zip(rows) {
            let codes = _mm512_set1_epi32(i32::from_ne_bytes(row[at]));
            for (sum, weights) in held.iter_mut().zip(weights) {
                *sum = _mm512_dpbusd_epi32(*sum, codes, weights);
            }
        }
    }
    for (held, sums) in held.iter().zip(sums) {
        for (held, sums) in held.iter().zip(sums.as_chunks_mut::<16>().0) {
            // SAFETY: the array has room for the 16 numbers that are written, and the store needs no alignment.
            unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), *held) };
        }
    }
}

/// Outputs whose sums for all rows fit into the 16 registers of AVX.
const NARROW: usize = 16;

#[target_feature(enable = "avx2,avxvnni")]
fn sums_avx_vnni(rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
    by_row_count!(tile_avx_vnni, rows, panel, sums);
}

#[inline]
#[target_feature(enable = "avx2,avxvnni")]
fn tile_avx_vnni<const M: usize>(rows: [&[Codes]; M], panel: &[Step], sums: &mut [Sums; M]) {
    for first in (0..PANEL).step_by(NARROW) {
        let mut held = [[_mm256_setzero_si256(); 2]; M];
        for (at, step) in panel.iter().enumerate() {
            let weights = load_avx2(step[first * QUAD..].as_chunks::<32>().0);
            for (held, row) in held.iter_mut().zip(rows) {
                let codes = _mm256_set1_epi32(i32::from_ne_bytes(row[at]));
                for (sum, weights) in held.iter_mut().zip(weights) {
                    *sum = _mm256_dpbusd_avx_epi32(*sum, codes, weights);
                }
            }
        }
        for (held, sums) in held.iter().zip(sums.iter_mut()) {
            for (held, sums) in held.iter().zip(sums[first..].as_chunks_mut::<8>().0) {
                store_avx2(sums, *held);
            }
        }
    }
}

/// The first two of these.
#[inline]
#[target_feature(enable = "avx2")]
fn load_avx2(bytes: &[[i8; 32]]) -> [__m256i; 2] {
    // SAFETY: each array has the 32 bytes that are read, and the load needs no alignment.
    [0, 1].map(|at| unsafe { _mm256_loadu_si256(bytes[at].as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_avx2(sums: &mut [i32; 8], held: __m256i) {
    // SAFETY: the array has room for the 8 numbers that are written, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), held) };
}

/// Steps whose codes are widened to 16 bits at a time, on the stack.
const WIDENED: usize = 128;

#[target_feature(enable = "avx2")]
fn sums_avx2(rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
    by_row_count!(tile_avx2, rows, panel, sums);
}

#[inline]
#[target_feature(enable = "avx2")]
fn tile_avx2<const M: usize>(rows: [&[Codes]; M], panel: &[Step], sums: &mut [Sums; M]) {
    *sums = [[0; PANEL]; M];
    let mut wide = [[0; WIDENED]; M];
    for (part, panel) in panel.chunks(WIDENED).enumerate() {
        for (wide, row) in wide.iter_mut().zip(rows) {
            for (wide, codes) in wide.iter_mut().zip(&row[part * WIDENED..]) {
                *wide = widened(*codes);
            }
        }
        for first in (0..PANEL).step_by(8) {
            add_avx2(&wide, panel, first, sums);
        }
    }
}

/// Adds the sums of the eight outputs from `first` on over all steps of `panel`, at most [`WIDENED`].
#[inline]
#[target_feature(enable = "avx2")]
fn add_avx2<const M: usize>(wide: &[[i64; WIDENED]; M], panel: &[Step], first: usize, sums: &mut [Sums; M]) {
    // Two sums for each output: those of its first two inputs and of its last two.
    let mut held = [[_mm256_setzero_si256(); 2]; M];
    for (at, step) in panel.iter().enumerate().take(WIDENED) {
        let bytes = step[first * QUAD..].as_chunks::<16>().0;
        // SAFETY: each array has the 16 bytes that are read, and the load needs no alignment.
        let weights = [0, 1].map(|at| _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(bytes[at].as_ptr().cast()) }));
        for (held, wide) in held.iter_mut().zip(wide) {
            let codes = _mm256_set1_epi64x(wide[at]);
            for (sum, weights) in held.iter_mut().zip(weights) {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(codes, weights));
            }
        }
    }
    for (held, sums) in held.iter().zip(sums) {
        if let Some(sums) = sums[first..].first_chunk_mut::<8>() {
            // The two of an output come together, in the order of the outputs after quarters were swapped.
            let joined = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(held[0], held[1]));
            // SAFETY: the array has the 8 numbers that are read, and the load needs no alignment.
            let before = unsafe { _mm256_loadu_si256(sums.as_ptr().cast()) };
            store_avx2(sums, _mm256_add_epi32(before, joined));
        }
    }
}

/// Each code as a number of 16 bits, side by side.
#[inline]
fn widened(codes: Codes) -> i64 {
    let places = codes.into_iter().enumerate();
    places.fold(0, |wide, (at, code)| wide | i64::from(code) << (16 * at))
}
