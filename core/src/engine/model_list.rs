//! The models a person can choose from: built in, added, downloaded, and to be had. In: a library's folder. Out: rows.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::speed::speeds;
use crate::error::{Error, Result};
use crate::jobs::Ticker;
use crate::models::{self, Card, Checkpoint, Hub, OwnModel, Quality, REGISTRY};

/// The file in the library's folder that lists the added models.
const OWN_MODELS: &str = "models.toml";

/// One model as the models page shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelRow {
    /// What `--model` takes.
    pub id: String,
    /// The family that reads it; `None` for a folder that is not looked into.
    pub family: Option<String>,
    /// Its repository on the hub.
    pub repository: Option<String>,
    /// The folder that it lies in on this machine.
    pub folder: Option<PathBuf>,
    /// Licence of the weights.
    pub licence: String,
    /// What is downloaded, in millions of bytes; `None` where nothing is.
    pub size_mb: Option<f64>,
    /// Side of its input in pixels.
    pub input_size: Option<usize>,
    /// Length of its embeddings.
    pub dim: Option<usize>,
    /// When to choose it.
    pub good_at: String,
    /// How good it is, as published.
    pub quality: Option<Quality>,
    /// Photos a second on this machine, once that was measured.
    pub photos_a_second: Option<f64>,
    /// Whether it is on this machine.
    pub state: ModelState,
}

/// Whether a model is on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelState {
    /// Part of the program.
    BuiltIn,
    /// A folder of the user's own.
    Added,
    /// In the hub's cache folder.
    Downloaded,
    /// `sightline models download` gets it.
    Available,
}

/// Every model, the built-in one first.
///
/// # Errors
/// A damaged list of added models.
pub fn model_rows(library: &Path) -> Result<Vec<ModelRow>> {
    let hub = Hub::from_env()?;
    let mut rows = vec![starter_row()];
    rows.extend(added(library)?.into_iter().map(added_row));
    rows.extend(REGISTRY.cards().iter().map(|card| card_row(card, &hub)));
    let speeds = speeds(library);
    rows.iter_mut().for_each(|row| row.photos_a_second = speeds.get(&row.id).copied());
    Ok(rows)
}

/// One of [`model_rows`].
///
/// # Errors
/// [`Error::UnknownModel`], or a damaged list of added models.
pub fn model_row(library: &Path, id: &str) -> Result<ModelRow> {
    let canonical = REGISTRY.get(id).map_or(id, |card| &card.id);
    let row = model_rows(library)?.into_iter().find(|row| row.id == canonical);
    row.ok_or_else(|| Error::UnknownModel { id: id.to_owned() })
}

/// Adds a model folder that the user has, after loading it once: a folder that cannot be used is refused now, not in
/// the middle of a night of indexing. Gives its id.
///
/// # Errors
/// A folder that holds no model that can be loaded.
pub fn add_model(library: &Path, folder: &Path) -> Result<String> {
    models::load(&Checkpoint::from_folder(folder))?;
    Ok(models::add_own_model(&library.join(OWN_MODELS), folder)?.id)
}

/// Downloads a model of the registry. The only thing in this crate that uses the network.
///
/// # Errors
/// An unknown id, or whatever kept the download from being complete and right.
pub fn download_model(id: &str, ticker: &Ticker) -> Result<PathBuf> {
    ticker.phase("Downloading");
    let card = REGISTRY.get(id).ok_or_else(|| Error::UnknownModel { id: id.to_owned() })?;
    models::download(card, &Hub::from_env()?, ticker)
}

/// Forgets an added model (its folder stays), or deletes a downloaded one.
///
/// # Errors
/// A model that is neither.
pub fn remove_model(library: &Path, id: &str) -> Result<()> {
    if models::remove_own_model(&library.join(OWN_MODELS), id)? {
        return Ok(());
    }
    let hub = Hub::from_env()?;
    match REGISTRY.get(id) {
        Some(card) if models::find(card, &hub).is_some() => models::remove(card, &hub),
        Some(_) => Err(Error::ModelNotDownloaded { id: id.to_owned() }),
        None => Err(Error::UnknownModel { id: id.to_owned() }),
    }
}

/// The models that the user added to this library.
pub(super) fn added(library: &Path) -> Result<Vec<OwnModel>> {
    models::own_models(&library.join(OWN_MODELS))
}

fn starter_row() -> ModelRow {
    ModelRow {
        id: models::STARTER.to_owned(),
        family: Some("openclip".to_owned()),
        repository: None,
        folder: None,
        licence: "MIT OR Apache-2.0".to_owned(),
        size_mb: None,
        input_size: Some(128),
        dim: Some(384),
        good_at: "There at once, offline, small and quick; every other model finds more. Of 159 photos it has the right one first for \
                  30 % of their captions, among the first ten for 87 %".to_owned(),
        quality: None,
        photos_a_second: None,
        state: ModelState::BuiltIn,
    }
}

fn added_row(model: OwnModel) -> ModelRow {
    ModelRow {
        id: model.id,
        family: None,
        repository: None,
        folder: Some(model.folder),
        licence: "your own to know".to_owned(),
        size_mb: None,
        input_size: None,
        dim: None,
        good_at: "A folder that you added".to_owned(),
        quality: None,
        photos_a_second: None,
        state: ModelState::Added,
    }
}

fn card_row(card: &Card, hub: &Hub) -> ModelRow {
    let folder = models::find(card, hub);
    ModelRow {
        id: card.id.clone(),
        family: Some(card.family.clone()),
        repository: Some(card.repository.clone()),
        state: if folder.is_some() { ModelState::Downloaded } else { ModelState::Available },
        folder,
        licence: card.licence.clone(),
        size_mb: Some(card.bytes as f64 / 1e6),
        input_size: Some(card.input_size),
        dim: Some(card.dim),
        good_at: card.good_at.clone(),
        quality: card.quality,
        photos_a_second: None,
    }
}
