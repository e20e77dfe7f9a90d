//! Thresholds that are moved by hand. In: a calibration and a score. Out: another calibration, and what it promises. Pure.

use sightline_core::anomaly::{Calibration, Threshold, Verdict};

/// One of the two thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Above it a part goes to review.
    Review,
    /// Above it a part fails.
    Fail,
}

/// The calibration with one threshold at this score. The other one makes way: nothing fails that need not be reviewed.
pub fn moved(calibration: &Calibration, limit: Limit, score: f32) -> Calibration {
    let mut moved = calibration.clone();
    let score = if score.is_finite() { score.max(0.0) } else { return moved };
    let at = |score: f32, before: Threshold| match at_most(calibration, score) {
        Some(rate) => Threshold { score, rate, is_promised: true },
        None => Threshold { score, ..before },
    };
    match limit {
        Limit::Review => {
            moved.review = at(score, moved.review);
            moved.fail = moved.fail.map(|fail| if fail.score < score { at(score, fail) } else { fail });
        }
        Limit::Fail => {
            // Where nothing can be promised, no part fails.
            moved.fail = moved.fail.map(|fail| at(score, fail));
            if moved.fail.is_some() && moved.review.score > score {
                moved.review = at(score, moved.review);
            }
        }
    }
    moved
}

/// At most this share of good parts scores above: (1 + #{sᵢ > s}) / (n + 1). `None` where nothing can be promised.
pub fn at_most(calibration: &Calibration, score: f32) -> Option<f64> {
    let higher = calibration.ok.iter().filter(|part| part.score > score).count();
    calibration.smallest_rate.map(|_| (1 + higher) as f64 / (calibration.ok.len() + 1) as f64)
}

/// The verdict on a part: a bad picture goes to review at least.
pub fn verdict(score: f32, has_complaint: bool, calibration: &Calibration) -> Verdict {
    let verdict = Verdict::of(score, calibration);
    if has_complaint { verdict.max(Verdict::Review) } else { verdict }
}

#[cfg(test)]
pub(super) mod tests {
    use sightline_core::anomaly::{Basis, OkScore, Settings};

    use super::*;

    /// What these scores of good parts teach.
    pub fn calibrated(scores: &[f32]) -> Calibration {
        let part = |score: &f32| OkScore {
            name: format!("{score}.png"),
            score: *score,
            peak: 2.0 * score,
            upper: *score,
            median: 0.5 * score,
        };
        let basis = if scores.len() > 1 { Basis::LeaveOneOut } else { Basis::Uncalibrated };
        Calibration::of(scores.iter().map(part).collect(), basis, &Settings::default()).unwrap()
    }

    #[test]
    fn a_threshold_pushes_the_other_one_before_it() {
        let before = calibrated(&[1.0, 1.2, 0.9, 1.1]);
        let review = moved(&before, Limit::Review, 9.0);
        assert_eq!((review.review.score, review.fail.unwrap().score), (9.0, 9.0));
        let fail = moved(&before, Limit::Fail, 0.5);
        assert_eq!((fail.review.score, fail.fail.unwrap().score), (0.5, 0.5));
    }

    #[test]
    fn a_moved_threshold_says_what_it_promises() {
        let before = calibrated(&[1.0, 1.2, 0.9, 1.1]);
        assert_eq!(at_most(&before, 1.2), Some(0.2));
        assert_eq!(at_most(&before, 1.05), Some(0.6));
        assert_eq!(moved(&before, Limit::Review, 1.05).review.rate, 0.6);
    }

    #[test]
    fn with_one_good_part_nothing_fails_wherever_the_threshold_is() {
        let before = calibrated(&[1.0]);
        let after = moved(&before, Limit::Fail, 0.1);
        assert_eq!((after.fail, at_most(&after, 0.1)), (None, None));
        assert_eq!(verdict(5.0, false, &after), Verdict::Review);
    }

    #[test]
    fn a_bad_picture_never_passes() {
        let calibration = calibrated(&[1.0, 1.2, 0.9, 1.1]);
        let verdicts = [false, true].map(|has_complaint| verdict(0.0, has_complaint, &calibration));
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Review]);
    }
}
