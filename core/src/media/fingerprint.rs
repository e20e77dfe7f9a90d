//! Is it the same picture, saved again, or one that looks like it? In: an upright picture. Out: a fingerprint that survives
//! another size, another quality and another format, and the comparison of two. Knows no file.

use image::RgbImage;

use super::likeness::{Colours, GRID, look_alike};
use super::thumbnail::stretched;

/// Places of the grid that is compared.
const PLACES: usize = GRID * GRID;
/// Levels of 255 that two grids of one picture differ by in the mean: a JPEG of quality 30 stays below 2.
const MEAN_LEVELS: u32 = 3;
/// Levels that one place may differ by: what was painted over, a caption or a time stamp, is more.
const MOST_LEVELS: u8 = 24;
/// A picture whose levels all lie this close together says nothing: every sheet of white paper would be the same.
const LEAST_RANGE: u8 = 24;

/// What is left of a picture's colours on a grid of 16 × 16, stretched over all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    colours: Box<Colours>,
    sharpness: f32,
}

impl Fingerprint {
    /// Bytes of [`Fingerprint::to_bytes`].
    pub const BYTES: usize = 3 * PLACES + 4;

    /// Of a picture or its thumbnail. To compare sharpness, take thumbnails of one size.
    pub fn of(picture: &RgbImage) -> Self {
        let grid = stretched(picture, GRID as u32, GRID as u32);
        let mut colours = Box::new([0; 3 * PLACES]);
        colours.iter_mut().zip(grid.as_raw()).for_each(|(colour, level)| *colour = *level);
        Self { colours, sharpness: sharpness(picture) }
    }

    /// The brightness of each place.
    fn levels(&self) -> [u8; PLACES] {
        let (pixels, _) = self.colours.as_chunks();
        let mut levels = [0; PLACES];
        levels.iter_mut().zip(pixels).for_each(|(level, pixel)| *level = luma(*pixel));
        levels
    }

    /// How sharp it is: the variance of the Laplacian of its brightness (Pech-Pacheco et al. 2000).
    pub fn sharpness(&self) -> f32 {
        self.sharpness
    }

    /// One bit a pair of neighbours in an 8 × 8 grid: whether the brightness rises from left to right, wrapping at the
    /// end of a row. Close pictures differ in few bits; it only finds candidates.
    pub fn hash(&self) -> u64 {
        let levels = self.levels();
        let place = |row: usize, column: usize| {
            let corner = 2 * row * GRID + 2 * (column % 8);
            [0, 1, GRID, GRID + 1].iter().map(|step| u32::from(levels[corner + step])).sum::<u32>()
        };
        let bit = |at: usize| u64::from(place(at / 8, at % 8) < place(at / 8, at % 8 + 1)) << at;
        (0..64).map(bit).sum()
    }

    /// Whether there is enough in it to be compared: a blank sheet is like any other.
    pub fn says_something(&self) -> bool {
        say_something(&self.levels())
    }

    /// Whether they are of one picture, up to size, quality and format.
    pub fn is_same_picture(&self, other: &Self) -> bool {
        let (own, others) = (self.levels(), other.levels());
        let differences = own.iter().zip(&others).map(|(a, b)| a.abs_diff(*b));
        let (sum, most) = differences.fold((0, 0), |(sum, most), d| (sum + u32::from(d), most.max(d)));
        sum <= MEAN_LEVELS * PLACES as u32 && most <= MOST_LEVELS && say_something(&own) && say_something(&others)
    }

    /// Whether they look alike to the eye from afar: in colours and where these are. One may be a crop of the other by a
    /// fifth, a little turned, brighter, or of the same scene a moment later.
    pub fn looks_like(&self, other: &Self) -> bool {
        self.says_something() && other.says_something() && look_alike(&self.colours, &other.colours)
    }

    /// Its bytes, for a cache.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..Self::BYTES - 4].copy_from_slice(&*self.colours);
        bytes[Self::BYTES - 4..].copy_from_slice(&self.sharpness.to_le_bytes());
        bytes
    }

    /// From such bytes; `None` for another number of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (colours, sharpness) = bytes.split_last_chunk::<4>()?;
        Some(Self { colours: Box::new(colours.try_into().ok()?), sharpness: f32::from_le_bytes(*sharpness) })
    }
}

fn say_something(levels: &[u8]) -> bool {
    let (least, most) = levels.iter().fold((255_u8, 0), |(a, b), level| (a.min(*level), b.max(*level)));
    most.saturating_sub(least) >= LEAST_RANGE
}

/// Brightness as in ITU-R BT.601.
fn luma(pixel: [u8; 3]) -> u8 {
    let [r, g, b] = pixel.map(u32::from);
    ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
}

fn sharpness(picture: &RgbImage) -> f32 {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    if width < 3 || height < 3 {
        return 0.0;
    }
    let levels: Vec<f32> = picture.pixels().map(|pixel| f32::from(luma(pixel.0))).collect();
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for y in 1..height - 1 {
        for x in 1..width - 1 {
            let at = y * width + x;
            let laplacian =
                levels[at - 1] + levels[at + 1] + levels[at - width] + levels[at + width] - 4.0 * levels[at];
            sum += f64::from(laplacian);
            squares += f64::from(laplacian) * f64::from(laplacian);
        }
    }
    let count = ((width - 2) * (height - 2)) as f64;
    (squares / count - (sum / count).powi(2)) as f32
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    /// Hills and valleys that differ from number to number.
    fn scene(width: u32, height: u32, number: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
            let n = number as f32;
            let level = (x * (3.0 + n) + n).sin() + (y * (5.0 + 2.0 * n)).cos() * (x * 2.0 + n).sin();
            let wave = |at: f32| ((at.sin() + 1.0) * 110.0) as u8;
            Rgb([((level + 2.0) * 60.0) as u8, wave(y * (2.0 + n) + n), wave((x + y) * (1.0 + n) - n)])
        })
    }

    fn saved_again(picture: &RgbImage, quality: u8) -> RgbImage {
        let mut bytes = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
        picture.write_with_encoder(encoder).unwrap();
        image::load_from_memory(&bytes).unwrap().into_rgb8()
    }

    #[track_caller]
    fn check(a: &RgbImage, b: &RgbImage, expected: bool) {
        assert_eq!(Fingerprint::of(a).is_same_picture(&Fingerprint::of(b)), expected);
    }

    #[test]
    fn another_size_and_quality_are_the_same_picture() {
        for number in 0..6 {
            check(&scene(320, 240, number), &saved_again(&scene(160, 120, number), 40), true);
        }
    }

    #[test]
    fn another_scene_is_another_picture() {
        for number in 0..6 {
            check(&scene(320, 240, number), &scene(320, 240, number + 1), false);
        }
    }

    #[test]
    fn a_caption_makes_another_picture() {
        let mut captioned = scene(320, 240, 2);
        for (x, y) in (200..300).flat_map(|x| (200..230).map(move |y| (x, y))) {
            captioned.put_pixel(x, y, Rgb([255; 3]));
        }
        check(&scene(320, 240, 2), &captioned, false);
    }

    /// A part of a scene, `share` of each side, beginning at `start`.
    fn part(number: u32, start: f32, share: f32) -> RgbImage {
        let whole = scene(400, 300, number);
        let at = |side: u32, share: f32| (side as f32 * share) as u32;
        image::imageops::crop_imm(&whole, at(400, start), at(300, start), at(400, share), at(300, share)).to_image()
    }

    #[track_caller]
    fn check_likeness(a: &RgbImage, b: &RgbImage, expected: bool) {
        let (a, b) = (Fingerprint::of(a), Fingerprint::of(b));
        assert_eq!((a.looks_like(&b), b.looks_like(&a)), (expected, expected));
    }

    #[test]
    fn the_same_pattern_in_another_colour_is_not_alike() {
        let halves =
            |dark: [u8; 3], bright: [u8; 3]| RgbImage::from_fn(96, 64, |x, _| Rgb(if x < 48 { dark } else { bright }));
        let red = halves([190, 20, 20], [255, 80, 80]);
        check_likeness(&red, &halves([20, 155, 30], [80, 220, 90]), false);
        // A little less light, and warmer.
        check_likeness(&red, &halves([180, 15, 10], [245, 75, 65]), true);
    }

    #[test]
    fn crops_and_brighter_copies_and_the_next_shot_look_alike() {
        for number in 0..6 {
            let whole = scene(400, 300, number);
            let brighter =
                RgbImage::from_fn(400, 300, |x, y| Rgb(whole.get_pixel(x, y).0.map(|l| l.saturating_add(20))));
            check_likeness(&whole, &whole, true);
            check_likeness(&whole, &part(number, 0.05, 0.9), true);
            check_likeness(&whole, &brighter, true);
            check_likeness(&part(number, 0.0, 0.9), &part(number, 0.1, 0.9), true);
        }
    }

    #[test]
    fn another_scene_or_other_colours_do_not_look_alike() {
        for number in 0..6 {
            let whole = scene(400, 300, number);
            let other_colours = RgbImage::from_fn(400, 300, |x, y| {
                let [red, green, blue] = whole.get_pixel(x, y).0;
                Rgb([blue, red, 255 - green])
            });
            check_likeness(&whole, &scene(400, 300, number + 3), false);
            check_likeness(&whole, &other_colours, false);
            check_likeness(&whole, &RgbImage::from_pixel(40, 30, Rgb([120; 3])), false);
        }
    }

    #[test]
    fn blank_sheets_are_not_one_picture() {
        let sheet = RgbImage::from_pixel(100, 100, Rgb([250; 3]));
        check(&sheet, &sheet, false);
    }

    #[test]
    fn what_is_blurred_is_less_sharp() {
        let sharp = RgbImage::from_fn(64, 64, |x, y| Rgb([if (x / 4 + y / 4) % 2 == 0 { 20 } else { 220 }; 3]));
        let blurred = image::imageops::blur(&sharp, 2.0);
        assert!(Fingerprint::of(&sharp).sharpness() > 4.0 * Fingerprint::of(&blurred).sharpness());
    }

    proptest! {
        #[test]
        fn a_fingerprint_comes_back_as_it_went(width in 1_u32..40, height in 1_u32..40, number in 0_u32..9) {
            let fingerprint = Fingerprint::of(&scene(width, height, number));
            prop_assert_eq!(Fingerprint::from_bytes(&fingerprint.to_bytes()), Some(fingerprint));
        }
    }
}
