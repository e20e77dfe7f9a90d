//! Good parts → an inspector; a picture → what is said of it. In: pictures and a model. Out: scores, verdicts, maps and
//! regions. Opens no file and starts no thread.

use std::collections::HashMap;
use std::sync::Arc;

use image::RgbImage;

use super::calibrate::{Basis, Calibration, OkScore, median};
use super::drift::{Drift, Exposure, Gates};
use super::memory_bank::{Origin, no_references};
use super::methods::{Memory, Method, Teacher};
use super::patches::Patches;
use super::peers::{Peer, Peers, rescored};
use super::region::{Regions, regions};
use super::rim::{Rim, chessboard};
use super::score_map::{ScoreGrid, ScoreMap};
use super::settings::Settings;
use super::verdict::Verdict;
use super::views::{Eye, Grid, TURNS, changed, turned};
use crate::error::{Error, Result};
use crate::models::{Encoder, ModelIdentity, UnitVector};

/// What was shown, as long as it takes to calibrate.
#[derive(Default)]
struct Shown {
    seen: Vec<Patches>,
    /// Of every part its grid and the size of its picture.
    grids: Vec<(Grid, (u32, u32))>,
    /// The only part: changed copies of it stand in for others.
    only: Option<RgbImage>,
    /// What each part looks like as a whole, where its likes have a say.
    vectors: Vec<UnitVector>,
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
            settings,
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
        let mut taught = Taught { core, shown, own: Vec::new() };
        taught.score_own(vectors)?;
        Ok(taught)
    }
}

/// What a picture looks like as a whole.
fn whole(encoder: &dyn Encoder, picture: &RgbImage) -> Result<UnitVector> {
    let vector = encoder.embed_pictures(&[encoder.prepare(picture)?])?.pop();
    vector.ok_or_else(|| Error::NoDirection { model: encoder.identity().id.clone() })
}

/// Sets what shows no part to 0.
fn hide(scores: &mut ScoreGrid, is_part: &[bool]) {
    scores.values.iter_mut().zip(is_part).filter(|(_, is_part)| !**is_part).for_each(|(score, _)| *score = 0.0);
}

fn pixels_hash(picture: &RgbImage) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&picture.width().to_le_bytes()).update(&picture.height().to_le_bytes()).update(picture.as_raw());
    hasher.finalize()
}

/// What was learnt, not yet calibrated.
pub struct Taught {
    core: Core,
    shown: Shown,
    /// What each part that was learnt scores without itself; empty where there is one or none.
    own: Vec<OkScore>,
}

struct Core {
    encoder: Arc<dyn Encoder>,
    settings: Settings,
    method: &'static dyn Method,
    memory: Box<dyn Memory>,
    gates: Option<Gates>,
    names: Vec<String>,
    known: HashMap<blake3::Hash, usize>,
    rim: Rim,
    peers: Peers,
}

impl Core {
    fn eye(&self) -> Eye<'_> {
        Eye { encoder: &*self.encoder, method: self.method, settings: &self.settings }
    }

    fn part_score(&self, grid: &ScoreGrid) -> f32 {
        self.rim.calmed(grid).part_score(self.settings.worst_share, &self.settings.roi)
    }

    fn ok_score(&self, name: &str, grid: &ScoreGrid, size: (u32, u32)) -> OkScore {
        let map = grid.map(size, self.settings.sigma_px, &self.settings.roi);
        OkScore {
            name: name.to_owned(),
            score: self.part_score(grid),
            peak: map.peak(),
            upper: map.quantile(0.99),
            median: grid.median(&self.settings.roi),
        }
    }

    /// Which of the parts that were learnt a picture is, where that matters.
    fn left_out(&self, picture: &RgbImage) -> Option<usize> {
        if self.known.is_empty() { None } else { self.known.get(&pixels_hash(picture)).copied() }
    }

    /// The parts of the folder that have a say in a picture's score.
    fn peers(&self, picture: &RgbImage) -> Result<Vec<Peer>> {
        if self.peers.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.peers.of(&whole(&*self.encoder, picture)?, self.left_out(picture)))
    }

    fn grid(&self, picture: &RgbImage) -> Result<ScoreGrid> {
        let left_out = self.left_out(picture);
        let mut scored = Vec::new();
        let grid = self.eye().look(picture, |view| {
            let scores = self.memory.scores(&view.patches, left_out)?;
            for (place, score) in scores.into_iter().enumerate() {
                let (row, column) = view.patches.position(place);
                if view.rows.contains(&row) && view.columns.contains(&column) {
                    scored.push((row, column, score));
                }
            }
            Ok(())
        })?;
        let mut scores =
            ScoreGrid { rows: grid.rows, columns: grid.columns, values: vec![0.0; grid.rows * grid.columns] };
        scored.into_iter().for_each(|(row, column, score)| scores.values[row * grid.columns + column] = score);
        if scores.values.iter().any(|score| !score.is_finite()) {
            return Err(Error::NoDirection { model: self.encoder.identity().id.clone() });
        }
        hide(&mut scores, &grid.is_part);
        Ok(scores)
    }
}

impl Taught {
    /// What a good part scores that was not learnt.
    ///
    /// # Errors
    /// A picture that the model cannot look at.
    pub fn ok_score(&self, name: &str, picture: &RgbImage) -> Result<OkScore> {
        let mut score = self.core.ok_score(name, &self.core.grid(picture)?, picture.dimensions());
        score.score = rescored(score.score, &self.core.peers(picture)?);
        Ok(score)
    }

    /// What the method learns from.
    pub fn teacher(&self) -> Teacher {
        self.core.method.teacher()
    }

    /// Calibrates on what good parts scored: those that were learnt, each left out once, and `more`.
    ///
    /// # Errors
    /// No good part at all.
    pub fn calibrated(self, more: Vec<OkScore>) -> Result<Inspector> {
        let (count, has_more) = (self.core.names.len(), !more.is_empty());
        let (ok, basis) = match self.teacher() {
            Teacher::References if count > 1 => ([self.own.clone(), more].concat(), Basis::LeaveOneOut),
            Teacher::References if !has_more => (self.scores_of_copies()?, Basis::Uncalibrated),
            Teacher::Folder if !has_more && count > 1 => (mostly_good(self.own.clone()), Basis::Folder),
            _ if more.len() == 1 => (more, Basis::Uncalibrated),
            _ => (more, Basis::LeaveOneOut),
        };
        let core = self.core;
        let calibration = Calibration::of(ok, basis, &core.settings).ok_or_else(no_ok_part)?;
        Ok(Inspector { core, calibration })
    }
}

impl Taught {
    /// Scores every part as if it had not been shown: what the rims of good parts vary by, what likes of a part score, and
    /// what thresholds come from.
    fn score_own(&mut self, vectors: Vec<UnitVector>) -> Result<()> {
        let count = self.core.names.len();
        let grids = match count {
            0 => return Ok(()),
            1 if self.teacher() == Teacher::References => vec![self.only_grid()?],
            1 => return Ok(()),
            _ => (0..count).map(|part| self.own_grid(part)).collect::<Result<_>>()?,
        };
        if self.core.settings.calms_rim {
            self.core.rim = Rim::of(&grids);
        }
        if count == 1 {
            return Ok(());
        }
        let parts = self.core.names.iter().zip(&self.shown.grids).zip(&grids);
        self.own = parts.map(|((name, (_, size)), grid)| self.core.ok_score(name, grid, *size)).collect();
        if vectors.is_empty() {
            return Ok(());
        }
        self.core.peers = Peers::new(vectors, self.own.iter().map(|part| part.score).collect());
        for (part, peers) in self.own.iter_mut().zip(self.core.peers.of_each()) {
            part.score = rescored(part.score, &peers);
        }
        Ok(())
    }

    fn own_grid(&self, part: usize) -> Result<ScoreGrid> {
        let is_its = |view: &&Patches| view.part == part && view.degrees == 0;
        self.grid_of_views(&*self.core.memory, part, Some(part), self.shown.seen.iter().filter(is_its))
    }

    /// The only part scored without itself: each half of a chessboard by the other.
    fn only_grid(&self) -> Result<ScoreGrid> {
        let blocks: Vec<Patches> =
            self.shown.seen.iter().filter(|view| view.degrees == 0).flat_map(chessboard).collect();
        if blocks.iter().all(|block| block.part == 0) {
            // A part of one block has no other half: its rim is like the rest.
            let (grid, _) = &self.shown.grids[0];
            return Ok(ScoreGrid {
                rows: grid.rows,
                columns: grid.columns,
                values: vec![0.0; grid.rows * grid.columns],
            });
        }
        let memory = self.core.method.learn(&*self.core.encoder, &blocks, &self.core.settings)?;
        let half = |colour: usize| {
            let blocks = blocks.iter().filter(move |block| block.part == colour);
            self.grid_of_views(&*memory, 0, Some(colour), blocks)
        };
        let (mut grid, other) = (half(0)?, half(1)?);
        // A place of the other colour was not scored.
        grid.values.iter_mut().zip(other.values).for_each(|(score, other)| *score = score.max(other));
        Ok(grid)
    }

    /// What changed copies of the only part score.
    fn scores_of_copies(&self) -> Result<Vec<OkScore>> {
        let of_copy = |copy: RgbImage| {
            let mut views = Vec::new();
            self.core.eye().look(&copy, |view| {
                views.push(view.patches);
                Ok(())
            })?;
            let grid = self.grid_of_views(&*self.core.memory, 0, None, views.iter())?;
            Ok(self.core.ok_score(&self.core.names[0], &grid, self.shown.grids[0].1))
        };
        self.shown.only.iter().flat_map(changed).map(of_copy).collect()
    }

    fn grid_of_views<'a>(
        &self,
        memory: &dyn Memory,
        part: usize,
        left_out: Option<usize>,
        views: impl Iterator<Item = &'a Patches>,
    ) -> Result<ScoreGrid> {
        let (grid, _) = &self.shown.grids[part];
        let (rows, columns) = (grid.rows, grid.columns);
        let mut scores = ScoreGrid { rows, columns, values: vec![0.0; rows * columns] };
        for view in views {
            // Tiles overlap; that a place keeps its last score is near enough for a threshold.
            for (place, score) in memory.scores(view, left_out)?.into_iter().enumerate() {
                let (row, column) = view.position(place);
                if row < rows && column < columns {
                    scores.values[row * columns + column] = score;
                }
            }
        }
        hide(&mut scores, &grid.is_part);
        Ok(scores)
    }
}

fn no_ok_part() -> Error {
    Error::bad_request("there is no good part to set the thresholds by", "give at least one picture of a good part")
}

/// The parts of a folder that do not stand out: within three deviations (by the median's) of the middle.
fn mostly_good(parts: Vec<OkScore>) -> Vec<OkScore> {
    let middle = median(parts.iter().map(|part| part.score).collect());
    let spread = median(parts.iter().map(|part| (part.score - middle).abs()).collect());
    // 1.4826 makes it the standard deviation of a normal distribution.
    parts.into_iter().filter(|part| part.score - middle <= 3.0 * 1.4826 * spread).collect()
}

/// Judges pictures. Shared by threads as it is.
pub struct Inspector {
    core: Core,
    calibration: Calibration,
}

/// What is said of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The part's score: higher is worse.
    pub score: f32,
    /// The share of good parts that would score as high; `None` where nothing can be promised.
    pub p_value: Option<f64>,
    /// Pass, review or fail.
    pub verdict: Verdict,
    /// What is wrong with the picture itself: then it goes to review at least.
    pub complaint: Option<&'static str>,
    /// The scores of its patches.
    pub grid: ScoreGrid,
    /// The median of its patches.
    pub median: f32,
    /// Brightness and sharpness.
    pub exposure: Exposure,
    /// Width and height of the picture.
    pub size: (u32, u32),
    /// Parts of the folder that have a say in the score: how like it they are, and what they score. Mostly none.
    pub peers: Vec<Peer>,
}

impl Inspector {
    /// Judges one picture.
    ///
    /// # Errors
    /// A picture that the model cannot look at.
    pub fn judge(&self, picture: &RgbImage) -> Result<Judgement> {
        let grid = self.core.grid(picture)?;
        let exposure = Exposure::of(picture);
        let mut judgement = Judgement {
            score: 0.0,
            p_value: None,
            verdict: Verdict::Pass,
            complaint: self.core.gates.and_then(|gates| gates.complaint(&exposure)),
            median: grid.median(&self.core.settings.roi),
            grid,
            exposure,
            size: picture.dimensions(),
            peers: self.core.peers(picture)?,
        };
        self.judge_again(&mut judgement);
        Ok(judgement)
    }

    /// Score, p-value and verdict from the grid that is there: after a threshold or what counts was changed.
    pub fn judge_again(&self, judgement: &mut Judgement) {
        judgement.score = rescored(self.core.part_score(&judgement.grid), &judgement.peers);
        judgement.p_value = self.calibration.p_value(judgement.score);
        let verdict = Verdict::of(judgement.score, &self.calibration);
        judgement.verdict = if judgement.complaint.is_some() { verdict.max(Verdict::Review) } else { verdict };
    }

    /// The scores of its pixels.
    pub fn map(&self, judgement: &Judgement) -> ScoreMap {
        judgement.grid.map(judgement.size, self.core.settings.sigma_px, &self.core.settings.roi)
    }

    /// The regions of a map of [`Inspector::map`], worst first, and their mask.
    pub fn regions(&self, map: &ScoreMap) -> Regions {
        // The area was checked with the settings.
        regions(map, self.calibration.regions, self.core.settings.min_area_px().unwrap_or(0.0))
    }

    /// For every place of the picture's grid the good patch it was compared with; empty for a method that has none.
    ///
    /// # Errors
    /// As [`Inspector::judge`].
    pub fn compared_with(&self, picture: &RgbImage) -> Result<Vec<Option<Origin>>> {
        let mut found = Vec::new();
        let grid = self.core.eye().look(picture, |view| {
            let origins = self.core.memory.compared_with(&view.patches)?;
            found.extend(origins.into_iter().enumerate().map(|(place, origin)| (view.patches.position(place), origin)));
            Ok(())
        })?;
        let mut origins = vec![None; if found.is_empty() { 0 } else { grid.rows * grid.columns }];
        for ((row, column), origin) in found {
            if row < grid.rows && column < grid.columns {
                origins[row * grid.columns + column] = origin;
            }
        }
        Ok(origins)
    }

    /// Thresholds, and what they promise.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Takes other thresholds: those that a person set, or a product's own.
    pub fn set_calibration(&mut self, calibration: Calibration) {
        self.calibration = calibration;
    }

    /// How it looks and judges.
    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// The parts that were learnt, in the order of [`Origin::part`].
    pub fn references(&self) -> &[String] {
        &self.core.names
    }

    /// How many features are remembered.
    pub fn features(&self) -> usize {
        self.core.memory.features()
    }

    /// The model that looks.
    pub fn model(&self) -> &ModelIdentity {
        self.core.encoder.identity()
    }

    /// A fresh count of drift, from what is usual for the good parts.
    pub fn drift(&self) -> Drift {
        let medians: Vec<f32> = self.calibration.ok.iter().map(|part| part.median).collect();
        Drift::of(&medians)
    }
}
