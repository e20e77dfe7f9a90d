//! The map of the library: places for all photos, clumps with names. In: nothing but the library. Out: a map of one
//! snapshot; better ones while it is refined. Nothing is stored.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::organise::{nothing, photo_rows};
use super::{Engine, LoadedModel, lock};
use crate::error::{Error, Result};
use crate::index::Snapshot;
use crate::jobs::{self, Job, Ticker, Wake};
use crate::models::{ModelIdentity, UnitVector};
use crate::search::{self, Cluster, Matrix, PhotoMap};

/// Everyday things that clumps can be called, one a line; our own list.
const WORDS: &str = include_str!("../../../assets/words.txt");
/// Clumps with a name at most: more cannot be read at once.
const MOST_CLUSTERS: usize = 40;
/// Words for a clump.
const WORDS_A_CLUSTER: usize = 3;

/// The map as it is now, for a window that draws it while it is refined.
pub type LiveMap = Arc<ArcSwap<PhotoMap>>;

/// Photos in the plane.
#[derive(Clone)]
pub struct MapReport {
    /// The library as it was laid out: rows of the map are rows of its vectors.
    pub snapshot: Arc<Snapshot>,
    /// The places.
    pub map: Arc<PhotoMap>,
    /// Clumps, largest first.
    pub clusters: Vec<NamedCluster>,
}

/// A clump and what it may be called.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedCluster {
    /// Where its name stands.
    pub place: [f32; 2],
    /// Indices into the map's rows.
    pub members: Vec<u32>,
    /// Words that fit it better than the rest of the library, best first; none for a model without words.
    pub words: Vec<String>,
}

/// The words and their vectors, of one model.
pub(super) struct WordVectors {
    identity: ModelIdentity,
    vectors: Vec<(&'static str, UnitVector)>,
}

impl MapReport {
    /// The first file of a photo of the map: an index into the snapshot's entries.
    pub fn entry(&self, index: u32) -> Option<u32> {
        let row = *self.map.rows.get(index as usize)?;
        self.snapshot.entries_of_row.get(row as usize)?.first().copied()
    }
}

impl Engine {
    /// The map by principal components: the quick one.
    ///
    /// # Errors
    /// [`Error::Cancelled`], a model that cannot be loaded.
    pub fn map(&self, ticker: &Ticker) -> Result<MapReport> {
        let model = LoadedModel::of(self.encoder()?);
        let snapshot = self.snapshot();
        let matrix = Matrix::of(&snapshot.vectors);
        let pool = &self.shared.search_pool;
        let map = pool.install(|| search::principal_layout(&matrix, &photo_rows(&snapshot), ticker))?;
        self.named(&model, Arc::clone(&snapshot), map, ticker)
    }

    /// A better map of the same snapshot: it takes minutes for a large library. `live` gets the map as it becomes better.
    ///
    /// # Errors
    /// [`Error::Cancelled`], a model that cannot be loaded.
    pub fn refined_map(&self, start: &MapReport, live: &LiveMap, ticker: &Ticker) -> Result<MapReport> {
        let model = LoadedModel::of(self.encoder()?);
        let snapshot = Arc::clone(&start.snapshot);
        let matrix = Matrix::of(&snapshot.vectors);
        let mut show = |map: PhotoMap| live.store(Arc::new(map));
        let pool = &self.shared.search_pool;
        let map = pool.install(|| search::refined_layout(&matrix, &start.map, &mut show, ticker))?;
        self.named(&model, snapshot, map, ticker)
    }

    /// [`Engine::map`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_map(&self, wake: Wake) -> Result<Job<MapReport>> {
        let engine = self.clone();
        jobs::spawn("map", wake, move |ticker: &Ticker| engine.map(ticker))
    }

    /// [`Engine::refined_map`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_refined_map(&self, start: MapReport, live: LiveMap, wake: Wake) -> Result<Job<MapReport>> {
        let engine = self.clone();
        jobs::spawn("map", wake, move |ticker: &Ticker| engine.refined_map(&start, &live, ticker))
    }

    fn named(&self, model: &LoadedModel, snapshot: Arc<Snapshot>, map: PhotoMap, ticker: &Ticker) -> Result<MapReport> {
        ticker.phase("Naming");
        let matrix = Matrix::of(&snapshot.vectors);
        let clusters = search::clusters(&matrix, &map, MOST_CLUSTERS);
        let words = self.word_vectors(model, ticker)?;
        let usual = middle(&clusters);
        let named = |cluster: Cluster| NamedCluster {
            words: fitting(&words.vectors, &cluster.direction, usual.as_deref()),
            place: cluster.place,
            members: cluster.members,
        };
        let clusters = clusters.into_iter().map(named).collect();
        Ok(MapReport { snapshot, map: Arc::new(map), clusters })
    }

    /// The vectors of the words, computed once for a model.
    fn word_vectors(&self, model: &LoadedModel, ticker: &Ticker) -> Result<Arc<WordVectors>> {
        let identity = model.encoder().identity();
        let mut slot = lock(&self.shared.words);
        if let Some(words) = slot.as_ref().filter(|words| words.identity == *identity) {
            return Ok(Arc::clone(words));
        }
        let vectors = match nothing(model) {
            Ok(nothing) => vectors(model, &nothing, ticker)?,
            Err(Error::NoTextTower { .. }) => Vec::new(),
            Err(other) => return Err(other),
        };
        let words = Arc::new(WordVectors { identity: identity.clone(), vectors });
        *slot = Some(Arc::clone(&words));
        Ok(words)
    }
}

/// What each word says beyond what all texts say.
fn vectors(model: &LoadedModel, nothing: &UnitVector, ticker: &Ticker) -> Result<Vec<(&'static str, UnitVector)>> {
    let words: Vec<&'static str> = WORDS.lines().map(str::trim).filter(|word| !word.is_empty()).collect();
    ticker.expect(words.len());
    let mut vectors = Vec::with_capacity(words.len());
    for batch in words.chunks(32) {
        let texts: Vec<String> = batch.iter().map(|word| format!("a photo of {word}")).collect();
        for (word, vector) in batch.iter().zip(model.embed_texts(&texts)?) {
            let beyond = vector.as_slice().iter().zip(nothing.as_slice()).map(|(a, b)| a - b).collect();
            vectors.extend(UnitVector::normalised(beyond).map(|vector| (*word, vector)));
        }
        ticker.tick(batch.len())?;
    }
    Ok(vectors)
}

/// What the clumps have in common, each counting alike; `None` without clumps.
fn middle(clusters: &[Cluster]) -> Option<Vec<f32>> {
    let mut sum = vec![0.0; clusters.first()?.direction.dim()];
    for cluster in clusters {
        let part = cluster.direction.as_slice().iter();
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value / clusters.len() as f32);
    }
    Some(sum)
}

/// The words nearest to what sets a clump apart from the others.
fn fitting(words: &[(&str, UnitVector)], direction: &UnitVector, usual: Option<&[f32]>) -> Vec<String> {
    let apart: Vec<f32> = match usual {
        Some(usual) => direction.as_slice().iter().zip(usual).map(|(a, b)| a - b).collect(),
        None => direction.as_slice().to_vec(),
    };
    // A single clump is the middle of all: then what it is counts, not how it differs.
    let apart = UnitVector::normalised(apart.clone()).filter(|_| apart.iter().any(|v| v.abs() > 1e-6));
    let apart = apart.as_ref().unwrap_or(direction);
    let mut scored: Vec<(f32, &str)> = words.iter().map(|(word, vector)| (vector.cosine(apart), *word)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.truncate(WORDS_A_CLUSTER);
    scored.into_iter().map(|(_, word)| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn unit(values: [f32; 3]) -> UnitVector {
        UnitVector::normalised(values.to_vec()).unwrap()
    }

    #[test]
    fn every_word_of_the_list_is_there_once() {
        let words: Vec<&str> = WORDS.lines().collect();
        assert!(words.len() >= 300, "{} words", words.len());
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        assert!(words.iter().all(|word| !word.is_empty() && word.trim() == *word));
    }

    #[test]
    fn a_clump_is_called_by_what_sets_it_apart() {
        let words = [("dog", unit([1.0, 0.0, 0.0])), ("snow", unit([0.0, 1.0, 0.0])), ("photo", unit([0.0, 0.0, 1.0]))];
        let usual = [0.3, 0.3, 0.9];
        assert_eq!(fitting(&words, &unit([0.6, 0.3, 0.9]), Some(&usual))[0], "dog");
        assert_eq!(fitting(&words, &unit([0.3, 0.6, 0.9]), Some(&usual))[0], "snow");
        assert_eq!(fitting(&words, &unit([0.0, 0.1, 0.9]), None)[0], "photo");
        assert_eq!(fitting(&[], &unit([0.0, 0.1, 0.9]), None), Vec::<String>::new());
    }
}
