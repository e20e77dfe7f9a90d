//! How often scores occur. In: parts and good parts. Out: bins between two ends that hold thresholds and all scores. Pure.

use sightline_core::anomaly::Calibration;

use super::Part;

/// Bins between the two ends.
pub const SCORE_BINS: usize = 40;

/// How often scores occur.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The scores at the two ends.
    pub ends: [f32; 2],
    /// Parts of each bin.
    pub parts: [u32; SCORE_BINS],
    /// Good parts of each bin.
    pub good: [u32; SCORE_BINS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { ends: [0.0, 1.0], parts: [0; SCORE_BINS], good: [0; SCORE_BINS] }
    }
}

impl Histogram {
    /// Of these parts, and the good ones that the thresholds come from. The ends do not move with the thresholds.
    pub fn of(rows: &[Part], calibration: &Calibration) -> Self {
        let good = || calibration.ok.iter().map(|part| part.score);
        let parts = || rows.iter().map(|part| part.score);
        let all = || good().chain(parts());
        let lowest = all().fold(f32::INFINITY, f32::min);
        let highest = all().fold(calibration.colours[1], f32::max);
        let lowest = if lowest.is_finite() { lowest.min(highest) } else { 0.0 };
        let margin = 0.04 * (highest - lowest).max(f32::MIN_POSITIVE);
        let ends = [(lowest - margin).max(0.0), highest + margin];
        let mut histogram = Self { ends, ..Self::default() };
        parts().for_each(|score| histogram.parts[bin(ends, score)] += 1);
        good().for_each(|score| histogram.good[bin(ends, score)] += 1);
        histogram
    }

    /// The share of the way from the left end to the right one.
    pub fn place(&self, score: f32) -> f32 {
        let [low, high] = self.ends;
        ((score - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0)
    }

    /// The score at such a place.
    pub fn score(&self, place: f32) -> f32 {
        let [low, high] = self.ends;
        low + place.clamp(0.0, 1.0) * (high - low)
    }
}

fn bin([low, high]: [f32; 2], score: f32) -> usize {
    let place = (score - low) / (high - low).max(f32::MIN_POSITIVE);
    ((place * SCORE_BINS as f32) as usize).min(SCORE_BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::super::parts::tests::result;
    use super::super::thresholds::tests::calibrated;
    use super::super::{Limit, Parts, moved};
    use super::*;

    #[test]
    fn every_part_is_in_one_bin_and_the_ends_hold_them_all() {
        let calibration = calibrated(&[1.0, 1.2, 0.9, 1.1]);
        let mut parts = Parts::default();
        parts.add([0.0, 0.95, 7.0, 700.0].map(|score| result("a", score, None)).to_vec(), &calibration);
        let histogram = &parts.histogram;
        assert_eq!((histogram.parts.iter().sum::<u32>(), histogram.good.iter().sum::<u32>()), (4, 4));
        assert!(histogram.ends[0] == 0.0 && histogram.ends[1] > 700.0, "{:?}", histogram.ends);
        assert_eq!((histogram.parts[0], histogram.parts[SCORE_BINS - 2]), (3, 1));
    }

    #[test]
    fn the_ends_stay_where_they_are_while_a_threshold_moves() {
        let calibration = calibrated(&[1.0, 1.2]);
        let ends = |calibration: &Calibration| Histogram::of(&[], calibration).ends;
        assert_eq!(ends(&calibration), ends(&moved(&calibration, Limit::Review, 1.7)));
    }

    #[test]
    fn places_and_scores_agree() {
        let histogram = Histogram { ends: [2.0, 6.0], ..Histogram::default() };
        assert_eq!((histogram.place(3.0), histogram.score(0.25)), (0.25, 3.0));
        assert_eq!((histogram.place(99.0), histogram.score(-1.0)), (1.0, 2.0));
    }

    #[test]
    fn equal_scores_break_nothing() {
        let histogram = Histogram::of(&[], &calibrated(&[0.0, 0.0]));
        assert!(histogram.ends[0] < histogram.ends[1], "{:?}", histogram.ends);
    }
}
