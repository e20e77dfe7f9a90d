//! Vectors as the store keeps them: a chunk of a model's rows as bytes, and what is known of the chunks together. In:
//! rows of f16. Out: bytes that are two thirds as long, and the same rows from them, bit by bit. Knows no store.
//!
//! The numbers of a unit vector are small: sign, exponent and first bits, the high byte, hold about 5 bits of news, the
//! low byte is noise. So the high bytes are deflated and the low ones are not.

use serde::{Deserialize, Serialize};

use super::ContentHash;
use super::deflated::{deflate, inflate};
use super::record::{decode, encode};
use super::table::digest8;
use crate::error::Result;
use crate::models::ModelIdentity;

const VERSION: u8 = 1;
/// Version, check, rows, length of a vector.
const HEADER: usize = 1 + 8 + 4 + 4;
/// Raw bytes in a full chunk. sled takes up to 128 kB where it is; what is longer costs a file of its own and, measured,
/// 2.9 bytes on disk for a byte. Shorter ones cost more, too: 1.4 for a byte at 16 kB.
const CHUNK_BYTES: usize = 120 * 1056;
/// Short vectors do not make chunks of many rows: the last one is written again and again.
const MAX_ROWS: usize = 512;

/// Some whole rows of a model's vectors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chunk {
    /// Length of a vector.
    pub dim: usize,
    /// The photo of each row.
    pub hashes: Vec<ContentHash>,
    /// f16, little-endian, row after row.
    pub matrix: Vec<u8>,
}

impl Chunk {
    /// How many rows a full chunk has.
    pub fn full(dim: usize) -> usize {
        (CHUNK_BYTES / (32 + 2 * dim)).clamp(1, MAX_ROWS)
    }

    /// The rows, each with its photo.
    pub fn rows(&self) -> impl Iterator<Item = (ContentHash, &[u8])> {
        self.hashes.iter().copied().zip(self.matrix.chunks_exact(2 * self.dim.max(1)))
    }

    /// Its bytes.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let (low, high) = planes(&self.matrix);
        let mut bytes = vec![0; HEADER];
        bytes[0] = VERSION;
        bytes[9..13].copy_from_slice(&(self.hashes.len() as u32).to_le_bytes());
        bytes[13..17].copy_from_slice(&(self.dim as u32).to_le_bytes());
        self.hashes.iter().for_each(|hash| bytes.extend_from_slice(&hash.0));
        bytes.extend_from_slice(&low);
        let mut bytes = deflate(bytes, &high)?;
        let check = digest8(&bytes[9..]);
        bytes[1..9].copy_from_slice(&check);
        Ok(bytes)
    }

    /// The chunk of these bytes; `None` for bytes that are none. Takes no more memory than three times the bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        if header[0] != VERSION || header[1..9] != digest8(&bytes[9..]) {
            return None;
        }
        let number = |place: usize| Some(u32::from_le_bytes(*header.get(place..)?.first_chunk()?) as usize);
        let (rows, dim) = (number(9)?, number(13)?);
        // What the header claims must be there before anything is made for it.
        let (hashes, rest) = rest.split_at_checked(rows.checked_mul(32)?)?;
        let (low, deflated) = rest.split_at_checked(rows.checked_mul(dim)?)?;
        let high = inflate(deflated, low.len())?;
        let (hashes, _) = hashes.as_chunks();
        let hashes = hashes.iter().map(|hash| ContentHash(*hash)).collect();
        Some(Self { dim, hashes, matrix: low.iter().zip(high).flat_map(|(low, high)| [*low, high]).collect() })
    }
}

/// The low and the high bytes.
fn planes(matrix: &[u8]) -> (Vec<u8>, Vec<u8>) {
    matrix.as_chunks().0.iter().map(|[low, high]| (*low, *high)).unzip()
}

/// What the store keeps of one model's vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The model.
    pub identity: ModelIdentity,
    /// Length of a vector.
    pub dim: u32,
    /// The table's rows up to this one are in chunks.
    pub rows: u32,
    /// The photo of the last of them: another one in its place shows that the table was written anew.
    pub last: ContentHash,
}

impl Kept {
    /// Nothing yet.
    pub fn nothing(identity: ModelIdentity, dim: usize) -> Self {
        Self { identity, dim: dim as u32, rows: 0, last: ContentHash([0; 32]) }
    }

    /// The key of a model's record, and the beginning of its chunks' keys.
    pub fn key(identity: &ModelIdentity) -> [u8; 16] {
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::hash(identity.to_string().as_bytes()).as_bytes()[..16]);
        key
    }

    /// The key of the chunk that begins with this row: chunks lie in the order of their rows.
    pub fn chunk_key(identity: &ModelIdentity, first_row: u32) -> Vec<u8> {
        [&Self::key(identity)[..], &first_row.to_be_bytes()].concat()
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(VERSION, self)
    }

    /// The record of these bytes; `None` for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        if version == VERSION { decode(rest) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;
    use proptest::prelude::*;

    use super::*;

    fn chunk(dim: usize, rows: usize, matrix: &[u8]) -> Chunk {
        let hashes = (0..rows).map(|row| ContentHash::of(&row.to_le_bytes())).collect();
        let matrix = matrix.iter().copied().cycle().take(2 * dim * rows).collect();
        Chunk { dim, hashes, matrix }
    }

    fn unit_chunk(dim: usize, rows: usize) -> Chunk {
        // Twelve draws make a normal number (Irwin-Hall).
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        let scale = (dim as f32).sqrt().recip();
        let mut normal = || f16::from_f32(((0..12).map(|_| uniform()).sum::<f32>() - 6.0) * scale);
        let matrix: Vec<u8> = (0..rows * dim).flat_map(|_| normal().to_le_bytes()).collect();
        chunk(dim, rows, &matrix)
    }

    #[test]
    fn a_full_chunk_fits_where_sled_keeps_small_values_however_badly_it_packs() {
        for dim in [1, 4, 256, 384, 512, 640, 768, 1024, 1152] {
            let noise = blake3::Hasher::new().finalize_xof();
            let mut matrix = vec![0; 2 * dim * Chunk::full(dim)];
            std::io::Read::read_exact(&mut { noise }, &mut matrix).unwrap();
            assert!(chunk(dim, Chunk::full(dim), &matrix).encode().unwrap().len() < 129_000);
        }
    }

    #[test]
    fn unit_vectors_take_less_than_seven_bytes_in_eight() {
        let chunk = unit_chunk(512, Chunk::full(512));
        let (bytes, raw) = (chunk.encode().unwrap().len(), chunk.matrix.len());
        assert!(bytes - 32 * chunk.hashes.len() < raw * 7 / 8, "{bytes} bytes for {raw}");
        assert_eq!(Chunk::decode(&chunk.encode().unwrap()), Some(chunk));
    }

    #[test]
    fn a_header_that_claims_too_much_is_refused() {
        for (rows, dim) in [(u32::MAX, u32::MAX), (1, u32::MAX), (u32::MAX, 0), (u32::MAX, 1)] {
            let mut bytes = chunk(2, 1, &[1, 2]).encode().unwrap();
            bytes[9..13].copy_from_slice(&rows.to_le_bytes());
            bytes[13..17].copy_from_slice(&dim.to_le_bytes());
            let check = digest8(&bytes[9..]);
            bytes[1..9].copy_from_slice(&check);
            assert_eq!(Chunk::decode(&bytes), None);
        }
    }

    proptest! {
        #[test]
        fn a_chunk_comes_back_bit_by_bit(dim in 1_usize..40, rows in 0_usize..40, matrix in prop::collection::vec(any::<u8>(), 1..200)) {
            let chunk = chunk(dim, rows, &matrix);
            prop_assert_eq!(Chunk::decode(&chunk.encode().unwrap()), Some(chunk));
        }

        #[test]
        fn bytes_that_are_no_chunk_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..300), is_checked: bool) {
            if is_checked && bytes.len() > HEADER {
                bytes[0] = VERSION;
                let check = digest8(&bytes[9..]);
                bytes[1..9].copy_from_slice(&check);
            }
            prop_assert!(Chunk::decode(&bytes).is_none_or(|chunk| chunk.matrix.len() == chunk.hashes.len() * 2 * chunk.dim));
        }

        #[test]
        fn a_changed_byte_is_noticed(place in 0_usize..10_000, change in 1_u8..) {
            let mut bytes = chunk(3, 5, &[7, 60, 3]).encode().unwrap();
            let place = place % bytes.len();
            bytes[place] ^= change;
            prop_assert_eq!(Chunk::decode(&bytes), None);
        }
    }
}
