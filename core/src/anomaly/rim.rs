//! How much more good parts differ along the rim of the picture than within it: edges lie a little elsewhere on every part,
//! and a convolution sees nothing beyond the picture. In: grids of good parts, each scored as if it had not been learnt. Out:
//! a factor for every place, by which its score counts for the part, and whose root it counts by in the map: a map that is as
//! calm as the score ranks defects on the rim too low, one that is not calmed at all good rims too high.

use super::patches::Patches;
use super::score_map::ScoreGrid;

/// The rim is a quarter of the shorter side at most, and so many patches.
const SHARE: usize = 4;
const MOST_RINGS: usize = 6;
/// Each ring is measured by the score below which lies this share of the good parts' patches.
const QUANTILE: f64 = 0.99;
/// However unlike the rims of good parts are, a patch there counts this much.
const LEAST: f32 = 0.1;
/// Side of the blocks of a part that stands in for two.
const BLOCK: usize = 8;

/// Factors of the rings of a grid, from the outermost one; what is inside counts fully.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rim {
    factors: Vec<f32>,
}

fn rings(grid: &ScoreGrid) -> usize {
    (grid.rows.min(grid.columns) / SHARE).min(MOST_RINGS)
}

/// How many patches lie between a place and the rim.
fn depth(place: usize, grid: &ScoreGrid) -> usize {
    let (row, column) = (place / grid.columns, place % grid.columns);
    row.min(grid.rows - 1 - row).min(column).min(grid.columns - 1 - column)
}

impl Rim {
    /// Of good parts; a ring counts less where it scores more than what is inside, and never more.
    pub fn of(grids: &[ScoreGrid]) -> Self {
        let count = grids.iter().map(rings).max().unwrap_or(0);
        let mut scores = vec![Vec::new(); count + 1];
        for grid in grids {
            grid.values
                .iter()
                .enumerate()
                .for_each(|(place, score)| scores[depth(place, grid).min(count)].push(*score));
        }
        let mut levels: Vec<f32> = scores.into_iter().map(level).collect();
        let inside = levels.pop().unwrap_or(0.0);
        let factor = |ring: f32| if ring > inside { (inside / ring).max(LEAST) } else { 1.0 };
        Self { factors: levels.into_iter().map(factor).collect() }
    }

    /// The grid as it counts for the part.
    pub fn calmed(&self, grid: &ScoreGrid) -> ScoreGrid {
        self.scaled(grid, |factor| factor)
    }

    /// A calmed grid as it counts in the map: half of the way back, as ratios go.
    pub fn eased(&self, calmed: &ScoreGrid) -> ScoreGrid {
        self.scaled(calmed, |factor| factor.sqrt().recip())
    }

    fn scaled(&self, grid: &ScoreGrid, scale: impl Fn(f32) -> f32) -> ScoreGrid {
        let scale = |place: usize| self.factors.get(depth(place, grid)).map_or(1.0, |factor| scale(*factor));
        let values = grid.values.iter().enumerate().map(|(place, score)| scale(place) * score).collect();
        ScoreGrid { values, ..*grid }
    }
}

fn level(mut scores: Vec<f32>) -> f32 {
    if scores.is_empty() {
        return 0.0;
    }
    let at = ((scores.len() - 1) as f64 * QUANTILE).round() as usize;
    *scores.select_nth_unstable_by(at, f32::total_cmp).1
}

/// A part as two: its blocks, coloured like a chessboard. The only reference can so be scored as if it had not been learnt.
pub(super) fn chessboard(patches: &Patches) -> Vec<Patches> {
    let cuts = |first: usize, len: usize| {
        // Blocks lie on the grid of the whole picture, so that tiles that overlap colour a place alike.
        let end = first + len;
        (first / BLOCK..end.div_ceil(BLOCK))
            .map(move |block| (block, first.max(block * BLOCK)..end.min((block + 1) * BLOCK)))
    };
    let mut blocks = Vec::new();
    for (down, rows) in cuts(patches.offset.0, patches.rows) {
        for (across, columns) in cuts(patches.offset.1, patches.columns) {
            blocks.push(patches.block(rows.clone(), columns).of_part((down + across) % 2, 0));
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::super::testing::unit_noise;
    use super::*;

    fn grid(rim: f32, inside: f32) -> ScoreGrid {
        let mut grid = ScoreGrid { rows: 18, columns: 20, values: vec![inside; 360] };
        for place in 0..360 {
            if depth(place, &grid) == 0 {
                grid.values[place] = rim;
            }
        }
        grid
    }

    #[test]
    fn a_rim_in_which_good_parts_differ_counts_less() {
        let rim = Rim::of(&[grid(0.4, 0.1), grid(0.3, 0.1)]);
        let calmed = rim.calmed(&grid(0.4, 0.1));
        assert!(calmed.values.iter().all(|score| (score - 0.1).abs() < 1e-6));
        assert_eq!(Rim::of(&[grid(9.0, 0.1)]).calmed(&grid(1.0, 0.1)).values[0], LEAST);
        let eased = rim.eased(&calmed);
        assert!((eased.values[0] - 0.2).abs() < 1e-6, "the root of a fourth");
        assert_eq!(eased.values[5 * 20 + 5], 0.1);
    }

    #[test]
    fn a_rim_like_the_rest_counts_fully_and_a_small_grid_has_none() {
        assert_eq!(Rim::of(&[grid(0.1, 0.1)]).calmed(&grid(0.7, 0.2)), grid(0.7, 0.2));
        assert_eq!(Rim::of(&[grid(0.05, 0.1)]).calmed(&grid(0.7, 0.2)), grid(0.7, 0.2));
        let small = ScoreGrid { rows: 2, columns: 3, values: vec![5.0; 6] };
        assert_eq!(Rim::of(std::slice::from_ref(&small)).calmed(&small), small);
        assert_eq!(Rim::of(&[]).calmed(&small), small);
    }

    #[test]
    fn a_chessboard_holds_every_place_once() {
        let mut patches = unit_noise(0, (11, 17, 3), 1);
        patches.offset = (5, 2);
        let mut seen = vec![0; patches.places()];
        for block in chessboard(&patches) {
            for place in 0..block.places() {
                let (row, column) = block.position(place);
                let at = (row - 5) * 17 + column - 2;
                assert_eq!(block.values[place * 3..][..3], patches.values[at * 3..][..3]);
                assert_eq!(block.part, (row / BLOCK + column / BLOCK) % 2);
                seen[at] += 1;
            }
        }
        assert!(seen.iter().all(|times| *times == 1));
    }
}
