//! How far a patch is from the middle of the good patches, measured by how these vary. In: unscaled features of several
//! layers. Out: the squared Mahalanobis distance over the number of a feature's numbers, so that a good patch has about 1,
//! averaged over the layers. After Rippel, Mertens and Merhof (2021), whose one normal distribution of whole pictures is one
//! of all patches here, for each layer.

use image::RgbImage;
use rayon::prelude::*;

use super::cholesky::inverse_factor;
use super::moments::{LeftOut, Spread, Sums, centred, mean_over_layers, not_alike};
use super::{LATE_QUARTERS, Memory, Method};
use crate::anomaly::memory_bank::{Allowed, MemoryBank, Origin};
use crate::anomaly::patches::{Patches, joined, unscaled};
use crate::anomaly::settings::Settings;
use crate::error::Result;
use crate::models::{Encoder, Steps, product};

/// This share of the mean variance is added to that of every number: few good parts say little of the directions that vary
/// least. More of it costs a little on small parts, less of it on textures (docs/inspection.md).
const SHRINKAGE: f64 = 0.003;

/// Most features that a thread turns at a time, and numbers of theirs: what passes between the steps stays in its cache.
const ROWS: usize = 256;
const COLUMNS: usize = 128;

/// One normal distribution of all good patches.
pub(super) struct Mahalanobis;

impl Method for Mahalanobis {
    fn name(&self) -> &'static str {
        "mahalanobis"
    }

    fn summary(&self) -> &'static str {
        "how far each patch is from what the patches of the good parts vary by"
    }

    /// Defects of textures show in the large, those of small parts in the small (docs/inspection.md).
    fn sizes(&self) -> &'static [usize] {
        &[640, 296]
    }

    fn see(&self, encoder: &dyn Encoder, picture: &RgbImage, settings: &Settings) -> Result<Patches> {
        unscaled(encoder, picture, settings, LATE_QUARTERS)
    }

    fn learn(&self, _: &dyn Encoder, parts: &[Patches], settings: &Settings) -> Result<Box<dyn Memory>> {
        let sums = Sums::of(parts)?;
        let layers = (0..sums.layers()).into_par_iter();
        let normals = layers.map(|layer| Normal::of(&sums, layer, None)).collect::<Result<_>>()?;
        let bank = MemoryBank::new(&shown(parts, settings.bank_bytes))?.within(settings.bank_bytes)?;
        Ok(Box::new(Learnt { normals, sums, left_out: LeftOut::new(), bank }))
    }
}

/// Parts that patches are shown beside, spread over all: as many as fit.
fn shown(parts: &[Patches], bytes: usize) -> Vec<Patches> {
    let largest = parts.iter().map(|part| size_of_val(part.values.as_slice())).max().unwrap_or(0);
    let most = (bytes / largest.max(1)).max(1);
    parts.iter().step_by(parts.len().div_ceil(most).max(1)).map(|part| joined(part, 1)).collect()
}

/// The normal distribution of one layer.
struct Normal {
    mean: Vec<f64>,
    /// Turns what is left of a feature without the mean into independent numbers of variance 1: `dim × dim`, a column each of
    /// them, zeros below the diagonal.
    whitening: Vec<f32>,
}

impl Normal {
    fn of(sums: &Sums, layer: usize, left_out: Option<usize>) -> Result<Self> {
        let Spread { mean, mut covariance } = sums.spread(layer, left_out)?;
        let dim = mean.len();
        let mean_variance = covariance.iter().step_by(dim + 1).sum::<f64>() / dim as f64;
        // Parts of one colour do not vary at all, and rounding may even make their variance negative.
        let mean_square = mean.iter().map(|value| value * value).sum::<f64>() / dim as f64;
        let added = (SHRINKAGE * mean_variance).max(1e-12 * mean_square).max(f64::from(f32::MIN_POSITIVE));
        covariance.iter_mut().step_by(dim + 1).for_each(|variance| *variance += added);
        let inverse = inverse_factor(covariance, dim);
        let whitening = (0..dim * dim).map(|at| inverse[at % dim * dim + at / dim] as f32).collect();
        Ok(Self { mean, whitening })
    }

    fn distances(&self, features: &[f32]) -> Vec<f32> {
        let (count, threads) = (features.len() / self.mean.len(), rayon::current_num_threads());
        // As many portions for one thread as for the other.
        let portions = count.div_ceil(ROWS).next_multiple_of(threads);
        let rows = count.div_ceil(portions.max(1)).max(1);
        features.par_chunks(rows * self.mean.len()).flat_map_iter(|features| self.distances_of(features)).collect()
    }

    fn distances_of(&self, features: &[f32]) -> impl Iterator<Item = f32> {
        let dim = self.mean.len();
        let centred = centred(features, &self.mean);
        let mut squares = vec![0.0; features.len() / dim];
        let mut white = vec![0.0; squares.len() * COLUMNS.min(dim)];
        for first in (0..dim).step_by(COLUMNS) {
            // What stands behind a column's place has no part in it.
            let (columns, inner) = (COLUMNS.min(dim - first), dim.min(first + COLUMNS));
            let white = &mut white[..squares.len() * columns];
            let from = |at| Steps { at, row: dim, column: 1 };
            let shape = [squares.len(), inner, columns];
            product(shape, (white, columns), (&centred, from(0)), (&self.whitening, from(first)));
            for (sum, row) in squares.iter_mut().zip(white.chunks_exact(columns)) {
                *sum += row.iter().map(|value| value * value).sum::<f32>();
            }
        }
        squares.into_iter().map(move |square: f32| (square / dim as f32).min(f32::MAX))
    }
}

struct Learnt {
    normals: Vec<Normal>,
    sums: Sums,
    left_out: LeftOut<Normal>,
    /// For what a patch is compared with by eye.
    bank: MemoryBank,
}

impl Memory for Learnt {
    fn scores(&self, patches: &Patches, left_out: Option<usize>) -> Result<Vec<f32>> {
        if self.normals.first().is_none_or(|normal| normal.mean.len() != patches.dim) {
            return Err(not_alike());
        }
        let learn = |layer: usize| Normal::of(&self.sums, layer, left_out);
        let without = left_out.map(|part| self.left_out.without(part, self.normals.len(), learn)).transpose()?;
        mean_over_layers(without.as_deref().unwrap_or(&self.normals), patches, |normal, features| {
            Ok(normal.distances(features))
        })
    }

    fn settle(&mut self) {
        self.sums.settle();
        self.left_out.settle();
    }

    fn compared_with(&self, patches: &Patches) -> Result<Vec<Option<Origin>>> {
        let nearest = self.bank.nearest(&joined(patches, 1), Allowed::default())?;
        Ok(nearest.into_iter().map(|nearest| nearest.map(|nearest| self.bank.origin(nearest.row))).collect())
    }

    fn features(&self) -> usize {
        self.bank.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{FakeEncoder, part};
    use super::*;

    #[test]
    fn a_direction_counts_by_how_much_good_patches_vary_along_it() {
        // Along the first axis they vary by a variance of 4, along the second by 1.
        let learnt = vec![2.0, 1.0, -2.0, 1.0, 2.0, -1.0, -2.0, -1.0];
        let memory = Mahalanobis.learn(&FakeEncoder, &[part(0, (2, 2, 2), learnt)], &Settings::default()).unwrap();
        let scores = memory.scores(&part(1, (1, 3, 2), vec![0.0, 0.0, 4.0, 0.0, 0.0, 4.0]), None).unwrap();
        let added = 0.003 * 2.5;
        for (found, expected) in scores.iter().zip([0.0, 16.0 / (4.0 + added) / 2.0, 16.0 / (1.0 + added) / 2.0]) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{scores:?}");
        }
    }

    #[test]
    fn a_left_out_part_counts_for_nothing_and_one_alone_leaves_nothing() {
        let along = |part_number, values: Vec<f32>| part(part_number, (1, 2, 2), values);
        let parts = [along(0, vec![1.0, 0.0, -1.0, 0.0]), along(1, vec![0.0, 1.0, 0.0, -1.0])];
        let memory = Mahalanobis.learn(&FakeEncoder, &parts, &Settings::default()).unwrap();
        let (with, without) = (memory.scores(&parts[1], None).unwrap(), memory.scores(&parts[1], Some(1)).unwrap());
        assert!(with[0] < 2.0 && without[0] > 50.0, "{with:?} {without:?}");
        let alone = Mahalanobis.learn(&FakeEncoder, &parts[..1], &Settings::default()).unwrap();
        assert!(alone.scores(&parts[0], Some(0)).is_err());
    }

    #[test]
    fn parts_of_one_colour_give_finite_scores() {
        // Sums of tenths are not exact.
        let flat: Vec<Patches> = (0..7).map(|number| part(number, (5, 6, 3), vec![0.1; 90])).collect();
        let mut memory = Mahalanobis.learn(&FakeEncoder, &flat, &Settings::default()).unwrap();
        for left_out in [None, Some(3)] {
            assert!(memory.scores(&flat[3], left_out).unwrap().iter().all(|score| *score < 1.0));
        }
        memory.settle();
        let other = memory.scores(&part(1, (1, 1, 3), vec![1.0, 0.0, 0.0]), None).unwrap();
        assert!(other[0].is_finite() && other[0] > 1e3, "{other:?}");
        assert_eq!(memory.compared_with(&flat[0]).unwrap().len(), 30);
    }

    #[test]
    fn as_many_parts_are_shown_as_fit_and_one_at_least() {
        let parts: Vec<Patches> = (0..7).map(|number| part(number, (1, 2, 2), vec![0.1; 4])).collect();
        let numbers = |bytes| shown(&parts, bytes).iter().map(|part| part.part).collect::<Vec<_>>();
        assert_eq!(numbers(1000), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(numbers(48), [0, 3, 6]);
        assert_eq!(numbers(1), [0]);
    }

    #[test]
    fn pieces_give_the_same_sums_as_the_whole() {
        // More numbers than are turned at a time, and more features.
        let (dim, count) = (2 * COLUMNS + 44, 2 * ROWS + 16);
        let number = |at: usize| ((at * 7919 % 1013) as f32 / 1013.0) - 0.5;
        let mean: Vec<f64> = (0..dim).map(|at| f64::from(number(3 * at))).collect();
        let whitening: Vec<f32> =
            (0..dim * dim).map(|at| if at / dim <= at % dim { number(at) } else { 0.0 }).collect();
        let features: Vec<f32> = (0..count * dim).map(|at| number(5 * at + 1)).collect();
        let found = Normal { mean: mean.clone(), whitening: whitening.clone() }.distances(&features);
        assert_eq!(found.len(), count);
        for (feature, found) in features.chunks_exact(dim).zip(found) {
            let column = |column: usize| -> f64 {
                let rows = 0..=column;
                rows.map(|row| (f64::from(feature[row]) - mean[row]) * f64::from(whitening[row * dim + column])).sum()
            };
            let expected = (0..dim).map(|at| column(at).powi(2)).sum::<f64>() / dim as f64;
            assert!((f64::from(found) - expected).abs() < 1e-4 * expected.max(1.0), "{found} and {expected}");
        }
    }
}
