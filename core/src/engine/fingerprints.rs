//! Fingerprints of a library's pictures. In: a snapshot. Out: one fingerprint a photo, from the library's cache or from
//! its thumbnail. The cache can be thrown away at any time; a damaged one is made again.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::{Engine, lock};
use crate::error::Result;
use crate::index::{ContentHash, Entry, Snapshot};
use crate::jobs::Ticker;
use crate::media::Fingerprint;
use crate::search::Fingerprints;

/// Begins the cache, and says which fingerprints are in it.
const MAGIC: &[u8; 8] = b"SLprint2";
/// A photo's hash and its fingerprint.
const RECORD: usize = 32 + Fingerprint::BYTES;
/// Length of the check at the end: the beginning of blake3 over all before it.
const CHECK: usize = 16;
/// Pictures between two looks at the ticker.
const BATCH: usize = 64;

/// Looks at all pictures of a snapshot that are not in the cache.
pub(super) struct Fingerprinting<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
}

impl<'a> Fingerprinting<'a> {
    pub fn new(engine: &'a Engine, snapshot: &'a Snapshot) -> Self {
        Self { engine, snapshot }
    }

    /// The fingerprints, and how many photos have none. Stopped on the way, what is done so far is kept for the next time.
    pub fn run(self, ticker: &Ticker) -> Result<(Fingerprints, usize)> {
        let cache = self.engine.shared.settings.library.join("fingerprints");
        let mut known = read(&cache);
        let mut seen = HashSet::new();
        let photos: Vec<&Entry> = self.snapshot.entries.iter().filter(|entry| seen.insert(entry.hash)).collect();
        known.retain(|hash, _| seen.contains(hash));
        let missing: Vec<&Entry> = photos.iter().filter(|entry| !known.contains_key(&entry.hash)).copied().collect();
        if !missing.is_empty() {
            let looked = self.look(&missing, &mut known, ticker);
            keep(&cache, &known);
            looked?;
        }
        let unseen = photos.len() - known.len();
        Ok((known, unseen))
    }

    fn look(&self, missing: &[&Entry], known: &mut Fingerprints, ticker: &Ticker) -> Result<()> {
        ticker.phase("Looking at pictures");
        ticker.expect(missing.len());
        let found = Mutex::new(Vec::new());
        let batch = |entries: &[&Entry]| {
            for entry in entries {
                // One that cannot be read now is compared by its bytes and its vector.
                if let Ok(thumbnail) = self.engine.thumbnail(entry) {
                    lock(&found).push((entry.hash, Fingerprint::of(&thumbnail)));
                }
            }
            ticker.tick(entries.len())
        };
        let looked: Result<()> =
            self.engine.shared.search_pool.install(|| missing.par_chunks(BATCH).try_for_each(batch));
        known.extend(found.into_inner().unwrap_or_else(PoisonError::into_inner));
        looked
    }
}

/// What the cache holds; nothing of one that is missing or damaged.
fn read(path: &Path) -> Fingerprints {
    fs_err::read(path).ok().and_then(|bytes| parse(&bytes)).unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Option<Fingerprints> {
    let (content, check) = bytes.split_last_chunk::<CHECK>()?;
    if blake3::hash(content).as_bytes()[..CHECK] != check[..] {
        return None;
    }
    let record = |record: &[u8]| {
        let (hash, fingerprint) = record.split_first_chunk::<32>()?;
        Some((ContentHash(*hash), Fingerprint::from_bytes(fingerprint)?))
    };
    content.strip_prefix(MAGIC)?.chunks(RECORD).map(record).collect()
}

/// Writes the cache, whole or not at all. A full or read-only disk costs only the time to look again.
fn keep(path: &Path, known: &Fingerprints) {
    let mut bytes = Vec::with_capacity(MAGIC.len() + known.len() * RECORD + CHECK);
    bytes.extend(MAGIC);
    for (hash, fingerprint) in known {
        bytes.extend(hash.0);
        bytes.extend(fingerprint.to_bytes());
    }
    let check = blake3::hash(&bytes);
    bytes.extend(&check.as_bytes()[..CHECK]);
    let beside = path.with_extension("part");
    if let Err(error) = fs_err::write(&beside, bytes).and_then(|()| fs_err::rename(&beside, path)) {
        tracing::warn!("could not keep the fingerprints: {error}");
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    #[test]
    fn a_cache_comes_back_and_a_damaged_one_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fingerprints");
        let picture = |n: u8| RgbImage::from_fn(40, 30, |x, y| Rgb([(x * y) as u8, n, 7]));
        let known: Fingerprints = (0..9).map(|n| (ContentHash([n; 32]), Fingerprint::of(&picture(n)))).collect();
        keep(&path, &known);
        assert_eq!(read(&path), known);
        let mut bytes = fs_err::read(&path).unwrap();
        bytes[100] ^= 1;
        fs_err::write(&path, &bytes).unwrap();
        assert_eq!(read(&path), Fingerprints::new());
        assert_eq!(read(&folder.path().join("nothing")), Fingerprints::new());
    }
}
