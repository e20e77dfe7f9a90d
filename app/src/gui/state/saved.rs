//! A query as it is kept under a name: JSON that older and newer versions can read.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sightline_core::engine::{Region, Subject};
use sightline_core::search::{Filter, Sort};

use super::{Chip, Query, Sign};

/// A query as it is kept. Fields that a newer version adds are left out by this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedQuery {
    chips: Vec<SavedChip>,
    #[serde(default)]
    album: Option<String>,
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    sort: Sort,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedChip {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    picture: Option<PathBuf>,
    /// Left, top, width and height as fractions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    region: Option<[f32; 4]>,
    weight: f32,
    is_unwanted: bool,
    is_muted: bool,
}

impl SavedQuery {
    /// What of a query can be kept: all of it.
    pub fn of(query: &Query) -> Self {
        let chips = query.chips.iter().cloned().chain(Chip::typed(&query.draft));
        Self {
            chips: chips.filter_map(|chip| SavedChip::of(&chip)).collect(),
            album: query.album.clone(),
            filter: query.filter.clone(),
            sort: query.sort,
        }
    }

    /// As text; `None` for a path that cannot be written as text.
    pub fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// From text; `None` if it is not what this version knows.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The query again.
    pub fn into_query(self) -> Query {
        let chips = self.chips.into_iter().filter_map(SavedChip::into_chip).collect();
        Query { chips, album: self.album, filter: self.filter, sort: self.sort, ..Query::default() }
    }
}

impl SavedChip {
    fn of(chip: &Chip) -> Option<Self> {
        let (text, picture, region) = match &chip.subject {
            Subject::Text(words) => (Some(words.clone()), None, None),
            Subject::Picture { path, region } => (None, Some(path.clone()), *region),
            // The window searches by files only: what is pasted becomes one.
            Subject::Pixels(_) => return None,
        };
        let region = region.map(|region| [region.x, region.y, region.width, region.height]);
        let is_unwanted = chip.sign == Sign::Not;
        Some(Self { text, picture, region, weight: chip.weight, is_unwanted, is_muted: chip.is_muted })
    }

    fn into_chip(self) -> Option<Chip> {
        let region = |[x, y, width, height]: [f32; 4]| Region::new(x, y, width, height).ok();
        let subject = match (self.text, self.picture) {
            (Some(words), _) => Subject::Text(words),
            (None, Some(path)) => Subject::Picture { path, region: self.region.and_then(region) },
            (None, None) => return None,
        };
        let sign = if self.is_unwanted { Sign::Not } else { Sign::Like };
        (self.weight > 0.0).then_some(Chip { subject, weight: self.weight, sign, is_muted: self.is_muted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_comes_back_as_it_was_saved() {
        let region = Region::new(0.25, 0.5, 0.5, 0.25).unwrap();
        let chips = vec![
            Chip { weight: 0.5, ..Chip::typed("-people").unwrap() },
            Chip { is_muted: true, ..Chip::picture("/a.jpg".into()) },
            Chip::region("/b.jpg".into(), region),
        ];
        let filter = Filter { after: Some(5), favourites_only: true, ..Filter::default() };
        let query =
            Query { chips, album: Some("Snow".to_owned()), filter, sort: Sort::NewestFirst, ..Query::default() };
        let json = SavedQuery::of(&query).to_json().unwrap();
        assert_eq!(SavedQuery::from_json(&json).unwrap().into_query(), query);
    }

    #[test]
    fn typed_words_are_saved_as_a_chip() {
        let query = Query { draft: "a dog".to_owned(), ..Query::default() };
        let found = SavedQuery::of(&query).into_query();
        assert_eq!((found.chips, found.draft), (vec![Chip::typed("a dog").unwrap()], String::new()));
    }

    #[test]
    fn what_a_newer_version_adds_is_left_out_and_what_is_no_query_is_none() {
        assert!(SavedQuery::from_json(r#"{"chips": [], "mood": "calm"}"#).is_some());
        assert_eq!(SavedQuery::from_json("{}"), None);
    }
}
