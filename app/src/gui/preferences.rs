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
    /// Where the window was when it was closed.
    #[serde(default)]
    pub place: Option<Place>,
    /// Who decides about parts; empty: nobody said.
    #[serde(default)]
    pub operator: String,
    #[serde(skip)]
    path: Option<PathBuf>,
}

/// Where the window is, in points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Width and height without its frame.
    pub size: [f32; 2],
    /// Whether it fills the screen.
    pub is_maximized: bool,
    /// How much larger than usual everything in it is.
    #[serde(default = "usual_zoom")]
    pub zoom: f32,
}

impl Place {
    /// The usual size of a window, and the least.
    const USUAL: [f32; 2] = [1280.0, 800.0];
    /// The least size of a window.
    pub const LEAST: [f32; 2] = [640.0, 420.0];

    /// Whether a window can be so: the file is the person's to edit.
    fn is_usable(&self) -> bool {
        self.size.iter().zip(Self::LEAST).all(|(side, least)| (least..16_384.0).contains(side))
            && (0.2..=5.0).contains(&self.zoom)
    }

    /// Where a window is now; `before` keeps the size that a window which fills the screen goes back to. `None` where the
    /// system does not say.
    pub fn of(viewport: &egui::ViewportInfo, zoom: f32, before: Option<Self>) -> Option<Self> {
        let is_maximized = viewport.maximized.unwrap_or(false) || viewport.fullscreen.unwrap_or(false);
        let usual = before.map_or(Self::USUAL, |place| place.size);
        let size = if is_maximized { usual } else { (viewport.inner_rect?.size() * zoom).into() };
        Some(Self { size, is_maximized, zoom })
    }
}

fn usual_zoom() -> f32 {
    1.0
}

impl Default for Place {
    fn default() -> Self {
        Self { size: Self::USUAL, is_maximized: false, zoom: usual_zoom() }
    }
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
    /// Whether nothing shall move by itself; `None`: as the system says.
    pub calm: Option<bool>,
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
        Self { path: Some(path), place: kept.place.filter(Place::is_usable), ..kept }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Option<Place> {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("window.json"), text).unwrap();
        Preferences::of(folder.path()).place
    }

    #[test]
    fn where_the_window_was_is_kept_and_nonsense_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { size: [900.0, 700.0], is_maximized: true, zoom: 1.25 };
        Preferences { place: Some(place), ..Preferences::of(folder.path()) }.write().unwrap();
        assert_eq!(Preferences::of(folder.path()).place, Some(place));
        assert_eq!(kept(r#"{"place": {"size": [10, 10], "is_maximized": false}}"#), None);
        assert_eq!(kept(r#"{"place": {"size": [900, 1e30], "is_maximized": false}}"#), None);
        assert_eq!(kept("{"), None);
    }

    #[test]
    fn who_decides_is_kept_and_an_older_file_names_nobody() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("window.json"), "{}").unwrap();
        assert_eq!(Preferences::of(folder.path()).operator, "");
        Preferences { operator: "Anna".into(), ..Preferences::of(folder.path()) }.write().unwrap();
        assert_eq!(Preferences::of(folder.path()).operator, "Anna");
    }

    #[test]
    fn a_window_that_fills_the_screen_keeps_the_size_it_goes_back_to() {
        let before = Some(Place { size: [900.0, 700.0], ..Place::default() });
        let filled = egui::ViewportInfo { maximized: Some(true), ..Default::default() };
        let place = Place::of(&filled, 1.0, before).unwrap();
        assert!(place.is_maximized && place.size == [900.0, 700.0]);
        let rect = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(500.0, 400.0));
        let zoomed = egui::ViewportInfo { inner_rect: Some(rect), ..Default::default() };
        assert_eq!(Place::of(&zoomed, 2.0, before).unwrap().size, [1000.0, 800.0]);
        assert_eq!(Place::of(&egui::ViewportInfo::default(), 1.0, before), None);
    }
}
