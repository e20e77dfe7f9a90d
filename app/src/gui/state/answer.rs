//! What the grid shows: hits, and the runs of them that belong together.

use std::sync::Arc;

use sightline_core::index::{ContentHash, Entry, Snapshot};
use sightline_core::search::{Band, Hit, Sort, Why};

use super::Query;

/// What the grid shows: the answer to a query.
#[derive(Default)]
pub struct Answer {
    /// The query that was answered.
    pub query: Query,
    /// Counts answers: another number, another answer.
    pub number: u64,
    /// The library as it was searched; `None` before the first answer.
    pub snapshot: Option<Arc<Snapshot>>,
    /// In the order in which they are shown.
    pub hits: Vec<Hit>,
    /// Runs of hits that belong together.
    pub sections: Vec<Section>,
    /// What the person should know of the answer.
    pub notes: Vec<String>,
    /// How long it took.
    pub milliseconds: f64,
}

impl Answer {
    /// The file of a hit.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        let hit = self.hits.get(index)?;
        self.snapshot.as_ref()?.entries.get(hit.entry as usize)
    }

    /// The hit that is this photo.
    pub fn position(&self, hash: &ContentHash) -> Option<usize> {
        (0..self.hits.len()).find(|index| self.entry(*index).is_some_and(|entry| entry.hash == *hash))
    }

    /// The hits that are these photos.
    pub fn positions(&self, hashes: &[ContentHash]) -> Vec<usize> {
        let wanted: std::collections::BTreeSet<&ContentHash> = hashes.iter().collect();
        let is_wanted = |index: &usize| self.entry(*index).is_some_and(|entry| wanted.contains(&entry.hash));
        (0..self.hits.len()).filter(is_wanted).collect()
    }

    /// Whether nothing stands out from the library: the photos shown are merely the nearest.
    pub fn is_only_weak(&self) -> bool {
        let is_weak = |hit: &Hit| hit.band == Some(Band::Weak) && hit.why == Why::Semantic;
        !self.hits.is_empty() && self.hits.iter().all(is_weak)
    }
}

/// A run of hits under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What they have in common; `None`: no heading.
    pub name: Option<&'static str>,
    /// The first of them.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// The sections of hits in order of score: exact matches, then the bands.
pub fn sections(hits: &[Hit], query: &Query) -> Vec<Section> {
    if query.is_browsing() || query.sort != Sort::Score {
        return vec![Section { name: None, first: 0, count: hits.len() }];
    }
    let mut sections: Vec<Section> = Vec::new();
    for (first, hit) in hits.iter().enumerate() {
        let name = section_name(hit);
        match sections.last_mut() {
            Some(last) if last.name == name => last.count += 1,
            _ => sections.push(Section { name, first, count: 1 }),
        }
    }
    sections
}

fn section_name(hit: &Hit) -> Option<&'static str> {
    match (hit.why, hit.band) {
        (Why::Exact, _) => Some("Name or tag"),
        (_, Some(band)) => Some(band_name(band)),
        _ => None,
    }
}

/// What a band is called.
pub fn band_name(band: Band) -> &'static str {
    match band {
        Band::Strong => "Strong",
        Band::Fair => "Fair",
        Band::Weak => "Weak",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hit;
    use super::*;

    #[test]
    fn bands_become_sections_and_exact_matches_come_first() {
        let hits = [
            hit(0, Why::Exact, Some(Band::Weak)),
            hit(1, Why::Semantic, Some(Band::Strong)),
            hit(2, Why::Semantic, Some(Band::Weak)),
            hit(3, Why::Semantic, Some(Band::Weak)),
        ];
        let query = Query { draft: "dog".to_owned(), ..Query::default() };
        let found: Vec<_> = sections(&hits, &query).into_iter().map(|s| (s.name, s.first, s.count)).collect();
        assert_eq!(found, [(Some("Name or tag"), 0, 1), (Some("Strong"), 1, 1), (Some("Weak"), 2, 2)]);
    }

    #[test]
    fn browsing_and_dates_have_no_bands() {
        let hits = [hit(0, Why::Semantic, Some(Band::Strong)), hit(1, Why::Semantic, Some(Band::Weak))];
        let by_date = Query { draft: "dog".to_owned(), sort: Sort::NewestFirst, ..Query::default() };
        for query in [Query::default(), by_date] {
            assert_eq!(sections(&hits, &query), [Section { name: None, first: 0, count: 2 }]);
        }
    }
}
