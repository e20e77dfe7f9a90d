//! Maps by content hash, which is random already. In: hashes. Out: tables that do not hash them once more.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::ContentHash;

/// A hash of hashes: its own first bytes are as random as it gets.
#[derive(Default)]
pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
}

/// A map by content hash.
pub(super) type HashTable<T> = HashMap<ContentHash, T, BuildHasherDefault<FirstBytes>>;
