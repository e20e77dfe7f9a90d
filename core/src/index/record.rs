//! The records of the store and their versioned bytes. In: bytes of any version so far. Out: the newest records. Knows
//! no sled.
//!
//! The first byte is the version. Every version has frozen structs of its own, so that a change of the live records
//! cannot change what old bytes mean; a new version is new frozen structs, a `From` and one arm in `decode_file`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::media::Exposure;

/// blake3 of a file's bytes: what a photo is known by, wherever it lies and whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

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
    /// How it was exposed; nothing of it is known of photos that were indexed before version 2.
    pub exposure: Exposure,
    /// Latitude and longitude in degrees, north and east positive.
    pub position: Option<(f64, f64)>,
}

/// A folder that the user added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRecord {
    /// Absolute.
    pub path: PathBuf,
    /// Subfolders that are left out, relative to `path`.
    pub excluded: Vec<PathBuf>,
    /// Not there at the last look (an unplugged drive): its photos are kept.
    pub is_offline: bool,
    /// Folders inside at which other drives were mounted when last seen.
    pub drives: Vec<Drive>,
}

/// A drive that is mounted somewhere inside of an added folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// Absolute.
    pub path: PathBuf,
    /// Not mounted at the last look: its photos are kept.
    pub is_offline: bool,
}

impl FolderRecord {
    /// A folder as it is when it is added.
    pub fn new(path: PathBuf) -> Self {
        Self { path, excluded: Vec::new(), is_offline: false, drives: Vec::new() }
    }

    /// Whether what is known of `path`, which lies in this folder, could not be looked for at the last look.
    pub fn is_away(&self, path: &Path) -> bool {
        self.is_offline || self.drives.iter().any(|drive| drive.is_offline && path.starts_with(&drive.path))
    }
}

/// A file and the photo in it, as they are stored together: one value a file costs a third of two trees.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub file: FileRecord,
    pub photo: Option<Arc<PhotoRecord>>,
}

/// The newest version of a file's bytes.
const FILE_VERSION: u8 = 2;

/// Version 1 of a file's value; the path is the key.
#[derive(Serialize, Deserialize)]
struct FileV1 {
    size: u64,
    modified_ns: i64,
    hash: Option<[u8; 32]>,
    problem: Option<String>,
    photo: Option<PhotoV1>,
}

/// Version 1 of a photo.
#[derive(Serialize, Deserialize)]
struct PhotoV1 {
    width: u32,
    height: u32,
    format: String,
    taken: Option<i64>,
    camera: Option<String>,
    lens: Option<String>,
    position: Option<(f64, f64)>,
}

/// Version 2 of a file's value: its photo has an exposure.
#[derive(Serialize, Deserialize)]
struct FileV2 {
    size: u64,
    modified_ns: i64,
    hash: Option<[u8; 32]>,
    problem: Option<String>,
    photo: Option<PhotoV2>,
}

/// Version 2 of a photo.
#[derive(Serialize, Deserialize)]
struct PhotoV2 {
    width: u32,
    height: u32,
    format: String,
    taken: Option<i64>,
    camera: Option<String>,
    lens: Option<String>,
    position: Option<(f64, f64)>,
    exposure: ExposureV2,
}

/// Seconds, f-number, focal length in millimetres, ISO.
type ExposureV2 = (Option<f32>, Option<f32>, Option<f32>, Option<u32>);

impl From<FileV1> for FileV2 {
    fn from(old: FileV1) -> Self {
        let FileV1 { size, modified_ns, hash, problem, photo } = old;
        Self { size, modified_ns, hash, problem, photo: photo.map(PhotoV2::from) }
    }
}

impl From<PhotoV1> for PhotoV2 {
    fn from(old: PhotoV1) -> Self {
        let PhotoV1 { width, height, format, taken, camera, lens, position } = old;
        Self { width, height, format, taken, camera, lens, position, exposure: ExposureV2::default() }
    }
}

impl From<PhotoV2> for PhotoRecord {
    fn from(old: PhotoV2) -> Self {
        let PhotoV2 { width, height, format, taken, camera, lens, position, exposure } = old;
        let (seconds, f_number, focal_length, iso) = exposure;
        let exposure = Exposure { seconds, f_number, focal_length, iso };
        Self { width, height, format, taken, camera, lens, exposure, position }
    }
}

impl From<&PhotoRecord> for PhotoV2 {
    fn from(photo: &PhotoRecord) -> Self {
        let PhotoRecord { width, height, format, taken, camera, lens, exposure, position } = photo.clone();
        let Exposure { seconds, f_number, focal_length, iso } = exposure;
        let exposure = (seconds, f_number, focal_length, iso);
        Self { width, height, format, taken, camera, lens, position, exposure }
    }
}

/// The bytes of a file and its photo, in the newest version; the path is not in them.
pub(super) fn encode_file(stored: &Stored) -> Vec<u8> {
    let FileRecord { size, modified_ns, hash, problem, .. } = &stored.file;
    let photo = stored.photo.as_deref().map(PhotoV2::from);
    let hash = hash.map(|hash| hash.0);
    encode(FILE_VERSION, &FileV2 { size: *size, modified_ns: *modified_ns, hash, problem: problem.clone(), photo })
}

/// A file from bytes of any version so far; `None` for bytes that are none of them.
pub(super) fn decode_file(path: PathBuf, bytes: &[u8]) -> Option<Stored> {
    let (version, rest) = bytes.split_first()?;
    let old: FileV2 = match version {
        1 => decode::<FileV1>(rest)?.into(),
        2 => decode(rest)?,
        _ => return None,
    };
    let hash = old.hash.map(ContentHash);
    let file = FileRecord { path, size: old.size, modified_ns: old.modified_ns, hash, problem: old.problem };
    Some(Stored { file, photo: old.photo.map(|photo| Arc::new(photo.into())) })
}

/// A version byte and a value after it.
pub(super) fn encode<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    // Plain structs into a growing vector: postcard has no way to fail here.
    postcard::to_extend(value, vec![version]).unwrap_or_default()
}

/// A value that fills all of `bytes`.
pub(super) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

/// The bytes of a path, such that those of a folder are the beginning of those of everything in it.
#[cfg(unix)]
pub(super) fn path_key(path: &Path) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
}

/// The path of such bytes.
#[cfg(unix)]
pub(super) fn path_of_key(key: &[u8]) -> PathBuf {
    let name: OsString = std::os::unix::ffi::OsStringExt::from_vec(key.to_vec());
    PathBuf::from(name)
}

/// The bytes of a path, such that those of a folder are the beginning of those of everything in it.
#[cfg(windows)]
pub(super) fn path_key(path: &Path) -> Vec<u8> {
    std::os::windows::ffi::OsStrExt::encode_wide(path.as_os_str()).flat_map(u16::to_be_bytes).collect()
}

/// The path of such bytes.
#[cfg(windows)]
pub(super) fn path_of_key(key: &[u8]) -> PathBuf {
    let wide: Vec<u16> = key.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let name: OsString = std::os::windows::ffi::OsStringExt::from_wide(&wide);
    PathBuf::from(name)
}

/// What the keys of all files in a folder begin with.
pub(super) fn folder_prefix(folder: &Path) -> Vec<u8> {
    // Joining nothing ends the path in exactly one separator, also that of the root.
    path_key(&folder.join(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_of_version_1_are_read_for_ever() {
        let golden = [
            &[1, 3, 1, 1][..],                     // version, size 3, modified −1 (zigzag), a hash
            &[9; 32],                              // the hash
            &[0, 1],                               // no problem, a photo
            &[0xC0, 0x1F, 0xD0, 0x17, 4],          // 4032 × 3024, a format of four letters
            b"jpeg",                               // the format
            &[1, 4, 1, 1],                         // taken at 2, a camera of one letter
            b"X",                                  // the camera
            &[0, 1, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F], // no lens, latitude 1.0
            &[0, 0, 0, 0, 0, 0, 0, 0xC0],          // longitude −2.0
        ];
        let photo = PhotoRecord {
            width: 4032,
            height: 3024,
            format: "jpeg".to_owned(),
            taken: Some(2),
            camera: Some("X".to_owned()),
            lens: None,
            exposure: Exposure::default(),
            position: Some((1.0, -2.0)),
        };
        let hash = Some(ContentHash([9; 32]));
        let file = FileRecord { path: "/a.jpg".into(), size: 3, modified_ns: -1, hash, problem: None };
        let stored = Stored { file, photo: Some(Arc::new(photo)) };
        assert_eq!(decode_file("/a.jpg".into(), &golden.concat()), Some(stored));
    }

    #[test]
    fn bytes_of_version_2_are_read_for_ever() {
        let golden = [
            &[2, 3, 1, 0, 0, 1][..], // version, size 3, modified −1 (zigzag), no hash, no problem, a photo
            &[1, 2, 3],              // 1 × 2, a format of three letters
            b"png",                  // the format
            &[0, 0, 0, 0],           // no date, camera, lens, place
            &[1, 0, 0, 0x80, 0x3F],  // one second
            &[0, 1, 0, 0, 0x0C, 0x42, 1], // no f-number, 35 mm, an ISO
            &[0xC8, 0x01],           // 200
        ];
        let (seconds, f_number, focal_length, iso) = (Some(1.0), None, Some(35.0), Some(200));
        let photo = PhotoRecord {
            width: 1,
            height: 2,
            format: "png".to_owned(),
            taken: None,
            camera: None,
            lens: None,
            exposure: Exposure { seconds, f_number, focal_length, iso },
            position: None,
        };
        let file = FileRecord { path: "/a.png".into(), size: 3, modified_ns: -1, hash: None, problem: None };
        let stored = Stored { file, photo: Some(Arc::new(photo)) };
        assert_eq!(encode_file(&stored), golden.concat());
        assert_eq!(decode_file("/a.png".into(), &golden.concat()), Some(stored));
    }

    #[test]
    fn bytes_of_a_newer_version_are_not_guessed_at() {
        assert_eq!(decode_file("/a.jpg".into(), &[3, 3, 1, 0, 0, 0]), None);
        assert_eq!(decode_file("/a.jpg".into(), &[]), None);
    }

    #[test]
    fn the_root_folder_holds_everything() {
        assert!(path_key(Path::new("/a.jpg")).starts_with(&folder_prefix(Path::new("/"))));
        assert!(!path_key(Path::new("/ab/c.jpg")).starts_with(&folder_prefix(Path::new("/a"))));
    }

    prop_compose! {
        fn any_stored()(
            size: u64, modified_ns: i64, hash: Option<[u8; 32]>, problem: Option<String>,
            width: u32, format: String, taken: Option<i64>, camera: Option<String>, iso: Option<u32>, has_photo: bool,
        ) -> Stored {
            let exposure = Exposure { iso, ..Exposure::default() };
            let photo = PhotoRecord { width, height: 1, format, taken, camera, lens: None, exposure, position: None };
            let hash = hash.map(ContentHash);
            let file = FileRecord { path: "/a".into(), size, modified_ns, hash, problem };
            Stored { file, photo: has_photo.then(|| Arc::new(photo)) }
        }
    }

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_went(stored in any_stored()) {
            prop_assert_eq!(decode_file("/a".into(), &encode_file(&stored)), Some(stored));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode_file("/a".into(), &bytes);
        }
    }

    #[cfg(unix)]
    proptest! {
        #[test]
        fn any_path_comes_back_from_its_key(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(path_key(&path_of_key(&bytes)), bytes);
        }
    }
}
