//! How good the built-in model is, measured through the program itself: the figures of its card, with floors a little
//! under them. In: SIGHTLINE_DATA; SIGHTLINE_MODEL names another model to print the figures of. Out: figures and floors.

mod inspection;
mod retrieval;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Rgb, RgbImage};
use sightline_core::engine::{LoadedModel, Precision, Settings};
use sightline_core::media::{Limits, decode_bytes};
use sightline_core::models::UnitVector;

/// The model that is measured, and whether it is the built-in one: only that has floors.
fn model() -> (LoadedModel, bool) {
    let model = std::env::var("SIGHTLINE_MODEL").ok();
    let is_starter = model.is_none();
    // No library is opened: the folder is never made.
    let library = PathBuf::from("no library");
    (LoadedModel::open(&Settings { library, model, precision: Precision::Auto }).unwrap(), is_starter)
}

/// Rows of a table with a first line of names.
pub(super) fn rows(table: &std::path::Path) -> Vec<Vec<String>> {
    let text = fs_err::read_to_string(table).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Prints a figure in percent beside its floor, and holds the built-in model to it.
#[track_caller]
fn check_floor(what: &str, percent: f64, floor: f64, has_floor: bool) {
    println!("{what}: {percent:.1} % (floor {floor} %)");
    assert!(!has_floor || percent >= floor, "{what}: {percent:.1} % where {floor} % is the least");
}

fn disc(inside: Rgb<u8>) -> RgbImage {
    RgbImage::from_fn(160, 120, |x, y| {
        let (across, down) = (x as f32 - 80.0, y as f32 - 60.0);
        if across.hypot(down) < 40.0 { inside } else { Rgb([250, 250, 250]) }
    })
}

fn square(inside: Rgb<u8>) -> RgbImage {
    let is_inside = |x: u32, y: u32| (40..120).contains(&x) && (20..100).contains(&y);
    RgbImage::from_fn(160, 120, |x, y| if is_inside(x, y) { inside } else { Rgb([250, 250, 250]) })
}

fn gradient() -> RgbImage {
    RgbImage::from_fn(160, 120, |x, y| Rgb([x as u8, y as u8 * 2, 255 - x as u8]))
}

fn embedded(model: &LoadedModel, picture: &RgbImage) -> UnitVector {
    model.embed_picture(picture, None).unwrap()
}

#[test]
fn pictures_of_no_use_still_have_a_direction() {
    let (model, _) = model();
    let grey = Rgb([128, 128, 128]);
    for (width, height) in [(160, 120), (1, 1), (1, 3000), (3000, 2), (5000, 4000)] {
        let vector = embedded(&model, &RgbImage::from_pixel(width, height, grey));
        let length: f32 = vector.as_slice().iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-4, "{width} × {height}: {length}");
    }
}

#[test]
fn pictures_that_look_alike_lie_together() {
    let (model, _) = model();
    let red = embedded(&model, &disc(Rgb([220, 20, 30])));
    let same = embedded(&model, &disc(Rgb([215, 24, 34])));
    for other in [square(Rgb([20, 40, 220])), gradient()] {
        assert!(red.cosine(&same) > red.cosine(&embedded(&model, &other)));
    }
}

#[test]
fn pictures_embedded_together_are_as_each_alone() {
    let (model, _) = model();
    let pictures = [disc(Rgb([220, 20, 30])), square(Rgb([20, 40, 220])), gradient()];
    let encoder = model.encoder();
    let prepared: Vec<RgbImage> = pictures.iter().map(|picture| encoder.prepare(picture).unwrap()).collect();
    let together = encoder.embed_pictures(&prepared).unwrap();
    for (vector, alone) in together.iter().zip(&prepared) {
        let alone = encoder.embed_pictures(std::slice::from_ref(alone)).unwrap().remove(0);
        assert!(vector.cosine(&alone) > 0.9999, "{}", vector.cosine(&alone));
    }
}

#[test]
fn a_photo_decoded_smaller_has_nearly_the_same_vector() {
    let (model, is_starter) = model();
    let grain = |x: u32, y: u32| (x.wrapping_mul(31) ^ y.wrapping_mul(17)) % 24;
    let large = image::imageops::resize(&disc(Rgb([200, 60, 30])), 2000, 1500, image::imageops::FilterType::Triangle);
    let large = RgbImage::from_fn(2000, 1500, |x, y| {
        Rgb(large.get_pixel(x, y).0.map(|value| value.saturating_sub((grain(x, y) + x / 20) as u8)))
    });
    let mut jpeg = std::io::Cursor::new(Vec::new());
    large.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let jpeg: Arc<[u8]> = jpeg.into_inner().into();
    let enough = model.encoder().preprocessing().enough();
    let decoded = |enough| {
        let limits = Limits { enough, ..Limits::default() };
        decode_bytes(Path::new("large.jpg"), Arc::clone(&jpeg), &limits).unwrap().picture
    };
    let (whole, smaller) = (decoded(None), decoded(enough));
    assert!(smaller.width() < whole.width(), "{}", smaller.width());
    let cosine = embedded(&model, &whole).cosine(&embedded(&model, &smaller));
    assert!(!is_starter || cosine > 0.995, "{cosine}");
}

/// What the built-in model gave when it was committed. `UPDATE_GOLDEN=1 cargo test --workspace --test it starter` writes it
/// anew: only with another model.
#[test]
fn three_pictures_have_the_vectors_that_they_had() {
    let (model, is_starter) = model();
    if !is_starter {
        return;
    }
    let pictures =
        [("red disc", disc(Rgb([220, 20, 30]))), ("blue square", square(Rgb([20, 40, 220]))), ("gradient", gradient())];
    let found: BTreeMap<&str, UnitVector> =
        pictures.into_iter().map(|(name, picture)| (name, embedded(&model, &picture))).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/starter/golden.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        let digits = |vector: &UnitVector| -> Vec<f64> {
            vector.as_slice().iter().map(|value| (f64::from(*value) * 1e4).round() / 1e4).collect()
        };
        let golden: BTreeMap<&str, Vec<f64>> = found.iter().map(|(name, vector)| (*name, digits(vector))).collect();
        fs_err::write(&file, serde_json::to_string(&golden).unwrap() + "\n").unwrap();
    }
    let golden: BTreeMap<String, Vec<f32>> = serde_json::from_slice(&fs_err::read(file).unwrap()).unwrap();
    assert_eq!(golden.len(), found.len());
    for (name, vector) in found {
        // Four digits are kept; processors differ in the last ones of f32.
        let most = vector.as_slice().iter().zip(&golden[name]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(vector.as_slice().len() == golden[name].len() && most < 5e-4, "{name}: {most}");
    }
}
