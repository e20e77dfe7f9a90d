//! Whether pictures still look as they did when the references were taken. In: pictures, and what good parts score over
//! time. Out: brightness and sharpness with gates, and a moving average. Judges no part by its defects.

use image::RgbImage;
use serde::{Deserialize, Serialize};

/// How a picture was taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    /// The mean of its luma, 0 to 1.
    pub brightness: f64,
    /// The variance of its Laplacian on a copy of about 512 pixels (Pech-Pacheco et al. 2000), in squares of the luma.
    pub sharpness: f64,
}

/// A copy for measuring has about so many pixels a side.
const MEASURED_SIDE: u32 = 512;

impl Exposure {
    /// Measures a picture; one without pixels is black and blurred.
    pub fn of(picture: &RgbImage) -> Self {
        let step = picture.width().max(picture.height()).div_ceil(MEASURED_SIDE).max(1);
        let (width, height) = (picture.width() / step, picture.height() / step);
        let luma = |x: u32, y: u32| {
            let [r, g, b] = picture.get_pixel(x * step, y * step).0.map(i32::from);
            299 * r + 587 * g + 114 * b
        };
        let values: Vec<i32> = (0..height).flat_map(|y| (0..width).map(move |x| luma(x, y))).collect();
        let rows: Vec<&[i32]> = values.chunks_exact(width.max(1) as usize).collect();
        let mut edges = WholeSums::default();
        for [above, row, below] in rows.array_windows() {
            for (([left, here, right], above), below) in row.array_windows().zip(&above[1..]).zip(&below[1..]) {
                edges.add(left + right + above + below - 4 * here);
            }
        }
        let mut all = WholeSums::default();
        values.into_iter().for_each(|value| all.add(value));
        Self { brightness: all.mean() / WHITE, sharpness: edges.variance() / WHITE.powi(2) }
    }
}

/// The luma of white, as whole numbers have it.
const WHITE: f64 = 255_000.0;

/// Sums of whole numbers, exact for any picture that is measured.
#[derive(Default)]
struct WholeSums {
    count: i64,
    sum: i64,
    squares: i64,
}

impl WholeSums {
    fn add(&mut self, value: i32) {
        self.count += 1;
        self.sum += i64::from(value);
        self.squares += i64::from(value).pow(2);
    }

    fn mean(&self) -> f64 {
        self.sum as f64 / self.count.max(1) as f64
    }

    fn variance(&self) -> f64 {
        let (count, sum) = (i128::from(self.count.max(1)), i128::from(self.sum));
        (i128::from(self.squares) * count - sum * sum) as f64 / (count * count) as f64
    }
}

/// What exposures are taken as usual.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    /// Lowest and highest brightness.
    pub brightness: [f64; 2],
    /// The lowest sharpness.
    pub least_sharpness: f64,
}

/// Brightness may always differ by so much: lamps flicker.
const BRIGHTNESS_TOLERANCE: f64 = 0.1;
/// Sharpness may always fall to this share of the references' least.
const SHARPNESS_SHARE: f64 = 0.4;

impl Gates {
    /// Gates that the references pass with room; `None` without references.
    pub fn of(references: &[Exposure]) -> Option<Self> {
        let brightness: Vec<f64> = references.iter().map(|exposure| exposure.brightness).collect();
        let sharpness = references.iter().map(|exposure| exposure.sharpness).reduce(f64::min)?;
        let room = BRIGHTNESS_TOLERANCE.max(3.0 * variance(&brightness).sqrt());
        let (low, high) = (brightness.iter().copied().reduce(f64::min)?, brightness.iter().copied().reduce(f64::max)?);
        Some(Self { brightness: [low - room, high + room], least_sharpness: SHARPNESS_SHARE * sharpness })
    }

    /// What is wrong with a picture, if anything.
    pub fn complaint(&self, exposure: &Exposure) -> Option<&'static str> {
        if exposure.brightness < self.brightness[0] {
            return Some("darker than the references: check the lighting");
        }
        if exposure.brightness > self.brightness[1] {
            return Some("brighter than the references: check the lighting");
        }
        (exposure.sharpness < self.least_sharpness).then_some("less sharp than the references: check the focus")
    }
}

/// The moving average of what good parts score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// What is usual, from the calibration.
    pub usual: f64,
    /// How far the average may be from it.
    pub room: f64,
    /// The last medians of parts that passed, oldest first.
    recent: std::collections::VecDeque<f64>,
}

/// So many parts are averaged.
const AVERAGED: usize = 20;

impl Drift {
    /// Expects what the good parts of the calibration have: their medians.
    pub fn of(medians: &[f32]) -> Self {
        let medians: Vec<f64> = medians.iter().map(|median| f64::from(*median)).collect();
        let usual = mean(&medians);
        let spread = variance(&medians).sqrt();
        Self { usual, room: (3.0 * spread).max(0.25 * usual), recent: std::collections::VecDeque::new() }
    }

    /// Takes the median patch score of a part that passed.
    pub fn add(&mut self, median: f32) {
        if self.recent.len() == AVERAGED {
            self.recent.pop_front();
        }
        self.recent.push_back(f64::from(median));
    }

    /// The average of the last parts that passed; `None` before the first.
    pub fn average(&self) -> Option<f64> {
        (!self.recent.is_empty()).then(|| self.recent.iter().sum::<f64>() / self.recent.len() as f64)
    }

    /// Whether good parts no longer look as they did, seen over at least half of the parts that are averaged.
    pub fn has_drifted(&self) -> bool {
        let is_far = |average: f64| (average - self.usual).abs() > self.room;
        2 * self.recent.len() >= AVERAGED && self.average().is_some_and(is_far)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn variance(values: &[f64]) -> f64 {
    let middle = mean(values);
    values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn stripes(dark: u8, light: u8) -> RgbImage {
        RgbImage::from_fn(64, 48, |x, _| Rgb([if x % 4 < 2 { dark } else { light }; 3]))
    }

    #[test]
    fn the_gates_stop_what_is_dark_bright_or_blurred() {
        let gates = Gates::of(&[Exposure::of(&stripes(80, 160)), Exposure::of(&stripes(84, 164))]).unwrap();
        let complaint = |picture: &RgbImage| gates.complaint(&Exposure::of(picture)).unwrap_or("none");
        assert_eq!(complaint(&stripes(85, 165)), "none");
        assert!(complaint(&stripes(10, 90)).starts_with("darker"));
        assert!(complaint(&stripes(170, 250)).starts_with("brighter"));
        assert!(complaint(&stripes(118, 126)).starts_with("less sharp"));
        assert!(Gates::of(&[]).is_none());
    }

    #[test]
    fn sharpness_is_the_variance_of_the_laplacian() {
        let picture =
            RgbImage::from_fn(5, 4, |x, y| Rgb([(3 * x * x * x) as u8, (60 * y) as u8, (7 * x * x * y % 251) as u8]));
        let luma = |x: u32, y: u32| {
            let [r, g, b] = picture.get_pixel(x, y).0.map(f64::from);
            (0.299 * r + 0.587 * g + 0.114 * b) / 255.0
        };
        let laplacian =
            |(x, y): (u32, u32)| luma(x - 1, y) + luma(x + 1, y) + luma(x, y - 1) + luma(x, y + 1) - 4.0 * luma(x, y);
        let edges: Vec<f64> = [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2)].map(laplacian).to_vec();
        let lumas: Vec<f64> = (0..20).map(|at| luma(at % 5, at / 5)).collect();
        let found = Exposure::of(&picture);
        assert!((found.brightness - mean(&lumas)).abs() < 1e-12, "{found:?}");
        assert!((found.sharpness - variance(&edges)).abs() < 1e-12 && found.sharpness > 0.0, "{found:?}");
    }

    #[test]
    fn the_smallest_pictures_are_measured() {
        for (width, height) in [(0, 0), (1, 1), (2, 5), (600, 1)] {
            let exposure = Exposure::of(&RgbImage::new(width, height));
            assert_eq!((exposure.brightness, exposure.sharpness), (0.0, 0.0));
        }
    }

    #[test]
    fn one_odd_part_is_no_drift_and_many_are() {
        let mut drift = Drift::of(&[1.0, 1.02, 0.98]);
        drift.add(3.0);
        assert!(!drift.has_drifted());
        (0..10).for_each(|_| drift.add(1.0));
        assert!(!drift.has_drifted());
        (0..20).for_each(|_| drift.add(1.5));
        assert!(drift.has_drifted() && drift.average() == Some(1.5));
    }
}
