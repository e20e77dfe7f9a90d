//! The boxes of ISO/IEC 14496-12 and the items of 23008-12, in which AVIF, HEIC, JPEG XL and CR3 files are kept. In:
//! bytes that may lie about anything. Out: items, their properties and their bytes; what points outside the file is
//! absent. Never fails, holds no copy of the file. Knows no pixels.

use std::borrow::Cow;

use super::orientation::Orientation;

/// What HEIC files are called.
pub(super) const HEIC_EXTENSIONS: &[&str] = &["heic", "heif", "hif"];

// Far more than any real file; each is a few dozen bytes to us.
const MAX_ITEMS: usize = 4096;
const MAX_BRANDS: usize = 32;

/// A kind of box, item or property.
pub(super) type Kind = [u8; 4];

/// Whether the bytes begin with a box that such files begin with.
pub(super) fn is_boxed(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..8), Some(b"ftyp" | b"JXL "))
}

/// Whether this is an AVIF picture, also a sequence.
pub(super) fn is_avif(bytes: &[u8]) -> bool {
    brands(bytes).any(|brand| matches!(&brand, b"avif" | b"avis"))
}

/// Whether this is a HEIC picture, also a sequence.
pub(super) fn is_heic(bytes: &[u8]) -> bool {
    const BRANDS: [&Kind; 10] =
        [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"];
    !is_avif(bytes) && brands(bytes).any(|brand| BRANDS.contains(&&brand))
}

/// Whether this is a raw file of Canon.
pub(super) fn is_cr3(bytes: &[u8]) -> bool {
    brands(bytes).any(|brand| &brand == b"crx ")
}

fn brands(bytes: &[u8]) -> impl Iterator<Item = Kind> {
    let body = boxes(bytes).next().filter(|(kind, _)| kind == b"ftyp").map(|(_, body)| body).unwrap_or_default();
    // The second four bytes are a version.
    let chunks = body.as_chunks().0.iter().copied().enumerate();
    chunks.filter(|(index, _)| *index != 1).map(|(_, brand)| brand).take(MAX_BRANDS)
}

/// The boxes one after the other, as (kind, body). A last box that claims more than there is gets what there is.
pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = (Kind, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let mut reader = Reader(rest);
        let length = reader.number(4)?;
        let kind: Kind = reader.take(4)?.try_into().ok()?;
        let (header, length) = match length {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(reader.number(8)?).ok()?),
            length => (8, length as usize),
        };
        let end = length.min(rest.len());
        let body = rest.get(header..end)?;
        rest = &rest[end..];
        Some((kind, body))
    })
}

fn child<'a>(bytes: &'a [u8], wanted: &Kind) -> Option<&'a [u8]> {
    boxes(bytes).find(|(kind, _)| kind == wanted).map(|(_, body)| body)
}

/// Big-endian numbers from the front of some bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of 0 to 8 bytes.
    fn number(&mut self, length: usize) -> Option<u64> {
        Some(self.take(length)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A box's version, its flags are passed over.
    fn version(&mut self) -> Option<u64> {
        let version = self.number(1)?;
        self.take(3)?;
        Some(version)
    }
}

/// The items of a picture file.
#[derive(Debug, Default)]
pub(super) struct Items<'a> {
    file: &'a [u8],
    /// Bytes that lie in the item directory itself.
    inside: &'a [u8],
    primary: u64,
    kinds: Vec<(u64, Kind)>,
    places: Vec<Place>,
    properties: Vec<(Kind, &'a [u8])>,
    /// Item, index into `properties`.
    associations: Vec<(u64, usize)>,
    /// Kind, from, to.
    references: Vec<(Kind, u64, u64)>,
}

#[derive(Debug)]
struct Place {
    item: u64,
    is_inside: bool,
    start: u64,
    length: u64,
}

impl<'a> Items<'a> {
    /// Reads the item directory. `None` if the file has none.
    pub fn new(file: &'a [u8]) -> Option<Self> {
        let meta = child(file, b"meta")?.get(4..)?;
        let mut items = Self { file, inside: child(meta, b"idat").unwrap_or_default(), ..Self::default() };
        for (kind, body) in boxes(meta) {
            // A box that breaks off leaves what was read of it.
            let mut reader = Reader(body);
            match &kind {
                b"pitm" => items.read_primary(&mut reader),
                b"iinf" => items.read_kinds(body),
                b"iloc" => items.read_places(&mut reader),
                b"iref" => items.read_references(body),
                b"iprp" => items.read_properties(body),
                _ => Some(()),
            };
        }
        Some(items)
    }

    /// The item that is the picture.
    pub fn primary(&self) -> u64 {
        self.primary
    }

    /// What an item is: "av01", "grid", "Exif".
    pub fn kind(&self, item: u64) -> Option<Kind> {
        self.kinds.iter().find(|(id, _)| *id == item).map(|(_, kind)| *kind)
    }

    /// An item's bytes, joined if they lie in several places.
    pub fn data(&self, item: u64) -> Option<Cow<'a, [u8]>> {
        let mut parts = self.places.iter().filter(|place| place.item == item).map(|place| self.bytes_at(place));
        let first = parts.next()??;
        let mut joined = Cow::Borrowed(first);
        for part in parts {
            let part = part?;
            // Extents may overlap: together they must not be more than the file.
            if joined.len() + part.len() > self.file.len() {
                return None;
            }
            joined.to_mut().extend_from_slice(part);
        }
        Some(joined)
    }

    fn bytes_at(&self, place: &Place) -> Option<&'a [u8]> {
        let whole = if place.is_inside { self.inside } else { self.file };
        let start = usize::try_from(place.start).ok()?;
        match usize::try_from(place.length).ok()? {
            0 => whole.get(start..),
            length => whole.get(start..start.checked_add(length)?),
        }
    }

    /// The bodies of an item's properties of one kind.
    pub fn properties(&self, item: u64, wanted: Kind) -> impl Iterator<Item = &'a [u8]> + '_ {
        let indices = self.associations.iter().filter(move |(id, _)| *id == item).map(|(_, index)| *index);
        indices
            .filter_map(|index| self.properties.get(index))
            .filter(move |(kind, _)| *kind == wanted)
            .map(|(_, body)| *body)
    }

    /// What an item is made from ("dimg"), in order.
    pub fn references(&self, item: u64, wanted: Kind) -> impl Iterator<Item = u64> + '_ {
        self.references.iter().filter(move |(kind, from, _)| *kind == wanted && *from == item).map(|(_, _, to)| *to)
    }

    /// The size that an item claims.
    pub fn size(&self, item: u64) -> Option<(u32, u32)> {
        let mut reader = Reader(self.properties(item, *b"ispe").next()?.get(4..)?);
        Some((reader.number(4)? as u32, reader.number(4)? as u32))
    }

    /// The turn and mirroring of an item: 23008-12, first `irot` (quarters anticlockwise), then `imir`.
    pub fn orientation(&self, item: u64) -> Orientation {
        let first = |kind: Kind| self.properties(item, kind).next().and_then(|body| body.first()).copied();
        let quarters = first(*b"irot").unwrap_or(0) & 3;
        // 0 exchanges top and bottom, 1 left and right.
        let mirror = first(*b"imir").map(|axis| axis & 1);
        Orientation::from_exif(match (quarters, mirror) {
            (0, None) => 1,
            (1, None) => 8,
            (2, None) => 3,
            (_, None) => 6,
            (0, Some(1)) | (2, Some(0)) => 2,
            (0, Some(_)) | (2, Some(_)) => 4,
            (1, Some(1)) | (3, Some(0)) => 7,
            (_, Some(_)) => 5,
        })
    }

    fn read_primary(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let length = if reader.version()? == 0 { 2 } else { 4 };
        self.primary = reader.number(length)?;
        Some(())
    }

    fn read_kinds(&mut self, body: &[u8]) -> Option<()> {
        let start = if *body.first()? == 0 { 6 } else { 8 };
        for (_, entry) in boxes(body.get(start..)?).filter(|(kind, _)| kind == b"infe").take(MAX_ITEMS) {
            let mut reader = Reader(entry);
            let length = if reader.version()? < 3 { 2 } else { 4 };
            let item = reader.number(length)?;
            reader.take(2)?;
            self.kinds.push((item, reader.take(4)?.try_into().ok()?));
        }
        Some(())
    }

    fn read_places(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let version = reader.version()?;
        let sizes = reader.number(2)?;
        let size = |shift: u64| ((sizes >> shift) & 15).min(8) as usize;
        let index_size = if version > 0 { size(0) } else { 0 };
        let id_size = if version < 2 { 2 } else { 4 };
        let count = reader.number(id_size)?;
        for _ in 0..count.min(MAX_ITEMS as u64) {
            let item = reader.number(id_size)?;
            let is_inside = version > 0 && reader.number(2)? & 15 == 1;
            reader.take(2)?;
            let base = reader.number(size(4))?;
            for _ in 0..reader.number(2)? {
                reader.take(index_size)?;
                let start = base.checked_add(reader.number(size(12))?)?;
                let length = reader.number(size(8))?;
                if self.places.len() >= MAX_ITEMS {
                    return None;
                }
                self.places.push(Place { item, is_inside, start, length });
            }
        }
        Some(())
    }

    fn read_references(&mut self, body: &[u8]) -> Option<()> {
        let length = if *body.first()? == 0 { 2 } else { 4 };
        for (kind, entry) in boxes(body.get(4..)?) {
            let mut reader = Reader(entry);
            let from = reader.number(length)?;
            for _ in 0..reader.number(2)? {
                if self.references.len() >= MAX_ITEMS {
                    return None;
                }
                self.references.push((kind, from, reader.number(length)?));
            }
        }
        Some(())
    }

    fn read_properties(&mut self, body: &'a [u8]) -> Option<()> {
        self.properties = boxes(child(body, b"ipco")?).take(MAX_ITEMS).collect();
        for (_, body) in boxes(body).filter(|(kind, _)| kind == b"ipma") {
            let is_wide = *body.get(3)? & 1 == 1;
            let mut reader = Reader(body);
            let id_size = if reader.version()? == 0 { 2 } else { 4 };
            for _ in 0..reader.number(4)? {
                let item = reader.number(id_size)?;
                for _ in 0..reader.number(1)? {
                    let index = property_index(&mut reader, is_wide)?;
                    self.associate(item, index);
                }
            }
        }
        Some(())
    }

    /// Indices count from one; zero stands for none.
    fn associate(&mut self, item: u64, index: u64) {
        if index > 0 && self.associations.len() < MAX_ITEMS {
            self.associations.push((item, index as usize - 1));
        }
    }
}

/// The number of a property, without its top bit, which says "essential".
fn property_index(reader: &mut Reader<'_>, is_wide: bool) -> Option<u64> {
    if is_wide { reader.number(2).map(|index| index & 0x7fff) } else { reader.number(1).map(|index| index & 0x7f) }
}

/// The TIFF structure with the EXIF tags, in an item, in a box of JPEG XL, or in Canon's own box.
pub(super) fn exif_block(bytes: &[u8]) -> Option<&[u8]> {
    if let Some(body) = child(bytes, b"Exif") {
        return after_offset(body);
    }
    if is_cr3(bytes) {
        let inner = child(child(bytes, b"moov")?, b"uuid")?.get(16..)?;
        return child(inner, b"CMT1");
    }
    let items = Items::new(bytes)?;
    let (item, _) = *items.kinds.iter().find(|(_, kind)| kind == b"Exif")?;
    match items.data(item)? {
        Cow::Borrowed(block) => after_offset(block),
        Cow::Owned(_) => None,
    }
}

/// An EXIF block begins with the number of bytes to pass over.
fn after_offset(block: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(block);
    let offset = reader.number(4)? as usize;
    reader.0.get(offset..).or(Some(reader.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Limits;
    use crate::media::budget::Budget;
    use crate::media::isolate::isolated;
    use proptest::prelude::*;
    use std::time::Duration;

    #[track_caller]
    fn check_orientation(irot: Option<u8>, imir: Option<u8>, expected: u32) {
        let (turn, axis) = ([irot.unwrap_or(0)], [imir.unwrap_or(0)]);
        let mut items = Items { properties: vec![(*b"irot", &turn), (*b"imir", &axis)], ..Items::default() };
        items.associations.extend(irot.map(|_| (1, 0)));
        items.associations.extend(imir.map(|_| (1, 1)));
        assert_eq!(items.orientation(1), Orientation::from_exif(expected));
    }

    #[test]
    fn turns_count_anticlockwise() {
        check_orientation(None, None, 1);
        check_orientation(Some(1), None, 8);
        check_orientation(Some(2), None, 3);
        check_orientation(Some(3), None, 6);
    }

    #[test]
    fn mirroring_follows_the_turn() {
        check_orientation(None, Some(1), 2);
        check_orientation(None, Some(0), 4);
        check_orientation(Some(1), Some(1), 7);
        check_orientation(Some(3), Some(1), 5);
        check_orientation(Some(1), Some(0), 5);
    }

    #[test]
    fn a_box_that_claims_too_much_gets_what_there_is() {
        let found: Vec<_> = boxes(b"\0\0\xff\xffftypavif").collect();
        assert_eq!(found, [(*b"ftyp", &b"avif"[..])]);
    }

    #[test]
    fn a_box_shorter_than_its_header_ends_the_walk() {
        assert_eq!(boxes(b"\0\0\0\x04ftyp\0\0\0\x08free").count(), 0);
    }

    fn boxed(kind: &Kind, body: &[u8]) -> Vec<u8> {
        [&((body.len() + 8) as u32).to_be_bytes()[..], kind, body].concat()
    }

    /// Checks that the items of such a file are read before the time is over.
    #[track_caller]
    fn check_ends(inner: &[u8]) {
        let file = boxed(b"meta", &[&[0; 4], inner].concat());
        let limits = Limits { timeout: Duration::from_secs(10), ..Limits::default() };
        let found = isolated(&Budget::starting(&limits), move |_| Ok(Items::new(&file).is_some()));
        assert_eq!(found, Ok(true));
    }

    #[test]
    fn references_past_the_cap_cost_nothing() {
        // Each box claims 65,535 references; the first one has them.
        let full = [&[0, 1, 0xff, 0xff][..], &[0; 2 * 0xffff]].concat();
        let empty = boxed(b"dimg", &[0, 1, 0xff, 0xff]);
        check_ends(&boxed(b"iref", &[&[0; 4], &boxed(b"dimg", &full)[..], &empty.repeat(500_000)].concat()));
    }

    #[test]
    fn places_past_the_cap_cost_nothing() {
        // Offsets, lengths and bases of no bytes; 65,535 items of 65,535 extents.
        let items = [0, 1, 0, 0, 0xff, 0xff].repeat(0xffff);
        let places = boxed(b"iloc", &[&[0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &items].concat());
        check_ends(&places.repeat(200));
    }

    proptest! {
        #[test]
        fn any_bytes_have_items(kinds in proptest::collection::vec(
            (proptest::sample::select(vec![*b"pitm", *b"iinf", *b"iloc", *b"iref", *b"iprp", *b"idat"]),
             proptest::collection::vec(0u8..9, 0..60)), 0..6)) {
            let mut meta = vec![0; 4];
            for (kind, body) in kinds {
                meta.extend(((body.len() + 8) as u32).to_be_bytes());
                meta.extend(kind);
                meta.extend(body);
            }
            let mut file = ((meta.len() + 8) as u32).to_be_bytes().to_vec();
            file.extend(b"meta");
            file.extend(meta);
            let items = Items::new(&file).unwrap();
            let item = items.primary();
            items.data(item);
            items.size(item);
            items.orientation(item);
            exif_block(&file);
        }
    }
}
