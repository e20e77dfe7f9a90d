//! Several looks at a part (methods, sizes) as one. In: inspectors of the same good parts, or scores of all parts. Out: one
//! number a part, one grid a picture. Pure.

use super::calibrate::{Calibration, OkScore};
use super::inspector::{Inspector, Sight};
use super::score_map::ScoreGrid;
use super::taught::OkPart;
use crate::error::{Error, Result};

/// A threshold is never so low that what is over it is no number any more: parts that are all the same score 0. Real ones
/// score a hundredth and more by any method.
const LEAST_LIMIT: f32 = 1e-6;

/// Inspectors that have a say beside another one. What each sees is measured by its own threshold for review, which is the
/// same quantile of good parts for all; scores and maps are the means, and calibrated once more: a p-value holds as that of
/// any score.
#[derive(Default)]
pub(super) struct Joint {
    /// The first inspector's own threshold; without a meaning where it is alone.
    limit: f32,
    others: Vec<(Inspector, f32)>,
}

impl Joint {
    /// The others, and the calibration of all.
    pub fn of(first: &Inspector, others: Vec<Inspector>) -> Result<(Self, Calibration)> {
        let limit = |inspector: &Inspector| inspector.calibration().review.score.max(LEAST_LIMIT);
        let with_limit = |other: Inspector| {
            let limit = limit(&other);
            (other, limit)
        };
        let joint = Self { limit: limit(first), others: others.into_iter().map(with_limit).collect() };
        let ok = first.ok().iter().enumerate().filter_map(|(at, part)| joint.ok_score(first, at, part)).collect();
        let calibration = Calibration::of(ok, first.calibration().basis, first.settings()).ok_or_else(|| {
            Error::bad_request("the inspectors have no good part in common", "teach them with the same good parts")
        })?;
        Ok((joint, calibration))
    }

    /// A good part's score by all: the others calibrated on it as well, under the same name or at the same place.
    fn ok_score(&self, first: &Inspector, at: usize, part: &OkPart) -> Option<OkScore> {
        let of_other = |(other, _): &(Inspector, f32)| {
            let ok = other.ok();
            let is_it = |other: &&OkPart| other.score.name == part.score.name;
            ok.get(at).filter(is_it).or_else(|| ok.iter().find(is_it)).cloned()
        };
        let others: Vec<OkPart> = self.others.iter().map(of_other).collect::<Option<_>>()?;
        let says = self.says(part.score.score, others.iter().map(|other| other.score.score));
        let sights: Vec<Sight> = others.into_iter().map(|other| other.sight).collect();
        Some(first.joint_score(self, part, &sights, mean(&says)))
    }

    /// What the others see of a picture.
    pub fn sights(&self, picture: &image::RgbImage) -> Result<Vec<Sight>> {
        self.others.iter().map(|(other, _)| other.sight(picture)).collect()
    }

    /// What each inspector says of a part, by its threshold; `own` as it is where there is only one.
    pub fn of_sights(&self, own: f32, sights: &[Sight]) -> Vec<f32> {
        self.says(own, self.others.iter().zip(sights).map(|((other, _), sight)| other.says(sight)))
    }

    fn says(&self, own: f32, others: impl Iterator<Item = f32>) -> Vec<f32> {
        if self.others.is_empty() {
            return vec![own];
        }
        let others = others.zip(&self.others).map(|(score, (_, limit))| score / limit);
        [own / self.limit].into_iter().chain(others).collect()
    }

    /// The grids of all as one, on the places of `own`; `of` makes a grid of what another one sees.
    pub fn grid(&self, own: ScoreGrid, sights: &[Sight], of: impl Fn(&Inspector, &Sight) -> ScoreGrid) -> ScoreGrid {
        if self.others.is_empty() {
            return own;
        }
        let share = |limit: f32| 1.0 / (limit * (self.others.len() + 1) as f32);
        let mut joint = own;
        joint.values.iter_mut().for_each(|score| *score *= share(self.limit));
        for ((other, limit), sight) in self.others.iter().zip(sights) {
            let seen = of(other, sight).resized(joint.rows, joint.columns);
            joint.values.iter_mut().zip(seen.values).for_each(|(sum, score)| *sum += score * share(*limit));
        }
        joint
    }

    /// What is said of each inspector.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.others.iter().map(|(other, _)| named(other))
    }
}

/// The score of a part of what the looks at it say.
pub(super) fn mean(says: &[f32]) -> f32 {
    says.iter().sum::<f32>() / says.len().max(1) as f32
}

/// "patch-knn at 448 px".
pub(super) fn named(inspector: &Inspector) -> String {
    format!("{} at {} px", inspector.settings().method, inspector.settings().size())
}

/// The mean rank of every part over several lists of scores of the same parts, from 0 (lowest) to 1 (highest): no list
/// counts more because its scores are larger. Ties share their mean rank.
pub fn combined_ranks(lists: &[Vec<f32>]) -> Vec<f32> {
    let parts = lists.iter().map(Vec::len).min().unwrap_or(0);
    let mut sums = vec![0.0; parts];
    for list in lists {
        sums.iter_mut().zip(ranks(&list[..parts])).for_each(|(sum, rank)| *sum += rank / lists.len() as f32);
    }
    sums
}

/// The mean rank of every part of a folder that several inspectors judged together, of what they say of each; empty where
/// there was only one.
pub fn ranks_of(parts: &[Vec<f32>]) -> Vec<f32> {
    let looks = parts.iter().map(Vec::len).min().unwrap_or(0);
    if looks < 2 {
        return Vec::new();
    }
    let list = |look: usize| parts.iter().map(|says| says[look]).collect();
    combined_ranks(&(0..looks).map(list).collect::<Vec<_>>())
}

fn ranks(scores: &[f32]) -> Vec<f32> {
    let most = scores.len().saturating_sub(1).max(1) as f32;
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    let rank = |score: &f32| {
        let below = sorted.partition_point(|other| other < score);
        let level = sorted[below..].partition_point(|other| other <= score);
        (below as f32 + (level as f32 - 1.0) / 2.0) / most
    };
    scores.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_counts_more_because_its_scores_are_larger() {
        let found = combined_ranks(&[vec![1.0, 2.0, 3.0], vec![900.0, 100.0, 100.0]]);
        assert_eq!(found, [0.5, 0.375, 0.625]);
        assert!(combined_ranks(&[]).is_empty());
        assert_eq!(ranks_of(&[vec![1.0, 900.0], vec![2.0, 100.0], vec![3.0, 100.0]]), found);
        assert!(ranks_of(&[vec![3.0], vec![2.0]]).is_empty() && ranks_of(&[]).is_empty());
    }
}
