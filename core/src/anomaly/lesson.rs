//! Good parts are shown one after the other → what was learnt. In: pictures and a model. Out: a taught memory, not yet
//! calibrated. Opens no file.

use std::collections::HashMap;
use std::sync::Arc;

use image::RgbImage;

use super::drift::{Exposure, Gates};
use super::inspector::{Core, pixels_hash, whole};
use super::memory_bank::no_references;
use super::methods::{Method, Teacher};
use super::patches::Patches;
use super::peers::Peers;
use super::rim::Rim;
use super::settings::Settings;
use super::taught::{Shown, Taught};
use super::views::{Eye, Grid, TURNS, turned};
use crate::error::{Error, Result};
use crate::models::{Encoder, UnitVector};

/// Features of more good parts are not held: four gigabytes are 200 square parts at 640 pixels by the built-in model.
const MOST_BYTES: usize = 4 << 30;

/// Asked between good parts, which take long where they are large and many: an error ends the work.
pub type GoOn<'a> = &'a dyn Fn() -> Result<()>;

/// What was seen of a part, not learnt yet.
struct Seen {
    views: Vec<Patches>,
    grid: Grid,
    /// What it looks like as a whole, where its likes have a say.
    vector: Option<UnitVector>,
}

/// A lesson: good parts are shown one after the other.
pub struct Lesson {
    encoder: Arc<dyn Encoder>,
    settings: Settings,
    method: &'static dyn Method,
    names: Vec<String>,
    shown: Shown,
    exposures: Vec<Exposure>,
    /// Which part a picture is, by its pixels.
    known: HashMap<blake3::Hash, usize>,
}

impl Lesson {
    /// Begins a lesson.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(encoder: Arc<dyn Encoder>, settings: Settings) -> Result<Self> {
        settings.check()?;
        let method = settings.method()?;
        Ok(Self {
            encoder,
            settings: settings.with_sizes(),
            method,
            names: Vec::new(),
            shown: Shown::default(),
            exposures: Vec::new(),
            known: HashMap::new(),
        })
    }

    /// What the method learns from.
    pub fn teacher(&self) -> Teacher {
        self.method.teacher()
    }

    /// Looks at one part, and does not learn it yet: where several lessons are shown the same, it is for all or for none.
    ///
    /// # Errors
    /// A picture that the model cannot look at.
    fn see(&self, picture: &RgbImage) -> Result<Seen> {
        let part = self.names.len();
        let mut views = Vec::new();
        let grid = self.look(picture, part, 0, &mut views)?;
        if self.settings.turns && self.teacher() == Teacher::References {
            for degrees in TURNS {
                self.look(&turned(picture, degrees), part, degrees, &mut views)?;
            }
        }
        let is_rescored = self.teacher() == Teacher::Folder && self.settings.rescoring;
        let vector = is_rescored.then(|| whole(&*self.encoder, picture)).transpose()?;
        Ok(Seen { views, grid, vector })
    }

    /// Learns a part that was seen as the next one.
    fn keep(&mut self, name: &str, picture: &RgbImage, seen: Seen) {
        let part = self.names.len();
        self.shown.only = (part == 0 && self.teacher() == Teacher::References).then(|| picture.clone());
        self.shown.vectors.extend(seen.vector);
        self.shown.seen.extend(seen.views);
        self.shown.grids.push((seen.grid, picture.dimensions()));
        self.exposures.push(Exposure::of(picture));
        self.names.push(name.to_owned());
        self.known.insert(pixels_hash(picture), part);
    }

    fn look(&self, picture: &RgbImage, part: usize, degrees: u16, views: &mut Vec<Patches>) -> Result<Grid> {
        let eye = Eye { encoder: &*self.encoder, method: self.method, settings: &self.settings };
        eye.look(picture, |view| {
            views.push(view.patches.of_part(part, degrees));
            Ok(())
        })
    }

    /// Ends the lesson: learns. `go_on` is asked before each part is scored as if it had not been learnt.
    ///
    /// # Errors
    /// No part where the method needs one, or a model that cannot be taught this way; whatever `go_on` says.
    pub fn end(mut self, go_on: GoOn<'_>) -> Result<Taught> {
        if self.names.is_empty() && self.teacher() != Teacher::Words {
            return Err(no_references());
        }
        let memory = self.method.learn(&*self.encoder, &self.shown.seen, &self.settings)?;
        let knows_folder = self.teacher() == Teacher::Folder;
        let known = if knows_folder { std::mem::take(&mut self.known) } else { HashMap::new() };
        let gates = Gates::of(&self.exposures);
        let Self { encoder, settings, method, names, mut shown, .. } = self;
        let vectors = std::mem::take(&mut shown.vectors);
        let (rim, peers) = (Rim::default(), Peers::default());
        let core = Core { encoder, settings, method, memory, gates, names, known, rim, peers };
        Taught::new(core, shown, vectors, go_on)
    }
}

/// Whether lessons that are held together have room for one more part.
///
/// # Errors
/// More parts than memory is meant for.
fn check_room(lessons: &[Lesson], most_bytes: usize) -> Result<()> {
    let bytes =
        |lesson: &Lesson| lesson.shown.seen.iter().map(|view| size_of_val(view.values.as_slice())).sum::<usize>();
    let parts = lessons.first().map_or(0, |lesson| lesson.names.len());
    if lessons.iter().map(bytes).sum::<usize>() <= most_bytes {
        return Ok(());
    }
    Err(Error::bad_request(
        format!("{parts} good parts are as many as can be learnt"),
        "give fewer, and the others with --ok: they set the thresholds without being learnt",
    ))
}

/// Shows one part to lessons that are held together: all learn it, or none. A good one, or for methods that learn from the
/// folder one of the folder.
///
/// # Errors
/// A picture that the model cannot look at, or more parts than memory is meant for.
pub fn show_all(lessons: &mut [Lesson], name: &str, picture: &RgbImage) -> Result<()> {
    check_room(lessons, MOST_BYTES)?;
    let seen: Vec<Seen> = lessons.iter().map(|lesson| lesson.see(picture)).collect::<Result<_>>()?;
    lessons.iter_mut().zip(seen).for_each(|(lesson, seen)| lesson.keep(name, picture, seen));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::inspector::Inspector;
    use super::super::testing::{FAKE_PATCH, FakeEncoder};
    use super::*;

    #[test]
    fn parts_beyond_what_memory_is_meant_for_are_refused_with_the_way_out() {
        let settings = Settings { method: "patch-knn".into(), sizes: vec![64], ..Settings::default() };
        let other = Lesson::new(Arc::new(FakeEncoder), settings.clone()).unwrap();
        let mut lesson = Lesson::new(Arc::new(FakeEncoder), settings).unwrap();
        let picture = RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9]));
        let most_bytes = 2 * 4 * size_of::<f32>() * (64 / FAKE_PATCH as usize).pow(2);
        let mut show = |name| {
            check_room(std::slice::from_ref(&lesson), most_bytes)?;
            show_all(std::slice::from_mut(&mut lesson), name, &picture)
        };
        for name in ["a", "b", "c"] {
            show(name).unwrap();
        }
        let refused = show("d").unwrap_err().to_string();
        assert!(refused.contains("3 good parts") && refused.contains("--ok"), "{refused}");
        // Two lessons that are held together share the room.
        let lessons = [lesson, other];
        assert!(check_room(&lessons, 4 * most_bytes).is_ok() && check_room(&lessons, most_bytes).is_err());
        let [lesson, _] = lessons;
        let go_on: GoOn<'_> = &|| Ok(());
        let inspector = Inspector::of(lesson.end(go_on).unwrap().learnt(Vec::new()).unwrap(), Vec::new(), go_on);
        assert_eq!(inspector.unwrap().references().len(), 3);
    }
}
