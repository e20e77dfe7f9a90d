//! The sums with the tile registers of x86 (AMX): 16 rows by 16 outputs and 64 inputs with one instruction. On Linux, which
//! lends these registers to who asks for them.
//!
//! Rust has no stable intrinsics for them: the instructions are written out. The compiler uses no tile register itself.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::LazyLock;

use super::{Codes, PANEL, Step, Sums};

/// Rows of a tile. To take 32 rows and 32 outputs at a time, which reads fewer tiles, was a sixth slower.
const ROWS: usize = 16;
/// Steps of a tile: 64 bytes of a row.
const STEPS: usize = 16;

/// Tiles as the instructions want them told: palette 1, each 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIG: Config = Config {
    palette: 1,
    start: 0,
    reserved: [0; 14],
    bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// The tile registers of this thread, until it is dropped: a thread that keeps them makes every change of threads slower.
pub(super) struct Tiles(());

impl Tiles {
    /// Whether this machine has them, the system lends them, and so many rows and steps are whole tiles of them: rows may
    /// overlap, steps may not.
    pub fn fit(rows: usize, steps: usize) -> bool {
        rows >= ROWS && steps > 0 && steps.is_multiple_of(STEPS) && *AVAILABLE
    }

    /// Gives the sums of `rows`, as [`super::each_sums`] does. What [`Tiles::fit`] said must be so.
    pub fn each_sums(rows: &[Codes], panel: &[Step], then: &mut dyn FnMut(usize, &[Sums])) {
        let count = rows.len() / panel.len();
        assert!(Self::fit(count, panel.len()), "{count} rows of {} steps", panel.len());
        let tiles = Self::take();
        let mut sums = [[0; PANEL]; ROWS];
        for first in (0..count).step_by(ROWS) {
            // The last rows begin within those before, so that they are as many.
            let begin = first.min(count - ROWS);
            tiles.sums(&rows[begin * panel.len()..][..ROWS * panel.len()], panel, &mut sums);
            then(first, &sums[first - begin..]);
        }
    }

    fn take() -> Self {
        // SAFETY: the machine has the instruction, or `fit` would have said no; it reads the 64 bytes of the configuration.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const CONFIG, options(nostack, preserves_flags, readonly)) };
        Self(())
    }

    /// The sums of [`ROWS`] rows of as many steps as the panel has, which are whole tiles.
    fn sums(&self, rows: &[Codes], panel: &[Step], sums: &mut [Sums; ROWS]) {
        assert!(panel.len().is_multiple_of(STEPS) && !panel.is_empty() && rows.len() == ROWS * panel.len());
        // SAFETY: `self` is there only while the tiles are configured. A tile of codes is 16 rows of 64 bytes, a row's
        // length apart; by the assert they end with the slice. A tile of weights is 16 steps of 64 of their bytes, a step
        // apart; four of them beside each other are whole steps. The sums, as long as a step, have room for four tiles
        // beside each other.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{codes} + {row}*1]",
                "tileloadd tmm5, [{weights} + {step}*1]",
                "tdpbusd tmm0, tmm4, tmm5",
                "tileloadd tmm6, [{weights} + {step}*1 + 64]",
                "tdpbusd tmm1, tmm4, tmm6",
                "tileloadd tmm7, [{weights} + {step}*1 + 128]",
                "tdpbusd tmm2, tmm4, tmm7",
                "tileloadd tmm5, [{weights} + {step}*1 + 192]",
                "tdpbusd tmm3, tmm4, tmm5",
                "add {codes}, 64",
                "add {weights}, 4096",
                "sub {left}, 1",
                "jnz 2b",
                "tilestored [{sums} + {step}*1], tmm0",
                "tilestored [{sums} + {step}*1 + 64], tmm1",
                "tilestored [{sums} + {step}*1 + 128], tmm2",
                "tilestored [{sums} + {step}*1 + 192], tmm3",
                codes = inout(reg) rows.as_ptr() => _,
                weights = inout(reg) panel.as_ptr() => _,
                left = inout(reg) panel.len() / STEPS => _,
                row = in(reg) rows.len() / ROWS * size_of::<Codes>(),
                step = in(reg) size_of::<Step>(),
                sums = in(reg) sums.as_mut_ptr(),
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack)
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the machine has the instruction, or nothing would have been taken.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
    }
}

/// Asked for once: what is lent is lent to all threads.
static AVAILABLE: LazyLock<bool> = LazyLock::new(|| has_instructions() && is_lent());

/// Tiles and their products of bytes (Intel's manual, volume 2, CPUID, leaf 7).
fn has_instructions() -> bool {
    const AMX_TILE: u32 = 1 << 24;
    const AMX_INT8: u32 = 1 << 25;
    // AVX-512 says that leaf 7 is there.
    is_x86_feature_detected!("avx512f") && __cpuid_count(7, 0).edx & (AMX_TILE | AMX_INT8) == AMX_TILE | AMX_INT8
}

/// Asks Linux for the tiles' registers (its documentation, "Using XSTATE features in user space applications").
fn is_lent() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XTILEDATA: libc::c_long = 18;
    // SAFETY: this call of the system takes two numbers, and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0 }
}
