//! The records of the store and their versioned bytes. In: bytes of any version so far. Out: the newest records. Knows
//! no sled.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// blake3 of a file's bytes: what a photo is known by, wherever it lies and whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

/// One file of an added folder. Several files may hold the same photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Absolute; any bytes that the file system allows.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970 (UTC), negative before.
    pub modified_ns: i64,
    /// The photo in it; `None` for a file that could not be used.
    pub hash: Option<ContentHash>,
    /// Why it could not be used.
    pub problem: Option<String>,
}

/// What is known of a photo, whichever files hold it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhotoRecord {
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// The container ("jpeg").
    pub format: String,
    /// When it was taken: seconds since 1970 of the camera's own clock (no zone), from EXIF.
    pub taken: Option<i64>,
    /// Make and model.
    pub camera: Option<String>,
    /// The lens.
    pub lens: Option<String>,
    /// Latitude and longitude in degrees, north and east positive.
    pub position: Option<(f64, f64)>,
}

/// A folder that the user added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRecord {
    /// Absolute.
    pub path: PathBuf,
    /// Subfolders that are left out, relative to `path`.
    pub excluded: Vec<PathBuf>,
    /// Not there at the last look (an unplugged drive): its photos are kept.
    pub is_offline: bool,
}
