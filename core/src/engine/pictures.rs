//! Pictures to look at: thumbnails from the library's cache, and whole files. In: an entry or a path. Out: pixels. What
//! is cached can be thrown away at any time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use image::RgbImage;

use super::Engine;
use crate::error::Result;
use crate::index::{ContentHash, Entry};
use crate::media::{self, Decoded, Limits};

/// The longer side of a thumbnail in pixels: sharp in a cell of 160 points on a display of factor 2.
pub const THUMBNAIL: u32 = 320;
/// The longer side of a large one: sharp in the largest cell on such a display.
const LARGE_THUMBNAIL: u32 = 1024;

impl Engine {
    /// The thumbnail of a file's photo; made and kept if it is not there yet. Reads files: call it from a worker.
    ///
    /// # Errors
    /// A file that is no longer there or cannot be used.
    pub fn thumbnail(&self, entry: &Entry) -> Result<RgbImage> {
        kept_or_made(entry, &self.thumbnail_path(&entry.hash, ""), THUMBNAIL)
    }

    /// The same at three times the size, for cells that a thumbnail would be blurred in.
    ///
    /// # Errors
    /// As [`Engine::thumbnail`].
    pub fn large_thumbnail(&self, entry: &Entry) -> Result<RgbImage> {
        kept_or_made(entry, &self.thumbnail_path(&entry.hash, "-large"), LARGE_THUMBNAIL)
    }

    /// A whole picture. Reads the file: call it from a worker.
    ///
    /// # Errors
    /// A file that is no longer there or cannot be used.
    pub fn picture(&self, path: &Path) -> Result<Decoded> {
        media::decode(path, &Limits::default())
    }

    fn thumbnail_path(&self, hash: &ContentHash, kind: &str) -> PathBuf {
        let name = hash.to_hex();
        // 256 folders: no folder grows to a million files.
        self.shared.settings.library.join("thumbnails").join(&name[..2]).join(format!("{name}{kind}.jpg"))
    }
}

fn kept_or_made(entry: &Entry, cached: &Path, longest_side: u32) -> Result<RgbImage> {
    if let Some(thumbnail) = read_cached(cached) {
        return Ok(thumbnail);
    }
    let decoded = media::decode(&entry.path, &Limits::default())?;
    let thumbnail = media::thumbnail(&decoded.picture, longest_side);
    keep(cached, &thumbnail);
    Ok(thumbnail)
}

/// A cached thumbnail; one that is damaged counts as missing and is made again.
fn read_cached(path: &Path) -> Option<RgbImage> {
    let bytes = fs_err::read(path).ok()?;
    Some(image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).ok()?.into_rgb8())
}

/// Keeps a thumbnail. A full or read-only disk costs only the time to make it again.
fn keep(path: &Path, thumbnail: &RgbImage) {
    let kept = write(path, thumbnail);
    if let Err(error) = kept {
        tracing::warn!("could not keep the thumbnail: {error}");
    }
}

fn write(path: &Path, thumbnail: &RgbImage) -> Result<()> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 82);
    thumbnail.write_with_encoder(encoder).map_err(std::io::Error::other)?;
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    // Two workers may make the same thumbnail (copies of one photo): each writes a file of its own.
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let beside = path.with_extension(format!("part{}", WRITTEN.fetch_add(1, Ordering::Relaxed)));
    fs_err::write(&beside, bytes)?;
    Ok(fs_err::rename(&beside, path)?)
}
