//! Putting a library in order: what is in it, what is there twice, which photos may have a tag. In: plain requests. Out:
//! answers about one snapshot, which comes with them. Nothing is changed and nothing deleted here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::find::preview_note;
use super::fingerprints::Fingerprinting;
use super::{Engine, LoadedModel};
use crate::error::{Error, Result};
use crate::index::{ContentHash, Snapshot};
use crate::jobs::{self, Job, Ticker, Wake};
use crate::models::UnitVector;
use crate::search::{self, Alike, Examples, Facets, Filter, Group, Learner, Likeness, Matrix};

/// What photos without anything in particular are called.
const NOTHING: [&str; 4] = ["a photo", "a picture", "an image", "a photo of something"];

/// Photos that are there more than once.
#[derive(Clone)]
pub struct DuplicatesReport {
    /// The library as it was looked at: entries of groups count in its entries.
    pub snapshot: Arc<Snapshot>,
    /// Largest first.
    pub groups: Vec<Group>,
    /// Photos whose picture could not be looked at: compared by bytes only.
    pub unseen: usize,
    /// How long it took.
    pub seconds: f64,
}

/// A tag to be learnt.
#[derive(Debug, Clone, Default)]
pub struct LearnRequest {
    /// What it is called; the model's knowledge of the word helps.
    pub tag: String,
    /// Photos that have it.
    pub confirmed: Vec<ContentHash>,
    /// Photos that have it not.
    pub rejected: Vec<ContentHash>,
    /// How many suggestions at most.
    pub limit: usize,
}

/// What was learnt of a tag.
#[derive(Clone)]
pub struct LearnReport {
    /// The library as it was looked at.
    pub snapshot: Arc<Snapshot>,
    /// Photos that may have the tag and are neither confirmed nor rejected, likeliest first.
    pub suggestions: Vec<SuggestedPhoto>,
    /// The share of examples on the right side when each is left out in turn; see [`search::Lesson::accuracy`].
    pub accuracy: Option<f32>,
    /// How much the photos counted against the tag's name.
    pub alpha: f64,
    /// What the person should know of it.
    pub notes: Vec<String>,
    /// How long it took.
    pub milliseconds: f64,
}

/// A photo that may have a tag.
#[derive(Debug, Clone, PartialEq)]
pub struct SuggestedPhoto {
    /// Its first file: an index into the snapshot's entries.
    pub entry: u32,
    /// Comparable within one answer only.
    pub score: f32,
    /// More likely than not.
    pub is_likely: bool,
    /// The confirmed photos nearest to it (entries, cosines), nearest first.
    pub rests_on: Vec<(u32, f32)>,
}

impl Engine {
    /// What the files that pass a filter are made of; all for an empty filter. Tens of milliseconds for 100,000 files: call
    /// it from a worker.
    pub fn facets(&self, filter: &Filter) -> Facets {
        let snapshot = self.snapshot();
        let passes = |entry: &u32| filter.matches(&snapshot.entries[*entry as usize]);
        search::facets(&snapshot, (0..snapshot.entries.len() as u32).filter(passes))
    }

    /// The photos that are there more than once.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn duplicates(&self, alike: &Alike, ticker: &Ticker) -> Result<DuplicatesReport> {
        let started = Instant::now();
        let snapshot = self.snapshot();
        let (fingerprints, unseen) = match alike.level {
            Likeness::Exact => (HashMap::new(), 0),
            _ => Fingerprinting::new(self, &snapshot).run(ticker)?,
        };
        let pool = &self.shared.search_pool;
        let groups = pool.install(|| search::duplicates(&snapshot, &fingerprints, alike, ticker))?;
        Ok(DuplicatesReport { snapshot, groups, unseen, seconds: started.elapsed().as_secs_f64() })
    }

    /// [`Engine::duplicates`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_duplicates(&self, alike: Alike, wake: Wake) -> Result<Job<DuplicatesReport>> {
        let engine = self.clone();
        jobs::spawn("duplicates", wake, move |ticker: &Ticker| engine.duplicates(&alike, ticker))
    }

    /// Learns a tag from its photos and suggests others. A fraction of a second once the model is loaded.
    ///
    /// # Errors
    /// No confirmed photo that is indexed, or one that is both confirmed and rejected.
    pub fn learn(&self, request: &LearnRequest) -> Result<LearnReport> {
        let model = LoadedModel::of(self.encoder()?);
        self.shared.search_pool.install(|| self.learn_with(&model, request))
    }

    /// [`Engine::learn`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_learn(&self, request: LearnRequest, wake: Wake) -> Result<Job<LearnReport>> {
        let engine = self.clone();
        jobs::spawn("learn", wake, move |_: &Ticker| engine.learn(&request))
    }

    fn learn_with(&self, model: &LoadedModel, request: &LearnRequest) -> Result<LearnReport> {
        let started = Instant::now();
        let snapshot = self.snapshot();
        let matrix = Matrix::of(&snapshot.vectors);
        let rows: HashMap<ContentHash, u32> =
            snapshot.entries.iter().filter_map(|entry| Some((entry.hash, entry.row?))).collect();
        let rows_of =
            |hashes: &[ContentHash]| -> Vec<u32> { hashes.iter().filter_map(|h| rows.get(h).copied()).collect() };
        let examples = Examples { confirmed: rows_of(&request.confirmed), rejected: rows_of(&request.rejected) };
        let mut notes: Vec<String> = preview_note(&snapshot).into_iter().collect();
        let waiting = request.confirmed.len() - examples.confirmed.len();
        if waiting > 0 {
            notes.push(format!("{waiting} of the photos with this tag are not indexed yet and could not help"));
        }
        let name = match request.tag.trim() {
            "" => None,
            tag => name_of(model, tag, &mut notes)?,
        };
        let photos = photo_rows(&snapshot);
        let learner = Learner::new(matrix, name.as_ref().map(|(tag, nothing)| (tag, nothing)));
        let lesson = learner.lesson(&examples, &photos)?;
        let named: HashSet<u32> = examples.confirmed.iter().chain(&examples.rejected).copied().collect();
        let may_be = |row: u32| !named.contains(&row) && !snapshot.entries_of_row[row as usize].is_empty();
        let first = |row: u32| snapshot.entries_of_row[row as usize].first().copied();
        let suggestions = lesson.suggestions(&matrix, request.limit, may_be).into_iter().filter_map(|found| {
            let rests_on = found.rests_on.iter().filter_map(|(row, cosine)| Some((first(*row)?, *cosine))).collect();
            Some(SuggestedPhoto {
                entry: first(found.row)?,
                score: found.score,
                is_likely: found.score > 0.0,
                rests_on,
            })
        });
        Ok(LearnReport {
            suggestions: suggestions.collect(),
            accuracy: lesson.accuracy,
            alpha: lesson.alpha,
            notes,
            milliseconds: started.elapsed().as_secs_f64() * 1e3,
            snapshot: Arc::clone(&snapshot),
        })
    }
}

/// The tag's name and what says nothing, as vectors; `None` for a model without words, which is noted.
fn name_of(model: &LoadedModel, tag: &str, notes: &mut Vec<String>) -> Result<Option<(UnitVector, UnitVector)>> {
    match model.embed_query(tag) {
        Ok(vector) => Ok(Some((vector, nothing(model)?))),
        Err(Error::NoTextTower { model }) => {
            notes.push(format!("the model {model:?} knows no words: the photos alone say what the tag is"));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// The direction of texts that say nothing in particular.
pub(super) fn nothing(model: &LoadedModel) -> Result<UnitVector> {
    let vectors = model.embed_texts(&NOTHING.map(str::to_owned))?;
    let mut sum = vec![0.0; model.encoder().dim()];
    for vector in &vectors {
        sum.iter_mut().zip(vector.as_slice()).for_each(|(sum, value)| *sum += value);
    }
    let id = || model.encoder().identity().id.clone();
    UnitVector::normalised(sum).ok_or_else(|| Error::NoDirection { model: id() })
}

/// The rows of photos that have a file, ascending.
pub(super) fn photo_rows(snapshot: &Snapshot) -> Vec<u32> {
    let has_file = |row: &u32| !snapshot.entries_of_row[*row as usize].is_empty();
    (0..snapshot.entries_of_row.len() as u32).filter(has_file).collect()
}
