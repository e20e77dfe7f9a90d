//! How much a patch looks like what words call damaged: no part needs to be shown. In: features in the space of words.
//! Out: a probability a patch, of low confidence. Prompts, windows and harmonic means of WinCLIP (Jeong et al. 2023,
//! section 4); the patches' own features from the value path, and learnt prompts where a file of them is given (AnomalyCLIP,
//! Zhou et al. 2024, section 3).

use image::RgbImage;

use super::{Memory, Method, Teacher};
use crate::anomaly::patches::Patches;
use crate::anomaly::settings::Settings;
use crate::error::{Error, Result};
use crate::models::{Encoder, LearnedPrompts, UnitVector, WordFeatures};

/// States of a good part (WinCLIP, appendix).
const NORMAL: [&str; 7] =
    ["{}", "flawless {}", "perfect {}", "unblemished {}", "{} without flaw", "{} without defect", "{} without damage"];
/// States of a bad one.
const ANOMALOUS: [&str; 4] = ["damaged {}", "{} with flaw", "{} with defect", "{} with damage"];
/// Sentences about either (WinCLIP, appendix).
const TEMPLATES: [&str; 11] = [
    "a photo of a {}.",
    "a photo of the {}.",
    "a cropped photo of the {}.",
    "a close-up photo of a {}.",
    "a bright photo of a {}.",
    "a dark photo of the {}.",
    "a blurry photo of the {}.",
    "a photo of a small {}.",
    "a photo of a large {}.",
    "a photo of the {} for visual inspection.",
    "a photo of a {} for anomaly detection.",
];
/// The temperature of the softmax (WinCLIP, equation 1).
const TEMPERATURE: f32 = 0.07;
/// A probability of 0 would make a harmonic mean 0 whatever the others say.
const LEAST: f32 = 1e-6;

/// Words instead of references.
pub(super) struct ZeroShot;

impl Method for ZeroShot {
    fn name(&self) -> &'static str {
        "zero-shot"
    }

    fn summary(&self) -> &'static str {
        "how much each patch looks like what words call damaged; needs no part, of low confidence"
    }

    fn teacher(&self) -> Teacher {
        Teacher::Words
    }

    fn see(&self, encoder: &dyn Encoder, picture: &RgbImage, settings: &Settings) -> Result<Patches> {
        let features = encoder.word_features(picture, Some(settings.size()))?;
        let &WordFeatures { rows, columns, dim, .. } = &features;
        let (values, offset) = (features.patches.clone(), (0, 0));
        Ok(Patches {
            layers: 1,
            rows,
            columns,
            dim,
            values,
            offset,
            part: 0,
            degrees: 0,
            words: Some(Box::new(features)),
        })
    }

    fn learn(&self, encoder: &dyn Encoder, _: &[Patches], settings: &Settings) -> Result<Box<dyn Memory>> {
        if let Some(path) = &settings.prompts {
            let [normal, anomalous] =
                encoder.embed_learned(&LearnedPrompts::read(path)?)?.map(|vector| vector.as_slice().to_vec());
            return Ok(Box::new(Words { normal, anomalous, is_learned: true }));
        }
        let model = encoder.identity().id.as_str();
        let class = |states: &[&str]| -> Result<Vec<f32>> {
            let texts = prompts(states, &settings.object);
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mean = mean(&encoder.embed_texts(&texts)?);
            let unit = UnitVector::normalised(mean).ok_or_else(|| Error::NoDirection { model: model.into() })?;
            Ok(unit.as_slice().to_vec())
        };
        Ok(Box::new(Words { normal: class(&NORMAL)?, anomalous: class(&ANOMALOUS)?, is_learned: false }))
    }
}

fn prompts(states: &[&str], object: &str) -> Vec<String> {
    let states: Vec<String> = states.iter().map(|state| state.replace("{}", object)).collect();
    TEMPLATES.iter().flat_map(|template| states.iter().map(|state| template.replace("{}", state))).collect()
}

fn mean(vectors: &[UnitVector]) -> Vec<f32> {
    let mut mean = vec![0.0; vectors.first().map_or(0, UnitVector::dim)];
    for vector in vectors {
        mean.iter_mut().zip(vector.as_slice()).for_each(|(sum, value)| *sum += value / vectors.len() as f32);
    }
    mean
}

struct Words {
    normal: Vec<f32>,
    anomalous: Vec<f32>,
    /// Learnt prompts are compared with patches alone, as they were trained (AnomalyCLIP, section 3.3).
    is_learned: bool,
}

impl Words {
    /// p(v) = softmax([cos(v, normal), cos(v, anomalous)] / τ), the second.
    fn probability(&self, unit: &[f32]) -> f32 {
        let cosine = |class: &[f32]| unit.iter().zip(class).map(|(a, b)| a * b).sum::<f32>();
        1.0 / (1.0 + ((cosine(&self.normal) - cosine(&self.anomalous)) / TEMPERATURE).exp())
    }
}

impl Memory for Words {
    fn scores(&self, patches: &Patches, _: Option<usize>) -> Result<Vec<f32>> {
        let Some(words) = patches.words.as_deref().filter(|words| words.dim == self.normal.len()) else {
            return Err(Error::bad_request("the features are not for words", "inspect again with zero-shot"));
        };
        if self.is_learned {
            return Ok(self.each(&words.patches, words.dim));
        }
        let whole = self.probability(words.whole.as_slice());
        let mut parts = vec![vec![whole; patches.places()], self.each(&words.patches, words.dim)];
        for (side, windows) in &words.windows {
            let probabilities = self.each(windows, words.dim);
            parts.push(harmonic_over_windows(&probabilities, *side, (words.rows, words.columns)));
        }
        let harmonic = |place: usize| {
            let inverse: f32 = parts.iter().map(|part| 1.0 / part[place].max(LEAST)).sum();
            parts.len() as f32 / inverse
        };
        Ok((0..patches.places()).map(harmonic).collect())
    }

    fn features(&self) -> usize {
        2
    }
}

impl Words {
    fn each(&self, features: &[f32], dim: usize) -> Vec<f32> {
        features.chunks_exact(dim.max(1)).map(|feature| self.probability(feature)).collect()
    }
}

/// Of every place, the harmonic mean over the windows that it lies in (WinCLIP, equation 4).
fn harmonic_over_windows(probabilities: &[f32], side: usize, (rows, columns): (usize, usize)) -> Vec<f32> {
    let (mut inverses, mut counts) = (vec![0.0; rows * columns], vec![0.0; rows * columns]);
    let across = columns + 1 - side;
    for (at, probability) in probabilities.iter().enumerate() {
        let (top, left) = (at / across, at % across);
        for place in (0..side * side).map(|inside| (top + inside / side) * columns + left + inside % side) {
            inverses[place] += 1.0 / probability.max(LEAST);
            counts[place] += 1.0;
        }
    }
    inverses.iter().zip(&counts).map(|(inverse, count): (&f32, &f32)| count / inverse.max(f32::MIN_POSITIVE)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_harmonic_mean_of_its_windows() {
        let means = harmonic_over_windows(&[0.5, 0.25], 2, (2, 3));
        assert_eq!(means, [0.5, 2.0 / 6.0, 0.25, 0.5, 2.0 / 6.0, 0.25]);
    }

    #[test]
    fn every_state_is_in_every_sentence() {
        let prompts = prompts(&ANOMALOUS, "tile");
        assert_eq!(prompts.len(), 44);
        assert!(prompts.contains(&"a photo of a damaged tile.".to_owned()));
    }

    #[test]
    fn a_feature_between_both_classes_is_even() {
        let words = Words { normal: vec![1.0, 0.0], anomalous: vec![0.0, 1.0], is_learned: false };
        assert_eq!(words.probability(&[0.6, 0.6]), 0.5);
        assert!(words.probability(&[0.0, 1.0]) > 0.999);
    }
}
