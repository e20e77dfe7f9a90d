//! Scores of good parts alone → thresholds, and what they promise. In: what good parts scored that the memory had not seen.
//! Out: two thresholds of parts, two of pixels, p-values. Never a minimum, never a score of the parts to be judged.

use serde::{Deserialize, Serialize};

use super::bounds::student_quantile;
use super::region::Hysteresis;
use super::score_map::ScoreMap;
use super::settings::Settings;

/// What one good part scored as if it had never been learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OkScore {
    /// The file it is.
    pub name: String,
    /// The part's score.
    pub score: f32,
    /// The highest score of its map.
    pub peak: f32,
    /// The score below which 99 % of its map lie.
    pub upper: f32,
    /// The median of its patches.
    pub median: f32,
}

impl OkScore {
    /// Of a part's score, its map and the median of its patches.
    pub(super) fn of(name: &str, score: f32, map: &ScoreMap, median: f32) -> Self {
        Self { name: name.to_owned(), score, peak: map.peak(), upper: map.quantile(0.99), median }
    }
}

/// How thresholds came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Good parts that the memory had not seen: each reference left out once, and the separate good parts.
    LeaveOneOut,
    /// One reference only: changed copies of it. Nothing is promised, and no part fails.
    Uncalibrated,
    /// The folder itself: most of its parts are taken as good.
    Folder,
}

/// A threshold, and what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Scores above it are on the other side.
    pub score: f32,
    /// The rate of good parts above it that was asked for.
    pub rate: f64,
    /// Whether so many good parts were seen that the rate is promised whatever their distribution; otherwise it is the limit
    /// of a normal distribution.
    pub is_promised: bool,
}

/// What good parts teach about scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// How the thresholds came about.
    pub basis: Basis,
    /// The good parts, in the order given.
    pub ok: Vec<OkScore>,
    /// Above it a part goes to review.
    pub review: Threshold,
    /// Above it a part fails; `None` where nothing can be promised.
    pub fail: Option<Threshold>,
    /// What a region is.
    pub regions: Hysteresis,
    /// The scores at the two ends of the product's colour scale.
    pub colours: [f32; 2],
    /// The smallest rate of good parts to review that so few of them can promise: 1 / (n + 1).
    pub smallest_rate: Option<f64>,
    /// What the person should know.
    pub notes: Vec<String>,
}

impl Calibration {
    /// Learns from what good parts scored; `None` without any. One part alone promises nothing.
    pub fn of(ok: Vec<OkScore>, basis: Basis, settings: &Settings) -> Option<Self> {
        let basis = if basis == Basis::LeaveOneOut && ok.len() == 1 { Basis::Uncalibrated } else { basis };
        let scores: Vec<f32> = ok.iter().map(|part| part.score).collect();
        let peaks: Vec<f32> = ok.iter().map(|part| part.peak).collect();
        let review = threshold(&scores, settings.review_rate)?;
        let fail = threshold(&scores, settings.fail_rate)?;
        let fail = Threshold { score: fail.score.max(review.score), ..fail };
        let high = threshold(&peaks, settings.review_rate)?.score.max(f32::MIN_POSITIVE);
        let upper = median(ok.iter().map(|part| part.upper).collect());
        let usual = median(ok.iter().map(|part| part.median).collect());
        let is_calibrated = basis == Basis::LeaveOneOut;
        let mut calibration = Self {
            basis,
            review,
            fail: (basis != Basis::Uncalibrated).then_some(fail),
            // Half way between what is usual for the worst hundredth of a good part and what no good part reaches.
            regions: Hysteresis { high, low: (0.5 * (upper + high)).min(high) },
            // No good part gets into the upper half of the colours.
            colours: [usual.min(high), high + (high - usual).max(f32::MIN_POSITIVE)],
            smallest_rate: is_calibrated.then(|| 1.0 / (ok.len() + 1) as f64),
            ok,
            notes: Vec::new(),
        };
        calibration.notes = calibration.written_notes();
        Some(calibration)
    }

    /// The share of good parts that would score at least as high: p = (1 + #{sᵢ ≥ s}) / (n + 1) (Vovk et al. 2005). `None`
    /// where nothing is promised.
    pub fn p_value(&self, score: f32) -> Option<f64> {
        let higher = self.ok.iter().filter(|part| part.score >= score).count();
        self.smallest_rate.map(|_| (1 + higher) as f64 / (self.ok.len() + 1) as f64)
    }

    /// Good parts that stand out among the others: to be looked at before they are learnt. By the median's deviation
    /// (Iglewicz and Hoaglin 1993: 3.5).
    pub fn outliers(&self) -> Vec<&OkScore> {
        // Copies of one part, or a folder that nobody has looked at, are no parts known as good.
        if self.basis != Basis::LeaveOneOut || self.ok.len() < 4 {
            return Vec::new();
        }
        let middle = median(self.ok.iter().map(|part| part.score).collect());
        let spread = median(self.ok.iter().map(|part| (part.score - middle).abs()).collect());
        let is_far = |part: &&OkScore| 0.6745 * (part.score - middle) > 3.5 * spread.max(1e-6 * middle);
        self.ok.iter().filter(is_far).collect()
    }

    fn written_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self.basis {
            Basis::Uncalibrated => notes.push(
                "uncalibrated: one good part says nothing about how good parts differ; the threshold comes from changed \
                 copies of it, and no part fails, it only goes to review; give more good parts"
                    .into(),
            ),
            Basis::Folder => notes.push(
                "the thresholds take most parts of this folder as good; they hold for this folder alone".into(),
            ),
            Basis::LeaveOneOut => {
                let extrapolated = [Some(self.review), self.fail].into_iter().flatten().filter(|of| !of.is_promised);
                notes.extend(extrapolated.map(|of| not_achievable(&of, self.ok.len())));
            }
        }
        let outliers = self.outliers().into_iter();
        notes.extend(outliers.map(|part| {
            format!("{} scores {:.4} against the other good parts: look whether it is good", part.name, part.score)
        }));
        notes
    }
}

fn not_achievable(threshold: &Threshold, ok: usize) -> String {
    format!(
        "a false-reject rate of {:.1} % is not achievable with n = {ok} good parts (the smallest is {:.1} %; it needs \
         {:.0}): the threshold {:.4} is the limit of a normal distribution",
        100.0 * threshold.rate,
        100.0 / (ok + 1) as f64,
        (1.0 / threshold.rate - 1.0).ceil(),
        threshold.score,
    )
}

/// The score that a good part exceeds at the rate `rate`: conformal where n ≥ 1 / rate − 1 good parts are there, else the
/// prediction limit of a normal distribution, never below the highest score that was seen. `None` without scores.
pub(super) fn threshold(scores: &[f32], rate: f64) -> Option<Threshold> {
    let mut falling = scores.to_vec();
    falling.sort_by(|a, b| b.total_cmp(a));
    let highest = *falling.first()?;
    // p ≤ rate where at most this many of the good scores are as high.
    let allowed = (rate * (falling.len() + 1) as f64 + 1e-9).floor() as usize;
    if let Some(at) = allowed.checked_sub(1) {
        let score = falling.get(at).copied().unwrap_or(0.0);
        return Some(Threshold { score, rate, is_promised: true });
    }
    Some(Threshold { score: highest.max(normal_limit(scores, rate) as f32), rate, is_promised: false })
}

/// The one-sided prediction limit for one more of normally distributed scores: x̄ + t · s · √(1 + 1/n).
fn normal_limit(scores: &[f32], rate: f64) -> f64 {
    let n = scores.len() as f64;
    let mean = scores.iter().map(|score| f64::from(*score)).sum::<f64>() / n;
    if scores.len() < 2 {
        return mean;
    }
    let variance = scores.iter().map(|score| (f64::from(*score) - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean + student_quantile(1.0 - rate, n - 1.0) * (variance * (1.0 + 1.0 / n)).sqrt()
}

pub(super) fn median(mut values: Vec<f32>) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(scores: &[f32]) -> Vec<OkScore> {
        let part = |score: &f32| OkScore {
            name: format!("{score}.png"),
            score: *score,
            peak: 2.0 * score,
            upper: *score,
            median: 0.5 * score,
        };
        scores.iter().map(part).collect()
    }

    fn calibrated(scores: &[f32]) -> Calibration {
        Calibration::of(ok(scores), Basis::LeaveOneOut, &Settings::default()).unwrap()
    }

    #[test]
    fn with_enough_good_parts_the_rate_is_promised() {
        let scores: Vec<f32> = (1..=99_u8).map(f32::from).collect();
        let found = calibrated(&scores);
        // p of a score above 95 is at most (1 + 4) / 100.
        assert_eq!((found.review.score, found.review.is_promised), (95.0, true));
        assert_eq!(found.fail.map(|fail| (fail.score, fail.is_promised)), Some((99.0, true)));
        assert!(found.p_value(95.5).unwrap() <= 0.05 && found.p_value(95.0).unwrap() > 0.05);
        assert_eq!(found.p_value(1000.0), Some(0.01));
        assert!(found.notes.is_empty(), "{:?}", found.notes);
    }

    #[test]
    fn with_few_good_parts_it_says_what_is_not_achievable() {
        let found = calibrated(&[1.0, 1.2, 0.9, 1.1]);
        assert_eq!(found.smallest_rate, Some(0.2));
        assert!(
            !found.review.is_promised && found.review.score > 1.2 && found.fail.unwrap().score > found.review.score
        );
        assert!(found.notes.iter().any(|note| note.contains("not achievable with n = 4")), "{:?}", found.notes);
    }

    #[test]
    fn the_normal_limit_is_that_of_student() {
        // scipy.stats.t.ppf(0.95, 3) * sqrt(1 + 1/4) * std(ddof=1) + mean of [1, 1.2, 0.9, 1.1] = 1.389679
        assert!((normal_limit(&[1.0, 1.2, 0.9, 1.1], 0.05) - 1.389_679).abs() < 1e-5);
    }

    #[test]
    fn one_good_part_fails_nothing_and_says_so() {
        let found = Calibration::of(ok(&[1.0]), Basis::Uncalibrated, &Settings::default()).unwrap();
        assert!(found.fail.is_none() && found.p_value(2.0).is_none() && found.smallest_rate.is_none());
        assert!(found.notes[0].starts_with("uncalibrated"));
        assert!(Calibration::of(Vec::new(), Basis::LeaveOneOut, &Settings::default()).is_none());
    }

    #[test]
    fn a_reference_that_stands_out_is_named() {
        let found = calibrated(&[1.0, 1.05, 0.95, 1.0, 1.02, 9.0]);
        assert_eq!(found.outliers()[0].name, "9.png");
        assert!(found.notes.iter().any(|note| note.contains("9.png")));
        assert!(calibrated(&[1.0, 1.05, 0.95, 1.0]).outliers().is_empty());
        let copies =
            Calibration::of(ok(&[1.0, 1.0, 1.0, 1.0, 9.0]), Basis::Uncalibrated, &Settings::default()).unwrap();
        assert!(copies.outliers().is_empty());
    }
}
