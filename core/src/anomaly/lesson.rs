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

/// What was seen of a part, not learnt yet.
pub struct Seen {
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
    /// No part is seen once more bytes of features are held.
    most_bytes: usize,
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
            most_bytes: MOST_BYTES,
        })
    }

    /// What the method learns from.
    pub fn teacher(&self) -> Teacher {
        self.method.teacher()
    }

    /// Shows one part: a good one, or for a method that learns from the folder one of the folder.
    ///
    /// # Errors
    /// As [`Lesson::see`].
    pub fn show(&mut self, name: &str, picture: &RgbImage) -> Result<()> {
        let seen = self.see(picture)?;
        self.keep(name, picture, seen);
        Ok(())
    }

    /// Looks at one part, and does not learn it yet: where several lessons are shown the same, it is for all or for none.
    ///
    /// # Errors
    /// A picture that the model cannot look at, or more parts than memory is meant for.
    pub fn see(&self, picture: &RgbImage) -> Result<Seen> {
        let bytes = |views: &[Patches]| views.iter().map(|view| size_of_val(view.values.as_slice())).sum::<usize>();
        if bytes(&self.shown.seen) > self.most_bytes {
            return Err(Error::bad_request(
                format!("{} good parts are as many as can be learnt", self.names.len()),
                "give fewer, and the others with --ok: they set the thresholds without being learnt",
            ));
        }
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
    pub fn keep(&mut self, name: &str, picture: &RgbImage, seen: Seen) {
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

    /// Ends the lesson: learns.
    ///
    /// # Errors
    /// No part where the method needs one, or a model that cannot be taught this way.
    pub fn end(mut self) -> Result<Taught> {
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
        Taught::new(core, shown, vectors)
    }
}

#[cfg(test)]
mod tests {
    use super::super::inspector::Inspector;
    use super::super::testing::{FAKE_PATCH, FakeEncoder};
    use super::*;

    #[test]
    fn parts_beyond_what_memory_is_meant_for_are_refused_with_the_way_out() {
        let settings = Settings { method: "patch-knn".into(), sizes: vec![64], ..Settings::default() };
        let mut lesson = Lesson::new(Arc::new(FakeEncoder), settings).unwrap();
        let picture = RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9]));
        lesson.most_bytes = 2 * 4 * size_of::<f32>() * (64 / FAKE_PATCH as usize).pow(2);
        for name in ["a", "b", "c"] {
            lesson.show(name, &picture).unwrap();
        }
        let refused = lesson.show("d", &picture).unwrap_err().to_string();
        assert!(refused.contains("3 good parts") && refused.contains("--ok"), "{refused}");
        assert_eq!(
            Inspector::of(lesson.end().unwrap().learnt(Vec::new()).unwrap(), Vec::new()).unwrap().references().len(),
            3
        );
    }
}
