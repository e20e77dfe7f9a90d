//! A part of a picture at another size. In: an RGB picture, the part in pixels, a filter. Out: a picture. Knows no model and
//! no file.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use crate::error::{Error, Result};

/// The part [left, top, width, height] of a picture, brought to `size` (width, height).
///
/// # Errors
/// The part is not within the picture.
pub(crate) fn resized(
    picture: &RgbImage,
    filter: ResizeAlg,
    size: (u32, u32),
    [left, top, width, height]: [f64; 4],
) -> Result<RgbImage> {
    let mut small = RgbImage::new(size.0, size.1);
    // Of one kind of pixel: `Resizer::resize` is compiled for thirteen, which was a quarter of all that this crate is made of.
    let source = TypedImageRef::<U8x3>::from_buffer(picture.width(), picture.height(), picture.as_raw());
    let target = TypedImage::<U8x3>::from_buffer(size.0, size.1, &mut small);
    let (source, mut target) = (source.map_err(refused)?, target.map_err(refused)?);
    let options = ResizeOptions::new().resize_alg(filter).crop(left, top, width, height);
    Resizer::new().resize_typed(&source, &mut target, &options).map_err(refused)?;
    Ok(small)
}

fn refused(reason: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("the picture could not be resized ({reason})"), "convert it")
}
