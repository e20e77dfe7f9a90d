//! Why is this photo a hit? In: a photo and a term of the query. Out: where in the photo the term is, and which of its
//! words count. Says what the model sees, not what is there.

use std::path::Path;

use super::find::vector;
use super::organise::nothing;
use super::request::{Chip, Subject};
use super::{Engine, LoadedModel};
use crate::error::{Error, Result};
use crate::jobs::{self, Job, Ticker, Wake};
use crate::media::{self, Limits};
use crate::models::{Encoder, PatchFeatures, UnitVector};

/// Where in a photo a term is.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Places from left to right; together they cover the whole upright picture.
    pub columns: usize,
    /// Places from top to bottom.
    pub rows: usize,
    /// Row by row: the cosine of each place with the term less that with texts that say nothing (for a picture as the
    /// term: less the mean of all places). Above 0: more like the term than like anything.
    pub values: Vec<f32>,
}

/// A word and how much it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct WordShare {
    /// The word as typed.
    pub word: String,
    /// The cosine of the photo with the whole text less that without this word (leave one out): positive where the word
    /// brings the photo nearer.
    pub share: f32,
}

/// Why a photo is a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Where in the photo the term is.
    pub grid: Grid,
    /// The words of a text, in order; none for a picture.
    pub words: Vec<WordShare>,
    /// The cosine of the photo with the term.
    pub cosine: f32,
}

/// How much finer the grid is than that of the model's own input: each place is small enough to point at.
const FINER: u32 = 2;

impl Engine {
    /// Why the photo in a file, in the library or not, fits a term. Decodes the picture and asks the model: call it from a
    /// worker.
    ///
    /// # Errors
    /// A picture that cannot be used, a model that does not know where in a picture something is.
    pub fn explain(&self, path: &Path, chip: &Chip) -> Result<Explanation> {
        let model = LoadedModel::of(self.encoder()?);
        let term = vector(chip, &model)?;
        let picture = media::decode(path, &Limits::default())?.picture;
        let (width, height) = model.encoder().preprocessing().size();
        let size = (FINER * width.max(height)) as usize;
        let dense = model.encoder().dense_features(&picture, Some(size))?;
        let photo = model.embed_picture(&picture, None)?;
        let (neutral, words) = match &chip.subject {
            Subject::Text(text) => (Some(nothing(&model)?), shares(&model, &photo, text.trim())?),
            _ => (None, Vec::new()),
        };
        let grid = grid(&dense, &term, neutral.as_ref(), model.encoder())?;
        Ok(Explanation { grid, words, cosine: photo.cosine(&term) })
    }

    /// [`Engine::explain`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_explain(&self, path: &Path, chip: Chip, wake: Wake) -> Result<Job<Explanation>> {
        let (engine, path) = (self.clone(), path.to_owned());
        jobs::spawn("explain", wake, move |_: &Ticker| engine.explain(&path, &chip))
    }
}

fn grid(dense: &PatchFeatures, term: &UnitVector, neutral: Option<&UnitVector>, encoder: &dyn Encoder) -> Result<Grid> {
    let mut values = Vec::with_capacity(dense.rows * dense.columns);
    for place in dense.values.chunks_exact(dense.dim.max(1)) {
        let no_direction = || Error::NoDirection { model: encoder.identity().id.clone() };
        let place = UnitVector::normalised(place.to_vec()).ok_or_else(no_direction)?;
        values.push(place.cosine(term) - neutral.map_or(0.0, |neutral| place.cosine(neutral)));
    }
    if neutral.is_none() {
        let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
        values.iter_mut().for_each(|value| *value -= mean);
    }
    Ok(Grid { columns: dense.columns, rows: dense.rows, values })
}

/// How much each word of a text counts. A single word is compared with texts that say nothing.
fn shares(model: &LoadedModel, photo: &UnitVector, text: &str) -> Result<Vec<WordShare>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let whole = photo.cosine(&model.embed_query(text)?);
    let share = |left_out: usize| {
        let others: Vec<&str> =
            words.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, word)| *word).collect();
        let without = if others.is_empty() { nothing(model)? } else { model.embed_query(&others.join(" "))? };
        Ok(WordShare { word: words[left_out].to_owned(), share: whole - photo.cosine(&without) })
    };
    (0..words.len()).map(share).collect()
}
