//! What the user makes, kept by the store. In: tags, favourites, albums, saved searches, folders, the choice of model.
//! Out: the same; everything is on the disk before a call returns. Everything of a photo hangs on its content hash.

use std::path::{Path, PathBuf};

use super::made::{Change, Made, Slot};
use super::record::path_key;
use super::{ContentHash, Drive, FolderRecord, SavedSearch, Store};
use crate::error::{Error, Problem, Result};
use crate::models::ModelIdentity;

impl Store {
    /// The added folders, in the order of their paths' bytes.
    pub fn folders(&self) -> Vec<FolderRecord> {
        self.made(Made::folders)
    }

    /// Adds a folder, or changes what it leaves out.
    ///
    /// # Errors
    /// [`Error::DiskFull`], as for everything here.
    pub fn add_folder(&self, folder: &FolderRecord) -> Result<()> {
        let is_same = self.made(|made| made.folder(&folder.path)).as_ref() == Some(folder);
        if is_same { Ok(()) } else { self.change(&[Change::folder(folder)]) }
    }

    /// Removes a folder from the library and forgets its files, but those that another added folder holds. What the
    /// user made of the photos stays.
    ///
    /// # Errors
    /// A folder that was not added.
    pub fn remove_folder(&self, path: &Path) -> Result<()> {
        if self.made(|made| made.folder(path)).is_none() {
            let what = format!("this folder is not in the library: {}", path.display());
            return Err(Error::bad_request(what, "give one of the added folders"));
        }
        self.change(&[Change::clear(Slot::Folder(path_key(path)))])?;
        let folders = self.folders();
        let files = self.files_under(path)?.into_iter().map(|file| file.path);
        let gone: Vec<PathBuf> = files.filter(|file| Made::innermost(&folders, file).is_none()).collect();
        self.forget_files(&gone)
    }

    /// Notes whether a folder and the drives inside of it are there now. Its files are kept either way.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn set_presence(&self, path: &Path, is_offline: bool, drives: Vec<Drive>) -> Result<()> {
        match self.made(|made| made.folder(path)) {
            Some(folder) if (folder.is_offline, &folder.drives) != (is_offline, &drives) => {
                self.change(&[Change::folder(&FolderRecord { is_offline, drives, ..folder })])
            }
            _ => Ok(()),
        }
    }

    /// The model that is searched with; `None` before the first one was complete.
    pub fn active_model(&self) -> Option<ModelIdentity> {
        self.made(Made::active_model)
    }

    /// Searches with this model from now on. The vectors of the others stay.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn set_active_model(&self, identity: &ModelIdentity) -> Result<()> {
        if self.active_model().as_ref() == Some(identity) {
            return Ok(());
        }
        self.change(&[Change::active_model(identity)])
    }

    /// The photos without a vector of this model, with every file that holds one and is not offline.
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`].
    pub fn missing_vectors(&self, identity: &ModelIdentity) -> Result<Vec<(ContentHash, PathBuf)>> {
        let folders = self.folders();
        let is_there = |path: &Path| Made::innermost(&folders, path).is_none_or(|folder| !folder.is_away(path));
        let mut missing = Vec::new();
        for file in self.files()? {
            let Some(hash) = file.hash.filter(|_| file.problem.is_none()) else { continue };
            if !self.has_vector(identity, &hash) && is_there(&file.path) {
                missing.push((hash, file.path));
            }
        }
        Ok(missing)
    }

    /// The files that could not be used, with the reasons.
    ///
    /// # Errors
    /// [`Error::BrokenLibrary`].
    pub fn problems(&self) -> Result<Vec<Problem>> {
        let problem = |file: super::FileRecord| Some(Problem { reason: file.problem?, path: file.path });
        Ok(self.files()?.into_iter().filter_map(problem).collect())
    }

    /// The tags of a photo, sorted.
    pub fn tags(&self, hash: &ContentHash) -> Vec<String> {
        self.made(|made| made.tags(hash))
    }

    /// Gives a photo these tags and no others.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn set_tags(&self, hash: &ContentHash, tags: &[String]) -> Result<()> {
        self.change(&[Change::tags(*hash, tags)])
    }

    /// Whether a photo is one of the user's favourites.
    pub fn is_favourite(&self, hash: &ContentHash) -> bool {
        self.made(|made| made.is_favourite(hash))
    }

    /// Makes a photo a favourite, or no longer.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn set_favourite(&self, hash: &ContentHash, is_favourite: bool) -> Result<()> {
        let slot = Slot::Favourite(*hash);
        self.change(&[if is_favourite { Change::favourite(*hash) } else { Change::clear(slot) }])
    }

    /// The names of the albums, sorted.
    pub fn albums(&self) -> Vec<String> {
        self.made(Made::albums)
    }

    /// The photos of an album; none for one that is not there.
    pub fn album(&self, name: &str) -> Vec<ContentHash> {
        self.made(|made| made.members(name))
    }

    /// Makes an empty album.
    ///
    /// # Errors
    /// A name that is taken or empty.
    pub fn create_album(&self, name: &str) -> Result<()> {
        self.check_free_album(name)?;
        self.change(&[Change::album(name)])
    }

    /// Gives an album another name.
    ///
    /// # Errors
    /// No such album, or a name that is taken or empty.
    pub fn rename_album(&self, old: &str, new: &str) -> Result<()> {
        self.check_album(old)?;
        self.check_free_album(new)?;
        let mut changes = vec![Change::clear(Slot::Album(old.to_owned())), Change::album(new)];
        for hash in self.album(old) {
            changes.push(Change::clear(Slot::Member(old.to_owned(), hash)));
            changes.push(Change::member(new, hash));
        }
        self.change(&changes)
    }

    /// Deletes an album; its photos stay.
    ///
    /// # Errors
    /// No such album.
    pub fn delete_album(&self, name: &str) -> Result<()> {
        self.check_album(name)?;
        let members = self.album(name).into_iter().map(|hash| Change::clear(Slot::Member(name.to_owned(), hash)));
        let album = Change::clear(Slot::Album(name.to_owned()));
        self.change(&members.chain([album]).collect::<Vec<_>>())
    }

    /// Puts photos into an album.
    ///
    /// # Errors
    /// No such album.
    pub fn add_to_album(&self, name: &str, hashes: &[ContentHash]) -> Result<()> {
        self.check_album(name)?;
        let changes: Vec<Change> = hashes.iter().map(|hash| Change::member(name, *hash)).collect();
        self.change(&changes)
    }

    /// Takes photos out of an album.
    ///
    /// # Errors
    /// No such album.
    pub fn remove_from_album(&self, name: &str, hashes: &[ContentHash]) -> Result<()> {
        self.check_album(name)?;
        let clear = |hash: &ContentHash| Change::clear(Slot::Member(name.to_owned(), *hash));
        self.change(&hashes.iter().map(clear).collect::<Vec<_>>())
    }

    /// The saved searches, sorted by name.
    pub fn saved_searches(&self) -> Vec<SavedSearch> {
        self.made(Made::searches)
    }

    /// Keeps a search under its name, in place of one of the same name.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn save_search(&self, search: &SavedSearch) -> Result<()> {
        self.change(&[Change::search(search)])
    }

    /// Removes a saved search.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn delete_search(&self, name: &str) -> Result<()> {
        self.change(&[Change::clear(Slot::Search(name.to_owned()))])
    }

    fn check_album(&self, name: &str) -> Result<()> {
        if self.made(|made| made.has_album(name)) {
            return Ok(());
        }
        Err(Error::bad_request(format!("there is no album {name:?}"), "create it first"))
    }

    fn check_free_album(&self, name: &str) -> Result<()> {
        if !name.trim().is_empty() && !self.made(|made| made.has_album(name)) {
            return Ok(());
        }
        Err(Error::bad_request(format!("an album cannot be called {name:?}: taken or empty"), "choose another name"))
    }
}
