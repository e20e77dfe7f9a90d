//! Methods and metrics of inspection against scikit-learn, scipy and torch (tests/parity/inspection.py). In: the tokens of a
//! tiny random checkpoint, arrays of a formula. Out: methods differ by no more than 1e-4 of the largest score, metrics by
//! no more than 1e-6.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};
use serde_json::Value;
use sightline_core::anomaly::{Defects, Patches, Peers, Ranking, Settings, Truth, method, rescored};
use sightline_core::models::{
    Checkpoint, Encoder, LearnedPrompts, ModelIdentity, PatchFeatures, Preprocessing, TextTokenizer, UnitVector, load,
};
use sightline_core::{Error, Result};

const CASE: &str = "clip_hf_quickgelu";

fn parity() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("parity")
}

fn expected() -> Value {
    serde_json::from_slice(&fs_err::read(parity().join("inspection.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn fixture() -> HashMap<String, Tensor> {
    let path = parity().join("fixtures/expected").join(format!("{CASE}.safetensors"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

/// The tiny checkpoint, and what stands for its patch features: a picture of width n + 1 is the n-th part.
struct Tiny {
    encoder: Box<dyn Encoder>,
    parts: Vec<Vec<f32>>,
}

impl Tiny {
    fn new() -> Self {
        let encoder = load(&Checkpoint::from_folder(parity().join("fixtures/checkpoints").join(CASE))).unwrap();
        let fixture = fixture();
        let part = |at: usize| -> Vec<f32> {
            let layer = |name: &str| {
                let tokens = fixture[name].get(at).unwrap();
                tokens.narrow(0, 1, 16).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
            };
            [layer("tokens.0"), layer("tokens.1")].concat()
        };
        let (one, two) = (part(0), part(1));
        let mixed = |mix: fn(f32, f32) -> f32| one.iter().zip(&two).map(|(a, b)| mix(*a, *b)).collect();
        let (mean, difference) = (mixed(|a, b| (a + b) / 2.0), mixed(|a, b| a - b));
        Self { encoder, parts: vec![one, two, mean, difference] }
    }
}

impl Encoder for Tiny {
    fn identity(&self) -> &ModelIdentity {
        self.encoder.identity()
    }
    fn preprocessing(&self) -> &Preprocessing {
        self.encoder.preprocessing()
    }
    fn dim(&self) -> usize {
        self.encoder.dim()
    }
    fn embed_pictures(&self, prepared: &[RgbImage]) -> Result<Vec<UnitVector>> {
        self.encoder.embed_pictures(prepared)
    }
    fn embed_texts(&self, texts: &[&str]) -> Result<Vec<UnitVector>> {
        self.encoder.embed_texts(texts)
    }
    fn embed_learned(&self, prompts: &LearnedPrompts) -> Result<[UnitVector; 2]> {
        self.encoder.embed_learned(prompts)
    }
    fn tokenizer(&self) -> Option<&TextTokenizer> {
        self.encoder.tokenizer()
    }
    fn patch_features(&self, picture: &RgbImage, _: Option<usize>) -> Result<PatchFeatures> {
        let values = self.parts[picture.width() as usize - 1].clone();
        Ok(PatchFeatures { layers: 2, rows: 4, columns: 4, dim: values.len() / 32, values })
    }
}

#[track_caller]
fn check_near(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-6_f32, |most, value| most.max(value.abs()));
    let differs = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(differs <= tolerance * largest, "{what} differs by {differs} of {largest}");
}

#[track_caller]
fn check_method(name: &str, neighbourhood: usize, taught: &[u32], key: &str) {
    let tiny = Tiny::new();
    let settings = Settings { method: name.into(), layers: vec![0, 1], neighbourhood, ..Settings::default() };
    let method = method(name).unwrap();
    let see = |part: u32| method.see(&tiny, &RgbImage::new(part + 1, 1), &settings).unwrap();
    let parts: Vec<Patches> = taught.iter().enumerate().map(|(at, part)| see(*part).of_part(at, 0)).collect();
    let memory = method.learn(&tiny, &parts, &settings).unwrap();
    let found = memory.scores(&see(1), None).unwrap();
    check_near(name, &found, &numbers(&expected()[key]), 1e-4);
}

#[test]
fn distances_to_the_nearest_patch_are_those_of_scikit_learn() {
    check_method("patch-knn", 1, &[0, 2], "patch_knn");
    check_method("patch-knn", 3, &[0, 2], "patch_knn_3");
}

#[test]
fn mahalanobis_distances_are_those_of_scipy() {
    check_method("mahalanobis", 1, &[0, 2], "mahalanobis");
}

#[test]
fn the_rest_beside_the_main_directions_is_that_of_scikit_learn() {
    check_method("subspace", 1, &[0, 2], "subspace");
}

#[test]
fn the_sparse_lookup_is_that_of_the_reference() {
    check_method("dictionary", 3, &[0, 2], "dictionary");
}

#[test]
fn mutual_scores_are_those_of_the_reference() {
    check_method("mutual", 1, &[0, 2, 3], "mutual");
}

#[test]
fn a_parts_likes_have_the_say_that_the_reference_gives_them() {
    let vector = |at: f64| {
        let numbers = [(3.0 * at + 1.0).sin(), (5.0 * at + 2.0).cos(), 1.5 + (7.0 * at).sin()];
        UnitVector::normalised(numbers.map(|number| number as f32).to_vec()).unwrap()
    };
    let scores: Vec<f32> = (0..7_u8).map(|at| f32::from((u16::from(at) * 37 % 11) as u8) / 11.0 + 0.1).collect();
    let peers = Peers::new((0..7_u8).map(|at| vector(f64::from(at))).collect(), scores.clone());
    let found: Vec<f32> = scores.iter().zip(peers.of_each()).map(|(score, peers)| rescored(*score, &peers)).collect();
    check_near("rescored", &found, &numbers(&expected()["rescored"]), 1e-5);
}

/// Random weights tell parts apart as little as a sieve, but what is pasted in stands out from what was there.
#[test]
fn a_pasted_defect_is_found_even_with_random_weights() {
    let encoder = Tiny::new().encoder;
    let good = RgbImage::from_fn(96, 64, |x, y| Rgb([(x * 2) as u8, (y * 3) as u8, ((x + y) % 7 * 9) as u8]));
    let is_defect = |x: u32, y: u32| (36..60).contains(&x) && (20..44).contains(&y);
    let mut bad = good.clone();
    for (x, y, pixel) in bad.enumerate_pixels_mut() {
        if is_defect(x, y) {
            *pixel = Rgb([(x * 37 % 251) as u8, (y * 91 % 241) as u8, 230]);
        }
    }
    let settings = Settings { sizes: vec![96], ..Settings::default() };
    let method = method("patch-knn").unwrap();
    let memory = method.learn(&*encoder, &[method.see(&*encoder, &good, &settings).unwrap()], &settings).unwrap();
    let seen = method.see(&*encoder, &bad, &settings).unwrap();
    let scores = memory.scores(&seen, None).unwrap();
    let middle = |at: usize, len: usize, side: u32| ((at as f32 + 0.5) * side as f32 / len as f32) as u32;
    let truth: Vec<bool> = (0..scores.len())
        .map(|at| is_defect(middle(at % seen.columns, seen.columns, 96), middle(at / seen.columns, seen.rows, 64)))
        .collect();
    let mut ranking = Ranking::of_defects(
        scores.iter().zip(&truth).filter(|(_, is_defect)| **is_defect).map(|(score, _)| (*score, 1.0)).collect(),
    );
    let mut rest: Vec<f32> = scores.iter().zip(&truth).filter(|(_, bad)| !**bad).map(|(score, _)| *score).collect();
    ranking.add_good(&mut rest);
    assert!(ranking.auroc().unwrap() > 0.95, "{:?}", ranking.auroc());
}

#[test]
fn features_for_words_are_those_of_the_reference() {
    let (tiny, expected) = (Tiny::new(), expected());
    let tower = tiny.encoder.image_tower().unwrap();
    let pixels = fixture()["pixels"].narrow(0, 0, 1).unwrap();
    let numbers_of = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let patches = numbers_of(tower.word_patches(&pixels).unwrap().unwrap());
    check_near("word_patches", &patches, &numbers(&expected["word_patches"]), 1e-4);
    for side in [2_u32, 3] {
        let tops = 5 - side;
        let window = |at: u32| (0..side * side).map(|i| (at / tops + i / side) * 4 + at % tops + i % side).collect();
        let windows: Vec<Vec<u32>> = (0..tops * tops).map(window).collect();
        let found = numbers_of(tower.embed_windows(&pixels, &windows).unwrap().unwrap());
        check_near("windows", &found, &numbers(&expected[format!("windows_{side}")]), 1e-4);
    }
}

#[test]
fn zero_shot_scores_every_patch_of_any_picture() {
    let tiny = Tiny::new();
    let picture = RgbImage::from_fn(40, 24, |x, y| Rgb([x as u8 * 6, y as u8 * 9, 90]));
    let settings = Settings { method: "zero-shot".into(), sizes: vec![20], ..Settings::default() };
    let method = method("zero-shot").unwrap();
    let seen = method.see(&*tiny.encoder, &picture, &settings).unwrap();
    let memory = method.learn(&*tiny.encoder, &[], &settings).unwrap();
    let scores = memory.scores(&seen, None).unwrap();
    assert_eq!(scores.len(), seen.rows * seen.columns);
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
    let no_words = method.see(&tiny, &picture, &settings).unwrap_err();
    assert!(matches!(no_words, Error::BadRequest { .. }), "{no_words}");
}

#[test]
fn learnt_prompts_are_embedded_as_by_the_reference() {
    let tiny = Tiny::new();
    let prompts = LearnedPrompts::read(&parity().join("fixtures/learned_prompts.pth")).unwrap();
    let rows = [vec![0, 40, 40, 40, 71, 13, 2], vec![0, 40, 40, 40, 99, 71, 13, 2]];
    let found = tiny.encoder.text_tower().unwrap().embed_learned(&rows, &prompts).unwrap().unwrap();
    let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    check_near("learned", &found, &numbers(&expected()["learned"]), 1e-4);
}

#[test]
fn zero_shot_takes_learnt_prompts_from_their_file() {
    let tiny = Tiny::new();
    let picture = RgbImage::from_fn(40, 24, |x, y| Rgb([x as u8 * 6, y as u8 * 9, 90]));
    let prompts = Some(parity().join("fixtures/learned_prompts.pth"));
    let settings = Settings { method: "zero-shot".into(), sizes: vec![20], prompts, ..Settings::default() };
    let method = method("zero-shot").unwrap();
    let seen = method.see(&*tiny.encoder, &picture, &settings).unwrap();
    let scores =
        |settings: &Settings| method.learn(&*tiny.encoder, &[], settings).and_then(|memory| memory.scores(&seen, None));
    let learnt = scores(&settings).unwrap();
    assert!(learnt.iter().all(|score| (0.0..=1.0).contains(score)));
    assert_ne!(learnt, scores(&Settings { prompts: None, ..settings.clone() }).unwrap());
    let gone = scores(&Settings { prompts: Some("gone.pth".into()), ..settings }).unwrap_err().to_string();
    assert!(gone.contains("gone.pth"), "{gone}");
}

/// The arrays of inspection.py: six parts of 24 by 32 pixels.
fn truths() -> Vec<(Vec<f32>, Vec<bool>)> {
    let part = |part: i64| {
        let is_defect = |x: i64, y: i64| {
            let disc = (x - 5 - part).pow(2) + (y - 8).pow(2) < 4 + 3 * part;
            part % 3 != 0 && (disc || (x > 22 && y > 19 - part) || (y == part && x == part + 20))
        };
        let place = |at: i64| (at % 32, at / 32);
        let score = |(x, y): (i64, i64)| {
            let noise = ((x * 7 + y * 13 + part * 29 + x * y) % 97) as f64 / 97.0;
            let raised = if is_defect(x, y) { 0.35 * (1 + part % 2) as f64 } else { 0.0 };
            (((noise + raised) * 100.0).round_ties_even() / 100.0) as f32
        };
        let places = || (0..24 * 32).map(place);
        (places().map(score).collect(), places().map(|(x, y)| is_defect(x, y)).collect())
    };
    (0..6).map(part).collect()
}

#[test]
fn metrics_are_those_of_scikit_learn_and_of_the_sorted_evaluation() {
    let (truths, expected) = (truths(), &expected()["metrics"]);
    let truth = |(scores, is_defect): &'static (Vec<f32>, Vec<bool>)| Truth { scores, is_defect, width: 32 };
    let truths: &'static [_] = Box::leak(truths.into_boxed_slice());
    let mut defects = Defects::default();
    truths.iter().for_each(|part| defects.add(&truth(part)));
    let mut pixels = defects.second_pass(2);
    // The order of parts does not matter.
    truths.iter().rev().for_each(|part| pixels.add(&truth(part)));
    let figures = pixels.figures().unwrap();
    let found = [
        ("auroc", Some(figures.auroc)),
        ("ap", Some(figures.ap)),
        ("f1", Some(figures.f1)),
        ("threshold", Some(f64::from(figures.threshold))),
        ("aupro", pixels.aupro(0.3)),
        ("aupro_05", pixels.aupro(0.05)),
        ("aupimo", pixels.aupimo((0.01, 0.1))),
    ];
    for (name, found) in found {
        let (found, expected) = (found.unwrap(), expected[name].as_f64().unwrap());
        assert!((found - expected).abs() < 1e-6, "{name}: {found} where {expected} is expected");
    }
}
