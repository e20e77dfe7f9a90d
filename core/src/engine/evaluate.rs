//! Inspection scored against the truth. In: good parts, test parts, masks. Out: figures of parts and pixels, and rates with
//! bounds. Holds scores of patches, never maps: the maps of all parts are made anew when they are counted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use image::RgbImage;
use serde::Serialize;

use super::inspect::{TeachRequest, inspect, pictures_in, teach};
use super::model::LoadedModel;
use crate::anomaly::{
    AUPIMO_LIMITS, AUPRO_LIMIT, Basis, Defects, Figures, Inspector, Judgement, Pixels, Rate, Settings, Truth, Verdict,
    ranks_of,
};
use crate::error::{Error, Problem, Result};
use crate::jobs::Ticker;
use crate::media::{self, Limits};

/// What is evaluated: the folder roles are those of anomalib's Folder data.
#[derive(Debug, Clone, Default)]
pub struct EvaluateRequest {
    /// How the inspector looks and judges.
    pub settings: Settings,
    /// Good parts that are learnt: files or folders.
    pub normal: Vec<PathBuf>,
    /// Only the first so many of them by name; `None`: all.
    pub references: Option<usize>,
    /// Good parts that are judged.
    pub normal_test: Vec<PathBuf>,
    /// Defective parts that are judged, each folder with the folder of its masks, if there is one.
    pub abnormal: Vec<(PathBuf, Option<PathBuf>)>,
}

impl EvaluateRequest {
    /// One category in MVTec-AD's layout: train/good, test/TYPE, ground_truth/TYPE.
    ///
    /// # Errors
    /// A folder of another layout.
    pub fn mvtec(folder: &Path, settings: Settings) -> Result<Self> {
        let normal = folder.join("train").join("good");
        let test = folder.join("test");
        if !normal.is_dir() || !test.is_dir() {
            let what = "this folder is not laid out as a category of MVTec-AD";
            return Err(Error::bad_file(folder, what, "it needs train/good, test/TYPE and ground_truth/TYPE"));
        }
        let mut request = Self { settings, normal: vec![normal], ..Self::default() };
        let mut kinds: Vec<PathBuf> = fs_err::read_dir(&test)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        kinds.sort();
        for kind in kinds.into_iter().filter(|kind| kind.is_dir()) {
            let name = kind.file_name().map(PathBuf::from).unwrap_or_default();
            if name.as_os_str() == "good" {
                request.normal_test.push(kind);
                continue;
            }
            let masks = folder.join("ground_truth").join(name);
            request.abnormal.push((kind, masks.is_dir().then_some(masks)));
        }
        Ok(request)
    }
}

/// What the evaluation found; shares and areas are from 0 to 1.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluateReport {
    /// The method's name.
    pub method: String,
    /// How many good parts were learnt.
    pub references: usize,
    /// The score above which a part does not pass.
    pub threshold: f32,
    /// Area under the ROC curve of parts.
    pub image_auroc: Option<f64>,
    /// The same of parts by their mean rank, where several methods judge together.
    pub rank_auroc: Option<f64>,
    /// Average precision of parts.
    pub image_ap: Option<f64>,
    /// The best F1 of parts.
    pub image_f1: Option<f64>,
    /// The threshold of the best F1.
    pub image_f1_threshold: Option<f32>,
    /// Area under the ROC curve of pixels.
    pub pixel_auroc: Option<f64>,
    /// Average precision of pixels.
    pub pixel_ap: Option<f64>,
    /// The best F1 of pixels.
    pub pixel_f1: Option<f64>,
    /// Area under the per-region overlap up to 30 % false alarms.
    pub aupro: Option<f64>,
    /// Area under the per-image overlap between 0.001 % and 0.01 % false alarms.
    pub aupimo: Option<f64>,
    /// Defective parts that passed.
    pub escapes: Option<Rate>,
    /// Good parts that did not pass.
    pub false_rejects: Option<Rate>,
    /// Every part.
    pub images: Vec<EvaluatedImage>,
    /// Files that could not be used.
    pub failed: Vec<Problem>,
    /// What the person should know of the thresholds.
    pub notes: Vec<String>,
    /// How long teaching took.
    pub teaching_seconds: f64,
    /// How long all took.
    pub seconds: f64,
}

/// One part of the test set.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluatedImage {
    /// The file.
    #[serde(serialize_with = "crate::error::lossy")]
    pub path: PathBuf,
    /// The part's score.
    pub score: f32,
    /// Pass, review or fail.
    pub verdict: Verdict,
    /// Whether it is defective.
    pub is_defective: bool,
}

/// Teaches, judges all test parts and compares with the truth.
///
/// # Errors
/// No usable good part, no test part, a model without patch features, [`Error::Cancelled`].
pub fn evaluate(model: &LoadedModel, request: &EvaluateRequest, ticker: &Ticker) -> Result<EvaluateReport> {
    let started = std::time::Instant::now();
    let mut normal = pictures_in(&request.normal)?;
    normal.truncate(request.references.unwrap_or(usize::MAX));
    let tests = tests(request)?;
    let images: Vec<PathBuf> = tests.iter().map(|test| test.path.clone()).collect();
    let teaching = TeachRequest { settings: request.settings.clone(), normal, ok: Vec::new(), images: images.clone() };
    let teaching = teach(model, &teaching, ticker)?;
    let teaching_seconds = started.elapsed().as_secs_f64();
    let inspector = &*teaching.inspector;
    let mut judged: HashMap<PathBuf, Judgement> = HashMap::new();
    let run = inspect(inspector, &images, ticker, &mut |part, _| {
        judged.insert(part.path, part.judgement);
        Ok(())
    })?;
    let mut failed = [teaching.problems, run.problems].concat();
    let parts: Vec<Part<'_>> =
        tests.iter().filter_map(|test| Some(Part { test, judgement: judged.get(&test.path)? })).collect();
    let pixels = pixels(inspector, &parts, ticker, &mut failed)?;
    let mut report = report(inspector, &parts, pixels.as_ref());
    (report.failed, report.teaching_seconds) = (failed, teaching_seconds);
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// One file of the test set.
struct Test {
    path: PathBuf,
    is_defective: bool,
    mask: Option<PathBuf>,
}

struct Part<'a> {
    test: &'a Test,
    judgement: &'a Judgement,
}

fn tests(request: &EvaluateRequest) -> Result<Vec<Test>> {
    let good = pictures_in(&request.normal_test)?.into_iter();
    let mut tests: Vec<Test> = good.map(|path| Test { path, is_defective: false, mask: None }).collect();
    for (folder, masks) in &request.abnormal {
        let masks = masks.as_ref().map(Masks::of).transpose()?;
        let files = pictures_in(std::slice::from_ref(folder))?.into_iter();
        tests.extend(files.map(|path| Test {
            mask: masks.as_ref().and_then(|masks| masks.of_file(&path)),
            path,
            is_defective: true,
        }));
    }
    if tests.is_empty() {
        return Err(Error::bad_request("there is no part to judge", "give folders with pictures"));
    }
    Ok(tests)
}

/// The masks of a folder by stem.
struct Masks(HashMap<String, PathBuf>);

impl Masks {
    fn of(folder: &PathBuf) -> Result<Self> {
        let files = pictures_in(std::slice::from_ref(folder))?.into_iter();
        Ok(Self(files.map(|file| (stem(&file), file)).collect()))
    }

    /// A file of the same stem, or of the stem with `_mask`.
    fn of_file(&self, path: &Path) -> Option<PathBuf> {
        let stem = stem(path);
        self.0.get(&format!("{stem}_mask")).or_else(|| self.0.get(&stem)).cloned()
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Counts all pixels whose truth is known, in two passes; `None` without any mask.
fn pixels(
    inspector: &Inspector,
    parts: &[Part<'_>],
    ticker: &Ticker,
    failed: &mut Vec<Problem>,
) -> Result<Option<Pixels>> {
    let mut defects = Defects::default();
    let mut is_counted = vec![false; parts.len()];
    ticker.phase("Measuring");
    ticker.expect(2 * parts.len());
    for (part, is_counted) in parts.iter().zip(&mut is_counted) {
        ticker.tick(1)?;
        *is_counted = !part.test.is_defective;
        let Some(path) = &part.test.mask else { continue };
        let map = inspector.map(part.judgement);
        match mask(path, part.judgement.sight.size, (map.width, map.height)) {
            Ok(is_defect) => {
                defects.add(&Truth { scores: &map.values, is_defect: &is_defect, width: map.width as usize });
                *is_counted = true;
            }
            Err(error) => failed.push(Problem { path: path.clone(), reason: error.reason() }),
        }
    }
    if !parts.iter().zip(&is_counted).any(|(part, is_counted)| *is_counted && part.test.mask.is_some()) {
        return Ok(None);
    }
    let good_parts = parts.iter().filter(|part| !part.test.is_defective).count();
    let mut pixels = defects.second_pass(good_parts);
    for (part, _) in parts.iter().zip(&is_counted).filter(|(_, is_counted)| **is_counted) {
        ticker.tick(1)?;
        let map = inspector.map(part.judgement);
        let is_defect = match &part.test.mask {
            Some(path) => mask(path, part.judgement.sight.size, (map.width, map.height))?,
            None => vec![false; map.values.len()],
        };
        pixels.add(&Truth { scores: &map.values, is_defect: &is_defect, width: map.width as usize });
    }
    Ok(Some(pixels))
}

/// How far the proportions of a mask may be from those of its picture.
const MASK_TOLERANCE: f64 = 0.02;

/// The mask at the size of the map: any value but 0 is defect.
fn mask(path: &Path, picture: (u32, u32), (width, height): (u32, u32)) -> Result<Vec<bool>> {
    let mask: RgbImage = media::decode(path, &Limits::default())?.picture;
    let proportions = |(width, height): (u32, u32)| f64::from(width) / f64::from(height);
    if (proportions(mask.dimensions()) / proportions(picture) - 1.0).abs() > MASK_TOLERANCE {
        let what = format!("a mask of {} × {} pixels does not fit", mask.width(), mask.height());
        return Err(Error::bad_file(path, what, format!("its picture has {} × {}", picture.0, picture.1)));
    }
    let from = |at: u32, to: u32, of: u32| ((f64::from(at) + 0.5) * f64::from(of) / f64::from(to)) as u32;
    let row = |y: u32| (from(y, height, mask.height()), 0..width);
    let is_set = |(y, columns): (u32, std::ops::Range<u32>)| {
        let mask = &mask;
        columns.map(move |x| mask.get_pixel(from(x, width, mask.width()), y).0 != [0; 3])
    };
    Ok((0..height).map(row).flat_map(is_set).collect())
}

/// How well parts are told apart by their mean rank; `None` where there is one look alone.
fn rank_auroc(parts: &[Part<'_>]) -> Option<f64> {
    let ranks = ranks_of(&parts.iter().map(|part| part.judgement.says.clone()).collect::<Vec<_>>());
    let of = |is_defective: bool| -> Vec<f32> {
        let ranked = parts.iter().zip(&ranks).filter(|(part, _)| part.test.is_defective == is_defective);
        ranked.map(|(_, rank)| *rank).collect()
    };
    Figures::of_parts(&of(true), &of(false)).map(|figures| figures.auroc)
}

fn report(inspector: &Inspector, parts: &[Part<'_>], pixels: Option<&Pixels>) -> EvaluateReport {
    let scores = |is_defective: bool| -> Vec<f32> {
        parts.iter().filter(|part| part.test.is_defective == is_defective).map(|part| part.judgement.score).collect()
    };
    let count = |is_defective: bool, is_passed: bool| {
        let is_such = |part: &&Part<'_>| {
            part.test.is_defective == is_defective && (part.judgement.verdict == Verdict::Pass) == is_passed
        };
        parts.iter().filter(is_such).count()
    };
    let image = Figures::of_parts(&scores(true), &scores(false));
    let pixel = pixels.and_then(Pixels::figures);
    let calibration = inspector.calibration();
    EvaluateReport {
        method: inspector.settings().method.clone(),
        references: if calibration.basis == Basis::Folder { 0 } else { inspector.references().len() },
        threshold: calibration.review.score,
        image_auroc: image.map(|figures| figures.auroc),
        rank_auroc: rank_auroc(parts),
        image_ap: image.map(|figures| figures.ap),
        image_f1: image.map(|figures| figures.f1),
        image_f1_threshold: image.map(|figures| figures.threshold),
        pixel_auroc: pixel.map(|figures| figures.auroc),
        pixel_ap: pixel.map(|figures| figures.ap),
        pixel_f1: pixel.map(|figures| figures.f1),
        aupro: pixels.and_then(|pixels| pixels.aupro(AUPRO_LIMIT)),
        aupimo: pixels.and_then(|pixels| pixels.aupimo(AUPIMO_LIMITS)),
        escapes: Rate::of(count(true, true), count(true, true) + count(true, false)),
        false_rejects: Rate::of(count(false, false), count(false, true) + count(false, false)),
        images: parts
            .iter()
            .map(|part| EvaluatedImage {
                path: part.test.path.clone(),
                score: part.judgement.score,
                verdict: part.judgement.verdict,
                is_defective: part.test.is_defective,
            })
            .collect(),
        failed: Vec::new(),
        notes: calibration.notes.clone(),
        teaching_seconds: 0.0,
        seconds: 0.0,
    }
}
