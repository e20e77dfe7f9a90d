//! Sums of which the mean and the covariance of features are made, part by part, so that one can be left out. In: features.
//! Out: means and covariances in f64.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Device, Tensor};

use crate::anomaly::memory_bank::no_references;
use crate::anomaly::patches::Patches;
use crate::error::{Error, Result};

use super::patch_knn::nothing_left;

/// The sums of one layer of one part.
pub(super) struct Moments {
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

    /// What is known without `part`; `learn` finds it for a layer.
    ///
    /// # Errors
    /// Those of `learn`.
    pub fn without(&self, part: usize, layers: usize, learn: impl Fn(usize) -> Result<T>) -> Result<Arc<Vec<T>>> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some((of, known)) if *of == part => Ok(Arc::clone(known)),
            _ => {
                let known = Arc::new((0..layers).map(learn).collect::<Result<Vec<T>>>()?);
                *newest = Some((part, Arc::clone(&known)));
                Ok(known)
            }
        }
    }
}

/// The sums of every layer of every part; tiles and turned copies count for the part they were made from.
///
/// # Errors
/// No parts, or parts of different features.
pub(super) fn moments_by_part(parts: &[Patches]) -> Result<Vec<Vec<Moments>>> {
    let count = parts.iter().map(|part| part.part + 1).max().ok_or_else(no_references)?;
    let (layers, dim) = parts.first().map_or((0, 0), |part| (part.layers, part.dim));
    if dim == 0 || parts.iter().any(|part| (part.layers, part.dim) != (layers, dim)) {
        return Err(no_references());
    }
    let of = |part: usize, layer: usize| Moments::of(parts.iter().filter(|of| of.part == part), layer, dim);
    (0..count).map(|part| (0..layers).map(|layer| of(part, layer)).collect()).collect()
}

/// Mean and covariance of one layer over all parts but `left_out`.
///
/// # Errors
/// Nothing is left.
pub(super) fn spread(by_part: &[Vec<Moments>], layer: usize, left_out: Option<usize>) -> Result<Spread> {
    let used = || by_part.iter().enumerate().filter(|(part, _)| Some(*part) != left_out).map(|(_, of)| &of[layer]);
    let count: f64 = used().map(|moments| moments.count).sum();
    let Some(first) = used().next().filter(|_| count > 0.0) else { return Err(nothing_left()) };
    let dim = first.sum.len();
    let total = |of: fn(&Moments) -> &[f64], len: usize| {
        let mut total = vec![0.0; len];
        used().for_each(|moments| total.iter_mut().zip(of(moments)).for_each(|(sum, value)| *sum += value / count));
        total
    };
    let mean = total(|moments| &moments.sum, dim);
    let mut covariance = total(|moments| &moments.products, dim * dim);
    for (i, row) in covariance.chunks_exact_mut(dim).enumerate() {
        row.iter_mut().zip(&mean).for_each(|(value, other)| *value -= mean[i] * other);
    }
    Ok(Spread { mean, covariance })
}

/// The features less the mean, `places × dim`, f32.
///
/// # Errors
/// candle's.
pub(super) fn from_mean(features: &[f32], mean: &[f64]) -> Result<Tensor> {
    let values = features.iter().zip(mean.iter().cycle()).map(|(x, mean)| (f64::from(*x) - mean) as f32);
    Ok(Tensor::from_vec(values.collect(), (features.len() / mean.len(), mean.len()), &Device::Cpu)?)
}

/// Features of another model or of other settings than those that were learnt.
pub(super) fn not_alike() -> Error {
    Error::bad_request(
        "the features are of another model or of other settings than those that were learnt",
        "teach the references again with the model and the settings that you inspect with",
    )
}

impl Moments {
    fn of<'a>(parts: impl Iterator<Item = &'a Patches>, layer: usize, dim: usize) -> Result<Self> {
        let mut moments = Self { count: 0.0, sum: vec![0.0; dim], products: vec![0.0; dim * dim] };
        for part in parts {
            moments.add(part.layer(layer), dim)?;
        }
        Ok(moments)
    }

    fn add(&mut self, features: &[f32], dim: usize) -> Result<()> {
        let rows: Vec<f64> = features.iter().map(|value| f64::from(*value)).collect();
        let count = rows.len() / dim;
        self.count += count as f64;
        for row in rows.chunks_exact(dim) {
            self.sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let rows = Tensor::from_vec(rows, (count, dim), &Device::Cpu)?;
        let products = rows.t()?.matmul(&rows)?.flatten_all()?.to_vec1::<f64>()?;
        self.products.iter_mut().zip(products).for_each(|(sum, value)| *sum += value);
        Ok(())
    }
}
