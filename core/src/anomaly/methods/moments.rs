//! Sums of which the mean and the covariance of features are made, part by part, so that one can be left out. In: features.
//! Out: means and covariances in f64.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::anomaly::memory_bank::no_references;
use crate::anomaly::patches::Patches;
use crate::error::{Error, Result};

use super::patch_knn::nothing_left;

/// The sums of one layer.
#[derive(Clone)]
struct Moments {
    count: f64,
    sum: Vec<f64>,
    /// Σ x xᵀ, `dim × dim`.
    products: Vec<f64>,
}

/// Where features lie and how they vary.
pub(super) struct Spread {
    pub mean: Vec<f64>,
    /// `dim × dim`.
    pub covariance: Vec<f64>,
}

/// What is known without one part, for every layer. The newest is kept: the views of a part are scored one after the other,
/// and what it takes to leave a part out is the same for all.
pub(super) struct LeftOut<T> {
    newest: Mutex<Option<(usize, Arc<Vec<T>>)>>,
}

impl<T> LeftOut<T> {
    pub fn new() -> Self {
        Self { newest: Mutex::new(None) }
    }

    /// Forgets it.
    pub fn settle(&mut self) {
        *self = Self::new();
    }

    /// What is known without `part`; `learn` finds it for a layer.
    ///
    /// # Errors
    /// Those of `learn`.
    pub fn without(&self, part: usize, layers: usize, learn: impl Fn(usize) -> Result<T> + Sync) -> Result<Arc<Vec<T>>>
    where
        T: Send + Sync,
    {
        let newest = || self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, known)) = &*newest()
            && *of == part
        {
            return Ok(Arc::clone(known));
        }
        // Not under the lock: a thread that waits for the others may be given work that asks for it.
        let known = Arc::new((0..layers).into_par_iter().map(&learn).collect::<Result<Vec<T>>>()?);
        *newest() = Some((part, Arc::clone(&known)));
        Ok(known)
    }
}

/// The sums of every layer, of all parts and of each: those of one are taken off to leave it out.
pub(super) struct Sums {
    total: Vec<Moments>,
    by_part: Vec<Vec<Moments>>,
}

impl Sums {
    /// Tiles and turned copies count for the part they were made from.
    ///
    /// # Errors
    /// No parts, or parts of different features.
    pub fn of(parts: &[Patches]) -> Result<Self> {
        let count = parts.iter().map(|part| part.part + 1).max().ok_or_else(no_references)?;
        let (layers, dim) = parts.first().map_or((0, 0), |part| (part.layers, part.dim));
        if dim == 0 || parts.iter().any(|part| (part.layers, part.dim) != (layers, dim)) {
            return Err(no_references());
        }
        let of = |part: usize, layer: usize| Moments::of(parts.iter().filter(|of| of.part == part), layer, dim);
        let by_part: Vec<Vec<Moments>> =
            (0..count).map(|part| (0..layers).map(|layer| of(part, layer)).collect()).collect::<Result<_>>()?;
        let mut total: Vec<Moments> = (0..layers).map(|_| Moments::none(dim)).collect();
        for part in &by_part {
            total.iter_mut().zip(part).for_each(|(total, part)| total.add(part, 1.0));
        }
        Ok(Self { total, by_part })
    }

    /// How many layers there are.
    pub fn layers(&self) -> usize {
        self.total.len()
    }

    /// Forgets the parts: from now on none can be left out.
    pub fn settle(&mut self) {
        self.by_part = Vec::new();
    }

    /// Mean and covariance of one layer over all parts but `left_out`.
    ///
    /// # Errors
    /// Nothing is left.
    pub fn spread(&self, layer: usize, left_out: Option<usize>) -> Result<Spread> {
        let mut used = self.total[layer].clone();
        if let Some(own) = left_out.and_then(|part| self.by_part.get(part)) {
            used.add(&own[layer], -1.0);
        }
        // Counts are whole numbers: their differences are exact.
        if used.count < 0.5 {
            return Err(nothing_left());
        }
        let mean: Vec<f64> = used.sum.iter().map(|sum| sum / used.count).collect();
        let mut covariance = used.products;
        for (row, of_row) in covariance.chunks_exact_mut(mean.len()).zip(&mean) {
            row.iter_mut().zip(&mean).for_each(|(value, other)| *value = *value / used.count - of_row * other);
        }
        Ok(Spread { mean, covariance })
    }
}

/// The features less the mean, `places × dim`, f32.
///
/// # Errors
/// candle's.
pub(super) fn from_mean(features: &[f32], mean: &[f64]) -> Result<Tensor> {
    Ok(Tensor::from_vec(centred(features, mean), (features.len() / mean.len(), mean.len()), &Device::Cpu)?)
}

/// The features less the mean, one after the other.
pub(super) fn centred(features: &[f32], mean: &[f64]) -> Vec<f32> {
    let mut centred = Vec::with_capacity(features.len());
    for feature in features.chunks_exact(mean.len()) {
        centred.extend(feature.iter().zip(mean).map(|(x, mean)| (f64::from(*x) - mean) as f32));
    }
    centred
}

/// The mean over the layers of what each says of its features.
///
/// # Errors
/// Features of another model or of other settings than those that were learnt; those of `score`.
pub(super) fn mean_over_layers<T>(
    known: &[T],
    patches: &Patches,
    score: impl Fn(&T, &[f32]) -> Result<Vec<f32>>,
) -> Result<Vec<f32>> {
    if patches.layers != known.len() {
        return Err(not_alike());
    }
    let mut scores = vec![0.0; patches.places()];
    for (layer, known) in known.iter().enumerate() {
        let of_layer = score(known, patches.layer(layer))?;
        scores.iter_mut().zip(of_layer).for_each(|(sum, one)| *sum += one / patches.layers as f32);
    }
    Ok(scores)
}

/// Features of another model or of other settings than those that were learnt.
pub(super) fn not_alike() -> Error {
    Error::bad_request(
        "the features are of another model or of other settings than those that were learnt",
        "teach the references again with the model and the settings that you inspect with",
    )
}

impl Moments {
    fn none(dim: usize) -> Self {
        Self { count: 0.0, sum: vec![0.0; dim], products: vec![0.0; dim * dim] }
    }

    fn of<'a>(parts: impl Iterator<Item = &'a Patches>, layer: usize, dim: usize) -> Result<Self> {
        let mut moments = Self::none(dim);
        for part in parts {
            moments.add(&Self::of_features(part.layer(layer), dim)?, 1.0);
        }
        Ok(moments)
    }

    fn of_features(features: &[f32], dim: usize) -> Result<Self> {
        let rows: Vec<f64> = features.iter().map(|value| f64::from(*value)).collect();
        let count = rows.len() / dim;
        let mut sum = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let rows = Tensor::from_vec(rows, (count, dim), &Device::Cpu)?;
        let products = rows.t()?.matmul(&rows)?.flatten_all()?.to_vec1::<f64>()?;
        Ok(Self { count: count as f64, sum, products })
    }

    /// Adds another's sums `times`.
    fn add(&mut self, other: &Self, times: f64) {
        self.count += times * other.count;
        self.sum.iter_mut().zip(&other.sum).for_each(|(sum, value)| *sum += times * value);
        self.products.iter_mut().zip(&other.products).for_each(|(sum, value)| *sum += times * value);
    }
}
