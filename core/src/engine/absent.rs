//! Why is this file not here? In: any path. Out: the one reason that comes first, in words. Reads names and the store, at
//! most the beginning of the file; decodes nothing and changes nothing.

use std::path::{Path, PathBuf};
use std::sync::TryLockError;

use super::Engine;
use crate::error::Result;
use crate::index::FolderRecord;
use crate::media;

/// What is known of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// It is here.
    Here {
        /// Under this path, which may be another one that leads to the same file.
        path: PathBuf,
        /// It has a vector of the model in use, so that searches by meaning find it.
        is_searchable: bool,
    },
    /// A folder of which so many photos are here.
    Folder {
        /// How many.
        photos: usize,
    },
    /// It lies in no added folder.
    NotAdded,
    /// Its name, or that of a folder that it lies in, begins with a dot.
    Hidden(PathBuf),
    /// It lies in a folder that is left out.
    Excluded(PathBuf),
    /// It lies in or below a folder that holds a file `.nomedia`.
    NoMedia(PathBuf),
    /// It is no picture; what it is instead.
    NotAPicture(String),
    /// It could not be used, and why.
    Problem(String),
    /// It cannot be looked at; what the system says.
    Unreadable(String),
    /// Its drive is not there now. What is known of it is kept.
    Offline {
        /// The folder or drive that is away.
        drive: PathBuf,
        /// The library knows the photo.
        is_known: bool,
    },
    /// It was here, and the file is gone.
    Gone,
    /// There is no such file, and the library never saw one.
    Unknown,
    /// The next run of indexing will find it.
    NotReached {
        /// A run is under way.
        is_indexing: bool,
    },
}

impl std::fmt::Display for Absence {
    /// A sentence without a full stop: what is so, and what to do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here { path, is_searchable: true } => write!(f, "it is here: {}", path.display()),
            Self::Here { path, .. } => write!(
                f,
                "it is here, but waits for its embedding: it is found by name, not yet by what is on it: {}",
                path.display()
            ),
            Self::Folder { photos: 0 } => write!(f, "no photo of this folder is here yet; index it"),
            Self::Folder { photos } => write!(f, "{photos} photos of this folder are here"),
            Self::NotAdded => write!(f, "it lies in none of the added folders; add its folder"),
            Self::Hidden(path) => {
                write!(
                    f,
                    "a name that begins with a dot hides it; rename it, or add the folder itself: {}",
                    path.display()
                )
            }
            Self::Excluded(path) => {
                write!(f, "it lies in a folder that you left out; take it in again: {}", path.display())
            }
            Self::NoMedia(path) => write!(
                f,
                "its folder holds a file .nomedia, which asks programs to pass it over; remove that file: {}",
                path.display()
            ),
            Self::NotAPicture(what) => write!(f, "it is not a picture that can be searched: {what}"),
            Self::Problem(reason) => write!(f, "it could not be used: {reason}"),
            Self::Unreadable(reason) => write!(f, "it cannot be looked at ({reason}); check its permissions"),
            Self::Offline { drive, is_known: true } => {
                write!(f, "it is known, but its drive is not there; plug it in: {}", drive.display())
            }
            Self::Offline { drive, .. } => write!(f, "its drive is not there; plug it in: {}", drive.display()),
            Self::Gone => write!(f, "it was here and its file is gone; indexing will forget it"),
            Self::Unknown => write!(f, "there is no such file; check the spelling"),
            Self::NotReached { is_indexing: true } => {
                write!(f, "indexing has not reached it yet; wait until it is done")
            }
            Self::NotReached { .. } => write!(f, "it is new since the last run; index again"),
        }
    }
}

impl Engine {
    /// Why a file is not in the library, or that it is. Reads the disk: call it from a worker.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn why_absent(&self, path: &Path) -> Result<Absence> {
        let given = std::path::absolute(path)?;
        // A link on the way, or `..`: the added folders have real paths.
        let real = fs_err::canonicalize(&given).unwrap_or_else(|_| real_as_far_as_it_goes(&given));
        for path in [&given, &real] {
            if let Some(known) = self.known(path)? {
                return Ok(known);
            }
        }
        let folders = self.folders();
        let Some(folder) = innermost(&folders, &real) else { return Ok(Absence::NotAdded) };
        if folder.is_away(&real) || !folder.path.exists() {
            let drives = folder.drives.iter().filter(|drive| drive.is_offline && real.starts_with(&drive.path));
            let drive = drives.map(|drive| &drive.path).next().unwrap_or(&folder.path).clone();
            return Ok(Absence::Offline { drive, is_known: false });
        }
        Ok(left_out(&folders, folder, &real).unwrap_or_else(|| self.unseen(&real)))
    }

    /// What the library's records say of a path; `None` if they say nothing.
    fn known(&self, path: &Path) -> Result<Option<Absence>> {
        let store = &self.shared.store;
        let Some(record) = store.file(path)? else { return Ok(None) };
        let folders = self.folders();
        let away = innermost(&folders, path).filter(|folder| folder.is_away(path) || !folder.path.exists());
        if let Some(folder) = away {
            return Ok(Some(Absence::Offline { drive: folder.path.clone(), is_known: true }));
        }
        if !path.exists() {
            return Ok(Some(Absence::Gone));
        }
        let identity = self.snapshot().vectors.identity().clone();
        Ok(Some(match (record.problem, record.hash) {
            (Some(reason), _) => Absence::Problem(reason),
            (None, Some(hash)) => {
                let is_searchable =
                    store.has_vector(&identity, &hash) || self.first_looks(|looks| looks.row(&hash).is_some());
                Absence::Here { path: path.to_owned(), is_searchable }
            }
            (None, None) => Absence::NotReached { is_indexing: self.is_indexing() },
        }))
    }

    /// A path in an added folder that nothing hides and no record names.
    fn unseen(&self, path: &Path) -> Absence {
        match fs_err::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Absence::Unknown,
            Err(error) => Absence::Unreadable(error.kind().to_string()),
            Ok(metadata) if metadata.is_dir() => {
                let entries = &self.snapshot().entries;
                Absence::Folder { photos: entries.iter().filter(|entry| entry.path.starts_with(path)).count() }
            }
            Ok(_) => match media::stranger(path) {
                Some(what) => Absence::NotAPicture(what),
                None => Absence::NotReached { is_indexing: self.is_indexing() },
            },
        }
    }

    fn is_indexing(&self) -> bool {
        matches!(self.shared.indexing.try_lock(), Err(TryLockError::WouldBlock))
    }
}

/// The real path of the part that is there, and the rest as it was given.
fn real_as_far_as_it_goes(path: &Path) -> PathBuf {
    let there = path.ancestors().skip(1).find_map(|folder| Some((folder, fs_err::canonicalize(folder).ok()?)));
    match there {
        Some((folder, real)) => path.strip_prefix(folder).map_or_else(|_| path.to_owned(), |rest| real.join(rest)),
        None => path.to_owned(),
    }
}

fn innermost<'a>(folders: &'a [FolderRecord], path: &Path) -> Option<&'a FolderRecord> {
    let holding = folders.iter().filter(|folder| path.starts_with(&folder.path));
    holding.max_by_key(|folder| folder.path.as_os_str().len())
}

/// What keeps a scan of `root` away from a path in it: the same rules, asked from the outside in.
fn left_out(folders: &[FolderRecord], root: &FolderRecord, path: &Path) -> Option<Absence> {
    let excluded = |path: &Path| {
        let of = |folder: &FolderRecord| folder.excluded.iter().any(|excluded| folder.path.join(excluded) == path);
        folders.iter().any(of)
    };
    let mut way: Vec<&Path> = path.ancestors().take_while(|step| *step != root.path).collect();
    way.push(&root.path);
    way.into_iter().rev().find_map(|step| {
        let is_inside = step != root.path;
        let is_hidden = step.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_inside && is_hidden {
            return Some(Absence::Hidden(step.to_owned()));
        }
        if is_inside && excluded(step) {
            return Some(Absence::Excluded(step.to_owned()));
        }
        (step.is_dir() && step.join(".nomedia").exists()).then(|| Absence::NoMedia(step.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Settings;
    use crate::index::{ContentHash, FileRecord, Indexed};

    /// A library that knows `photos/here.jpg` and `photos/bad.jpg`, and leaves `photos/left` out.
    struct Place {
        _folder: tempfile::TempDir,
        root: PathBuf,
        engine: Engine,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = fs_err::canonicalize(folder.path()).unwrap();
            let settings = Settings { library: root.join("library"), model: None, precision: Default::default() };
            let place = Self { engine: Engine::open(settings).unwrap(), _folder: folder, root };
            for name in ["here.jpg", "bad.jpg", "new.jpg", "notes.txt", ".hidden.jpg", "left/a.jpg", ".cache/a.jpg"] {
                place.write(&format!("photos/{name}"));
            }
            place.write("photos/closed/.nomedia");
            place.write("photos/closed/in/a.jpg");
            place.write("other/a.jpg");
            let folder = FolderRecord { excluded: vec!["left".into()], ..FolderRecord::new(place.at("photos")) };
            place.engine.shared.store.add_folder(&folder).unwrap();
            place.record("photos/here.jpg", None);
            place.record("photos/bad.jpg", Some("it is cut short; copy it again"));
            place.record("photos/gone.jpg", None);
            place
        }

        fn at(&self, name: &str) -> PathBuf {
            self.root.join(name)
        }

        fn write(&self, name: &str) {
            let path = self.at(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, name).unwrap();
        }

        fn record(&self, name: &str, problem: Option<&str>) {
            let hash = problem.is_none().then_some(ContentHash([1; 32]));
            let problem = problem.map(str::to_owned);
            let file = FileRecord { path: self.at(name), size: 1, modified_ns: 0, hash, problem };
            let identity = self.engine.snapshot().vectors.identity().clone();
            self.engine.shared.store.record(&identity, &[Indexed { file, photo: None, vector: None }]).unwrap();
        }

        #[track_caller]
        fn check(&self, name: &str, expected: Absence) {
            let found = self.engine.why_absent(&self.at(name)).unwrap();
            assert_eq!(found, expected, "{name}");
            let said = found.to_string();
            assert!(!said.is_empty() && !said.ends_with('.'), "{said}");
        }
    }

    #[test]
    fn every_file_has_its_reason() {
        let place = Place::new();
        place.check("photos/here.jpg", Absence::Here { path: place.at("photos/here.jpg"), is_searchable: false });
        place.check("photos/bad.jpg", Absence::Problem("it is cut short; copy it again".to_owned()));
        place.check("photos/new.jpg", Absence::NotReached { is_indexing: false });
        place.check("photos/notes.txt", Absence::NotAPicture("no picture by its name".to_owned()));
        place.check("photos/.hidden.jpg", Absence::Hidden(place.at("photos/.hidden.jpg")));
        place.check("photos/.cache/a.jpg", Absence::Hidden(place.at("photos/.cache")));
        place.check("photos/left/a.jpg", Absence::Excluded(place.at("photos/left")));
        place.check("photos/closed/in/a.jpg", Absence::NoMedia(place.at("photos/closed")));
        place.check("photos/gone.jpg", Absence::Gone);
        place.check("photos/never.jpg", Absence::Unknown);
        place.check("other/a.jpg", Absence::NotAdded);
        place.check("photos", Absence::Folder { photos: 0 });
    }

    #[test]
    fn a_folder_that_is_away_keeps_what_is_known() {
        let place = Place::new();
        fs_err::rename(place.at("photos"), place.at("unplugged")).unwrap();
        let drive = place.at("photos");
        place.check("photos/here.jpg", Absence::Offline { drive: drive.clone(), is_known: true });
        place.check("photos/new.jpg", Absence::Offline { drive, is_known: false });
    }

    #[test]
    fn a_file_is_reached_while_a_run_is_under_way() {
        let place = Place::new();
        let _run = place.engine.shared.indexing.lock().unwrap();
        place.check("photos/new.jpg", Absence::NotReached { is_indexing: true });
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_followed_to_the_file_that_is_here() {
        let place = Place::new();
        std::os::unix::fs::symlink(place.at("photos"), place.at("link")).unwrap();
        place.check("link/here.jpg", Absence::Here { path: place.at("photos/here.jpg"), is_searchable: false });
        place.check("link/.hidden.jpg", Absence::Hidden(place.at("photos/.hidden.jpg")));
    }
}
