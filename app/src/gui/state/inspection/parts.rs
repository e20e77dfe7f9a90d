//! The parts of a run, worst first. In: results as they come, thresholds as they move. Out: the order, the counts, the part
//! under the cursor. Holds numbers only, so that 100,000 parts fit; the patches' scores of the first of them are kept too.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::Problem;
use sightline_core::anomaly::{Calibration, Judgement, Verdict};
use sightline_core::engine::PartResult;
use sightline_core::index::ContentHash;

use super::{Histogram, verdict};

/// Of so many parts the patches' scores are kept, about 30 kB each at two sizes: their maps are there at once. Others are
/// judged again.
const JUDGEMENTS: usize = 2_000;
/// So many parts that passed are averaged for the drift, as in the core.
const AVERAGED: usize = 20;
/// The chart of the drift has at most so many points; of more, every second one goes.
const POINTS: usize = 400;

/// A part that was judged, and what its file held.
#[derive(Clone)]
pub struct JudgedPart {
    /// Score, verdict and patch scores.
    pub result: PartResult,
    /// `None`: the file could not be read once more.
    pub hash: Option<ContentHash>,
}

/// A part.
pub struct Part {
    /// Its file.
    pub path: PathBuf,
    /// What it held; `None`: the file could not be read once more, and nothing can be said of it.
    pub hash: Option<ContentHash>,
    /// Higher is worse.
    pub score: f32,
    /// By the thresholds as they are now.
    pub verdict: Verdict,
    /// What is wrong with the picture itself.
    pub complaint: Option<&'static str>,
    /// The median of its patches.
    pub median: f32,
    /// How many places are wrong, and the area of the largest in pixels.
    pub regions: (usize, f64),
    /// The scores of its patches, if they are kept.
    pub judgement: Option<Arc<Judgement>>,
}

/// The parts of a run.
#[derive(Default)]
pub struct Parts {
    /// In the order in which they were judged.
    pub rows: Vec<Part>,
    /// Rows, worst first.
    order: Vec<u32>,
    /// Those of the verdict that is looked at.
    pub shown: Vec<u32>,
    /// Only these; `None`: all.
    pub filter: Option<Verdict>,
    /// How many pass, go to review and fail.
    pub counts: [usize; 3],
    /// Files that could not be judged.
    pub problems: Vec<Problem>,
    /// The row of the part that is looked at.
    pub cursor: Option<usize>,
    /// Whether the person chose it.
    pub is_chosen_by_hand: bool,
    /// Scores of good parts and of these.
    pub histogram: Histogram,
    /// The moving average of the medians of parts that passed.
    pub drift: Vec<f64>,
}

impl Parts {
    /// No parts yet, and which of them will be shown.
    pub fn of_filter(filter: Option<Verdict>) -> Self {
        Self { filter, ..Self::default() }
    }

    /// The part that is looked at.
    pub fn chosen(&self) -> Option<&Part> {
        self.rows.get(self.cursor?)
    }

    /// More parts.
    pub fn add(&mut self, judged: Vec<JudgedPart>, calibration: &Calibration) {
        for judged in judged {
            let part = part(judged, self.rows.len() < JUDGEMENTS);
            let row = self.rows.len();
            self.rows.push(part);
            self.insert(row);
        }
        self.judge_again(calibration);
    }

    /// More parts of a folder that is watched: a file that was judged before was replaced, and so is its row.
    pub fn replace(&mut self, judged: Vec<JudgedPart>, calibration: &Calibration) {
        for judged in judged {
            let path = &judged.result.path;
            self.problems.retain(|problem| problem.path != *path);
            match self.rows.iter().position(|part| part.path == *path) {
                None => self.add(vec![judged], calibration),
                Some(row) => {
                    self.order.retain(|other| *other as usize != row);
                    self.rows[row] = part(judged, row < JUDGEMENTS);
                    self.insert(row);
                }
            }
        }
        self.judge_again(calibration);
    }

    /// Puts a row in its place among those that are worse and those that are better.
    fn insert(&mut self, row: usize) {
        let score = self.rows[row].score;
        let place = self.order.partition_point(|other| self.rows[*other as usize].score >= score);
        self.order.insert(place, row as u32);
    }

    /// All verdicts anew, by these thresholds.
    pub fn judge_again(&mut self, calibration: &Calibration) {
        self.counts = [0; 3];
        for part in &mut self.rows {
            part.verdict = verdict(part.score, part.complaint.is_some(), calibration);
            self.counts[part.verdict as usize] += 1;
        }
        self.histogram = Histogram::of(&self.rows, calibration);
        self.drift = drift(&self.rows);
        self.show(self.filter);
    }

    /// Only parts of this verdict.
    pub fn show(&mut self, filter: Option<Verdict>) {
        self.filter = filter;
        let is_shown = |row: &&u32| filter.is_none_or(|verdict| self.rows[**row as usize].verdict == verdict);
        self.shown = self.order.iter().filter(is_shown).copied().collect();
    }

    /// The row so many places further down the list than the one under the cursor.
    pub fn beside(&self, step: isize) -> Option<usize> {
        let place = self.place();
        let next = match place {
            Some(place) => place.saturating_add_signed(step).min(self.shown.len().saturating_sub(1)),
            None => 0,
        };
        self.shown.get(next).map(|row| *row as usize)
    }

    /// Where in the list the part is that is looked at.
    pub fn place(&self) -> Option<usize> {
        let cursor = self.cursor? as u32;
        self.shown.iter().position(|row| *row == cursor)
    }
}

fn part(judged: JudgedPart, keeps_judgement: bool) -> Part {
    let JudgedPart { result: PartResult { path, judgement, regions }, hash } = judged;
    let largest = regions.iter().map(|region| region.area).fold(0.0, f64::max);
    Part {
        path,
        hash,
        score: judgement.score,
        verdict: judgement.verdict,
        complaint: judgement.complaint,
        median: judgement.median,
        regions: (regions.len(), largest),
        judgement: keeps_judgement.then(|| Arc::new(judgement)),
    }
}

/// The moving average over the parts that passed, in the order in which they came.
fn drift(rows: &[Part]) -> Vec<f64> {
    let passed = rows.iter().filter(|part| part.verdict == Verdict::Pass);
    let mut recent = VecDeque::with_capacity(AVERAGED);
    let averages = passed.map(|part| {
        if recent.len() == AVERAGED {
            recent.pop_front();
        }
        recent.push_back(f64::from(part.median));
        recent.iter().sum::<f64>() / recent.len() as f64
    });
    let mut points: Vec<f64> = averages.collect();
    let step = points.len().div_ceil(POINTS).max(1);
    points = points.into_iter().step_by(step).collect();
    points
}

#[cfg(test)]
pub(super) mod tests {
    use sightline_core::anomaly::{Exposure, ScoreGrid, Sight};

    use super::super::thresholds::tests::calibrated;
    use super::super::{Limit, moved};
    use super::*;

    /// A result with this score.
    pub fn result(name: &str, score: f32, complaint: Option<&'static str>) -> JudgedPart {
        let judgement = Judgement {
            score,
            p_value: None,
            verdict: Verdict::Pass,
            complaint,
            says: vec![score],
            sight: Sight {
                grid: ScoreGrid { rows: 1, columns: 1, values: vec![score] },
                size: (8, 8),
                peers: Vec::new(),
            },
            others: Vec::new(),
            median: score,
            exposure: Exposure { brightness: 0.5, sharpness: 1.0 },
        };
        let result = PartResult { path: name.into(), judgement, regions: Vec::new() };
        JudgedPart { result, hash: Some(ContentHash::of(name.as_bytes())) }
    }

    fn parts(calibration: &Calibration) -> Parts {
        let mut parts = Parts::default();
        let scores = [("a", 0.5), ("b", 3.0), ("c", 1.3), ("d", 9.0)];
        for (name, score) in scores {
            parts.add(vec![result(name, score, None)], calibration);
        }
        parts
    }

    fn names(parts: &Parts) -> String {
        parts.shown.iter().map(|row| parts.rows[*row as usize].path.display().to_string()).collect()
    }

    #[test]
    fn parts_are_worst_first_however_they_come() {
        assert_eq!(names(&parts(&calibrated(&[1.0, 1.2, 0.9, 1.1]))), "dbca");
    }

    #[test]
    fn moving_a_threshold_judges_all_again() {
        let calibration = moved(&calibrated(&[1.0, 1.2, 0.9, 1.1]), Limit::Review, 1.0);
        let calibration = moved(&calibration, Limit::Fail, 2.0);
        let mut parts = parts(&calibration);
        assert_eq!(parts.counts, [1, 1, 2]);
        parts.judge_again(&moved(&calibration, Limit::Fail, 5.0));
        assert_eq!(parts.counts, [1, 2, 1]);
        parts.show(Some(Verdict::Review));
        assert_eq!(names(&parts), "bc");
    }

    #[test]
    fn the_cursor_stays_on_its_part_and_steps_down_the_list() {
        let calibration = calibrated(&[1.0, 1.2, 0.9, 1.1]);
        let mut parts = parts(&calibration);
        parts.cursor = parts.beside(0);
        assert_eq!(parts.chosen().unwrap().score, 9.0);
        parts.add(vec![result("e", 99.0, None)], &calibration);
        assert_eq!(parts.chosen().unwrap().score, 9.0);
        parts.cursor = parts.beside(1);
        assert_eq!(parts.chosen().unwrap().score, 3.0);
        parts.cursor = parts.beside(-5);
        assert_eq!(parts.chosen().unwrap().score, 99.0);
    }

    #[test]
    fn a_file_that_was_replaced_has_one_row_at_its_new_place() {
        let calibration = calibrated(&[1.0, 1.2, 0.9, 1.1]);
        let mut parts = parts(&calibration);
        parts.problems.push(Problem { path: "e".into(), reason: "half written".into() });
        parts.replace(vec![result("d", 0.1, None), result("e", 2.0, None)], &calibration);
        assert_eq!((names(&parts).as_str(), parts.counts.iter().sum::<usize>()), ("becad", 5));
        assert!(parts.problems.is_empty());
    }

    #[test]
    fn the_average_follows_parts_that_pass() {
        let calibration = moved(&calibrated(&[1.0, 1.2, 0.9, 1.1]), Limit::Review, 2.0);
        let mut parts = Parts::default();
        for score in [1.0, 2.0, 50.0] {
            parts.add(vec![result("a", score, None)], &calibration);
        }
        assert_eq!(parts.drift, [1.0, 1.5]);
    }
}
