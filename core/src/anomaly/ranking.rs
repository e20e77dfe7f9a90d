//! Scores with the truth, counted so that memory grows with the defect alone. In: scores of what is defect, then of what is
//! good, in any portions. Out: how both lie among each other. Knows neither pixels nor parts.

/// One distinct score of defects.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    score: f32,
    /// Defects of this score.
    defects: u64,
    /// What they weigh together.
    weight: f64,
    /// Good ones of this very score.
    level_good: u64,
    /// Good ones above this score and below the next higher one of a defect.
    above_good: u64,
}

/// Counts of good and defect by score, in rising order of the defects' scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    levels: Vec<Level>,
    /// Good ones below all defects.
    below_good: u64,
}

/// A point of the curve that a threshold falling through all scores draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The threshold: all of at least this score count as defect.
    pub threshold: f32,
    /// Good ones that count as defect.
    pub false_alarms: u64,
    /// Defects that count as such.
    pub found: u64,
    /// What these weigh together.
    pub weight: f64,
}

impl Ranking {
    /// Takes all defects: a score and a weight each, all finite.
    pub fn of_defects(mut defects: Vec<(f32, f64)>) -> Self {
        defects.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut levels: Vec<Level> = Vec::new();
        for (score, weight) in defects {
            match levels.last_mut().filter(|level| level.score == score) {
                Some(level) => (level.defects, level.weight) = (level.defects + 1, level.weight + weight),
                None => levels.push(Level { score, defects: 1, weight, level_good: 0, above_good: 0 }),
            }
        }
        Self { levels, below_good: 0 }
    }

    /// Counts good ones. Sorts the portion.
    pub fn add_good(&mut self, scores: &mut [f32]) {
        scores.sort_unstable_by(f32::total_cmp);
        // Levels before `at` are below the score.
        let mut at = 0;
        for score in &*scores {
            at += below(&self.levels[at..], *score);
            match self.levels.get_mut(at) {
                Some(level) if level.score == *score => level.level_good += 1,
                _ if at == 0 => self.below_good += 1,
                _ => self.levels[at - 1].above_good += 1,
            }
        }
    }

    /// How many good ones were counted.
    pub fn good(&self) -> u64 {
        self.below_good + self.levels.iter().map(|level| level.level_good + level.above_good).sum::<u64>()
    }

    /// How many defects were counted.
    pub fn defects(&self) -> u64 {
        self.levels.iter().map(|level| level.defects).sum()
    }

    /// The corners of the curve from the highest threshold down: before each level of defects, and at it.
    fn corners(&self) -> impl Iterator<Item = (Point, Point)> {
        let mut at = Point { threshold: f32::INFINITY, false_alarms: 0, found: 0, weight: 0.0 };
        self.levels.iter().rev().map(move |level| {
            at.false_alarms += level.above_good;
            let before = at;
            at.threshold = level.score;
            at.false_alarms += level.level_good;
            at.found += level.defects;
            at.weight += level.weight;
            (before, at)
        })
    }

    /// The chance that a defect scores above a good one, ties counted half: the area under the ROC curve. `None` unless
    /// there are both.
    pub fn auroc(&self) -> Option<f64> {
        let (mut below, mut wins) = (self.below_good, 0_u128);
        for level in &self.levels {
            wins += u128::from(level.defects) * (2 * u128::from(below) + u128::from(level.level_good));
            below += level.level_good + level.above_good;
        }
        let pairs = u128::from(self.defects()) * u128::from(self.good());
        (pairs > 0).then(|| wins as f64 / 2.0 / pairs as f64)
    }

    /// The mean precision over all defects in falling order of their scores: scikit-learn's `average_precision_score`.
    pub fn average_precision(&self) -> Option<f64> {
        let defects = self.defects();
        let mut sum = 0.0;
        for (before, at) in self.corners() {
            let precision = at.found as f64 / (at.found + at.false_alarms) as f64;
            sum += precision * (at.found - before.found) as f64;
        }
        (defects > 0 && self.good() > 0).then(|| sum / defects as f64)
    }

    /// The best F1 that a threshold gives, and the highest such threshold.
    pub fn best_f1(&self) -> Option<(f64, f32)> {
        let defects = self.defects();
        let f1 = |at: &Point| 2.0 * at.found as f64 / (defects + at.found + at.false_alarms) as f64;
        let better = |best: (f64, f32), next: (f64, f32)| if next.0 > best.0 { next } else { best };
        let found = self.corners().map(|(_, at)| (f1(&at), at.threshold)).reduce(better);
        found.filter(|_| self.good() > 0)
    }

    /// The area under weight over rate of false alarms, up to the rate `limit` and divided by it, the weights divided by
    /// `total`. With weights of 1 / size of its region and the number of regions as total this is AUPRO (Bergmann et al.
    /// 2021, section 5.2), exact.
    pub fn limited_area(&self, limit: f64, total: f64) -> Option<f64> {
        let good = self.good() as f64;
        if good == 0.0 || self.levels.is_empty() || total <= 0.0 || limit <= 0.0 {
            return None;
        }
        let rate = |point: &Point| (point.false_alarms as f64 / good, (point.weight / total).min(1.0));
        let (mut area, mut last) = (0.0, (0.0, 0.0));
        let end = std::iter::once((1.0, 1.0));
        for next in self.corners().flat_map(|(before, at)| [rate(&before), rate(&at)]).chain(end) {
            area += trapezoid(last, next, limit);
            last = next;
        }
        Some(area / limit)
    }
}

/// How many of some rising levels are below a score, in steps that double: the next one is most often near.
fn below(levels: &[Level], score: f32) -> usize {
    let mut step = 1;
    while step < levels.len() && levels[step - 1].score < score {
        step *= 2;
    }
    let (first, last) = (step / 2, step.min(levels.len()));
    first + levels[first..last].partition_point(|level| level.score < score)
}

/// The area under a straight line, as far as it lies left of `limit`.
fn trapezoid((x1, y1): (f64, f64), (x2, y2): (f64, f64), limit: f64) -> f64 {
    if x1 >= limit || x2 <= x1 {
        return 0.0;
    }
    if x2 <= limit {
        return 0.5 * (y1 + y2) * (x2 - x1);
    }
    let middle = y1 + (y2 - y1) * (limit - x1) / (x2 - x1);
    0.5 * (y1 + middle) * (limit - x1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranking(defects: &[f32], good: &[f32]) -> Ranking {
        let mut ranking = Ranking::of_defects(defects.iter().map(|score| (*score, 1.0)).collect());
        ranking.add_good(&mut good.to_vec());
        ranking
    }

    #[test]
    fn auroc_counts_pairs() {
        assert_eq!(ranking(&[2.0, 3.0], &[1.0, 3.0]).auroc(), Some(2.5 / 4.0));
        assert_eq!(ranking(&[2.0], &[1.0]).auroc(), Some(1.0));
        assert_eq!(ranking(&[], &[1.0]).auroc(), None);
        assert_eq!(ranking(&[1.0], &[]).auroc(), None);
    }

    #[test]
    fn the_best_threshold_is_a_defects_score() {
        let (f1, threshold) = ranking(&[5.0, 3.0], &[4.0, 1.0]).best_f1().unwrap();
        assert_eq!((f1, threshold), (0.8, 3.0));
    }

    #[test]
    fn a_curve_that_finds_all_at_once_has_all_the_area() {
        assert_eq!(ranking(&[5.0, 5.0], &[4.0, 1.0]).limited_area(0.3, 2.0), Some(1.0));
        assert_eq!(ranking(&[1.0], &[4.0, 5.0]).limited_area(0.3, 1.0), Some(0.0));
    }

    proptest! {
        #[test]
        fn portions_and_their_order_do_not_matter(
            defects in prop::collection::vec(0_u8..20, 1..30),
            good in prop::collection::vec(0_u8..20, 1..60),
            cut in 0_usize..60,
        ) {
            let numbers = |from: &[u8]| from.iter().map(|value| f32::from(*value)).collect::<Vec<_>>();
            let whole = ranking(&numbers(&defects), &numbers(&good));
            let (first, second) = good.split_at(cut.min(good.len()));
            let mut parts = ranking(&numbers(&defects), &numbers(second));
            parts.add_good(&mut numbers(first));
            prop_assert_eq!(&whole, &parts);
            let slow: f64 = defects.iter().flat_map(|d| good.iter().map(move |g| match d.cmp(g) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            })).sum();
            let auroc = whole.auroc().unwrap();
            prop_assert!((auroc - slow / (defects.len() * good.len()) as f64).abs() < 1e-12);
        }
    }
}
