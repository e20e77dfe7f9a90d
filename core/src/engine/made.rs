//! What the user makes, through the façade: marks of photos, albums, saved searches. Each change carries the whole new
//! value and gives back the whole old one, so that undoing is the same call once more.

use std::sync::Arc;

use super::Engine;
use crate::error::Result;
use crate::index::{ContentHash, Marks, SavedSearch, Snapshot};

/// One thing that the user made, as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// What is said of a photo.
    Marks(ContentHash, Marks),
    /// The photos of an album, by its name; `None`: there is no such album.
    Album(String, Option<Vec<ContentHash>>),
    /// A search, by its name, as whoever saved it wrote it; `None`: there is no such search.
    Search(String, Option<String>),
}

/// An album and its photos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Album {
    /// What the user calls it.
    pub name: String,
    /// What it holds.
    pub photos: Vec<ContentHash>,
}

impl Engine {
    /// What the user says of a photo.
    pub fn marks(&self, photo: &ContentHash) -> Marks {
        self.shared.store.marks(photo)
    }

    /// The albums, sorted by name.
    pub fn albums(&self) -> Vec<Album> {
        let store = &self.shared.store;
        store.albums().into_iter().map(|name| Album { photos: store.album(&name), name }).collect()
    }

    /// The saved searches, sorted by name.
    pub fn saved_searches(&self) -> Vec<SavedSearch> {
        self.shared.store.saved_searches()
    }

    /// Makes it so; gives back what was before, in an order in which it can be made so again. The snapshot follows.
    ///
    /// # Errors
    /// A rating above five, an album without a name, [`crate::Error::DiskFull`]. What came before the failure is done.
    pub fn make(&self, things: Vec<Made>) -> Result<Vec<Made>> {
        let mut marks = Vec::new();
        let mut before = Vec::new();
        for thing in things {
            match thing {
                Made::Marks(photo, now) => marks.push((photo, now)),
                Made::Album(name, photos) => before.push(self.set_album(name, photos)?),
                Made::Search(name, json) => before.push(self.set_search(name, json)?),
            }
        }
        before.reverse();
        before.extend(self.set_marks(&marks)?.into_iter().map(|(photo, then)| Made::Marks(photo, then)));
        Ok(before)
    }

    fn set_marks(&self, marks: &[(ContentHash, Marks)]) -> Result<Vec<(ContentHash, Marks)>> {
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        // A snapshot that is built meanwhile may lack these marks, and must not replace the one that has them.
        let _refreshing = self.refreshing();
        let before = self.shared.store.set_marks(marks)?;
        let snapshot: &Snapshot = &self.snapshot();
        self.shared.snapshot.store(Arc::new(snapshot.with_marks(marks)));
        Ok(before)
    }

    fn set_album(&self, name: String, photos: Option<Vec<ContentHash>>) -> Result<Made> {
        let store = &self.shared.store;
        let was_there = store.albums().contains(&name);
        let before = was_there.then(|| store.album(&name));
        match photos {
            None if was_there => store.delete_album(&name)?,
            None => {}
            Some(photos) => {
                if !was_there {
                    store.create_album(&name)?;
                }
                let gone: Vec<ContentHash> =
                    before.iter().flatten().filter(|photo| !photos.contains(photo)).copied().collect();
                store.remove_from_album(&name, &gone)?;
                store.add_to_album(&name, &photos)?;
            }
        }
        Ok(Made::Album(name, before))
    }

    fn set_search(&self, name: String, json: Option<String>) -> Result<Made> {
        let store = &self.shared.store;
        let before = store.saved_searches().into_iter().find(|search| search.name == name).map(|search| search.json);
        match json {
            Some(json) => store.save_search(&SavedSearch { name: name.clone(), json })?,
            None => store.delete_search(&name)?,
        }
        Ok(Made::Search(name, before))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::{Precision, Settings};
    use super::*;

    fn engine(folder: &TempDir) -> Engine {
        Engine::open(Settings { library: folder.path().to_owned(), model: None, precision: Precision::Auto }).unwrap()
    }

    /// Makes it so, then undoes and redoes it.
    #[track_caller]
    fn check(things: Vec<Made>) {
        let folder = TempDir::new().unwrap();
        let engine = engine(&folder);
        let look = || (engine.albums(), engine.saved_searches(), engine.marks(&ContentHash([1; 32])));
        let nothing = look();
        let before = engine.make(things).unwrap();
        let made = look();
        assert_ne!(made, nothing);
        let again = engine.make(before).unwrap();
        assert_eq!(look(), nothing);
        engine.make(again).unwrap();
        assert_eq!(look(), made);
    }

    #[test]
    fn marks_can_be_undone_and_redone() {
        check(vec![Made::Marks(ContentHash([1; 32]), Marks { rating: 3, ..Marks::default() })]);
    }

    #[test]
    fn an_album_can_be_undone_and_redone() {
        check(vec![Made::Album("Snow".to_owned(), Some(vec![ContentHash([1; 32]), ContentHash([2; 32])]))]);
    }

    #[test]
    fn renaming_an_album_can_be_undone() {
        let folder = TempDir::new().unwrap();
        let engine = engine(&folder);
        let photos = vec![ContentHash([1; 32])];
        engine.make(vec![Made::Album("Old".to_owned(), Some(photos.clone()))]).unwrap();
        let renamed = vec![Made::Album("Old".to_owned(), None), Made::Album("New".to_owned(), Some(photos.clone()))];
        let before = engine.make(renamed).unwrap();
        assert_eq!(engine.albums(), [Album { name: "New".to_owned(), photos: photos.clone() }]);
        engine.make(before).unwrap();
        assert_eq!(engine.albums(), [Album { name: "Old".to_owned(), photos }]);
    }

    #[test]
    fn a_saved_search_can_be_undone_and_redone() {
        check(vec![Made::Search("dogs".to_owned(), Some("{}".to_owned()))]);
    }
}
