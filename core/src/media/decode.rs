//! Path or bytes → [`Decoded`]. In: a file that nobody has checked. Out: an upright picture with its metadata, or an
//! error that a person understands. Knows the order of the steps and no format.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;

use super::budget::{Budget, Outcome, Refusal};
use super::formats::{Source, extension, recognised};
use super::isolate::isolated;
use super::metadata::{Metadata, metadata};
use crate::error::{Error, Result};

/// What decoding one picture may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels of a picture.
    pub max_pixels: u64,
    /// Most bytes that a decoder may hold at once, the picture included. A JPEG that needs more is decoded at a half,
    /// a quarter or an eighth of its size; anything else is refused.
    pub max_bytes: u64,
    /// Most bytes of the file.
    pub max_file_bytes: u64,
    /// How long decoding may take.
    pub timeout: Duration,
    /// So many pixels of the shorter side are enough: a JPEG is decoded at a half, a quarter or an eighth of its size where
    /// that leaves them, in half the time. `None`: every pixel is wanted.
    pub enough: Option<u32>,
}

impl Default for Limits {
    /// 100 megapixels, 320 MiB of decoder memory, files of 256 MiB, 30 seconds, every pixel.
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_bytes: 320 << 20,
            max_file_bytes: 256 << 20,
            timeout: Duration::from_secs(30),
            enough: None,
        }
    }
}

/// A decoded file.
#[derive(Clone, PartialEq)]
pub struct Decoded {
    /// Upright, 8-bit. Transparency is dropped, not blended: what lies under it shows, as with Pillow's
    /// `convert("RGB")`. 16-bit samples are scaled to 8, CMYK is converted without its profile; of an animation this is
    /// the first frame, of a raw file its largest preview.
    pub picture: RgbImage,
    /// What the file says of itself.
    pub metadata: Metadata,
    /// The format's short name ("jpeg"), by content.
    pub format: &'static str,
    /// Upright width and height in the file: more than the picture's where it was decoded at a reduced size.
    pub full_size: (u32, u32),
}

impl fmt::Debug for Decoded {
    /// Without the pixels.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { picture, metadata, format, full_size } = self;
        let size = picture.dimensions();
        write!(formatter, "Decoded {{ {format}, {size:?} of {full_size:?}, {metadata:?} }}")
    }
}

/// Reads and decodes one file.
///
/// # Errors
/// [`Error::NoFile`] when it is not there, [`Error::Io`] when it cannot be read, [`Error::BadFile`] when it is no picture,
/// damaged, or more than the limits.
pub fn decode(path: &Path, limits: &Limits) -> Result<Decoded> {
    decode_bytes(path, read_bytes(path, limits)?, limits)
}

/// Reads a file that may be a picture.
///
/// # Errors
/// [`Error::NoFile`] when it is not there, [`Error::Io`] when it cannot be read, [`Error::BadFile`] when it is larger than `limits.max_file_bytes` or no
/// file.
pub fn read_bytes(path: &Path, limits: &Limits) -> Result<Arc<[u8]>> {
    // A pipe or a device would be read for ever; only a regular file has a length to trust.
    let found = fs_err::metadata(path).map_err(|error| Error::unread(path, error))?;
    if !found.is_file() {
        return Err(Error::bad_file(path, "this is not a file", "remove it from the folder or exclude it"));
    }
    check_file_size(path, found.len(), limits)?;
    let mut file = fs_err::File::open(path)?;
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, found.len() as usize).collect();
    if let Some(buffer) = Arc::get_mut(&mut bytes) {
        file.read_exact(buffer)?;
    }
    Ok(bytes)
}

/// Decodes the content of a file; `path` serves messages and, where the content does not say what it is, the extension.
/// The bytes are shared because the decoding thread may outlive this call.
///
/// # Errors
/// [`Error::BadFile`] when they are no picture, damaged, or more than the limits; [`Error::BadRequest`] when nothing is
/// wrong with them but the machine is too busy to decode them now.
pub fn decode_bytes(path: &Path, bytes: Arc<[u8]>, limits: &Limits) -> Result<Decoded> {
    check_file_size(path, bytes.len() as u64, limits)?;
    let extension = extension(path);
    let budget = Budget::starting(limits);
    isolated(&budget, move |budget| decoded(&Source { bytes: &bytes, extension: &extension }, budget))
        .map_err(|refusal| refused(path, refusal))
}

/// What is wrong with the file is told from what is wrong with the moment: only the first is worth remembering.
pub(super) fn refused(path: &Path, refusal: Refusal) -> Error {
    let Refusal { what, remedy, is_passing } = refusal;
    if is_passing { Error::bad_request(what, remedy) } else { Error::bad_file(path, what, remedy) }
}

fn decoded(source: &Source<'_>, budget: &Budget) -> Outcome<Decoded> {
    let format = recognised(source)?;
    let metadata = metadata(source.bytes);
    let raster = (format.decode)(source, budget)?;
    budget.check_time()?;
    let full_size = raster.orientation.upright_size(raster.full_size);
    let picture = raster.orientation.apply(raster.picture);
    Ok(Decoded { picture, metadata, format: format.name, full_size })
}

fn check_file_size(path: &Path, found: u64, limits: &Limits) -> Result<()> {
    if found <= limits.max_file_bytes {
        return Ok(());
    }
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    let what = format!(
        "this file is {} MB, more than the {} MB that Sightline reads",
        megabytes(found),
        megabytes(limits.max_file_bytes)
    );
    Err(Error::bad_file(path, what, "save a smaller copy"))
}
