//! The tile registers of x86 (AMX): parts of matrices that one instruction multiplies. In: how many rows there are. Out:
//! tiles for them. Must never know what is multiplied.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) use amx::{Kind, Tiles};

/// Rows at most of a tile, and outputs of one: sums of 32 bits side by side.
pub(super) const SIDE: usize = 16;

/// How many rows the tiles for so many rows have: as few as fill as few tiles, which are computed in less time.
pub(super) fn height(rows: usize) -> usize {
    rows.div_ceil(rows.div_ceil(SIDE).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_as_few_and_as_low_as_can_be() {
        for (rows, expected) in [(0, 0), (1, 1), (16, 16), (17, 9), (50, 13), (77, 16), (197, 16), (800, 16)] {
            assert_eq!(height(rows), expected, "{rows} rows");
        }
    }
}
