//! The part that is looked at: its picture, its map, and the good part that it is nearest to. Of one part only.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::anomaly::{Origin, Region, ScoreMap};

use super::super::viewer::{Loaded, Picture};

/// The map on the graphics card has at most so many pixels a side: it is smooth, and the shader is too.
const TEXELS: u32 = 1024;

/// The part that is looked at.
pub struct LargePart {
    /// Its file.
    pub path: PathBuf,
    /// Its pixels.
    pub picture: Loaded,
    /// Its scores.
    pub map: Option<Arc<PartMap>>,
    /// Why there are none.
    pub map_error: Option<String>,
    /// The good part that it is nearest to, once that was looked for.
    pub nearest: Option<Nearest>,
}

impl LargePart {
    /// Nothing of it is there yet.
    pub fn waiting(path: PathBuf) -> Self {
        Self { path, picture: Loaded::Waiting, map: None, map_error: None, nearest: None }
    }
}

/// The scores of a part's pixels, and where they are too high.
pub struct PartMap {
    /// Raw scores.
    pub map: ScoreMap,
    /// The same for the graphics card.
    pub texels: Arc<HeatTexels>,
    /// Those that reach the thresholds, worst first.
    pub above: Vec<Region>,
    /// The worst place, whatever it scores.
    pub worst: Vec<Region>,
}

/// Scores as the graphics card gets them.
#[derive(Debug, PartialEq)]
pub struct HeatTexels {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
    /// Row by row.
    pub values: Vec<f32>,
}

impl HeatTexels {
    /// A map, or every n-th pixel of one that is larger than a map needs to be.
    pub fn of(map: &ScoreMap) -> Self {
        let step = map.width.max(map.height).div_ceil(TEXELS).max(1);
        if step == 1 {
            return Self { width: map.width, height: map.height, values: map.values.clone() };
        }
        let (width, height) = (map.width.div_ceil(step), map.height.div_ceil(step));
        let middle = |at: u32, side: u32| (at * step + step / 2).min(side - 1) as usize;
        let row = |y: u32| {
            let row = &map.values[middle(y, map.height) * map.width as usize..][..map.width as usize];
            (0..width).map(move |x| row[middle(x, map.width)])
        };
        Self { width, height, values: (0..height).flat_map(row).collect() }
    }
}

impl PartMap {
    /// The regions that are shown: of a part that does not pass the worst place at least, so that it is seen why.
    pub fn regions(&self, has_passed: bool) -> &[Region] {
        if has_passed || !self.above.is_empty() { &self.above } else { &self.worst }
    }

    /// The raw score at a place in fractions of the picture's sides.
    pub fn score(&self, x: f32, y: f32) -> Option<f32> {
        let pixel = |share: f32, side: u32| ((share * side as f32) as u32).min(side.saturating_sub(1)) as usize;
        self.map.values.get(pixel(y, self.map.height) * self.map.width as usize + pixel(x, self.map.width)).copied()
    }
}

/// The good part that most resembles the worst place of a part.
pub struct Nearest {
    /// Its file, as it is kept in the product.
    pub path: PathBuf,
    /// Its pixels.
    pub picture: Arc<Picture>,
    /// Which of the references it is.
    pub part: u32,
    /// For every place of the grid (rows, columns) of the part the good patch that it was compared with.
    pub origins: Vec<Option<Origin>>,
    /// Rows and columns of the part's grid.
    pub grid: (usize, usize),
    /// The worst place in the grid: row and column.
    pub worst: (usize, usize),
}

impl Nearest {
    /// Where in this good part the place of the part was found, in fractions of its sides; `None` if in another one.
    pub fn place(&self, x: f32, y: f32) -> Option<[f32; 2]> {
        let (rows, columns) = self.grid;
        let at = |share: f32, count: usize| ((share * count as f32) as usize).min(count.saturating_sub(1));
        let origin = self.origins.get(at(y, rows) * columns + at(x, columns)).copied().flatten()?;
        let is_upright = origin.part == self.part && origin.degrees == 0;
        let middle = |at: u32, count: usize| (at as f32 + 0.5) / count.max(1) as f32;
        is_upright.then(|| [middle(origin.column, columns), middle(origin.row, rows)])
    }

    /// The middle of the worst place, in fractions of the part's sides.
    pub fn worst_place(&self) -> [f32; 2] {
        let ((row, column), (rows, columns)) = (self.worst, self.grid);
        [(column as f32 + 0.5) / columns.max(1) as f32, (row as f32 + 0.5) / rows.max(1) as f32]
    }
}

#[cfg(test)]
mod tests {
    use sightline_core::anomaly::{Hysteresis, worst_place};

    use super::*;

    #[test]
    fn a_large_map_is_thinned_out_for_the_graphics_card_and_a_small_one_is_not() {
        let map =
            |side: u32| ScoreMap { width: side, height: 1, values: (0..side).map(|x| x as f32).collect(), scale: 1.0 };
        assert_eq!(HeatTexels::of(&map(4)).values, [0.0, 1.0, 2.0, 3.0]);
        let thin = HeatTexels::of(&map(4096));
        assert_eq!((thin.width, thin.height, thin.values[0], thin.values[1023]), (1024, 1, 2.0, 4094.0));
    }

    fn part_map(map: ScoreMap) -> PartMap {
        let worst = worst_place(&map, Hysteresis { high: 9.0, low: 6.0 }).regions;
        PartMap { texels: Arc::new(HeatTexels::of(&map)), map, above: Vec::new(), worst }
    }

    #[test]
    fn a_part_that_does_not_pass_shows_its_worst_place_at_least() {
        let map = ScoreMap { width: 3, height: 1, values: vec![1.0, 2.0, 4.0], scale: 1.0 };
        let part = part_map(map);
        assert!(part.regions(true).is_empty());
        assert_eq!(part.regions(false).iter().map(|region| (region.x, region.width)).collect::<Vec<_>>(), [(2, 1)]);
        let part = PartMap { above: vec![part.worst[0].clone(); 2], ..part };
        assert_eq!(part.regions(false).len(), 2);
    }

    #[test]
    fn the_score_under_the_pointer_is_the_raw_one() {
        let map = ScoreMap { width: 2, height: 2, values: vec![1.0, 2.0, 3.0, 4.0], scale: 1.0 };
        let part = part_map(map);
        assert_eq!([part.score(0.1, 0.9), part.score(1.0, 0.0)], [Some(3.0), Some(2.0)]);
    }
}
