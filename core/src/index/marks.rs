//! What the user says of a photo: favourite, rating, tags, a note. In and out: all of it at once, so that what was there
//! before can be put back.

use super::made::{Change, Made, Slot};
use super::{ContentHash, Store};
use crate::error::{Error, Result};

/// What the user says of one photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// One of the user's favourites.
    pub is_favourite: bool,
    /// From 1 to 5 stars; 0: none given.
    pub rating: u8,
    /// Sorted, each once.
    pub tags: Vec<String>,
    /// The user's own words; empty: none.
    pub note: String,
}

/// The most stars.
pub const MOST_STARS: u8 = 5;

impl Store {
    /// What the user says of a photo.
    pub fn marks(&self, hash: &ContentHash) -> Marks {
        self.made(|made| made.marks(hash))
    }

    /// Puts these marks in place of those that the photos have, and gives back the latter. All or nothing.
    ///
    /// # Errors
    /// More than five stars; [`Error::DiskFull`].
    pub fn set_marks(&self, marks: &[(ContentHash, Marks)]) -> Result<Vec<(ContentHash, Marks)>> {
        if let Some((_, marks)) = marks.iter().find(|(_, marks)| marks.rating > MOST_STARS) {
            let what = format!("a rating cannot be {} stars", marks.rating);
            return Err(Error::bad_request(what, "give 0 to 5"));
        }
        let before = self.made(|made| marks.iter().map(|(hash, _)| (*hash, made.marks(hash))).collect::<Vec<_>>());
        let pairs = marks.iter().zip(&before);
        let changes: Vec<Change> = pairs.flat_map(|((hash, now), (_, then))| changes(*hash, now, then)).collect();
        self.change(&changes)?;
        Ok(before)
    }
}

/// Only what differs.
fn changes(hash: ContentHash, now: &Marks, before: &Marks) -> Vec<Change> {
    let mut changes = Vec::new();
    if now.is_favourite != before.is_favourite {
        let slot = Slot::Favourite(hash);
        changes.push(if now.is_favourite { Change::favourite(hash) } else { Change::clear(slot) });
    }
    if now.rating != before.rating {
        changes.push(Change::rating(hash, now.rating));
    }
    if now.tags != before.tags {
        changes.push(Change::tags(hash, &now.tags));
    }
    if now.note != before.note {
        changes.push(Change::note(hash, &now.note));
    }
    changes
}

impl Made {
    fn marks(&self, hash: &ContentHash) -> Marks {
        Marks {
            is_favourite: self.is_favourite(hash),
            rating: self.rating(hash),
            tags: self.tags(hash),
            note: self.note(hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn marks() -> Marks {
        Marks { is_favourite: true, rating: 4, tags: vec!["snow".to_owned()], note: "the big one".to_owned() }
    }

    #[test]
    fn marks_outlive_the_program_and_what_was_before_comes_back() {
        let folder = TempDir::new().unwrap();
        let hash = ContentHash([7; 32]);
        let before = {
            let store = Store::open(folder.path()).unwrap().store;
            store.set_marks(&[(hash, marks())]).unwrap()
        };
        let store = Store::open(folder.path()).unwrap().store;
        assert_eq!(store.marks(&hash), marks());
        assert_eq!(store.set_marks(&before).unwrap(), [(hash, marks())]);
        assert_eq!(store.marks(&hash), Marks::default());
    }

    #[test]
    fn six_stars_are_refused_and_nothing_changes() {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path()).unwrap().store;
        let good = (ContentHash([1; 32]), marks());
        let bad = (ContentHash([2; 32]), Marks { rating: 6, ..marks() });
        assert!(store.set_marks(&[good, bad]).is_err());
        assert_eq!(store.marks(&ContentHash([1; 32])), Marks::default());
    }
}
