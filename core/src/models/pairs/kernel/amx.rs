//! The sums with the tile registers of x86 (AMX): up to 16 rows by 16 outputs and 32 inputs with one instruction.

use std::arch::asm;

use super::{Sums, Terms};
use crate::models::tiles::{Kind, Tiles};

/// Whether this machine has tiles for pairs.
pub(super) fn is_there() -> bool {
    Tiles::are_there(Kind::Bf16)
}

/// Bytes of the weights that are read next which are asked for with each step: one line of the cache with each product.
const ASKED: usize = 12 * 64;

/// Adds the products to the sums of a tile's rows, as many as the tiles were taken for.
///
/// One after the other the four sums are added to: each waits for its last product three times as long as one takes. The
/// weights' high halves are read twice, which the nearest cache gives in time.
pub(super) fn add(tiles: &Tiles, terms: Terms<'_>, sums: &mut [Sums]) {
    let Terms { rows, weights, tile, next } = terms;
    assert!(sums.len() == tiles.rows() && rows.len() == weights.len() && !rows.is_empty());
    let block = size_of_val(weights);
    let next = next.as_ptr().cast::<u8>().wrapping_add((tile * weights.len() * ASKED).min(block));
    // SAFETY: the tiles are configured, for as many rows as there are sums, at most 16. A tile of rows is so many rows of
    // 64 bytes of the 16 of a `Tile`, and a `RowStep` is two of them; a tile of weights is a `Tile`, and a `WeightStep` is
    // eight; by the assert there are as many of both as are read. A row of sums, 256 bytes, has room for four tiles beside
    // each other. What is asked for beforehand is not read, wherever it lies.
    unsafe {
        asm!(
            "tileloadd tmm0, [{sums} + {row}*1]",
            "tileloadd tmm1, [{sums} + {row}*1 + 64]",
            "tileloadd tmm2, [{sums} + {row}*1 + 128]",
            "tileloadd tmm3, [{sums} + {row}*1 + 192]",
            "2:",
            "tileloadd tmm4, [{rows} + {line}*1]",
            "tileloadd tmm6, [{weights} + {line}*1]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "prefetcht1 [{next}]",
            "tileloadd tmm7, [{weights} + {line}*1 + 1024]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "prefetcht1 [{next} + 64]",
            "tileloadd tmm6, [{weights} + {line}*1 + 2048]",
            "tdpbf16ps tmm2, tmm4, tmm6",
            "prefetcht1 [{next} + 128]",
            "tileloadd tmm7, [{weights} + {line}*1 + 3072]",
            "tdpbf16ps tmm3, tmm4, tmm7",
            "prefetcht1 [{next} + 192]",
            "tileloadd tmm5, [{rows} + {line}*1 + 1024]",
            "tileloadd tmm6, [{weights} + {line}*1 + 4096]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "prefetcht1 [{next} + 256]",
            "tileloadd tmm7, [{weights} + {line}*1 + 5120]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "prefetcht1 [{next} + 320]",
            "tileloadd tmm6, [{weights} + {line}*1 + 6144]",
            "tdpbf16ps tmm2, tmm4, tmm6",
            "prefetcht1 [{next} + 384]",
            "tileloadd tmm7, [{weights} + {line}*1 + 7168]",
            "tdpbf16ps tmm3, tmm4, tmm7",
            "prefetcht1 [{next} + 448]",
            "tileloadd tmm6, [{weights} + {line}*1]",
            "tdpbf16ps tmm0, tmm5, tmm6",
            "prefetcht1 [{next} + 512]",
            "tileloadd tmm7, [{weights} + {line}*1 + 1024]",
            "tdpbf16ps tmm1, tmm5, tmm7",
            "prefetcht1 [{next} + 576]",
            "tileloadd tmm6, [{weights} + {line}*1 + 2048]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "prefetcht1 [{next} + 640]",
            "tileloadd tmm7, [{weights} + {line}*1 + 3072]",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "prefetcht1 [{next} + 704]",
            "add {rows}, 2048",
            "add {weights}, 8192",
            "add {next}, {asked}",
            "sub {left}, 1",
            "jnz 2b",
            "tilestored [{sums} + {row}*1], tmm0",
            "tilestored [{sums} + {row}*1 + 64], tmm1",
            "tilestored [{sums} + {row}*1 + 128], tmm2",
            "tilestored [{sums} + {row}*1 + 192], tmm3",
            rows = inout(reg) rows.as_ptr() => _,
            weights = inout(reg) weights.as_ptr() => _,
            next = inout(reg) next => _,
            left = inout(reg) weights.len() => _,
            sums = in(reg) sums.as_mut_ptr(),
            row = in(reg) size_of::<Sums>(),
            line = in(reg) 64_usize,
            asked = const ASKED,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack)
        );
    }
}
