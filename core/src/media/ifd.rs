//! The directories of a TIFF structure: TIFF itself, most raw files, and every EXIF block. In: bytes that may lie about
//! anything. Out: tags and their values; what points outside the bytes is absent. Never fails, never allocates more than
//! a few kilobytes. Knows no pixels.

/// A TIFF structure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiff<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

/// One tag of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub tag: u16,
    kind: u16,
    count: u32,
    value: &'a [u8],
    tiff: Tiff<'a>,
}

/// One directory: its tags in file order.
#[derive(Debug, Clone)]
pub(super) struct Directory<'a> {
    entries: Vec<Entry<'a>>,
}

// Real directories hold fewer than 100 tags and real files fewer than 20 directories.
const MAX_ENTRIES: usize = 512;
const MAX_DIRECTORIES: usize = 48;
const MAX_NUMBERS: usize = 256;

/// Tags that point to further directories: SubIFDs and Exif.
const SUB_DIRECTORIES: [u16; 2] = [0x014a, 0x8769];

/// Whether the bytes begin as a plain TIFF does.
pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    matches!(bytes, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}

impl<'a> Tiff<'a> {
    /// Any structure that begins with the byte order; raw formats put other numbers where TIFF has 42.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_little = match bytes.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        Some(Self { bytes, is_little })
    }

    /// The whole structure: offsets count from its start.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The first directory.
    pub fn first(&self) -> Option<Directory<'a>> {
        self.directory(self.u32_at(4)? as usize)
    }

    /// The directory at an offset.
    pub fn directory(&self, offset: usize) -> Option<Directory<'a>> {
        let count = usize::from(self.u16_at(offset)?).min(MAX_ENTRIES);
        let entries = (0..count).map_while(|index| self.entry(offset.checked_add(2 + 12 * index)?)).collect();
        Some(Directory { entries })
    }

    /// Every directory that can be reached, each once, the first one first.
    pub fn directories(&self) -> Vec<Directory<'a>> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        let mut waiting: Vec<usize> = self.u32_at(4).map(|offset| offset as usize).into_iter().collect();
        while let Some(offset) = waiting.pop() {
            if offset == 0 || seen.contains(&offset) || seen.len() == MAX_DIRECTORIES {
                continue;
            }
            seen.push(offset);
            let Some(directory) = self.directory(offset) else { continue };
            waiting.extend(self.next_offset(offset));
            for tag in SUB_DIRECTORIES {
                waiting.extend(directory.numbers(tag).into_iter().map(|offset| offset as usize));
            }
            found.push(directory);
        }
        found
    }

    fn next_offset(&self, offset: usize) -> Option<usize> {
        let count = usize::from(self.u16_at(offset)?);
        self.u32_at(offset.checked_add(2 + 12 * count)?).map(|offset| offset as usize)
    }

    fn entry(&self, at: usize) -> Option<Entry<'a>> {
        let (tag, kind, count) = (self.u16_at(at)?, self.u16_at(at + 2)?, self.u32_at(at + 4)?);
        let length = (count as usize).checked_mul(kind_bytes(kind)?);
        let value = match length {
            Some(length) if length <= 4 => self.bytes.get(at + 8..at + 8 + length),
            Some(length) => {
                let start = self.u32_at(at + 8)? as usize;
                start.checked_add(length).and_then(|end| self.bytes.get(start..end))
            }
            None => None,
        };
        // A value outside the bytes leaves the tag in place, empty: the ones after it may be good.
        Some(Entry { tag, kind, count, value: value.unwrap_or_default(), tiff: *self })
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

/// Bytes of one value of each TIFF 6.0 type; an unknown type is taken as bytes so that its tag can be passed over.
fn kind_bytes(kind: u16) -> Option<usize> {
    match kind {
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => Some(1),
    }
}

impl<'a> Directory<'a> {
    /// The tag, where the directory has it.
    pub fn get(&self, tag: u16) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// A single whole number.
    pub fn number(&self, tag: u16) -> Option<u32> {
        self.numbers(tag).first().copied()
    }

    /// All whole numbers of a tag, at most 256.
    pub fn numbers(&self, tag: u16) -> Vec<u32> {
        self.get(tag).map(Entry::numbers).unwrap_or_default()
    }

    /// Text, without what follows its end; `None` if it is empty.
    pub fn text(&self, tag: u16) -> Option<String> {
        self.get(tag)?.text()
    }

    /// Ratios as numbers; one with a zero below is absent.
    pub fn ratios(&self, tag: u16) -> Vec<f64> {
        self.get(tag).map(Entry::ratios).unwrap_or_default()
    }
}

impl<'a> Entry<'a> {
    /// The value's bytes.
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    fn numbers(&self) -> Vec<u32> {
        let step = match self.kind {
            3 => 2,
            4 | 13 => 4,
            1 | 7 => 1,
            _ => return Vec::new(),
        };
        let value = Tiff { bytes: self.value, ..self.tiff };
        let number = |index: usize| match step {
            1 => value.bytes.get(index).map(|&byte| u32::from(byte)),
            2 => value.u16_at(2 * index).map(u32::from),
            _ => value.u32_at(4 * index),
        };
        (0..(self.count as usize).min(MAX_NUMBERS)).map_while(number).collect()
    }

    fn text(&self) -> Option<String> {
        let end = self.value.iter().position(|&byte| byte == 0).unwrap_or(self.value.len());
        let text = String::from_utf8_lossy(&self.value[..end.min(256)]);
        let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn ratios(&self) -> Vec<f64> {
        let value = Tiff { bytes: self.value, ..self.tiff };
        let ratio = |index: usize| {
            let (above, below) = (value.u32_at(8 * index)?, value.u32_at(8 * index + 4)?);
            (below != 0).then(|| f64::from(above) / f64::from(below))
        };
        if self.kind != 5 {
            return Vec::new();
        }
        (0..(self.count as usize).min(MAX_NUMBERS)).map_while(ratio).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Little-endian, one directory at 8 with these raw entries, no next one.
    fn tiff(entries: &[(u16, u16, u32, [u8; 4])]) -> Vec<u8> {
        let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes().iter().chain(&kind.to_le_bytes()));
            bytes.extend(count.to_le_bytes().iter().chain(value));
        }
        bytes.extend([0; 4]);
        bytes
    }

    #[track_caller]
    fn check(entry: (u16, u16, u32, [u8; 4]), expected: &[u32]) {
        let bytes = tiff(&[entry]);
        let directory = Tiff::new(&bytes).and_then(|tiff| tiff.first()).unwrap();
        assert_eq!(directory.numbers(entry.0), expected);
    }

    #[test]
    fn small_values_lie_in_the_entry() {
        check((0x0112, 3, 1, [6, 0, 9, 9]), &[6]);
        check((0x0112, 3, 2, [6, 0, 9, 0]), &[6, 9]);
        check((0x014a, 4, 1, [1, 2, 0, 0]), &[513]);
    }

    #[test]
    fn a_value_outside_the_file_is_absent() {
        check((0x014a, 4, 1000, [255, 255, 255, 255]), &[]);
        check((0x014a, 4, u32::MAX, [0, 0, 0, 0]), &[]);
    }

    #[test]
    fn a_directory_that_points_to_itself_is_walked_once() {
        let mut bytes = tiff(&[(0x014a, 4, 1, [8, 0, 0, 0])]);
        let end = bytes.len() - 4;
        bytes[end] = 8;
        assert_eq!(Tiff::new(&bytes).unwrap().directories().len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_to_an_end(tail in proptest::collection::vec(any::<u8>(), 0..400), is_little: bool) {
            let mut bytes = if is_little { b"II\x2a\0".to_vec() } else { b"MM\0\x2a".to_vec() };
            bytes.extend(tail);
            let directories = Tiff::new(&bytes).unwrap().directories();
            prop_assert!(directories.len() <= MAX_DIRECTORIES);
        }
    }
}
