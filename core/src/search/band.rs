//! How strong a match is among all photos of the library, for this query. In: scores. Out: a word. Knows no model:
//! cosines of a good match differ from model to model and from query to query, so no fixed cosine can say it.
//!
//! The yardstick is the library itself: most of its photos have nothing to do with a query, so the median of the scores
//! and their spread around it (median absolute deviation) say what "nothing to do with it" scores here, and a match is
//! as strong as it stands out from that. What this cannot see: where a query fits half of the library, nothing stands
//! out, and matches that are good are called likely or weak. It says "unusual here", not "right".

use super::Term;
use super::nearest::{Matrix, scores};

/// How far a hit stands out from the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Scores that chance also gives: fewer than 3 deviations above the median.
    Weak,
    /// 3 to 4.5 deviations: of 100,000 photos that have nothing to do with the query, about 135 come this far.
    Likely,
    /// 4.5 deviations or more: about one photo in 300,000 comes this far by chance.
    Strong,
}

// One-sided tails of the normal distribution, which the scores of unrelated photos follow closely enough: 1.3e-3 beyond
// 3, 3.4e-6 beyond 4.5.
const LIKELY: f32 = 3.0;
const STRONG: f32 = 4.5;

/// Fewer photos than this say nothing about what is usual.
const FEWEST: usize = 30;

/// Enough for a median that is right to a fiftieth of the spread, and few enough to cost under a millisecond.
const SAMPLE: usize = 4096;

/// The middle and the spread of a query's scores over the library.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    median: f32,
    deviation: f32,
}

impl Usual {
    /// Of up to 4096 rows, evenly spread over the matrix. `None` for a library that is too small, or whose photos all
    /// score the same.
    pub(super) fn of(matrix: &Matrix<'_>, terms: &[Term]) -> Option<Self> {
        let rows = matrix.rows();
        let sample = rows.min(SAMPLE);
        Self::of_scores(scores(matrix, terms, (0..sample).map(|i| i * rows / sample)))
    }

    fn of_scores(mut scores: Vec<f32>) -> Option<Self> {
        scores.retain(|score| score.is_finite());
        if scores.len() < FEWEST {
            return None;
        }
        let middle = median(&mut scores);
        scores.iter_mut().for_each(|score| *score = (*score - middle).abs());
        // 1.4826 makes it the standard deviation of normally distributed scores (Rousseeuw and Croux 1993).
        let deviation = 1.4826 * median(&mut scores);
        (deviation > 0.0).then_some(Self { median: middle, deviation })
    }

    /// How far a score stands out.
    pub(super) fn band(self, score: f32) -> Band {
        match (score - self.median) / self.deviation {
            z if z >= STRONG => Band::Strong,
            z if z >= LIKELY => Band::Likely,
            _ => Band::Weak,
        }
    }
}

fn median(scores: &mut [f32]) -> f32 {
    let middle = scores.len() / 2;
    *scores.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores 0.00 to 1.00 in hundredths: median 0.50, deviation 1.4826 · 0.25 = 0.37.
    fn even() -> Vec<f32> {
        (0..=100).map(|i| i as f32 / 100.0).collect()
    }

    #[track_caller]
    fn check(scores: Vec<f32>, score: f32, expected: Option<Band>) {
        assert_eq!(Usual::of_scores(scores).map(|usual| usual.band(score)), expected);
    }

    #[test]
    fn what_stands_out_is_strong() {
        check(even(), 2.2, Some(Band::Strong));
        check(even(), 1.7, Some(Band::Likely));
        check(even(), 1.0, Some(Band::Weak));
    }

    #[test]
    fn scores_far_below_are_weak() {
        check(even(), -9.0, Some(Band::Weak));
    }

    #[test]
    fn a_tenth_of_true_matches_does_not_move_the_yardstick() {
        let with_matches = even().into_iter().chain([3.0; 11]).collect();
        check(with_matches, 3.0, Some(Band::Strong));
    }

    #[test]
    fn a_small_library_has_no_bands() {
        check(vec![0.1; 29], 0.9, None);
    }

    #[test]
    fn scores_that_are_all_the_same_have_no_bands() {
        check(vec![0.1; 100], 0.1, None);
    }

    #[test]
    fn scores_that_are_no_numbers_do_not_count() {
        check(even().into_iter().chain([f32::NAN; 50]).collect(), 2.2, Some(Band::Strong));
    }
}
