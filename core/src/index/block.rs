//! Records as the store keeps them: a block of files that follow each other in the order of their paths, as deflated
//! bytes. In: keys and values. Out: bytes, and the same from them. Knows no store.
//!
//! Neighbours share their folder, camera and format, and what sled keeps about a value costs more than a record has news:
//! one by one they took 620 bytes each on the disk.

use std::collections::BTreeMap;

use super::deflated::{deflate, inflate};
use super::record::{decode, encode};
use super::table::digest8;
use crate::error::Result;

const VERSION: u8 = 1;
/// Version, check, bytes before deflating.
const HEADER: usize = 1 + 8 + 4;
/// More files pack little better, and each batch that is recorded writes the last block again, and once a node of sled's
/// tree is longer than 128 kB a file of its own with it.
const MAX_FILES: usize = 32;
/// Long names and reasons fill a block sooner: sled takes values of up to 128 kB where it is.
const MAX_BYTES: usize = 96 << 10;
/// What no block of this program needs.
const MAX_INFLATED: usize = 64 << 20;

/// What becomes of a key: a new value, or none.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Files by the bytes of their paths, each with the bytes of its record.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Block {
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Block {
    /// The block with these changes, cut into blocks that are small enough; none if nothing is left.
    pub fn changed(mut self, changes: Changes) -> Vec<Self> {
        let last = self.files.keys().next_back().cloned();
        // Most blocks grow at their end, as folders are looked through: then the first ones are best left full.
        let grew_at_end = changes.keys().next().is_some_and(|first| last.is_none_or(|last| *first > last));
        for (key, value) in changes {
            match value {
                Some(value) => self.files.insert(key, value),
                None => self.files.remove(&key),
            };
        }
        let count = self.files.len();
        let most = if grew_at_end { MAX_FILES } else { count.div_ceil(count.div_ceil(MAX_FILES).max(1)) };
        self.cut(most)
    }

    fn cut(self, most: usize) -> Vec<Self> {
        let mut blocks: Vec<Self> = Vec::new();
        let mut bytes = 0;
        for (key, value) in self.files {
            bytes += key.len() + value.len();
            match blocks.last_mut() {
                Some(block) if block.files.len() < most && bytes <= MAX_BYTES => drop(block.files.insert(key, value)),
                _ => {
                    bytes = key.len() + value.len();
                    blocks.push(Self { files: BTreeMap::from([(key, value)]) });
                }
            }
        }
        blocks
    }

    /// The bytes of the block's first path.
    pub fn first(&self) -> &[u8] {
        self.files.keys().next().map_or(&[], Vec::as_slice)
    }

    /// Its bytes.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let plain = encode(VERSION, &self.files);
        let mut header = vec![0; HEADER];
        header[0] = VERSION;
        header[9..].copy_from_slice(&(plain.len() as u32).to_le_bytes());
        let mut bytes = deflate(header, &plain)?;
        let check = digest8(&bytes[9..]);
        bytes[1..9].copy_from_slice(&check);
        Ok(bytes)
    }

    /// The block of these bytes; `None` for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, deflated) = bytes.split_at_checked(HEADER)?;
        if header[0] != VERSION || header[1..9] != digest8(&bytes[9..]) {
            return None;
        }
        let length = u32::from_le_bytes(*header.last_chunk()?) as usize;
        let plain = (length <= MAX_INFLATED).then(|| inflate(deflated, length))??;
        let (version, rest) = plain.split_first()?;
        let files = (*version == VERSION).then(|| decode(rest))??;
        Some(Self { files })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn put(numbers: impl Iterator<Item = u32>) -> Changes {
        numbers.map(|number| (number.to_be_bytes().to_vec(), Some(vec![7; 100]))).collect()
    }

    fn block(numbers: impl Iterator<Item = u32>) -> Block {
        Block { files: put(numbers).into_iter().filter_map(|(key, value)| Some((key, value?))).collect() }
    }

    fn sizes(blocks: &[Block]) -> Vec<usize> {
        blocks.iter().map(|block| block.files.len()).collect()
    }

    #[test]
    fn a_block_that_grows_at_its_end_stays_full() {
        assert_eq!(sizes(&block(0..30).changed(put(30..40))), [32, 8]);
        assert_eq!(sizes(&Block::default().changed(put(0..75))), [32, 32, 11]);
    }

    #[test]
    fn a_full_block_that_grows_inside_is_halved() {
        assert_eq!(sizes(&block((0..32).map(|number| 2 * number)).changed(put(1..2))), [17, 16]);
    }

    #[test]
    fn long_names_make_short_blocks() {
        let long = (0..40_u32).map(|number| (number.to_be_bytes().to_vec(), Some(vec![7; 10_000]))).collect();
        assert_eq!(sizes(&Block::default().changed(long)), [9, 9, 9, 9, 4]);
    }

    #[test]
    fn a_block_without_files_is_none() {
        let gone = (0..3_u32).map(|number| (number.to_be_bytes().to_vec(), None)).collect();
        assert_eq!(block(0..3).changed(gone), []);
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let bytes = block(0..5).encode().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Block::decode(&flipped), None, "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn blocks_hold_what_they_were_given_in_order(old in any::<Vec<u16>>(), new in any::<Vec<u16>>()) {
            let number = |short: u16| u32::from(short % 500);
            let blocks = block(old.iter().copied().map(number)).changed(put(new.iter().copied().map(number)));
            let held: Vec<Vec<u8>> = blocks.iter().flat_map(|block| block.files.keys().cloned()).collect();
            let all = block(old.into_iter().chain(new).map(number));
            prop_assert_eq!(held, all.files.into_keys().collect::<Vec<_>>());
        }

        #[test]
        fn a_block_comes_back_as_it_went(files: BTreeMap<Vec<u8>, Vec<u8>>) {
            let block = Block { files };
            prop_assert_eq!(Block::decode(&block.encode().unwrap()), Some(block));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Block::decode(&bytes);
        }
    }
}
