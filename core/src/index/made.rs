//! What the user made: folders, tags, favourites, albums, saved searches, the choice of model. In: changes. Out: what
//! holds now. Pure: the journal and the store keep the same slots, each in its own way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::record::{decode, encode, path_key, path_of_key};
use super::{ContentHash, Drive, FolderRecord};
use crate::models::ModelIdentity;

/// A search that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSearch {
    /// What the user calls it.
    pub name: String,
    /// The request, as whoever saved it wrote it.
    pub json: String,
}

/// The place of one thing that the user made. The order of the variants is part of the bytes: only add at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Slot {
    /// A folder, by the bytes of its path.
    Folder(Vec<u8>),
    /// The tags of a photo.
    Tags(ContentHash),
    /// A favourite.
    Favourite(ContentHash),
    /// An album, by its name.
    Album(String),
    /// A photo in an album.
    Member(String, ContentHash),
    /// A saved search, by its name.
    Search(String),
    /// The model that is searched with.
    ActiveModel,
    /// The stars of a photo.
    Rating(ContentHash),
    /// The user's words on a photo.
    Note(ContentHash),
    /// A decision about a part, by its number in the audit log. Never emptied.
    Review(u64),
}

impl Slot {
    /// At least as many bytes as it takes, with the lengths of its value and of itself.
    fn size(&self) -> usize {
        let name = match self {
            Self::Folder(path) => path.len(),
            Self::Album(name) | Self::Member(name, _) | Self::Search(name) => name.len(),
            _ => 0,
        };
        name + size_of::<ContentHash>() + 16
    }
}

/// A slot and what it holds from now on; `None` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub slot: Slot,
    pub value: Option<Vec<u8>>,
}

/// Version 1 of a folder's value; `excluded` as bytes of paths.
#[derive(Serialize, Deserialize)]
struct FolderV1 {
    excluded: Vec<Vec<u8>>,
    is_offline: bool,
}

/// Version 2 of a folder's value: `drives` are bytes of paths, and whether they were offline.
#[derive(Serialize, Deserialize)]
struct FolderV2 {
    excluded: Vec<Vec<u8>>,
    is_offline: bool,
    drives: Vec<(Vec<u8>, bool)>,
}

impl From<FolderV1> for FolderV2 {
    fn from(FolderV1 { excluded, is_offline }: FolderV1) -> Self {
        Self { excluded, is_offline, drives: Vec::new() }
    }
}

/// The version of a folder's value.
const FOLDER_VERSION: u8 = 2;
/// The version of all other values here.
const VALUE_VERSION: u8 = 1;

impl Change {
    /// `slot` is empty from now on.
    pub fn clear(slot: Slot) -> Self {
        Self { slot, value: None }
    }

    fn set<T: Serialize>(slot: Slot, value: &T) -> Self {
        Self { slot, value: Some(encode(VALUE_VERSION, value)) }
    }

    pub fn folder(folder: &FolderRecord) -> Self {
        let excluded = folder.excluded.iter().map(|path| path_key(path)).collect();
        let drives = folder.drives.iter().map(|drive| (path_key(&drive.path), drive.is_offline)).collect();
        let value = FolderV2 { excluded, is_offline: folder.is_offline, drives };
        Self { slot: Slot::Folder(path_key(&folder.path)), value: Some(encode(FOLDER_VERSION, &value)) }
    }

    /// The tags of a photo, sorted and each once; none at all empty the slot.
    pub fn tags(hash: ContentHash, tags: &[String]) -> Self {
        let mut tags = tags.to_vec();
        tags.sort();
        tags.dedup();
        if tags.is_empty() { Self::clear(Slot::Tags(hash)) } else { Self::set(Slot::Tags(hash), &tags) }
    }

    pub fn favourite(hash: ContentHash) -> Self {
        Self::set(Slot::Favourite(hash), &())
    }

    /// The stars of a photo; none empty the slot.
    pub fn rating(hash: ContentHash, stars: u8) -> Self {
        if stars == 0 { Self::clear(Slot::Rating(hash)) } else { Self::set(Slot::Rating(hash), &stars) }
    }

    /// The user's words on a photo; none empty the slot.
    pub fn note(hash: ContentHash, note: &str) -> Self {
        if note.is_empty() { Self::clear(Slot::Note(hash)) } else { Self::set(Slot::Note(hash), &note) }
    }

    pub fn album(name: &str) -> Self {
        Self::set(Slot::Album(name.to_owned()), &())
    }

    pub fn member(album: &str, hash: ContentHash) -> Self {
        Self::set(Slot::Member(album.to_owned(), hash), &())
    }

    pub fn search(search: &SavedSearch) -> Self {
        Self::set(Slot::Search(search.name.clone()), &search.json)
    }

    pub fn active_model(identity: &ModelIdentity) -> Self {
        Self::set(Slot::ActiveModel, identity)
    }
}

/// All slots that hold something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Made {
    slots: BTreeMap<Slot, Vec<u8>>,
}

impl Made {
    pub fn apply(&mut self, changes: &[Change]) {
        for Change { slot, value } in changes {
            match value {
                Some(value) => self.slots.insert(slot.clone(), value.clone()),
                None => self.slots.remove(slot),
            };
        }
    }

    /// At least as many bytes as [`Made::changes`] take in a journal, and not many more.
    pub fn size(&self) -> u64 {
        self.slots.iter().map(|(slot, value)| (slot.size() + value.len()) as u64).sum()
    }

    /// The changes that make this out of nothing.
    pub fn changes(&self) -> Vec<Change> {
        self.slots.iter().map(|(slot, value)| Change { slot: slot.clone(), value: Some(value.clone()) }).collect()
    }

    pub fn folders(&self) -> Vec<FolderRecord> {
        let folder = |(slot, value): (&Slot, &Vec<u8>)| match slot {
            Slot::Folder(key) => folder_of(path_of_key(key), value),
            _ => None,
        };
        self.slots.iter().filter_map(folder).collect()
    }

    pub fn folder(&self, path: &Path) -> Option<FolderRecord> {
        self.folders().into_iter().find(|folder| folder.path == path)
    }

    pub fn tags(&self, hash: &ContentHash) -> Vec<String> {
        self.slots.get(&Slot::Tags(*hash)).and_then(|value| read(value)).unwrap_or_default()
    }

    /// The tags of all tagged photos.
    pub fn all_tags(&self) -> impl Iterator<Item = (ContentHash, Vec<String>)> {
        self.slots.iter().filter_map(|(slot, value)| match slot {
            Slot::Tags(hash) => Some((*hash, read(value)?)),
            _ => None,
        })
    }

    pub fn favourites(&self) -> impl Iterator<Item = ContentHash> {
        self.slots.keys().filter_map(|slot| if let Slot::Favourite(hash) = slot { Some(*hash) } else { None })
    }

    pub fn is_favourite(&self, hash: &ContentHash) -> bool {
        self.slots.contains_key(&Slot::Favourite(*hash))
    }

    pub fn rating(&self, hash: &ContentHash) -> u8 {
        self.slots.get(&Slot::Rating(*hash)).and_then(|value| read(value)).unwrap_or_default()
    }

    /// The stars of all rated photos.
    pub fn all_ratings(&self) -> impl Iterator<Item = (ContentHash, u8)> {
        self.slots.iter().filter_map(|(slot, value)| match slot {
            Slot::Rating(hash) => Some((*hash, read(value)?)),
            _ => None,
        })
    }

    pub fn note(&self, hash: &ContentHash) -> String {
        self.slots.get(&Slot::Note(*hash)).and_then(|value| read(value)).unwrap_or_default()
    }

    /// The words on all photos that have some.
    pub fn all_notes(&self) -> impl Iterator<Item = (ContentHash, String)> {
        self.slots.iter().filter_map(|(slot, value)| match slot {
            Slot::Note(hash) => Some((*hash, read(value)?)),
            _ => None,
        })
    }

    pub fn albums(&self) -> Vec<String> {
        let name = |slot: &Slot| if let Slot::Album(name) = slot { Some(name.clone()) } else { None };
        self.slots.keys().filter_map(name).collect()
    }

    pub fn has_album(&self, name: &str) -> bool {
        self.slots.contains_key(&Slot::Album(name.to_owned()))
    }

    pub fn members(&self, album: &str) -> Vec<ContentHash> {
        let end = |byte| Slot::Member(album.to_owned(), ContentHash([byte; 32]));
        let hash = |slot: &Slot| if let Slot::Member(_, hash) = slot { Some(*hash) } else { None };
        self.slots.range(end(0)..=end(255)).filter_map(|(slot, _)| hash(slot)).collect()
    }

    /// The numbers and values of the audit log, oldest first.
    pub fn review_slots(&self) -> impl DoubleEndedIterator<Item = (u64, &[u8])> {
        fn entry<'a>((slot, value): (&Slot, &'a Vec<u8>)) -> Option<(u64, &'a [u8])> {
            if let Slot::Review(number) = slot { Some((*number, value)) } else { None }
        }
        self.slots.range(Slot::Review(0)..=Slot::Review(u64::MAX)).filter_map(entry)
    }

    pub fn searches(&self) -> Vec<SavedSearch> {
        let search = |(slot, value): (&Slot, &Vec<u8>)| match slot {
            Slot::Search(name) => Some(SavedSearch { name: name.clone(), json: read(value)? }),
            _ => None,
        };
        self.slots.iter().filter_map(search).collect()
    }

    pub fn active_model(&self) -> Option<ModelIdentity> {
        self.slots.get(&Slot::ActiveModel).and_then(|value| read(value))
    }

    /// The added folder that `path` belongs to: the innermost one.
    pub fn innermost<'a>(folders: &'a [FolderRecord], path: &Path) -> Option<&'a FolderRecord> {
        let holding = folders.iter().filter(|folder| path.starts_with(&folder.path));
        holding.max_by_key(|folder| folder.path.as_os_str().len())
    }
}

/// A folder from a value of any version so far.
fn folder_of(path: PathBuf, value: &[u8]) -> Option<FolderRecord> {
    let (version, rest) = value.split_first()?;
    let FolderV2 { excluded, is_offline, drives } = match version {
        1 => decode::<FolderV1>(rest)?.into(),
        2 => decode(rest)?,
        _ => return None,
    };
    let drive = |(key, is_offline): &(Vec<u8>, bool)| Drive { path: path_of_key(key), is_offline: *is_offline };
    let excluded = excluded.iter().map(|key| path_of_key(key)).collect();
    Some(FolderRecord { path, excluded, is_offline, drives: drives.iter().map(drive).collect() })
}

/// Another value of any version so far.
fn read<T: serde::de::DeserializeOwned>(value: &[u8]) -> Option<T> {
    match value.split_first()? {
        (1, rest) => decode(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_version_1_are_read_for_ever() {
        // Version, one excluded path of three bytes, offline.
        let folder = folder_of("/p".into(), &[1, 1, 3, b'o', b'l', b'd', 1]).unwrap();
        let excluded = vec!["old".into()];
        assert_eq!(folder, FolderRecord { excluded, is_offline: true, ..FolderRecord::new("/p".into()) });
    }

    #[test]
    fn a_folder_comes_back_as_it_went() {
        let drives = vec![Drive { path: "/p/drive".into(), is_offline: true }];
        let folder = FolderRecord { excluded: vec!["old".into()], drives, ..FolderRecord::new("/p".into()) };
        let mut made = Made::default();
        made.apply(&[Change::folder(&folder)]);
        assert_eq!(made.folders(), [folder]);
    }
}
