//! The tile registers themselves, which Linux lends to who asks for them. In: how many rows a tile shall have. Out: leave
//! to use the tiles. Must never know what is multiplied in them.
//!
//! Rust has no stable intrinsics for them: who computes with tiles writes the instructions out. The compiler uses no tile
//! register itself.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::LazyLock;

use super::SIDE;

/// What the tiles can multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bytes,
    Bf16,
}

/// The tile registers of this thread, until it is dropped: a thread that keeps them makes every change of threads slower.
///
/// Tiles 0 to 3 are for sums and 4 and 5 for what is multiplied, all of as many rows as were asked for; 6 and 7 are for
/// weights, [`SIDE`] rows. A row is 64 bytes.
pub struct Tiles {
    rows: usize,
}

/// Tiles as the instruction wants them told (Intel's manual, volume 1, 18.3).
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// Whether this machine has tiles for numbers of this kind, and the system lends them.
    pub fn are_there(kind: Kind) -> bool {
        static BYTES: LazyLock<bool> = LazyLock::new(|| has_instructions(Kind::Bytes) && are_lent());
        static BF16: LazyLock<bool> = LazyLock::new(|| has_instructions(Kind::Bf16) && are_lent());
        match kind {
            Kind::Bytes => *BYTES,
            Kind::Bf16 => *BF16,
        }
    }

    /// Takes them, for this many rows. Tiles of this kind must be there.
    pub fn take(kind: Kind, rows: usize) -> Self {
        assert!(Self::are_there(kind) && (1..=SIDE).contains(&rows), "tiles of {rows} rows");
        let (of_rows, of_weights) = (rows as u8, SIDE as u8);
        let mut config = Config { palette: 1, start: 0, reserved: [0; 14], bytes: [0; 16], rows: [0; 16] };
        config.bytes[..8].fill(64);
        config.rows[..6].fill(of_rows);
        config.rows[6..8].fill(of_weights);
        // SAFETY: the machine has the instruction, by the assert; it reads the 64 bytes of the configuration.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, preserves_flags, readonly)) };
        Self { rows }
    }

    /// How many rows they were taken for.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the machine has the instruction, or nothing would have been taken.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
    }
}

/// Tiles and their products (Intel's manual, volume 2, CPUID, leaf 7).
fn has_instructions(kind: Kind) -> bool {
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    const AMX_INT8: u32 = 1 << 25;
    let wanted = AMX_TILE
        | match kind {
            Kind::Bytes => AMX_INT8,
            Kind::Bf16 => AMX_BF16,
        };
    // AVX-512 says that leaf 7 is there.
    is_x86_feature_detected!("avx512f") && __cpuid_count(7, 0).edx & wanted == wanted
}

/// Asks Linux for the tiles' registers (its documentation, "Using XSTATE features in user space applications"), for all
/// threads.
fn are_lent() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XTILEDATA: libc::c_long = 18;
    // SAFETY: this call of the system takes two numbers, and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0 }
}
