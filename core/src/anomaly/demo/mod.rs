//! A product that the program draws itself: a drilled plate of brushed metal. In: a seed and a size. Out: pictures of good
//! parts, of parts with one defect of eight kinds, and exact masks. The same seed gives the same pictures. Reads no file.

use image::{GrayImage, Luma, Rgb, RgbImage};
use rayon::prelude::*;

mod defect;
mod dice;
mod plate;

pub use defect::{DEFECT_KINDS, DefectKind};

use defect::Defect;
use dice::Dice;
use plate::{HEIGHT_MM, Plate, WIDTH_MM};

/// A smaller change of a pixel is hidden by the camera's noise and is not in the mask.
const LEAST_CHANGE: f32 = 5.0;
/// The camera's noise: the standard deviation of a pixel, in steps of 256.
const NOISE: f32 = 1.6;

/// A drawn part.
pub struct DrawnPart {
    /// What the camera gives.
    pub picture: RgbImage,
    /// 255 where the defect changed the picture; nowhere on a good part.
    pub mask: GrayImage,
}

/// Draws a part, `width` pixels wide. Parts of other seeds lie a little elsewhere, in a little other light, with another
/// grain.
pub fn draw_part(seed: u64, width: u32, kind: Option<DefectKind>) -> DrawnPart {
    let (width, height) = picture_size(width);
    let mut dice = Dice::new(seed);
    let plate = Plate::new(&mut dice);
    let defect = kind.map(|kind| Defect::new(kind, &mut dice));
    let mm_per_px = WIDTH_MM / width as f32;
    let line = |y: u32| -> Vec<([u8; 3], u8)> {
        let pixel = |x: u32| {
            let place = [(x as f32 + 0.5) * mm_per_px, (y as f32 + 0.5) * mm_per_px];
            let good = plate.colour(place, mm_per_px, None);
            let Some(defect) = &defect else { return (noisy(good, seed, x, y), 0) };
            let bad = plate.colour(place, mm_per_px, Some(defect));
            let change = good.iter().zip(bad).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            (noisy(bad, seed, x, y), if change >= LEAST_CHANGE { 255 } else { 0 })
        };
        (0..width).map(pixel).collect()
    };
    let pixels: Vec<([u8; 3], u8)> = (0..height).into_par_iter().flat_map_iter(line).collect();
    let at = |x: u32, y: u32| &pixels[(y * width + x) as usize];
    DrawnPart {
        picture: RgbImage::from_fn(width, height, |x, y| Rgb(at(x, y).0)),
        mask: GrayImage::from_fn(width, height, |x, y| Luma([at(x, y).1])),
    }
}

/// Width and height of a drawn picture.
fn picture_size(width: u32) -> (u32, u32) {
    (width, ((width as f32 * HEIGHT_MM / WIDTH_MM).round() as u32).max(1))
}

/// What the camera makes of a colour.
fn noisy(colour: [f32; 3], seed: u64, x: u32, y: u32) -> [u8; 3] {
    let mut dice = Dice::new(seed ^ (u64::from(x) << 32 | u64::from(y)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    colour.map(|level| (level + NOISE * dice.normal()).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(mask: &GrayImage) -> f64 {
        mask.pixels().filter(|pixel| pixel.0[0] > 0).count() as f64 / f64::from(mask.width() * mask.height())
    }

    #[test]
    fn a_seed_always_gives_the_same_part_and_another_one_another() {
        let part = |seed| draw_part(seed, 96, None).picture;
        assert_eq!(part(3), part(3));
        assert_ne!(part(3), part(4));
        assert_eq!(part(3).dimensions(), (96, 60));
    }

    #[test]
    fn every_defect_is_seen_and_small_and_nothing_else_is_changed() {
        for (at, kind) in DEFECT_KINDS.into_iter().enumerate() {
            for seed in 0..12 {
                let seed = 100 * at as u64 + seed;
                let (good, bad) = (draw_part(seed, 240, None), draw_part(seed, 240, Some(kind)));
                let share = share(&bad.mask);
                assert!(share > 2e-4 && share < 0.08, "{} {seed}: {share}", kind.name());
                let pairs = good.picture.pixels().zip(bad.picture.pixels());
                for ((good, bad), mask) in pairs.zip(bad.mask.pixels()) {
                    let most = good.0.iter().zip(bad.0).map(|(a, b)| a.abs_diff(b)).max();
                    assert!(mask.0[0] > 0 || most < Some(LEAST_CHANGE as u8 + 2), "{} {seed}", kind.name());
                }
            }
        }
    }

    #[test]
    fn a_good_part_has_no_mask_and_the_smallest_picture_can_be_drawn() {
        assert!(share(&draw_part(1, 64, None).mask) == 0.0);
        assert_eq!(draw_part(1, 1, Some(DefectKind::Chip)).picture.dimensions(), (1, 1));
    }
}
