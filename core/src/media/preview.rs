//! The small picture that a camera puts into its JPEG beside the large one. In: the bytes of a JPEG. Out: the small picture,
//! upright and without bars, and what the file says of itself; nothing where none would do. Decodes no large picture: a
//! photo is searched by this one until there is time for that.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use image::imageops::crop_imm;

use super::budget::{Budget, Outcome};
use super::decode::{Decoded, Limits};
use super::formats::extension;
use super::isolate::isolated;
use super::jpeg::{self, JPEG};
use super::metadata::{exif_block, metadata};
use super::raw_preview::{best, directory_previews};

/// Photos of fewer pixels are decoded in no time themselves.
const WORTH_IT: u64 = 1_000_000;
/// A preview's shorter side is at least this: the usual one has 160 × 120 pixels, with bars 160 × 106.
const LEAST_SIDE: u32 = 80;

/// Whether a file may hold a preview, by its name.
pub fn may_have_preview(path: &Path) -> bool {
    JPEG.extensions.contains(&extension(path).as_str())
}

/// The preview in the bytes of a JPEG, decoded; [`Decoded::full_size`] is the photo's. `None` where there is none, it is
/// damaged, or would not do: too small, of other proportions than the photo, or of a photo that is small itself.
pub fn preview(bytes: Arc<[u8]>, limits: &Limits) -> Option<Decoded> {
    let budget = Budget::starting(limits);
    isolated(&budget, move |budget| decoded(&bytes, budget)).ok().flatten()
}

fn decoded(bytes: &[u8], budget: &Budget) -> Outcome<Option<Decoded>> {
    let found = jpeg::header(bytes).filter(|_| jpeg::is_jpeg(bytes));
    let size = found.map_or((0, 0), |header| (header.width, header.height));
    let small = exif_block(bytes).and_then(|block| best(&directory_previews(block)));
    let Some(small) = small.filter(|_| u64::from(size.0) * u64::from(size.1) >= WORTH_IT) else { return Ok(None) };
    let Some(picture) = without_bars(&jpeg::jpeg(small, budget)?.picture, size) else { return Ok(None) };
    let metadata = metadata(bytes);
    let full_size = metadata.orientation.upright_size(size);
    let picture = metadata.orientation.apply(picture);
    Ok(Some(Decoded { picture, metadata, format: JPEG.name, full_size }))
}

/// The part in the middle that has the photo's proportions: cameras put bars above and below what does not fill the
/// preview. `None` if that is less than two thirds, for then it is a picture of something else, or if it is too small.
fn without_bars(preview: &RgbImage, photo: (u32, u32)) -> Option<RgbImage> {
    let (width, height) = preview.dimensions();
    let part = |side: u32, over: u32, under: u32| (u64::from(side) * u64::from(over) / u64::from(under.max(1))) as u32;
    let (inner_width, inner_height) =
        (part(height, photo.0, photo.1).min(width), part(width, photo.1, photo.0).min(height));
    let is_same = 3 * u64::from(inner_width) * u64::from(inner_height) >= 2 * u64::from(width) * u64::from(height);
    let is_large_enough = inner_width.min(inner_height) >= LEAST_SIDE;
    let corner = ((width - inner_width) / 2, (height - inner_height) / 2);
    (is_same && is_large_enough).then(|| crop_imm(preview, corner.0, corner.1, inner_width, inner_height).to_image())
}

/// Files as cameras write them.
#[cfg(test)]
pub(crate) mod testing {
    use image::RgbImage;

    /// The bytes of a JPEG.
    pub fn jpeg_of(picture: &RgbImage) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    /// A JPEG whose EXIF block says how it is turned and holds `small`.
    pub fn with_preview(photo: &RgbImage, small: &[u8], orientation: u8) -> Vec<u8> {
        let mut block = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0".to_vec();
        block.extend([0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
        block.extend(26_u32.to_le_bytes());
        block.extend(b"\x02\0\x01\x02\x04\0\x01\0\0\0\x38\0\0\0\x02\x02\x04\0\x01\0\0\0");
        block.extend((small.len() as u32).to_le_bytes());
        block.extend([0; 4]);
        block.extend(small);
        let photo = jpeg_of(photo);
        let length = (block.len() + 2) as u16;
        [&photo[..2], b"\xff\xe1", &length.to_be_bytes(), &block, &photo[2..]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{jpeg_of, with_preview};
    use super::*;
    use image::Rgb;

    const BAR: Rgb<u8> = Rgb([0; 3]);

    /// A preview of this size, all of it grey but for black bars of so many rows above and below.
    fn barred(width: u32, height: u32, bar: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |_, y| if y < bar || y >= height - bar { BAR } else { Rgb([99; 3]) })
    }

    fn found(bytes: Vec<u8>) -> Option<Decoded> {
        preview(bytes.into(), &Limits::default())
    }

    #[test]
    fn a_preview_loses_its_bars_and_is_turned_with_its_photo() {
        let small = jpeg_of(&barred(160, 120, 7));
        let decoded = found(with_preview(&RgbImage::new(1500, 1000), &small, 6)).unwrap();
        assert_eq!((decoded.picture.dimensions(), decoded.full_size), ((106, 160), (1000, 1500)));
        assert!(decoded.picture.pixels().all(|pixel| pixel.0[0] > 60), "no bar is left");
    }

    #[test]
    fn what_would_not_do_is_no_preview() {
        let (photo, small) = (RgbImage::new(1500, 1000), jpeg_of(&barred(160, 120, 7)));
        assert!(found(jpeg_of(&photo)).is_none(), "none there");
        assert!(found(with_preview(&RgbImage::new(600, 400), &small, 1)).is_none(), "a small photo");
        assert!(found(with_preview(&photo, &jpeg_of(&barred(80, 60, 3)), 1)).is_none(), "a small preview");
        assert!(found(with_preview(&RgbImage::new(1000, 1500), &small, 1)).is_none(), "of a photo that stands");
        assert!(found(with_preview(&photo, &small[..200], 1)).is_none(), "damaged");
        assert!(found(b"\xff\xd8\xff".to_vec()).is_none());
    }
}
