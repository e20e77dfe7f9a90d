//! AVIF → raster. In: the bytes of an AVIF file, also a grid, a layered picture or a sequence. Out: the pixels of its
//! primary item, its turn still to apply (an EXIF orientation beside it is ignored, as the standard asks). Knows rav1d,
//! and is the only file that does.
//!
//! rav1d's functions are `extern "C"`: a panic that would leave one of them aborts the process. They are therefore
//! called with worker threads, in which a panic ends the thread only and the picture is given up at its timeout.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use image::{GenericImage, RgbImage};
use rav1d::include::dav1d::data::Dav1dData;
use rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dSettings};
use rav1d::include::dav1d::headers::{DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I444};
use rav1d::include::dav1d::picture::Dav1dPicture;
use rav1d::src::lib::{
    dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings, dav1d_get_picture, dav1d_open,
    dav1d_picture_unref, dav1d_send_data,
};

use super::boxes::{Items, is_avif};
use super::budget::{Budget, Outcome, Refusal};
use super::formats::Format;
use super::raster::Raster;
use super::yuv::{Colors, Frame, Samples};

/// AVIF.
pub(super) const AVIF: Format = Format {
    name: "avif",
    extensions: &["avif", "avifs"],
    recognises: |source| is_avif(source.bytes),
    decode: |source, budget| avif(source.bytes, budget),
};

// Planes of up to 16 bits at full resolution and the pixels made from them; 8-bit planes at quarter resolution need
// less, but a header may lie about them. What rav1d holds beside its planes is about as much again as an 8-bit plane.
const BYTES_PER_PIXEL: u64 = 10;

// A grid's tiles are at least 64 × 64 by the standard; this is a picture of 16 megapixels of such tiles.
const MAX_TILES: usize = 4096;

fn damaged(reason: impl std::fmt::Display) -> Refusal {
    Refusal::damaged("AVIF", reason)
}

fn avif(bytes: &[u8], budget: &Budget) -> Outcome<Raster> {
    let items = Items::new(bytes).ok_or_else(|| damaged("it has no list of items"))?;
    let item = items.primary();
    let size = items.size(item).ok_or_else(|| damaged("it does not say its size"))?;
    budget.check(size, BYTES_PER_PIXEL)?;
    // A grid is put together from one decoded tile after the other.
    let mut largest = 0;
    for tile in items.references(item, *b"dimg").take(MAX_TILES).filter_map(|tile| items.size(tile)) {
        budget.check(tile, BYTES_PER_PIXEL)?;
        largest = largest.max(area(tile));
    }
    let needed = area(size).saturating_add(largest);
    let _share = budget.reserve(needed.saturating_mul(BYTES_PER_PIXEL))?;
    let picture = match items.kind(item).as_ref() {
        Some(b"av01") => coded(&items, item, budget)?,
        Some(b"grid") => grid(&items, item, budget)?,
        Some(kind) => {
            let kind = String::from_utf8_lossy(kind).into_owned();
            return Err(Refusal::unsupported("AVIF", format!("an item of kind {kind:?}")));
        }
        None => return Err(damaged("its primary item is missing")),
    };
    let full_size = picture.dimensions();
    Ok(Raster { picture, orientation: items.orientation(item), full_size })
}

fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

/// One coded picture. It may not be larger than the file says: so much memory was reserved.
fn coded(items: &Items<'_>, item: u64, budget: &Budget) -> Outcome<RgbImage> {
    budget.check_time()?;
    let data = items.data(item).ok_or_else(|| damaged("its pixels lie outside the file"))?;
    let size = items.size(item).ok_or_else(|| damaged("it does not say its size"))?;
    budget.check(size, BYTES_PER_PIXEL)?;
    let mut decoder = Decoder::new(u32::try_from(area(size)).unwrap_or(u32::MAX))?;
    let picture = decoder.picture(&data)?;
    rgb(&picture, colors(items, item))
}

/// A picture of several coded ones: 23008-12, 6.6.2.3.
fn grid(items: &Items<'_>, item: u64, budget: &Budget) -> Outcome<RgbImage> {
    let data = items.data(item).unwrap_or_default();
    let &[_, flags, rows, columns, ref sizes @ ..] = &data[..] else { return Err(damaged("its grid is empty")) };
    let (columns, rows) = (usize::from(columns) + 1, usize::from(rows) + 1);
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number: u32, &byte| number << 8 | u32::from(byte));
    let step = if flags & 1 == 0 { 2 } else { 4 };
    let (width, height) = match sizes.get(..2 * step) {
        Some(sizes) => (number(&sizes[..step]), number(&sizes[step..])),
        None => return Err(damaged("its grid has no size")),
    };
    if items.size(item) != Some((width, height)) {
        return Err(damaged("its grid is not of the size that the file says"));
    }
    let tiles: Vec<u64> = items.references(item, *b"dimg").take(MAX_TILES).collect();
    if tiles.len() < columns * rows {
        return Err(damaged("tiles of its grid are missing"));
    }
    let mut picture = RgbImage::new(width, height);
    for (index, &tile) in tiles.iter().take(columns * rows).enumerate() {
        paste(&mut picture, &coded(items, tile, budget)?, index % columns, index / columns)?;
    }
    Ok(picture)
}

/// Tiles are all of one size; what reaches over the picture's edge is cut.
fn paste(picture: &mut RgbImage, tile: &RgbImage, column: usize, row: usize) -> Outcome<()> {
    let (x, y) = (column as u64 * u64::from(tile.width()), row as u64 * u64::from(tile.height()));
    if x >= u64::from(picture.width()) || y >= u64::from(picture.height()) {
        return Err(damaged("tiles of its grid lie outside"));
    }
    let (x, y) = (x as u32, y as u32);
    let (width, height) = (tile.width().min(picture.width() - x), tile.height().min(picture.height() - y));
    let part = image::imageops::crop_imm(tile, 0, 0, width, height).to_image();
    picture.copy_from(&part, x, y).map_err(damaged)
}

/// The colours that the file states for an item; they go before those of the coded picture.
fn colors(items: &Items<'_>, item: u64) -> Option<Colors> {
    items.properties(item, *b"colr").find_map(|body| match body {
        &[b'n', b'c', b'l', b'x', _, _, _, _, high, low, range, ..] => {
            Some(Colors { matrix: u32::from(high) << 8 | u32::from(low), is_full_range: range & 0x80 != 0 })
        }
        _ => None,
    })
}

/// An open rav1d decoder.
struct Decoder {
    context: Option<Dav1dContext>,
}

/// A picture that rav1d owns.
struct Picture(Dav1dPicture);

const AGAIN: c_int = -11;

// As often as a still picture could need: every call either takes bytes or gives a picture.
const MAX_TURNS: usize = 4096;

impl Decoder {
    fn new(max_pixels: u32) -> Outcome<Self> {
        let mut settings = settings();
        settings.n_threads = 2;
        settings.max_frame_delay = 1;
        settings.all_layers = 0;
        settings.frame_size_limit = max_pixels;
        let mut context = None;
        // SAFETY: both point to live values of the types that the function asks for.
        let result = unsafe { dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
        if result.0 == 0 { Ok(Self { context }) } else { Err(damaged("the decoder did not start")) }
    }

    /// The last picture in these bytes: of a layered item the best one.
    fn picture(&mut self, bytes: &[u8]) -> Outcome<Picture> {
        let mut data = Data::new(bytes)?;
        let mut best = None;
        for _ in 0..MAX_TURNS {
            if data.0.sz > 0 {
                // SAFETY: the context is open, and `data` was made by `dav1d_data_create`.
                let sent = unsafe { dav1d_send_data(self.context, Some(NonNull::from(&mut data.0))) };
                if sent.0 != 0 && sent.0 != AGAIN {
                    return best.ok_or_else(|| damaged("its AV1 data are broken"));
                }
            }
            match self.next()? {
                Some(picture) => best = Some(picture),
                None if data.0.sz == 0 => break,
                None => {}
            }
        }
        best.ok_or_else(|| damaged("its AV1 data hold no picture"))
    }

    fn next(&mut self) -> Outcome<Option<Picture>> {
        let mut picture = Picture(Dav1dPicture::default());
        // SAFETY: the context is open, and the picture may be written to.
        let got = unsafe { dav1d_get_picture(self.context, Some(NonNull::from(&mut picture.0))) };
        match got.0 {
            0 => Ok(Some(picture)),
            AGAIN => Ok(None),
            _ => Err(damaged("its AV1 data are broken")),
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context came from `dav1d_open` and is closed once; the function leaves `None`.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.context))) };
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture is rav1d's own or empty; the function leaves it empty.
        unsafe { dav1d_picture_unref(Some(NonNull::from(&mut self.0))) };
    }
}

/// Bytes on their way into rav1d.
struct Data(Dav1dData);

impl Data {
    fn new(bytes: &[u8]) -> Outcome<Self> {
        let mut data = Self(Dav1dData::default());
        if bytes.is_empty() {
            return Err(damaged("it holds no AV1 data"));
        }
        // SAFETY: `data` may be written to.
        let start = unsafe { dav1d_data_create(Some(NonNull::from(&mut data.0)), bytes.len()) };
        let start = NonNull::new(start).ok_or_else(|| damaged("there is no memory for it"))?;
        // SAFETY: the function gave that many bytes, which nothing else points to.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.as_ptr(), bytes.len()) };
        Ok(data)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        // SAFETY: the data came from `dav1d_data_create`, or are empty after the decoder took them.
        unsafe { dav1d_data_unref(Some(NonNull::from(&mut self.0))) };
    }
}

fn settings() -> Dav1dSettings {
    let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
    // SAFETY: the function writes all of it.
    let mut settings = unsafe {
        dav1d_default_settings(NonNull::from(&mut settings).cast::<Dav1dSettings>());
        settings.assume_init()
    };
    // SAFETY: the logger is two nullable pointers in C's layout; null means that nothing is printed. rav1d exports no
    // other way to say so.
    unsafe { std::ptr::write_bytes(&raw mut settings.logger, 0, 1) };
    settings
}

fn rgb(picture: &Picture, stated: Option<Colors>) -> Outcome<RgbImage> {
    let header = picture.0.seq_hdr.ok_or_else(|| damaged("it has no sequence header"))?;
    // SAFETY: the picture holds a reference to its header as long as it lives.
    let header = unsafe { header.as_ref() };
    let coded = Colors { matrix: header.mtrx, is_full_range: header.color_range != 0 };
    let chroma_shift = match picture.0.p.layout {
        DAV1D_PIXEL_LAYOUT_I420 => (1, 1),
        DAV1D_PIXEL_LAYOUT_I444 => (0, 0),
        _ => (1, 0),
    };
    let (width, height) = (picture.0.p.w as u32, picture.0.p.h as u32);
    let chroma_rows = (height as usize).div_ceil(1 << chroma_shift.1);
    let is_grey = picture.0.p.layout == DAV1D_PIXEL_LAYOUT_I400;
    let unit = if picture.0.p.bpc == 8 { 1 } else { 2 };
    let strides = picture.0.stride.map(|bytes| usize::try_from(bytes).unwrap_or(0) / unit);
    let missing = || damaged("a plane is missing");
    let chroma = if is_grey {
        None
    } else {
        let plane = |index| plane(picture, index, strides[1] * chroma_rows).ok_or_else(missing);
        Some([plane(1)?, plane(2)?])
    };
    let frame = Frame {
        size: (width, height),
        luma: plane(picture, 0, strides[0] * height as usize).ok_or_else(missing)?,
        luma_stride: strides[0],
        chroma,
        chroma_stride: strides[1],
        chroma_shift,
        depth: u32::try_from(picture.0.p.bpc).unwrap_or(8),
        colors: stated.unwrap_or(coded),
    };
    Ok(frame.rgb())
}

/// One plane of `samples` samples, all rows with their padding.
fn plane(picture: &Picture, index: usize, samples: usize) -> Option<Samples<'_>> {
    let start = picture.0.data[index]?;
    // SAFETY: rav1d allocates each plane as stride × rows and keeps it until the picture is dropped; nobody writes to
    // it any more. A plane of more than 8 bits is one of `u16`, aligned to 64 bytes.
    Some(unsafe {
        match picture.0.p.bpc {
            8 => Samples::Eight(std::slice::from_raw_parts(start.cast().as_ptr(), samples)),
            _ => Samples::Sixteen(std::slice::from_raw_parts(start.cast().as_ptr(), samples)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Limits;

    /// 64 × 48 pixels of grey, by libavif.
    const GREY: &[u8] =
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf\0\0\0\xe9meta\0\0\0\0\0\0\0!hdlr\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\
        \0\0\0\0\0\0\0\0\x0epitm\0\0\0\0\0\x01\0\0\0\x1eiloc\0\0\0\0D\0\0\x01\0\x01\0\0\0\x01\0\0\x01\x0d\0\0\0\x1e\
        \0\0\0(iinf\0\0\0\0\0\x01\0\0\0\x1ainfe\x02\0\0\0\0\x01\0\0av01Color\0\0\0\0hiprp\0\0\0Iipco\0\0\0\x14ispe\0\
        \0\0\0\0\0\0@\0\0\0\x30\0\0\0\x0epixi\0\0\0\0\x01\x08\0\0\0\x0cav1C\x81\0\x1c\0\0\0\0\x13colrnclx\0\x01\0\x0d\0\
        \x06\x80\0\0\0\x17ipma\0\0\0\0\0\0\0\x01\0\x01\x04\x01\x02\x83\x04\0\0\0&mdat\x12\0\x0a\x09\x18\x15\x7f\xbd\
        \xa6\x02\x1a\x0d@2\x0f\x1d\x85\x9d\xdcp,\0\xcf\xca:\xa4\x8dZs\xf7";

    /// Decodes the picture with another size claimed for it.
    #[track_caller]
    fn check(width: u8, height: u8, expected: Option<(u32, u32)>) {
        let mut bytes = GREY.to_vec();
        let at = bytes.windows(4).position(|kind| kind == b"ispe").unwrap() + 8;
        bytes[at..at + 8].copy_from_slice(&[0, 0, 0, width, 0, 0, 0, height]);
        let found = avif(&bytes, &Budget::starting(&Limits::default()));
        assert_eq!(found.ok().map(|raster| raster.full_size), expected);
    }

    #[test]
    fn a_picture_of_the_claimed_size_is_decoded() {
        check(64, 48, Some((64, 48)));
    }

    #[test]
    fn a_picture_larger_than_claimed_is_refused() {
        check(1, 1, None);
        check(64, 47, None);
    }
}
