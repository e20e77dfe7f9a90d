//! What is outside of the window: the clipboard's contents, files that fall onto the window, the file manager, other
//! programs. Reads and writes files: call it from a job. The person's photos are never written.

use std::path::{Path, PathBuf};

use egui::ColorImage;
use image::{ImageFormat, RgbImage, imageops};
use sightline_core::engine::Engine;
use sightline_core::index::ContentHash;
use sightline_core::{Error, Result};

use super::finding::Finding;
use super::picture::color_image;
use super::translate::{tr, tr_with};

/// A pasted picture is kept no larger than this: no model looks at more.
const PASTED_SIDE: u32 = 1600;

/// So many pasted pictures are kept, the newest ones; a saved search may be by one of them.
const PASTED_AT_MOST: usize = 500;

/// Tells folders from files.
pub fn told_apart(paths: Vec<PathBuf>) -> Finding {
    let (folders, files) = paths.into_iter().partition(|path| path.is_dir());
    Finding::Dropped { folders, files }
}

/// A pasted text: the files and folders that it names line by line, or words to search for.
pub fn told_from_words(words: String) -> Finding {
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let paths: Option<Vec<PathBuf>> = lines.iter().map(|line| path_of(line)).collect();
    match paths {
        Some(paths) if !paths.is_empty() => told_apart(paths),
        _ => Finding::PastedText(lines.join(" ")),
    }
}

/// The file that a line names as a path or as a file's address.
fn path_of(line: &str) -> Option<PathBuf> {
    let path = match line.strip_prefix("file://") {
        Some(address) => PathBuf::from(unescaped(address)),
        None => PathBuf::from(line),
    };
    (path.is_absolute() && path.exists()).then_some(path)
}

/// "%20" and its like as the bytes that they stand for.
fn unescaped(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A photo's pixels, for the clipboard.
pub fn pixels(engine: &Engine, path: &Path) -> Result<Finding> {
    let picture = engine.picture(path)?.picture;
    let size = picture.dimensions();
    Ok(Finding::Pixels(color_image(size, &picture.into_raw())))
}

/// Keeps a pasted picture in the library's folder, named by its pixels: the same picture is kept once.
pub fn keep_pasted(engine: &Engine, picture: &ColorImage) -> Result<Finding> {
    let picture = reduced(opaque(picture)?);
    let folder = engine.library_folder().join("pasted");
    fs_err::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.png", ContentHash::of(picture.as_raw()).to_hex()));
    if !path.exists() {
        picture.save_with_format(&path, ImageFormat::Png).map_err(std::io::Error::other)?;
        forget_oldest(&folder)?;
    }
    Ok(Finding::Pasted(path))
}

/// On white, as every picture with holes is looked at.
fn opaque(picture: &ColorImage) -> Result<RgbImage> {
    let [width, height] = picture.size;
    let on_white = |channel: u8, alpha: u8| channel.saturating_add(255 - alpha);
    let channels =
        |color: &egui::Color32| [color.r(), color.g(), color.b()].map(|channel| on_white(channel, color.a()));
    let bytes: Vec<u8> = picture.pixels.iter().flat_map(channels).collect();
    let size = u32::try_from(width).ok().zip(u32::try_from(height).ok()).filter(|(width, height)| width * height > 0);
    size.and_then(|(width, height)| RgbImage::from_raw(width, height, bytes))
        .ok_or_else(|| Error::bad_request(tr("the clipboard holds a picture without pixels"), tr("copy it once more")))
}

fn reduced(picture: RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    if longer <= PASTED_SIDE {
        return picture;
    }
    let side = |length: u32| ((u64::from(length) * u64::from(PASTED_SIDE) / u64::from(longer)) as u32).max(1);
    imageops::resize(&picture, side(width), side(height), imageops::FilterType::Triangle)
}

fn forget_oldest(folder: &Path) -> Result<()> {
    let mut kept = Vec::new();
    for file in fs_err::read_dir(folder)? {
        let file = file?;
        kept.push((file.metadata()?.modified()?, file.path()));
    }
    kept.sort();
    let surplus = kept.len().saturating_sub(PASTED_AT_MOST);
    kept[..surplus].iter().try_for_each(|(_, path)| Ok(fs_err::remove_file(path)?))
}

/// Shows a file in the system's file manager, chosen among its neighbours where the system can.
pub fn reveal(path: &Path) -> Result<()> {
    opener::reveal(path).map_err(|error| no_program(path, &error))
}

/// Opens a file with the program that the system has for it.
pub fn open(path: &Path) -> Result<()> {
    opener::open(path).map_err(|error| no_program(path, &error))
}

fn no_program(path: &Path, error: &opener::OpenError) -> Error {
    let (error, path) = (error.to_string(), path.display().to_string());
    let what = tr_with("the system has no program that shows this file ({}): {}", &[&error, &path]);
    Error::bad_request(what, tr("copy its path, and open it where you like"))
}

#[cfg(test)]
mod tests {
    use egui::Color32;

    use super::*;

    #[test]
    fn words_are_words_and_existing_files_are_files() {
        let folder = std::env::temp_dir();
        let address = format!("file://{}\n", folder.display());
        assert!(matches!(told_from_words(address), Finding::Dropped { folders, .. } if folders == [folder]));
        assert!(
            matches!(told_from_words(" a dog\n on grass".to_owned()), Finding::PastedText(words) if words == "a dog on grass")
        );
        assert!(matches!(told_from_words("/no/such/file".to_owned()), Finding::PastedText(_)));
    }

    #[test]
    fn addresses_are_unescaped() {
        assert_eq!(unescaped("/a%20b/%C3%A9%zz%"), "/a b/é%zz%");
    }

    #[test]
    fn a_picture_with_holes_lies_on_white() {
        let picture = ColorImage::new([2, 1], vec![Color32::TRANSPARENT, Color32::from_rgb(1, 2, 3)]);
        assert_eq!(opaque(&picture).unwrap().into_raw(), [255, 255, 255, 1, 2, 3]);
    }

    #[test]
    fn a_picture_without_pixels_is_refused_and_a_huge_one_reduced() {
        assert!(opaque(&ColorImage::new([0, 0], Vec::new())).is_err());
        assert_eq!(reduced(RgbImage::new(3200, 1)).dimensions(), (1600, 1));
    }
}
