//! Scores of patches → scores of pixels and of the part. In: a small grid of raw scores. Out: a map over the picture, and
//! one number for all of it. Must never know how scores were made or what they mean: nothing is scaled to a range.

use rayon::prelude::*;

use super::roi::Roi;

/// A map is computed with at most so many pixels a side; larger pictures get one that is smaller than they are.
pub const MOST_MAP_SIDE: u32 = 4096;
/// A Gaussian is cut off at so many standard deviations (as scipy's).
const REACH: f32 = 4.0;

/// Standard deviation in pixels of the coarse map of a wide Gaussian.
const COARSE_SIGMA: f32 = 4.0;

/// Raw scores of the patches of a picture, row by row.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ScoreGrid {
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
    /// `rows * columns` scores, 0 or more and finite.
    pub values: Vec<f32>,
}

/// Scores of pixels, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreMap {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// `width * height` scores.
    pub values: Vec<f32>,
    /// Pixels of the picture for one of the map: 1 but for very large pictures.
    pub scale: f64,
}

impl ScoreGrid {
    /// The part's score: the mean of the `share` worst patches, of the worst one at least (AnomalyDINO, section 3.2),
    /// of those that `roi` keeps. 0 where it keeps none.
    pub fn part_score(&self, share: f32, roi: &Roi) -> f32 {
        let mut kept = self.kept(roi);
        let count = ((kept.len() as f32 * share) as usize).max(1).min(kept.len());
        if count == 0 {
            return 0.0;
        }
        let first = kept.len() - count;
        kept.select_nth_unstable_by(first, f32::total_cmp);
        (kept[first..].iter().map(|score| f64::from(*score)).sum::<f64>() / count as f64) as f32
    }

    /// The median of the patches that `roi` keeps; 0 where it keeps none. What drifts shows in it first.
    pub fn median(&self, roi: &Roi) -> f32 {
        let mut kept = self.kept(roi);
        if kept.is_empty() {
            return 0.0;
        }
        let middle = kept.len() / 2;
        *kept.select_nth_unstable_by(middle, f32::total_cmp).1
    }

    /// The same over `rows × columns` places: bilinear where these are more, where they are fewer each the highest of those
    /// that lie in it, so that no defect is lost.
    pub(super) fn resized(&self, rows: usize, columns: usize) -> Self {
        if (rows, columns) == (self.rows, self.columns) {
            return self.clone();
        }
        if rows >= self.rows && columns >= self.columns {
            let values = enlarged(&self.values, (self.rows, self.columns), (rows, columns));
            return Self { rows, columns, values };
        }
        let mut values = vec![0.0_f32; rows * columns];
        for row in 0..rows.max(self.rows) {
            for column in 0..columns.max(self.columns) {
                // Every place of either grid, in both.
                let at = |place: usize, to: usize, from: usize| if to < from { place } else { place * from / to };
                let into = |place: usize, to: usize, from: usize| if to < from { place * to / from } else { place };
                let score = self.values[at(row, rows, self.rows) * self.columns + at(column, columns, self.columns)];
                let place = into(row, rows, self.rows) * columns + into(column, columns, self.columns);
                values[place] = values[place].max(score);
            }
        }
        Self { rows, columns, values }
    }

    fn kept(&self, roi: &Roi) -> Vec<f32> {
        if roi.is_everything() {
            return self.values.clone();
        }
        let is_kept = |place: usize| {
            let (row, column) = (place / self.columns, place % self.columns);
            roi.keeps((column as f32 + 0.5) / self.columns as f32, (row as f32 + 0.5) / self.rows as f32)
        };
        self.values.iter().enumerate().filter(|(place, _)| is_kept(*place)).map(|(_, score)| *score).collect()
    }

    /// The map over a picture of `size` (width, height): bilinear, then smoothed with a Gaussian of `sigma_px` pixels of the
    /// picture, by default a third of a patch's side; 0 where `roi` keeps nothing.
    pub fn map(&self, size: (u32, u32), sigma_px: Option<f32>, roi: &Roi) -> ScoreMap {
        let scale = (f64::from(size.0.max(size.1)) / f64::from(MOST_MAP_SIDE)).max(1.0);
        let side = |pixels: u32| ((f64::from(pixels) / scale).round() as u32).max(1);
        let (width, height) = (side(size.0), side(size.1));
        let patch = (width as f32 / self.columns as f32).max(height as f32 / self.rows as f32);
        let sigma = sigma_px.map_or(patch / 3.0, |sigma| sigma / scale as f32);
        let mut values = smoothed(self, (width as usize, height as usize), sigma);
        if !roi.is_everything() {
            clear_outside(&mut values, (width, height), roi);
        }
        ScoreMap { width, height, values, scale }
    }
}

impl ScoreMap {
    /// The highest score.
    pub fn peak(&self) -> f32 {
        self.values.iter().copied().fold(0.0, f32::max)
    }

    /// The score below which lies the `share` of all pixels.
    pub fn quantile(&self, share: f64) -> f32 {
        let mut values = self.values.clone();
        if values.is_empty() {
            return 0.0;
        }
        let at = ((values.len() - 1) as f64 * share.clamp(0.0, 1.0)).round() as usize;
        *values.select_nth_unstable_by(at, f32::total_cmp).1
    }
}

/// The grid enlarged to `width × height` and smoothed. A wide Gaussian leaves nothing that is finer than a few pixels: it is
/// computed on every n-th pixel, of which it still spans four a standard deviation, and what lies between is interpolated.
fn smoothed(grid: &ScoreGrid, (width, height): (usize, usize), sigma: f32) -> Vec<f32> {
    let coarse = ((sigma / COARSE_SIGMA) as usize).max(1);
    let (columns, rows) = (width.div_ceil(coarse), height.div_ceil(coarse));
    let mut values = enlarged(&grid.values, (grid.rows, grid.columns), (rows, columns));
    smooth(&mut values, columns, sigma * columns as f32 / width as f32);
    if coarse == 1 { values } else { enlarged(&values, (rows, columns), (height, width)) }
}

/// torch's `interpolate(mode="bilinear", align_corners=False)` of one channel.
fn enlarged(values: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    let columns: Vec<(usize, usize, f32)> = (0..to.1).map(|at| between(at, from.1, to.1)).collect();
    let mut map = vec![0.0; to.0 * to.1];
    map.par_chunks_exact_mut(to.1.max(1)).enumerate().for_each(|(y, row)| {
        let (top, bottom, down) = between(y, from.0, to.0);
        let (above, below) = (&values[top * from.1..][..from.1], &values[bottom * from.1..][..from.1]);
        let line: Vec<f32> = above.iter().zip(below).map(|(a, b)| a + down * (b - a)).collect();
        for (value, (left, right, across)) in row.iter_mut().zip(&columns) {
            *value = line[*left] + across * (line[*right] - line[*left]);
        }
    });
    map
}

/// The two places that are mixed into place `at`, and the share of the second.
fn between(at: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let place = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).max(0.0);
    let first = (place as usize).min(from - 1);
    (first, (first + 1).min(from - 1), place - first as f32)
}

/// scipy's `gaussian_filter` (reflected at the border), in place.
pub(super) fn smooth(values: &mut [f32], width: usize, sigma: f32) {
    let kernel = gaussian(sigma);
    if kernel.len() <= 1 || width == 0 {
        return;
    }
    let reach = kernel.len() / 2;
    values.par_chunks_exact_mut(width).for_each_init(Vec::new, |padded, row| {
        padded.clear();
        padded.extend((0..width + 2 * reach).map(|at| row[reflected(at as isize - reach as isize, width)]));
        row.fill(0.0);
        for (offset, share) in kernel.iter().enumerate() {
            row.iter_mut().zip(&padded[offset..]).for_each(|(sum, value)| *sum += share * value);
        }
    });
    smooth_down(values, width, &kernel);
}

/// The same from top to bottom: a window of rows is kept, so that only a few rows are held twice.
fn smooth_down(values: &mut [f32], width: usize, kernel: &[f32]) {
    /// Columns that one thread takes at a time: a window of them stays in the cache.
    const BAND: usize = 64;
    let (height, reach) = (values.len() / width, kernel.len() / 2);
    let source: &[f32] = values;
    let bands: Vec<Vec<f32>> = (0..width.div_ceil(BAND))
        .into_par_iter()
        .map(|band| {
            let (left, right) = (band * BAND, (band * BAND + BAND).min(width));
            let mut smoothed = vec![0.0; height * (right - left)];
            for (y, row) in smoothed.chunks_exact_mut(right - left).enumerate() {
                for (offset, share) in kernel.iter().enumerate() {
                    let from = reflected((y + offset) as isize - reach as isize, height);
                    let line = &source[from * width + left..from * width + right];
                    row.iter_mut().zip(line).for_each(|(sum, value)| *sum += share * value);
                }
            }
            smoothed
        })
        .collect();
    for (band, smoothed) in bands.iter().enumerate() {
        let (left, right) = (band * BAND, (band * BAND + BAND).min(width));
        for (y, row) in smoothed.chunks_exact(right - left).enumerate() {
            values[y * width + left..y * width + right].copy_from_slice(row);
        }
    }
}

fn gaussian(sigma: f32) -> Vec<f32> {
    let reach = (REACH * sigma + 0.5) as usize;
    if sigma <= 0.0 || reach == 0 {
        return vec![1.0];
    }
    let weight = |at: usize| (-0.5 * ((at as f64 - reach as f64) / f64::from(sigma)).powi(2)).exp();
    let sum: f64 = (0..=2 * reach).map(weight).sum();
    (0..=2 * reach).map(|at| (weight(at) / sum) as f32).collect()
}

/// d c b a | a b c d | d c b a
fn reflected(at: isize, len: usize) -> usize {
    let period = 2 * len as isize;
    let at = at.rem_euclid(period) as usize;
    if at < len { at } else { 2 * len - 1 - at }
}

fn clear_outside(values: &mut [f32], (width, height): (u32, u32), roi: &Roi) {
    values.par_chunks_exact_mut(width as usize).enumerate().for_each(|(y, row)| {
        for (x, value) in row.iter_mut().enumerate() {
            if !roi.keeps((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32) {
                *value = 0.0;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize, values: &[f32]) -> ScoreGrid {
        ScoreGrid { rows, columns, values: values.to_vec() }
    }

    #[track_caller]
    fn check_near(found: &[f32], expected: &[f32]) {
        let is_near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(found.len() == expected.len() && is_near, "{found:?}");
    }

    #[test]
    fn the_part_is_scored_by_its_worst_patches_and_by_one_at_least() {
        let all = Roi::default();
        let values: Vec<f32> = (0..200_u8).map(f32::from).collect();
        assert_eq!(grid(10, 20, &values).part_score(0.01, &all), 198.5);
        assert_eq!(grid(1, 3, &[1.0, 5.0, 2.0]).part_score(0.01, &all), 5.0);
        assert_eq!(grid(1, 3, &[1.0, 5.0, 2.0]).median(&all), 2.0);
    }

    #[test]
    fn the_map_is_bilinear() {
        // torch.nn.functional.interpolate(torch.tensor([[[[0., 4.]]]]), (1, 4), mode="bilinear")
        let map = grid(1, 2, &[0.0, 4.0]).map((4, 1), Some(0.0), &Roi::default());
        check_near(&map.values, &[0.0, 1.0, 3.0, 4.0]);
    }

    #[test]
    fn smoothing_is_that_of_scipy() {
        // scipy.ndimage.gaussian_filter([[0, 0, 1, 0, 0], [0, 0, 1, 1, 0]], 0.7)
        let mut values = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0];
        smooth(&mut values, 5, 0.7);
        let expected = [
            0.0096906, 0.207561, 0.6159983, 0.3334549, 0.0579913, 0.0097228, 0.2128572, 0.7290929, 0.6472487, 0.1763822,
        ];
        check_near(&values, &expected);
    }

    #[test]
    fn a_flat_map_stays_flat_whatever_its_size() {
        for (width, height) in [(1, 1), (3, 200), (65, 1), (130, 70)] {
            let map = grid(2, 2, &[2.5; 4]).map((width, height), Some(9.0), &Roi::default());
            assert_eq!((map.width, map.height), (width, height));
            assert!(map.values.iter().all(|value| (value - 2.5).abs() < 1e-5));
        }
    }

    #[test]
    fn a_wide_gaussian_on_every_nth_pixel_is_the_same_map() {
        let mut values = vec![0.1; 19 * 28];
        (values[150], values[151], values[530]) = (1.0, 0.7, 0.5);
        let grid = grid(19, 28, &values);
        let mut slow = enlarged(&grid.values, (19, 28), (400, 600));
        smooth(&mut slow, 600, 9.0);
        let fast = grid.map((600, 400), Some(9.0), &Roi::default()).values;
        let differs = slow.iter().zip(&fast).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(differs < 0.01, "{differs}");
    }

    #[test]
    fn a_grid_of_fewer_places_keeps_the_highest_score() {
        let mut fine = grid(6, 4, &[0.1; 24]);
        fine.values[13] = 9.0;
        let coarse = fine.resized(2, 2);
        check_near(&coarse.values, &[0.1, 0.1, 9.0, 0.1]);
        assert_eq!(fine.resized(6, 4), fine);
        check_near(&fine.resized(2, 8).values[8..12], &[0.1, 0.1, 9.0, 9.0]);
        check_near(&grid(1, 2, &[0.0, 4.0]).resized(1, 4).values, &[0.0, 1.0, 3.0, 4.0]);
    }

    #[test]
    fn a_very_large_picture_gets_a_smaller_map() {
        let map = grid(1, 1, &[1.0]).map((8192, 2), Some(4.0), &Roi::default());
        assert_eq!((map.width, map.height, map.scale), (4096, 1, 2.0));
    }

    #[test]
    fn nothing_counts_outside_what_is_kept() {
        let left = Roi { include: vec![vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]], exclude: Vec::new() };
        let grid = grid(1, 2, &[1.0, 9.0]);
        assert_eq!(grid.part_score(1.0, &left), 1.0);
        assert_eq!(grid.map((4, 1), Some(0.0), &left).values[2..], [0.0, 0.0]);
    }
}
