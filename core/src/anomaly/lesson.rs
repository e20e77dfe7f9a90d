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
use crate::error::Result;
use crate::models::Encoder;

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

    /// Shows one part: a good one, or for a method that learns from the folder one of the folder.
    ///
    /// # Errors
    /// A picture that the model cannot look at.
    pub fn show(&mut self, name: &str, picture: &RgbImage) -> Result<()> {
        let part = self.names.len();
        let mut views = Vec::new();
        let grid = self.look(picture, part, 0, &mut views)?;
        if self.settings.turns && self.teacher() == Teacher::References {
            for degrees in TURNS {
                self.look(&turned(picture, degrees), part, degrees, &mut views)?;
            }
        }
        self.shown.only = (part == 0 && self.teacher() == Teacher::References).then(|| picture.clone());
        if self.teacher() == Teacher::Folder && self.settings.rescoring {
            self.shown.vectors.push(whole(&*self.encoder, picture)?);
        }
        self.shown.seen.extend(views);
        self.shown.grids.push((grid, picture.dimensions()));
        self.exposures.push(Exposure::of(picture));
        self.names.push(name.to_owned());
        self.known.insert(pixels_hash(picture), part);
        Ok(())
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
