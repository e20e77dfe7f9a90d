//! Defects by example, the simplest way: the distance of every patch to the nearest patch of a few good parts. In: the
//! parts of SIGHTLINE_DATA. Out: AUROC of parts and of pixels.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use image::imageops::{FilterType, resize};
use image::{GrayImage, ImageBuffer, Luma};
use sightline_core::engine::LoadedModel;
use sightline_core::models::PatchFeatures;
use sightline_tests::data_dir;

use super::{check_floor, model};

/// Longer side that a part is looked at with.
const SIZE: usize = 448;
/// The score of a part is the mean of so much of its patches, the worst ones.
const WORST: f64 = 0.01;
/// Steps of the histogram of pixels' scores.
const STEPS: usize = 1 << 16;

/// A part of the test set: its features, and where its defect is (none for a good one).
struct Part {
    features: PatchFeatures,
    mask: Option<PathBuf>,
    size: (u32, u32),
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn features(model: &LoadedModel, file: &Path) -> PatchFeatures {
    model.patches(file, Some(SIZE)).unwrap()
}

fn parts(model: &LoadedModel, folder: &Path) -> Vec<Part> {
    let mut parts = Vec::new();
    for kind in files_in(&folder.join("test")) {
        let masks = folder.join("ground_truth").join(kind.file_name().unwrap());
        let masks = if masks.is_dir() { files_in(&masks) } else { Vec::new() };
        for file in files_in(&kind) {
            let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
            let is_its = |mask: &&PathBuf| mask.file_name().unwrap().to_string_lossy().starts_with(&stem);
            let size = image::image_dimensions(&file).unwrap();
            parts.push(Part { features: features(model, &file), mask: masks.iter().find(is_its).cloned(), size });
        }
    }
    parts
}

/// The last layer of a tower with several, the joined stages of a convolutional one: `[patches, dim]`.
fn matrix(features: &PatchFeatures) -> Tensor {
    let count = features.rows * features.columns;
    let last = &features.values[(features.layers - 1) * count * features.dim..];
    Tensor::from_slice(last, (count, features.dim), &Device::Cpu).unwrap()
}

/// The distance of every patch to the nearest one of the bank `[n, dim]`.
fn distances(bank: &Tensor, features: &PatchFeatures) -> Vec<f32> {
    let patches = matrix(features);
    let lengths = |matrix: &Tensor| matrix.sqr().unwrap().sum_keepdim(1).unwrap();
    let products = patches.matmul(&bank.t().unwrap()).unwrap();
    let squares = (lengths(bank).t().unwrap().broadcast_sub(&(products * 2.0).unwrap())).unwrap();
    let nearest = (squares.min(1).unwrap() + lengths(&patches).squeeze(1).unwrap()).unwrap();
    nearest.relu().unwrap().sqrt().unwrap().to_vec1().unwrap()
}

fn part_score(distances: &[f32]) -> f32 {
    let mut sorted = distances.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let worst = ((sorted.len() as f64 * WORST).ceil() as usize).max(1);
    sorted[..worst].iter().sum::<f32>() / worst as f32
}

/// The chance that a defect scores above what is good, of counts by score (good, defect).
fn auroc(counts: &[(u64, u64)]) -> f64 {
    let (mut good_below, mut wins) = (0_u64, 0.0);
    for (good, bad) in counts {
        wins += *bad as f64 * (good_below as f64 + *good as f64 / 2.0);
        good_below += good;
    }
    let bad: u64 = counts.iter().map(|(_, bad)| bad).sum();
    wins / (bad as f64 * good_below as f64)
}

fn step(score: f32, most: f32) -> usize {
    ((score / most * (STEPS - 1) as f32) as usize).min(STEPS - 1)
}

/// AUROC of parts and of pixels in percent, with these references.
fn measured(parts: &[Part], references: &[PatchFeatures]) -> (f64, f64) {
    let bank = Tensor::cat(&references.iter().map(matrix).collect::<Vec<_>>(), 0).unwrap();
    let maps: Vec<Vec<f32>> = parts.iter().map(|part| distances(&bank, &part.features)).collect();
    let most = maps.iter().flatten().copied().fold(f32::MIN_POSITIVE, f32::max);
    let (mut of_parts, mut of_pixels) = (vec![(0, 0); STEPS], vec![(0, 0); STEPS]);
    for (part, map) in parts.iter().zip(&maps) {
        let place = &mut of_parts[step(part_score(map), most)];
        if part.mask.is_some() {
            place.1 += 1
        } else {
            place.0 += 1
        }
        count_pixels(part, map, most, &mut of_pixels);
    }
    (100.0 * auroc(&of_parts), 100.0 * auroc(&of_pixels))
}

/// Compares the map and the mask at the size at which the part was looked at.
fn count_pixels(part: &Part, map: &[f32], most: f32, counts: &mut [(u64, u64)]) {
    let scale = SIZE as f32 / part.size.0.max(part.size.1) as f32;
    let side = |pixels: u32| ((pixels as f32 * scale).round() as u32).max(1);
    let (width, height) = (side(part.size.0), side(part.size.1));
    let (columns, rows) = (part.features.columns as u32, part.features.rows as u32);
    // The resize clamps numbers to between 0 and 1.
    let map: Vec<f32> = map.iter().map(|score| score / most).collect();
    let map: ImageBuffer<Luma<f32>, Vec<f32>> = ImageBuffer::from_raw(columns, rows, map).unwrap();
    let map = resize(&map, width, height, FilterType::Triangle);
    let mask = part.mask.as_ref().map(|mask| image::open(mask).unwrap().into_luma8());
    let mask = mask.unwrap_or_else(|| GrayImage::new(width, height));
    let mask = resize(&mask, width, height, FilterType::Nearest);
    for (score, mask) in map.pixels().zip(mask.pixels()) {
        let place = &mut counts[step(score.0[0], 1.0)];
        if mask.0[0] > 0 { place.1 += 1 } else { place.0 += 1 }
    }
}

#[track_caller]
fn check(set: &str, floors: [(usize, f64, f64); 2]) {
    let Some(folder) = data_dir().map(|data| data.join("inspection").join(set)) else { return };
    if std::env::var_os("SLOW_TESTS").is_none() {
        println!("skipped: set SLOW_TESTS=1");
        return;
    }
    let (model, has_floor) = model();
    let parts = parts(&model, &folder);
    let good = files_in(&folder.join("train/good"));
    println!("{} parts, {} of them defective", parts.len(), parts.iter().filter(|part| part.mask.is_some()).count());
    for (count, of_parts, of_pixels) in floors {
        let references: Vec<PatchFeatures> = good[..count].iter().map(|file| features(&model, file)).collect();
        let (parts, pixels) = measured(&parts, &references);
        check_floor(&format!("{set}, {count} references: AUROC of parts"), parts, of_parts, has_floor);
        check_floor(&format!("{set}, {count} references: AUROC of pixels"), pixels, of_pixels, has_floor);
    }
}

#[test]
fn defects_of_macaroni_are_found() {
    check("macaroni1", [(1, 50.0, 70.0), (4, 50.0, 70.0)]);
}

#[test]
fn defects_of_tiles_are_found() {
    check("magnetic_tile", [(1, 45.0, 45.0), (4, 45.0, 45.0)]);
}

#[test]
fn auroc_is_that_of_the_definition() {
    // Good 1 and 3, bad 2 and 3: of four pairs the bad one is above in two, and level in one.
    assert_eq!(auroc(&[(0, 0), (1, 0), (0, 1), (1, 1)]), 2.5 / 4.0);
}
