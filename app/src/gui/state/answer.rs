//! What the grid shows: hits, and the runs of them that belong together.

use std::sync::Arc;

use sightline_core::index::{ContentHash, Entry, Snapshot};
use sightline_core::search::{Band, Hit, Sort, Why};

use super::Query;
use crate::gui::text;
use crate::gui::translate::tr;

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
pub struct Section<K = String> {
    /// What they have in common; `None`: no heading.
    pub name: Option<K>,
    /// The first of them.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// The sections of hits: exact matches and bands in order of score, days or months in order of date.
pub fn sections(hits: &[Hit], query: &Query, snapshot: &Snapshot) -> Vec<Section> {
    let is_browsing = query.is_browsing();
    match query.sort {
        Sort::NewestFirst | Sort::OldestFirst => dated(hits, snapshot),
        Sort::Score if is_browsing => dated(hits, snapshot),
        Sort::Score => runs(hits, section_name),
        _ => vec![Section { name: None, first: 0, count: hits.len() }],
    }
}

/// With fewer photos a day than this they are grouped by month: a heading for every photo says nothing.
const PHOTOS_A_DAY: usize = 6;

/// Runs of one day, or of one month where days have few photos.
fn dated(hits: &[Hit], snapshot: &Snapshot) -> Vec<Section> {
    let date = |hit: &Hit| snapshot.entries.get(hit.entry as usize).map_or(0, Entry::date);
    let by_day = runs(hits, |hit| Some(date(hit).div_euclid(DAY)));
    if hits.len() >= PHOTOS_A_DAY * by_day.len() {
        return by_day.into_iter().map(|day| day.named(|day| text::day(day * DAY))).collect();
    }
    let mut months: Vec<Section> = Vec::new();
    for day in by_day.into_iter().map(|day| day.named(|day| text::month(day * DAY))) {
        match months.last_mut() {
            Some(last) if last.name == day.name => last.count += day.count,
            _ => months.push(day),
        }
    }
    months
}

const DAY: i64 = 86_400;

/// Runs of hits with the same key.
fn runs<K: PartialEq>(hits: &[Hit], key: impl Fn(&Hit) -> Option<K>) -> Vec<Section<K>> {
    let mut sections: Vec<Section<K>> = Vec::new();
    for (first, hit) in hits.iter().enumerate() {
        let name = key(hit);
        match sections.last_mut() {
            Some(last) if last.name == name => last.count += 1,
            _ => sections.push(Section { name, first, count: 1 }),
        }
    }
    sections
}

impl<K> Section<K> {
    fn named(self, name: impl Fn(K) -> String) -> Section {
        Section { name: self.name.map(name), first: self.first, count: self.count }
    }
}

fn section_name(hit: &Hit) -> Option<String> {
    match (hit.why, hit.band) {
        (Why::Exact, _) => Some(tr("Name or tag").to_owned()),
        (_, Some(band)) => Some(band_name(band).to_owned()),
        _ => None,
    }
}

/// What a band is called.
pub fn band_name(band: Band) -> &'static str {
    match band {
        Band::Strong => tr("Strong"),
        Band::Likely => tr("Likely"),
        Band::Weak => tr("Weak"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, hit, snapshot};
    use super::*;

    fn found(hits: &[Hit], query: &Query, entries: Vec<Entry>) -> Vec<(Option<String>, usize, usize)> {
        sections(hits, query, &snapshot(entries)).into_iter().map(|s| (s.name, s.first, s.count)).collect()
    }

    fn named(name: &str, first: usize, count: usize) -> (Option<String>, usize, usize) {
        (Some(name.to_owned()), first, count)
    }

    #[test]
    fn bands_become_sections_and_exact_matches_come_first() {
        let hits = [
            hit(0, Why::Exact, Some(Band::Weak)),
            hit(1, Why::Semantic, Some(Band::Strong)),
            hit(2, Why::Semantic, Some(Band::Weak)),
            hit(3, Why::Semantic, Some(Band::Weak)),
        ];
        let query = Query { draft: "dog".to_owned(), ..Query::default() };
        let expected = [named("Name or tag", 0, 1), named("Strong", 1, 1), named("Weak", 2, 2)];
        assert_eq!(found(&hits, &query, Vec::new()), expected);
    }

    fn taken(days: &[i64]) -> (Vec<Hit>, Vec<Entry>) {
        let entries = days.iter().enumerate().map(|(i, day)| {
            let mut entry = entry(&format!("/{i}.jpg"));
            Arc::make_mut(&mut entry.photo).taken = Some(day * DAY + 60);
            entry
        });
        ((0..days.len() as u32).map(|i| hit(i, Why::Filter, None)).collect(), entries.collect())
    }

    #[test]
    fn few_photos_a_day_are_grouped_by_month() {
        let (hits, entries) = taken(&[20_604, 20_605, 20_640]);
        let found = found(&hits, &Query::default(), entries);
        assert_eq!(found, [named("May 2026", 0, 1), named("June 2026", 1, 1), named("July 2026", 2, 1)]);
    }

    #[test]
    fn many_photos_a_day_are_grouped_by_day() {
        let (hits, entries) = taken(&[[20_604; 6], [20_605; 6]].concat());
        let query = Query { sort: Sort::OldestFirst, ..Query::default() };
        let found = found(&hits, &query, entries);
        assert_eq!(found.iter().map(|(_, first, count)| (*first, *count)).collect::<Vec<_>>(), [(0, 6), (6, 6)]);
        assert!(found[0].0.as_ref().is_some_and(|name| name.contains("2026")), "{found:?}");
    }

    #[test]
    fn other_orders_have_no_headings() {
        let (hits, entries) = taken(&[1, 2]);
        let query = Query { sort: Sort::Name, ..Query::default() };
        assert_eq!(found(&hits, &query, entries), [(None, 0, 2)]);
    }
}
