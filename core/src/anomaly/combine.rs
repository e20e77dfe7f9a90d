//! Several looks at a part (methods, sizes) as one. In: looks that learnt from the same good parts, or scores of all parts.
//! Out: one number a part, one grid a picture. Pure.

use super::calibrate::threshold;
use super::inspector::{Core, Sight};
use super::score_map::ScoreGrid;
use super::taught::{Learnt, OkPart};
use crate::error::{Error, Result};

/// A threshold is never so low that what is over it is no number any more: parts that are all the same score 0. Real ones
/// score a hundredth and more by any method.
const LEAST_LIMIT: f32 = 1e-6;

/// Looks that have a say beside the first one. What each sees is measured by its own threshold for review, which is the same
/// quantile of good parts for all; scores and maps are the means, and calibrated by themselves: a p-value holds as that of
/// any score.
pub(super) struct Joint {
    /// The first look's own threshold.
    limit: f32,
    others: Vec<(Core, f32)>,
}

/// A good part by all looks.
pub(super) struct JointOk<'a> {
    pub name: &'a str,
    pub score: f32,
    pub own: &'a Sight,
    pub others: Vec<Sight>,
}

impl Joint {
    /// Of looks at the same good parts.
    ///
    /// # Errors
    /// A look without any good part.
    pub fn of(first: &Learnt, others: Vec<Learnt>) -> Result<(Self, Vec<Vec<OkPart>>)> {
        let limit = limit(first)?;
        let (mut cores, mut ok) = (Vec::new(), Vec::new());
        for other in others {
            let limit = self::limit(&other)?;
            cores.push((other.core, limit));
            ok.push(other.ok);
        }
        Ok((Self { limit, others: cores }, ok))
    }

    /// The good parts that all looks saw, by all: `own` of the first one, `others` of each other one.
    pub fn ok<'a>(&self, own: &'a [OkPart], others: &[Vec<OkPart>]) -> Vec<JointOk<'a>> {
        own.iter().enumerate().filter_map(|(at, part)| self.ok_part(at, part, others)).collect()
    }

    /// The others saw a part at the same place, or elsewhere under the same name.
    fn ok_part<'a>(&self, at: usize, part: &'a OkPart, others: &[Vec<OkPart>]) -> Option<JointOk<'a>> {
        let of_other = |ok: &Vec<OkPart>| {
            let is_it = |other: &&OkPart| other.name == part.name;
            ok.get(at).filter(is_it).or_else(|| ok.iter().find(is_it)).cloned()
        };
        let others: Vec<OkPart> = others.iter().map(of_other).collect::<Option<_>>()?;
        let says = self.says(part.score, others.iter().map(|other| other.score));
        let others = others.into_iter().map(|other| other.sight).collect();
        Some(JointOk { name: &part.name, score: mean(&says), own: &part.sight, others })
    }

    /// What the others see of a picture.
    pub fn sights(&self, picture: &image::RgbImage) -> Result<Vec<Sight>> {
        self.others.iter().map(|(other, _)| other.sight(picture)).collect()
    }

    /// What each look says of a part, by its threshold; `own` as it is where there is only one.
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
    pub fn grid(&self, own: ScoreGrid, sights: &[Sight], of: impl Fn(&Core, &Sight) -> ScoreGrid) -> ScoreGrid {
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

    /// What is said of each other look.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.others.iter().map(|(other, _)| named(other))
    }
}

/// The score of a part of what the looks at it say.
pub(super) fn mean(says: &[f32]) -> f32 {
    says.iter().sum::<f32>() / says.len().max(1) as f32
}

/// "patch-knn at 448 px".
pub(super) fn named(look: &Core) -> String {
    format!("{} at {} px", look.settings.method, look.settings.size())
}

/// A look's own threshold for review.
fn limit(look: &Learnt) -> Result<f32> {
    let scores: Vec<f32> = look.ok.iter().map(|part| part.score).collect();
    let review = threshold(&scores, look.core.settings.review_rate).ok_or_else(|| {
        Error::bad_request("there is no good part to set the thresholds by", "give at least one picture of a good part")
    })?;
    Ok(review.score.max(LEAST_LIMIT))
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

/// The mean rank of every part of a folder that several looks judged together, of what they say of each; empty where
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
