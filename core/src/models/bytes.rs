//! The bytes of one file of a checkpoint. In: a path, or bytes built into the program. Out: a slice that is cheap to
//! share. Must never know what the bytes mean.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;

/// A file's bytes: mapped from disk, or part of the program.
#[derive(Clone)]
pub(super) enum FileBytes {
    Mapped(Arc<memmap2::Mmap>),
    BuiltIn(&'static [u8]),
}

impl FileBytes {
    /// Maps a file; `None` when there is none.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let file = match fs_err::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if file.metadata()?.len() == 0 {
            return Ok(Some(Self::BuiltIn(&[])));
        }
        // SAFETY: the map is read-only and lives as long as the `Arc`. A checkpoint that another program overwrites while
        // it is read gives wrong numbers, and one that it cuts off ends this process (SIGBUS): the same holds for every
        // reader that maps safetensors, and a copy would cost the size of the weights.
        let map = unsafe { memmap2::Mmap::map(file.file()) }?;
        Ok(Some(Self::Mapped(Arc::new(map))))
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::BuiltIn(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_none_and_an_empty_one_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        assert!(FileBytes::open(&path).unwrap().is_none());
        fs_err::write(&path, "").unwrap();
        assert!(FileBytes::open(&path).unwrap().unwrap().is_empty());
        fs_err::write(&path, "{}").unwrap();
        assert_eq!(&FileBytes::open(&path).unwrap().unwrap()[..], b"{}");
    }
}
