//! Which model is meant, and the model once it is loaded. In: what the person asked for and what the library remembers.
//! Out: an encoder, and embeddings of files. Opens no store: `embed` and `patches` work beside an open window.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::model_list;
use super::request::{Precision, Region, Settings};
use crate::error::{Error, Result};
use crate::media::{self, Limits};
use crate::models::{self, Accelerator, Checkpoint, Encoder, Hub, ModelIdentity, PatchFeatures, REGISTRY, UnitVector};

/// The file in the library's folder that remembers the model.
const CHOICE: &str = "model.json";

/// The model that a library is searched with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What finds it again: a registry id, the id of an added model, or a folder.
    pub name: String,
    /// What its vectors are kept under.
    pub identity: ModelIdentity,
}

impl Choice {
    /// The library's model; `None` for a library that has none yet.
    ///
    /// # Errors
    /// A file that cannot be read or holds something else.
    pub fn read(library: &Path) -> Result<Option<Self>> {
        let path = library.join(CHOICE);
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let remedy = "remove the file to go back to the built-in model";
        let choice = serde_json::from_str(&text);
        choice
            .map(Some)
            .map_err(|error| Error::bad_file(&path, format!("the library's model is unreadable ({error})"), remedy))
    }

    /// Remembers it, whole or not at all.
    ///
    /// # Errors
    /// A library that cannot be written to.
    pub fn write(&self, library: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        let beside = library.join("model.json.part");
        fs_err::write(&beside, text)?;
        Ok(fs_err::rename(&beside, library.join(CHOICE))?)
    }
}

/// Whether the model called `name` computes in 8 bits: as the person asked for, else as the library remembers it.
///
/// # Errors
/// An unreadable memory of the library's model.
pub fn chosen_precision(settings: &Settings, name: &str) -> Result<Precision> {
    if settings.precision != Precision::Auto {
        return Ok(settings.precision);
    }
    let remembered = Choice::read(&settings.library)?.filter(|choice| choice.name == name);
    let is_int8 = remembered.is_some_and(|choice| choice.identity.is_int8());
    Ok(if is_int8 { Precision::Int8 } else { Precision::F32 })
}

/// The model called `name`, loaded.
///
/// # Errors
/// A model that is not there, whose files are not what they should be, or for which 8 bits bring nothing.
pub fn load(name: &str, precision: Precision, library: &Path) -> Result<Box<dyn Encoder>> {
    let mut encoder = models::load(&checkpoint(name, library)?)?;
    if precision == Precision::Int8 {
        encoder.quantise()?;
    } else if let Accelerator::Found(device) = models::accelerator()
        && let Err(error) = encoder.compute_on(device)
    {
        // The processor gives the same, later; `doctor` says what is computed on the card.
        tracing::debug!(%error, "computed on the processor");
    }
    Ok(encoder)
}

/// What the person asked for, else the library's model, else the built-in starter.
///
/// # Errors
/// An unreadable memory of the library's model.
pub fn chosen_name(settings: &Settings) -> Result<String> {
    match &settings.model {
        Some(name) if is_folder(name) => Ok(fs_err::canonicalize(name)?.to_string_lossy().into_owned()),
        Some(name) => Ok(name.clone()),
        None => Ok(Choice::read(&settings.library)?.map_or_else(|| models::STARTER.to_owned(), |choice| choice.name)),
    }
}

/// A folder, not an id: an id never has a folder of its name shadow it.
fn is_folder(name: &str) -> bool {
    name != models::STARTER && REGISTRY.get(name).is_none() && Path::new(name).is_dir()
}

/// The files of the model called `name`: the starter, a folder, a model that the user added, or one from the hub.
///
/// # Errors
/// [`Error::UnknownModel`] and [`Error::ModelNotDownloaded`], with what to do.
pub fn checkpoint(name: &str, library: &Path) -> Result<Checkpoint> {
    if name == models::STARTER {
        return Ok(models::starter());
    }
    if let Some(added) = model_list::added(library)?.into_iter().find(|added| added.id == name) {
        return Ok(Checkpoint::named(added.id, added.folder));
    }
    if let Some(card) = REGISTRY.get(name) {
        let folder = models::find(card, &Hub::from_env()?);
        let missing = || Error::ModelNotDownloaded { id: name.to_owned() };
        return Ok(Checkpoint::named(&card.id, folder.ok_or_else(missing)?));
    }
    if is_folder(name) {
        return Ok(Checkpoint::from_folder(name));
    }
    Err(Error::UnknownModel { id: name.to_owned() })
}

/// A model without a library: embeds texts and files.
pub struct LoadedModel {
    encoder: Arc<dyn Encoder>,
}

impl LoadedModel {
    /// Loads the model that the settings mean.
    ///
    /// # Errors
    /// A model that is not there, whose files are not what they should be, or for which 8 bits bring nothing.
    pub fn open(settings: &Settings) -> Result<Self> {
        let name = chosen_name(settings)?;
        let encoder = load(&name, chosen_precision(settings, &name)?, &settings.library)?;
        Ok(Self { encoder: Arc::from(encoder) })
    }

    /// A model that is loaded already.
    pub(super) fn of(encoder: Arc<dyn Encoder>) -> Self {
        Self { encoder }
    }

    /// The model itself, to be kept.
    pub fn shared(&self) -> Arc<dyn Encoder> {
        Arc::clone(&self.encoder)
    }

    /// The model itself.
    pub fn encoder(&self) -> &dyn Encoder {
        &*self.encoder
    }

    /// One vector a text.
    ///
    /// # Errors
    /// [`Error::NoTextTower`] for a model that knows only pictures.
    pub fn embed_texts(&self, texts: &[String]) -> Result<Vec<UnitVector>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.encoder.embed_texts(&texts)
    }

    /// One vector a file, in order.
    ///
    /// # Errors
    /// The first file that cannot be used: rows without their picture would mislead.
    pub fn embed_files(&self, files: &[PathBuf]) -> Result<Vec<UnitVector>> {
        let mut vectors = Vec::with_capacity(files.len());
        for batch in files.chunks(self.encoder.batch_size()) {
            let prepared: Result<Vec<RgbImage>> = batch.iter().map(|path| self.prepared(path)).collect();
            vectors.extend(self.encoder.embed_pictures(&prepared?)?);
        }
        Ok(vectors)
    }

    /// The vector of a picture or of a region of it.
    ///
    /// # Errors
    /// A region of no pixels.
    pub fn embed_picture(&self, picture: &RgbImage, region: Option<Region>) -> Result<UnitVector> {
        let part = region.map(|region| region.of(picture)).transpose()?;
        let prepared = self.encoder.prepare(part.as_ref().unwrap_or(picture))?;
        let mut vectors = self.encoder.embed_pictures(&[prepared])?;
        vectors.pop().ok_or_else(|| Error::NoDirection { model: self.encoder.identity().id.clone() })
    }

    /// The patch features of one picture file.
    ///
    /// # Errors
    /// A file that cannot be used, or a model without a patch grid.
    pub fn patches(&self, path: &Path, size: Option<usize>) -> Result<PatchFeatures> {
        let decoded = media::decode(path, &Limits::default())?;
        self.encoder.patch_features(&decoded.picture, size)
    }

    /// The vector of a text: the mean over the model card's templates where there are any.
    ///
    /// # Errors
    /// [`Error::NoTextTower`] for a model that knows only pictures.
    pub fn embed_query(&self, text: &str) -> Result<UnitVector> {
        let card = REGISTRY.get(&self.encoder.identity().id);
        let texts = card.map_or_else(|| vec![text.to_owned()], |card| card.prompts(text));
        let vectors = self.embed_texts(&texts)?;
        mean(&vectors).ok_or_else(|| Error::NoDirection { model: self.encoder.identity().id.clone() })
    }

    fn prepared(&self, path: &Path) -> Result<RgbImage> {
        let decoded = media::decode(path, &limits_for(&*self.encoder));
        let decoded = decoded.map_err(|error| Error::bad_file(path, error.reason(), "leave it out"))?;
        self.encoder.prepare(&decoded.picture)
    }
}

/// What decoding a picture for the model may cost: no more pixels than it needs.
pub(super) fn limits_for(encoder: &dyn Encoder) -> Limits {
    Limits { enough: encoder.preprocessing().enough(), ..Limits::default() }
}

/// The direction of the sum; `None` without vectors, or where they cancel out.
fn mean(vectors: &[UnitVector]) -> Option<UnitVector> {
    let mut sum = vec![0.0; vectors.first()?.dim()];
    for vector in vectors {
        sum.iter_mut().zip(vector.as_slice()).for_each(|(sum, value)| *sum += value);
    }
    UnitVector::normalised(sum)
}
