//! What a picture says of itself. In: the bytes of any picture file. Out: date, camera, lens, exposure, place, orientation; what
//! is missing or makes no sense is `None`. Never fails, never panics, decodes no pixels.

use super::boxes;
use super::exposure::Exposure;
use super::ifd::{Directory, Tiff, is_tiff};
use super::jpeg::is_jpeg;
use super::orientation::Orientation;

/// What EXIF tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// When it was taken: seconds since 1970 of the camera's own clock, which has no zone.
    pub taken: Option<i64>,
    /// Make and model, the make once: "Canon EOS 7D".
    pub camera: Option<String>,
    /// The lens's model.
    pub lens: Option<String>,
    /// How it was exposed.
    pub exposure: Exposure,
    /// Where it was taken.
    pub position: Option<Position>,
    /// How the stored pixels have to be turned; a decoded picture has been.
    pub orientation: Orientation,
}

/// A place on Earth, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
}

/// Reads the metadata of a picture file of any format. Never fails: what is absent or senseless is `None`.
pub fn metadata(bytes: &[u8]) -> Metadata {
    exif_block(bytes).and_then(Tiff::new).and_then(|tiff| read(&tiff)).unwrap_or_default()
}

/// The TIFF structure that holds the EXIF tags: the file itself, or a block somewhere in it.
pub(super) fn exif_block(bytes: &[u8]) -> Option<&[u8]> {
    if is_jpeg(bytes) {
        jpeg_block(bytes)
    } else if bytes.starts_with(b"\x89PNG") {
        png_block(bytes)
    } else if bytes.starts_with(b"RIFF") {
        webp_block(bytes)
    } else if bytes.starts_with(b"FUJIFILM") {
        // A raw file of Fujifilm holds a whole JPEG, whose offset is at byte 84.
        let start = u32::from_be_bytes(bytes.get(84..88)?.try_into().ok()?) as usize;
        bytes.get(start..).filter(|jpeg| is_jpeg(jpeg)).and_then(jpeg_block)
    } else if boxes::is_boxed(bytes) {
        boxes::exif_block(bytes)
    } else {
        (is_tiff(bytes) || super::raw_preview::is_raw_header(bytes)).then_some(bytes)
    }
}

/// The APP1 segment with EXIF.
fn jpeg_block(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 2;
    while *bytes.get(at)? == 0xff {
        let marker = *bytes.get(at + 1)?;
        if marker == 0xff {
            at += 1;
            continue;
        }
        if matches!(marker, 0xd9 | 0xda) {
            return None;
        }
        let length = usize::from(u16::from_be_bytes(bytes.get(at + 2..at + 4)?.try_into().ok()?));
        let body = bytes.get(at + 4..(at + 2 + length.max(2)).min(bytes.len()))?;
        if let (0xe1, Some(block)) = (marker, body.strip_prefix(b"Exif\0\0")) {
            return Some(block);
        }
        at += 2 + length.max(2);
    }
    None
}

/// The eXIf chunk.
fn png_block(bytes: &[u8]) -> Option<&[u8]> {
    let mut at: usize = 8;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        let body = at + 8;
        if bytes.get(at + 4..body)? == b"eXIf" {
            let block = bytes.get(body..body.checked_add(length)?)?;
            return Some(block.strip_prefix(b"Exif\0\0").unwrap_or(block));
        }
        at = body.checked_add(length)?.checked_add(4)?;
    }
}

/// The EXIF chunk, some writers put JPEG's prefix in front.
fn webp_block(bytes: &[u8]) -> Option<&[u8]> {
    let mut at: usize = 12;
    loop {
        let length = u32::from_le_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?) as usize;
        if bytes.get(at..at + 4)? == b"EXIF" {
            let block = bytes.get(at + 8..(at + 8).checked_add(length)?)?;
            return Some(block.strip_prefix(b"Exif\0\0").unwrap_or(block));
        }
        at = (at + 8).checked_add(length)?.checked_add(length & 1)?;
    }
}

/// The tags, by their numbers in Exif 2.32.
fn read(tiff: &Tiff<'_>) -> Option<Metadata> {
    let main = tiff.first()?;
    let linked = |tag: u16| main.number(tag).and_then(|offset| tiff.directory(offset as usize));
    let exif = linked(0x8769);
    let exif_text = |tag: u16| exif.as_ref().and_then(|exif| exif.text(tag));
    let dates = [exif_text(0x9003), exif_text(0x9004), main.text(0x0132)];
    Some(Metadata {
        taken: dates.iter().flatten().find_map(|date| civil_seconds(date)),
        camera: camera(main.text(0x010f), main.text(0x0110)),
        lens: exif_text(0xa434),
        exposure: exif.as_ref().map(Exposure::of).unwrap_or_default(),
        position: linked(0x8825).and_then(|gps| position(&gps)),
        orientation: Orientation::from_exif(main.number(0x0112).unwrap_or(1)),
    })
}

/// "2026:03:01 12:30:00" → seconds since 1970 as if it were UTC. Cameras whose clock was never set write zeros or
/// spaces, which is no date.
fn civil_seconds(text: &str) -> Option<i64> {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut next = || numbers.next()?.parse::<i16>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let (hour, minute, second) = (next().unwrap_or(0), next().unwrap_or(0), next().unwrap_or(0));
    let small = |number: i16| i8::try_from(number).ok();
    // 60 is a leap second, or a camera that rounds.
    let second = small(second)?.min(59);
    let civil =
        jiff::civil::DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, second, 0).ok()?;
    if !(1826..=9000).contains(&year) {
        return None;
    }
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Make and model, without saying the make twice: "Canon" and "Canon EOS 7D", "NIKON CORPORATION" and "NIKON D70".
fn camera(make: Option<String>, model: Option<String>) -> Option<String> {
    let (make, model) = match (make, model) {
        (Some(make), Some(model)) => (make, model),
        (make, model) => return make.or(model),
    };
    let first_word = |text: &str| text.split_whitespace().next().unwrap_or_default().to_lowercase();
    let (make, model) = (one_space(&make), one_space(&model));
    if first_word(&make) == first_word(&model) { Some(model) } else { Some(format!("{make} {model}")) }
}

/// Some makers fill their names up with spaces.
fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn position(gps: &Directory<'_>) -> Option<Position> {
    let angle = |reference: u16, value: u16, negative: &str, most: f64| {
        let parts = gps.ratios(value);
        let degrees = parts.first()? + parts.get(1).unwrap_or(&0.0) / 60.0 + parts.get(2).unwrap_or(&0.0) / 3600.0;
        let is_negative = gps.text(reference)?.eq_ignore_ascii_case(negative);
        (degrees <= most).then_some(if is_negative { -degrees } else { degrees })
    };
    let position = Position { latitude: angle(1, 2, "S", 90.0)?, longitude: angle(3, 4, "W", 180.0)? };
    // Zero, zero is what devices without a fix write; nobody photographs in the Gulf of Guinea to the centimetre.
    (position.latitude != 0.0 || position.longitude != 0.0).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_date(text: &str, expected: Option<&str>) {
        let found = civil_seconds(text).map(|seconds| jiff::Timestamp::from_second(seconds).unwrap().to_string());
        assert_eq!(found.as_deref(), expected);
    }

    #[track_caller]
    fn check_camera(make: Option<&str>, model: Option<&str>, expected: Option<&str>) {
        assert_eq!(camera(make.map(str::to_owned), model.map(str::to_owned)).as_deref(), expected);
    }

    #[test]
    fn a_date_is_the_cameras_own_clock() {
        check_date("2026:03:01 12:30:05", Some("2026-03-01T12:30:05Z"));
        check_date("1969:12:31 23:59:59", Some("1969-12-31T23:59:59Z"));
    }

    #[test]
    fn a_date_without_a_time_is_midnight() {
        check_date("2026-03-01", Some("2026-03-01T00:00:00Z"));
    }

    #[test]
    fn a_clock_that_was_never_set_gives_no_date() {
        check_date("0000:00:00 00:00:00", None);
        check_date("    :  :     :  :  ", None);
        check_date("2026:13:01 00:00:00", None);
        check_date("99999999999:1:1", None);
    }

    #[test]
    fn the_make_is_said_once() {
        check_camera(Some("Canon"), Some("Canon EOS 7D"), Some("Canon EOS 7D"));
        check_camera(Some("NIKON CORPORATION"), Some("NIKON D70"), Some("NIKON D70"));
        check_camera(Some("Apple"), Some("iPhone 4"), Some("Apple iPhone 4"));
        check_camera(Some("Apple"), None, Some("Apple"));
        check_camera(None, Some("iPhone"), Some("iPhone"));
        check_camera(None, None, None);
    }

    proptest! {
        #[test]
        fn any_bytes_have_metadata(
            start in proptest::sample::select(vec![
                &b"\xff\xd8\xff\xe1\x01\0Exif\0\0II\x2a\0\x08\0\0\0"[..], b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPEXIF",
                b"MM\0\x2a\0\0\0\x08", b"FUJIFILM", b"\0\0\0\x0cftypavif\0\0\0\x40meta\0\0\0\0", b"",
            ]),
            tail in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let bytes = [start, &tail].concat();
            metadata(&bytes);
        }
    }
}
