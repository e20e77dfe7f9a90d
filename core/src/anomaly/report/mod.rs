//! What is left of a run: one folder that anyone can read without Sightline. In: judged parts, one after the other. Out:
//! masks, raw maps and overlays under the parts' own names, then results.csv, results.json and report.html. Judges nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use image::{GrayImage, ImageFormat, RgbImage, imageops};
use serde::Serialize;

use super::calibrate::Calibration;
use super::combine::ranks_of;
use super::inspector::{Inspector, Judgement};
use super::region::Region;
use super::score_map::ScoreMap;
use super::settings::Settings;
use super::verdict::Verdict;
use crate::error::{Error, Problem, Result};

mod audit;
mod colours;
mod csv;
mod html;
mod json;
mod names;
mod npy;
mod overlay;

pub use audit::{AuditFormat, AuditRow, audit_bytes, audit_rows};
pub use colours::inferno;
pub use names::part_names;
pub use overlay::overlay;

/// Every form that the results are written in. A new one is one file and one line here.
pub const FORMATS: &[&dyn Format] = &[&csv::Csv, &json::Json, &html::Html];

/// A form of the results.
pub trait Format: Sync {
    /// The file's name.
    fn file_name(&self) -> &'static str;

    /// The file's content.
    ///
    /// # Errors
    /// Results that the form cannot hold.
    fn bytes(&self, results: &Results) -> Result<Vec<u8>>;
}

/// A run as it is reported.
#[derive(Debug, Clone, Serialize)]
pub struct Results {
    /// The method's name.
    pub method: String,
    /// How many parts were learnt.
    pub references: usize,
    /// The score above which a part does not pass.
    pub threshold: f32,
    /// The score above which a part fails; null where nothing can be promised.
    pub fail_threshold: Option<f32>,
    /// The model, with the digest of its weights.
    pub model: String,
    /// The product and its version, if the run was for one.
    pub product: Option<String>,
    /// The parts, in the order of the run.
    pub images: Vec<PartRow>,
    /// Files that could not be judged.
    pub failed: Vec<Problem>,
    /// What the person should know.
    pub notes: Vec<String>,
    /// Whether good parts no longer look as the references did.
    pub has_drifted: bool,
    /// How it was looked and judged.
    pub settings: Settings,
    /// Thresholds, and the good parts they come from.
    pub calibration: Calibration,
    /// When the run began, in UTC.
    pub begun: String,
    /// How long it took.
    pub seconds: f64,
    /// Overlays of the worst parts, by name, worst first: JPEG.
    #[serde(skip)]
    pub worst: Vec<(usize, Vec<u8>)>,
}

/// One part as it is reported.
#[derive(Debug, Clone, Serialize)]
pub struct PartRow {
    /// The file.
    #[serde(serialize_with = "crate::error::lossy")]
    pub path: PathBuf,
    /// What its mask, map and overlay are called.
    pub name: String,
    /// Higher is worse.
    pub score: f32,
    /// The share of good parts that would score as high.
    pub p_value: Option<f64>,
    /// Its mean rank among the parts of the folder, from 0 (best) to 1 (worst), where several looks judge together and the run
    /// is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<f32>,
    /// What each look says of it.
    #[serde(skip)]
    pub says: Vec<f32>,
    /// Pass, review or fail.
    pub verdict: Verdict,
    /// What is wrong with the picture itself.
    pub complaint: Option<&'static str>,
    /// Width of the picture in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Worst first; outlines are in the masks.
    pub regions: Vec<Region>,
}

impl PartRow {
    /// What is reported of a judged part.
    pub fn of(path: &Path, name: &str, judgement: &Judgement, regions: &[Region]) -> Self {
        let regions = regions.iter().map(|region| Region { outline: Vec::new(), ..region.clone() }).collect();
        let (width, height) = judgement.sight.size;
        let &Judgement { score, p_value, verdict, complaint, .. } = judgement;
        Self {
            path: path.to_owned(),
            name: name.to_owned(),
            score,
            p_value,
            rank: None,
            says: judgement.says.clone(),
            verdict,
            complaint,
            width,
            height,
            regions,
        }
    }
}

/// A judged part with all that its files are made of.
pub struct Part<'a> {
    /// The file.
    pub path: &'a Path,
    /// What its files are called; `/` makes folders.
    pub name: &'a str,
    /// Score and verdict.
    pub judgement: &'a Judgement,
    /// Its regions.
    pub regions: &'a [Region],
    /// Its map.
    pub map: &'a ScoreMap,
    /// 255 where a region is, as large as the map.
    pub mask: &'a GrayImage,
    /// The picture.
    pub picture: &'a RgbImage,
}

/// How many of the worst parts are shown with their overlays.
const WORST: usize = 24;
/// The longer side of an overlay.
const OVERLAY_SIDE: u32 = 1600;
/// The longer side of an overlay in the report.
const SHOWN_SIDE: u32 = 640;

/// A run under way. Its memory grows with a line a part; pictures are written and forgotten.
pub struct Report {
    /// `None`: nothing is written, the results are only gathered.
    folder: Option<PathBuf>,
    results: Results,
    colours: [f32; 2],
    started: std::time::Instant,
}

impl Report {
    /// Begins a run of `inspector`; with a folder, files are written to it.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn begin(inspector: &Inspector, folder: Option<&Path>, product: Option<String>) -> Result<Self> {
        if let Some(folder) = folder {
            fs_err::create_dir_all(folder)?;
        }
        let calibration = inspector.calibration();
        let results = Results {
            method: inspector.settings().method.clone(),
            references: inspector.references().len(),
            threshold: calibration.review.score,
            fail_threshold: calibration.fail.map(|fail| fail.score),
            model: inspector.model().to_string(),
            product,
            images: Vec::new(),
            failed: Vec::new(),
            notes: calibration.notes.clone(),
            has_drifted: false,
            settings: inspector.settings().clone(),
            calibration: calibration.clone(),
            begun: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            seconds: 0.0,
            worst: Vec::new(),
        };
        let started = std::time::Instant::now();
        Ok(Self { folder: folder.map(Path::to_owned), results, colours: calibration.colours, started })
    }

    /// Takes a part and writes its files.
    ///
    /// # Errors
    /// A folder that cannot be written to, or a full disk; what was half written is removed.
    pub fn add(&mut self, part: &Part<'_>) -> Result<&PartRow> {
        if let Some(folder) = self.folder.clone() {
            self.write_files(&folder, part)?;
        }
        let row = PartRow::of(part.path, part.name, part.judgement, part.regions);
        self.results.images.push(row);
        // The row that was pushed just now.
        let last = self.results.images.len() - 1;
        Ok(&self.results.images[last])
    }

    fn write_files(&mut self, folder: &Path, part: &Part<'_>) -> Result<()> {
        let place = |kind: &str, ending: &str| folder.join(kind).join(format!("{}.{ending}", part.name));
        let drawn = overlay(part.picture, part.map, part.regions, self.colours);
        let mask = imageops::resize(
            part.mask,
            part.judgement.sight.size.0,
            part.judgement.sight.size.1,
            imageops::FilterType::Nearest,
        );
        write(&place("masks", "png"), &png(&mask.into())?)?;
        write(&place("maps", "npy"), &npy::bytes(part.map))?;
        write(&place("overlays", "png"), &png(&drawn.clone().into())?)?;
        self.keep_if_worst(part.judgement.score, &drawn)
    }

    /// Keeps a small overlay of the worst parts.
    fn keep_if_worst(&mut self, score: f32, drawn: &RgbImage) -> Result<()> {
        let score_of = |at: usize| self.results.images.get(at).map_or(f32::MIN, |row| row.score);
        let place = self.results.worst.partition_point(|(at, _)| score_of(*at) >= score);
        if place >= WORST {
            return Ok(());
        }
        let (width, height) = fitting(drawn.dimensions(), SHOWN_SIDE);
        let small = imageops::thumbnail(drawn, width, height);
        let mut bytes = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 82);
        small.write_with_encoder(encoder).map_err(std::io::Error::other)?;
        self.results.worst.insert(place, (self.results.images.len(), bytes));
        self.results.worst.truncate(WORST);
        Ok(())
    }

    /// `name`, or what of the path no part has had yet. A part that is judged again keeps its name.
    pub fn free_name(&self, name: &str, path: &Path) -> String {
        let is_free = |name: &str| self.results.images.iter().all(|row| row.name != name || row.path == path);
        let whole = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let numbered = (2..).map(|number| format!("{whole} {number}"));
        let mut names = [name.to_owned(), whole.clone()].into_iter().chain(numbered);
        names.find(|name| is_free(name)).unwrap_or(whole)
    }

    /// Writes the results as they are so far, in every form.
    ///
    /// # Errors
    /// A folder that cannot be written to, or a full disk.
    pub fn write_results(&mut self, failed: &[Problem]) -> Result<()> {
        self.results.failed = failed.to_vec();
        self.results.seconds = self.started.elapsed().as_secs_f64();
        let says: Vec<Vec<f32>> = self.results.images.iter().map(|row| row.says.clone()).collect();
        self.results.images.iter_mut().zip(ranks_of(&says)).for_each(|(row, rank)| row.rank = Some(rank));
        if let Some(folder) = &self.folder {
            for format in FORMATS {
                write(&folder.join(format.file_name()), &format.bytes(&self.results)?)?;
            }
        }
        Ok(())
    }

    /// Ends the run and writes the results in every form.
    ///
    /// # Errors
    /// A folder that cannot be written to, or a full disk.
    pub fn end(mut self, failed: Vec<Problem>, has_drifted: bool) -> Result<Results> {
        self.results.has_drifted = has_drifted;
        if has_drifted {
            self.results.notes.push(
                "good parts no longer look as the references did (moving average of their median patch score): check \
                 camera and lighting, or teach new references"
                    .into(),
            );
        }
        self.write_results(&failed)?;
        Ok(self.results)
    }
}

/// Width and height with the longer side at most `side`.
fn fitting((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let scale = (f64::from(side) / f64::from(width.max(height).max(1))).min(1.0);
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    (scaled(width), scaled(height))
}

/// The bytes of a PNG.
pub(crate) fn png(picture: &image::DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(std::io::Error::other)?;
    Ok(bytes.into_inner())
}

/// Writes a file whole or not at all.
///
/// # Errors
/// A folder that cannot be written to, or a full disk; what was half written is removed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let written = fs_err::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs_err::rename(&beside, path));
    written.map_err(|error| {
        // Half a file is of no use; that it cannot be removed either is not the error to report.
        fs_err::remove_file(&beside).ok();
        match error.kind() {
            std::io::ErrorKind::StorageFull => Error::DiskFull { path: path.to_owned() },
            _ => Error::Io(error),
        }
    })
}
