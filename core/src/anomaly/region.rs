//! Where a map says that something is wrong. In: a map of scores and two thresholds. Out: regions with area, outline and
//! box, and the mask of their pixels. Knows no verdict.

use image::{GrayImage, Luma};

use super::outline::outline;
use super::score_map::ScoreMap;

/// The two thresholds of a map: what reaches `high` is a region with all that reaches `low` round it (Canny 1986).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Hysteresis {
    /// A region has at least one pixel of this score.
    pub high: f32,
    /// All of its pixels have this score.
    pub low: f32,
}

/// A defect, in pixels of the picture.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Region {
    /// Left edge of its box.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width of its box.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Its pixels.
    pub area: f64,
    /// Its highest score.
    pub peak: f32,
    /// The mean of its scores.
    pub mean: f32,
    /// Its outer border: corners [x, y] of pixels, clockwise from the top left one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outline: Vec<[u32; 2]>,
}

/// The regions of a map, worst first, and their pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    /// Worst first.
    pub regions: Vec<Region>,
    /// 255 where a region is, as large as the map.
    pub mask: GrayImage,
}

/// Every 8-connected component of pixels that reach `low` and of which one reaches `high`, if its area in the picture is at
/// least `min_area_px`.
pub fn regions(map: &ScoreMap, thresholds: Hysteresis, min_area_px: f64) -> Regions {
    let mut search = Search::of(map, thresholds.low);
    let mut mask = GrayImage::new(map.width, map.height);
    let mut regions = Vec::new();
    for seed in 0..map.values.len() {
        if map.values[seed] < thresholds.high || !search.is_open[seed] {
            continue;
        }
        search.component(seed);
        let area = search.pixels.len() as f64 * map.scale * map.scale;
        if area < min_area_px {
            continue;
        }
        search.pixels.iter().for_each(|at| mask.as_mut()[*at] = 255);
        regions.push(search.region(area));
    }
    regions.sort_by(|a: &Region, b| b.peak.total_cmp(&a.peak));
    Regions { regions, mask }
}

/// The one region round the highest score of a map that reaches no threshold, as wide as if that score were the higher one.
/// None on a map without any score.
pub fn worst_place(map: &ScoreMap, thresholds: Hysteresis) -> Regions {
    let worst = (0..map.values.len()).max_by(|a, b| map.values[*a].total_cmp(&map.values[*b]));
    let mut mask = GrayImage::new(map.width, map.height);
    let Some(seed) = worst.filter(|at| map.values[*at] > 0.0) else { return Regions { regions: Vec::new(), mask } };
    let mut search = Search::of(map, map.values[seed] * (thresholds.low / thresholds.high).min(1.0));
    search.component(seed);
    search.pixels.iter().for_each(|at| mask.as_mut()[*at] = 255);
    let area = search.pixels.len() as f64 * map.scale * map.scale;
    Regions { regions: vec![search.region(area)], mask }
}

struct Search<'a> {
    map: &'a ScoreMap,
    /// Pixels that reach `low` and that no component has yet.
    is_open: Vec<bool>,
    /// The component that was found last.
    pixels: Vec<usize>,
}

impl<'a> Search<'a> {
    fn of(map: &'a ScoreMap, low: f32) -> Self {
        let is_open = map.values.iter().map(|score| *score >= low && *score > 0.0).collect();
        Self { map, is_open, pixels: Vec::new() }
    }

    /// Gathers what hangs together with `seed`.
    fn component(&mut self, seed: usize) {
        let (width, height) = (self.map.width as usize, self.map.height as usize);
        self.pixels.clear();
        self.pixels.push(seed);
        self.is_open[seed] = false;
        let mut next = 0;
        while let Some(&at) = self.pixels.get(next) {
            next += 1;
            for neighbour in neighbours(at, width, height) {
                if std::mem::take(&mut self.is_open[neighbour]) {
                    self.pixels.push(neighbour);
                }
            }
        }
    }

    fn region(&self, area: f64) -> Region {
        let width = self.map.width as usize;
        let scores = || self.pixels.iter().map(|at| self.map.values[*at]);
        let columns = || self.pixels.iter().map(|at| (at % width) as u32);
        let rows = || self.pixels.iter().map(|at| (at / width) as u32);
        let (left, right) = (columns().min().unwrap_or(0), columns().max().unwrap_or(0));
        let (top, bottom) = (rows().min().unwrap_or(0), rows().max().unwrap_or(0));
        let scaled = |at: u32| (f64::from(at) * self.map.scale).round() as u32;
        let (x, y) = (scaled(left), scaled(top));
        let mut own = GrayImage::new(right - left + 1, bottom - top + 1);
        columns().zip(rows()).for_each(|(column, row)| own.put_pixel(column - left, row - top, Luma([255])));
        Region {
            x,
            y,
            width: scaled(right + 1) - x,
            height: scaled(bottom + 1) - y,
            area,
            peak: scores().fold(0.0, f32::max),
            mean: (scores().map(f64::from).sum::<f64>() / self.pixels.len() as f64) as f32,
            outline: outline(&own).into_iter().map(|[x, y]| [scaled(x + left), scaled(y + top)]).collect(),
        }
    }
}

/// The up to eight pixels round a pixel.
pub(super) fn neighbours(at: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (at % width, at / width);
    let (rows, columns) = (y.saturating_sub(1)..(y + 2).min(height), x.saturating_sub(1)..(x + 2).min(width));
    rows.flat_map(move |row| columns.clone().map(move |column| row * width + column)).filter(move |other| *other != at)
}

/// How boxes that overlap a better one lose score (Bodla et al. 2017).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decay {
    /// s · e^(−IoU² / σ).
    Gaussian {
        /// The paper uses 0.5.
        sigma: f32,
    },
    /// s · (1 − IoU) where IoU is above the threshold.
    Linear {
        /// The paper uses 0.3.
        threshold: f32,
    },
}

/// A box with a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Left, top, right, bottom.
    pub corners: [f32; 4],
    /// Higher is surer.
    pub score: f32,
}

/// Soft non-maximum suppression: boxes in falling order of what is left of their scores, those below `least` left out. For
/// boxes of several tiles, sizes or thresholds; it never changes the verdict on a part.
pub fn soft_nms(mut boxes: Vec<Scored>, decay: Decay, least: f32) -> Vec<Scored> {
    let mut kept = Vec::with_capacity(boxes.len());
    while let Some(best) = (0..boxes.len()).max_by(|a, b| boxes[*a].score.total_cmp(&boxes[*b].score)) {
        let best = boxes.swap_remove(best);
        if best.score < least {
            break;
        }
        for other in &mut boxes {
            other.score *= decay.share(overlap(&best.corners, &other.corners));
        }
        kept.push(best);
    }
    kept
}

impl Decay {
    fn share(self, overlap: f32) -> f32 {
        match self {
            Self::Gaussian { sigma } => (-overlap * overlap / sigma).exp(),
            Self::Linear { threshold } if overlap > threshold => 1.0 - overlap,
            Self::Linear { .. } => 1.0,
        }
    }
}

/// Intersection over union.
fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let area = |[left, top, right, bottom]: &[f32; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let shared = area(&[a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    let either = area(a) + area(b) - shared;
    if either > 0.0 { shared / either } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[&[u8]]) -> ScoreMap {
        let values = rows.concat().into_iter().map(f32::from).collect();
        ScoreMap { width: rows[0].len() as u32, height: rows.len() as u32, values, scale: 1.0 }
    }

    const BOTH: Hysteresis = Hysteresis { high: 5.0, low: 2.0 };

    #[test]
    fn a_region_needs_one_high_score_and_keeps_the_lower_ones_round_it() {
        let found = regions(&map(&[&[2, 0, 0, 4], &[0, 7, 0, 4], &[0, 0, 3, 0]]), BOTH, 0.0);
        // All hang together over corners.
        assert_eq!(found.regions.len(), 1);
        let region = &found.regions[0];
        assert_eq!((region.x, region.y, region.width, region.height, region.area), (0, 0, 4, 3, 5.0));
        assert_eq!((region.peak, region.mean), (7.0, 4.0));
        assert_eq!(found.mask.as_raw().iter().filter(|value| **value == 255).count(), 5);
        assert!(regions(&map(&[&[4, 4], &[4, 4]]), BOTH, 0.0).regions.is_empty());
    }

    #[test]
    fn regions_come_worst_first_and_small_ones_are_left_out() {
        let two = map(&[&[6, 6, 0, 9], &[6, 6, 0, 0]]);
        let peaks = |least| regions(&two, BOTH, least).regions.iter().map(|region| region.peak).collect::<Vec<_>>();
        assert_eq!(peaks(0.0), [9.0, 6.0]);
        assert_eq!(peaks(2.0), [6.0]);
        assert_eq!(regions(&two, BOTH, 2.0).mask.get_pixel(3, 0).0, [0]);
    }

    #[test]
    fn on_a_smaller_map_all_is_in_pixels_of_the_picture() {
        let half = ScoreMap { scale: 2.0, ..map(&[&[0, 9], &[0, 9]]) };
        let region = regions(&half, BOTH, 0.0).regions.remove(0);
        assert_eq!((region.x, region.width, region.height, region.area), (2, 2, 4, 8.0));
    }

    #[test]
    fn nothing_is_no_region() {
        let zero = Hysteresis { high: 0.0, low: 0.0 };
        assert!(regions(&map(&[&[0, 0]]), zero, 0.0).regions.is_empty());
    }

    #[test]
    fn the_worst_place_of_a_map_below_all_thresholds_is_one_region() {
        let quiet = map(&[&[4, 2, 0, 4], &[1, 1, 0, 0]]);
        assert!(regions(&quiet, BOTH, 0.0).regions.is_empty());
        // 4 · 2 / 5 = 1.6: so low may be what hangs together with it.
        let found = worst_place(&quiet, BOTH);
        let region = &found.regions[0];
        assert_eq!((found.regions.len(), region.x, region.width, region.height, region.peak), (1, 3, 1, 1, 4.0));
        assert_eq!(found.mask.as_raw().iter().filter(|value| **value == 255).count(), 1);
        assert!(worst_place(&map(&[&[0, 0]]), BOTH).regions.is_empty());
    }

    #[test]
    fn overlapping_boxes_lose_what_the_paper_says() {
        // Boxes 10 wide, 1 apart: IoU 9/11 = 0.8182.
        let boxes = |first: f32| Scored { corners: [first, 0.0, first + 10.0, 10.0], score: 0.9 - 0.1 * first };
        let left = |decay| soft_nms(vec![boxes(0.0), boxes(1.0)], decay, 0.001)[1].score;
        assert!((left(Decay::Gaussian { sigma: 0.5 }) - 0.2097).abs() < 1e-4);
        assert!((left(Decay::Linear { threshold: 0.3 }) - 0.1455).abs() < 1e-4);
        let far = Scored { corners: [50.0, 0.0, 60.0, 10.0], score: 0.8 };
        assert_eq!(soft_nms(vec![boxes(0.0), far], Decay::Gaussian { sigma: 0.5 }, 0.001).len(), 2);
        assert!(soft_nms(vec![Scored { score: 0.0005, ..far }], Decay::Linear { threshold: 0.3 }, 0.001).is_empty());
    }
}
