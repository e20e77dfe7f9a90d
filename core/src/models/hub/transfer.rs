//! The content of one file. In: what the hub announced. Out: a checked file in the cache, linked into its snapshot.
//!
//! The layout is the hub's own: blobs/DIGEST, DIGEST.part while it is incomplete, snapshots/COMMIT/NAME → the blob.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::remote::{Remote, address, refused};
use super::{Hub, failed};
use crate::error::{Error, Result};
use crate::jobs::Ticker;
use crate::models::Card;

/// Bytes between two looks at the ticker.
const CHUNK: usize = 256 * 1024;

/// Brings one file into the cache, under its digest, and links it into the snapshot of its commit.
pub(super) fn fetch(card: &Card, hub: &Hub, file: &Remote, ticker: &Ticker) -> Result<()> {
    let blob = hub.repo(card).blob_path(file.digest.hex());
    let pointer = hub.repo(card).pointer_path(&file.commit).join(&file.name);
    for folder in [blob.parent(), pointer.parent()].into_iter().flatten() {
        fs_err::create_dir_all(folder)?;
    }
    let _lock = lock(&blob.with_extension("lock"), file)?;
    // Where links are not possible the content itself lies in the snapshot.
    for there in [&blob, &pointer].into_iter().filter(|path| path.is_file()) {
        if file.digest.fits(there, ticker)? {
            ticker.tick(file.bytes as usize)?;
            return if there == &blob { link(&blob, &pointer) } else { Ok(()) };
        }
        fs_err::remove_file(there)?;
    }
    let part = blob.with_extension("part");
    Transfer { card, hub, file, ticker }.fill(&part)?;
    if !file.digest.fits(&part, ticker)? {
        fs_err::remove_file(&part)?;
        return Err(wrong_digest(card, file));
    }
    fs_err::rename(&part, &blob)?;
    link(&blob, &pointer)
}

fn wrong_digest(card: &Card, file: &Remote) -> Error {
    failed(
        format!("{} of {} is not what the hub announced (wrong digest) and was removed", file.name, card.repository),
        "try again; if it happens again, something between here and the hub changes files",
    )
}

/// Two programs must not write one file. Released when dropped, and by the system when the program dies.
fn lock(path: &Path, file: &Remote) -> Result<fs_err::File> {
    let lock = fs_err::File::create(path)?;
    match lock.file().try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(failed(format!("another program is fetching {} right now", file.name), "wait until it is done"))
        }
        // A file system without locks: go on without.
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(lock),
    }
}

/// One file on its way.
struct Transfer<'a> {
    card: &'a Card,
    hub: &'a Hub,
    file: &'a Remote,
    ticker: &'a Ticker,
}

/// How many bytes one request brought, and why no more if the connection was cut.
type Received = (u64, Option<String>);

impl Transfer<'_> {
    /// Fills `part` up to the announced size, with as many requests as bring at least one byte more.
    fn fill(&self, part: &Path) -> Result<()> {
        let mut out = fs_err::OpenOptions::new().create(true).append(true).open(part)?;
        let mut have = out.metadata()?.len();
        if have > self.file.bytes {
            out.set_len(0)?;
            have = 0;
        }
        self.ticker.tick(have as usize)?;
        while have < self.file.bytes {
            let (more, cut) = self.receive(have, &mut out)?;
            have += more;
            if more == 0 {
                return Err(self.broken_off(have, cut.as_deref().unwrap_or("the hub closed the connection")));
            }
        }
        Ok(())
    }

    /// Asks once for the bytes from `have` on.
    fn receive(&self, have: u64, out: &mut fs_err::File) -> Result<Received> {
        let url = address(&self.file.name, self.card, self.hub, &self.file.commit);
        let response = match self.hub.request(self.hub.agent.get(&url).header("range", format!("bytes={have}-"))) {
            // The hub was there a moment ago: this is a cut, and the text should say that nothing is lost.
            Err(Error::Download { what, .. }) => return Ok((0, Some(what))),
            answered => answered?,
        };
        let is_ours = |range: &str| range.starts_with(&format!("bytes {have}-"));
        let range = response.headers().get("content-range").and_then(|value| value.to_str().ok());
        // A server that knows no ranges sends everything again: what is here already is then passed over.
        let skip = match response.status().as_u16() {
            206 if range.is_some_and(is_ours) => 0,
            200 => have,
            status => return Err(refused(status, &self.file.name, self.card)),
        };
        let mut body = response.into_body().into_reader().take(skip + self.file.bytes - have);
        pour(&mut body, skip, out, self.ticker)
    }

    fn broken_off(&self, have: u64, reason: &str) -> Error {
        let Remote { name, bytes, .. } = self.file;
        failed(
            format!("the transfer of {name} broke off at {have} of {bytes} bytes ({reason})"),
            "run the download again: it goes on where it stopped",
        )
    }
}

fn pour(body: &mut impl Read, mut skip: u64, out: &mut fs_err::File, ticker: &Ticker) -> Result<Received> {
    let mut chunk = vec![0; CHUNK];
    let mut written = 0;
    loop {
        let read = match body.read(&mut chunk) {
            Ok(0) => return Ok((written, None)),
            Ok(read) => read,
            Err(error) => return Ok((written, Some(error.to_string()))),
        };
        let passed = skip.min(read as u64) as usize;
        skip -= passed as u64;
        out.write_all(&chunk[passed..read]).map_err(|error| unwritable(error, out.path()))?;
        written += (read - passed) as u64;
        ticker.tick(read - passed)?;
    }
}

fn unwritable(error: std::io::Error, path: &Path) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::DiskFull { path: path.to_owned() }
        }
        _ => error.into(),
    }
}

/// Makes `pointer` stand for `blob` as the hub's own programs do: a relative link; the file itself where the file
/// system has no links.
fn link(blob: &Path, pointer: &Path) -> Result<()> {
    if fs_err::symlink_metadata(pointer).is_ok() {
        fs_err::remove_file(pointer)?;
    }
    if symlink(&from_snapshot(blob, pointer), pointer).is_err() {
        fs_err::rename(blob, pointer)?;
    }
    Ok(())
}

/// `blob` as seen from the folder of `pointer`: REPO/blobs/B from REPO/snapshots/COMMIT/NAME.
fn from_snapshot(blob: &Path, pointer: &Path) -> PathBuf {
    let repo = blob.parent().and_then(Path::parent).unwrap_or(blob);
    let depth = pointer.strip_prefix(repo).map_or(0, |inside| inside.components().count() - 1);
    let up = std::iter::repeat_n(Path::new(".."), depth).collect::<PathBuf>();
    up.join(blob.strip_prefix(repo).unwrap_or(blob))
}

#[cfg(unix)]
fn symlink(to: &Path, at: &Path) -> std::io::Result<()> {
    fs_err::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn symlink(to: &Path, at: &Path) -> std::io::Result<()> {
    fs_err::os::windows::fs::symlink_file(to, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_climbs_out_of_its_snapshot() {
        let up = |pointer: &str| from_snapshot(Path::new("/c/m/blobs/b"), Path::new(pointer));
        assert_eq!(up("/c/m/snapshots/k/file"), Path::new("../../blobs/b"));
        assert_eq!(up("/c/m/snapshots/k/folder/file"), Path::new("../../../blobs/b"));
    }
}
