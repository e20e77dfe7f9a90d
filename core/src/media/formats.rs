//! What a file is. In: its first bytes and its name. Out: the format that decodes it. A new format is one file and one
//! line in [`FORMATS`]. Knows no pixels.

use std::path::Path;

use super::budget::{Budget, Outcome, Refusal};
use super::raster::Raster;
use super::{avif, jpeg, jxl, raster, raw_preview};

/// One kind of picture file.
#[derive(Debug)]
pub struct Format {
    /// Its short name: "jpeg".
    pub name: &'static str,
    /// What its files are called, lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// Whether these bytes are of this format; the name decides only where the content cannot.
    pub(super) recognises: fn(&Source<'_>) -> bool,
    /// Decodes it.
    pub(super) decode: fn(&Source<'_>, &Budget) -> Outcome<Raster>,
}

/// A file as decoders see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// All of its content.
    pub bytes: &'a [u8],
    /// Its extension, lower case.
    pub extension: &'a str,
}

/// Every format. The content decides, the first that recognises it wins; TGA has no magic number and comes last.
static FORMATS: &[Format] = &[
    jpeg::JPEG,
    raster::PNG,
    raster::GIF,
    raster::WEBP,
    raster::BMP,
    raw_preview::RAW,
    raster::TIFF,
    raster::QOI,
    avif::AVIF,
    #[cfg(feature = "heic")]
    super::heic::HEIC,
    #[cfg(not(feature = "heic"))]
    HEIC_WITHOUT_LIBRARY,
    jxl::JXL,
    raster::PNM,
    raster::TGA,
];

/// Every format that Sightline reads, in the order in which they are tried.
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// Whether a scan picks this file up: it is called like a picture. What it really is shows when it is decoded.
pub fn is_picture_path(path: &Path) -> bool {
    let extension = extension(path);
    FORMATS.iter().any(|format| format.extensions.contains(&extension.as_str()))
}

/// The extension in lower case, empty if there is none.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// The format of these bytes.
///
/// # Errors
/// A refusal that says what the file is instead, where that can be told.
pub(super) fn recognised(source: &Source<'_>) -> Outcome<&'static Format> {
    if source.bytes.is_empty() {
        return Err(Refusal::new("this file is empty", "restore it from a copy"));
    }
    FORMATS.iter().find(|format| (format.recognises)(source)).ok_or_else(|| stranger(source.bytes))
}

/// Files that people keep among their pictures, by their first bytes.
const STRANGERS: &[(&[u8], &str)] = &[
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"\0\0\x01\0", "an icon"),
    (b"\0\0\x02\0", "a cursor"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"gimp xcf", "a GIMP document"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"DDS ", "a DirectDraw texture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a placeholder of Git LFS, not the picture itself"),
];

fn stranger(bytes: &[u8]) -> Refusal {
    let kind = STRANGERS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind);
    let is_film = bytes.get(4..8) == Some(b"ftyp");
    match kind.or(is_film.then_some("a film")) {
        Some(kind) => Refusal::new(format!("this is {kind}"), "export it as JPEG or PNG"),
        None if bytes.iter().all(|&byte| byte == 0) => {
            Refusal::new("this file holds nothing but zeros", "restore it from a copy")
        }
        None => Refusal::new("this is not a picture that Sightline knows", "export it as JPEG or PNG"),
    }
}

#[cfg(not(feature = "heic"))]
const HEIC_WITHOUT_LIBRARY: Format = Format {
    name: "heic",
    extensions: super::boxes::HEIC_EXTENSIONS,
    recognises: |source| super::boxes::is_heic(source.bytes),
    decode: |_, _| {
        Err(Refusal::new(
            "HEIC pictures need the library libheif, which this Sightline was built without",
            "build it with `--features heic` where libheif is installed, or save the picture as JPEG",
        ))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], extension: &str, expected: Result<&str, &str>) {
        match (recognised(&Source { bytes, extension }), expected) {
            (Ok(format), Ok(name)) => assert_eq!(format.name, name),
            (Err(refusal), Err(part)) => assert!(refusal.what.contains(part), "{refusal:?}"),
            (found, _) => panic!("{found:?} where {expected:?} was expected"),
        }
    }

    #[test]
    fn the_content_decides_and_not_the_name() {
        check(b"\x89PNG\r\n\x1a\n", "jpg", Ok("png"));
        check(b"\xff\xd8\xff\xe0", "png", Ok("jpeg"));
    }

    #[test]
    fn the_name_decides_where_the_content_cannot() {
        check(&[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0, 9, 9, 9], "tga", Ok("tga"));
    }

    #[test]
    fn a_stranger_is_named() {
        check(b"%PDF-1.7", "jpg", Err("a PDF document"));
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty() {
        check(b"", "jpg", Err("empty"));
    }

    #[test]
    fn pictures_are_known_by_extension_in_any_case() {
        for name in ["a.jpg", "b.JPEG", "c.Nef", "d.heic", "e.jxl", "f.tiff"] {
            assert!(is_picture_path(Path::new(name)), "{name}");
        }
        for name in ["a.txt", "jpg", ".jpg", "b.mp4", "c"] {
            assert!(!is_picture_path(Path::new(name)), "{name}");
        }
    }
}
