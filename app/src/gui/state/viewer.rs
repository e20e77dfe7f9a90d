//! The large view.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::engine::Explanation;

/// The large view.
pub struct Viewer {
    /// The file it shows.
    pub path: PathBuf,
    /// How large.
    pub zoom: Zoom,
    /// By how many quarters it is turned to the right.
    pub turns: u8,
    /// Its pixels.
    pub picture: Loaded,
    /// What of it is shown now, if it moves.
    pub motion: Option<Motion>,
    /// Why it matches the query.
    pub why: Why,
}

/// A picture that moves.
pub struct Motion {
    /// What is shown now.
    pub frame: Arc<egui::ColorImage>,
    /// Whether it stands still.
    pub is_paused: bool,
}

/// One of several photos side by side.
pub struct Compared {
    /// Its file.
    pub path: PathBuf,
    /// Its pixels.
    pub picture: Loaded,
}

/// Why a photo matches, once that is asked for.
#[derive(Default)]
pub enum Why {
    /// It is not asked for.
    #[default]
    Unasked,
    /// Not there yet.
    Waiting,
    /// There.
    Ready(Arc<Explanation>),
    /// It cannot be said, and why.
    Failed(String),
}

/// Steps of brightness in a histogram.
pub const BINS: usize = 64;

/// How large the large view shows a photo.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Zoom {
    /// All of it.
    #[default]
    Fit,
    /// One pixel of the photo is so many of the display, each way.
    Times(f32),
}

impl Zoom {
    /// One pixel of the photo is one of the display.
    pub const ACTUAL: Self = Self::Times(1.0);
}

/// A picture that is read in the background.
pub enum Loaded {
    /// Not there yet.
    Waiting,
    /// There.
    Ready(Arc<Picture>),
    /// It cannot be read, and why.
    Failed(String),
}

/// A decoded picture in two sizes, ready for the graphics card.
pub struct Picture {
    /// Small enough to look good when all of it is shown.
    pub fit: Arc<egui::ColorImage>,
    /// As it is in the file, unless a graphics card could not take it.
    pub full: Arc<egui::ColorImage>,
    /// Width and height in the file.
    pub size: (u32, u32),
    /// How many pixels of each brightness, from dark to bright: red, green, blue; the fullest is 1.
    pub histogram: Box<[[f32; BINS]; 3]>,
}
