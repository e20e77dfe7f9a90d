//! A run of an inspection from beginning to end over a folder, and products taught for it. In: an inspector, files, a folder
//! for the results. Out: what `inspect --json` says and the files of the report. Judges through `inspect`.

use std::path::{Path, PathBuf};

use super::Engine;
use super::inspect::{PartResult, Pixels, TeachRequest, Teaching, inspect, pictures_in, teach};
use super::model::LoadedModel;
use crate::anomaly::product::{Product, Reference, Role};
use crate::anomaly::report::{Part, Report, Results, part_names};
use crate::anomaly::{Calibration, Inspector, Rate, Verdict};
use crate::error::{Error, Result};
use crate::jobs::Ticker;

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

pub(super) fn reported<'a>(part: &'a PartResult, name: &'a str, pixels: &'a Pixels) -> Part<'a> {
    let PartResult { path, judgement, regions } = part;
    let Pixels { picture, map, mask } = pixels;
    Part { path, name, judgement, regions, map, mask, picture }
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
