//! The sums with the tile registers of x86 (AMX): up to 16 rows by 16 outputs and 64 inputs with one instruction.

use std::arch::asm;

use super::{Codes, PANEL, Step, Sums};
use crate::models::tiles::{Kind, SIDE, Tiles, height};

/// Steps of a tile: 64 bytes of a row.
const STEPS: usize = 16;

/// Steps of the next panel that are asked for with each tile of rows: a quarter of what is read meanwhile, for even one
/// picture is four tiles.
const ASKED: usize = STEPS / 4;

/// Whether this machine has tiles for bytes, and so many steps are whole ones.
pub(super) fn fit(steps: usize) -> bool {
    steps > 0 && steps.is_multiple_of(STEPS) && Tiles::are_there(Kind::Bytes)
}

/// Gives the sums of `rows`, as [`super::each_sums`] does. What [`fit`] said must be so.
pub(super) fn each_sums(rows: &[Codes], (panel, next): (&[Step], &[Step]), then: &mut dyn FnMut(usize, &[Sums])) {
    let count = rows.len() / panel.len();
    if count == 0 {
        return;
    }
    let height = height(count);
    let tiles = Tiles::take(Kind::Bytes, height);
    let mut sums = [[0; PANEL]; SIDE];
    for (tile, first) in (0..count).step_by(height).enumerate() {
        // The last rows begin within those before, so that they are as many.
        let begin = first.min(count - height);
        let rows = &rows[begin * panel.len()..][..height * panel.len()];
        // Each tile of rows asks for its part of what is next.
        let next = next.as_ptr().wrapping_add((tile * panel.len() / STEPS * ASKED).min(panel.len()));
        tile_sums(&tiles, rows, (panel, next), &mut sums[..height]);
        then(first, &sums[first - begin..height]);
    }
}

/// The sums of as many rows as the tiles were taken for, each of as many steps as the panel has,
/// which are whole tiles. To take twice as many rows by half as many outputs at a time, which reads fewer tiles, was a sixth
/// slower.
fn tile_sums(tiles: &Tiles, rows: &[Codes], (panel, next): (&[Step], *const Step), sums: &mut [Sums]) {
    assert!(fit(panel.len()) && sums.len() == tiles.rows() && rows.len() == sums.len() * panel.len());
    // SAFETY: the tiles are configured, for as many rows as there are sums. A tile of codes is so many rows of 64 bytes, a
    // row's length apart; by the assert they end with the slice. A tile of weights is 16 steps of 64 of their bytes, a step
    // apart; four of them beside each other are whole steps. The sums, as long as a step, have room for four tiles beside
    // each other. What is asked for beforehand is not read, wherever it lies.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{codes} + {row}*1]",
            "tileloadd tmm6, [{weights} + {step}*1]",
            "tdpbusd tmm0, tmm4, tmm6",
            "prefetcht1 [{next}]",
            "prefetcht1 [{next} + 64]",
            "prefetcht1 [{next} + 128]",
            "prefetcht1 [{next} + 192]",
            "tileloadd tmm7, [{weights} + {step}*1 + 64]",
            "tdpbusd tmm1, tmm4, tmm7",
            "prefetcht1 [{next} + 256]",
            "prefetcht1 [{next} + 320]",
            "prefetcht1 [{next} + 384]",
            "prefetcht1 [{next} + 448]",
            "tileloadd tmm6, [{weights} + {step}*1 + 128]",
            "tdpbusd tmm2, tmm4, tmm6",
            "prefetcht1 [{next} + 512]",
            "prefetcht1 [{next} + 576]",
            "prefetcht1 [{next} + 640]",
            "prefetcht1 [{next} + 704]",
            "tileloadd tmm7, [{weights} + {step}*1 + 192]",
            "tdpbusd tmm3, tmm4, tmm7",
            "prefetcht1 [{next} + 768]",
            "prefetcht1 [{next} + 832]",
            "prefetcht1 [{next} + 896]",
            "prefetcht1 [{next} + 960]",
            "add {codes}, 64",
            "add {weights}, 4096",
            "add {next}, {asked}",
            "sub {left}, 1",
            "jnz 2b",
            "tilestored [{sums} + {step}*1], tmm0",
            "tilestored [{sums} + {step}*1 + 64], tmm1",
            "tilestored [{sums} + {step}*1 + 128], tmm2",
            "tilestored [{sums} + {step}*1 + 192], tmm3",
            codes = inout(reg) rows.as_ptr() => _,
            weights = inout(reg) panel.as_ptr() => _,
            next = inout(reg) next => _,
            left = inout(reg) panel.len() / STEPS => _,
            row = in(reg) rows.len() / sums.len() * size_of::<Codes>(),
            step = in(reg) size_of::<Step>(),
            sums = in(reg) sums.as_mut_ptr(),
            asked = const ASKED * size_of::<Step>(),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack)
        );
    }
}
