//! What 8 bits would change for this person's own photos. In: some of the photos. Out: how near the vectors stay, how many
//! neighbours stay the same, how fast both are, and which layers hold outliers. Changes nothing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use image::RgbImage;

use super::agreement::Agreement;
use super::request::{Precision, Settings};
use super::{Engine, model, pictures_in};
use crate::error::{Error, Result};
use crate::jobs::{self, Job, Ticker, Wake};
use crate::media::{self, Limits};
use crate::models::{Encoder, PatchFeatures, UnitVector};

/// Photos that are compared: enough for neighbours to mean something, few enough to wait for.
const SAMPLE: usize = 100;
/// Photos whose layers are looked at.
const LOOKED_INTO: usize = 8;
/// A layer with a kurtosis over this has outliers. The measure is that of Bondarenko et al. 2023; the limit is our own, far
/// above the 3 of a normal distribution.
const OUTLIERS: f64 = 100.0;

/// How a model's vectors in 8 bits differ from those in 32.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PrecisionReport {
    /// The model's id.
    pub model: String,
    /// How many photos were compared.
    pub photos: usize,
    /// How many of the chosen files could not be used.
    pub failed: usize,
    /// The smallest cosine between a photo's two vectors.
    pub least_cosine: f32,
    /// The median of the cosines.
    pub median_cosine: f32,
    /// How many neighbours of each photo were looked at; 0 with one photo alone.
    pub neighbours: usize,
    /// The share of them, 0 to 1, that are neighbours in both precisions.
    pub kept_neighbours: f64,
    /// Photos embedded a second in 32 bits.
    pub f32_per_second: f64,
    /// Photos embedded a second in 8 bits.
    pub int8_per_second: f64,
    /// What the model's layers hold, in 32 bits.
    pub layers: Vec<LayerRange>,
}

/// The numbers that one layer (a block of the image tower) gives.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct LayerRange {
    /// Which one, from 1.
    pub layer: usize,
    /// The largest magnitude in a photo, averaged over photos.
    pub largest: f64,
    /// The fourth moment over the square of the second: 3 for a normal distribution.
    pub kurtosis: f64,
    /// Whether a few numbers are so much larger than the rest that 8 bits are too coarse for the rest.
    pub has_outliers: bool,
}

impl Engine {
    /// Compares both precisions of the library's model on photos spread over the library. Loads the model twice and embeds
    /// up to 100 photos twice: call it from a worker.
    ///
    /// # Errors
    /// A library without photos that are here, a model for which 8 bits bring nothing, [`Error::Cancelled`].
    pub fn compare_precisions(&self, ticker: &Ticker) -> Result<PrecisionReport> {
        let snapshot = self.snapshot();
        let here = snapshot.entries.iter().filter(|entry| !entry.is_offline);
        let files: Vec<PathBuf> = here.map(|entry| entry.path.clone()).collect();
        let settings = Settings { model: Some(self.model_id().to_owned()), ..self.shared.settings.clone() };
        compare_files(&settings, &files, ticker)
    }

    /// [`Engine::compare_precisions`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_compare_precisions(&self, wake: Wake) -> Result<Job<PrecisionReport>> {
        let engine = self.clone();
        jobs::spawn("precision", wake, move |ticker: &Ticker| engine.compare_precisions(ticker))
    }
}

/// [`Engine::compare_precisions`] with pictures of these folders, in the library or not.
///
/// # Errors
/// As there; a folder that cannot be read.
pub fn compare_precisions(settings: &Settings, folders: &[PathBuf], ticker: &Ticker) -> Result<PrecisionReport> {
    compare_files(settings, &pictures_in(folders)?, ticker)
}

fn compare_files(settings: &Settings, files: &[PathBuf], ticker: &Ticker) -> Result<PrecisionReport> {
    ticker.phase("Loading the model");
    let name = model::chosen_name(settings)?;
    let load = |precision| model::load(&name, precision, &settings.library);
    let (full, int8) = (load(Precision::F32)?, load(Precision::Int8)?);
    ticker.phase("Comparing");
    let sample = spread(files);
    ticker.expect(sample.len());
    let mut compared = Compared::default();
    for batch in sample.chunks(full.batch_size()) {
        compared.add(batch, &*full, &*int8)?;
        ticker.tick(batch.len())?;
    }
    compared.report(&full.identity().id)
}

/// Up to [`SAMPLE`] of the files, from everywhere among them.
fn spread(files: &[PathBuf]) -> Vec<&PathBuf> {
    let count = files.len().min(SAMPLE);
    (0..count).map(|at| &files[at * files.len() / count]).collect()
}

/// What was found so far.
#[derive(Default)]
struct Compared {
    full: Vec<UnitVector>,
    int8: Vec<UnitVector>,
    failed: usize,
    full_time: Duration,
    int8_time: Duration,
    layers: Vec<Moments>,
    looked_into: usize,
}

impl Compared {
    fn add(&mut self, files: &[&PathBuf], full: &dyn Encoder, int8: &dyn Encoder) -> Result<()> {
        let mut prepared: Vec<RgbImage> = Vec::with_capacity(files.len());
        for file in files {
            match media::decode(file, &Limits::default()).and_then(|decoded| full.prepare(&decoded.picture)) {
                Ok(picture) => prepared.push(picture),
                Err(error) => {
                    tracing::debug!(%error, "left out of the comparison");
                    self.failed += 1;
                }
            }
        }
        self.full.extend(timed(&mut self.full_time, || full.embed_pictures(&prepared))?);
        self.int8.extend(timed(&mut self.int8_time, || int8.embed_pictures(&prepared))?);
        for picture in prepared.iter().take(LOOKED_INTO - self.looked_into) {
            self.look_into(&full.patch_features(picture, None)?);
        }
        Ok(())
    }

    fn look_into(&mut self, features: &PatchFeatures) {
        self.layers.resize_with(features.layers, Moments::default);
        for (layer, values) in
            self.layers.iter_mut().zip(features.values.chunks_exact(features.values.len() / features.layers))
        {
            layer.add(values);
        }
        self.looked_into += 1;
    }

    fn report(self, model: &str) -> Result<PrecisionReport> {
        let nothing = || Error::bad_request("there is no photo to compare with", "index a folder, or name one");
        let agreement = Agreement::of(&self.full, &self.int8).ok_or_else(nothing)?;
        let Agreement { photos, least_cosine, median_cosine, neighbours, kept_neighbours } = agreement;
        let rate = |time: Duration| photos as f64 / time.as_secs_f64().max(1e-9);
        let layers = self.layers.iter().enumerate();
        Ok(PrecisionReport {
            model: model.to_owned(),
            photos,
            failed: self.failed,
            least_cosine,
            median_cosine,
            neighbours,
            kept_neighbours,
            f32_per_second: rate(self.full_time),
            int8_per_second: rate(self.int8_time),
            layers: layers.map(|(at, moments)| moments.range(at + 1)).collect(),
        })
    }
}

fn timed<T>(time: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *time += started.elapsed();
    done
}

/// Sums of powers of a layer's numbers.
#[derive(Debug, Clone, Default)]
struct Moments {
    photos: usize,
    numbers: f64,
    largest: f64,
    /// Σ x, Σ x², Σ x³, Σ x⁴.
    sums: [f64; 4],
}

impl Moments {
    /// The numbers of one more photo.
    fn add(&mut self, values: &[f32]) {
        self.photos += 1;
        self.numbers += values.len() as f64;
        self.largest += f64::from(values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs())));
        for value in values.iter().map(|value| f64::from(*value)) {
            let square = value * value;
            for (sum, power) in self.sums.iter_mut().zip([value, square, square * value, square * square]) {
                *sum += power;
            }
        }
    }

    fn range(&self, layer: usize) -> LayerRange {
        let [mean, second, third, fourth] = self.sums.map(|sum| sum / self.numbers.max(1.0));
        let variance = second - mean * mean;
        let central = fourth - 4.0 * mean * third + 6.0 * mean * mean * second - 3.0 * mean.powi(4);
        let kurtosis = if variance > 0.0 { central / (variance * variance) } else { 0.0 };
        let largest = self.largest / self.photos.max(1) as f64;
        LayerRange { layer, largest, kurtosis, has_outliers: kurtosis > OUTLIERS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_outlier_raises_the_flag_of_its_layer_alone() {
        let plain: Vec<f32> = (0..4000).map(|at| (at as f32 * 0.7).sin()).collect();
        let mut planted = plain.clone();
        planted.iter_mut().step_by(1000).for_each(|value| *value = 60.0);
        let values = [plain, planted].concat();
        let mut compared = Compared::default();
        compared.look_into(&PatchFeatures { layers: 2, rows: 2, columns: 2, dim: 1000, values });
        let ranges: Vec<LayerRange> =
            compared.layers.iter().enumerate().map(|(at, layer)| layer.range(at + 1)).collect();
        assert!(!ranges[0].has_outliers && ranges[1].has_outliers, "{ranges:?}");
        // A sine's kurtosis is 1.5.
        assert!((ranges[0].kurtosis - 1.5).abs() < 0.01 && ranges[1].largest == 60.0, "{ranges:?}");
    }

    #[test]
    fn a_sample_comes_from_everywhere() {
        let files: Vec<PathBuf> = (0..250).map(|at| PathBuf::from(at.to_string())).collect();
        let sample = spread(&files);
        assert_eq!((sample.len(), sample[1], sample[99]), (100, &files[2], &files[247]));
        assert_eq!(spread(&files[..3]).len(), 3);
        assert!(spread(&[]).is_empty());
    }

    #[test]
    fn without_a_photo_there_is_nothing_to_say() {
        let message = Compared::default().report("model").unwrap_err().to_string();
        assert!(message.contains("no photo"), "{message}");
    }
}
