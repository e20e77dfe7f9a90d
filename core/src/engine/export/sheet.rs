//! A contact sheet: many photos on one page. In: files of the library. Out: a PNG, a JPEG, or one HTML file with the names.
//! Uses thumbnails; a photo that cannot be read keeps its place, and its name in HTML.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};

use super::super::Engine;
use super::write_new;
use crate::error::{Error, Result};
use crate::index::{Entry, Snapshot};
use crate::jobs::{self, Job, Ticker, Wake};
use crate::media;

/// How a sheet looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetStyle {
    /// Photos side by side, 1 to 20.
    pub columns: u32,
    /// The longer side of a photo in pixels, 32 to 320.
    pub cell: u32,
    /// White between photos, in pixels.
    pub gap: u32,
}

impl Default for SheetStyle {
    fn default() -> Self {
        Self { columns: 6, cell: 240, gap: 16 }
    }
}

/// No sheet has more pixels: 300 MB while it is made.
const MOST_PIXELS: u64 = 100_000_000;

impl Engine {
    /// Writes a contact sheet of some entries of a snapshot; the ending of `target` (png, jpg, html) says as what. Gives
    /// the path that was free.
    ///
    /// # Errors
    /// Another ending, more photos than fit on a page, a place that cannot be written to, [`Error::Cancelled`].
    pub fn write_contact_sheet(
        &self,
        snapshot: &Snapshot,
        entries: &[u32],
        (target, style): (&Path, SheetStyle),
        ticker: &Ticker,
    ) -> Result<PathBuf> {
        let style = style.checked(entries.len())?;
        let kind = Kind::of(target)?;
        ticker.phase("Making the sheet");
        ticker.expect(entries.len());
        let mut cells = Vec::with_capacity(entries.len());
        for entry in entries.iter().filter_map(|entry| snapshot.entries.get(*entry as usize)) {
            let thumbnail = self.thumbnail(entry).ok().map(|picture| media::thumbnail(&picture, style.cell));
            cells.push((entry, thumbnail));
            ticker.tick(1)?;
        }
        write_new(target, &kind.bytes(&cells, style)?)
    }

    /// [`Engine::write_contact_sheet`] of the current snapshot on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_contact_sheet(
        &self,
        entries: Vec<u32>,
        target: PathBuf,
        style: SheetStyle,
        wake: Wake,
    ) -> Result<Job<PathBuf>> {
        let (engine, snapshot) = (self.clone(), self.snapshot());
        jobs::spawn("sheet", wake, move |ticker: &Ticker| {
            engine.write_contact_sheet(&snapshot, &entries, (&target, style), ticker)
        })
    }
}

impl SheetStyle {
    pub(super) fn checked(self, photos: usize) -> Result<Self> {
        let remedy = "choose other numbers, or fewer photos";
        if !(1..=20).contains(&self.columns) || !(32..=320).contains(&self.cell) || self.gap > 200 || photos == 0 {
            let what = format!("{photos} photos cannot be laid out in {} columns of {}", self.columns, self.cell);
            return Err(Error::bad_request(what, remedy));
        }
        let (width, height) = self.size(photos);
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(Error::bad_request(format!("{photos} photos do not fit on one sheet"), remedy));
        }
        Ok(self)
    }

    fn size(self, photos: usize) -> (u32, u32) {
        let step = self.cell + self.gap;
        let columns = self.columns.min(photos as u32);
        (columns * step + self.gap, (photos as u32).div_ceil(self.columns).saturating_mul(step) + self.gap)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Png,
    Jpeg,
    Html,
}

type Cell<'a> = (&'a Entry, Option<RgbImage>);

impl Kind {
    fn of(target: &Path) -> Result<Self> {
        let ending = target.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match ending.as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "html" | "htm" => Ok(Self::Html),
            _ => Err(Error::bad_file(target, "a sheet is made as png, jpg or html", "give the file such an ending")),
        }
    }

    fn bytes(self, cells: &[Cell<'_>], style: SheetStyle) -> Result<Vec<u8>> {
        match self {
            Self::Html => html(cells, style),
            Self::Jpeg => jpeg(&page(cells, style)),
            Self::Png => {
                let mut bytes = std::io::Cursor::new(Vec::new());
                page(cells, style).write_to(&mut bytes, ImageFormat::Png).map_err(std::io::Error::other)?;
                Ok(bytes.into_inner())
            }
        }
    }
}

fn jpeg(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 88)).map_err(std::io::Error::other)?;
    Ok(bytes)
}

fn page(cells: &[Cell<'_>], style: SheetStyle) -> RgbImage {
    let (width, height) = style.size(cells.len());
    let mut page = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    for (place, (_, picture)) in cells.iter().enumerate() {
        let Some(picture) = picture else { continue };
        let (column, row) = (place as u32 % style.columns, place as u32 / style.columns);
        let middle = |at: u32, side: u32| style.gap + at * (style.cell + style.gap) + (style.cell - side) / 2;
        let (x, y) = (middle(column, picture.width()), middle(row, picture.height()));
        image::imageops::replace(&mut page, picture, i64::from(x), i64::from(y));
    }
    page
}

fn html(cells: &[Cell<'_>], style: SheetStyle) -> Result<Vec<u8>> {
    let mut page = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Contact sheet</title>\n<style>body {{ font: 13px sans-serif; \
         display: grid; grid-template-columns: repeat({}, {}px); gap: {}px }} figure {{ margin: 0 }} figcaption {{ \
         overflow-wrap: anywhere }}</style>\n",
        style.columns, style.cell, style.gap
    );
    for (entry, picture) in cells {
        let name = escaped(&entry.path.file_name().unwrap_or_default().to_string_lossy());
        let image = match picture {
            Some(picture) => {
                let bytes = base64::engine::general_purpose::STANDARD.encode(jpeg(picture)?);
                format!("<img alt=\"{name}\" src=\"data:image/jpeg;base64,{bytes}\">")
            }
            None => String::new(),
        };
        page.push_str(&format!("<figure>{image}<figcaption>{name}</figcaption></figure>\n"));
    }
    Ok(page.into_bytes())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
