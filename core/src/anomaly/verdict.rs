//! Score → verdict. In: a score, thresholds and the gates of the picture. Out: pass, review or fail, with the reason. Pure.

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;

/// What is said of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Good.
    Pass,
    /// A person should look.
    Review,
    /// Defective.
    Fail,
}

impl Verdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Review => "review",
            Self::Fail => "fail",
        }
    }

    /// By the two thresholds: a score at a threshold is still on its good side.
    pub fn of(score: f32, calibration: &Calibration) -> Self {
        match &calibration.fail {
            Some(fail) if score > fail.score => Self::Fail,
            _ if score > calibration.review.score => Self::Review,
            _ => Self::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::{Basis, Threshold};
    use super::super::region::Hysteresis;
    use super::*;

    fn calibration(fail: Option<f32>) -> Calibration {
        let threshold = |score| Threshold { score, rate: 0.05, is_promised: true };
        Calibration {
            basis: Basis::LeaveOneOut,
            ok: Vec::new(),
            review: threshold(1.0),
            fail: fail.map(threshold),
            regions: Hysteresis { high: 1.0, low: 0.5 },
            colours: [0.0, 2.0],
            smallest_rate: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn two_thresholds_make_three_verdicts() {
        let both = calibration(Some(2.0));
        let verdicts = [0.5, 1.0, 1.5, 2.0, 2.5].map(|score| Verdict::of(score, &both).name());
        assert_eq!(verdicts, ["pass", "pass", "review", "review", "fail"]);
        assert_eq!(Verdict::of(9.0, &calibration(None)), Verdict::Review);
    }
}
