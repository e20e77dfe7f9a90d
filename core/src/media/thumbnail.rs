//! Picture → small picture. In: an upright picture. Out: the same within a square. Knows no file.

use fast_image_resize::{FilterType, ResizeAlg};
use image::RgbImage;

use super::resize::resized;

/// A copy whose longer side is at most `longest_side` pixels; a smaller picture is not enlarged.
pub fn thumbnail(picture: &RgbImage, longest_side: u32) -> RgbImage {
    let (width, height) = small_size(picture.dimensions(), longest_side);
    if (width, height) == picture.dimensions() {
        return picture.clone();
    }
    at_size(picture, width, height)
}

/// A copy of exactly this size, whatever the proportions; black for a picture without pixels.
pub(super) fn stretched(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    at_size(picture, width, height)
}

fn at_size(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let whole = [0.0, 0.0, f64::from(picture.width()), f64::from(picture.height())];
    // The whole is within the picture, so only one without pixels is refused.
    resized(picture, ResizeAlg::Convolution(FilterType::Hamming), (width, height), whole)
        .unwrap_or_else(|_| RgbImage::new(width, height))
}

/// The size within a square of `longest_side`, at least one pixel each way.
fn small_size((width, height): (u32, u32), longest_side: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= longest_side {
        return (width, height);
    }
    let scale = |side: u32| (u64::from(side) * u64::from(longest_side)).div_ceil(u64::from(longest)).max(1) as u32;
    (scale(width), scale(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(size: (u32, u32), longest_side: u32, expected: (u32, u32)) {
        let picture = RgbImage::from_pixel(size.0, size.1, image::Rgb([9, 99, 199]));
        let small = thumbnail(&picture, longest_side);
        assert_eq!(small.dimensions(), expected);
        assert!(small.pixels().all(|pixel| pixel.0 == [9, 99, 199]));
    }

    #[test]
    fn the_longer_side_is_the_one_asked_for() {
        check((640, 480), 320, (320, 240));
        check((30, 60), 20, (10, 20));
    }

    #[test]
    fn a_small_picture_stays() {
        check((5, 4), 320, (5, 4));
    }

    #[test]
    fn a_thread_thin_picture_keeps_one_pixel() {
        check((1000, 1), 10, (10, 1));
    }
}
