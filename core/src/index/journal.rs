//! What the user made, as an append-only file. In: changes. Out: on opening, every change that can still be read, and
//! what was found damaged. Each entry is checked by itself, so damage costs the entries it hits and no other.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::made::{Change, Made};
use super::record::{decode, encode};
use crate::error::{Error, Result};

/// Begins every entry: where reading goes on after damage.
const MARK: [u8; 4] = *b"\xABSJ1";
/// Mark, length (u32, little-endian), the first 16 bytes of blake3 over length and payload.
const HEAD: usize = 4 + 4 + 16;
/// The newest version of a payload.
const ENTRY_VERSION: u8 = 1;
/// An entry that claims more is damaged: 64 MiB is two million album members at once.
const MAX_PAYLOAD: usize = 64 << 20;
/// Below this size the journal is not rewritten, however much of it is outdated.
const MIN_COMPACTED: u64 = 4 << 20;

/// The open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: fs_err::File,
    size: u64,
}

/// What opening a journal found.
pub(super) struct Replayed {
    /// What holds after all readable entries.
    pub made: Made,
    /// Bytes in the middle that were no entry.
    pub skipped_bytes: usize,
    /// Bytes of an unfinished entry at the end; cut off.
    pub torn_bytes: usize,
}

impl Replayed {
    /// Whether every byte was an entry.
    pub fn is_whole(&self) -> bool {
        self.skipped_bytes == 0 && self.torn_bytes == 0
    }
}

impl Journal {
    /// Opens or makes the journal and replays it. An unfinished entry at the end is cut off.
    pub fn open(path: &Path) -> Result<(Self, Replayed)> {
        let bytes = match fs_err::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let replayed = replay(&bytes);
        let size = (bytes.len() - replayed.torn_bytes) as u64;
        let file = fs_err::OpenOptions::new().create(true).append(true).open(path)?;
        if replayed.torn_bytes > 0 {
            file.set_len(size)?;
            file.sync_all()?;
        }
        Ok((Self { path: path.to_owned(), file, size }, replayed))
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one entry: after this returns all of `changes` survive, and after a crash all or none of them.
    pub fn append(&mut self, changes: &[Change]) -> Result<()> {
        let entry = entry(changes)?;
        let written = self.file.write_all(&entry).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // The half-written entry must not stand before later ones; if even this fails, opening cuts it off.
            self.file.set_len(self.size).ok();
            return Err(self.failed(error));
        }
        self.size += entry.len() as u64;
        Ok(())
    }

    /// Rewrites the journal as exactly `made`, if it has grown to more than twice of that.
    pub fn compact(&mut self, made: &Made) -> Result<()> {
        if self.size < MIN_COMPACTED || self.size / 2 < made.size() { Ok(()) } else { self.rewrite(made) }
    }

    /// Replaces the journal by one that holds exactly `made`, whole or not at all.
    pub fn rewrite(&mut self, made: &Made) -> Result<()> {
        let changes = made.changes();
        let mut bytes = Vec::new();
        // Many small entries, so that later damage costs little.
        for part in changes.chunks(64) {
            bytes.extend(entry(part)?);
        }
        let beside = self.path.with_extension("new");
        self.replace(&beside, &bytes).map_err(|error| self.failed(error))?;
        self.file = fs_err::OpenOptions::new().append(true).open(&self.path)?;
        self.size = bytes.len() as u64;
        Ok(())
    }

    fn replace(&self, beside: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = fs_err::File::create(beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs_err::rename(beside, &self.path)
    }

    fn failed(&self, error: std::io::Error) -> Error {
        super::layout::storage_error(error, &self.path)
    }
}

/// The bytes of one entry.
fn entry(changes: &[Change]) -> Result<Vec<u8>> {
    let payload = encode(ENTRY_VERSION, &changes);
    if payload.len() > MAX_PAYLOAD {
        return Err(Error::bad_request("too much was changed at once", "change less at a time"));
    }
    let length = (payload.len() as u32).to_le_bytes();
    Ok([&MARK[..], &length, &check(length, &payload), &payload].concat())
}

fn check(length: [u8; 4], payload: &[u8]) -> [u8; 16] {
    let hash = blake3::Hasher::new().update(&length).update(payload).finalize();
    let mut check = [0; 16];
    check.copy_from_slice(&hash.as_bytes()[..16]);
    check
}

/// Reads all that can be read.
fn replay(bytes: &[u8]) -> Replayed {
    let mut made = Made::default();
    let (mut at, mut readable_end, mut skipped_bytes) = (0, 0, 0);
    while at < bytes.len() {
        match read_entry(&bytes[at..]) {
            Some((changes, length)) => {
                made.apply(&changes);
                skipped_bytes += at - readable_end;
                at += length;
                readable_end = at;
            }
            None => at = next_mark(bytes, at + 1),
        }
    }
    Replayed { made, skipped_bytes, torn_bytes: bytes.len() - readable_end }
}

/// Where the next entry may begin; the end if nowhere.
fn next_mark(bytes: &[u8], from: usize) -> usize {
    let found = bytes[from..].windows(MARK.len()).position(|window| window == MARK);
    found.map_or(bytes.len(), |offset| from + offset)
}

/// The entry at the beginning of `bytes`, and its length.
fn read_entry(bytes: &[u8]) -> Option<(Vec<Change>, usize)> {
    let head = bytes.get(..HEAD)?;
    if head[..4] != MARK {
        return None;
    }
    let length = [head[4], head[5], head[6], head[7]];
    let payload_len = usize::try_from(u32::from_le_bytes(length)).ok().filter(|length| *length <= MAX_PAYLOAD)?;
    let payload = bytes.get(HEAD..HEAD + payload_len)?;
    if head[8..] != check(length, payload) {
        return None;
    }
    match payload.split_first()? {
        (1, rest) => Some((decode(rest)?, HEAD + payload_len)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::index::ContentHash;

    fn tagged(number: u8) -> Vec<Change> {
        vec![Change::tags(ContentHash([number; 32]), &[format!("tag {number}")])]
    }

    /// The bytes of `count` entries, and where each ends.
    fn journal_of(count: u8) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let ends = (0..count).map(|number| {
            bytes.extend(entry(&tagged(number)).unwrap());
            bytes.len()
        });
        let ends = ends.collect();
        (bytes, ends)
    }

    fn survives(replayed: &Replayed, number: u8) -> bool {
        replayed.made.tags(&ContentHash([number; 32])) == [format!("tag {number}")]
    }

    #[test]
    fn entries_of_version_1_are_read_for_ever() {
        // Version 1; one change; slot 2 (favourite) of a hash; a value of one byte, version 1 of nothing.
        let payload = [&[1, 1, 2][..], &[7; 32], &[1, 1, 1]].concat();
        let length = (payload.len() as u32).to_le_bytes();
        let bytes = [&MARK[..], &length, &check(length, &payload), &payload].concat();
        assert_eq!(entry(&[Change::favourite(ContentHash([7; 32]))]).unwrap(), bytes);
        assert!(replay(&bytes).made.is_favourite(&ContentHash([7; 32])));
    }

    #[test]
    fn a_torn_end_is_cut_off_and_writing_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (bytes, ends) = journal_of(3);
        fs_err::write(&path, &bytes[..ends[2] - 1]).unwrap();
        let (mut journal, replayed) = Journal::open(&path).unwrap();
        assert_eq!((replayed.skipped_bytes, replayed.torn_bytes), (0, ends[2] - ends[1] - 1));
        journal.append(&tagged(9)).unwrap();
        let (_, replayed) = Journal::open(&path).unwrap();
        assert!(replayed.is_whole() && survives(&replayed, 1) && survives(&replayed, 9) && !survives(&replayed, 2));
    }

    #[test]
    fn a_rewritten_journal_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, _) = Journal::open(&path).unwrap();
        let mut made = Made::default();
        for number in 0..200 {
            made.apply(&tagged(number));
        }
        journal.rewrite(&made).unwrap();
        journal.append(&tagged(201)).unwrap();
        made.apply(&tagged(201));
        let (reopened, replayed) = Journal::open(&path).unwrap();
        assert!(replayed.is_whole());
        assert_eq!((replayed.made, reopened.size()), (made, journal.size()));
    }

    #[test]
    fn a_journal_that_repeats_itself_is_made_shorter() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(&folder.path().join("journal")).unwrap();
        journal.size = MIN_COMPACTED + 1;
        let mut made = Made::default();
        made.apply(&tagged(1));
        journal.compact(&made).unwrap();
        assert_eq!(journal.size(), entry(&tagged(1)).unwrap().len() as u64);
    }

    proptest! {
        #[test]
        fn damage_costs_the_entries_it_hits_and_no_other(
            start in 0_usize..700, noise in proptest::collection::vec(1_u8.., 1..100),
        ) {
            let (mut bytes, ends) = journal_of(10);
            let start = start.min(bytes.len() - 1);
            let end = bytes.len().min(start + noise.len());
            bytes[start..end].iter_mut().zip(&noise).for_each(|(byte, noise)| *byte ^= noise);
            let replayed = replay(&bytes);
            for (number, entry_end) in ends.iter().enumerate() {
                let entry_start = if number == 0 { 0 } else { ends[number - 1] };
                let is_hit = entry_start < end && start < *entry_end;
                prop_assert_eq!(survives(&replayed, number as u8), !is_hit);
            }
            prop_assert!(!replayed.is_whole());
        }

        #[test]
        fn a_cut_costs_what_is_behind_it(cut in 0_usize..700) {
            let (bytes, ends) = journal_of(10);
            let replayed = replay(&bytes[..cut.min(bytes.len())]);
            for (number, end) in ends.iter().enumerate() {
                prop_assert_eq!(survives(&replayed, number as u8), *end <= cut);
            }
        }

        #[test]
        fn nonsense_is_no_entry(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(replay(&bytes).made, Made::default());
        }
    }
}
