//! Snapshot + query → hits. In: the library at one moment and what is looked for. Out: one hit a photo, in order.
//! Deterministic: the same snapshot and query give the same hits.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;

use rayon::prelude::*;

use super::band::{Band, Usual};
use super::name::{Exact, name_key};
use super::nearest::{Matrix, Scored, cosines, nearest, scores};
use super::{Query, Sort};
use crate::error::Result;
use crate::index::Snapshot;

/// Why a photo is among the hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The words are its name or one of its tags.
    Exact,
    /// It is near to what the terms say.
    Semantic,
    /// Nothing was asked but what the filter says.
    Filter,
}

/// A photo that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its file: an index into [`Snapshot::entries`]. Of several copies the first by path that passes the filter, and
    /// of an exact match the first whose name or tag it is.
    pub entry: u32,
    /// Σ wᵢ·cosᵢ, negatives clamped at zero. 0 where nothing was scored (`cosines` is then empty): without terms, or
    /// for a photo that waits for its embedding.
    pub score: f32,
    /// Place among the hits, from 1.
    pub rank: usize,
    /// Why it is here.
    pub why: Why,
    /// Its cosine with every term of the query.
    pub cosines: Vec<f32>,
    /// How far it stands out from the library for this query; `None` where nothing was scored, or where the library is
    /// too small to say.
    pub band: Option<Band>,
    /// Files of this photo that pass the filter, 1 or more; 1 while it waits for its embedding.
    pub copies: u32,
}

/// The photos that a query finds, one hit each, at most `query.limit`.
///
/// # Errors
/// [`crate::Error::BadRequest`] and [`crate::Error::ModelMismatch`] for a query that makes no sense here.
pub fn search(snapshot: &Snapshot, query: &Query) -> Result<Vec<Hit>> {
    query.check(snapshot.vectors.identity(), snapshot.vectors.dim())?;
    let finder = Finder::new(snapshot, query);
    let mut hits = if query.terms.is_empty() { finder.listed() } else { finder.scored() };
    finder.complete(&mut hits);
    Ok(hits)
}

/// What is the same for all stages of one search.
struct Finder<'a> {
    snapshot: &'a Snapshot,
    query: &'a Query,
    matrix: Matrix<'a>,
    is_unfiltered: bool,
}

impl<'a> Finder<'a> {
    fn new(snapshot: &'a Snapshot, query: &'a Query) -> Self {
        let matrix = Matrix::of(&snapshot.vectors);
        Self { snapshot, query, matrix, is_unfiltered: query.filter.is_empty() }
    }

    /// Without terms: all photos that pass the filter and have the words in their name or tags, by date.
    fn listed(&self) -> Vec<Hit> {
        let (mut photos, why) = match self.exact_photos() {
            Some(photos) => (photos, Why::Exact),
            None => (self.photos(|_| true), Why::Filter),
        };
        let sort = if self.query.sort == Sort::Score { Sort::NewestFirst } else { self.query.sort };
        self.order(&mut photos, sort, |entry| *entry);
        photos.truncate(self.query.limit);
        photos.into_iter().map(|entry| hit(entry, 0.0, why)).collect()
    }

    /// Exact matches by score, then the photos nearest to the terms; the best of them in another order if that was asked
    /// for.
    fn scored(&self) -> Vec<Hit> {
        let mut hits = self.exact_hits();
        self.add_semantic(&mut hits);
        self.order(&mut hits, self.query.sort, |hit| hit.entry);
        hits
    }

    /// Sorts by what is known of the files; equals, and all with [`Sort::Score`], stay as they are.
    fn order<T>(&self, items: &mut [T], sort: Sort, entry: impl Fn(&T) -> u32) {
        let file = |item: &T| &self.snapshot.entries[entry(item) as usize];
        match sort {
            Sort::Score => {}
            Sort::NewestFirst => items.sort_by_cached_key(|item| Reverse(file(item).date())),
            Sort::OldestFirst => items.sort_by_cached_key(|item| file(item).date()),
            Sort::Name => items.sort_by_cached_key(|item| name_key(&file(item).path)),
            Sort::LargestFirst => items.sort_by_key(|item| Reverse(file(item).size)),
            Sort::SmallestFirst => items.sort_by_key(|item| file(item).size),
        }
    }

    /// The photos whose name or tag the words are; `None` where no words were typed.
    fn exact_photos(&self) -> Option<Vec<u32>> {
        let exact = Exact::new(self.query.exact.as_deref()?);
        let is_exact = |entry: u32| {
            let entry = &self.snapshot.entries[entry as usize];
            exact.is_name_of(&entry.path) || exact.is_among(&entry.tags)
        };
        Some(self.photos(is_exact))
    }

    /// One entry a photo, in the order of entries: its first file that passes the filter and is wanted.
    fn photos(&self, is_wanted: impl Fn(u32) -> bool + Sync) -> Vec<u32> {
        let entries = 0..self.snapshot.entries.len() as u32;
        let found: Vec<u32> =
            entries.into_par_iter().filter(|entry| is_wanted(*entry) && self.passes(*entry)).collect();
        let mut is_row_seen = vec![false; self.matrix.rows()];
        let mut waiting = HashSet::new();
        let is_first = |entry: &u32| match self.row(*entry) {
            Some(row) => !std::mem::replace(&mut is_row_seen[row], true),
            None => waiting.insert(self.snapshot.entries[*entry as usize].hash),
        };
        found.into_iter().filter(is_first).collect()
    }

    fn passes(&self, entry: u32) -> bool {
        self.is_unfiltered || self.query.filter.matches(&self.snapshot.entries[entry as usize])
    }

    /// The best exact matches by score; those that wait for their embedding come last.
    fn exact_hits(&self) -> Vec<Hit> {
        let photos = self.exact_photos().unwrap_or_default();
        let score_of = |entry: u32| self.row(entry).map(|row| scores(&self.matrix, &self.query.terms, [row])[0]);
        let scored = photos.into_iter().map(|entry| (entry, score_of(entry).filter(|score| score.is_finite())));
        let mut scored: Vec<(u32, Option<f32>)> = scored.collect();
        // `None` is below every score.
        scored.sort_by(|(_, a), (_, b)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
        scored.truncate(self.query.limit);
        scored.into_iter().map(|(entry, score)| hit(entry, score.unwrap_or(0.0), Why::Exact)).collect()
    }

    /// Fills `hits` up to the limit with the photos nearest to the terms.
    fn add_semantic(&self, hits: &mut Vec<Hit>) {
        let mut allowed: Vec<bool> = self.snapshot.entries_of_row.par_iter().map(|files| self.pass(files)).collect();
        for row in hits.iter().filter_map(|hit| self.row(hit.entry)) {
            allowed[row] = false;
        }
        let room = self.query.limit - hits.len();
        let found = nearest(&self.matrix, &self.query.terms, Some(&allowed), room);
        hits.extend(found.into_iter().filter_map(|scored| self.semantic_hit(scored)));
    }

    fn pass(&self, files: &[u32]) -> bool {
        files.iter().any(|entry| self.passes(*entry))
    }

    fn semantic_hit(&self, scored: Scored) -> Option<Hit> {
        let files = &self.snapshot.entries_of_row[scored.row as usize];
        let entry = files.iter().find(|entry| self.passes(**entry))?;
        Some(hit(*entry, scored.score, Why::Semantic))
    }

    fn row(&self, entry: u32) -> Option<usize> {
        self.snapshot.entries[entry as usize].row.map(|row| row as usize)
    }

    /// Adds what only the hits that are shown need.
    fn complete(&self, hits: &mut [Hit]) {
        let terms = &self.query.terms;
        let usual = if terms.is_empty() || hits.is_empty() { None } else { Usual::of(&self.matrix, terms) };
        for (i, hit) in hits.iter_mut().enumerate() {
            hit.rank = i + 1;
            if let Some(row) = self.row(hit.entry) {
                let files = &self.snapshot.entries_of_row[row];
                hit.copies = files.iter().filter(|entry| self.passes(**entry)).count().max(1) as u32;
                hit.band = usual.map(|usual| usual.band(hit.score));
                hit.cosines = cosines(&self.matrix, terms, row);
            }
        }
    }
}

/// A hit before the whole list of them is known.
fn hit(entry: u32, score: f32, why: Why) -> Hit {
    Hit { entry, score, rank: 0, why, cosines: Vec::new(), band: None, copies: 1 }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use half::f16;

    use super::*;
    use crate::index::{ContentHash, Entry, PhotoRecord, Vectors};
    use crate::models::{ModelIdentity, UnitVector};
    use crate::search::{Filter, Term};

    fn identity() -> ModelIdentity {
        ModelIdentity { id: "toy".to_owned(), digest: "0".to_owned() }
    }

    /// A file whose photo has the vector of `row`, or waits for it; the photo is known by the row or the path.
    pub(in crate::search) fn entry(path: &str, row: Option<u32>) -> Entry {
        let photo = PhotoRecord {
            width: 1,
            height: 1,
            format: "png".to_owned(),
            taken: None,
            camera: None,
            lens: None,
            exposure: Default::default(),
            position: None,
        };
        Entry {
            path: PathBuf::from(path),
            hash: ContentHash(*blake3::hash(row.map_or(path.to_owned(), |row| row.to_string()).as_bytes()).as_bytes()),
            size: 1,
            modified_ns: 0,
            photo: Arc::new(photo),
            row,
            tags: Arc::from([]),
            is_favourite: false,
            rating: 0,
            note: None,
            is_offline: false,
        }
    }

    /// A library of these files, whose rows are turned by degrees from east.
    fn library(degrees: &[f32], entries: Vec<Entry>) -> Snapshot {
        let direction = |d: &f32| [d.to_radians().cos(), d.to_radians().sin()].map(f16::from_f32);
        let values: Vec<f16> = degrees.iter().flat_map(direction).collect();
        let files_of =
            |row: usize| (0..entries.len() as u32).filter(|i| entries[*i as usize].row == Some(row as u32)).collect();
        let entries_of_row = (0..degrees.len()).map(files_of).collect();
        let hashes = vec![ContentHash([0; 32]); degrees.len()];
        let vectors = Vectors::new(identity(), 2, hashes, values).unwrap();
        Snapshot { entries, vectors: Arc::new(vectors), entries_of_row }
    }

    /// Four photos, 0° to 60° from east, one of them twice, and one that waits for its embedding.
    fn small() -> Snapshot {
        let date = |entry: Entry, seconds: i64| Entry { modified_ns: seconds * 1_000_000_000, ..entry };
        let entries = vec![
            date(entry("/a/north-east.jpg", Some(2)), 30),
            date(entry("/a/waits.jpg", None), 50),
            date(entry("/b/copy.jpg", Some(0)), 20),
            date(entry("/b/east.jpg", Some(0)), 20),
            date(Entry { tags: ["far".to_owned()].into(), ..entry("/b/far.jpg", Some(3)) }, 10),
            date(entry("/c/near.jpg", Some(1)), 40),
        ];
        library(&[0.0, 20.0, 40.0, 60.0], entries)
    }

    fn looking_east() -> Query {
        let vector = UnitVector::normalised(vec![1.0, 0.0]).unwrap();
        Query { terms: vec![Term { vector, weight: 1.0 }], model: Some(identity()), limit: 10, ..Query::default() }
    }

    fn anything() -> Query {
        Query { limit: 10, ..Query::default() }
    }

    /// Searches the small library; a copied photo is written "path ×n".
    #[track_caller]
    fn check(query: Query, expected: &[&str]) {
        let library = small();
        let shown = |hit: &Hit| match hit.copies {
            1 => library.entries[hit.entry as usize].path.display().to_string(),
            n => format!("{} ×{n}", library.entries[hit.entry as usize].path.display()),
        };
        let found: Vec<String> = search(&library, &query).unwrap().iter().map(shown).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_nearest_photos_come_first_and_copies_are_one_hit() {
        check(looking_east(), &["/b/copy.jpg ×2", "/c/near.jpg", "/a/north-east.jpg", "/b/far.jpg"]);
    }

    #[test]
    fn the_limit_counts_photos() {
        check(Query { limit: 2, ..looking_east() }, &["/b/copy.jpg ×2", "/c/near.jpg"]);
        check(Query { limit: 0, ..looking_east() }, &[]);
        check(Query { limit: 0, ..anything() }, &[]);
    }

    #[test]
    fn an_exact_name_comes_before_nearer_photos_and_names_the_very_file() {
        let query = |text: &str| Query { exact: Some(text.to_owned()), limit: 2, ..looking_east() };
        check(query("north east"), &["/a/north-east.jpg", "/b/copy.jpg ×2"]);
        check(query("east"), &["/b/east.jpg ×2", "/a/north-east.jpg"]);
    }

    #[test]
    fn an_exact_tag_comes_before_nearer_photos() {
        check(Query { exact: Some("FAR".to_owned()), limit: 2, ..looking_east() }, &["/b/far.jpg", "/b/copy.jpg ×2"]);
    }

    #[test]
    fn a_photo_without_a_vector_is_found_by_its_name() {
        check(
            Query { exact: Some("waits".to_owned()), limit: 2, ..looking_east() },
            &["/a/waits.jpg", "/b/copy.jpg ×2"],
        );
    }

    #[test]
    fn a_filter_leaves_the_order_alone_and_chooses_among_copies() {
        let filter = Filter { name_contains: Some("ea".to_owned()), ..Filter::default() };
        check(Query { filter, ..looking_east() }, &["/b/east.jpg", "/c/near.jpg", "/a/north-east.jpg"]);
    }

    #[test]
    fn a_filter_holds_for_exact_matches_too() {
        let filter = Filter { folders: vec!["/c".into()], ..Filter::default() };
        check(Query { exact: Some("east".to_owned()), filter, ..looking_east() }, &["/c/near.jpg"]);
    }

    #[test]
    fn sorting_by_date_orders_the_best_by_score() {
        let query = |sort: Sort| Query { sort, limit: 3, ..looking_east() };
        check(query(Sort::NewestFirst), &["/c/near.jpg", "/a/north-east.jpg", "/b/copy.jpg ×2"]);
        check(query(Sort::OldestFirst), &["/b/copy.jpg ×2", "/a/north-east.jpg", "/c/near.jpg"]);
    }

    #[test]
    fn names_and_sizes_are_orders_too() {
        let by_name = ["/b/copy.jpg ×2", "/b/far.jpg", "/c/near.jpg", "/a/north-east.jpg", "/a/waits.jpg"];
        check(Query { sort: Sort::Name, ..anything() }, &by_name);
        check(Query { sort: Sort::Name, limit: 2, ..looking_east() }, &["/b/copy.jpg ×2", "/c/near.jpg"]);
        // Files of one size stay in the order of the library.
        check(Query { sort: Sort::LargestFirst, limit: 1, ..anything() }, &["/a/north-east.jpg"]);
        check(Query { sort: Sort::SmallestFirst, limit: 1, ..anything() }, &["/a/north-east.jpg"]);
    }

    #[test]
    fn without_terms_everything_is_listed_by_date() {
        let newest = ["/a/waits.jpg", "/c/near.jpg", "/a/north-east.jpg", "/b/copy.jpg ×2", "/b/far.jpg"];
        check(anything(), &newest);
        check(Query { limit: 1, ..anything() }, &newest[..1]);
        check(Query { sort: Sort::OldestFirst, limit: 1, ..anything() }, &["/b/far.jpg"]);
    }

    #[test]
    fn words_without_terms_find_names_only() {
        check(Query { exact: Some("east".to_owned()), ..anything() }, &["/a/north-east.jpg", "/b/east.jpg ×2"]);
        check(Query { exact: Some("nothing".to_owned()), ..anything() }, &[]);
    }

    #[test]
    fn a_row_whose_files_are_gone_is_not_found() {
        let library = library(&[0.0, 20.0], vec![entry("/a.jpg", Some(1))]);
        let hits = search(&library, &looking_east()).unwrap();
        assert_eq!(hits.iter().map(|hit| hit.entry).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn an_empty_library_has_no_hits() {
        let vectors = Arc::new(Vectors::empty(identity(), 0));
        let empty = Snapshot { entries: Vec::new(), vectors, entries_of_row: Vec::new() };
        assert_eq!(search(&empty, &looking_east()).unwrap(), []);
        assert_eq!(search(&empty, &anything()).unwrap(), []);
    }

    #[test]
    fn a_hit_says_why_it_is_here() {
        let hits = search(&small(), &Query { exact: Some("waits".to_owned()), ..looking_east() }).unwrap();
        let said: Vec<_> = hits[..2].iter().map(|hit| (hit.rank, hit.why, hit.score, hit.cosines.clone())).collect();
        assert_eq!(said, [(1, Why::Exact, 0.0, vec![]), (2, Why::Semantic, 1.0, vec![1.0])]);
        assert!(hits.iter().all(|hit| hit.band.is_none()), "too few photos to say what is usual");
    }

    #[test]
    fn a_photo_that_stands_out_is_strong() {
        let degrees: Vec<f32> = (0..100).map(|i| if i == 7 { 0.0 } else { 70.0 + i as f32 / 10.0 }).collect();
        let entries = (0..100).map(|i| entry(&format!("/{i:03}.jpg"), Some(i))).collect();
        let hits = search(&library(&degrees, entries), &looking_east()).unwrap();
        let bands: Vec<_> = hits[..2].iter().map(|hit| (hit.entry, hit.band)).collect();
        assert_eq!(bands, [(7, Some(Band::Strong)), (0, Some(Band::Weak))]);
    }
}
