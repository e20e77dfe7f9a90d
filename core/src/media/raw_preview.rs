//! The preview in a raw file → raster. In: the bytes of a CR2, NEF, ARW, DNG, RAF, ORF, RW2 and their like. Out: the
//! largest JPEG that lies in it whole. Never develops sensor data. Knows where cameras put their previews.

use super::boxes;
use super::budget::{Budget, Outcome, Refusal};
use super::formats::{Format, Source};
use super::ifd::{Directory, Tiff, is_tiff};
use super::jpeg::{self, is_jpeg};
use super::metadata::{exif_block, metadata};
use super::raster::{self, Raster};

/// Raw files of every maker.
pub(super) const RAW: Format = Format {
    name: "raw",
    extensions: &[
        "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "iiq", "kdc", "mef", "mos", "mrw", "nef", "nrw", "orf",
        "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
    ],
    recognises: is_raw,
    decode: decoded,
};

/// Beginnings that only raw files have: Olympus, Panasonic, Fujifilm, Canon's old, Minolta's and Sigma's.
const MAGIC: &[&[u8]] =
    &[b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"II\x1a\0\0\0HEAPCCDR", b"\0MRM", b"FOVb"];

/// Whether the bytes begin as a raw file does that is no plain TIFF but has TIFF's directories.
pub(super) fn is_raw_header(bytes: &[u8]) -> bool {
    MAGIC[..4].iter().any(|magic| bytes.starts_with(magic))
}

fn is_raw(source: &Source<'_>) -> bool {
    let Source { bytes, extension } = *source;
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
        || boxes::is_cr3(bytes)
        || is_tiff(bytes) && (RAW.extensions.contains(&extension) || holds_sensor_data(bytes))
}

/// Whether a TIFF says that it is a DNG or a CR2, or that one of its pictures is a colour filter array.
fn holds_sensor_data(bytes: &[u8]) -> bool {
    let is_sensor = |directory: &Directory<'_>| {
        let is_filter_array = matches!(directory.number(0x0106), Some(32803 | 34892));
        is_filter_array || directory.get(0xc612).is_some()
    };
    bytes.get(8..10) == Some(b"CR") || Tiff::new(bytes).is_some_and(|tiff| tiff.directories().iter().any(is_sensor))
}

fn decoded(source: &Source<'_>, budget: &Budget) -> Outcome<Raster> {
    let Some(preview) = largest_preview(source.bytes, budget)? else { return without_preview(source, budget) };
    let raster = jpeg::jpeg(preview, budget)?;
    // A preview with EXIF of its own was turned by it; the others are stored as the sensor saw.
    let has_own = exif_block(preview).is_some();
    let orientation = if has_own { raster.orientation } else { metadata(source.bytes).orientation };
    Ok(Raster { orientation, ..raster })
}

/// Some DNGs are plain TIFFs: scans and panoramas.
fn without_preview(source: &Source<'_>, budget: &Budget) -> Outcome<Raster> {
    let missing = Refusal::new("this raw file holds no preview that Sightline can decode", "export it as JPEG");
    if !is_tiff(source.bytes) {
        return Err(missing);
    }
    (raster::TIFF.decode)(source, budget).map_err(|refusal| if refusal.is_passing { refusal } else { missing })
}

/// The largest JPEG in the file by pixels, wherever the maker put it.
fn largest_preview<'a>(bytes: &'a [u8], budget: &Budget) -> Outcome<Option<&'a [u8]>> {
    let mut candidates = directory_previews(bytes);
    candidates.extend(fujifilm_preview(bytes));
    let best = best(&candidates);
    // The walk knows no maker notes; a small thumbnail is worth a look at the whole file.
    if best.is_some_and(|preview| pixels(preview) >= GOOD_PIXELS) {
        return Ok(best);
    }
    candidates.extend(scanned_previews(bytes, budget)?);
    Ok(self::best(&candidates))
}

// About 1000 × 640: enough for any encoder, and more than the thumbnails of 160 × 120 that every raw file also has.
const GOOD_PIXELS: u64 = 640_000;

/// The largest of these that can be shown.
pub(super) fn best<'a>(candidates: &[&'a [u8]]) -> Option<&'a [u8]> {
    candidates.iter().copied().filter(|preview| pixels(preview) > 0).max_by_key(|preview| pixels(preview))
}

/// Pixels of a JPEG that can be shown; 0 for sensor data in lossless JPEG and for everything else.
fn pixels(candidate: &[u8]) -> u64 {
    match jpeg::header(candidate) {
        Some(header) if header.scan.is_some() && !header.is_lossless && matches!(header.components, 1 | 3) => {
            u64::from(header.width) * u64::from(header.height)
        }
        _ => 0,
    }
}

/// JPEGs that the directories of a TIFF structure point to.
pub(super) fn directory_previews(bytes: &[u8]) -> Vec<&[u8]> {
    let Some(tiff) = Tiff::new(bytes) else { return Vec::new() };
    tiff.directories().iter().flat_map(|directory| directory_jpegs(&tiff, directory)).collect()
}

fn directory_jpegs<'a>(tiff: &Tiff<'a>, directory: &Directory<'a>) -> Vec<&'a [u8]> {
    let number = |tag: u16| directory.number(tag).map(|number| number as usize);
    let range = |start: Option<usize>, length: Option<usize>| {
        let (start, length) = (start?, length?);
        tiff.bytes().get(start..start.checked_add(length)?).filter(|jpeg| is_jpeg(jpeg))
    };
    // JPEGInterchangeFormat; a single JPEG strip; Panasonic's JpgFromRaw.
    let is_single_strip = directory.numbers(0x0111).len() == 1;
    let strip = if is_single_strip { range(number(0x0111), number(0x0117)) } else { None };
    let panasonic = directory.get(0x002e).map(|entry| entry.value()).filter(|jpeg| is_jpeg(jpeg));
    [range(number(0x0201), number(0x0202)), strip, panasonic].into_iter().flatten().collect()
}

/// Fujifilm: offset and length of the JPEG are at bytes 84 and 88.
fn fujifilm_preview(bytes: &[u8]) -> Option<&[u8]> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let (start, length) = (number(84)?, number(88)?);
    bytes.strip_prefix(b"FUJIFILMCCD-RAW")?;
    bytes.get(start..start.checked_add(length)?)
}

// Real raw files hold fewer than ten JPEGs.
const MAX_SCANNED: usize = 64;

// What looks like the start of a JPEG by chance is rare; a file full of it is hostile.
const MAX_STARTS: usize = 1024;

// A header is behind a thumbnail and a colour profile at the most.
const MAX_HEADER: usize = 1 << 20;

/// JPEGs anywhere in the file, for makers who point to them from their own notes only. Each reaches to the end of the
/// file: the decoder stops at the end marker.
fn scanned_previews<'a>(bytes: &'a [u8], budget: &Budget) -> Outcome<Vec<&'a [u8]>> {
    let starts = bytes.windows(3).enumerate().filter(|(_, window)| is_jpeg(window)).map(|(start, _)| &bytes[start..]);
    let mut found = Vec::new();
    for jpeg in starts.take(MAX_STARTS) {
        budget.check_time()?;
        if pixels(&jpeg[..jpeg.len().min(MAX_HEADER)]) > 0 {
            found.push(jpeg);
        }
        if found.len() == MAX_SCANNED {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Orientation;

    fn jpeg_of(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(width, height).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    /// Checks the width of the preview that is found in `bytes`.
    #[track_caller]
    fn check(bytes: &[u8], expected_width: Option<u32>) {
        let budget = Budget::starting(&crate::media::Limits::default());
        let found = largest_preview(bytes, &budget).unwrap().and_then(jpeg::header).map(|header| header.width);
        assert_eq!(found, expected_width);
    }

    #[test]
    fn the_largest_jpeg_anywhere_is_the_preview() {
        check(&[b"II\x2a\0....".to_vec(), jpeg_of(16, 8), vec![7; 9], jpeg_of(32, 8)].concat(), Some(32));
    }

    #[test]
    fn a_preview_that_a_directory_points_to_is_found() {
        let jpeg = jpeg_of(24, 8);
        let mut bytes = b"II\x2a\0\x08\0\0\0\x02\0".to_vec();
        bytes.extend(b"\x01\x02\x04\0\x01\0\0\0\x26\0\0\0\x02\x02\x04\0\x01\0\0\0");
        bytes.extend((jpeg.len() as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&jpeg);
        assert_eq!(directory_previews(&bytes), [&jpeg[..]]);
    }

    #[test]
    fn a_file_full_of_starts_is_looked_at_no_further() {
        // Without a bound this takes hours.
        check(&[&b"II\x2a\0"[..], &b"\xff\xd8\xff".repeat(3 << 20)].concat(), None);
    }

    #[test]
    fn the_look_for_starts_ends_with_the_time() {
        let limits = crate::media::Limits { timeout: std::time::Duration::ZERO, ..crate::media::Limits::default() };
        assert!(largest_preview(b"II\x2a\0....\xff\xd8\xff", &Budget::starting(&limits)).is_err());
    }

    #[test]
    fn a_file_without_a_jpeg_has_no_preview() {
        check(b"II\x2a\0\x08\0\0\0\xff\xd8\xff\xff\xd8\xff", None);
    }

    #[test]
    fn orientation_of_the_raw_file_turns_a_preview_without_its_own() {
        let mut bytes = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        bytes.extend(jpeg_of(16, 8));
        let limits = crate::media::Limits::default();
        let raster = decoded(&Source { bytes: &bytes, extension: "nef" }, &Budget::starting(&limits)).unwrap();
        assert_eq!(raster.orientation, Orientation::QuarterTurn);
    }
}
