//! What of a patch the main directions of good patches do not explain. In: raw features of several layers. Out: the
//! squared length of the rest. After SubspaceAD (PCA residual): features are not scaled; each layer has its own subspace.

use candle_core::{Device, Tensor};
use image::RgbImage;
use rayon::prelude::*;

use super::eigen::{Eigen, symmetric_eigen};
use super::moments::{LeftOut, Spread, Sums, from_mean, mean_over_layers, not_alike};
use super::{LATE_QUARTERS, Memory, Method};
use crate::anomaly::patches::{Patches, averaged_layers, raw};
use crate::anomaly::settings::Settings;
use crate::error::Result;
use crate::models::Encoder;

/// So much of the variance the subspace explains (SubspaceAD: 0.99).
const EXPLAINED: f64 = 0.99;

/// PCA residual.
pub(super) struct Subspace;

impl Method for Subspace {
    fn name(&self) -> &'static str {
        "subspace"
    }

    fn summary(&self) -> &'static str {
        "what of each patch the main directions of the good parts do not explain"
    }

    fn see(&self, encoder: &dyn Encoder, picture: &RgbImage, settings: &Settings) -> Result<Patches> {
        Ok(averaged_layers(raw(encoder, picture, settings, LATE_QUARTERS)?, settings.neighbourhood))
    }

    fn learn(&self, _: &dyn Encoder, parts: &[Patches], _: &Settings) -> Result<Box<dyn Memory>> {
        let sums = Sums::of(parts)?;
        let layers = (0..sums.layers()).into_par_iter();
        let spaces = layers.map(|layer| space(&sums, layer, None)).collect::<Result<_>>()?;
        Ok(Box::new(Spaces { spaces, sums, left_out: LeftOut::new() }))
    }
}

/// What the main directions round a mean leave over.
struct Space {
    mean: Vec<f64>,
    /// How many main directions there are.
    rank: usize,
    /// All other directions, orthonormal, `dim − rank × dim`: the rest along them is exact however little is left.
    rest: Tensor,
}

/// The subspace of one layer over all parts but `left_out`.
fn space(sums: &Sums, layer: usize, left_out: Option<usize>) -> Result<Space> {
    let Spread { mean, covariance } = sums.spread(layer, left_out)?;
    let dim = mean.len();
    let Eigen { values, vectors } = symmetric_eigen(covariance, dim);
    let rank = explaining(&values);
    let rest: Vec<f32> = vectors[rank * dim..].iter().map(|value| *value as f32).collect();
    Ok(Space { mean, rank, rest: Tensor::from_vec(rest, (dim - rank, dim), &Device::Cpu)? })
}

/// The smallest number of the largest variances that sum up to [`EXPLAINED`] of all.
fn explaining(variances: &[f64]) -> usize {
    let wanted = EXPLAINED * variances.iter().map(|value| value.max(0.0)).sum::<f64>();
    let mut sum = 0.0;
    let enough = variances.iter().position(|value| {
        sum += value.max(0.0);
        sum >= wanted
    });
    enough.map_or(variances.len(), |last| last + 1)
}

impl Space {
    /// ‖(I − CCᵀ)(x − μ)‖² of every feature: the squares of what lies along the other directions.
    fn residuals(&self, features: &[f32]) -> Result<Vec<f32>> {
        let dim = self.mean.len();
        let places = features.len() / dim.max(1);
        if self.rank == dim {
            return Ok(vec![0.0; places]);
        }
        Ok(from_mean(features, &self.mean)?.matmul(&self.rest.t()?)?.sqr()?.sum(1)?.to_vec1()?)
    }
}

struct Spaces {
    spaces: Vec<Space>,
    sums: Sums,
    left_out: LeftOut<Space>,
}

impl Memory for Spaces {
    fn scores(&self, patches: &Patches, left_out: Option<usize>) -> Result<Vec<f32>> {
        if self.spaces.first().is_none_or(|space| space.mean.len() != patches.dim) {
            return Err(not_alike());
        }
        let learn = |layer: usize| space(&self.sums, layer, left_out);
        let without = left_out.map(|part| self.left_out.without(part, self.spaces.len(), learn)).transpose()?;
        mean_over_layers(without.as_deref().unwrap_or(&self.spaces), patches, Space::residuals)
    }

    fn settle(&mut self) {
        self.sums.settle();
        self.left_out.settle();
    }

    fn features(&self) -> usize {
        self.spaces.iter().map(|space| space.rank).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{FakeEncoder, part};
    use super::*;

    #[test]
    fn what_lies_in_the_plane_scores_nothing_and_what_leaves_it_its_squared_distance() {
        // In the plane z = 1, spread alike along both axes.
        let learnt = vec![1.0, 0.0, 1.0, -1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, -1.0, 1.0];
        let memory = Subspace.learn(&FakeEncoder, &[part(0, (2, 2, 3), learnt)], &Settings::default()).unwrap();
        let scores = memory.scores(&part(1, (1, 2, 3), vec![0.5, 0.25, 1.0, 7.0, 3.0, 3.0]), None).unwrap();
        assert!(scores[0] < 1e-10 && (scores[1] - 4.0).abs() < 1e-5, "{scores:?}");
        assert_eq!(memory.features(), 2);
    }

    #[test]
    fn a_left_out_part_counts_for_nothing() {
        let along = |part_number, values: Vec<f32>| part(part_number, (1, 2, 2), values);
        let parts = [along(0, vec![1.0, 0.0, -1.0, 0.0]), along(1, vec![0.0, 1.0, 0.0, -1.0])];
        let memory = Subspace.learn(&FakeEncoder, &parts, &Settings::default()).unwrap();
        assert!(memory.scores(&parts[1], None).unwrap().iter().all(|score| *score < 1e-10));
        assert_eq!(memory.scores(&parts[1], Some(1)).unwrap(), [1.0, 1.0]);
        let alone = Subspace.learn(&FakeEncoder, &parts[..1], &Settings::default()).unwrap();
        assert!(alone.scores(&parts[0], Some(0)).is_err());
    }
}
