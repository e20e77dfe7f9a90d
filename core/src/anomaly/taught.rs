//! What was learnt → one look of an inspector. In: a memory, good parts as they were shown, what more good parts score. Out:
//! what thresholds come from, what the rims of good parts vary by, what likes of a part score: all from each part scored as
//! if it had not been learnt.

use image::RgbImage;

use super::calibrate::{Basis, median};
use super::inspector::{Core, Sight, hide};
use super::lesson::GoOn;
use super::methods::{Memory, Teacher};
use super::patches::Patches;
use super::peers::{Peers, rescored};
use super::rim::{Rim, chessboard};
use super::score_map::ScoreGrid;
use super::views::{Grid, changed};
use crate::error::Result;
use crate::models::UnitVector;

/// What was shown, as long as it takes to calibrate.
#[derive(Default)]
pub(super) struct Shown {
    pub seen: Vec<Patches>,
    /// Of every part its grid and the size of its picture.
    pub grids: Vec<(Grid, (u32, u32))>,
    /// The only part: changed copies of it stand in for others.
    pub only: Option<RgbImage>,
    /// What each part looks like as a whole, where its likes have a say.
    pub vectors: Vec<UnitVector>,
}

/// A good part as if it had not been learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct OkPart {
    /// The file it is.
    pub name: String,
    /// What it scores by this look alone.
    pub score: f32,
    /// What was seen of it.
    pub sight: Sight,
}

/// One look that has learnt, and the good parts that thresholds will come from.
pub struct Learnt {
    pub(super) core: Core,
    pub(super) ok: Vec<OkPart>,
    pub(super) basis: Basis,
}

/// What was learnt, not yet calibrated.
pub struct Taught {
    core: Core,
    shown: Shown,
    /// What each part that was learnt scores without itself; empty where there is one or none.
    own: Vec<OkPart>,
}

impl Taught {
    /// Scores what was shown.
    pub(super) fn new(core: Core, shown: Shown, vectors: Vec<UnitVector>, go_on: GoOn<'_>) -> Result<Self> {
        let mut taught = Self { core, shown, own: Vec::new() };
        taught.score_own(vectors, go_on)?;
        // Nobody asks again, and it is the most of what was shown.
        taught.shown.seen = Vec::new();
        Ok(taught)
    }

    /// What a good part scores that was not learnt.
    ///
    /// # Errors
    /// A picture that the model cannot look at.
    pub fn ok_part(&self, name: &str, picture: &RgbImage) -> Result<OkPart> {
        let mut part = self.core.ok_part(name, &self.core.grid(picture)?, picture.dimensions());
        part.score = rescored(part.score, &self.core.peers(picture)?);
        Ok(part)
    }

    /// What the method learns from.
    pub fn teacher(&self) -> Teacher {
        self.core.method.teacher()
    }

    /// Ends learning: thresholds will come from the parts that were learnt, each left out once, and from `more`.
    ///
    /// # Errors
    /// A picture that the model cannot look at.
    pub fn learnt(self, more: Vec<OkPart>) -> Result<Learnt> {
        let (count, has_more) = (self.core.names.len(), !more.is_empty());
        let (ok, basis) = match self.teacher() {
            Teacher::References if count > 1 => ([self.own, more].concat(), Basis::LeaveOneOut),
            Teacher::References if !has_more => (self.copies()?, Basis::Uncalibrated),
            Teacher::Folder if !has_more && count > 1 => (mostly_good(self.own), Basis::Folder),
            _ => (more, Basis::LeaveOneOut),
        };
        let mut core = self.core;
        // A folder's parts are left out of their own comparison later, too.
        if core.method.teacher() == Teacher::References {
            core.memory.settle();
        }
        Ok(Learnt { core, ok, basis })
    }
}

impl Taught {
    /// Scores every part as if it had not been shown: what the rims of good parts vary by, what likes of a part score, and
    /// what thresholds come from.
    fn score_own(&mut self, vectors: Vec<UnitVector>, go_on: GoOn<'_>) -> Result<()> {
        let count = self.core.names.len();
        let grids = match count {
            0 => return Ok(()),
            1 if self.teacher() == Teacher::References => vec![self.only_grid()?],
            1 => return Ok(()),
            _ => (0..count).map(|part| go_on().and_then(|()| self.own_grid(part))).collect::<Result<_>>()?,
        };
        if self.core.settings.calms_rim {
            self.core.rim = Rim::of(&grids);
        }
        if count == 1 {
            return Ok(());
        }
        let parts = self.core.names.iter().zip(&self.shown.grids).zip(&grids);
        self.own = parts.map(|((name, (_, size)), grid)| self.core.ok_part(name, grid, *size)).collect();
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
    fn copies(&self) -> Result<Vec<OkPart>> {
        let of_copy = |copy: RgbImage| {
            let mut views = Vec::new();
            self.core.eye().look(&copy, |view| {
                views.push(view.patches);
                Ok(())
            })?;
            let grid = self.grid_of_views(&*self.core.memory, 0, None, views.iter())?;
            Ok(self.core.ok_part(&self.core.names[0], &grid, self.shown.grids[0].1))
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

/// The parts of a folder that do not stand out: within three deviations (by the median's) of the middle.
fn mostly_good(parts: Vec<OkPart>) -> Vec<OkPart> {
    let middle = median(parts.iter().map(|part| part.score).collect());
    let spread = median(parts.iter().map(|part| (part.score - middle).abs()).collect());
    // 1.4826 makes it the standard deviation of a normal distribution.
    parts.into_iter().filter(|part| part.score - middle <= 3.0 * 1.4826 * spread).collect()
}
