//! What is looked for: chips, the words that are being typed, what photos must be, and in which order they come.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightline_core::engine::{self, Region, SearchRequest, Subject};
use sightline_core::search::{Filter, PhotoSet, Sort};

use crate::gui::text;
use crate::gui::translate::{tr, tr_with};

/// A search shows at most so many photos; the bands say where it stops being worth looking.
const FOUND_AT_MOST: usize = 2_000;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Its terms, in the order in which they are shown.
    pub chips: Vec<Chip>,
    /// Words that are being typed: they count as one more chip.
    pub draft: String,
    /// Only photos of this album.
    pub album: Option<String>,
    /// Only these photos, chosen by hand.
    pub picked: Option<Picked>,
    /// What photos must be.
    pub filter: Filter,
    /// In which order they come.
    pub sort: Sort,
}

/// Photos that were chosen by hand: on the map, or as duplicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// Which.
    pub photos: Arc<PhotoSet>,
    /// What they are called ("120 photos of the map").
    pub name: String,
}

/// A term of the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Chip {
    /// What it is about.
    pub subject: Subject,
    /// How much it counts, above 0.
    pub weight: f32,
    /// Whether such photos are wanted or pushed away.
    pub sign: Sign,
    /// Whether it counts at all now.
    pub is_muted: bool,
}

/// Whether photos like a chip are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sign {
    /// Wanted.
    #[default]
    Like,
    /// Pushed away.
    Not,
}

impl Chip {
    /// A chip that counts once.
    pub fn new(subject: Subject) -> Self {
        Self { subject, weight: 1.0, sign: Sign::Like, is_muted: false }
    }

    /// Photos like this one.
    pub fn picture(path: PathBuf) -> Self {
        Self::new(Subject::Picture { path, region: None })
    }

    /// Photos like this part of one.
    pub fn region(path: PathBuf, region: Region) -> Self {
        Self::new(Subject::Picture { path, region: Some(region) })
    }

    /// Words as they are typed: "-people" and "not people" push people away, the latter in the language of the window,
    /// too. `None`: there are none yet.
    pub fn typed(words: &str) -> Option<Self> {
        let words = words.trim();
        let nots = ["not", tr("not")];
        let unwanted = words.strip_prefix('-').or_else(|| nots.iter().find_map(|not| strip_word(words, not)));
        let (sign, words) = match unwanted {
            Some(rest) => (Sign::Not, rest.trim()),
            None => (Sign::Like, words),
        };
        // A lone "not" waits for the word after it.
        let says_something =
            words.chars().any(char::is_alphanumeric) && !nots.iter().any(|not| words.eq_ignore_ascii_case(not));
        says_something.then(|| Self { sign, ..Self::new(Subject::Text(words.to_owned())) })
    }

    /// What it is called in the window.
    pub fn name(&self) -> String {
        match &self.subject {
            Subject::Text(words) => words.clone(),
            Subject::Picture { path, region: None } => tr_with("like {}", &[&text::name(path)]),
            Subject::Picture { path, region: Some(_) } => tr_with("part of {}", &[&text::name(path)]),
            Subject::Pixels(_) => tr("like the pasted picture").to_owned(),
        }
    }

    /// The file it shows, and the part of it that counts.
    pub fn file(&self) -> Option<(&Path, Option<Region>)> {
        match &self.subject {
            Subject::Picture { path, region } => Some((path, *region)),
            _ => None,
        }
    }

    fn asked(&self) -> engine::Chip {
        let weight = if self.sign == Sign::Not { -self.weight } else { self.weight };
        engine::Chip { subject: self.subject.clone(), weight }
    }
}

/// What follows `word` and a space, whatever the case of its letters.
fn strip_word<'a>(words: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = words.split_once(' ')?;
    first.eq_ignore_ascii_case(word).then_some(rest)
}

impl Query {
    /// Whether the whole library is looked at, or what of it the filter leaves.
    pub fn is_browsing(&self) -> bool {
        self.active().next().is_none()
    }

    /// The chips that count, the typed words last.
    pub fn active(&self) -> impl Iterator<Item = Chip> {
        let chips = self.chips.iter().filter(|chip| !chip.is_muted).cloned();
        chips.chain(Chip::typed(&self.draft))
    }

    /// What the engine is asked; `photos` are those of the album, if there is one.
    pub fn request(&self, photos: Option<Arc<PhotoSet>>) -> SearchRequest {
        let limit = if self.is_browsing() { usize::MAX } else { FOUND_AT_MOST };
        let chips = self.active().map(|chip| chip.asked()).collect();
        let picked = self.picked.as_ref().map(|picked| Arc::clone(&picked.photos));
        let photos = photos.into_iter().chain(picked).collect();
        SearchRequest { chips, filter: Filter { photos, ..self.filter.clone() }, sort: self.sort, limit }
    }

    /// Whether it leaves out photos, whatever is looked for.
    pub fn is_filtered(&self) -> bool {
        self.album.is_some() || self.picked.is_some() || !self.filter.is_empty()
    }

    /// What its terms are called, in the order of [`Query::request`]'s chips and of a hit's cosines.
    pub fn term_names(&self) -> Vec<String> {
        let name = |chip: Chip| match chip.sign {
            Sign::Like => chip.name(),
            Sign::Not => format!("{} {}", tr("not"), chip.name()),
        };
        self.active().map(name).collect()
    }

    /// The folder that alone is looked into, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.filter.folders[..] {
            [folder] => Some(folder),
            _ => None,
        }
    }

    /// The same filter and order, and nothing looked for.
    pub fn without_terms(&self) -> Self {
        Self { chips: Vec::new(), draft: String::new(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<(Sign, &str)>) {
        let found = Chip::typed(typed).map(|chip| (chip.sign, chip.name()));
        assert_eq!(found, expected.map(|(sign, name)| (sign, name.to_owned())));
    }

    #[test]
    fn words_are_wanted_or_pushed_away() {
        check("a dog ", Some((Sign::Like, "a dog")));
        check("-people", Some((Sign::Not, "people")));
        check("Not people", Some((Sign::Not, "people")));
        check("nothing", Some((Sign::Like, "nothing")));
        check("knots", Some((Sign::Like, "knots")));
    }

    #[test]
    fn half_typed_words_are_no_term_yet() {
        ["", "  ", "-", "not ", "?"].iter().for_each(|typed| check(typed, None));
    }

    #[test]
    fn muted_chips_do_not_count_and_negatives_weigh_below_zero() {
        let muted = Chip { is_muted: true, ..Chip::picture("/a.jpg".into()) };
        let unwanted = Chip { weight: 0.5, ..Chip::typed("-people").unwrap() };
        let query = Query { chips: vec![muted, unwanted], draft: "snow".to_owned(), ..Query::default() };
        let weights: Vec<f32> = query.request(None).chips.iter().map(|chip| chip.weight).collect();
        assert_eq!(weights, [-0.5, 1.0]);
        assert_eq!(query.term_names(), ["not people", "snow"]);
    }

    #[test]
    fn only_muted_chips_are_browsing() {
        let muted = Chip { is_muted: true, ..Chip::picture("/a.jpg".into()) };
        let query = Query { chips: vec![muted], ..Query::default() };
        assert!(query.is_browsing() && query.request(None).limit == usize::MAX);
    }
}
