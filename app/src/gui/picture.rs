//! A file → pixels for the graphics card. In: a decoded picture. Out: egui's images. Reads files: for jobs only.

use std::path::Path;

use egui::ColorImage;
use sightline_core::Result;
use sightline_core::engine::Engine;
use sightline_core::jobs::Ticker;
use sightline_core::media;

use super::state::Picture;

/// The longer side of a picture that is shown whole: sharp on a display of 4K.
const FIT: u32 = 2560;

/// The longer side that every graphics card of the last decade takes as one texture.
const FULL: u32 = 8192;

/// A file for the large view.
///
/// # Errors
/// A file that is not there or cannot be used. [`sightline_core::Error::Cancelled`] when it is no longer wanted.
pub fn decoded(engine: &Engine, path: &Path, ticker: &Ticker) -> Result<Picture> {
    let picture = engine.picture(path)?.picture;
    let size = picture.dimensions();
    let within = |side: u32| match size.0.max(size.1) {
        longer if longer <= side => color_image(size, picture.as_raw()),
        _ => {
            let smaller = media::thumbnail(&picture, side);
            color_image(smaller.dimensions(), smaller.as_raw())
        }
    };
    ticker.check()?;
    let fit = within(FIT);
    ticker.check()?;
    Ok(Picture { fit, full: within(FULL), size })
}

/// 8-bit RGB as egui wants it.
pub fn color_image((width, height): (u32, u32), rgb: &[u8]) -> ColorImage {
    ColorImage::from_rgb([width as usize, height as usize], rgb)
}
