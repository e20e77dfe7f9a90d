//! Everything search and drawing need, as of one moment. In: the store's records and vectors. Out: an immutable value
//! that is shared by `Arc`; a new one replaces it, nothing in it ever changes.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::hash_table::HashTable;
use super::made::Made;
use super::record::Stored;
use super::{ContentHash, FirstLooks, FolderRecord, Marks, PhotoRecord, Store, Vectors};
use crate::error::Result;
use crate::models::ModelIdentity;

/// One file as search, filters and the grid see it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Absolute.
    pub path: PathBuf,
    /// The photo in it.
    pub hash: ContentHash,
    /// Length in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub modified_ns: i64,
    /// What is known of the photo; shared by copies.
    pub photo: Arc<PhotoRecord>,
    /// The row of its vector; `None` while it waits for its embedding.
    pub row: Option<u32>,
    /// The user's tags, sorted.
    pub tags: Arc<[String]>,
    /// One of the user's favourites.
    pub is_favourite: bool,
    /// The user's stars, 1 to 5; 0: none given.
    pub rating: u8,
    /// The user's own words, if there are any.
    pub note: Option<Arc<str>>,
    /// On a drive that is not there now.
    pub is_offline: bool,
}

impl Entry {
    /// When it was taken, else when its file was last written: seconds since 1970.
    pub fn date(&self) -> i64 {
        self.photo.taken.unwrap_or(self.modified_ns.div_euclid(1_000_000_000))
    }

    /// What the user says of its photo.
    pub fn marks(&self) -> Marks {
        Marks {
            is_favourite: self.is_favourite,
            rating: self.rating,
            tags: self.tags.to_vec(),
            note: self.note.as_deref().unwrap_or_default().to_owned(),
        }
    }
}

/// The library at one moment.
pub struct Snapshot {
    /// All files, sorted by path.
    pub entries: Vec<Entry>,
    /// The vectors of the model that is searched with; one row per photo (content), not per file. The last ones are of
    /// previews, while a run of indexing has nothing better.
    pub vectors: Arc<Vectors>,
    /// For every row of `vectors`, the indices into `entries` of the files that hold it, ascending by path. Empty for
    /// a row whose files are gone.
    pub entries_of_row: Vec<Vec<u32>>,
}

impl Snapshot {
    /// Nothing at all.
    pub fn empty(identity: &ModelIdentity) -> Self {
        Self::new(Vec::new(), Vectors::empty(identity.clone(), 0))
    }

    /// Entries in any order, and the vectors that their rows are of.
    pub fn new(mut entries: Vec<Entry>, vectors: Vectors) -> Self {
        entries.par_sort_by(|a, b| a.path.cmp(&b.path));
        let mut entries_of_row = vec![Vec::new(); vectors.rows()];
        for (index, entry) in entries.iter_mut().enumerate() {
            // A row that came after the vectors were taken is for the next snapshot.
            entry.row = entry.row.filter(|row| (*row as usize) < vectors.rows());
            if let Some(row) = entry.row {
                entries_of_row[row as usize].push(index as u32);
            }
        }
        Self { entries, vectors: Arc::new(vectors), entries_of_row }
    }

    /// The same library, its photos marked otherwise.
    pub fn with_marks(&self, marks: &[(ContentHash, Marks)]) -> Self {
        let marks: HashTable<&Marks> = marks.iter().map(|(hash, marks)| (*hash, marks)).collect();
        let mut entries = self.entries.clone();
        for entry in &mut entries {
            if let Some(marks) = marks.get(&entry.hash) {
                entry.tags = marks.tags.clone().into();
                entry.is_favourite = marks.is_favourite;
                entry.rating = marks.rating;
                entry.note = (!marks.note.is_empty()).then(|| marks.note.as_str().into());
            }
        }
        Self { entries, vectors: Arc::clone(&self.vectors), entries_of_row: self.entries_of_row.clone() }
    }

    /// The library as of now, with the vectors of the model `identity`.
    ///
    /// # Errors
    /// [`crate::Error::BrokenLibrary`].
    pub fn build(store: &Store, identity: &ModelIdentity) -> Result<Self> {
        Self::build_with(store, identity, &FirstLooks::default())
    }

    /// As [`Snapshot::build`]; photos without a vector have that of their preview, if it is there.
    ///
    /// # Errors
    /// As there.
    pub fn build_with(store: &Store, identity: &ModelIdentity, first_looks: &FirstLooks) -> Result<Self> {
        Self::over(store, store.vectors(identity)?, first_looks)
    }

    /// The library as of now, over vectors that were taken a moment ago.
    pub(super) fn over(store: &Store, vectors: Vectors, first_looks: &FirstLooks) -> Result<Self> {
        let (user, stored) = (UserMade::of(store), store.stored(&[])?);
        let (entries, looks) = store.with_rows(vectors.identity(), |row_of| {
            // Since the vectors were taken the store may have gone on, even have moved its rows.
            let own_row = |hash: &ContentHash| {
                let row = row_of(hash).filter(|row| (*row as usize) < vectors.rows())?;
                (vectors.hash(row as usize) == *hash).then_some(row)
            };
            let looks = of_photos(first_looks, &stored).only(|hash| own_row(hash).is_none());
            let look_row = |hash: &ContentHash| looks.row(hash).map(|row| row + vectors.rows() as u32);
            let row = |hash: &ContentHash| own_row(hash).or_else(|| look_row(hash));
            let entries = stored.into_par_iter().filter_map(|stored| user.entry(stored, row)).collect();
            (entries, looks)
        });
        Ok(Self::new(entries, vectors.with_first_looks(looks)))
    }
}

/// Those of photos that are still there, and can be shown.
fn of_photos(first_looks: &FirstLooks, stored: &[Stored]) -> FirstLooks {
    if first_looks.is_empty() {
        return FirstLooks::default();
    }
    let shown = stored.iter().filter(|stored| stored.file.problem.is_none() && stored.photo.is_some());
    let shown: HashTable<()> = shown.filter_map(|stored| Some((stored.file.hash?, ()))).collect();
    first_looks.only(|hash| shown.contains_key(hash))
}

/// What the user made, by photo.
struct UserMade {
    folders: Vec<FolderRecord>,
    tags: HashTable<Arc<[String]>>,
    no_tags: Arc<[String]>,
    favourites: HashTable<()>,
    ratings: HashTable<u8>,
    notes: HashTable<Arc<str>>,
}

impl UserMade {
    fn of(store: &Store) -> Self {
        store.made(|made| Self {
            folders: made.folders(),
            tags: made.all_tags().map(|(hash, tags)| (hash, tags.into())).collect(),
            no_tags: Arc::new([]),
            favourites: made.favourites().map(|hash| (hash, ())).collect(),
            ratings: made.all_ratings().collect(),
            notes: made.all_notes().map(|(hash, note)| (hash, note.into())).collect(),
        })
    }

    /// A file that holds a photo; `None` for one that does not.
    fn entry(&self, stored: Stored, row: impl Fn(&ContentHash) -> Option<u32>) -> Option<Entry> {
        let Stored { file, photo } = stored;
        let (hash, photo) = (file.hash.filter(|_| file.problem.is_none())?, photo?);
        Some(Entry {
            is_offline: Made::innermost(&self.folders, &file.path).is_some_and(|folder| folder.is_away(&file.path)),
            path: file.path,
            hash,
            size: file.size,
            modified_ns: file.modified_ns,
            photo,
            row: row(&hash),
            tags: Arc::clone(self.tags.get(&hash).unwrap_or(&self.no_tags)),
            is_favourite: self.favourites.contains_key(&hash),
            rating: self.ratings.get(&hash).copied().unwrap_or_default(),
            note: self.notes.get(&hash).cloned(),
        })
    }
}
