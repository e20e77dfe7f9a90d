//! How well scores tell defects from good, where the truth is known. In: scores of parts and maps with masks, one part at a
//! time, twice. Out: image and pixel AUROC, AP, F1, AUPRO and AUPIMO. Holds only what is defect, whatever the number of parts.

use super::ranking::Ranking;
use super::region::neighbours;

/// The share of good pixels up to which AUPRO looks (Bergmann et al. 2021).
pub const AUPRO_LIMIT: f64 = 0.3;
/// The shares of pixels of good parts between which AUPIMO looks (Bertoldo et al. 2024).
pub const AUPIMO_LIMITS: (f64, f64) = (1e-5, 1e-4);

/// The figures of a ranking.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Area under the ROC curve.
    pub auroc: f64,
    /// Average precision.
    pub ap: f64,
    /// The best F1.
    pub f1: f64,
    /// The threshold of the best F1.
    pub threshold: f32,
}

impl Figures {
    /// The figures; `None` unless there are good and defect ones.
    pub fn of(ranking: &Ranking) -> Option<Self> {
        let (f1, threshold) = ranking.best_f1()?;
        Some(Self { auroc: ranking.auroc()?, ap: ranking.average_precision()?, f1, threshold })
    }

    /// Those of parts: the scores of defective and of good ones.
    pub fn of_parts(defective: &[f32], good: &[f32]) -> Option<Self> {
        let mut ranking = Ranking::of_defects(defective.iter().map(|score| (*score, 1.0)).collect());
        ranking.add_good(&mut good.to_vec());
        Self::of(&ranking)
    }
}

/// A part's scores and truth, pixel by pixel.
pub struct Truth<'a> {
    /// `width * height` scores, row by row.
    pub scores: &'a [f32],
    /// As many: whether the pixel is defect.
    pub is_defect: &'a [bool],
    /// Pixels of a row.
    pub width: usize,
}

/// The first pass: defects, region by region.
#[derive(Default)]
pub struct Defects {
    pixels: Vec<(f32, f64)>,
    regions: usize,
    /// Of every part with defects, their scores from the highest down.
    by_part: Vec<Vec<f32>>,
}

impl Defects {
    /// Takes the defects of one part.
    pub fn add(&mut self, truth: &Truth<'_>) {
        let mut scores = Vec::new();
        for region in components(truth.is_defect, truth.width) {
            self.regions += 1;
            let weight = 1.0 / region.len() as f64;
            self.pixels.extend(region.iter().map(|at| (truth.scores[*at], weight)));
            scores.extend(region.iter().map(|at| truth.scores[*at]));
        }
        if !scores.is_empty() {
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
            self.by_part.push(scores);
        }
    }

    /// The second pass, in which all parts come again, `good_parts` of them without any defect.
    pub fn second_pass(self, good_parts: usize) -> Pixels {
        let ranking = Ranking::of_defects(self.pixels);
        let highest = Highest { expected: good_parts, ..Highest::default() };
        Pixels { ranking, regions: self.regions, by_part: self.by_part, highest }
    }
}

/// The second pass: what is good, in the parts with defects as well.
pub struct Pixels {
    ranking: Ranking,
    regions: usize,
    by_part: Vec<Vec<f32>>,
    highest: Highest,
}

impl Pixels {
    /// Takes the good pixels of one part.
    pub fn add(&mut self, truth: &Truth<'_>) {
        let is_good = |at: &usize| !truth.is_defect[*at];
        let mut good: Vec<f32> = (0..truth.scores.len()).filter(is_good).map(|at| truth.scores[at]).collect();
        self.ranking.add_good(&mut good);
        if good.len() == truth.scores.len() && !good.is_empty() {
            self.highest.add(&good);
        }
    }

    /// AUROC, AP and F1 of pixels.
    pub fn figures(&self) -> Option<Figures> {
        Figures::of(&self.ranking)
    }

    /// Exact AUPRO up to a rate of false alarms of `limit` (sorted scores, no steps).
    pub fn aupro(&self, limit: f64) -> Option<f64> {
        self.ranking.limited_area(limit, self.regions as f64)
    }

    /// The mean over defective parts of the area under recall over log rate of false alarms on good parts, between
    /// `limits`: AUPIMO (Bertoldo et al. 2024, equation 5), exact. `None` without both, or where good parts have too few
    /// pixels to tell rates so small.
    pub fn aupimo(&self, limits: (f64, f64)) -> Option<f64> {
        let rates = self.highest.rates();
        let areas: Vec<f64> =
            self.by_part.iter().map(|scores| log_area(scores, &rates, limits)).collect::<Option<_>>()?;
        (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
    }
}

/// The highest scores of good parts, as far down as AUPIMO looks.
#[derive(Default)]
struct Highest {
    parts: usize,
    /// How many good parts there will be.
    expected: usize,
    /// Score and share of its part; from the highest down after pruning.
    scores: Vec<(f32, f64)>,
    pruned_at: usize,
}

/// Below so many scores nothing is pruned.
const FEW_SCORES: usize = 1 << 20;

impl Highest {
    /// Takes a good part's scores in rising order.
    fn add(&mut self, rising: &[f32]) {
        self.parts += 1;
        let share = 1.0 / rising.len() as f64;
        self.scores.extend(rising.iter().rev().map(|score| (*score, share)));
        if self.scores.len() > FEW_SCORES.max(2 * self.pruned_at) {
            self.prune();
        }
    }

    /// Drops what lies below every threshold that AUPIMO looks at.
    fn prune(&mut self) {
        self.scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let most = AUPIMO_LIMITS.1 * self.expected as f64;
        let mut sum = 0.0;
        let kept = self.scores.iter().position(|(_, share)| {
            sum += share;
            sum > most
        });
        self.scores.truncate(kept.map_or(self.scores.len(), |last| last + 1));
        self.pruned_at = self.scores.len();
    }

    /// Distinct scores from the highest down, and the mean share of good parts at or above each.
    fn rates(&self) -> Vec<(f32, f64)> {
        let mut scores = self.scores.clone();
        scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut rates, mut sum): (Vec<(f32, f64)>, f64) = (Vec::new(), 0.0);
        for (score, share) in scores {
            sum += share / self.parts as f64;
            match rates.last_mut().filter(|last| last.0 == score) {
                Some(last) => last.1 = sum,
                None => rates.push((score, sum)),
            }
        }
        rates
    }
}

/// The mean of a part's recall over log rates between `limits`; recall steps at the thresholds that good pixels give.
fn log_area(defects: &[f32], rates: &[(f32, f64)], (low, high): (f64, f64)) -> Option<f64> {
    let recall = |threshold: f32| defects.partition_point(|score| *score >= threshold) as f64 / defects.len() as f64;
    let points: Vec<(f64, f64)> = rates.iter().map(|(score, rate)| (rate.ln(), recall(*score))).collect();
    let (low, high) = (low.ln(), high.ln());
    if points.first()?.0 > low || points.last()?.0 < high {
        return None;
    }
    let segment = |pair: &[(f64, f64)]| {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        let (left, right) = (x1.max(low), x2.min(high));
        let at = |x: f64| y1 + (y2 - y1) * (x - x1) / (x2 - x1);
        if right > left { 0.5 * (at(left) + at(right)) * (right - left) } else { 0.0 }
    };
    Some(points.windows(2).map(segment).sum::<f64>() / (high - low))
}

/// The 8-connected components of what is defect, as indices.
pub fn components(is_defect: &[bool], width: usize) -> Vec<Vec<usize>> {
    let mut is_open = is_defect.to_vec();
    let height = is_defect.len().checked_div(width).unwrap_or(0);
    let mut components = Vec::new();
    for seed in 0..is_defect.len() {
        if !std::mem::take(&mut is_open[seed]) {
            continue;
        }
        let mut component = vec![seed];
        let mut next = 0;
        while let Some(&at) = component.get(next) {
            next += 1;
            component.extend(neighbours(at, width, height).filter(|other| std::mem::take(&mut is_open[*other])));
        }
        components.push(component);
    }
    components
}
