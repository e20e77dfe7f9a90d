//! HEIC and HEIF → raster, through the system's libheif. In: the bytes of a HEIC file. Out: the pixels of its primary
//! picture, turned by libheif: an EXIF orientation beside it is ignored, as the standard asks. Only with the feature
//! `heic`.

use image::RgbImage;
use libheif_rs::{ColorSpace, DecodingOptions, HeifContext, HeifError, LibHeif, RgbChroma};

use super::boxes::{HEIC_EXTENSIONS, is_heic};
use super::budget::{Budget, Outcome, Refusal};
use super::formats::Format;
use super::orientation::Orientation;
use super::raster::Raster;

/// HEIC.
pub(super) const HEIC: Format = Format {
    name: "heic",
    extensions: HEIC_EXTENSIONS,
    recognises: |source| is_heic(source.bytes),
    decode: |source, budget| heic(source.bytes, budget),
};

// Planes of 16 bits, the pixels that libheif makes from them, and ours.
const BYTES_PER_PIXEL: u64 = 12;

fn heic(bytes: &[u8], budget: &Budget) -> Outcome<Raster> {
    let damaged = |error: HeifError| Refusal::damaged("HEIC", error);
    let library = LibHeif::new();
    let context = HeifContext::read_from_bytes(bytes).map_err(damaged)?;
    let handle = context.primary_image_handle().map_err(damaged)?;
    let size = (handle.width(), handle.height());
    budget.check(size, BYTES_PER_PIXEL)?;
    let _share = budget.reserve(u64::from(size.0) * u64::from(size.1) * BYTES_PER_PIXEL)?;
    let options: Option<DecodingOptions> = None;
    let decoded = library.decode(&handle, ColorSpace::Rgb(RgbChroma::Rgb), options).map_err(damaged)?;
    let planes = decoded.planes();
    let plane = planes.interleaved.ok_or_else(|| Refusal::damaged("HEIC", "it holds no pixels"))?;
    let row_bytes = plane.width as usize * 3;
    let rows = plane.data.chunks(plane.stride.max(1)).take(plane.height as usize);
    let pixels = rows.filter_map(|row| row.get(..row_bytes)).flatten().copied().collect();
    let picture = RgbImage::from_raw(plane.width, plane.height, pixels)
        .ok_or_else(|| Refusal::damaged("HEIC", "its pixels do not fill its size"))?;
    Ok(Raster { picture, orientation: Orientation::Upright, full_size: size })
}
