//! Search: chips become unit vectors, vectors become hits. In: a request. Out: hits of one snapshot, and what the
//! person should know of the answer.

use std::time::Instant;

use super::model::limits_for;
use super::request::{Chip, SearchReport, SearchRequest, Subject};
use super::{Engine, LoadedModel};
use crate::error::{Error, Result};
use crate::index::Snapshot;
use crate::media::{self, Limits};
use crate::models::{Encoder, REGISTRY, STARTER, UnitVector};
use crate::search::{self, Query, Term};

impl Engine {
    /// Searches the library as it is now.
    ///
    /// # Errors
    /// An empty text, a picture that cannot be used, a model without words that is asked about some.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchReport> {
        if !request.chips.is_empty() {
            // Before the pool: loading a model uses it, and one of its threads must not wait there for another that loads.
            self.encoder()?;
        }
        self.shared.search_pool.install(|| self.search_here(request))
    }

    fn search_here(&self, request: &SearchRequest) -> Result<SearchReport> {
        let started = Instant::now();
        let mut notes = Vec::new();
        let mut query = Query {
            terms: Vec::new(),
            exact: exact_text(&request.chips),
            filter: request.filter.clone(),
            sort: request.sort,
            limit: request.limit,
            model: None,
        };
        if !request.chips.is_empty() {
            let model = LoadedModel::of(self.encoder()?);
            query.model = Some(model.encoder().identity().clone());
            for chip in &request.chips {
                notes.extend(text_notes(chip, model.encoder()));
                query.terms.push(Term { vector: vector(chip, &model)?, weight: chip.weight });
            }
        }
        // Only now: loading the model may have replaced the snapshot by the one of its vectors.
        let snapshot = self.snapshot();
        notes.extend(coverage_note(&snapshot));
        notes.extend(preview_note(&snapshot));
        let hits = search::search(&snapshot, &query)?;
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        Ok(SearchReport { snapshot, hits, notes, milliseconds })
    }
}

/// What file names and tags are compared with: the only text that is wanted, if there is one.
fn exact_text(chips: &[Chip]) -> Option<String> {
    let mut wanted = chips.iter().filter(|chip| chip.weight > 0.0).filter_map(|chip| match &chip.subject {
        Subject::Text(text) => Some(text.trim().to_owned()),
        _ => None,
    });
    wanted.next().filter(|_| wanted.next().is_none())
}

/// The vector of what a term is about.
pub(super) fn vector(chip: &Chip, model: &LoadedModel) -> Result<UnitVector> {
    match &chip.subject {
        Subject::Text(text) if text.trim().is_empty() => {
            Err(Error::bad_request("the query is empty", "say what is on the photo"))
        }
        Subject::Text(text) => model.embed_query(text.trim()),
        Subject::Picture { path, region } => {
            // A whole picture is decoded as it was for the index; of a part every pixel counts.
            let limits = region.map_or_else(|| limits_for(model.encoder()), |_| Limits::default());
            let decoded = media::decode(path, &limits);
            let remedy = "choose another query picture";
            let decoded = decoded.map_err(|error| Error::bad_file(path, error.reason(), remedy))?;
            model.embed_picture(&decoded.picture, *region)
        }
        Subject::Pixels(picture) => model.embed_picture(picture, None),
    }
}

/// What of a text the model does not read.
fn text_notes(chip: &Chip, encoder: &dyn Encoder) -> Vec<String> {
    let Subject::Text(text) = &chip.subject else { return Vec::new() };
    let id = &encoder.identity().id;
    let mut notes = Vec::new();
    // A text that cannot be tokenized fails when it is embedded, with the reason.
    if let Some(tokens) = encoder.tokenizer().and_then(|tokenizer| tokenizer.tokenize(text).ok()) {
        if tokens.is_truncated {
            notes.push(format!("the query is longer than {id} reads; its end is ignored"));
        }
        if !tokens.unread.is_empty() {
            notes.push(format!("{id} does not know, and makes little of: {}", tokens.unread.join(", ")));
        }
    }
    if !is_written_in_latin(text) && !reads_other_scripts(id) {
        notes.push(format!("{id} learned English only: words in another script mean little to it; try English, or a multilingual model (`sightline models`)"));
    }
    notes
}

/// Whether every letter is of the Latin script (Unicode blocks up to Latin Extended-B, and Latin Extended Additional).
fn is_written_in_latin(text: &str) -> bool {
    let is_latin = |letter: char| letter <= '\u{24F}' || ('\u{1E00}'..='\u{1EFF}').contains(&letter);
    text.chars().filter(|letter| letter.is_alphabetic()).all(is_latin)
}

fn reads_other_scripts(id: &str) -> bool {
    // A model of the user's own says nothing of its languages: no note is better than a wrong one.
    id != STARTER && REGISTRY.get(id).is_none_or(|card| card.languages.iter().any(|language| language != "en"))
}

/// Says so when the answer does not cover the whole library, or there is none.
fn coverage_note(snapshot: &Snapshot) -> Option<String> {
    if snapshot.entries.is_empty() {
        return Some("the library is empty; add photos with `sightline index FOLDER`".to_owned());
    }
    let waiting = snapshot.entries.iter().filter(|entry| entry.row.is_none()).count();
    (waiting > 0).then(|| {
        let (total, model) = (snapshot.entries.len(), &snapshot.vectors.identity().id);
        format!("{waiting} of {total} photos are not indexed with {model} yet; run `sightline index` to include them")
    })
}

/// Says so when some of the answer is not yet what it will be.
pub(super) fn preview_note(snapshot: &Snapshot) -> Option<String> {
    let count = snapshot.vectors.first_looks().len();
    (count > 0).then(|| {
        format!("{count} photos are found by their previews until indexing has looked at the photos themselves")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_are_latin_and_kanji_are_not() {
        assert!(is_written_in_latin("Müller çà et là, 2 dogs & 1 ☃"));
        assert!(!is_written_in_latin("雪の中の犬"));
        assert!(!is_written_in_latin("собака"));
    }
}
