//! What can go wrong. In: nothing. Out: `Error` for a whole request that failed, `Problem` for one bad file in a batch.
//!
//! Every text says what failed, why and what to do, with the path last and no full stop.

use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The person stopped the job.
    #[error("stopped before it was done")]
    Cancelled,
    /// A file or folder could not be read or written; the source names it.
    #[error("{}; check that the file exists and that you may use it", plain(.0))]
    Io(std::io::Error),
    /// A file is not what its name, its header or its place says.
    #[error("{what}; {remedy}: {}", path.display())]
    BadFile {
        /// What is wrong with it.
        what: String,
        /// What the person can do.
        remedy: String,
        /// The file.
        path: PathBuf,
    },
    /// A request that makes no sense as it stands.
    #[error("{what}; {remedy}")]
    BadRequest {
        /// What is wrong with it.
        what: String,
        /// What the person can do.
        remedy: String,
    },

    /// No family recognises the files of a model folder.
    #[error("this folder holds no model that Sightline knows ({reason}); give a folder with config.json or open_clip_config.json and the weights: {}", path.display())]
    UnknownCheckpoint {
        /// What was looked for and not found.
        reason: String,
        /// The folder.
        path: PathBuf,
    },
    /// A model that neither the registry nor the disk has.
    #[error(
        "there is no model {id:?}; `sightline models list` shows the ones that can be had, and a folder's path works too"
    )]
    UnknownModel {
        /// What was asked for.
        id: String,
    },
    /// A model that the registry knows and this machine does not have.
    #[error("the model {id:?} is not on this machine; get it with `sightline models download {id}`")]
    ModelNotDownloaded {
        /// Its registry id.
        id: String,
    },
    /// No file there: perhaps for now alone, where its drive is away.
    #[error("{NO_FILE}: {}", path.display())]
    NoFile {
        /// Where it would be.
        path: PathBuf,
    },
    /// A tensor that the configuration promises is not in the weights.
    #[error("the weights lack tensor {tensor:?}; download the model again: {}", path.display())]
    MissingTensor {
        /// Its canonical name.
        tensor: String,
        /// The weights file.
        path: PathBuf,
    },
    /// A tensor has another shape than the configuration says.
    #[error("tensor {tensor:?} is {found:?} where the configuration says {expected:?}; configuration and weights are of different models: {}", path.display())]
    MisshapenTensor {
        /// Its canonical name.
        tensor: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
        /// The weights file.
        path: PathBuf,
    },
    /// Tensors that the model does not use: the model would not be the one that was trained.
    #[error("the weights hold {count} tensors that this model does not use, {tensors:?} among them; the configuration is of another model: {}", path.display())]
    LeftOverTensors {
        /// How many there are.
        count: usize,
        /// The first few of them.
        tensors: Vec<String>,
        /// The weights file.
        path: PathBuf,
    },
    /// A model without a text tower was asked about words.
    #[error("the model {model:?} knows no words, only pictures; search by image, or choose a model with a text tower")]
    NoTextTower {
        /// The model's id.
        model: String,
    },
    /// Two vectors of different models or preprocessing were about to be compared.
    #[error(
        "vectors of {found} cannot be compared with vectors of {expected}; index again with the model that you search with"
    )]
    ModelMismatch {
        /// The identity that was expected.
        expected: String,
        /// The identity that came.
        found: String,
    },
    /// A vector of length zero or with a number that is none.
    #[error("the model {model:?} gave a vector without a direction; the checkpoint is damaged, download it again")]
    NoDirection {
        /// The model's id.
        model: String,
    },
    /// candle refused an operation.
    #[error("the model could not be computed ({0}); the checkpoint and its configuration do not fit together")]
    Tensor(candle_core::Error),

    /// Another process has the library open.
    #[error("another Sightline has this library open; close it, or name another one with --library: {}", path.display())]
    LibraryInUse {
        /// The library's folder.
        path: PathBuf,
    },
    /// The library was made by a newer Sightline.
    #[error("this library was written by a newer Sightline (format {found}, this one knows {known}); update Sightline: {}", path.display())]
    NewerLibrary {
        /// The format on disk.
        found: u32,
        /// The newest format this program knows.
        known: u32,
        /// The library's folder.
        path: PathBuf,
    },
    /// The library cannot be used as it is.
    #[error("the library could not be used ({reason}); run `sightline doctor --repair`, which keeps tags, favourites and albums: {}", path.display())]
    BrokenLibrary {
        /// What its storage said.
        reason: String,
        /// The library's folder.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("the disk is full; free some space and run it again, what is done so far is kept: {}", path.display())]
    DiskFull {
        /// The library's folder.
        path: PathBuf,
    },

    /// The hub could not be reached or did not have the file.
    #[error("{what}; {remedy}")]
    Download {
        /// What failed, with the file and the hub's answer.
        what: String,
        /// What the person can do.
        remedy: String,
    },
}

// By hand: thiserror's `from` would also make it the source, and a chain of causes would then say it twice.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

const NO_FILE: &str = "there is no such file; check its name, or plug its drive in";

/// What the system says, without its number.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((said, number)) if number.trim_end_matches(')').parse::<i32>().is_ok() => said.to_owned(),
        _ => text,
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error)
    }
}

impl Error {
    /// A file that is not what it should be.
    pub fn bad_file(path: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::BadFile { what: what.into(), remedy: remedy.into(), path: path.to_owned() }
    }

    /// What kept a file from being read: that it is not there is said without the system's words.
    pub(crate) fn unread(path: &Path, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NoFile { path: path.to_owned() },
            _ => Self::Io(error),
        }
    }

    /// What is wrong with a file, for a list that shows its path anyway.
    pub fn reason(&self) -> String {
        match self {
            Self::BadFile { what, remedy, .. } => format!("{what}; {remedy}"),
            Self::NoFile { .. } => NO_FILE.to_owned(),
            other => other.to_string(),
        }
    }

    /// A request that makes no sense as it stands.
    pub fn bad_request(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::BadRequest { what: what.into(), remedy: remedy.into() }
    }
}

/// One file of a batch that could not be used. It never ends the batch: it is counted and shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// The file.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// What is wrong with it and what to do, in a sentence without a full stop.
    pub reason: String,
}

/// A path as text: bytes that are no UTF-8 become U+FFFD, where serde would refuse the whole document.
pub(crate) fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_said_without_its_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone.png");
        let error = fs_err::read(&path).unwrap_err();
        assert!(error.to_string().contains("os error"), "{error}");
        let said = Error::from(fs_err::read(&path).unwrap_err()).to_string();
        assert!(!said.contains("os error") && said.contains("gone.png"), "{said}");
        let said = Error::unread(&path, error).to_string();
        assert!(said.starts_with("there is no such file; ") && said.ends_with("gone.png"), "{said}");
    }
}
