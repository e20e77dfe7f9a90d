//! Marks: what the user puts on photos, one by one or on many at once. In: tags, favourites, stars, notes, places in
//! albums. Out: the marks that undo them. All marks of a call are kept together: all or, after a crash, none.

use std::collections::HashSet;

use super::made::{Change, Made, Slot};
use super::table::HashTable;
use super::{ContentHash, Store};
use crate::error::{Error, Result};

/// One thing that the user puts on a photo, or takes off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// These tags and no others.
    Tags(ContentHash, Vec<String>),
    /// A favourite, or no longer.
    Favourite(ContentHash, bool),
    /// So many stars, 1 to 5; 0: no rating.
    Rating(ContentHash, u8),
    /// A text about it; empty: none.
    Note(ContentHash, String),
    /// In an album, or no longer.
    Member(String, ContentHash, bool),
}

impl Mark {
    fn change(&self) -> Change {
        match self {
            Self::Tags(hash, tags) => Change::tags(*hash, tags),
            Self::Favourite(hash, true) => Change::favourite(*hash),
            Self::Favourite(hash, false) => Change::clear(Slot::Favourite(*hash)),
            Self::Rating(hash, stars) => Change::rating(*hash, *stars),
            Self::Note(hash, text) => Change::note(*hash, text),
            Self::Member(album, hash, true) => Change::member(album, *hash),
            Self::Member(album, hash, false) => Change::clear(Slot::Member(album.clone(), *hash)),
        }
    }

    /// The mark that is there now in its place.
    fn before(&self, made: &Made) -> Self {
        match self {
            Self::Tags(hash, _) => Self::Tags(*hash, made.tags(hash)),
            Self::Favourite(hash, _) => Self::Favourite(*hash, made.is_favourite(hash)),
            Self::Rating(hash, _) => Self::Rating(*hash, made.rating(hash)),
            Self::Note(hash, _) => Self::Note(*hash, made.note(hash)),
            Self::Member(album, hash, _) => Self::Member(album.clone(), *hash, made.is_member(album, hash)),
        }
    }
}

/// The stars of all rated photos at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ratings {
    stars: HashTable<u8>,
}

impl Ratings {
    /// Stars of a photo, 1 to 5; 0 where it has none.
    pub fn of(&self, hash: &ContentHash) -> u8 {
        self.stars.get(hash).copied().unwrap_or_default()
    }

    /// The photos with so many stars or more: what a filter takes. `stars` is 1 or more.
    pub fn at_least(&self, stars: u8) -> HashSet<ContentHash> {
        self.stars.iter().filter(|(_, found)| **found >= stars).map(|(hash, _)| *hash).collect()
    }
}

impl Store {
    /// Puts marks on photos, in order; gives the marks that undo them.
    ///
    /// # Errors
    /// An album that is not there, [`Error::DiskFull`].
    pub fn mark(&self, marks: &[Mark]) -> Result<Vec<Mark>> {
        let missing = self.made(|made| {
            let album = |mark: &Mark| if let Mark::Member(album, ..) = mark { Some(album.clone()) } else { None };
            marks.iter().filter_map(album).find(|album| !made.has_album(album))
        });
        if let Some(album) = missing {
            return Err(Error::bad_request(format!("there is no album {album:?}"), "create it first"));
        }
        // All as it is before the first of them, so that their order does not matter when they are undone.
        let undo = self.made(|made| marks.iter().map(|mark| mark.before(made)).collect::<Vec<_>>());
        let changes: Vec<Change> = marks.iter().map(Mark::change).collect();
        self.change(&changes)?;
        Ok(undo)
    }

    /// The stars of all rated photos.
    pub fn ratings(&self) -> Ratings {
        Ratings { stars: self.made(|made| made.ratings().collect()) }
    }

    /// What the user wrote about a photo; empty where nothing.
    pub fn note(&self, hash: &ContentHash) -> String {
        self.made(|made| made.note(hash))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn photo(number: u8) -> ContentHash {
        ContentHash([number; 32])
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap().store;
        store.create_album("best").unwrap();
        (folder, store)
    }

    #[test]
    fn marks_are_kept_when_the_library_is_opened_again() {
        let (folder, store) = store();
        let marks = [Mark::Rating(photo(1), 4), Mark::Rating(photo(2), 9), Mark::Note(photo(1), "by the lake".into())];
        store.mark(&marks).unwrap();
        drop(store);
        let store = Store::open(folder.path()).unwrap().store;
        let ratings = store.ratings();
        assert_eq!([1, 2, 3].map(|number| ratings.of(&photo(number))), [4, 5, 0]);
        assert_eq!(ratings.at_least(5), [photo(2)].into());
        assert_eq!(store.note(&photo(1)), "by the lake");
    }

    #[test]
    fn an_album_that_is_not_there_takes_nothing() {
        let (_folder, store) = store();
        let marks = [Mark::Rating(photo(1), 1), Mark::Member("worst".into(), photo(1), true)];
        assert!(store.mark(&marks).is_err());
        assert_eq!(store.ratings(), Ratings::default());
    }

    fn any_mark() -> impl Strategy<Value = Mark> {
        let hash = || (0_u8..3).prop_map(photo);
        prop_oneof![
            (hash(), prop::collection::vec("[ab]", 0..3)).prop_map(|(hash, tags)| Mark::Tags(hash, tags)),
            (hash(), any::<bool>()).prop_map(|(hash, is)| Mark::Favourite(hash, is)),
            (hash(), 0_u8..6).prop_map(|(hash, stars)| Mark::Rating(hash, stars)),
            (hash(), "[ab]?").prop_map(|(hash, text)| Mark::Note(hash, text)),
            (hash(), any::<bool>()).prop_map(|(hash, is)| Mark::Member("best".into(), hash, is)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn undoing_marks_leaves_everything_as_it_was(
            before in prop::collection::vec(any_mark(), 0..6), marks in prop::collection::vec(any_mark(), 0..6),
        ) {
            let (_folder, store) = store();
            store.mark(&before).unwrap();
            let expected = store.made(Made::clone);
            let undo = store.mark(&marks).unwrap();
            store.mark(&undo).unwrap();
            prop_assert_eq!(store.made(Made::clone), expected);
        }
    }
}
