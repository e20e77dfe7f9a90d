//! A picture → what is said of it. In: what was learnt, and pictures. Out: scores, verdicts, maps and regions. Opens no file
//! and starts no thread.

use std::collections::HashMap;
use std::sync::Arc;

use image::RgbImage;

use super::calibrate::{Calibration, OkScore};
use super::combine::{Joint, JointOk, mean, named};
use super::drift::{Drift, Exposure, Gates};
use super::lesson::GoOn;
use super::memory_bank::Origin;
use super::methods::{Memory, Method};
use super::peers::{Peer, Peers, rescored};
use super::region::{Regions, regions, worst_place};
use super::rim::Rim;
use super::score_map::{ScoreGrid, ScoreMap};
use super::settings::Settings;
use super::taught::{Learnt, OkPart};
use super::verdict::Verdict;
use super::views::Eye;
use crate::error::{Error, Result};
use crate::models::{Encoder, ModelIdentity, UnitVector};

/// Judges pictures. Shared by threads as it is.
pub struct Inspector {
    core: Core,
    joint: Joint,
    calibration: Calibration,
}

/// What one look at a picture gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// The scores of its patches as they count: the rim calmed.
    pub grid: ScoreGrid,
    /// Width and height of the picture.
    pub size: (u32, u32),
    /// Parts of the folder that have a say in the score: how like it they are, and what they score. Mostly none.
    pub peers: Vec<Peer>,
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
    /// What each look at it says: of several each by its own threshold, for [`combined_ranks`](super::combined_ranks).
    pub says: Vec<f32>,
    /// What the first look gave.
    pub sight: Sight,
    /// What the others gave.
    pub others: Vec<Sight>,
    /// The median of its patches, of all looks.
    pub median: f32,
    /// Brightness and sharpness.
    pub exposure: Exposure,
}

impl Inspector {
    /// Of looks at the same good parts, which have an equal say in every part's score and map. `go_on` is asked before each.
    ///
    /// # Errors
    /// No good part at all, or none that every look saw; whatever `go_on` says.
    pub fn of(first: Learnt, others: Vec<Learnt>, go_on: GoOn<'_>) -> Result<Self> {
        let (joint, ok_of_others) = Joint::of(&first, others)?;
        let Learnt { core, ok, basis } = first;
        let scored = |part| go_on().map(|()| core.ok_score(&joint, part));
        let ok = joint.ok(&ok, &ok_of_others).iter().map(scored).collect::<Result<_>>()?;
        let mut calibration = Calibration::of(ok, basis, &core.settings).ok_or_else(|| {
            Error::bad_request("the looks have no good part in common", "teach them with the same good parts")
        })?;
        // Sizes alone are the method's usual way to look.
        if !core.settings.combined.is_empty() {
            let names: Vec<String> = [named(&core)].into_iter().chain(joint.names()).collect();
            let note = format!("scores combined of {}: the mean of each over its own threshold", names.join(", "));
            calibration.notes.push(note);
        }
        Ok(Self { core, joint, calibration })
    }

    /// Judges one picture.
    ///
    /// # Errors
    /// A picture that the model cannot look at.
    pub fn judge(&self, picture: &RgbImage) -> Result<Judgement> {
        let (sight, others) = (self.core.sight(picture)?, self.joint.sights(picture)?);
        let exposure = Exposure::of(picture);
        let mut judgement = Judgement {
            score: 0.0,
            p_value: None,
            verdict: Verdict::Pass,
            complaint: self.core.gates.and_then(|gates| gates.complaint(&exposure)),
            says: Vec::new(),
            median: self.core.joint_median(&self.joint, &sight, &others),
            sight,
            others,
            exposure,
        };
        self.judge_again(&mut judgement);
        Ok(judgement)
    }

    /// Score, p-value and verdict from the grids that are there: after a threshold or what counts was changed.
    pub fn judge_again(&self, judgement: &mut Judgement) {
        judgement.says = self.joint.of_sights(self.core.says(&judgement.sight), &judgement.others);
        judgement.score = mean(&judgement.says);
        judgement.p_value = self.calibration.p_value(judgement.score);
        let verdict = Verdict::of(judgement.score, &self.calibration);
        judgement.verdict = if judgement.complaint.is_some() { verdict.max(Verdict::Review) } else { verdict };
    }

    /// The scores of its pixels.
    pub fn map(&self, judgement: &Judgement) -> ScoreMap {
        self.core.map_of(&self.shown_grid(judgement), judgement.sight.size)
    }

    /// The scores of its patches as the map shows them, of all looks on the places of the first.
    pub fn shown_grid(&self, judgement: &Judgement) -> ScoreGrid {
        self.core.joint_eased(&self.joint, &judgement.sight, &judgement.others)
    }

    /// The regions of a map of [`Inspector::map`] as inspectors are shown them: those that reach the thresholds; where none
    /// does and the score does not pass all the same, the worst place, so that it is seen why.
    pub fn shown_regions(&self, judgement: &Judgement, map: &ScoreMap) -> Regions {
        let found = self.regions(map);
        let has_passed = Verdict::of(judgement.score, &self.calibration) == Verdict::Pass;
        if has_passed || !found.regions.is_empty() { found } else { self.worst_place(map) }
    }

    /// The regions of a map that reach the thresholds, worst first, and their mask.
    pub fn regions(&self, map: &ScoreMap) -> Regions {
        // The area was checked with the settings.
        regions(map, self.calibration.regions, self.core.settings.min_area_px().unwrap_or(0.0))
    }

    /// The worst place of a map, however low its score.
    pub fn worst_place(&self, map: &ScoreMap) -> Regions {
        worst_place(map, self.calibration.regions)
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

/// What was learnt, and who looks.
pub(super) struct Core {
    pub encoder: Arc<dyn Encoder>,
    pub settings: Settings,
    pub method: &'static dyn Method,
    pub memory: Box<dyn Memory>,
    pub gates: Option<Gates>,
    pub names: Vec<String>,
    pub known: HashMap<blake3::Hash, usize>,
    pub rim: Rim,
    pub peers: Peers,
}

impl Core {
    pub fn eye(&self) -> Eye<'_> {
        Eye { encoder: &*self.encoder, method: self.method, settings: &self.settings }
    }

    fn part_score(&self, calmed: &ScoreGrid) -> f32 {
        calmed.part_score(self.settings.worst_share, &self.settings.roi)
    }

    fn map_of(&self, eased: &ScoreGrid, size: (u32, u32)) -> ScoreMap {
        eased.map(size, self.settings.sigma_px, &self.settings.roi)
    }

    /// One look at a picture.
    pub fn sight(&self, picture: &RgbImage) -> Result<Sight> {
        let grid = self.rim.calmed(&self.grid(picture)?);
        Ok(Sight { grid, size: picture.dimensions(), peers: self.peers(picture)? })
    }

    /// The part's score by this look alone.
    pub fn says(&self, sight: &Sight) -> f32 {
        rescored(self.part_score(&sight.grid), &sight.peers)
    }

    fn joint_eased(&self, joint: &Joint, own: &Sight, others: &[Sight]) -> ScoreGrid {
        joint.grid(self.rim.eased(&own.grid), others, |other, sight| other.rim.eased(&sight.grid))
    }

    fn joint_median(&self, joint: &Joint, own: &Sight, others: &[Sight]) -> f32 {
        joint.grid(own.grid.clone(), others, |_, sight| sight.grid.clone()).median(&self.settings.roi)
    }

    /// What a good part comes to by all looks.
    fn ok_score(&self, joint: &Joint, part: &JointOk<'_>) -> OkScore {
        let map = self.map_of(&self.joint_eased(joint, part.own, &part.others), part.own.size);
        OkScore::of(part.name, part.score, &map, self.joint_median(joint, part.own, &part.others))
    }

    /// A good part by this look alone, of the raw scores of its patches.
    pub fn ok_part(&self, name: &str, raw: &ScoreGrid, size: (u32, u32)) -> OkPart {
        let grid = self.rim.calmed(raw);
        OkPart { name: name.to_owned(), score: self.part_score(&grid), sight: Sight { grid, size, peers: Vec::new() } }
    }

    /// Which of the parts that were learnt a picture is, where that matters.
    fn left_out(&self, picture: &RgbImage) -> Option<usize> {
        if self.known.is_empty() { None } else { self.known.get(&pixels_hash(picture)).copied() }
    }

    /// The parts of the folder that have a say in a picture's score.
    pub fn peers(&self, picture: &RgbImage) -> Result<Vec<Peer>> {
        if self.peers.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.peers.of(&whole(&*self.encoder, picture)?, self.left_out(picture)))
    }

    /// The raw scores of its patches.
    pub fn grid(&self, picture: &RgbImage) -> Result<ScoreGrid> {
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

/// What a picture looks like as a whole.
pub(super) fn whole(encoder: &dyn Encoder, picture: &RgbImage) -> Result<UnitVector> {
    let vector = encoder.embed_pictures(&[encoder.prepare(picture)?])?.pop();
    vector.ok_or_else(|| Error::NoDirection { model: encoder.identity().id.clone() })
}

/// Sets what shows no part to 0.
pub(super) fn hide(scores: &mut ScoreGrid, is_part: &[bool]) {
    scores.values.iter_mut().zip(is_part).filter(|(_, is_part)| !**is_part).for_each(|(score, _)| *score = 0.0);
}

pub(super) fn pixels_hash(picture: &RgbImage) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&picture.width().to_le_bytes()).update(&picture.height().to_le_bytes()).update(picture.as_raw());
    hasher.finalize()
}
