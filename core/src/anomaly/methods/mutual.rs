//! What the other parts of a folder do not have: no part needs to be known as good. In: raw features of all parts. Out:
//! for each patch its distance to the nearest patch of every other part, the mean of the lowest of these. MuSc (Li et al.
//! 2024, sections 3.2 and 3.3); its re-scoring of whole parts is in `peers`.

use image::RgbImage;

use super::patch_knn::nothing_left;
use super::{Memory, Method, Teacher};
use crate::anomaly::memory_bank::{Allowed, MemoryBank, no_references};
use crate::anomaly::patches::{Patches, averaged, raw, scale_to_unit};
use crate::anomaly::settings::Settings;
use crate::error::{Error, Result};
use crate::models::Encoder;

/// Sides of the squares that features are averaged over (MuSc: 1, 3 and 5).
const SQUARES: [usize; 3] = [1, 3, 5];
/// The share of the other parts that counts, the nearest ones (MuSc: 30 %).
const LOWEST: f64 = 0.3;
/// More parts are not compared with: time grows with the square of their number.
const MOST_PARTS: usize = 48;
/// torch's layer norm adds this to the variance.
const EPSILON: f64 = 1e-5;

/// Mutual scoring.
pub(super) struct Mutual;

impl Method for Mutual {
    fn name(&self) -> &'static str {
        "mutual"
    }

    fn summary(&self) -> &'static str {
        "what the other parts of the folder do not have; needs no good part"
    }

    fn teacher(&self) -> Teacher {
        Teacher::Folder
    }

    fn see(&self, encoder: &dyn Encoder, picture: &RgbImage, settings: &Settings) -> Result<Patches> {
        let mut patches = raw(encoder, picture, settings, &[1, 2, 3, 4])?;
        patches.values.chunks_exact_mut(patches.dim.max(1)).for_each(standardise);
        Ok(patches)
    }

    fn learn(&self, _: &dyn Encoder, parts: &[Patches], _: &Settings) -> Result<Box<dyn Memory>> {
        let shape = parts.first().map(|part| (part.layers, part.dim)).ok_or_else(no_references)?;
        if parts.iter().any(|part| (part.layers, part.dim) != shape) {
            return Err(no_references());
        }
        // Evenly spread over the folder, so that parts of all hours of a day are among them.
        let kept = parts.len().min(MOST_PARTS);
        let parts = (0..kept).map(|at| &parts[at * parts.len() / kept]).map(Other::of).collect::<Result<_>>()?;
        Ok(Box::new(Others { parts }))
    }
}

/// A feature with mean 0 and variance 1: layer norm without weights.
fn standardise(feature: &mut [f32]) {
    let count = feature.len() as f64;
    let mean = feature.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = feature.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (variance + EPSILON).sqrt();
    feature.iter_mut().for_each(|value| *value = ((f64::from(*value) - mean) * scale) as f32);
}

/// One part's unit features of every layer and square.
struct Other {
    part: usize,
    features: Vec<MemoryBank>,
}

impl Other {
    fn of(patches: &Patches) -> Result<Self> {
        let features = squares(patches).into_iter().map(|square| MemoryBank::new(&[square]));
        Ok(Self { part: patches.part, features: features.collect::<Result<_>>()? })
    }
}

fn squares(patches: &Patches) -> Vec<Patches> {
    let shape = (patches.rows, patches.columns, patches.dim);
    let square = |layer: usize, side: usize| {
        let mut values = averaged(patches.layer(layer), shape, side);
        values.chunks_exact_mut(patches.dim.max(1)).for_each(scale_to_unit);
        Patches { layers: 1, values, ..patches.without_values() }
    };
    (0..patches.layers).flat_map(|layer| SQUARES.map(|side| square(layer, side))).collect()
}

struct Others {
    parts: Vec<Other>,
}

impl Memory for Others {
    fn scores(&self, patches: &Patches, left_out: Option<usize>) -> Result<Vec<f32>> {
        let own = squares(patches);
        let others: Vec<&Other> = self.parts.iter().filter(|other| Some(other.part) != left_out).collect();
        if others.is_empty() {
            return Err(nothing_left());
        }
        if others.iter().any(|other| other.features.len() != own.len()) {
            return Err(Error::bad_request(
                "the features are of another model or of other settings than those that were learnt",
                "inspect the folder again",
            ));
        }
        let mut scores = vec![0.0; patches.places()];
        for (at, queries) in own.iter().enumerate() {
            let distances: Vec<Vec<f32>> =
                others.iter().map(|other| nearest(queries, &other.features[at])).collect::<Result<_>>()?;
            for (place, score) in scores.iter_mut().enumerate() {
                let column = distances.iter().map(|distances| distances[place]).collect();
                *score += lowest_mean(column) / own.len() as f32;
            }
        }
        Ok(scores)
    }

    fn features(&self) -> usize {
        self.parts.iter().flat_map(|part| &part.features).map(MemoryBank::len).sum()
    }
}

/// The Euclidean distance of every query to its nearest row, both of unit length: ‖a − b‖² = 2 (1 − cos).
fn nearest(queries: &Patches, rows: &MemoryBank) -> Result<Vec<f32>> {
    let nearest = rows.nearest(queries, Allowed::default())?;
    Ok(nearest.into_iter().map(|nearest| nearest.map_or(2.0, |nearest| (2.0 * nearest.distance).sqrt())).collect())
}

/// The mean of the lowest [`LOWEST`] of some distances, at least one of them.
fn lowest_mean(mut distances: Vec<f32>) -> f32 {
    let count = ((distances.len() as f64 * LOWEST) as usize).max(1);
    distances.sort_by(f32::total_cmp);
    distances[..count].iter().sum::<f32>() / count as f32
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{FakeEncoder, unit_noise};
    use super::*;

    #[test]
    fn only_the_nearest_parts_count() {
        assert_eq!(lowest_mean(vec![9.0, 1.0, 2.0, 3.0, 9.0, 9.0, 9.0]), 1.5);
        assert_eq!(lowest_mean(vec![4.0]), 4.0);
    }

    #[test]
    fn a_patch_that_no_other_part_has_scores_highest() {
        let good = unit_noise(0, (4, 4, 8), 1);
        let mut parts: Vec<Patches> = (0..5).map(|part| good.clone().of_part(part, 0)).collect();
        parts[3].values[5 * 8..6 * 8].iter_mut().for_each(|value| *value = -*value);
        let memory = Mutual.learn(&FakeEncoder, &parts, &Settings::default()).unwrap();
        let scores = memory.scores(&parts[3], Some(3)).unwrap();
        let worst = (0..16).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        assert_eq!(worst, 5, "{scores:?}");
        assert!(memory.scores(&parts[0], Some(0)).unwrap().iter().all(|score| *score < 1e-3));
        assert!(
            Mutual.learn(&FakeEncoder, &parts[..1], &Settings::default()).unwrap().scores(&parts[0], Some(0)).is_err()
        );
    }
}
