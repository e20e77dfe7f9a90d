//! Deflated bytes in a value of the store. In: bytes. Out: fewer, and the same again. Knows no record.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use crate::error::Result;

/// `before`, and after it `bytes` deflated.
pub(super) fn deflate(before: Vec<u8>, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut deflated = DeflateEncoder::new(before, Compression::default());
    deflated.write_all(bytes)?;
    Ok(deflated.finish()?)
}

/// Exactly `length` bytes. A length that no such bytes can have is refused before anything is made for it.
pub(super) fn inflate(deflated: &[u8], length: usize) -> Option<Vec<u8>> {
    // Deflate makes one byte of at most 1,032.
    if length > deflated.len().checked_mul(1032)? {
        return None;
    }
    // One byte more shows that there is none.
    let mut bytes = vec![0; length + 1];
    let mut stream = Decompress::new(false);
    let status = stream.decompress(deflated, &mut bytes, FlushDecompress::Finish).ok()?;
    let is_all = stream.total_out() == length as u64 && stream.total_in() == deflated.len() as u64;
    bytes.truncate(length);
    (status == Status::StreamEnd && is_all).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_only_with_their_length() {
        let bytes = b"snow ".repeat(1000);
        let deflated = deflate(Vec::new(), &bytes).unwrap();
        assert!(deflated.len() < 100);
        assert_eq!(inflate(&deflated, bytes.len()), Some(bytes.clone()));
        for wrong in [0, bytes.len() - 1, bytes.len() + 1, usize::MAX] {
            assert_eq!(inflate(&deflated, wrong), None, "{wrong}");
        }
        assert_eq!(inflate(&deflated[1..], bytes.len()), None);
    }
}
