//! The sums with instructions of 64-bit Arm: that for four products of bytes (dot product) where the machine has it, else
//! products of bytes as 16-bit numbers, of which two fit into one sum.

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::{Codes, Kernel, PANEL, QUAD, Step, Sums, by_row_count};

/// Both instructions take signed bytes on both sides.
const CENTRE: i32 = 128;
/// Outputs whose sums for all rows fit into the 32 registers.
const NARROW: usize = 16;

/// What this machine can run, fastest first.
pub(super) fn available() -> impl Iterator<Item = Kernel> {
    let kernels = [
        is_aarch64_feature_detected!("dotprod").then_some(Kernel { name: "dotprod", centre: CENTRE, sums: sums_dot }),
        is_aarch64_feature_detected!("neon").then_some(Kernel { name: "neon", centre: CENTRE, sums: sums_neon }),
    ];
    kernels.into_iter().flatten()
}

/// A step's codes less [`CENTRE`], four times.
#[inline]
#[target_feature(enable = "neon")]
fn centred(codes: Codes) -> int8x16_t {
    let repeated = vreinterpretq_u8_u32(vdupq_n_u32(u32::from_ne_bytes(codes)));
    vreinterpretq_s8_u8(veorq_u8(repeated, vdupq_n_u8(0x80)))
}

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[i8; 16]) -> int8x16_t {
    // SAFETY: the array has the 16 bytes that are read, and the load needs no alignment.
    unsafe { vld1q_s8(bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(sums: &mut [i32; 4], held: int32x4_t) {
    // SAFETY: the array has room for the 4 numbers that are written, and the store needs no alignment.
    unsafe { vst1q_s32(sums.as_mut_ptr(), held) };
}

#[target_feature(enable = "neon,dotprod")]
fn sums_dot(rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
    by_row_count!(tile_dot, rows, panel, sums);
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
fn tile_dot<const M: usize>(rows: [&[Codes]; M], panel: &[Step], sums: &mut [Sums; M]) {
    for first in (0..PANEL).step_by(NARROW) {
        let mut held = [[vdupq_n_s32(0); 4]; M];
        for (at, step) in panel.iter().enumerate() {
            let bytes = step[first * QUAD..].as_chunks::<16>().0;
            let weights = [0, 1, 2, 3].map(|at| load(&bytes[at]));
            for (held, row) in held.iter_mut().zip(rows) {
                let codes = centred(row[at]);
                for (sum, weights) in held.iter_mut().zip(weights) {
                    *sum = add_products(*sum, codes, weights);
                }
            }
        }
        for (held, sums) in held.iter().zip(sums.iter_mut()) {
            for (held, sums) in held.iter().zip(sums[first..].as_chunks_mut::<4>().0) {
                store(sums, *held);
            }
        }
    }
}

/// `sdot`, whose intrinsic is not stable.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_products(mut sums: int32x4_t, codes: int8x16_t, weights: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction reads and writes registers alone, and the callers' features include it.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sums, in(vreg) codes, in(vreg) weights,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
}

#[target_feature(enable = "neon")]
fn sums_neon(rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
    by_row_count!(tile_neon, rows, panel, sums);
}

#[inline]
#[target_feature(enable = "neon")]
fn tile_neon<const M: usize>(rows: [&[Codes]; M], panel: &[Step], sums: &mut [Sums; M]) {
    for first in (0..PANEL).step_by(4) {
        // Two sums for each output: those of its first two inputs and of its last two.
        let mut held = [[vdupq_n_s32(0); 2]; M];
        for (at, steps) in panel.chunks(2).enumerate() {
            let weights = [0, 1].map(|at| match steps.get(at) {
                Some(step) => load(&step[first * QUAD..].as_chunks::<16>().0[0]),
                None => vdupq_n_s8(0),
            });
            for (held, row) in held.iter_mut().zip(rows) {
                let one = centred(row[2 * at]);
                let two = centred(*row.get(2 * at + 1).unwrap_or(&[0; QUAD]));
                // Two products are at most 2 · 128 · 127 = 32,512.
                let low = vmull_s8(vget_low_s8(one), vget_low_s8(weights[0]));
                let low = vmlal_s8(low, vget_low_s8(two), vget_low_s8(weights[1]));
                let high = vmlal_high_s8(vmull_high_s8(one, weights[0]), two, weights[1]);
                held[0] = vpadalq_s16(held[0], low);
                held[1] = vpadalq_s16(held[1], high);
            }
        }
        for (held, sums) in held.iter().zip(sums.iter_mut()) {
            if let Some(sums) = sums[first..].first_chunk_mut::<4>() {
                store(sums, vpaddq_s32(held[0], held[1]));
            }
        }
    }
}
