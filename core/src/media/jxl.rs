//! JPEG XL → raster. In: the bytes of a codestream or a container. Out: the pixels of its first frame in sRGB. Knows
//! jxl-oxide, which turns the picture by itself: an EXIF orientation beside it is ignored, as the standard asks.

use image::RgbImage;
use jxl_oxide::{AllocTracker, EnumColourEncoding, InitializeResult, JxlImage, JxlThreadPool, RenderingIntent};

use super::budget::{Budget, Outcome, Refusal};
use super::formats::Format;
use super::orientation::Orientation;
use super::raster::Raster;

/// JPEG XL.
pub(super) const JXL: Format = Format {
    name: "jxl",
    extensions: &["jxl"],
    recognises: |source| source.bytes.starts_with(b"\xff\x0a") || source.bytes.starts_with(b"\0\0\0\x0cJXL \r\n\x87\n"),
    decode: |source, budget| jxl(source.bytes, budget),
};

// Three planes of floats while decoding, as many again while filtering, and the 8-bit pixels.
const BYTES_PER_PIXEL: u64 = 27;

// Bytes between two looks at the clock.
const STEP: usize = 64 << 10;

fn jxl(bytes: &[u8], budget: &Budget) -> Outcome<Raster> {
    let mut image = header(bytes, budget)?;
    let size = (image.width(), image.height());
    budget.check(size, BYTES_PER_PIXEL)?;
    let _share = budget.reserve(u64::from(size.0) * u64::from(size.1) * BYTES_PER_PIXEL)?;
    image.request_color_encoding(EnumColourEncoding::srgb(RenderingIntent::Relative));
    budget.check_time()?;
    let render = image.render_frame(0).map_err(|error| Refusal::damaged("JPEG XL", error))?;
    let mut stream = render.stream_no_alpha();
    let (width, height, channels) = (stream.width(), stream.height(), stream.channels() as usize);
    let mut samples = vec![0u8; width as usize * height as usize * channels];
    stream.write_to_buffer(&mut samples);
    let pixels = match channels {
        1 => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
        3 => samples,
        _ => return Err(Refusal::unsupported("JPEG XL", format!("{channels} channels"))),
    };
    let picture = RgbImage::from_raw(width, height, pixels)
        .ok_or_else(|| Refusal::damaged("JPEG XL", "its pixels do not fill its size"))?;
    Ok(Raster { picture, orientation: Orientation::Upright, full_size: size })
}

/// Reads up to the end of the first frame's data, with bounded memory.
fn header(bytes: &[u8], budget: &Budget) -> Outcome<JxlImage> {
    let damaged = |error| Refusal::damaged("JPEG XL", error);
    let tracker = AllocTracker::with_limit(usize::try_from(budget.max_bytes).unwrap_or(usize::MAX));
    let builder = JxlImage::builder().pool(JxlThreadPool::none()).alloc_tracker(tracker);
    let mut start = builder.build_uninit();
    let mut fed = 0;
    let mut image = loop {
        let end = (fed + STEP).min(bytes.len());
        if fed == end {
            return Err(Refusal::new("this JPEG XL picture is cut off before its end", "copy it again"));
        }
        let taken = start.feed_bytes(&bytes[fed..end]).map_err(|error| damaged(error.to_string()))?;
        fed = if taken == 0 { end } else { fed + taken };
        match start.try_init().map_err(|error| damaged(error.to_string()))? {
            InitializeResult::NeedMoreData(more) => start = more,
            InitializeResult::Initialized(image) => break image,
        }
    };
    budget.check((image.width(), image.height()), BYTES_PER_PIXEL)?;
    while fed < bytes.len() && image.num_loaded_keyframes() == 0 {
        budget.check_time()?;
        let end = (fed + STEP).min(bytes.len());
        let taken = image.feed_bytes(&bytes[fed..end]).map_err(|error| damaged(error.to_string()))?;
        fed = if taken == 0 { end } else { fed + taken };
    }
    Ok(image)
}
