//! JPEG → raster. In: the bytes of a JPEG, also CMYK, YCCK and progressive. Out: its pixels, at a reduced size where
//! that is enough or the full one needs too much memory. Knows no other format, but raw files call it for their previews.
//!
//! A file that only lacks its end marker is decoded; one whose pixels end early is refused, as Pillow does, and so is a
//! progressive one without the marker. Damage in the middle is passed over, as every viewer does.

use image::RgbImage;
use jpeg_decoder::PixelFormat;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::budget::{Budget, Outcome, Refusal};
use super::formats::Format;
use super::metadata::metadata;
use super::raster::Raster;

/// The JPEG family.
pub(super) const JPEG: Format = Format {
    name: "jpeg",
    extensions: &["jpg", "jpeg", "jpe", "jfif", "jif", "mpo"],
    recognises: |source| is_jpeg(source.bytes),
    decode: |source, budget| jpeg(source.bytes, budget),
};

/// Whether the bytes begin as a JPEG does.
pub(super) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xd8\xff")
}

/// Decodes a JPEG with its orientation.
pub(super) fn jpeg(bytes: &[u8], budget: &Budget) -> Outcome<Raster> {
    let header = header(bytes).ok_or_else(|| Refusal::damaged("JPEG", "it has no frame header"))?;
    let size = (header.width, header.height);
    let orientation = metadata(bytes).orientation;
    // Decoded pixels; a progressive file's coefficients (two bytes each); the second copy of a quarter turn.
    let coefficients = if header.is_progressive { 2 * u64::from(header.components) } else { 0 };
    let turned = if orientation.is_sideways() { 3 } else { 0 };
    let bytes_per_pixel = 3 + coefficients.max(turned);
    let picture = if let Some(picture) = smaller(bytes, &header, budget)? {
        picture
    } else if budget.allows(size, bytes_per_pixel) {
        let _share = budget.reserve(u64::from(size.0) * u64::from(size.1) * bytes_per_pixel)?;
        full(bytes, &header, budget)?
    } else {
        reduced(bytes, &header, budget)?
    };
    Ok(Raster { picture, orientation, full_size: size })
}

/// At a part of its size, where that is enough and nothing is wrong with it: what is odd gets the careful way.
fn smaller(bytes: &[u8], header: &Header, budget: &Budget) -> Outcome<Option<RgbImage>> {
    let is_whole = has_end(bytes.get(header.scan.unwrap_or_default()..).unwrap_or_default());
    let Some(part) = part_that_is_enough(header, budget).filter(|_| is_whole) else { return Ok(None) };
    let _share = budget.reserve(reduced_cost(header, part))?;
    Ok(reduced_by(bytes, header, part).ok())
}

/// The smallest part of the size, as a divisor, that is enough and can be afforded.
fn part_that_is_enough(header: &Header, budget: &Budget) -> Option<u32> {
    // A lossless one has no cosine transform that could reduce it: its rows would be cut up wrongly.
    let pixels = u64::from(header.width) * u64::from(header.height);
    let is_odd = header.is_lossless || pixels > MAX_REDUCED;
    let enough = budget.enough.filter(|_| !is_odd)?;
    let leaves_enough = |part: &u32| header.width.min(header.height) / part >= enough;
    let fits = |part: &u32| {
        let size = (header.width.div_ceil(*part), header.height.div_ceil(*part));
        budget.allows(size, 1) && reduced_cost(header, *part) <= budget.max_bytes
    };
    [8, 4, 2].into_iter().find(|part| leaves_enough(part) && fits(part))
}

/// Bytes that decoding at a part of the size holds: planes, pixels, and the second copy of a quarter turn.
fn reduced_cost(header: &Header, part: u32) -> u64 {
    let pixels = u64::from(header.width) * u64::from(header.height);
    let coefficients = if header.is_progressive { 2 * u64::from(header.components) * pixels } else { 0 };
    coefficients + 3 * 3 * (pixels / u64::from(part * part) + 1)
}

/// What the frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub width: u32,
    pub height: u32,
    pub components: u8,
    pub is_progressive: bool,
    /// Lossless JPEG: raw sensor data, not a preview.
    pub is_lossless: bool,
    /// Where the segments end and the first scan's pixels begin, once a scan was found.
    pub scan: Option<usize>,
}

/// Walks the segments up to the first scan. `None` if there is no frame header before the bytes end.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let mut found = None;
    let mut at = 2;
    while let Some(&marker) = bytes.get(at + 1) {
        if bytes[at] != 0xff {
            at += 1;
            continue;
        }
        match marker {
            // Fill bytes and markers without a segment.
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => return found,
            _ => {
                let length = usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]));
                if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                    found = found.or_else(|| frame_header(marker, bytes.get(at + 4..)?));
                }
                at += 2 + length.max(2);
                if marker == 0xda {
                    return found.map(|header| Header { scan: Some(at), ..header });
                }
            }
        }
    }
    found
}

fn frame_header(marker: u8, body: &[u8]) -> Option<Header> {
    let &[_, height_high, height_low, width_high, width_low, components, ..] = body else { return None };
    Some(Header {
        width: u32::from(u16::from_be_bytes([width_high, width_low])),
        height: u32::from(u16::from_be_bytes([height_high, height_low])),
        components,
        is_progressive: matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce),
        is_lossless: matches!(marker, 0xc3 | 0xc7 | 0xcb | 0xcf),
        scan: None,
    })
}

fn full(bytes: &[u8], header: &Header, budget: &Budget) -> Outcome<RgbImage> {
    let scan = header.scan.unwrap_or_default();
    if has_end(bytes.get(scan..).unwrap_or_default()) {
        return full_with(bytes, false).or_else(|refusal| second_opinion(bytes, header, budget).ok_or(refusal));
    }
    // Without the end marker the strict decoder tells whether rows of pixels are missing too. What is missing of a
    // progressive file it cannot tell.
    if header.is_progressive {
        return Err(cut_off());
    }
    full_with(bytes, true).map_err(|_| cut_off())
}

/// Another decoder forgives other mistakes in the header. It holds whole planes beside the pixels.
fn second_opinion(bytes: &[u8], header: &Header, budget: &Budget) -> Option<RgbImage> {
    let is_affordable = budget.allows((header.width, header.height), 12) && budget.check_time().is_ok();
    is_affordable.then(|| reduced_by(bytes, header, 1).ok()).flatten()
}

fn cut_off() -> Refusal {
    Refusal::new("this JPEG picture is cut off before its end", "copy it again from where it came from")
}

fn has_end(scans: &[u8]) -> bool {
    scans.windows(2).rev().any(|pair| pair == b"\xff\xd9")
}

fn full_with(bytes: &[u8], is_strict: bool) -> Outcome<RgbImage> {
    let damaged = |error: zune_jpeg::errors::DecodeErrors| Refusal::damaged("JPEG", error);
    let options = DecoderOptions::default()
        .set_strict_mode(is_strict)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let pixels = decoder.decode().map_err(damaged)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    RgbImage::from_raw(width as u32, height as u32, pixels)
        .ok_or_else(|| Refusal::damaged("JPEG", "its pixels do not fill its size"))
}

/// Decodes at a half, a quarter or an eighth of the size, where the cosine transform does so by itself.
fn reduced(bytes: &[u8], header: &Header, budget: &Budget) -> Outcome<RgbImage> {
    if header.is_lossless {
        return Err(Refusal::unsupported("JPEG", "lossless coding of a picture this large"));
    }
    let size = (header.width, header.height);
    let pixels = u64::from(header.width) * u64::from(header.height);
    let fits = |part: &u32| {
        reduced_cost(header, *part) <= budget.max_bytes
            && pixels / u64::from(part * part) <= budget.max_pixels
            && pixels <= MAX_REDUCED
    };
    // Past every reduction, `check` words the refusal.
    let Some(part) = [2, 4, 8].into_iter().find(fits) else {
        return budget.check(size, 9).and(Err(Refusal::unsupported("JPEG", "too many components")));
    };
    let _share = budget.reserve(reduced_cost(header, part))?;
    reduced_by(bytes, header, part)
}

// A gigapixel takes about ten seconds; more is no photo.
const MAX_REDUCED: u64 = 1_000_000_000;

fn reduced_by(bytes: &[u8], header: &Header, part: u32) -> Outcome<RgbImage> {
    let damaged = |error: jpeg_decoder::Error| Refusal::damaged("JPEG", error);
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.read_info().map_err(damaged)?;
    let (width, height) =
        decoder.scale(header.width.div_ceil(part) as u16, header.height.div_ceil(part) as u16).map_err(damaged)?;
    let pixels = decoder.decode().map_err(damaged)?;
    let format = decoder.info().map(|info| info.pixel_format);
    let pixels = match format {
        Some(PixelFormat::RGB24) => pixels,
        Some(PixelFormat::L8) => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        Some(PixelFormat::CMYK32) => pixels.as_chunks().0.iter().flat_map(|&cmyk| rgb_from_cmyk(cmyk)).collect(),
        _ => return Err(Refusal::unsupported("JPEG", "16-bit samples")),
    };
    RgbImage::from_raw(width.into(), height.into(), pixels)
        .ok_or_else(|| Refusal::damaged("JPEG", "its pixels do not fill its size"))
}

/// Ink on white paper, without a profile, as Pillow converts it.
fn rgb_from_cmyk([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let left = |ink: u8| (u32::from(255 - ink) * u32::from(255 - black) / 255) as u8;
    [left(cyan), left(magenta), left(yellow)]
}

#[cfg(test)]
mod tests {
    use super::super::decode::Limits;
    use super::*;

    fn frame(width: u32, height: u32) -> Header {
        Header { width, height, components: 3, is_progressive: false, is_lossless: false, scan: None }
    }

    fn part(header: Header) -> Option<u32> {
        part_that_is_enough(&header, &Budget::starting(&Limits { enough: Some(16), ..Limits::default() }))
    }

    #[test]
    fn the_smallest_part_that_is_enough_is_taken() {
        assert_eq!(part(frame(128, 160)), Some(8));
        assert_eq!(part(frame(100, 80)), Some(4));
        assert_eq!(part(frame(30, 30)), None);
        assert_eq!(part_that_is_enough(&frame(128, 160), &Budget::starting(&Limits::default())), None);
    }

    #[test]
    fn a_lossless_or_a_gigantic_one_is_not_reduced() {
        assert_eq!(part(Header { is_lossless: true, ..frame(128, 160) }), None);
        // At an eighth both could be afforded; the second has more than a gigapixel.
        assert_eq!(part(frame(31_000, 32_000)), Some(8));
        assert_eq!(part(frame(33_000, 33_000)), None);
    }
}
