//! The sums with the tile registers of x86 (AMX): up to 16 rows by 16 outputs and 64 inputs with one instruction.

use std::arch::asm;

use super::{Codes, PANEL, Step, Sums};
use crate::models::tiles::{Kind, Tiles, height};

/// Steps of a tile: 64 bytes of a row.
const STEPS: usize = 16;
/// Steps of a panel that meet all rows before the next ones do: 24 KB of weights, which stay in the nearest cache meanwhile.
const DEPTH: usize = 6 * STEPS;
/// Steps that are asked for with each product of tiles: half of what is read meanwhile, for a photo is at least four tiles
/// of rows.
const ASKED: usize = STEPS / 8;

/// Whether this machine has tiles for bytes, and so many steps are whole ones.
pub(super) fn fit(steps: usize) -> bool {
    steps > 0 && steps.is_multiple_of(STEPS) && Tiles::are_there(Kind::Bytes)
}

/// Gives the sums of `rows`, as [`super::each_sums`] does. What [`fit`] said must be so.
pub(super) fn each_sums(rows: &[Codes], (panel, next): (&[Step], &[Step]), then: &mut dyn FnMut(usize, &[Sums])) {
    let per_row = panel.len();
    let count = rows.len() / per_row;
    if count == 0 {
        return;
    }
    let height = height(count);
    let tiles = Tiles::take(Kind::Bytes, height);
    // The last rows begin within those before, so that they are as many.
    let begin = |tile: usize| (tile * height).min(count - height);
    let mut sums = vec![[0; PANEL]; count.next_multiple_of(height)];
    for start in (0..per_row).step_by(DEPTH) {
        let end = per_row.min(start + DEPTH);
        let (weights, next) = (&panel[start..end], if end < per_row { &panel[end..] } else { next });
        for (tile, sums) in sums.chunks_exact_mut(height).enumerate() {
            let rows = &rows[begin(tile) * per_row + start..];
            add(&tiles, Terms { rows, per_row, weights, tile, next }, sums);
        }
    }
    for (tile, sums) in sums.chunks_exact(height).enumerate() {
        let first = tile * height;
        then(first, &sums[first - begin(tile)..]);
    }
}

/// What is multiplied at a time: some rows, which begin every `per_row` codes, and as many steps of a panel; the number of
/// the rows' tile, and the weights that are read next.
struct Terms<'a> {
    rows: &'a [Codes],
    per_row: usize,
    weights: &'a [Step],
    tile: usize,
    next: &'a [Step],
}

/// Adds the products to the sums of a tile's rows, as many as the tiles were taken for.
fn add(tiles: &Tiles, terms: Terms<'_>, sums: &mut [Sums]) {
    let Terms { rows, per_row, weights, tile, next } = terms;
    assert!(fit(weights.len()) && sums.len() == tiles.rows());
    assert!(rows.len() >= (sums.len() - 1) * per_row + weights.len(), "{} codes", rows.len());
    // Each tile of rows asks for its part of what is next.
    let next = next.as_ptr().wrapping_add((tile * weights.len() / STEPS * ASKED).min(weights.len()));
    // SAFETY: the tiles are configured, for as many rows as there are sums. A tile of codes is so many rows of 64 bytes, a
    // row's length apart; by the assert they end with the slice. A tile of weights is 16 steps of 64 of their bytes, a step
    // apart; four of them beside each other are whole steps. The sums, as long as a step, have room for four tiles beside
    // each other. What is asked for beforehand is not read, wherever it lies.
    unsafe {
        asm!(
            "tileloadd tmm0, [{sums} + {step}*1]",
            "tileloadd tmm1, [{sums} + {step}*1 + 64]",
            "tileloadd tmm2, [{sums} + {step}*1 + 128]",
            "tileloadd tmm3, [{sums} + {step}*1 + 192]",
            "2:",
            "tileloadd tmm4, [{codes} + {row}*1]",
            "tileloadd tmm6, [{weights} + {step}*1]",
            "tdpbusd tmm0, tmm4, tmm6",
            "prefetcht1 [{next}]",
            "prefetcht1 [{next} + 64]",
            "tileloadd tmm7, [{weights} + {step}*1 + 64]",
            "tdpbusd tmm1, tmm4, tmm7",
            "prefetcht1 [{next} + 128]",
            "prefetcht1 [{next} + 192]",
            "tileloadd tmm6, [{weights} + {step}*1 + 128]",
            "tdpbusd tmm2, tmm4, tmm6",
            "prefetcht1 [{next} + 256]",
            "prefetcht1 [{next} + 320]",
            "tileloadd tmm7, [{weights} + {step}*1 + 192]",
            "tdpbusd tmm3, tmm4, tmm7",
            "prefetcht1 [{next} + 384]",
            "prefetcht1 [{next} + 448]",
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
            weights = inout(reg) weights.as_ptr() => _,
            next = inout(reg) next => _,
            left = inout(reg) weights.len() / STEPS => _,
            row = in(reg) per_row * size_of::<Codes>(),
            step = in(reg) size_of::<Step>(),
            sums = in(reg) sums.as_mut_ptr(),
            asked = const ASKED * size_of::<Step>(),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack)
        );
    }
}
