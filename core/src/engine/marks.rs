//! What the user puts on photos: favourites, stars, tags, notes, albums. In: marks. Out: the marks that undo them; what
//! is shown follows at once. Knows no window.

use std::sync::Arc;

use super::Engine;
use crate::error::Result;
use crate::index::{ContentHash, Mark, Ratings, SavedSearch};
use crate::search::PhotoSet;

impl Engine {
    /// Puts marks on photos, all or none; gives the marks that undo them. Writes to the disk: call it from a worker.
    ///
    /// # Errors
    /// An album that is not there, a full disk.
    pub fn mark(&self, marks: &[Mark]) -> Result<Vec<Mark>> {
        let undo = self.shared.store.mark(marks)?;
        if marks.iter().any(|mark| matches!(mark, Mark::Rating(..))) {
            self.shared.ratings.store(Arc::new(self.shared.store.ratings()));
        }
        if marks.iter().any(|mark| matches!(mark, Mark::Tags(..) | Mark::Favourite(..))) {
            self.show_marks();
        }
        Ok(undo)
    }

    /// The stars of all rated photos at this moment. Never waits.
    pub fn ratings(&self) -> Arc<Ratings> {
        self.shared.ratings.load_full()
    }

    /// What the user wrote about a photo; empty where nothing.
    pub fn note(&self, hash: &ContentHash) -> String {
        self.shared.store.note(hash)
    }

    /// The names of the albums, sorted.
    pub fn albums(&self) -> Vec<String> {
        self.shared.store.albums()
    }

    /// The photos of an album, as a filter takes them; none for an album that is not there.
    pub fn album(&self, name: &str) -> PhotoSet {
        self.shared.store.album(name).into_iter().collect()
    }

    /// Makes an empty album.
    ///
    /// # Errors
    /// A name that is taken or empty.
    pub fn create_album(&self, name: &str) -> Result<()> {
        self.shared.store.create_album(name)
    }

    /// Gives an album another name.
    ///
    /// # Errors
    /// No such album, or a name that is taken or empty.
    pub fn rename_album(&self, old: &str, new: &str) -> Result<()> {
        self.shared.store.rename_album(old, new)
    }

    /// Deletes an album; its photos stay.
    ///
    /// # Errors
    /// No such album.
    pub fn delete_album(&self, name: &str) -> Result<()> {
        self.shared.store.delete_album(name)
    }

    /// The saved searches, sorted by name.
    pub fn saved_searches(&self) -> Vec<SavedSearch> {
        self.shared.store.saved_searches()
    }

    /// Keeps a search under its name, in place of one of the same name.
    ///
    /// # Errors
    /// A full disk.
    pub fn save_search(&self, search: &SavedSearch) -> Result<()> {
        self.shared.store.save_search(search)
    }

    /// Removes a saved search.
    ///
    /// # Errors
    /// A full disk.
    pub fn delete_search(&self, name: &str) -> Result<()> {
        self.shared.store.delete_search(name)
    }

    /// Replaces the snapshot by one with the marks of this moment. Where indexing replaced it meanwhile, that one gets
    /// them.
    fn show_marks(&self) {
        self.shared.snapshot.rcu(|snapshot| snapshot.with_marks(&self.shared.store));
    }
}
