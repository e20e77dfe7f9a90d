//! Pictures of every format come out upright and in their colours, and say when and with what they were taken.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use sightline_core::media::{Limits, Orientation, decode, decode_bytes, metadata};
use sightline_tests::data_dir;

/// Red, green, blue and white quarters of 16 × 8 pixels each.
fn quarters() -> RgbImage {
    quarters_of(32, 16)
}

fn quarters_of(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgb([250, 5, 5]),
        (false, true) => Rgb([5, 250, 5]),
        (true, false) => Rgb([5, 5, 250]),
        (false, false) => Rgb([250, 250, 250]),
    })
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn decoded(name: &str, bytes: Vec<u8>) -> sightline_core::Result<sightline_core::media::Decoded> {
    decode_bytes(Path::new(name), Arc::from(bytes), &Limits::default())
}

/// Checks that the bytes decode to these corner colours (top left, top right, bottom left), within what JPEG changes.
#[track_caller]
fn check_corners(name: &str, bytes: Vec<u8>, size: (u32, u32), corners: [&str; 3]) {
    let picture = decoded(name, bytes).unwrap().picture;
    assert_eq!(picture.dimensions(), size);
    let (right, bottom) = (size.0 - 2, size.1 - 2);
    let found = [(1, 1), (right, 1), (1, bottom)].map(|(x, y)| color_name(picture.get_pixel(x, y)));
    assert_eq!(found, corners);
}

fn color_name(pixel: &Rgb<u8>) -> &'static str {
    match pixel.0.map(|sample| sample > 128) {
        [true, true, true] => "white",
        [true, false, false] => "red",
        [false, true, false] => "green",
        [false, false, true] => "blue",
        _ => "other",
    }
}

/// Checks that nothing is decoded and that the reason has this in it.
#[track_caller]
fn check_refused(name: &str, bytes: Vec<u8>, expected: &str) {
    let reason = decoded(name, bytes).unwrap_err().to_string();
    assert!(reason.contains(expected), "{reason:?}");
}

const UPRIGHT: [&str; 3] = ["red", "green", "blue"];

#[test]
fn every_format_keeps_its_colours() {
    for (name, format) in [
        ("a.jpg", ImageFormat::Jpeg),
        ("a.png", ImageFormat::Png),
        ("a.gif", ImageFormat::Gif),
        ("a.webp", ImageFormat::WebP),
        ("a.bmp", ImageFormat::Bmp),
        ("a.tiff", ImageFormat::Tiff),
        ("a.qoi", ImageFormat::Qoi),
        ("a.ppm", ImageFormat::Pnm),
        ("a.tga", ImageFormat::Tga),
    ] {
        let picture = DynamicImage::from(quarters());
        let picture = if format == ImageFormat::Gif { picture.to_rgba8().into() } else { picture };
        check_corners(name, encoded(picture, format), (32, 16), UPRIGHT);
    }
}

#[test]
fn sixteen_bits_are_scaled() {
    let deep = DynamicImage::from(quarters()).to_rgb16();
    check_corners("a.png", encoded(deep.clone(), ImageFormat::Png), (32, 16), UPRIGHT);
    check_corners("a.tif", encoded(deep, ImageFormat::Tiff), (32, 16), UPRIGHT);
}

#[test]
fn a_transparent_pixel_shows_the_colour_under_it() {
    let clear = RgbaImage::from_pixel(4, 4, Rgba([250, 5, 5, 0]));
    check_corners("a.png", encoded(clear, ImageFormat::Png), (4, 4), ["red", "red", "red"]);
}

/// A JPEG with an EXIF block: the orientation, a date, a camera, a place.
fn jpeg_with_exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08".to_vec();
    // Orientation, make (6 bytes at 62), model (8 bytes at 68), Exif at 76, GPS at 94.
    tiff.extend(b"\0\x05\x01\x0f\0\x02\0\0\0\x06\0\0\0\x4a\x01\x10\0\x02\0\0\0\x08\0\0\0\x50");
    tiff.extend([1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    tiff.extend(b"\x87\x69\0\x04\0\0\0\x01\0\0\0\x58\x88\x25\0\x04\0\0\0\x01\0\0\0\x7e\0\0\0\0");
    assert_eq!(tiff.len(), 74);
    tiff.extend(b"Canon\0Canon X\0");
    tiff.extend(b"\0\x01\x90\x03\0\x02\0\0\0\x14\0\0\0\x6a\0\0\0\0");
    tiff.extend(b"2026:03:01 12:30:05\0");
    assert_eq!(tiff.len(), 126);
    tiff.extend(b"\0\x04\0\x01\0\x02\0\0\0\x02S\0\0\0\0\x02\0\x05\0\0\0\x03\0\0\0\xb4");
    tiff.extend(b"\0\x03\0\x02\0\0\0\x02E\0\0\0\0\x04\0\x05\0\0\0\x03\0\0\0\xb4\0\0\0\0");
    assert_eq!(tiff.len(), 180);
    for part in [30u32, 1, 30, 1, 0, 1] {
        tiff.extend(part.to_be_bytes());
    }
    let jpeg = encoded(quarters(), ImageFormat::Jpeg);
    let length = (tiff.len() + 8) as u16;
    [&jpeg[..2], b"\xff\xe1", &length.to_be_bytes(), b"Exif\0\0", &tiff, &jpeg[2..]].concat()
}

#[test]
fn every_orientation_is_applied_once() {
    // Stored: red, green / blue, white.
    for (orientation, corners) in [
        (1, ["red", "green", "blue"]),
        (2, ["green", "red", "white"]),
        (3, ["white", "blue", "green"]),
        (4, ["blue", "white", "red"]),
        (5, ["red", "blue", "green"]),
        (6, ["blue", "red", "white"]),
        (7, ["white", "green", "blue"]),
        (8, ["green", "white", "red"]),
    ] {
        let size = if orientation > 4 { (16, 32) } else { (32, 16) };
        check_corners("a.jpg", jpeg_with_exif(orientation), size, corners);
    }
}

#[test]
fn exif_tells_date_camera_and_place() {
    let found = metadata(&jpeg_with_exif(6));
    // 2026-03-01 12:30:05 by the camera's clock.
    assert_eq!(found.taken, Some(1_772_368_205));
    assert_eq!(found.camera.as_deref(), Some("Canon X"));
    assert_eq!(found.orientation, Orientation::QuarterTurn);
    let position = found.position.unwrap();
    assert_eq!((position.latitude, position.longitude), (-30.5, 30.5));
}

#[test]
fn a_jpeg_cut_in_the_middle_is_refused() {
    let picture = RgbImage::from_fn(200, 200, |x, y| Rgb([(x * y) as u8, x as u8, y as u8]));
    let mut bytes = encoded(picture, ImageFormat::Jpeg);
    bytes.truncate(bytes.len() / 2);
    check_refused("a.jpg", bytes, "cut off");
}

#[test]
fn a_jpeg_that_only_lacks_its_end_marker_is_decoded() {
    let mut bytes = encoded(quarters(), ImageFormat::Jpeg);
    bytes.truncate(bytes.len() - 2);
    check_corners("a.jpg", bytes, (32, 16), UPRIGHT);
}

#[test]
fn a_png_cut_in_the_middle_is_refused() {
    let mut bytes = encoded(quarters(), ImageFormat::Png);
    bytes.truncate(bytes.len() - 30);
    check_refused("a.png", bytes, "cut off");
}

#[test]
fn a_header_that_claims_65536_by_65536_pixels_is_refused_with_its_size() {
    let mut bytes = encoded(quarters(), ImageFormat::Png);
    bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    // CRC of the changed header, by PNG's own rule.
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    check_refused("a.png", bytes, "65536 × 65536 pixels");
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn a_jpeg_beyond_the_memory_limit_is_decoded_smaller() {
    let bytes = encoded(RgbImage::from_pixel(320, 160, Rgb([250, 5, 5])), ImageFormat::Jpeg);
    let limits = Limits { max_bytes: 40_000, ..Limits::default() };
    let found = decode_bytes(Path::new("a.jpg"), Arc::from(bytes), &limits).unwrap();
    assert_eq!(found.picture.dimensions(), (80, 40));
    assert_eq!(found.full_size, (320, 160));
    assert_eq!(color_name(found.picture.get_pixel(40, 20)), "red");
}

#[test]
fn a_jpeg_is_decoded_no_larger_than_is_enough_and_never_below_it() {
    let bytes: Arc<[u8]> = Arc::from(encoded(quarters_of(800, 400), ImageFormat::Jpeg));
    let decoded =
        |enough| decode_bytes(Path::new("a.jpg"), Arc::clone(&bytes), &Limits { enough, ..Limits::default() });
    for (enough, expected) in [(None, 800), (Some(401), 800), (Some(150), 400), (Some(100), 200), (Some(7), 100)] {
        let found = decoded(enough).unwrap();
        assert_eq!(found.picture.dimensions(), (expected, expected / 2), "{enough:?}");
        assert_eq!(found.full_size, (800, 400));
        let whole = decoded(None).unwrap().picture;
        let part = 800 / expected;
        for (x, y) in [(1, 1), (3, 1), (1, 3), (3, 3)] {
            let (x, y) = (x * expected / 4, y * expected / 8);
            let (a, b) = (found.picture.get_pixel(x, y), whole.get_pixel(x * part, y * part));
            assert!(a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) < 4), "{enough:?}: {a:?} {b:?}");
        }
    }
}

#[test]
fn a_jpeg_that_is_cut_off_is_refused_at_a_part_of_its_size_too() {
    let whole = encoded(quarters_of(800, 400), ImageFormat::Jpeg);
    let limits = Limits { enough: Some(50), ..Limits::default() };
    let cut = Arc::from(&whole[..whole.len() * 2 / 3]);
    let error = decode_bytes(Path::new("a.jpg"), cut, &limits).unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[test]
fn a_file_beyond_the_size_limit_is_not_read() {
    let limits = Limits { max_file_bytes: 10, ..Limits::default() };
    let error = decode_bytes(Path::new("a.jpg"), Arc::from(vec![0; 11]), &limits).unwrap_err();
    assert!(error.to_string().contains("more than the"), "{error}");
}

#[test]
fn a_folder_called_like_a_picture_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = decode(folder.path(), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("not a file"), "{error}");
}

#[test]
fn no_time_gives_a_refusal_at_once() {
    let limits = Limits { timeout: Duration::ZERO, ..Limits::default() };
    let bytes = encoded(quarters(), ImageFormat::Png);
    let error = decode_bytes(Path::new("a.png"), Arc::from(bytes), &limits).unwrap_err();
    assert!(error.to_string().contains("not decoded within"), "{error}");
}

#[test]
fn camera_photos_tell_their_camera_and_orientation() {
    let Some(data) = data_dir() else { return };
    let folder = data.join("photos/camera");
    let table = fs_err::read_to_string(folder.join("index.tsv")).unwrap();
    for line in table.lines().skip(1) {
        let [path, orientation, camera] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let found = decode(&folder.join(path), &Limits::default()).unwrap().metadata;
        let orientation = orientation.parse().map(Orientation::from_exif).unwrap_or_default();
        assert_eq!(found.orientation, orientation, "{path}");
        // One maker wrote its tags without their end; the table has what follows in the file.
        if camera.contains('\u{1}') {
            continue;
        }
        // The table says the make twice where the model begins with it, and keeps runs of spaces.
        let (camera, model) =
            (camera.split_whitespace().collect::<Vec<_>>().join(" "), found.camera.unwrap_or_default());
        assert!(camera.ends_with(&model), "{path}: {model:?} where {camera:?} was expected");
    }
}
