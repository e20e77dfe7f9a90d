//! The headers of both files: which model's vectors they hold, how long these are, and that both are of one writing.
//! In: the files' first bytes. Out: the model and the length, if both are whole.

use super::super::ContentHash;
use super::super::record::{decode, encode};
use super::super::vectors::{KEYS_HEADER, MATRIX_HEADER};
use super::row::digest8;
use crate::error::{Error, Result};
use crate::models::ModelIdentity;

const MATRIX_MAGIC: [u8; 8] = *b"SLmatrix";
const KEYS_MAGIC: [u8; 8] = *b"SLkeys\0\0";
const VERSION: u8 = 1;
/// No model's vectors are longer; a header that claims more is damaged.
const MAX_DIM: usize = 1 << 16;

/// Which writing of the files a header belongs to: [`NEW`], or the digest of the photos that were written anew. So a
/// matrix and keys of different writings are told apart, and those of the same begin with the same rows.
pub(super) type Generation = [u8; 8];
pub(super) const NEW: Generation = [0; 8];

/// Of files that are written anew with the rows of these photos.
pub(super) fn generation(photos: impl Iterator<Item = ContentHash>) -> Generation {
    let mut hasher = blake3::Hasher::new();
    for hash in photos {
        hasher.update(&hash.0);
    }
    let mut generation = NEW;
    generation.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    generation
}

/// Model and length of the vectors, if both headers are whole, and of the same model and generation.
pub(super) fn read_headers(matrix: &[u8], keys: &[u8]) -> Option<(ModelIdentity, usize)> {
    let header = keys.get(..KEYS_HEADER)?;
    let (content, check) = header.split_at(KEYS_HEADER - 8);
    if content[..8] != KEYS_MAGIC || check != digest8(content) || content[8] != VERSION {
        return None;
    }
    let length = usize::from(u16::from_le_bytes([content[9], content[10]]));
    let (identity, dim): (ModelIdentity, u32) = decode(content.get(11..11 + length)?)?;
    let dim = usize::try_from(dim).ok().filter(|dim| (1..=MAX_DIM).contains(dim))?;
    let generation: &Generation = content.last_chunk()?;
    let is_same = matrix.get(..MATRIX_HEADER)? == matrix_header(&identity, dim, generation);
    is_same.then_some((identity, dim))
}

pub(super) fn keys_header(identity: &ModelIdentity, dim: usize, generation: &Generation) -> Result<Vec<u8>> {
    let content = encode(VERSION, &(identity, dim as u32));
    let (version, content) = content.split_at(1);
    let mut header = [&KEYS_MAGIC[..], version, &(content.len() as u16).to_le_bytes(), content].concat();
    if header.len() > KEYS_HEADER - 16 || dim == 0 || dim > MAX_DIM {
        return Err(Error::bad_request(
            format!("the model {:.40?}… has a name or vectors too long to keep", identity.id),
            "give its folder a shorter name",
        ));
    }
    header.resize(KEYS_HEADER - 16, 0);
    header.extend_from_slice(generation);
    let check = digest8(&header);
    Ok([&header[..], &check].concat())
}

pub(super) fn matrix_header(identity: &ModelIdentity, dim: usize, generation: &Generation) -> [u8; MATRIX_HEADER] {
    let mut header = [0; MATRIX_HEADER];
    header[..8].copy_from_slice(&MATRIX_MAGIC);
    header[8..12].copy_from_slice(&(dim as u32).to_le_bytes());
    header[12..44].copy_from_slice(blake3::hash(identity.to_string().as_bytes()).as_bytes());
    header[44..52].copy_from_slice(generation);
    header
}
