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
            let [r, g, b] = picture.get_pixel(x * step, y * step).0.map(f64::from);
            (0.299 * r + 0.587 * g + 0.114 * b) / 255.0
        };
        let values: Vec<f64> = (0..height).flat_map(|y| (0..width).map(move |x| luma(x, y))).collect();
        let at = |x: u32, y: u32| values[(y * width + x) as usize];
        let laplacian = |(x, y): (u32, u32)| at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y);
        let inner = (1..height.saturating_sub(1)).flat_map(|y| (1..width.saturating_sub(1)).map(move |x| (x, y)));
        let edges: Vec<f64> = inner.map(laplacian).collect();
        Self { brightness: mean(&values), sharpness: variance(&edges) }
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
