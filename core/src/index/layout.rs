//! The library's folder: what lies where, who may use it, and what is done with parts that are broken. In: the folder.
//! Out: paths, a lock, findings. Knows nothing of what the parts hold.

use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The newest layout of a library; written to the file `format`.
pub(super) const FORMAT: u32 = 1;

/// So much of a disk must be free for photos to be recorded: where sled cannot write one of its large nodes it waits for
/// ever, so it must never come to that. What the user makes is small and is always tried.
pub(super) const SPARE_BYTES: u64 = 16 << 20;

/// The file that says that the store failed while it was used.
const CONDEMNED: &str = "store-failed";

/// The paths in a library's folder.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The library's folder.
    pub root: PathBuf,
}

impl Layout {
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub fn vectors(&self) -> PathBuf {
        self.root.join("vectors")
    }

    /// How often the library was closed in order; not there while it is open, nor after a crash.
    pub fn closings(&self) -> PathBuf {
        self.root.join("closings")
    }

    /// Notes that the store failed while it was used: the next opening sets it aside.
    pub fn condemn_store(&self) -> Result<()> {
        write_whole(&self.root.join(CONDEMNED), b"1")
    }

    /// Whether the store failed while it was used; the note is removed.
    pub fn take_condemned(&self) -> Result<bool> {
        Ok(take_number(&self.root.join(CONDEMNED))?.is_some() && self.store().exists())
    }

    /// That the disk has room for more photos.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn check_space(&self) -> Result<()> {
        if fs4::available_space(&self.root)? < SPARE_BYTES {
            return Err(Error::DiskFull { path: self.root.clone() });
        }
        Ok(())
    }

    fn format(&self) -> PathBuf {
        self.root.join("format")
    }

    fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }
}

/// Holds the library for this process until it is dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "held for its drop")] fs_err::File);

/// Makes the folder if need be, and takes the lock and the format.
pub(super) fn enter(root: &Path) -> Result<(Layout, Lock)> {
    fs_err::create_dir_all(root).map_err(|error| storage_error(error, root))?;
    let layout = Layout { root: root.to_owned() };
    let lock = patiently(|| lock(&layout))?;
    check_format(&layout)?;
    fs_err::create_dir_all(layout.vectors()).map_err(|error| storage_error(error, root))?;
    Ok((layout, lock))
}

/// Tries again for a moment while the library is in use: a program that this one just started holds its locks too until
/// it has replaced itself, and so does a Sightline that is about to end.
pub(super) fn patiently<T>(attempt: impl Fn() -> Result<T>) -> Result<T> {
    for _ in 0..20 {
        match attempt() {
            Err(Error::LibraryInUse { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            settled => return settled,
        }
    }
    attempt()
}

fn lock(layout: &Layout) -> Result<Lock> {
    let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(layout.lock())?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::LibraryInUse { path: layout.root.clone() }),
        Err(std::fs::TryLockError::Error(error)) => Err(storage_error(error, &layout.root)),
    }
}

/// Writes the format of a new library, refuses one that a newer program made.
fn check_format(layout: &Layout) -> Result<()> {
    match read_number(&layout.format())? {
        Some(found) if found > u64::from(FORMAT) => {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            Err(Error::NewerLibrary { found, known: FORMAT, path: layout.root.clone() })
        }
        Some(_) => Ok(()),
        // Missing, or damaged: version 1 is the first there is.
        None => write_whole(&layout.format(), format!("{FORMAT}\n").as_bytes()),
    }
}

/// The number in a small file; `None` when it is missing or holds something else.
fn read_number(path: &Path) -> Result<Option<u64>> {
    let mut bytes = Vec::new();
    match fs_err::File::open(path) {
        // A number is a few digits, whatever the file holds.
        Ok(file) => file.take(32).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(number(&bytes))
}

/// The number in a small file, which is removed.
pub(super) fn take_number(path: &Path) -> Result<Option<u64>> {
    let number = read_number(path)?;
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(storage_error(error, path)),
        _ => Ok(number),
    }
}

/// The number that decimal digits mean.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_pieces(path, [bytes].into_iter())
}

/// Writes a file of these pieces, whole or not at all.
pub(super) fn write_pieces<'a>(path: &Path, mut pieces: impl Iterator<Item = &'a [u8]>) -> Result<()> {
    let beside = path.with_extension("new");
    let mut write = || {
        let mut file = BufWriter::new(fs_err::File::create(&beside)?);
        pieces.try_for_each(|piece| file.write_all(piece))?;
        file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        fs_err::rename(&beside, path)
    };
    write().map_err(|error| storage_error(error, path))
}

/// Renames a broken part to `<name>.broken-<n>`, and says to what.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf> {
    let aside = free_name(path);
    fs_err::rename(path, &aside).map_err(|error| storage_error(error, path))?;
    Ok(aside)
}

/// Copies a broken file to `<name>.broken-<n>`, and says to what.
pub(super) fn copy_aside(path: &Path) -> Result<PathBuf> {
    let aside = free_name(path);
    fs_err::copy(path, &aside).map_err(|error| storage_error(error, path))?;
    Ok(aside)
}

fn free_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".broken-");
    let mut names = (1..).map(|number: u32| {
        let mut name = name.clone();
        name.push(number.to_string());
        path.with_file_name(name)
    });
    names.find(|aside| !aside.exists()).unwrap_or_else(|| path.with_extension("broken"))
}

/// A full disk by its own name; every other failure as it is.
pub(super) fn storage_error(error: std::io::Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull { path: path.to_owned() },
        _ => Error::Io(error),
    }
}
