//! A run of an inspection from beginning to end: over a folder, or over what comes into one. In: an inspector, files, a
//! folder for the results. Out: what `inspect --json` says and the files of the report. Judges through `inspect`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::Engine;
use super::inspect::{PartResult, Pixels, TeachRequest, Teaching, inspect, pictures_in, teach};
use super::model::LoadedModel;
use crate::anomaly::product::{Product, Reference, Role};
use crate::anomaly::report::{Part, PartRow, Report, Results, part_names};
use crate::anomaly::{Calibration, Inspector, Rate, Verdict};
use crate::error::{Error, Problem, Result};
use crate::jobs::Ticker;
use crate::library::{WatchEvent, watch};

/// Judges all pictures of `images`; with `out`, everything is written there.
///
/// # Errors
/// No picture at all, a folder that cannot be written to, a full disk, [`Error::Cancelled`].
pub fn run_inspection(
    inspector: &Inspector,
    images: &[PathBuf],
    out: Option<&Path>,
    product: Option<String>,
    ticker: &Ticker,
) -> Result<Results> {
    let files = pictures_in(images)?;
    if files.is_empty() {
        return Err(Error::bad_request("there is no picture to judge", "give a folder with pictures, or files"));
    }
    let names = part_names(&files);
    let name_of: std::collections::HashMap<&PathBuf, &String> = files.iter().zip(&names).collect();
    let mut report = Report::begin(inspector, out, product)?;
    let run = inspect(inspector, &files, ticker, &mut |part, pixels| {
        let name = name_of.get(&part.path).map_or("part", |name| name.as_str());
        report.add(&reported(&part, name, pixels)).map(|_| ())
    })?;
    report.end(run.problems, run.has_drifted)
}

fn reported<'a>(part: &'a PartResult, name: &'a str, pixels: &'a Pixels) -> Part<'a> {
    let PartResult { path, judgement, regions } = part;
    let Pixels { picture, map, mask } = pixels;
    Part { path, name, judgement, regions, map, mask, picture }
}

/// How long a look at whether to stop may take.
const PATIENCE: Duration = Duration::from_millis(200);

/// What became of a picture that came into a watched folder.
#[derive(Debug)]
pub enum Arrival<'a> {
    /// It was judged.
    Judged(&'a PartRow),
    /// It could not be.
    Failed(&'a Problem),
}

/// Judges what is in `folder` and what comes into it, until the job is cancelled; `sink` is told of each picture as soon as
/// it is judged. With `out` the results are written anew after every batch. A picture that is replaced is judged again.
///
/// # Errors
/// A folder that cannot be watched or written to; [`Error::Cancelled`] at the end.
pub fn watch_inspection(
    inspector: &Inspector,
    folder: &Path,
    out: Option<&Path>,
    ticker: &Ticker,
    sink: &mut dyn FnMut(Arrival<'_>) -> Result<()>,
) -> Result<()> {
    let folder = fs_err::canonicalize(folder)?;
    let (sender, receiver) = bounded(64);
    // A queue that is full makes the watcher wait, which loses nothing: a lost event asks for a look at everything.
    let watched = watch(std::slice::from_ref(&folder), move |event| {
        sender.send(event).ok();
    })?;
    if let Some(problem) = watched.unwatched().first() {
        return Err(Error::bad_file(&folder, problem.reason.clone(), "watch another folder"));
    }
    let mut run = WatchRun {
        report: Report::begin(inspector, out, None)?,
        inspector,
        out,
        judged: HashSet::new(),
        problems: Vec::new(),
    };
    run.judge(&pictures_in(std::slice::from_ref(&folder))?, false, ticker, sink)?;
    loop {
        ticker.check()?;
        let (files, is_replaced) = match receiver.recv_timeout(PATIENCE) {
            Ok(WatchEvent::Changed(paths)) => (paths, true),
            Ok(WatchEvent::Overflow) => (pictures_in(std::slice::from_ref(&folder))?, false),
            Ok(WatchEvent::Unwatched(problem)) => {
                return Err(Error::bad_file(&problem.path, problem.reason, "watch another folder"));
            }
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
        };
        run.judge(&files, is_replaced, ticker, sink)?;
    }
}

struct WatchRun<'a> {
    report: Report,
    inspector: &'a Inspector,
    out: Option<&'a Path>,
    judged: HashSet<PathBuf>,
    problems: Vec<Problem>,
}

impl WatchRun<'_> {
    fn judge(
        &mut self,
        files: &[PathBuf],
        is_replaced: bool,
        ticker: &Ticker,
        sink: &mut dyn FnMut(Arrival<'_>) -> Result<()>,
    ) -> Result<()> {
        // The results may lie within the watched folder: they are no parts.
        let is_own =
            |file: &Path| self.out.is_some_and(|out| fs_err::canonicalize(out).is_ok_and(|out| file.starts_with(out)));
        let is_part = |file: &&PathBuf| {
            crate::media::is_picture_path(file)
                && file.is_file()
                && !is_own(file)
                && (is_replaced || !self.judged.contains(*file))
        };
        let files: Vec<PathBuf> = files.iter().filter(is_part).cloned().collect();
        if files.is_empty() {
            return Ok(());
        }
        let report = &mut self.report;
        let judged = &mut self.judged;
        let run = inspect(self.inspector, &files, ticker, &mut |part, pixels| {
            judged.insert(part.path.clone());
            let name = part_names(std::slice::from_ref(&part.path)).remove(0);
            let name = report.free_name(&name, &part.path);
            sink(Arrival::Judged(report.add(&reported(&part, &name, pixels))?))
        })?;
        for problem in run.problems {
            judged.insert(problem.path.clone());
            sink(Arrival::Failed(&problem))?;
            self.problems.push(problem);
        }
        self.report.write_results(&self.problems)
    }
}

/// A product taught with a model.
pub struct TaughtProduct {
    /// Inspector and unusable references.
    pub teaching: Teaching,
    /// Known defects that would pass, where the product has any.
    pub escapes: Option<Rate>,
}

/// Teaches an inspector with a product's current version. Thresholds that the version has are kept; otherwise they are made
/// and kept in it.
///
/// # Errors
/// Another model than the product's, no usable good part, a folder that cannot be written to, [`Error::Cancelled`].
pub fn teach_product(
    model: &LoadedModel,
    product: &mut Product,
    images: &[PathBuf],
    ticker: &Ticker,
) -> Result<TaughtProduct> {
    product.check_model(model.encoder().identity())?;
    let version = product.version();
    let request = TeachRequest {
        settings: version.settings.clone(),
        normal: product.files(Role::Normal),
        ok: product.files(Role::Ok),
        images: images.to_vec(),
    };
    let known = version.calibration.clone();
    let mut teaching = teach(model, &request, ticker)?;
    match known {
        Some(calibration) => {
            // Nobody else has it yet.
            if let Some(inspector) = std::sync::Arc::get_mut(&mut teaching.inspector) {
                inspector.set_calibration(calibration);
            }
        }
        None => {
            let calibration = named(teaching.inspector.calibration().clone(), product);
            product.set_calibration(model.encoder().identity().clone(), calibration)?;
        }
    }
    let (mut passed, mut judged) = (0, 0);
    let defects = product.files(Role::Defect);
    inspect(&teaching.inspector, &defects, ticker, &mut |part, _| {
        judged += 1;
        passed += usize::from(part.judgement.verdict == Verdict::Pass);
        Ok(())
    })?;
    Ok(TaughtProduct { teaching, escapes: Rate::of(passed, judged) })
}

impl Engine {
    /// [`teach_product`] with the library's model. Takes its time: call it from a job.
    ///
    /// # Errors
    /// As [`teach_product`].
    pub fn teach_product(&self, product: &mut Product, images: &[PathBuf], ticker: &Ticker) -> Result<TaughtProduct> {
        teach_product(&LoadedModel::of(self.encoder()?), product, images, ticker)
    }
}

/// The good parts under the names that they had before they were kept by their hashes.
fn named(mut calibration: Calibration, product: &Product) -> Calibration {
    for part in &mut calibration.ok {
        let is_it = |reference: &&Reference| part.name.contains(&reference.hash);
        if let Some(reference) = product.version().references.iter().find(is_it) {
            part.name.clone_from(&reference.name);
        }
    }
    calibration
}
