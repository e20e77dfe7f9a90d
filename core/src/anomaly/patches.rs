//! What methods compare: the features of a picture's patches, chosen, averaged and scaled. In: an encoder's patch
//! features. Out: unit features on a grid. Must never know which encoder or which part they came from.

use image::RgbImage;

use super::settings::Settings;
use crate::error::{Error, Result};
use crate::models::{Encoder, PatchFeatures, WordFeatures};

/// The features of one picture, of a tile of it, or of a turned copy of it: `layers × rows × columns × dim`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Patches {
    /// Layers that are compared apart; 1 where they were joined.
    pub layers: usize,
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
    /// Length of one feature.
    pub dim: usize,
    /// The numbers, all finite.
    pub values: Vec<f32>,
    /// Row and column of the first patch on the grid of the whole picture.
    pub offset: (usize, usize),
    /// Which of the parts it belongs to: a turned copy and a tile belong to the part they were made from.
    pub part: usize,
    /// By how many degrees the picture was turned.
    pub degrees: u16,
    /// What a method reads besides, of the picture as a whole and of windows of it: only `zero-shot` asks for it.
    pub words: Option<Box<WordFeatures>>,
}

impl Patches {
    /// Places of the grid.
    pub fn places(&self) -> usize {
        self.rows * self.columns
    }

    /// One layer's features: `places × dim`.
    pub fn layer(&self, layer: usize) -> &[f32] {
        let len = self.places() * self.dim;
        &self.values[layer * len..][..len]
    }

    /// The same features as those of part `part`, turned by `degrees`.
    #[must_use]
    pub fn of_part(mut self, part: usize, degrees: u16) -> Self {
        (self.part, self.degrees) = (part, degrees);
        self
    }

    /// Row and column, on the grid of the whole picture, of a place of this one.
    pub fn position(&self, place: usize) -> (usize, usize) {
        (self.offset.0 + place / self.columns, self.offset.1 + place % self.columns)
    }
}

impl From<PatchFeatures> for Patches {
    fn from(features: PatchFeatures) -> Self {
        let PatchFeatures { layers, rows, columns, dim, values } = features;
        Self { layers, rows, columns, dim, values, offset: (0, 0), part: 0, degrees: 0, words: None }
    }
}

/// Blocks at these quarters of a tower's depth, from 0, each once: the last one of four is the last block.
pub fn quarter_layers(depth: usize, quarters: &[usize]) -> Vec<usize> {
    let mut layers: Vec<usize> = quarters.iter().map(|quarter| (depth * quarter).div_ceil(4).max(1) - 1).collect();
    layers.dedup();
    layers
}

/// What `picture` looks like to the encoder: the layers of the settings, else those at `quarters` of its depth, raw.
///
/// # Errors
/// A picture without pixels, a size that no memory holds, a model without a grid, or one that gives no finite numbers.
pub fn raw(encoder: &dyn Encoder, picture: &RgbImage, settings: &Settings, quarters: &[usize]) -> Result<Patches> {
    seen(encoder, encoder.patch_features(picture, Some(settings.size()))?, settings, quarters)
}

/// As [`raw`], with the lengths that a convolutional tower gives, each averaged over the settings' neighbourhood.
///
/// # Errors
/// As [`raw`].
pub fn unscaled(encoder: &dyn Encoder, picture: &RgbImage, settings: &Settings, quarters: &[usize]) -> Result<Patches> {
    let features = encoder.unscaled_patch_features(picture, Some(settings.size()))?;
    Ok(averaged_layers(seen(encoder, features, settings, quarters)?, settings.neighbourhood))
}

/// Every layer [`averaged`] by itself.
pub fn averaged_layers(patches: Patches, side: usize) -> Patches {
    // Several megabytes, not to be copied for nothing.
    if side <= 1 {
        return patches;
    }
    let shape = (patches.rows, patches.columns, patches.dim);
    let layers: Vec<Vec<f32>> = (0..patches.layers).map(|layer| averaged(patches.layer(layer), shape, side)).collect();
    Patches { values: layers.concat(), ..patches }
}

fn seen(encoder: &dyn Encoder, features: PatchFeatures, settings: &Settings, quarters: &[usize]) -> Result<Patches> {
    if features.values.iter().any(|value| !value.is_finite()) {
        return Err(Error::NoDirection { model: encoder.identity().id.clone() });
    }
    Ok(chosen(features, &settings.layers, quarters).into())
}

/// The layers that `wanted` names (from 0), those beyond the last left out; if none is left, those at `quarters`.
fn chosen(features: PatchFeatures, wanted: &[usize], quarters: &[usize]) -> PatchFeatures {
    let mut layers: Vec<usize> = wanted.iter().copied().filter(|layer| *layer < features.layers).collect();
    if layers.is_empty() {
        layers = quarter_layers(features.layers, quarters);
    }
    // All of them: not to be copied for nothing.
    if layers.iter().copied().eq(0..features.layers) {
        return features;
    }
    let len = features.rows * features.columns * features.dim;
    let parts: Vec<&[f32]> = layers.iter().map(|layer| &features.values[layer * len..][..len]).collect();
    PatchFeatures { layers: layers.len(), values: parts.concat(), ..features }
}

/// All layers as one: each feature scaled to length 1, averaged over `side × side` places (PatchCore, Roth et al. 2022,
/// section 3.1), joined and scaled to length 1 again, so that the cosine of two is the mean of their layers' cosines.
pub fn joined(patches: &Patches, side: usize) -> Patches {
    let (places, dim, width) = (patches.places(), patches.dim, patches.dim * patches.layers);
    let mut values = vec![0.0; places * width];
    for layer in 0..patches.layers {
        let mut features = patches.layer(layer).to_vec();
        features.chunks_exact_mut(dim.max(1)).for_each(scale_to_unit);
        let features = averaged(&features, (patches.rows, patches.columns, dim), side);
        for (row, feature) in values.chunks_exact_mut(width.max(1)).zip(features.chunks_exact(dim.max(1))) {
            row[layer * dim..][..dim].copy_from_slice(feature);
        }
    }
    values.chunks_exact_mut(width.max(1)).for_each(scale_to_unit);
    Patches { layers: 1, dim: width, values, ..patches.without_values() }
}

impl Patches {
    /// Some rows and columns of it, as places on the grid of the whole picture.
    pub(super) fn block(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Self {
        let mut values = Vec::with_capacity(self.layers * rows.len() * columns.len() * self.dim);
        for layer in 0..self.layers {
            for row in rows.clone() {
                let first = ((row - self.offset.0) * self.columns + columns.start - self.offset.1) * self.dim;
                values.extend_from_slice(&self.layer(layer)[first..][..columns.len() * self.dim]);
            }
        }
        let offset = (rows.start, columns.start);
        Self { rows: rows.len(), columns: columns.len(), offset, values, ..self.without_values() }
    }

    /// The same shape and place with no numbers.
    pub(super) fn without_values(&self) -> Self {
        let &Self { layers, rows, columns, dim, offset, part, degrees, .. } = self;
        Self { layers, rows, columns, dim, values: Vec::new(), offset, part, degrees, words: self.words.clone() }
    }
}

/// The mean of each place and its neighbours within a square of `side` places; at the border there are fewer.
pub fn averaged(features: &[f32], (rows, columns, dim): (usize, usize, usize), side: usize) -> Vec<f32> {
    if side <= 1 {
        return features.to_vec();
    }
    let reach = side / 2;
    // Across, then down: the mean over a rectangle is the mean of its rows' means.
    let across = averaged_along(features, (rows * columns, columns, dim), reach);
    let mut means = vec![0.0; features.len()];
    for row in 0..rows {
        let (first, last) = (row.saturating_sub(reach), (row + reach + 1).min(rows));
        let share = 1.0 / (last - first) as f32;
        let target = &mut means[row * columns * dim..][..columns * dim];
        for line in across[first * columns * dim..last * columns * dim].chunks_exact((columns * dim).max(1)) {
            target.iter_mut().zip(line).for_each(|(mean, value)| *mean += share * value);
        }
    }
    means
}

fn averaged_along(features: &[f32], (places, columns, dim): (usize, usize, usize), reach: usize) -> Vec<f32> {
    let mut means = vec![0.0; features.len()];
    for place in 0..places {
        let (row, column) = (place / columns, place % columns);
        let (first, last) = (column.saturating_sub(reach), (column + reach + 1).min(columns));
        let share = 1.0 / (last - first) as f32;
        let target = &mut means[place * dim..][..dim];
        for neighbour in first..last {
            let feature = &features[(row * columns + neighbour) * dim..][..dim];
            target.iter_mut().zip(feature).for_each(|(mean, value)| *mean += share * value);
        }
    }
    means
}

/// Scales to length 1; a feature of nothing stays nothing.
pub fn scale_to_unit(feature: &mut [f32]) {
    let length = feature.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    feature.iter_mut().for_each(|value| *value /= length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layers_are_at_the_quarters_of_the_depth() {
        assert_eq!(quarter_layers(12, &[1, 2, 3, 4]), [2, 5, 8, 11]);
        assert_eq!(quarter_layers(8, &[3, 4]), [5, 7]);
        assert_eq!(quarter_layers(3, &[1, 2, 3, 4]), [0, 1, 2]);
        assert_eq!(quarter_layers(1, &[3, 4]), [0]);
    }

    #[test]
    fn the_mean_over_a_square_has_fewer_places_at_the_border() {
        let numbers: Vec<f32> = (0..9_u8).map(f32::from).collect();
        let means = averaged(&numbers, (3, 3, 1), 3);
        assert_eq!(means, [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0]);
        assert_eq!(averaged(&numbers, (3, 3, 1), 1), numbers);
    }

    #[test]
    fn joined_features_have_length_one_and_mean_cosines() {
        let values = vec![3.0, 4.0, 0.0, 2.0, /* second layer */ 1.0, 0.0, 5.0, 0.0];
        let patches = Patches::from(PatchFeatures { layers: 2, rows: 1, columns: 2, dim: 2, values });
        let joined = joined(&patches, 1);
        assert_eq!((joined.layers, joined.dim), (1, 4));
        let (a, b) = joined.values.split_at(4);
        let cosine: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        // The layers' cosines are 0.8 and 1.
        assert!((cosine - 0.9).abs() < 1e-6);
    }
}
