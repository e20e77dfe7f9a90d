//! The formats of the `image` crate → raster. In: the bytes of a PNG, GIF, WebP, BMP, TIFF, QOI, PNM or TGA. Out: the
//! pixels of its first frame, 8-bit RGB, as stored. Knows no JPEG.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::time::Instant;

use image::codecs::{bmp, gif, png, pnm, qoi, tga, tiff, webp};
use image::{ColorType, ImageDecoder, ImageError, ImageResult, RgbImage};

use super::budget::{Budget, Outcome, Refusal};
use super::formats::{Format, Source};
use super::metadata::metadata;
use super::orientation::Orientation;

/// A picture as stored.
#[derive(Debug)]
pub(super) struct Raster {
    /// Not yet turned.
    pub picture: RgbImage,
    /// How it has to be turned.
    pub orientation: Orientation,
    /// Its stored size: more than the picture's if that was decoded at a reduced size.
    pub full_size: (u32, u32),
}

/// PNG and animated PNG.
pub(super) const PNG: Format = Format {
    name: "png",
    extensions: &["png", "apng"],
    recognises: |source| source.bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
    decode: |source, budget| {
        // With limits from the start: text and profiles are inflated while the header is read.
        decoded("PNG", source, budget, 1, |reader| png::PngDecoder::with_limits(reader, limits_of(budget)))
    },
};

/// GIF.
pub(super) const GIF: Format = Format {
    name: "gif",
    extensions: &["gif"],
    recognises: |source| source.bytes.starts_with(b"GIF87a") || source.bytes.starts_with(b"GIF89a"),
    decode: |source, budget| decoded("GIF", source, budget, 2, gif::GifDecoder::new),
};

/// WebP; of an animated one the first frame.
pub(super) const WEBP: Format = Format {
    name: "webp",
    extensions: &["webp"],
    recognises: |source| source.bytes.starts_with(b"RIFF") && source.bytes.get(8..12) == Some(b"WEBP"),
    decode: |source, budget| decoded("WebP", source, budget, 2, webp::WebPDecoder::new),
};

/// BMP.
pub(super) const BMP: Format = Format {
    name: "bmp",
    extensions: &["bmp", "dib"],
    recognises: |source| source.bytes.starts_with(b"BM"),
    decode: |source, budget| decoded("BMP", source, budget, 1, bmp::BmpDecoder::new),
};

/// TIFF; of several pages the first.
pub(super) const TIFF: Format = Format {
    name: "tiff",
    extensions: &["tif", "tiff"],
    recognises: |source| super::ifd::is_tiff(source.bytes),
    decode: |source, budget| decoded("TIFF", source, budget, 2, tiff::TiffDecoder::new),
};

/// QOI.
pub(super) const QOI: Format = Format {
    name: "qoi",
    extensions: &["qoi"],
    recognises: |source| source.bytes.starts_with(b"qoif"),
    decode: |source, budget| decoded("QOI", source, budget, 1, qoi::QoiDecoder::new),
};

/// Portable anymap: PBM, PGM, PPM, PAM.
pub(super) const PNM: Format = Format {
    name: "pnm",
    extensions: &["pnm", "pbm", "pgm", "ppm", "pam"],
    recognises: |source| matches!(source.bytes, [b'P', b'1'..=b'7', b' ' | b'\t' | b'\n' | b'\r' | b'#', ..]),
    decode: |source, budget| decoded("PNM", source, budget, 1, pnm::PnmDecoder::new),
};

/// Targa, known by its name alone.
pub(super) const TGA: Format = Format {
    name: "tga",
    extensions: &["tga"],
    recognises: |source| source.extension == "tga",
    decode: |source, budget| decoded("TGA", source, budget, 2, tga::TgaDecoder::new),
};

/// Decodes with a decoder of the `image` crate, which holds `copies` times the decoded bytes at most.
fn decoded<'a, D: ImageDecoder>(
    name: &str,
    source: &Source<'a>,
    budget: &Budget,
    copies: u64,
    open: impl FnOnce(Timed<'a>) -> ImageResult<D>,
) -> Outcome<Raster> {
    let refused = |error: ImageError| refusal(name, error, budget);
    let reader = Timed { inner: Cursor::new(source.bytes), deadline: budget.deadline };
    let mut decoder = open(reader).map_err(refused)?;
    let size = decoder.dimensions();
    let orientation = metadata(source.bytes).orientation;
    let bytes_per_pixel = cost(decoder.color_type(), copies, orientation);
    budget.check(size, bytes_per_pixel)?;
    let _share = budget.reserve(u64::from(size.0) * u64::from(size.1) * bytes_per_pixel)?;
    decoder.set_limits(limits_of(budget)).map_err(refused)?;
    let picture = rgb(decoder).map_err(refused)?;
    Ok(Raster { picture, orientation, full_size: size })
}

/// Bytes that a pixel costs at the worst moment: while decoding, while converting, or while turning.
fn cost(color: ColorType, copies: u64, orientation: Orientation) -> u64 {
    let stored = u64::from(color.bytes_per_pixel());
    let converted = if stored < 3 { stored + 3 } else { stored };
    (stored * copies).max(converted).max(if orientation.is_sideways() { 6 } else { 3 })
}

/// What a decoder of `image` may hold.
pub(super) fn limits_of(budget: &Budget) -> image::Limits {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(budget.max_bytes);
    limits
}

/// Why a decoder of `image` gave up.
pub(super) fn refusal(name: &str, error: ImageError, budget: &Budget) -> Refusal {
    match error {
        ImageError::IoError(error) if error.kind() == io::ErrorKind::TimedOut => budget.too_slow(),
        ImageError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => Refusal::new(
            format!("this {name} picture is cut off before its end"),
            "copy it again from where it came from",
        ),
        ImageError::Limits(_) => {
            let megabytes = budget.max_bytes >> 20;
            let what = format!("this {name} picture needs more than the {megabytes} MB of memory that Sightline gives");
            Refusal::new(what, "save a smaller copy")
        }
        ImageError::Unsupported(error) => Refusal::unsupported(name, error),
        ImageError::Decoding(error) => match std::error::Error::source(&error) {
            Some(reason) => Refusal::damaged(name, reason),
            None => Refusal::damaged(name, error),
        },
        error => Refusal::damaged(name, error),
    }
}

/// Reads all pixels and brings them to 8-bit RGB, in place where that is possible.
fn rgb<D: ImageDecoder>(decoder: D) -> ImageResult<RgbImage> {
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let mut bytes = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
    decoder.read_image(&mut bytes)?;
    let bytes = rgb_from(color, bytes);
    // The limits error is the one that `image` itself gives for a buffer that does not fit.
    RgbImage::from_raw(width, height, bytes).ok_or_else(|| {
        ImageError::Limits(image::error::LimitError::from_kind(image::error::LimitErrorKind::DimensionError))
    })
}

/// Drops alpha, repeats grey, scales 16 bits and floats to 8. `bytes` are in the machine's order, as `image` gives them.
fn rgb_from(color: ColorType, bytes: Vec<u8>) -> Vec<u8> {
    match color {
        ColorType::L8 => bytes.iter().flat_map(|&grey| [grey; 3]).collect(),
        ColorType::La8 => bytes.as_chunks::<2>().0.iter().flat_map(|&[grey, _]| [grey; 3]).collect(),
        ColorType::Rgba8 => compacted(bytes, |&[red, green, blue, _]: &[u8; 4]| [red, green, blue]),
        ColorType::L16 => bytes.as_chunks().0.iter().flat_map(|&grey| [eight_bits(grey); 3]).collect(),
        ColorType::La16 => compacted(bytes, |&[high, low, _, _]: &[u8; 4]| [eight_bits([high, low]); 3]),
        ColorType::Rgb16 => compacted(bytes, |pixel: &[u8; 6]| sixteen(pixel)),
        ColorType::Rgba16 => compacted(bytes, |pixel: &[u8; 8]| sixteen(pixel)),
        ColorType::Rgb32F => compacted(bytes, |pixel: &[u8; 12]| floats(pixel)),
        ColorType::Rgba32F => compacted(bytes, |pixel: &[u8; 16]| floats(pixel)),
        _ => bytes,
    }
}

/// Replaces each pixel of `N` bytes by three, without a second buffer.
fn compacted<const N: usize>(mut bytes: Vec<u8>, rgb: impl Fn(&[u8; N]) -> [u8; 3]) -> Vec<u8> {
    let pixels = bytes.len() / N;
    for index in 0..pixels {
        let mut pixel = [0; N];
        pixel.copy_from_slice(&bytes[index * N..][..N]);
        bytes[index * 3..][..3].copy_from_slice(&rgb(&pixel));
    }
    bytes.truncate(pixels * 3);
    bytes.shrink_to_fit();
    bytes
}

fn sixteen(pixel: &[u8]) -> [u8; 3] {
    [eight_bits([pixel[0], pixel[1]]), eight_bits([pixel[2], pixel[3]]), eight_bits([pixel[4], pixel[5]])]
}

/// 65535 → 255, rounded.
fn eight_bits(sample: [u8; 2]) -> u8 {
    ((u32::from(u16::from_ne_bytes(sample)) + 128) / 257) as u8
}

/// 1.0 → 255, rounded; what is outside 0 to 1 is clipped, what is no number is black.
fn floats(pixel: &[u8]) -> [u8; 3] {
    let sample = |index: usize| {
        let &[a, b, c, d] = &pixel[4 * index..][..4] else { return 0 };
        (f32::from_ne_bytes([a, b, c, d]).clamp(0.0, 1.0) * 255.0).round() as u8
    };
    [sample(0), sample(1), sample(2)]
}

/// A reader that gives up at the deadline, so that a decoder in an endless loop ends.
#[derive(Debug)]
struct Timed<'a> {
    inner: Cursor<&'a [u8]>,
    deadline: Instant,
}

impl Timed<'_> {
    fn check(&self) -> io::Result<()> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.read(buffer)
    }
}

impl BufRead for Timed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}

impl Seek for Timed<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.check()?;
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(color: ColorType, bytes: &[u8], expected: &[u8]) {
        assert_eq!(rgb_from(color, bytes.to_vec()), expected);
    }

    fn native(samples: &[u16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect()
    }

    #[test]
    fn grey_is_repeated() {
        check(ColorType::L8, &[7, 8], &[7, 7, 7, 8, 8, 8]);
        check(ColorType::La8, &[7, 0], &[7, 7, 7]);
    }

    #[test]
    fn alpha_is_dropped_and_not_blended() {
        check(ColorType::Rgba8, &[1, 2, 3, 0, 4, 5, 6, 255], &[1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn sixteen_bits_are_scaled_to_eight() {
        check(ColorType::Rgb16, &native(&[0, 32768, 65535]), &[0, 128, 255]);
        check(ColorType::Rgba16, &native(&[257, 514, 771, 0]), &[1, 2, 3]);
        check(ColorType::L16, &native(&[65407]), &[255; 3]);
        check(ColorType::La16, &native(&[257, 0]), &[1; 3]);
    }

    #[test]
    fn floats_are_clipped() {
        let floats: Vec<u8> = [-1.0_f32, 0.5, f32::NAN].iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        check(ColorType::Rgb32F, &floats, &[0, 128, 0]);
    }
}
