//! A map as a NumPy file: f32, C order, [rows, columns]. In: a map. Out: the file's bytes.

use crate::anomaly::score_map::ScoreMap;

/// Version 1.0 of the format (NumPy's `numpy.lib.format`).
pub(super) fn bytes(map: &ScoreMap) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", map.height, map.width);
    // Magic, version, length, header and a line feed fill a multiple of 64 bytes.
    let filling = (64 - (10 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', filling));
    header.push('\n');
    let mut bytes = Vec::with_capacity(10 + header.len() + 4 * map.values.len());
    bytes.extend_from_slice(b"\x93NUMPY\x01\x00");
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend(map.values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_the_shape_and_ends_on_64_bytes() {
        let map = ScoreMap { width: 3, height: 2, values: vec![0.5; 6], scale: 1.0 };
        let bytes = bytes(&map);
        let len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + len) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + len]).unwrap();
        assert!(
            header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }") && header.ends_with('\n')
        );
        assert_eq!(bytes[10 + len..], [0.5_f32.to_le_bytes(); 6].concat());
    }
}
