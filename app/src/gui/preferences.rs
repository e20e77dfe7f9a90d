//! What the window remembers from one start to the next. In and out: a small JSON file in the library's folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightline_core::Result;

use super::state::{Appearance, Shapes};
use super::translate::Language;

/// What is remembered. A file that is missing or damaged counts as none: these are only habits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preferences {
    /// How the window looks.
    #[serde(flatten)]
    pub look: Look,
    #[serde(skip)]
    path: Option<PathBuf>,
}

/// How the window looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Dark, light, or what the system says.
    pub appearance: Appearance,
    /// The language of its words.
    pub language: Language,
    /// How high rows of photos are, in points; `None`: as usual.
    pub row_height: Option<f32>,
    /// Whether photos keep their shapes in the grid.
    pub shapes: Shapes,
}

/// The person's own folder of pictures, if the system names one and it is there.
pub fn pictures_folder() -> Option<PathBuf> {
    let folders = directories::UserDirs::new()?;
    folders.picture_dir().filter(|folder| folder.is_dir()).map(Path::to_owned)
}

impl Preferences {
    /// Those of a library.
    pub fn of(library: &Path) -> Self {
        let path = library.join("window.json");
        let text = fs_err::read_to_string(&path).unwrap_or_default();
        let kept: Self = serde_json::from_str(&text).unwrap_or_default();
        Self { path: Some(path), ..kept }
    }

    /// Keeps them. Those that belong to no library are not kept.
    ///
    /// # Errors
    /// A disk that is full or may not be written to.
    pub fn write(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        Ok(fs_err::write(path, text)?)
    }
}
