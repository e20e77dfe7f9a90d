//! How badly a patch is rebuilt from a few good patches. In: joined unit features. Out: (1 − cosine to the rebuilt one) / 2.
//! The training-free form of DictAS (Qu et al. 2025): its generators are the identity, its lookup is sparse.

use rayon::prelude::*;

use super::patch_knn::nothing_left;
use super::{Memory, Method};
use crate::anomaly::memory_bank::{MemoryBank, Origin};
use crate::anomaly::patches::Patches;
use crate::anomaly::settings::Settings;
use crate::error::{Error, Result};
use crate::models::Encoder;

/// The temperature of the lookup: so near must a good patch be to the nearest one to be used (0.02 to 0.05 work).
const TEMPERATURE: f32 = 0.02;
/// Rows of the dictionary: one lookup takes a few products of this length.
const MOST_ROWS: usize = 16_384;
/// Queries of one product: what it gives stays within 16 MB.
const QUERIES: usize = 256;

/// Sparse lookup.
pub(super) struct Dictionary;

impl Method for Dictionary {
    fn name(&self) -> &'static str {
        "dictionary"
    }

    fn summary(&self) -> &'static str {
        "how badly each patch is rebuilt from a few patches of the good parts"
    }

    fn learn(&self, _: &dyn Encoder, parts: &[Patches], settings: &Settings) -> Result<Box<dyn Memory>> {
        let bank = MemoryBank::new(parts)?;
        let most = MOST_ROWS * size_of::<f32>() * bank.dim();
        let bank = bank.within(settings.bank_bytes.min(most))?;
        let rows = bank.values().to_vec2()?;
        Ok(Box::new(Lookup { bank, rows }))
    }
}

struct Lookup {
    bank: MemoryBank,
    rows: Vec<Vec<f32>>,
}

impl Memory for Lookup {
    fn scores(&self, patches: &Patches, left_out: Option<usize>) -> Result<Vec<f32>> {
        let is_used = |row: usize| left_out.is_none_or(|part| self.bank.origin(row as u32).part as usize != part);
        let used: Vec<u32> = (0..self.rows.len()).filter(|row| is_used(*row)).map(|row| row as u32).collect();
        if used.is_empty() {
            return Err(nothing_left());
        }
        if patches.dim != self.bank.dim() || patches.layers != 1 {
            return Err(Error::bad_request(
                "the features are of another model or of other settings than those that were learnt",
                "teach the references again with the model and the settings that you inspect with",
            ));
        }
        let mut scores = Vec::with_capacity(patches.places());
        for queries in patches.values.chunks(QUERIES * patches.dim) {
            scores.extend(self.of_queries(queries, &used)?);
        }
        Ok(scores)
    }

    fn compared_with(&self, patches: &Patches) -> Result<Vec<Option<Origin>>> {
        let nearest = self.bank.nearest(patches, crate::anomaly::memory_bank::Allowed::default())?;
        Ok(nearest.into_iter().map(|nearest| nearest.map(|nearest| self.bank.origin(nearest.row))).collect())
    }

    fn features(&self) -> usize {
        self.bank.len()
    }
}

impl Lookup {
    fn of_queries(&self, queries: &[f32], used: &[u32]) -> Result<Vec<f32>> {
        use candle_core::{Device, Tensor};

        let dim = self.bank.dim();
        let all = used.len() == self.rows.len();
        let rows = Tensor::from_slice(used, used.len(), &Device::Cpu)?;
        let rows = if all { self.bank.values().clone() } else { self.bank.values().index_select(&rows, 0)? };
        let products = Tensor::from_slice(queries, (queries.len() / dim, dim), &Device::Cpu)?.matmul(&rows.t()?)?;
        let products = products.flatten_all()?.to_vec1::<f32>()?;
        let score = |(query, cosines): (&[f32], &[f32])| {
            let scaled: Vec<f32> = cosines.iter().map(|cosine| cosine / TEMPERATURE).collect();
            let mut rebuilt = vec![0.0; dim];
            for (weight, row) in sparsemax(&scaled).iter().zip(used).filter(|(weight, _)| **weight > 0.0) {
                let row = &self.rows[*row as usize];
                rebuilt.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
            }
            half_distance(query, &rebuilt)
        };
        Ok(queries.par_chunks_exact(dim).zip(products.par_chunks_exact(used.len())).map(score).collect())
    }
}

/// (1 − cosine) / 2 of a unit vector and any other; a vector of nothing is as far as can be.
fn half_distance(unit: &[f32], other: &[f32]) -> f32 {
    let product: f32 = unit.iter().zip(other).map(|(a, b)| a * b).sum();
    let length = other.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length <= f32::EPSILON { 1.0 } else { ((1.0 - product / length) / 2.0).max(0.0) }
}

/// The point of the simplex that is nearest to `scores` (Martins and Astudillo 2016, algorithm 1): weights that sum to 1,
/// most of them exactly 0.
pub fn sparsemax(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    // Only scores within 1 of the largest can have weight: the others need no sorting.
    let mut near: Vec<f64> =
        scores.iter().filter(|score| **score > most - 1.0).map(|score| f64::from(*score)).collect();
    near.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut threshold) = (0.0, f64::from(most) - 1.0);
    for (at, score) in near.iter().enumerate() {
        sum += score;
        let count = (at + 1) as f64;
        if 1.0 + count * score > sum {
            threshold = (sum - 1.0) / count;
        }
    }
    scores.iter().map(|score| (f64::from(*score) - threshold).max(0.0) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{FakeEncoder, part, unit_noise};
    use super::*;

    #[track_caller]
    fn check(scores: &[f32], expected: &[f32]) {
        let found = sparsemax(scores);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn sparsemax_is_that_of_the_paper() {
        check(&[1.0, 0.9, 0.1, -2.0], &[0.55, 0.45, 0.0, 0.0]);
        check(&[3.0], &[1.0]);
        check(&[0.0, 0.0], &[0.5, 0.5]);
        check(&[-5.0, 60.0, 0.0], &[0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_part_is_rebuilt_from_its_own_patches_and_not_without_them() {
        let parts = [unit_noise(0, (9, 40, 6), 1), part(1, (1, 1, 6), vec![0.0, 0.0, 1.0, 0.0, 0.0, 0.0])];
        let memory = Dictionary.learn(&FakeEncoder, &parts, &Settings::default()).unwrap();
        assert!(memory.scores(&parts[1], None).unwrap()[0] < 0.01);
        assert!(memory.scores(&parts[1], Some(1)).unwrap()[0] > 0.01);
        assert_eq!(memory.scores(&parts[0], None).unwrap().len(), 360);
        let alone = Dictionary.learn(&FakeEncoder, &parts[..1], &Settings::default()).unwrap();
        assert!(alone.scores(&parts[0], Some(0)).is_err());
    }
}
