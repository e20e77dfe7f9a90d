//! A synthetic product as files, so that anyone can try inspection with no data. In: how many parts, how large. Out: a
//! folder in the layout of MVTec-AD: train/good, test/KIND, ground_truth/KIND.

use std::path::{Path, PathBuf};

use image::DynamicImage;
use serde::Serialize;

use crate::anomaly::demo::{DEFECT_KINDS, DefectKind, draw_part};
use crate::error::{Error, Result};
use crate::jobs::Ticker;

/// What is drawn.
#[derive(Debug, Clone)]
pub struct DemoRequest {
    /// Good parts to learn.
    pub references: usize,
    /// Good parts to judge.
    pub good: usize,
    /// Defective parts of each kind.
    pub defective: usize,
    /// Width of a picture in pixels.
    pub width: u32,
    /// Other seeds give other parts.
    pub seed: u64,
}

impl Default for DemoRequest {
    fn default() -> Self {
        Self { references: 32, good: 24, defective: 6, width: 640, seed: 1 }
    }
}

/// What was drawn.
#[derive(Debug, Clone, Serialize)]
pub struct DemoReport {
    /// Where it is.
    #[serde(serialize_with = "crate::error::lossy")]
    pub folder: PathBuf,
    /// Good parts to learn.
    pub references: usize,
    /// Good parts to judge.
    pub good: usize,
    /// Defective parts of all kinds.
    pub defective: usize,
    /// The kinds.
    pub kinds: Vec<&'static str>,
}

/// Draws a product into a new or empty folder.
///
/// # Errors
/// A folder that holds something, no picture or too large ones, a full disk, [`Error::Cancelled`].
pub fn draw_demo(folder: &Path, request: &DemoRequest, ticker: &Ticker) -> Result<DemoReport> {
    if !(16..=4096).contains(&request.width) || request.references == 0 {
        return Err(Error::bad_request(
            "this is no product to draw",
            "give 16 to 4096 pixels and at least one reference",
        ));
    }
    if folder.exists() && fs_err::read_dir(folder)?.next().is_some() {
        return Err(Error::bad_file(folder, "the folder holds something already", "give a new or empty one"));
    }
    let parts = parts(request);
    ticker.phase("Drawing");
    ticker.expect(parts.len());
    for (seed, part) in (request.seed << 20..).zip(&parts) {
        draw(folder, part, seed, request.width)?;
        ticker.tick(1)?;
    }
    let &DemoRequest { references, good, defective, .. } = request;
    let kinds = DEFECT_KINDS.map(DefectKind::name).to_vec();
    Ok(DemoReport { folder: folder.to_owned(), references, good, defective: defective * kinds.len(), kinds })
}

/// A part to draw: its place below the folder, and its defect.
struct Part {
    place: String,
    number: usize,
    kind: Option<DefectKind>,
}

fn parts(request: &DemoRequest) -> Vec<Part> {
    let some = |count: usize, place: String, kind: Option<DefectKind>| {
        (0..count).map(move |number| Part { place: place.clone(), number, kind })
    };
    let good = some(request.references, "train/good".into(), None).chain(some(request.good, "test/good".into(), None));
    let defective = DEFECT_KINDS.into_iter().flat_map(|kind| some(request.defective, kind.name().into(), Some(kind)));
    good.chain(defective).collect()
}

fn draw(folder: &Path, Part { place, number, kind }: &Part, seed: u64, width: u32) -> Result<()> {
    let drawn = draw_part(seed, width, *kind);
    match kind {
        None => save(&folder.join(format!("{place}/{number:03}.png")), drawn.picture.into()),
        Some(_) => {
            save(&folder.join(format!("test/{place}/{number:03}.png")), drawn.picture.into())?;
            save(&folder.join(format!("ground_truth/{place}/{number:03}_mask.png")), drawn.mask.into())
        }
    }
}

fn save(path: &Path, picture: DynamicImage) -> Result<()> {
    crate::anomaly::report::write(path, &crate::anomaly::report::png(&picture)?)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn small() -> DemoRequest {
        DemoRequest { references: 2, good: 1, defective: 1, width: 48, seed: 7 }
    }

    #[test]
    fn every_defective_part_has_its_mask() {
        let folder = TempDir::new().unwrap();
        let report = draw_demo(folder.path(), &small(), &Ticker::silent()).unwrap();
        assert_eq!((report.references, report.good, report.defective), (2, 1, 8));
        let count = |place: &str| fs_err::read_dir(folder.path().join(place)).unwrap().count();
        assert_eq!((count("train/good"), count("test"), count("ground_truth")), (2, 9, 8));
        for kind in report.kinds {
            let picture = image::open(folder.path().join(format!("test/{kind}/000.png"))).unwrap();
            let mask = image::open(folder.path().join(format!("ground_truth/{kind}/000_mask.png"))).unwrap();
            assert_eq!((mask.width(), mask.height()), (picture.width(), picture.height()));
        }
    }

    #[test]
    fn a_folder_that_holds_something_is_left_alone() {
        let folder = TempDir::new().unwrap();
        fs_err::write(folder.path().join("mine.txt"), "mine").unwrap();
        assert!(draw_demo(folder.path(), &small(), &Ticker::silent()).is_err());
        assert!(
            draw_demo(&folder.path().join("new"), &DemoRequest { width: 5, ..small() }, &Ticker::silent()).is_err()
        );
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }
}
