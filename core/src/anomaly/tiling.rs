//! Large pictures in overlapping tiles. In: lengths in patches and in pixels. Out: where tiles begin, and from which of
//! them each patch is taken, so that no seam shows. Reads no picture.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How a large picture is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiling {
    /// Pixels a side of a tile on the original picture.
    pub side_px: u32,
    /// Patches that neighbouring tiles share on each side.
    pub overlap: usize,
}

/// One tile along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The first patch of the tile, on the grid of the whole picture.
    pub start: usize,
    /// The patches that are taken from this tile, on the grid of the whole picture.
    pub taken: std::ops::Range<usize>,
}

impl Tiling {
    /// Refuses tiles that no picture can be cut into.
    ///
    /// # Errors
    /// Sides that are too small or too large.
    pub fn check(&self) -> Result<()> {
        if (32..=8192).contains(&self.side_px) && self.overlap <= 16 {
            return Ok(());
        }
        Err(Error::bad_request(
            "these tiles make no sense",
            "give 32 to 8192 pixels a side and at most 16 patches of overlap",
        ))
    }
}

/// The tiles of an axis of `len` patches, each `tile` patches long and sharing `overlap` of them with its neighbours: every
/// patch is taken from the tile in which it is most central. One tile where `len` is no longer than a tile.
pub fn spans(len: usize, tile: usize, overlap: usize) -> Vec<Span> {
    if len <= tile || tile == 0 {
        return vec![Span { start: 0, taken: 0..len }];
    }
    let step = tile.saturating_sub(2 * overlap).max(1);
    let count = (len - tile).div_ceil(step) + 1;
    let starts: Vec<usize> = (0..count).map(|at| at * (len - tile) / (count - 1)).collect();
    // Half way between the middles of two tiles a patch changes over.
    let border = |at: usize| (starts[at] + starts[at + 1] + tile) / 2;
    let first = |at: usize| if at == 0 { 0 } else { border(at - 1) };
    let end = |at: usize| if at + 1 == count { len } else { border(at) };
    (0..count).map(|at| Span { start: starts[at], taken: first(at)..end(at) }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_axis_is_one_tile() {
        assert_eq!(spans(5, 8, 2), [Span { start: 0, taken: 0..5 }]);
        assert_eq!(spans(8, 8, 2).len(), 1);
    }

    #[test]
    fn tiles_are_spread_evenly() {
        let starts: Vec<usize> = spans(20, 8, 2).iter().map(|span| span.start).collect();
        assert_eq!(starts, [0, 4, 8, 12]);
    }

    proptest! {
        #[test]
        fn every_patch_is_taken_once_and_from_a_tile_that_has_it(len in 1_usize..400, tile in 1_usize..60, overlap in 0_usize..8) {
            let spans = spans(len, tile, overlap);
            let mut next = 0;
            for span in &spans {
                prop_assert_eq!(span.taken.start, next);
                prop_assert!(span.taken.start >= span.start && span.taken.end <= span.start + tile.max(len.min(tile)));
                next = span.taken.end;
            }
            prop_assert_eq!(next, len);
        }

        #[test]
        fn a_patch_within_has_its_neighbours_in_its_tile(len in 30_usize..400, tile in 12_usize..30, overlap in 1_usize..4) {
            for span in spans(len, tile, overlap) {
                let is_first = span.start == 0;
                let is_last = span.start + tile == len;
                prop_assert!(is_first || span.taken.start >= span.start + overlap);
                prop_assert!(is_last || span.taken.end + overlap <= span.start + tile);
            }
        }
    }
}
