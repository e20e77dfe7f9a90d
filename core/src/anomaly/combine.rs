//! Scores of several methods or sizes as one. In: inspectors of the same good parts, or scores of all parts. Out: one
//! number a part. Pure.

use super::calibrate::{Calibration, OkScore};
use super::inspector::Inspector;
use crate::error::{Error, Result};

/// Inspectors that have a say beside another one. Each score is measured by its own threshold for review, which is the same
/// quantile of good parts for all, and the mean is calibrated once more: its p-value holds as that of any score.
#[derive(Default)]
pub(super) struct Joint {
    /// The first inspector's own threshold; 1 where it is alone.
    limit: f32,
    others: Vec<(Inspector, f32)>,
}

impl Joint {
    /// The others, and the calibration of all.
    pub fn of(first: &Inspector, others: Vec<Inspector>) -> Result<(Self, Calibration)> {
        let limit = |inspector: &Inspector| inspector.calibration().review.score.max(f32::MIN_POSITIVE);
        let others: Vec<(Inspector, f32)> = others
            .into_iter()
            .map(|other| {
                let limit = limit(&other);
                (other, limit)
            })
            .collect();
        let joint = Self { limit: limit(first), others };
        let own = first.calibration();
        let ok = own.ok.iter().enumerate().filter_map(|(at, part)| joint.ok_score(at, part)).collect();
        let calibration = Calibration::of(ok, own.basis, first.settings()).ok_or_else(|| {
            Error::bad_request("the inspectors have no good part in common", "teach them with the same good parts")
        })?;
        Ok((joint, calibration))
    }

    /// A good part's score by all: the others calibrated on it as well, under the same name or at the same place.
    fn ok_score(&self, at: usize, part: &OkScore) -> Option<OkScore> {
        let score_of = |(other, limit): &(Inspector, f32)| {
            let ok = &other.calibration().ok;
            let same = ok.get(at).filter(|other| other.name == part.name);
            Some(same.or_else(|| ok.iter().find(|other| other.name == part.name))?.score / limit)
        };
        let others: Option<Vec<f32>> = self.others.iter().map(score_of).collect();
        Some(OkScore { score: self.score(part.score, &others?), ..part.clone() })
    }

    /// What the others say of a picture, each by its own threshold.
    pub fn others(&self, picture: &image::RgbImage) -> Result<Vec<f32>> {
        self.others.iter().map(|(other, limit)| Ok(other.judge(picture)?.score / limit)).collect()
    }

    /// The score of all.
    pub fn score(&self, own: f32, others: &[f32]) -> f32 {
        if others.is_empty() {
            own
        } else {
            (own / self.limit + others.iter().sum::<f32>()) / (others.len() + 1) as f32
        }
    }

    /// What is said of each inspector.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.others.iter().map(|(other, _)| named(other))
    }
}

/// "patch-knn at 448 px".
pub(super) fn named(inspector: &Inspector) -> String {
    format!("{} at {} px", inspector.settings().method, inspector.settings().size)
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
    if looks == 0 {
        return Vec::new();
    }
    let list = |look: usize| parts.iter().map(|says| says[look]).collect();
    combined_ranks(&(0..looks).map(list).collect::<Vec<_>>())
}

fn ranks(scores: &[f32]) -> Vec<f32> {
    let most = scores.len().saturating_sub(1).max(1) as f32;
    let rank = |score: &f32| {
        let below = scores.iter().filter(|other| *other < score).count() as f32;
        let level = scores.iter().filter(|other| *other == score).count() as f32;
        (below + (level - 1.0) / 2.0) / most
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
        assert!(ranks_of(&[vec![], vec![]]).is_empty() && ranks_of(&[]).is_empty());
    }
}
