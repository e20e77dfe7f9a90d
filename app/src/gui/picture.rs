//! A file → pixels for the graphics card. In: a decoded picture. Out: egui's images. Reads files: for jobs only.

use std::path::Path;
use std::sync::Arc;

use egui::ColorImage;
use image::RgbImage;
use sightline_core::Result;
use sightline_core::engine::Engine;
use sightline_core::jobs::Ticker;
use sightline_core::media;

use super::state::{BINS, Picture};

/// The longer side of a picture that is shown whole: sharp on a display of 4K.
const FIT: u32 = 2560;

/// The longer side that every graphics card of the last decade takes as one texture.
const FULL: u32 = 8192;

/// A file for the large view.
///
/// # Errors
/// A file that is not there or cannot be used. [`sightline_core::Error::Cancelled`] when it is no longer wanted.
pub fn decoded(engine: &Engine, path: &Path, ticker: &Ticker) -> Result<Picture> {
    in_two_sizes(&engine.picture(path)?.picture, ticker)
}

/// A decoded picture for the large view.
///
/// # Errors
/// [`sightline_core::Error::Cancelled`] when it is no longer wanted.
pub fn in_two_sizes(picture: &RgbImage, ticker: &Ticker) -> Result<Picture> {
    let size = picture.dimensions();
    let within = |side: u32| match size.0.max(size.1) {
        longer if longer <= side => Arc::new(color_image(size, picture.as_raw())),
        _ => {
            let smaller = media::thumbnail(picture, side);
            Arc::new(color_image(smaller.dimensions(), smaller.as_raw()))
        }
    };
    ticker.check()?;
    let fit = within(FIT);
    ticker.check()?;
    let histogram = histogram(&fit);
    Ok(Picture { fit, full: within(FULL), size, histogram })
}

/// How many pixels of each brightness, of red, green and blue; the fullest step of all three is 1.
fn histogram(picture: &ColorImage) -> Box<[[f32; BINS]; 3]> {
    let mut counts = [[0_u32; BINS]; 3];
    for color in &picture.pixels {
        for (channel, counts) in [color.r(), color.g(), color.b()].iter().zip(&mut counts) {
            counts[usize::from(*channel) * BINS / 256] += 1;
        }
    }
    // The very ends are full of what is clipped, and would flatten the rest.
    let fullest = counts.iter().flat_map(|counts| &counts[1..BINS - 1]).copied().max().unwrap_or(0).max(1) as f32;
    Box::new(counts.map(|counts| counts.map(|count| (count as f32 / fullest).min(1.0))))
}

/// 8-bit RGB as egui wants it.
pub fn color_image((width, height): (u32, u32), rgb: &[u8]) -> ColorImage {
    ColorImage::from_rgb([width as usize, height as usize], rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_channel_by_brightness() {
        let picture = color_image((4, 1), &[130, 0, 0, 130, 0, 0, 130, 60, 0, 10, 60, 255]);
        let [red, green, blue] = *histogram(&picture);
        assert_eq!((red[32], red[2]), (1.0, 1.0 / 3.0));
        assert_eq!((green[15], green[0]), (2.0 / 3.0, 2.0 / 3.0));
        assert_eq!((blue[0], blue[63]), (1.0, 1.0 / 3.0));
    }
}
