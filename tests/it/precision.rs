//! Pictures in 8 bits: near those in 32, never mixed with them, and chosen library by library.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use sightline_core::engine::{Chip, Engine, Precision, SearchRequest, Settings, Subject, compare_precisions};
use sightline_core::jobs::Ticker;
use sightline_core::models::{Checkpoint, Encoder, load};

use super::home::Home;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/fixtures")
}

fn model(case: &str) -> PathBuf {
    fixtures().join("checkpoints").join(case)
}

fn encoder(case: &str) -> Box<dyn Encoder> {
    load(&Checkpoint::from_folder(model(case))).unwrap()
}

/// The smallest cosine between rows of the same place.
fn least_cosine(a: &Tensor, b: &Tensor) -> f32 {
    let rows = |of: &Tensor| of.to_vec2::<f32>().unwrap();
    let cosine = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    rows(a).iter().zip(&rows(b)).map(cosine).fold(1.0, f32::min)
}

#[test]
fn every_transformer_in_8_bits_stays_near_itself() {
    let cases = ["clip_hf_quickgelu", "open_clip_vit", "dinov2_registers_hf", "dinov2_swiglu_hf", "siglip_hf"];
    for case in cases {
        let expected = fixtures().join("expected").join(format!("{case}.safetensors"));
        let pixels = &candle_core::safetensors::load(expected, &Device::Cpu).unwrap()["pixels"];
        let (full, mut int8) = (encoder(case), encoder(case));
        int8.quantise().unwrap();
        let embed = |encoder: &dyn Encoder| encoder.image_tower().unwrap().embed(pixels).unwrap();
        let least = least_cosine(&embed(&*full), &embed(&*int8));
        assert!(least > 0.99 && least < 1.0, "{case}: {least}");
        assert_eq!(int8.identity().id, full.identity().id);
        assert_ne!(int8.identity(), full.identity());
    }
}

#[test]
fn a_convolutional_tower_says_that_8_bits_bring_it_nothing() {
    let mut encoder = encoder("open_clip_resnet");
    let before = encoder.identity().clone();
    let message = encoder.quantise().unwrap_err().to_string();
    assert!(message.contains("32 bits only"), "{message}");
    assert_eq!(encoder.identity(), &before);
}

impl Home {
    fn settings(&self, precision: Precision) -> Settings {
        Settings {
            library: self.library(),
            model: Some(model("clip_hf_quickgelu").to_str().unwrap().to_owned()),
            precision,
        }
    }

    fn indexed(&self, precision: Precision) -> Engine {
        let engine = Engine::open(self.settings(precision)).unwrap();
        engine.index(&[self.pictures()], &Ticker::silent()).unwrap();
        engine
    }
}

#[test]
fn a_library_stays_in_the_precision_that_it_was_indexed_in() {
    let home = Home::with_pictures(6);
    drop(home.indexed(Precision::Int8));
    let engine = Engine::open(home.settings(Precision::Auto)).unwrap();
    assert_eq!(engine.precision(), Precision::Int8);
    let path = home.pictures().join("003.png");
    let chip = Chip { subject: Subject::Picture { path: path.clone(), region: None }, weight: 1.0 };
    let report = engine.search(&SearchRequest { chips: vec![chip], limit: 1, ..SearchRequest::default() }).unwrap();
    assert_eq!(report.path(&report.hits[0]), path);
    // The vectors are kept in 16 bits.
    assert!((report.hits[0].score - 1.0).abs() < 1e-3, "{}", report.hits[0].score);
}

#[test]
fn vectors_of_two_precisions_are_never_mixed() {
    let home = Home::with_pictures(5);
    let full = home.indexed(Precision::F32);
    let int8 = full.with_precision(Precision::Int8).unwrap();
    assert!(int8.snapshot().entries.iter().all(|entry| entry.row.is_none()));
    assert_eq!(int8.index(&[], &Ticker::silent()).unwrap().indexed, 5);
    assert!(int8.snapshot().entries.iter().all(|entry| entry.row.is_some()));
    // The built-in model knows no 8 bits, and can be chosen all the same.
    assert_eq!(int8.with_model("starter").unwrap().precision(), Precision::F32);
    // Back again, nothing is left to do: both are kept.
    let back = int8.with_precision(Precision::F32).unwrap();
    assert_eq!(back.index(&[], &Ticker::silent()).unwrap().unchanged, 5);
    assert_eq!(back.with_model(back.model_id()).unwrap().precision(), Precision::F32);
}

#[test]
fn the_comparison_covers_the_library_or_a_folder() {
    let home = Home::with_pictures(5);
    fs_err::write(home.pictures().join("broken.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let engine = home.indexed(Precision::F32);
    let of_library = engine.compare_precisions(&Ticker::silent()).unwrap();
    assert_eq!((of_library.photos, of_library.failed, of_library.neighbours), (5, 0, 4));
    let of_folder = compare_precisions(&home.settings(Precision::Auto), &[home.pictures()], &Ticker::silent()).unwrap();
    assert_eq!((of_folder.photos, of_folder.failed), (5, 1));
    assert_eq!(of_folder.least_cosine, of_library.least_cosine);
    assert!(of_folder.least_cosine > 0.99 && of_folder.least_cosine <= of_folder.median_cosine, "{of_folder:?}");
    // With four neighbours of five photos, all are neighbours of all.
    assert_eq!(of_folder.kept_neighbours, 1.0);
    assert!(!of_folder.layers.is_empty() && of_folder.layers.iter().all(|layer| layer.largest > 0.0));
}
