//! Pictures that move. In: the path of a GIF, a WebP or an animated PNG. Out: its frames, one at a time: a long one needs
//! no more memory than a short one. Knows no clock: whoever shows the frames waits between them.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use image::codecs::{gif, png, webp};
use image::{AnimationDecoder, Frames, ImageDecoder, ImageResult, RgbaImage};

use super::Limits;
use super::budget::{Budget, Outcome, Refusal};
use super::decode::{read_bytes, refused};
use super::formats::extension;
use super::raster::{GIF, PNG, WEBP, limits_of, refusal};
use crate::error::Result;

/// One picture of an animation.
#[derive(Clone, PartialEq)]
pub struct AnimationFrame {
    /// All of it, what earlier frames left included.
    pub picture: RgbaImage,
    /// How long it is shown.
    pub lasts: Duration,
}

/// A frame that says less is shown for [`USUAL`]: files that say 0 mean "as fast as you can" of a machine of 1990, and
/// every browser reads them so.
const LEAST: Duration = Duration::from_millis(11);
/// See [`LEAST`].
const USUAL: Duration = Duration::from_millis(100);

/// Two canvases and what a frame changes of them, four bytes a pixel each.
const BYTES_PER_PIXEL: u64 = 12;

/// Whether a file is called like one that may move.
pub fn may_move(path: &Path) -> bool {
    let extension = extension(path);
    [GIF, WEBP, PNG].iter().any(|format| format.extensions.contains(&extension.as_str()))
}

/// Gives `show` every frame once, in order. Returns how many there were: none where the file is no animation.
///
/// # Errors
/// [`crate::Error::Io`] when the file cannot be read, [`crate::Error::BadFile`] when it is damaged or more than the
/// limits, and whatever `show` refuses with, which ends it.
pub fn play(path: &Path, limits: &Limits, mut show: impl FnMut(AnimationFrame) -> Result<()>) -> Result<usize> {
    let bytes = read_bytes(path, limits)?;
    let budget = Budget::starting(limits);
    let (name, frames) = match frames(&bytes, &budget).map_err(|refusal| refused(path, refusal))? {
        Some(frames) => frames,
        None => return Ok(0),
    };
    let mut count = 0;
    for frame in frames {
        let frame = frame.map_err(|error| refused(path, refusal(name, error, &budget)))?;
        let lasts = Duration::from(frame.delay());
        let lasts = if lasts < LEAST { USUAL } else { lasts };
        show(AnimationFrame { picture: frame.into_buffer(), lasts })?;
        count += 1;
    }
    Ok(count)
}

/// The format's name and the frames, unless the bytes are no animation.
fn frames<'a>(bytes: &'a [u8], budget: &Budget) -> Outcome<Option<(&'static str, Frames<'a>)>> {
    let source = super::formats::Source { bytes, extension: "" };
    let is = |format: &super::Format| (format.recognises)(&source);
    let reader = Cursor::new(bytes);
    let opened = if is(&GIF) {
        ("GIF", checked(gif::GifDecoder::new(reader), budget, |_| true, |decoder| Ok(decoder.into_frames())))
    } else if is(&WEBP) {
        let opened = webp::WebPDecoder::new(reader);
        ("WebP", checked(opened, budget, webp::WebPDecoder::has_animation, |decoder| Ok(decoder.into_frames())))
    } else if is(&PNG) {
        let opened = png::PngDecoder::with_limits(reader, limits_of(budget));
        let moves = |decoder: &png::PngDecoder<_>| decoder.is_apng().unwrap_or(false);
        ("PNG", checked(opened, budget, moves, |decoder| Ok(decoder.apng()?.into_frames())))
    } else {
        return Ok(None);
    };
    let (name, frames) = opened;
    Ok(frames.map_err(|fault| fault.refusal(name, budget))?.map(|frames| (name, frames)))
}

/// Why an animation is not opened.
enum Fault {
    Refused(Refusal),
    Broken(image::ImageError),
}

impl Fault {
    fn refusal(self, name: &str, budget: &Budget) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Broken(error) => refusal(name, error, budget),
        }
    }
}

/// The frames of a decoder that moves, within the budget.
fn checked<'a, D: ImageDecoder>(
    decoder: ImageResult<D>,
    budget: &Budget,
    moves: impl FnOnce(&D) -> bool,
    frames: impl FnOnce(D) -> ImageResult<Frames<'a>>,
) -> Result<Option<Frames<'a>>, Fault> {
    let mut decoder = decoder.map_err(Fault::Broken)?;
    if !moves(&decoder) {
        return Ok(None);
    }
    budget.check(decoder.dimensions(), BYTES_PER_PIXEL).map_err(Fault::Refused)?;
    decoder.set_limits(limits_of(budget)).map_err(Fault::Broken)?;
    frames(decoder).map(Some).map_err(Fault::Broken)
}

#[cfg(test)]
mod tests {
    use image::codecs::gif::{GifEncoder, Repeat};
    use image::{Delay, Frame, Rgba};
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    /// A GIF whose frames are of one colour each and last so long.
    fn gif(frames: &[([u8; 3], u32)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        encoder.set_repeat(Repeat::Infinite).unwrap();
        for ([red, green, blue], milliseconds) in frames {
            let picture = RgbaImage::from_pixel(4, 3, Rgba([*red, *green, *blue, 255]));
            let delay = Delay::from_saturating_duration(Duration::from_millis(u64::from(*milliseconds)));
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay)).unwrap();
        }
        drop(encoder);
        bytes
    }

    /// What of the file is shown: the first pixel of each frame and how long it lasts, in milliseconds.
    fn shown(bytes: &[u8], limits: &Limits) -> Result<Vec<([u8; 4], u128)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        fs_err::write(&path, bytes).unwrap();
        let mut shown = Vec::new();
        let count = play(&path, limits, |frame| {
            shown.push((frame.picture.get_pixel(0, 0).0, frame.lasts.as_millis()));
            Ok(())
        })?;
        assert_eq!(count, shown.len());
        Ok(shown)
    }

    #[test]
    fn every_frame_is_shown_in_order_and_lasts_as_long_as_it_says() {
        let found = shown(&gif(&[([255, 0, 0], 50), ([0, 0, 255], 0)]), &Limits::default()).unwrap();
        assert_eq!(found, [([255, 0, 0, 255], 50), ([0, 0, 255, 255], 100)]);
    }

    #[test]
    fn a_still_picture_does_not_move() {
        let mut png = Vec::new();
        RgbaImage::new(2, 2).write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        assert_eq!(shown(&png, &Limits::default()).unwrap(), []);
        assert_eq!(shown(b"\xff\xd8\xff\xe0 no animation", &Limits::default()).unwrap(), []);
    }

    #[test]
    fn what_is_more_than_the_limits_or_cut_off_is_refused() {
        let bytes = gif(&[([255, 0, 0], 50), ([0, 255, 0], 50)]);
        let small = Limits { max_pixels: 11, ..Limits::default() };
        assert!(matches!(shown(&bytes, &small), Err(Error::BadFile { .. })));
        assert!(matches!(shown(&bytes[..12], &Limits::default()), Err(Error::BadFile { .. })));
    }

    #[test]
    fn whoever_shows_it_can_end_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        fs_err::write(&path, gif(&[([0; 3], 50), ([9; 3], 50)])).unwrap();
        assert!(matches!(play(&path, &Limits::default(), |_| Err(Error::Cancelled)), Err(Error::Cancelled)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            start in proptest::sample::select(vec![&b"GIF89a\x04\0\x04\0"[..], b"RIFF\x40\0\0\0WEBPVP8X", b"\x89PNG\r\n\x1a\n"]),
            tail in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            shown(&[start, &tail].concat(), &Limits::default()).ok();
        }
    }
}
