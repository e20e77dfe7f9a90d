//! How far two vectors of each photo mean the same. In: vectors of the same photos, made in two ways. Out: cosines, and the
//! share of neighbours that both have. Knows not what made them.

use crate::models::UnitVector;

/// Neighbours of each photo that are compared.
const NEIGHBOURS: usize = 10;

/// How two vectors of each photo agree.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// How many photos were compared.
    pub photos: usize,
    /// The smallest cosine between a photo's two vectors.
    pub least_cosine: f32,
    /// The median of the cosines.
    pub median_cosine: f32,
    /// How many neighbours of each photo were looked at; 0 with one photo alone.
    pub neighbours: usize,
    /// The share of them, 0 to 1, that are neighbours both times.
    pub kept_neighbours: f64,
}

impl Agreement {
    /// Compares the vectors of the same photos in the same order; `None` without photos.
    pub(super) fn of(first: &[UnitVector], second: &[UnitVector]) -> Option<Self> {
        let mut cosines: Vec<f32> = first.iter().zip(second).map(|(first, second)| first.cosine(second)).collect();
        cosines.sort_by(f32::total_cmp);
        let (photos, least_cosine) = (cosines.len(), *cosines.first()?);
        let neighbours = NEIGHBOURS.min(photos - 1);
        let (median_cosine, kept_neighbours) = (cosines[photos / 2], kept(first, second, neighbours));
        Some(Self { photos, least_cosine, median_cosine, neighbours, kept_neighbours })
    }
}

/// The share of the `count` nearest of each vector that are the same among the first and among the second.
fn kept(first: &[UnitVector], second: &[UnitVector], count: usize) -> f64 {
    if count == 0 {
        return 1.0;
    }
    let shared = |at: usize| {
        let other = nearest(second, at, count);
        nearest(first, at, count).iter().filter(|neighbour| other.contains(neighbour)).count()
    };
    (0..first.len()).map(shared).sum::<usize>() as f64 / (first.len() * count) as f64
}

/// The nearest others of one vector; of equals the first.
fn nearest(vectors: &[UnitVector], at: usize, count: usize) -> Vec<usize> {
    let others = (0..vectors.len()).filter(|other| *other != at);
    let mut scored: Vec<(f32, usize)> = others.map(|other| (vectors[at].cosine(&vectors[other]), other)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.truncate(count);
    scored.into_iter().map(|(_, other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(angles: &[f32]) -> Vec<UnitVector> {
        angles.iter().filter_map(|angle| UnitVector::normalised(vec![angle.cos(), angle.sin()])).collect()
    }

    #[test]
    fn neighbours_that_change_places_are_no_longer_kept() {
        let first = unit(&[0.0, 0.1, 0.3]);
        assert_eq!(kept(&first, &first, 1), 1.0);
        // The one in the middle comes nearer to the last.
        assert_eq!(kept(&first, &unit(&[0.0, 0.2, 0.3]), 1), 2.0 / 3.0);
        assert_eq!(kept(&first, &unit(&[0.0, 0.2, 0.3]), 2), 1.0);
    }

    #[test]
    fn without_photos_nothing_agrees() {
        assert_eq!(Agreement::of(&[], &[]), None);
        let one = unit(&[0.5]);
        assert_eq!(Agreement::of(&one, &one).map(|agreement| (agreement.photos, agreement.neighbours)), Some((1, 0)));
    }
}
