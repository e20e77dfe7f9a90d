//! What is asked of the engine and what it answers: plain structs, nothing of how it is done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

use super::FirstLookReport;
use crate::error::{Error, Problem, Result};
use crate::index::Snapshot;
use crate::search::{Filter, Hit, Sort};

/// With what the library is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The library's folder; made if it is not there.
    pub library: PathBuf,
    /// A registry id or a model folder; `None`: the library's model, else the built-in starter.
    pub model: Option<String>,
    /// How numbers are kept while a model is computed.
    pub precision: Precision,
}

/// How numbers are kept while pictures are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// What the library was built with; `F32` for a new one.
    #[default]
    Auto,
    /// 32-bit floating point: equal to the reference.
    F32,
    /// 8-bit whole numbers in the large products: faster, and nearly equal. Its vectors are kept apart.
    Int8,
}

/// A part of a picture, in fractions of its width and height from the top left.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Region {
    /// Left edge, 0 to 1.
    pub x: f32,
    /// Top edge, 0 to 1.
    pub y: f32,
    /// Width, more than 0.
    pub width: f32,
    /// Height, more than 0.
    pub height: f32,
}

impl Region {
    /// A region with at least something of the picture in it.
    ///
    /// # Errors
    /// Numbers outside 0 to 1, or no area.
    pub fn new(x: f32, y: f32, width: f32, height: f32) -> Result<Self> {
        let is_inside = |start: f32, length: f32| start >= 0.0 && length > 0.0 && start + length <= 1.0 + 1e-4;
        if is_inside(x, width) && is_inside(y, height) {
            return Ok(Self { x, y, width, height });
        }
        Err(Error::bad_request(
            format!("the region {x},{y},{width},{height} does not lie in the picture"),
            "give left, top, width and height as fractions between 0 and 1",
        ))
    }

    /// That part of `picture`, at least one pixel.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn of(&self, picture: &RgbImage) -> Result<RgbImage> {
        let (width, height) = picture.dimensions();
        if width == 0 || height == 0 {
            return Err(Error::bad_request("the picture has no pixels", "choose another one"));
        }
        let (left, across) = span(self.x, self.width, width);
        let (top, down) = span(self.y, self.height, height);
        Ok(image::imageops::crop_imm(picture, left, top, across, down).to_image())
    }
}

/// First pixel and number of pixels of a fraction of a side.
fn span(start: f32, length: f32, side: u32) -> (u32, u32) {
    let first = ((start * side as f32).round() as u32).min(side - 1);
    let last = (((start + length) * side as f32).round() as u32).clamp(first + 1, side);
    (first, last - first)
}

/// What one term of a query is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// Words.
    Text(String),
    /// A picture file, or a region of it.
    Picture {
        /// Any picture, in the library or not.
        path: PathBuf,
        /// The part that counts; `None`: all of it.
        region: Option<Region>,
    },
    /// A picture that is in no file (pasted).
    Pixels(Arc<RgbImage>),
}

/// One term of a query: a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Chip {
    /// What it is about.
    pub subject: Subject,
    /// How much it counts; negative: such photos are pushed away.
    pub weight: f32,
}

/// A search.
#[derive(Debug, Clone, Default)]
pub struct SearchRequest {
    /// What is looked for; none: the filter alone decides.
    pub chips: Vec<Chip>,
    /// What hits must be.
    pub filter: Filter,
    /// In which order they come.
    pub sort: Sort,
    /// How many at most.
    pub limit: usize,
}

/// The answer to a search.
#[derive(Clone)]
pub struct SearchReport {
    /// The library as it was searched: [`Hit::entry`] counts in its entries.
    pub snapshot: Arc<Snapshot>,
    /// Best first, or as sorted.
    pub hits: Vec<Hit>,
    /// What the person should know of it: words that the model does not know, text that was cut off.
    pub notes: Vec<String>,
    /// How long it took, encoding included.
    pub milliseconds: f64,
}

impl SearchReport {
    /// The file of a hit.
    pub fn path(&self, hit: &Hit) -> &Path {
        &self.snapshot.entries[hit.entry as usize].path
    }
}

/// What indexing did.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct IndexReport {
    /// Picture files found in the folders.
    pub found: usize,
    /// Files that can be found since this run; a copy of a known photo needs no embedding.
    pub indexed: usize,
    /// Files that needed nothing.
    pub unchanged: usize,
    /// Files that were known under another path.
    pub moved: usize,
    /// Files that are no longer there.
    pub gone: usize,
    /// Files that could not be used, and folders that could not be read.
    pub failed: Vec<Problem>,
    /// Files that are no pictures, with what they are instead.
    pub ignored: Vec<Problem>,
    /// Folders that were not there (an unplugged drive): kept as they were.
    #[serde(serialize_with = "lossy_all")]
    pub offline: Vec<PathBuf>,
    /// What came of a look at previews, where the run was long enough to begin with one.
    pub first_look: Option<FirstLookReport>,
    /// How long it took.
    pub seconds: f64,
    /// Photos embedded a second.
    pub images_per_second: f64,
    /// Where the time went, in seconds; `decode` adds up over threads.
    pub stages: BTreeMap<&'static str, f64>,
}

fn lossy_all<S: serde::Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

/// How serious a finding of the doctor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Good,
    /// Works, but the person should know.
    Notice,
    /// Does not work.
    Broken,
}

/// One thing that the doctor looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at ("library").
    pub subject: &'static str,
    /// How it is.
    pub severity: Severity,
    /// What was found, and what to do about it.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(region: [f32; 4], size: (u32, u32), expected: (u32, u32)) {
        let [x, y, width, height] = region;
        let part = Region::new(x, y, width, height).unwrap().of(&RgbImage::new(size.0, size.1)).unwrap();
        assert_eq!(part.dimensions(), expected);
    }

    #[test]
    fn a_region_is_that_fraction_of_the_picture() {
        check([0.0, 0.0, 1.0, 1.0], (40, 30), (40, 30));
        check([0.25, 0.5, 0.5, 0.5], (40, 30), (20, 15));
    }

    #[test]
    fn the_smallest_region_still_holds_a_pixel() {
        check([0.999, 0.999, 0.001, 0.001], (4, 4), (1, 1));
    }

    #[test]
    fn a_region_outside_the_picture_is_refused() {
        assert!(Region::new(0.5, 0.0, 0.6, 1.0).is_err());
        assert!(Region::new(0.5, 0.0, 0.0, 1.0).is_err());
        assert!(Region::new(f32::NAN, 0.0, 0.5, 1.0).is_err());
    }
}
