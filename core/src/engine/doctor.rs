//! Is everything as it should be? In: settings. Out: findings, each with what to do. `examine` changes nothing that the
//! user made; `repair` sets a broken store aside and rebuilds it.

use super::request::{Finding, Settings, Severity};
use super::{LoadedModel, model};
use crate::error::{Error, Result};
use crate::index::{Opened, Store};
use crate::models::{self, Accelerator};

/// Checks the library and the model.
pub fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = library_findings(settings);
    findings.push(model_finding(settings));
    findings.extend(card_finding());
    findings
}

/// Nothing for a build that computes on the processor anyway.
fn card_finding() -> Option<Finding> {
    match models::accelerator() {
        Accelerator::Found(device) => {
            let text =
                format!("{device:?}: Vision Transformers in 32 bits embed pictures there, all else is computed here");
            Some(finding("card", Severity::Good, text))
        }
        Accelerator::Missing(reason) => {
            let text =
                format!("this build is for a graphics card, but none can be used ({reason}): the processor computes");
            Some(finding("card", Severity::Notice, text))
        }
        Accelerator::NotBuiltFor => None,
    }
}

/// Checks, and mends what is broken. Opening a library sets broken parts aside and rebuilds them from the journal by
/// itself; what is left to do is to drop vectors that were damaged on the disk, so that they are computed again.
pub fn repair(settings: &Settings) -> Vec<Finding> {
    let mut findings = match mended(settings) {
        Ok(texts) => texts.into_iter().map(|text| finding("library", Severity::Notice, text)).collect(),
        Err(error) => vec![broken("library", &error)],
    };
    findings.extend(examine(settings));
    findings
}

fn mended(settings: &Settings) -> Result<Vec<String>> {
    let opened = Store::open(&settings.library)?;
    let mut texts = opened.findings;
    let damaged = opened.store.damaged_vectors()?;
    if damaged > 0 {
        opened.store.repair_vectors()?;
        texts.push(format!(
            "{damaged} damaged vectors were replaced from the store, or dropped where it has none; `sightline index` \
             computes those again"
        ));
    }
    Ok(texts)
}

fn library_findings(settings: &Settings) -> Vec<Finding> {
    if !settings.library.exists() {
        let text = format!("none yet; `sightline index FOLDER` makes it: {}", settings.library.display());
        return vec![finding("library", Severity::Notice, text)];
    }
    match Store::open(&settings.library) {
        Ok(opened) => contents(&opened).unwrap_or_else(|error| vec![broken("library", &error)]),
        Err(error @ Error::LibraryInUse { .. }) => vec![finding("library", Severity::Notice, error.to_string())],
        Err(error) => vec![broken("library", &error)],
    }
}

fn contents(Opened { store, findings }: &Opened) -> Result<Vec<Finding>> {
    let mut said: Vec<Finding> =
        findings.iter().map(|text| finding("library", Severity::Notice, text.clone())).collect();
    let (files, folders) = (store.files()?, store.folders());
    let problems = files.iter().filter(|file| file.problem.is_some()).count();
    let models: Vec<String> = store.models().iter().map(ToString::to_string).collect();
    let (photos, models) = (files.len() - problems, models.join(", "));
    let text = format!("{photos} photos in {} folders; vectors of: {models}", folders.len());
    said.push(finding("library", Severity::Good, text));
    if problems > 0 {
        let text = format!("{problems} files could not be used; `sightline index --json` lists them with the reasons");
        said.push(finding("files", Severity::Notice, text));
    }
    let away = folders.iter().filter(|folder| folder.is_offline).map(|folder| &folder.path);
    let unplugged = folders.iter().flat_map(|folder| &folder.drives).filter(|drive| drive.is_offline);
    for path in away.chain(unplugged.map(|drive| &drive.path)) {
        let text = format!("not there now, its photos are kept: {}", path.display());
        said.push(finding("folder", Severity::Notice, text));
    }
    Ok(said)
}

/// Loads the model and asks it about two pictures and a word: they must have directions, and not all the same.
fn model_finding(settings: &Settings) -> Finding {
    match tried_model(settings) {
        Ok(text) => finding("model", Severity::Good, text),
        Err(error) => broken("model", &error),
    }
}

fn tried_model(settings: &Settings) -> Result<String> {
    let name = model::chosen_name(settings)?;
    let encoder = model::load(&name, model::chosen_precision(settings, &name)?, &settings.library)?;
    let identity = encoder.identity().clone();
    let dim = encoder.dim();
    let model = LoadedModel::of(encoder.into());
    let grey = model.embed_picture(&image::RgbImage::from_pixel(64, 64, image::Rgb([128; 3])), None)?;
    let ramp = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([4 * x as u8, 4 * y as u8, 0]));
    let similarity = grey.cosine(&model.embed_picture(&ramp, None)?);
    if similarity > 0.9999 {
        return Err(Error::bad_request(
            format!("the model {identity} sees no difference between two pictures"),
            "its weights are damaged; download it again",
        ));
    }
    Ok(format!("{identity} works, {dim} numbers a photo"))
}

fn broken(subject: &'static str, error: &Error) -> Finding {
    finding(subject, Severity::Broken, error.to_string())
}

fn finding(subject: &'static str, severity: Severity, text: String) -> Finding {
    Finding { subject, severity, text }
}
